"""Rows of the binary protocol as columns of a frame, without a look at single values. Pure.

The text protocol of the driver makes Python objects of every value, which takes longer than everything else together.
The binary rows of a prepared statement hold numbers as the machine does, so that whole columns can be taken out of the
bytes at once and every bit arrives as it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR = range(1, 14)
DECIMAL, NEWDECIMAL = 0, 246
NUMBERS: dict[int, tuple[str, str]] = {
    TINY: ("i1", "u1"), SHORT: ("i2", "u2"), YEAR: ("u2", "u2"), LONG: ("i4", "u4"), INT24: ("i4", "u4"),
    LONGLONG: ("i8", "u8"), FLOAT: ("f4", "f4"), DOUBLE: ("f8", "f8"),
}  # fmt: skip
"""Types of fixed width: numpy's names of them, signed and unsigned."""
BINARY_CHARSET = 63
MOST_DIGITS = 38
INT64_DIGITS = 18
LONGEST_PACKET = 0xFFFFFF
ALIKE = 64
"""Rows of one length in succession, after which more of them are looked for."""
PADDING = 16
"""Bytes behind the last row, so that a look of fixed width at its last value stays inside."""
DAY_MICROSECONDS = 86_400_000_000
MOMENT = np.dtype(
    {
        "names": ["length", "year", "month", "day", "hour", "minute", "second", "part"],
        "formats": ["u1", "<u2", "u1", "u1", "u1", "u1", "u1", "<u4"],
        "offsets": [0, 1, 3, 4, 5, 6, 7, 8],
        "itemsize": 12,
    }
)
"""A day or moment, of which the end may be left out; `part` are microseconds."""


@dataclass(frozen=True)
class Field:
    """A column as the server describes it."""

    name: str
    kind: int
    is_unsigned: bool = False
    charset: int = 45
    length: int = 0
    scale: int = 0

    @property
    def is_flag(self) -> bool:
        """Whether it is what servers make of BOOLEAN."""
        return self.kind == TINY and self.length == 1


def bounds(data: bytes | bytearray, place: int = 0) -> tuple[list[int], int]:
    """Where the rows from `place` on begin, each with its packet's head of four bytes, and where the first packet
    begins that is no whole row: the end of the data, a row that has not arrived in full, or a packet that says
    something else.
    """
    starts: list[int] = []
    add = starts.append
    end = len(data)
    before = alike = 0
    while place + 4 < end:
        step = 4 + (data[place] | data[place + 1] << 8 | data[place + 2] << 16)
        if place + step > end or data[place + 4]:
            break
        alike = alike + 1 if step == before else 0
        if alike == ALIKE:  # most rows of a table are as long as their neighbours: these are looked at as a whole
            following = place + step * _so_long(data, place, step)
            starts += range(place, following, step)
            place, alike = following, 0
        else:
            add(place)
            place += step
        before = step
    return starts, place


def _so_long(data: bytes | bytearray, place: int, step: int) -> int:
    """How many rows in succession, from `place` on, take `step` bytes each with their packet's head."""
    whole, most = (len(data) - place) // step, ALIKE
    while True:
        most = min(8 * most, whole)
        heads = np.ndarray((most,), "<u4", data, place, (step,)) & LONGEST_PACKET
        marks = np.ndarray((most,), "u1", data, place + 4, (step,))
        others = np.flatnonzero((heads != step - 4) | (marks != 0))
        if len(others):
            return int(others[0])
        if most == whole:
            return whole


def is_whole(data: bytes | bytearray, place: int) -> bool:
    """Whether the packet that begins at `place` is there in full."""
    length = int.from_bytes(data[place : place + 3], "little")
    return len(data) >= place + 4 + max(length, 1)


def frame(data: bytes, starts: Sequence[int], fields: Sequence[Field]) -> pl.DataFrame:
    """The rows that begin at `starts` as a frame with a column for each field.

    Raises:
        polars.exceptions.DuplicateError: two fields have one name.
        ValueError: a row does not fit into one packet.
    """
    if np.diff([*starts, len(data)]).max(initial=0) > LONGEST_PACKET:
        raise ValueError("a row of 16 megabytes or more cannot be read")
    bytes_ = np.frombuffer(data + bytes(PADDING), np.uint8)
    width = (len(fields) + 9) // 8
    bitmap = np.asarray(starts, np.int64) + 5
    place = bitmap + width
    bits = np.unpackbits(_looks(bytes_, bitmap, width), axis=1, bitorder="little").T.astype(bool, order="C")
    columns = []
    for null, field in zip(bits[2:], fields, strict=False):
        column, place = _column(bytes_, place, null, field)
        columns.append(column.alias(field.name))
    return pl.DataFrame(columns)


def empty(fields: Sequence[Field]) -> pl.DataFrame:
    """A frame without rows."""
    return frame(b"", [], fields)


def _column(data: Bytes, place: Places, null: Mask, field: Field) -> tuple[pl.Series, Places]:
    """The values that begin at `place`, and where what follows them begins."""
    if field.kind == NULL:
        return pl.Series([None] * len(place), dtype=pl.Null), place
    if field.kind in NUMBERS:
        name = NUMBERS[field.kind][field.is_unsigned]
        values = _looks(data, place, int(name[1])).view(f"<{name}").ravel()
        column = _masked(pl.Series(values), null)
        return column.cast(pl.Boolean) if field.is_flag else column, place + np.where(null, 0, int(name[1]))
    if field.kind in {DATE, DATETIME, TIMESTAMP}:
        return _moments(data, place, null, is_day=field.kind == DATE)
    if field.kind == TIME:
        return _times(data, place, null)
    texts, following = _texts(data, place, null, is_binary=field.charset == BINARY_CHARSET and not _is_decimal(field))
    return _decimals(texts, field.scale) if _is_decimal(field) else texts, following


