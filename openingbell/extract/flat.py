"""Answers of rows that are all spelled alike, taken apart at once: bars and yields, many and flat. Pure.

The JSON module makes an object of every value, and that is what it takes its time for. Here all commas of the body are
found at once, and what stands between the values must be the first row's keys, row after row. What is not exactly so is
left to the JSON module: of what both understand they say the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openingbell.landing.lines import Lines

Signs = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

TEXTS = ("symbol", "date")
"""What may be text, in every row as long as in the first; all else must be numbers."""
FIELD = re.compile(rb'(\{?[ \t\r\n]*"(\w+)"[ \t\r\n]*:[ \t\r\n]*"?)[^"{}]+?("?[ \t\r\n]*\}?)')
PIECE = 1 << 18
"""Signs that are taken apart at once: they and what is counted of them stay near the processor."""
BLANKS = b" \t\r\n"
GAP = re.compile(rb",([ \t\r\n]*)")
COMMA, NEWLINE, QUOTE, DOT, MINUS, ZERO = map(ord, ',\n".-0')


@dataclass(frozen=True)
class _Row:
    """How rows are spelled: their names, what stands before and behind each value, and the blanks before the first row
    and before each other one.
    """

    names: tuple[str, ...]
    before: tuple[bytes, ...]
    behind: tuple[bytes, ...]
    blanks: tuple[bytes, bytes]

    @property
    def are_texts(self) -> list[bool]:
        """Of each field whether it is text."""
        return [before.endswith(b'"') for before in self.before]

    def between(self, rows: int) -> bytes:
        """What so many rows have around their values, but for the sign behind each value."""
        ends = [(behind + b",")[1:] for behind in self.behind]
        inside = b"".join(end + before for end, before in zip(ends[:-1], self.before[1:], strict=True))
        first, other = (blanks + self.before[0] + inside for blanks in self.blanks)
        return b"[" + first + (ends[-1] + other) * (rows - 1)

    def gaps(self, rows: int) -> Counts:
        """How many signs so many rows have before each value: behind the comma, or at the very first the bracket."""
        gaps = np.tile([len(before) for before in self.before], (rows, 1))
        gaps[0, 0] += len(self.blanks[0])
        gaps[1:, 0] += len(self.blanks[1])
        return gaps


def flat_rows(body: bytes) -> Lines | None:
    """The rows of an answer, in the vendor's order and spelling; None where the JSON module has to be asked."""
    body = body.strip(BLANKS)
    parts: list[Lines] = []
    begin = 0
    while begin < len(body) - 1:
        end = body.find(b"}", begin + PIECE) + 1 or len(body) - 1
        part = _flat(b"[" + body[begin + 1 : end] + b"]")
        if part is None or part.names != (parts or [part])[0].names:
            return None
        parts.append(part)
        begin = end
    return _together(parts) if body[:1] + body[-1:] == b"[]" and parts else None


def _together(parts: list[Lines]) -> Lines:
    sizes = np.cumsum([0, *(len(part.text) for part in parts)])
    stops = [part.stops + size for part, size in zip(parts, sizes, strict=False) if part.stops is not None]
    text = b"".join(part.text for part in parts)
    return Lines(parts[0].names, sum(part.count for part in parts), text, are_numbers=True, stops=np.concatenate(stops))


def _flat(body: bytes) -> Lines | None:
    """The rows of a list of them."""
    end = body.rfind(b"}") + 1
    if body[end:-1].strip(BLANKS) or b"\\" in body or not body.isascii():
        return None
    row = _spelling(body)
    if row is None:
        return None
    signs = np.frombuffer(body, np.uint8, end)
    edges = np.concatenate([[0], np.flatnonzero(signs == COMMA), [end]])
    rows, rest = divmod(len(edges) - 1, len(row.names))
    if rest:
        return None
    before, behind = row.gaps(rows), np.array([len(behind) for behind in row.behind])
    widths = np.diff(edges).reshape(before.shape) - before - behind  # of the values and the sign behind each
    if widths.min() < 2:
        return None
    gaps = before + np.roll(behind, 1)
    gaps[0, 0] = before[0, 0] + 1
    is_value = np.repeat(np.tile([False, True], widths.size), np.stack([gaps, widths], axis=2).reshape(-1))
    signs = signs[: len(is_value)]
    if signs[~is_value].tobytes() != row.between(rows):
        return None
    values = signs[is_value]
    stops = np.cumsum(widths).reshape(widths.shape) - 1
    if (values[stops] != [(behind + b",")[0] for behind in row.behind]).any():
        return None
    values[stops] = [*[COMMA] * (len(row.names) - 1), NEWLINE]
    if not _are_as_they_must(values, stops - widths + 1, stops, row.are_texts):
        return None
    return Lines(row.names, rows, values.tobytes(), are_numbers=True, stops=stops)


def _spelling(body: bytes) -> _Row | None:
    """How the first row of a list is spelled; None where it is no object of numbers, a date and a symbol."""
    end = body.find(b"}") + 1
    first = body[1:end].lstrip(BLANKS)
    fields = [FIELD.fullmatch(part) for part in first.split(b",")]
    found = [field.groups() for field in fields if field is not None]
    if len(found) < len(fields) or first.count(b"{") != 1 or not first.startswith(b"{"):
        return None
    before, names, behind = zip(*found, strict=True)
    gap = GAP.match(body, end)
    blanks = (body[1 : end - len(first)], gap[1] if gap else b"")
    row = _Row(tuple(name.decode() for name in names), before, behind, blanks)
    are_closed = row.are_texts == [part.startswith(b'"') for part in behind]
    may_be = all(name in TEXTS or not text for name, text in zip(row.names, row.are_texts, strict=True))
    return row if are_closed and may_be and len(set(names)) == len(names) else None


def _are_as_they_must(values: Signs, starts: Counts, stops: Counts, are_texts: list[bool]) -> bool:
    """Whether texts are as long as the first of their column and have only signs that a line may have, and whether
    everything else is a JSON number without an exponent.

    Args:
        values: all values with a sign behind each that is no digit.
        starts, stops: where each begins, and where the sign behind it stands: a row a row, a column a field.
        are_texts: of each field whether it is text.
    """
    dots = np.count_nonzero(values == DOT)
    for field in np.flatnonzero(are_texts):
        begin, width = starts[:, field], int(stops[0, field] - starts[0, field])
        if (stops[:, field] - begin != width).any():
            return False
        text = values[begin[:, None] + np.arange(width)]
        if (text < 32).any() or (text == QUOTE).any():
            return False
        dots -= np.count_nonzero(text == DOT)
    is_number = np.flatnonzero(~np.array(are_texts))
    is_digit = values - ZERO < 10  # below zero it is far above
    up_to = np.cumsum(~is_digit, dtype=np.int32)[stops.reshape(-1)]
    others = np.diff(up_to, prepend=0).reshape(stops.shape)[:, is_number]
    begin, stop = starts[:, is_number], stops[:, is_number]
    minus = values[begin] == MINUS
    first = begin + minus
    if not (is_digit[first] & is_digit[stop - 1]).all():
        return False
    inside = others - 1 - minus  # signs that are neither digits nor in front: at most a dot
    leading_zero = (values[first] == ZERO) & is_digit[first + 1]
    return bool((inside <= 1).all() and inside.sum() == dots and not leading_zero.any())
