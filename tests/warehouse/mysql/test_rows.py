"""Rows of the binary protocol, written down by hand after the protocol's documentation, as columns."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import struct
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate, pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.warehouse.mysql import rows
from openingbell.warehouse.mysql.rows import Field

TEXT, BLOB = 253, 252


def packet(payload: bytes, sequence: int = 1) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([sequence % 256]) + payload


def row(*values: bytes | None) -> bytes:
    """A row: a zero, the bitmap of nulls that begins with its third bit, the values that are there."""
    bitmap = 0
    for number, value in enumerate(values, 2):
        bitmap |= (value is None) << number
    size = (len(values) + 9) // 8
    return packet(b"\0" + bitmap.to_bytes(size, "little") + b"".join(value for value in values if value is not None))


def text(value: str) -> bytes:
    encoded = value.encode()
    length = len(encoded)
    if length < 251:
        return bytes([length]) + encoded
    if length < 1 << 16:
        return b"\xfc" + struct.pack("<H", length) + encoded
    return b"\xfd" + struct.pack("<I", length)[:3] + encoded


def column(field: Field, *values: bytes | None) -> pl.Series:
    """The column that comes of these values, between others, so that one that is taken wrongly shifts them."""
    fields = [Field("before", rows.LONGLONG), field, Field("after", TEXT)]
    data = b"".join(row(struct.pack("<q", n), value, text(f"a{n}")) for n, value in enumerate(values))
    starts, end = rows.bounds(data)
    assert end == len(data)
    frame = rows.frame(data, starts, fields)
    assert frame["before"].to_list() == list(range(len(values)))
    assert frame["after"].to_list() == [f"a{n}" for n in range(len(values))]
    return frame[field.name]


@pytest.mark.parametrize(
    ("field", "values", "expected", "dtype"),
    [
        (
            Field("x", rows.DOUBLE),
            [struct.pack("<d", 0.1), None, struct.pack("<d", 5e-324)],
            [0.1, None, 5e-324],
            pl.Float64,
        ),
        (Field("x", rows.FLOAT), [struct.pack("<f", 0.5)], [0.5], pl.Float32),
        (Field("x", rows.LONGLONG), [struct.pack("<q", -(2**63)), None], [-(2**63), None], pl.Int64),
        (Field("x", rows.LONGLONG, is_unsigned=True), [struct.pack("<Q", 2**64 - 1)], [2**64 - 1], pl.UInt64),
        (Field("x", rows.LONG), [struct.pack("<i", -7)], [-7], pl.Int32),
        (Field("x", rows.INT24, is_unsigned=True), [struct.pack("<I", 7)], [7], pl.UInt32),
        (Field("x", rows.SHORT), [struct.pack("<h", -300)], [-300], pl.Int16),
        (Field("x", rows.YEAR), [struct.pack("<H", 2019)], [2019], pl.UInt16),
        (Field("x", rows.TINY, length=4), [b"\xff", None], [-1, None], pl.Int8),
        (Field("x", rows.TINY, length=1), [b"\1", b"\0", None], [True, False, None], pl.Boolean),
        (Field("x", rows.NULL), [None, None], [None, None], pl.Null),
        (
            Field("x", rows.DATE),
            [b"\4" + struct.pack("<HBB", 2019, 2, 15), None, b"\4" + struct.pack("<HBB", 1969, 12, 31), b"\0"],
            [date(2019, 2, 15), None, date(1969, 12, 31), None],
            pl.Date,
        ),
        (
            Field("x", rows.DATETIME),
            [
                b"\x0b" + struct.pack("<HBBBBBI", 2019, 2, 15, 9, 30, 0, 1),
                b"\7" + struct.pack("<HBBBBB", 2000, 2, 29, 23, 59, 59),
                b"\4" + struct.pack("<HBB", 1000, 1, 1),
                None,
                b"\x0b" + struct.pack("<HBBBBBI", 9999, 12, 31, 23, 59, 59, 999_999),
            ],
            [
                datetime(2019, 2, 15, 9, 30, 0, 1), datetime(2000, 2, 29, 23, 59, 59), datetime(1000, 1, 1), None,
                datetime(9999, 12, 31, 23, 59, 59, 999_999),
            ],
            pl.Datetime("us"),
        ),
        (
            Field("x", rows.TIME),
            [
                b"\x08" + struct.pack("<BIBBB", 1, 1, 2, 3, 4),
                b"\x0c" + struct.pack("<BIBBBI", 0, 0, 9, 30, 0, 5),
                b"\0",
                None,
            ],
            ["-26:03:04", "09:30:00.000005", "00:00:00", None],
            pl.String,
        ),
        (Field("x", TEXT), [text("a"), text("日経"), None, text("")], ["a", "日経", None, ""], pl.String),
        (Field("x", TEXT), [text("ab"), text("cd")], ["ab", "cd"], pl.String),
        (Field("x", TEXT), [text(""), text("")], ["", ""], pl.String),
        (Field("x", TEXT), [None, None], [None, None], pl.String),
        (
            Field("x", TEXT),
            [text("a" * n) for n in (250, 251, 65_535, 65_536)],
            ["a" * n for n in (250, 251, 65_535, 65_536)],
            pl.String,
        ),
        (Field("x", BLOB, charset=63), [b"\2\xff\0", None], [b"\xff\0", None], pl.Binary),
        (Field("x", rows.NEWDECIMAL, charset=63), [text("-12"), None], [-12, None], pl.Int64),
        (Field("x", rows.NEWDECIMAL), [text("9" * 30)], [Decimal("9" * 30)], pl.Decimal(38, 0)),
        (Field("x", rows.NEWDECIMAL, scale=2), [text("1.50"), None], [Decimal("1.50"), None], pl.Decimal(38, 2)),
    ],
)  # fmt: skip
def test_each_type_becomes_a_column(
    field: Field, values: list[bytes | None], expected: list[object], dtype: pl.DataType
) -> None:
    found = column(field, *values)
    assert found.to_list() == expected
    assert found.dtype == dtype


def test_nulls_are_found_beyond_the_first_byte_of_their_bitmap() -> None:
    fields = [Field(f"c{n}", rows.TINY, length=4) for n in range(20)]
    values = [None if n in {0, 5, 6, 13, 14, 19} else bytes([n]) for n in range(20)]
    data = row(*values)
    found = rows.frame(data, [0], fields).row(0)
    assert list(found) == [None if value is None else value[0] for value in values]


def test_an_answer_without_rows_has_its_columns() -> None:
    fields = [Field("a", rows.DOUBLE), Field("b", TEXT), Field("c", rows.DATETIME), Field("d", rows.TINY, length=1)]
    assert rows.empty(fields).schema == {"a": pl.Float64, "b": pl.String, "c": pl.Datetime("us"), "d": pl.Boolean}


def test_rows_end_where_one_has_not_arrived_or_something_else_comes() -> None:
    one, two = row(text("a")), row(text("bc"))
    end = packet(b"\xfe\0\0\2\0")
    assert rows.bounds(one + two) == ([0, len(one)], len(one + two))
    for cut in range(1, len(two)):
        assert rows.bounds(one + two[:cut]) == ([0], len(one))
    assert rows.bounds(one + end) == ([0], len(one))
    assert rows.bounds(one + two, len(one)) == ([len(one)], len(one + two))
    assert rows.is_whole(end, 0)
    assert not any(rows.is_whole(end[:cut], 0) for cut in range(len(end)))


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 400)), max_size=8),
    st.integers(0, 40),
    st.sampled_from([b"", packet(b"\xfe\0\0\2\0")]),
)
def test_rows_are_found_where_they_are_however_many_have_one_length(
    runs: list[tuple[int, int]], cut: int, behind: bytes
) -> None:
    whole = [row(text("x" * length)) for length, count in runs for _ in range(count)]
    data = b"".join([*whole, behind])
    data = data[: len(data) - cut] if whole and not behind else data
    begins = [0, *accumulate(map(len, whole))]
    there = [(start, end) for start, end in pairwise(begins) if end <= len(data)]
    assert rows.bounds(data) == ([start for start, _ in there], there[-1][1] if there else 0)
    assert rows.bounds(bytearray(data)) == rows.bounds(data)


def test_a_row_that_needs_a_second_packet_is_refused() -> None:
    data = packet(b"\0" * 0xFFFFFF)
    with pytest.raises(ValueError, match="16 megabytes"):
        rows.frame(data, [0], [Field("x", TEXT)])


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(pl.exceptions.DuplicateError):
        rows.frame(row(b"\1", b"\2"), [0], [Field("x", rows.TINY, length=4)] * 2)
