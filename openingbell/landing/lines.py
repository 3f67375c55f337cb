"""Rows as lines of CSV: what an answer is from the moment it is understood until it stands in its file. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell.landing.files import read_rows

QUOTE = b'"'
COMMA, NEWLINE = b",\n"
PLAIN = re.compile(r'[^",\r\n]+')
"""A field that needs no quotes."""


@dataclass(frozen=True)
class Lines:
    """`count` rows under `names`. `text` has a line for each, without a header: a null is nothing, an empty text is
    two quotes.

    `are_numbers` says that every field but dates and symbols is known to be a number.
    """

    names: tuple[str, ...] = ()
    count: int = 0
    text: bytes = b""
    are_numbers: bool = False
    _frame: pl.DataFrame | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Lines:
        """The rows of a frame, every column text."""
        text = rows.write_csv(include_header=False).encode("utf-8") if len(rows) else b""
        return cls(tuple(rows.columns), len(rows), text, _frame=rows)

    @property
    def content(self) -> bytes:
        """A file of them; nothing where there is no row."""
        return _header(self.names) + self.text if self.count else b""

    @property
    def frame(self) -> pl.DataFrame:
        """They in a frame, every column text."""
        if self._frame is not None:
            return self._frame
        return read_rows(self.content, self.count) if self.count else pl.DataFrame()

    def same_width(self, name: str) -> npt.NDArray[np.uint8] | None:
        """The signs of a column, a row each, where it and what stands before it are as wide in every row; None where
        that is not so, or a field has quotes.
        """
        if name not in self.names or not self.count or QUOTE in self.text:
            return None
        signs = np.frombuffer(self.text, np.uint8)
        starts = np.append(0, np.flatnonzero(signs[:-1] == NEWLINE) + 1)
        fields = self.text[: self.text.index(b"\n")].split(b",")[: self.names.index(name) + 1]
        width = len(b",".join(fields)) + 1
        if starts[-1] + width > len(signs):
            return None
        begins = signs[starts[:, None] + np.arange(width)]
        ends = (begins == COMMA) | (begins == NEWLINE)
        return begins[:, -len(fields[-1]) - 1 : -1] if (ends == ends[0]).all() else None

    def is_about(self, symbol: str) -> bool:
        """Whether the rows begin with a `symbol`, and all with this one, and no field has quotes."""
        begin = b"\n%b," % symbol.encode()
        is_plain = self.names[:1] == ("symbol",) and QUOTE not in self.text
        return is_plain and (b"\n" + self.text[:-1]).count(begin) == self.count

    def stamped(self, symbol: str, moment: str) -> Lines:
        """They behind the `symbol` that was asked for and the moment of the answer, `answered_at`. Fields of those
        names that the vendor gave are left out.
        """
        own = self.is_about(symbol)
        names = self.names[1:] if own else self.names
        if not {"symbol", "answered_at"} & set(names) and QUOTE not in self.text and _are_plain(symbol, moment):
            begin, stamp = f"\n{symbol}," if own else "\n", f"\n{symbol},{moment},"
            text = (b"\n" + self.text[:-1]).replace(begin.encode(), stamp.encode())[1:] + b"\n"
            return Lines(("symbol", "answered_at", *names), self.count, text, self.are_numbers)
        front = (pl.lit(symbol).alias("symbol"), pl.lit(moment).alias("answered_at"))
        together = self.frame.with_columns(*front)  # which keeps the rows where nothing else is in them
        return Lines.of(together.select("symbol", "answered_at", pl.exclude("symbol", "answered_at")))


def joined(parts: Sequence[Lines]) -> Lines:
    """The rows of all parts, in their order; a name that some lack is null there."""
    filled = [part for part in parts if part.count]
    if len({part.names for part in filled}) > 1:
        return Lines.of(pl.concat((part.frame for part in filled), how="diagonal"))
    names = filled[0].names if filled else ()
    return Lines(names, sum(part.count for part in filled), b"".join(part.text for part in filled))


def _are_plain(*fields: str) -> bool:
    return all(PLAIN.fullmatch(text) for text in fields)


@lru_cache(maxsize=64)
def _header(names: tuple[str, ...]) -> bytes:
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String)).write_csv().encode("utf-8")
