"""Rows as text: what the server's documentation says is read back as the same values."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from openingbell.warehouse.mysql import encode

FRAME = pl.DataFrame(
    {
        "text": ["a", "", None, "tab\tline\nback\\null\\N'quote'\r\0"],
        "number": [0.1, 1e-300, None, 1.7976931348623157e308],
        "count": [1, None, -(2**63), 2**63 - 1],
        "flag": [True, False, None, True],
        "day": [date(2019, 2, 15), None, date(1000, 1, 1), date(9999, 12, 31)],
        "moment": [datetime(2019, 2, 15, 9, 30), datetime(2019, 2, 15, 9, 30, 0, 1), None, datetime(1000, 1, 1)],
    }
)


def test_a_line_has_a_tab_between_fields_and_a_backslash_before_what_would_end_them() -> None:
    assert b"".join(encode.lines(FRAME)).decode().split("\n") == [
        "a\t0.1\t1\t1\t2019-02-15\t2019-02-15 09:30:00.000000",
        "\t1e-300\t\\N\t0\t\\N\t2019-02-15 09:30:00.000001",
        "\\N\t\\N\t-9223372036854775808\t\\N\t1000-01-01\t\\N",
        (
            "tab\\tline\\nback\\\\null\\\\N'quote'\r\\0\t1.7976931348623157e+308\t9223372036854775807\t1\t9999-12-31\t"
            "1000-01-01 00:00:00.000000"
        ),
        "",
    ]


def test_a_row_in_brackets_has_literals_and_numbers_that_are_no_decimals() -> None:
    assert list(encode.values(FRAME)) == [
        "('a',0.1e0,1,1,'2019-02-15','2019-02-15 09:30:00.000000')",
        "('',1e-300,NULL,0,NULL,'2019-02-15 09:30:00.000001')",
        "(NULL,NULL,-9223372036854775808,NULL,'1000-01-01',NULL)",
        (
            "('tab\tline\\nback\\\\null\\\\N\\'quote\\'\\r\\0',1.7976931348623157e+308,9223372036854775807,1,'9999-12-31',"
            "'1000-01-01 00:00:00.000000')"
        ),
    ]


def test_many_rows_come_in_parts_that_together_are_all() -> None:
    rows = pl.DataFrame({"n": range(2 * encode.LINES + 1)})
    parts = list(encode.lines(rows))
    assert len(parts) == 3
    assert b"".join(parts) == b"".join(b"%d\n" % n for n in range(len(rows)))


def test_no_rows_are_no_text() -> None:
    assert list(encode.lines(FRAME.clear())) == []
    assert list(encode.values(FRAME.clear())) == []