def _is_decimal(field: Field) -> bool:
    return field.kind in {DECIMAL, NEWDECIMAL}


def _looks(data: Bytes, place: Places, width: int) -> npt.NDArray[Any]:
    """`width` bytes from each place on, at least one: taken as values of that size, which is quicker than as rows."""
    width = max(width, 1)
    windows: npt.NDArray[Any] = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
    return windows[place].view(np.uint8).reshape(-1, width)


def _masked(column: pl.Series, null: Mask) -> pl.Series:
    if not null.any():
        return column
    return pl.select(pl.when(pl.Series(~null)).then(column)).to_series()


@cache
def _first_days() -> Places:
    """The day before the first of each month, in days since 1970, at sixteen times the year and the month."""
    years, months = np.divmod(np.arange(10_000 * 16), 16)
    firsts = ((years - 1970) * 12 + months - 1).astype("datetime64[M]").astype("datetime64[D]")
    return firsts.astype(np.int64) - 1


def _moments(data: Bytes, place: Places, null: Mask, *, is_day: bool) -> tuple[pl.Series, Places]:
    """Days and moments: a length, then as much of year, month, day, hour, minute, second, microseconds as is not 0."""
    looks = _looks(data, place, MOMENT.itemsize).view(MOMENT).ravel()
    lengths = np.where(null, 0, looks["length"].astype(np.int64))
    days = _first_days().take(looks["year"].astype(np.int64) * 16 + looks["month"], mode="clip") + looks["day"]
    following = place + np.where(null, 0, 1 + lengths)
    null = lengths == 0  # nothing is the day 0000-00-00, which is none
    if is_day:
        return _masked(pl.Series(days.astype("datetime64[D]")), null), following
    seconds = looks["hour"].astype(np.int64) * 3600 + looks["minute"].astype(np.int64) * 60 + looks["second"]
    moments = days * DAY_MICROSECONDS + np.where(lengths >= 7, seconds * 1_000_000, 0)
    moments += np.where(lengths >= 11, looks["part"].astype(np.int64), 0)
    return _masked(pl.Series(moments.astype("datetime64[us]")), null), following


def _times(data: Bytes, place: Places, null: Mask) -> tuple[pl.Series, Places]:
    """Spans of time as text, as the engine writes them: Polars' type of that name has no days."""
    texts: list[str | None] = []
    following = []
    for at, is_null in zip(place.tolist(), null.tolist(), strict=True):
        length = 0 if is_null else int(data[at])
        following.append(at if is_null else at + 1 + length)
        if is_null:
            texts.append(None)
            continue
        parts = bytes(data[at + 1 : at + 1 + length]).ljust(12, b"\0")
        hours = int.from_bytes(parts[1:5], "little") * 24 + parts[5]
        fraction = int.from_bytes(parts[8:12], "little")
        text = f"{'-' * parts[0]}{hours:02}:{parts[6]:02}:{parts[7]:02}"
        texts.append(f"{text}.{fraction:06}" if fraction else text)
    return pl.Series(texts, dtype=pl.String), np.asarray(following, np.int64)


def _texts(data: Bytes, place: Places, null: Mask, *, is_binary: bool) -> tuple[pl.Series, Places]:
    """Text or bytes: a length of one to nine bytes, then as many bytes."""
    first = data[place]
    lengths, heads = first.astype(np.int64), np.ones(len(place), np.int64)
    for mark, width in ((252, 2), (253, 3), (254, 8)):
        long = (first == mark) & ~null
        if long.any():
            looks = _looks(data, place[long] + 1, width).astype(np.int64)
            lengths[long] = (looks << (8 * np.arange(width))).sum(axis=1)
            heads[long] = 1 + width
    lengths[null] = heads[null] = 0
    begins = place + heads
    offsets = np.zeros(len(place) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if len(lengths) and (lengths == lengths[0]).all() and lengths[0]:
        values = _looks(data, begins, int(lengths[0])).ravel()
    else:
        values = data[np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])]
    kind: Any = pa.LargeBinaryArray if is_binary else pa.LargeStringArray
    valid = pa.py_buffer(np.packbits(~null, bitorder="little")) if null.any() else None
    column = pl.Series(kind.from_buffers(*_buffers(kind, len(place), valid, offsets, values)))
    return column, begins + lengths


def _buffers(kind: Any, count: int, valid: Any, offsets: Places, values: Bytes) -> tuple[Any, ...]:
    """The arguments of pyarrow's two ways to make an array of buffers."""
    contents = (pa.py_buffer(offsets), pa.py_buffer(values))
    if kind is pa.LargeStringArray:
        return (count, *contents, valid)
    return (pa.large_binary(), count, [valid, *contents])


def _decimals(texts: pl.Series, scale: int) -> pl.Series:
    """Decimals as they are; whole ones as integers where all of them fit."""
    if scale == 0 and (texts.str.len_bytes().max() or 0) <= INT64_DIGITS:  # type: ignore[operator]
        return texts.cast(pl.Int64)
    return texts.str.to_decimal(scale=scale)
