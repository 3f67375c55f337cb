"""Answers of rows that are all spelled alike, taken apart at once: bars and yields, many and flat. Pure.

The JSON module makes an object of every value, and that is what it takes its time for. Here signs that numbers are made
of are told from all others: what the others are together must be the first row's keys and punctuation, row after row,
and every number must stand where the first row has one. Then dropping the others leaves the lines. What is not exactly
so is left to the JSON module: of what both understand they say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from openingbell.landing.lines import Lines

Signs = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

TEXTS = ("symbol", "date")
"""What may be text, in every row like the first but for digits, points and hyphens; all else must be numbers."""
FIELD = re.compile(rb'(\{?[ \t\r\n]*"(\w+)"[ \t\r\n]*:[ \t\r\n]*"?)([^"{}]+?)("?[ \t\r\n]*\}?)')
PIECE = 1 << 18
"""Signs that are taken apart at once: they and what is counted of them stay near the processor."""
BLANKS = b" \t\r\n"
GAP = re.compile(rb",([ \t\r\n]*)")
NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
BLANK, PLUS, HYPHEN, ZERO, NINE, CLOSING = map(ord, " +-09}")

MARK = 0x80
"""Set in signs that are part of a value though no number is made of them; only ASCII is taken apart."""
UNMARKED = bytes(sign & ~MARK for sign in range(256))
EXPONENT = bytes(MARK | sign for sign in b"eE+")
NOT_HERE = (b"\\", b"/")
"""An escape, and what stands between hyphen and digits among the signs."""
OF_NUMBERS = b"0123456789.-" + EXPONENT
TO_LETTERS = bytes.maketrans(b"0123456789", b"abcdefghij")
TO_LINES = bytes.maketrans(b"}", b"\n")
DROPPED = bytes(sign for sign in range(MARK) if sign not in b"0123456789.-,}")

END, MINUS, DOT, NOUGHT, DIGIT, OTHER = range(6)
"""What a sign of a line is, as far as numbers go; OTHER is in texts and exponents."""
KIND_OF = {ord("-"): MINUS, ord("."): DOT, ZERO: NOUGHT, ord(","): END, ord("\n"): END}
KINDS = bytes(OTHER if sign >= MARK else KIND_OF.get(sign, DIGIT) for sign in range(256))
NEVER = {
    (END, END), (END, DOT), (MINUS, END), (MINUS, MINUS), (MINUS, DOT), (DOT, END), (DOT, MINUS), (DOT, DOT),
    (NOUGHT, MINUS), (DIGIT, MINUS),
}  # fmt: skip
"""What does not follow upon each other in a number."""
IS_WRONG = bytes(
    (a, b) in NEVER or (b, c) in NEVER or (a in (END, MINUS) and b == NOUGHT and c in (NOUGHT, DIGIT))
    for a, b, c in product(range(6), repeat=3)
).ljust(256, b"\1")
"""Of three signs in a row, as a number of three digits to the base of six, whether they are in no number."""
BUT_DOTS = bytes((MINUS, NOUGHT, DIGIT, OTHER))


@dataclass(frozen=True)
class _Field:
    """A field of the first row: its name, what stands before and behind its value, and the value where it is text."""

    name: str
    before: bytes
    text: bytes | None
    behind: bytes

    @property
    def others(self) -> bytes:
        """Its signs that no number is made of."""
        return (self.before + (self.text or b"") + self.behind).translate(None, OF_NUMBERS)


@dataclass(frozen=True)
class _Row:
    """How rows are spelled: their fields, and the blanks before the first row and before each other one."""

    fields: tuple[_Field, ...]
    blanks: tuple[bytes, bytes]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(field.name for field in self.fields)


@dataclass(frozen=True)
class _Plan:
    """Where the runs of signs that numbers are made of stand in a row: how many other signs of the row are before each,
    and its width where it is part of a text (0 in numbers). `firsts` are the first run in or behind each field, and
    `leads` how many other signs stand between the beginning of the field's value and that run.
    """

    offsets: tuple[int, ...]
    widths: tuple[int, ...]
    firsts: tuple[int, ...]
    leads: tuple[int, ...]

    @classmethod
    def of(cls, fields: Iterable[_Field]) -> _Plan:
        """The plan of a row."""
        offsets: list[int] = []
        widths: list[int] = []
        begins: list[tuple[int, int]] = []
        at = 0
        for field in fields:
            at += len(field.before)
            begins.append((len(offsets), at))
            if field.text is None:
                offsets.append(at)
                widths.append(0)
            else:
                runs = [(match.start(), len(match[0])) for match in re.finditer(rb"[0-9.-]+", field.text)]
                held = 0
                for start, width in runs:
                    offsets.append(at + start - held)
                    widths.append(width)
                    held += width
                at += len(field.text) - held
            at += len(field.behind) + 1  # the comma, or the one between rows
        leads = [offsets[first] - begin if first < len(offsets) else -1 for first, begin in begins]
        return cls(tuple(offsets), tuple(widths), tuple(first for first, _ in begins), tuple(leads))


def flat_rows(body: bytes) -> Lines | None:
    """The rows of an answer, in the vendor's order and spelling; None where the JSON module has to be asked."""
    body = body.strip(BLANKS)
    may_be = body[:1] + body[-1:] == b"[]" and body.isascii() and not any(sign in body for sign in NOT_HERE)
    row = _spelling(body) if may_be else None
    named = _with_letters(body, row) if row else None
    if row is None or named is None:
        return None
    parts: list[Lines] = []
    begin, last = 0, len(named[:-1].rstrip(BLANKS))
    while begin < last:
        end = named.find(b"}", begin + PIECE, last) + 1 or last
        piece = b"[" + named[begin + 1 : end]
        part = _flat(piece) or _flat(_with_marks(piece))
        if part is None or part.names != (parts or [part])[0].names or named[begin] not in b"[,":
            return None
        parts.append(part)
        begin = end
    return _together(parts, row.names) if parts else None


def _with_letters(body: bytes, row: _Row) -> bytes | None:
    """The body with letters for digits in its names; None where they would be those of other names."""
    for field in row.fields:
        key = field.before.lstrip(b"{" + BLANKS)
        letters = key.translate(TO_LETTERS)
        if letters != key:
            if letters in body:
                return None
            body = body.replace(key, letters)
    return body


def _with_marks(piece: bytes) -> bytes:
    """The piece with what marks exponents marked."""
    signs = np.frombuffer(piece, np.uint8).copy()
    at = np.flatnonzero(signs[1:-2] | BLANK == ord("e")) + 1
    at = at[(signs[at - 1] >= ZERO) & (signs[at - 1] <= NINE)]
    plus = at[signs[at + 1] == PLUS] + 1
    signs[at] |= MARK
    signs[plus] |= MARK
    return signs.tobytes()


def _together(parts: list[Lines], names: tuple[str, ...]) -> Lines:
    sizes = np.cumsum([0, *(len(part.text) for part in parts)])
    stops = [part.stops + size for part, size in zip(parts, sizes, strict=False) if part.stops is not None]
    text = b"".join(part.text for part in parts)
    return Lines(names, sum(part.count for part in parts), text, are_numbers=True, stops=np.concatenate(stops))


def _flat(body: bytes) -> Lines | None:
    """The rows of a list of them, which ends behind its last row."""
    row = _spelling(body)
    if row is None or body[-1] != CLOSING:
        return None
    plan = _Plan.of(row.fields)
    signs = np.frombuffer(body, np.uint8).copy()
    is_of_numbers = signs - HYPHEN <= NINE - HYPHEN  # below the hyphen it is far above
    if not body.isascii():
        is_of_numbers |= signs >= MARK
    edges = np.flatnonzero(is_of_numbers[1:] != is_of_numbers[:-1]) + 1
    rows, rest = divmod(len(edges), 2 * len(plan.offsets)) if plan.offsets else (0, 0)
    if rest or not rows or body.translate(None, OF_NUMBERS) != _others(row, rows):
        return None
    runs = edges.reshape(rows, len(plan.offsets), 2)
    starts, widths = runs[:, :, 0], runs[:, :, 1] - runs[:, :, 0]
    if not _are_in_place(edges, row, plan):
        return None
    if not (body.isascii() or _are_numbers(body, runs)):
        return None
    signs[np.flatnonzero(signs == CLOSING)[:-1] + 1] = BLANK  # the commas between rows
    cells = np.empty((rows, len(row.fields)), np.int64)
    for place, (field, first, lead) in enumerate(zip(row.fields, plan.firsts, plan.leads, strict=True)):
        if field.text is None:
            cells[:, place] = widths[:, first]
        elif lead < 0:
            return None
        else:
            cells[:, place] = len(field.text)
            signs[(starts[:, first] - lead)[:, None] + np.arange(len(field.text))] |= MARK
    lines = signs.tobytes().translate(TO_LINES, DROPPED)
    if not _have_only_numbers(lines.translate(KINDS)):
        return None
    stops = np.cumsum(cells + 1).reshape(cells.shape) - 1
    return Lines(row.names, rows, lines.translate(UNMARKED), are_numbers=True, stops=stops)


def _others(row: _Row, rows: int) -> bytes:
    """What a list of so many rows has besides signs that numbers are made of."""
    inside = b",".join(field.others for field in row.fields)
    first, other = (blanks + inside for blanks in row.blanks)
    return b"[" + first + (b"," + other) * (rows - 1)


def _are_in_place(edges: Counts, row: _Row, plan: _Plan) -> bool:
    """Whether between runs there is as much as in the first row, and those that are in texts are as wide."""
    first, other = map(len, row.blanks)
    offsets = np.array(
        [*plan.offsets, other + 1 + len(b",".join(field.others for field in row.fields)) + plan.offsets[0]]
    )
    lengths = np.append(np.diff(edges), offsets[-1] - offsets[-2]).reshape(-1, len(plan.offsets), 2)
    in_text = np.flatnonzero(plan.widths)
    return bool(
        edges[0] == 1 + first + offsets[0]
        and (lengths[:, :, 1] == np.diff(offsets)).all()
        and (lengths[:, in_text, 0] == np.array(plan.widths)[in_text]).all()
    )


def _are_numbers(body: bytes, runs: Counts) -> bool:
    """Whether runs with an exponent are numbers."""
    signs = np.frombuffer(body, np.uint8)
    at = np.searchsorted(runs[:, :, 0].reshape(-1), np.flatnonzero(signs >= MARK), side="right") - 1
    found = runs.reshape(-1, 2)[np.unique(at)].tolist()
    return all(NUMBER.fullmatch(body[start:stop].translate(UNMARKED)) for start, stop in found)


def _have_only_numbers(kinds: bytes) -> bool:
    """Whether everything between the ends of fields is a number, but for texts and exponents.

    Args:
        kinds: what each sign of the lines is.
    """
    line = np.frombuffer(bytes((END,)) + kinds, np.uint8)
    threes = line[:-2] * 36 + line[1:-1] * 6 + line[2:]
    has_two_dots = bytes((DOT, DOT)) in kinds.translate(None, BUT_DOTS)
    return not has_two_dots and b"\1" not in threes.tobytes().translate(IS_WRONG)


def _spelling(body: bytes) -> _Row | None:
    """How the first row of a list is spelled; None where it is no object of numbers, a date and a symbol."""
    end = body.find(b"}") + 1
    first = body[1:end].lstrip(BLANKS)
    found = [FIELD.fullmatch(part) for part in first.split(b",")]
    matches = [field.groups() for field in found if field is not None]
    if len(matches) < len(found) or first.count(b"{") != 1 or not first.startswith(b"{"):
        return None
    fields = tuple(
        _Field(name.decode(), before, text if before.endswith(b'"') else None, behind)
        for before, name, text, behind in matches
    )
    gap = GAP.match(body, end)
    names = {field.name for field in fields}
    return (
        _Row(fields, (body[1 : end - len(first)], gap[1] if gap else b""))
        if (len(names) == len(fields) and all(_may_be(field) for field in fields))
        else None
    )


def _may_be(field: _Field) -> bool:
    """Whether a field is a number, or a text of signs that a line may have."""
    if field.text is None:
        return not field.behind.startswith(b'"')
    return field.name in TEXTS and field.behind.startswith(b'"') and min(field.text) >= BLANK
