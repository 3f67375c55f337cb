"""Rows as text: what the server's documentation says is read back as the same values."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

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
    found = encode.lines(FRAME)
    assert (found.fields, found.given) == (('"text"', '"number"', '"count"', '"flag"', '"day"', '"moment"'), {})
    assert b"".join(found.pieces).decode().split("\n") == [
        "a\t0.1\t1\t1\t2019-02-15\t20190215093000.000000",
        "\t1e-300\t\\N\t0\t\\N\t20190215093000.000001",
        "\\N\t\\N\t-9223372036854775808\t\\N\t1000-01-01\t\\N",
        (
            "tab\\tline\\nback\\\\null\\\\N'quote'\r\\0\t1.7976931348623157e+308\t9223372036854775807\t1\t9999-12-31\t"
            "10000101000000.000000"
        ),
        "",
    ]


def test_moments_without_parts_of_seconds_are_written_without() -> None:
    bars = pl.DataFrame({"date": [datetime(2019, 2, 15, 9, 30), None]})
    assert b"".join(encode.lines(bars).pieces) == b"20190215093000\n\\N\n"


def many(**columns: pl.Expr | pl.Series) -> pl.DataFrame:
    """As many rows as are looked at for what they share, with these columns beside a number."""
    return pl.select(pl.int_range(encode.MANY).alias("n")).with_columns(**columns)


@pytest.mark.parametrize(
    ("value", "dtype", "literal"),
    [
        ("it's\\a", pl.String, "'it\\'s\\\\a'"),
        (None, pl.String, "NULL"),
        (None, pl.Float64, "NULL"),
        (0.1, pl.Float64, "0.1e0"),
        (1e-300, pl.Float64, "1e-300"),
        (-(2**63), pl.Int64, str(-(2**63))),
        (True, pl.Boolean, "1"),
        (date(2019, 2, 15), pl.Date, "'2019-02-15'"),
        (datetime(2019, 2, 15, 9, 30, 0, 1), pl.Datetime("us"), "'2019-02-15 09:30:00.000001'"),
    ],
)
def test_what_many_rows_all_have_stands_in_the_statement(value: object, dtype: pl.DataType, literal: str) -> None:
    found = encode.lines(many(same=pl.lit(value, dtype)))
    assert (found.fields, found.given) == (('"n"',), {"same": literal})
    assert b"".join(found.pieces) == b"".join(b"%d\n" % n for n in range(encode.MANY))


def test_few_texts_of_many_rows_stand_in_the_statement_and_lines_say_which() -> None:
    texts = ["it's", "b\tc", None]
    found = encode.lines(many(of=pl.Series([texts[n % 3] for n in range(encode.MANY)])))
    assert found.fields == ('"n"', "@of")
    ((name, expression),) = found.given.items()
    begin, *rest = expression.removeprefix("ELT(@of, ").removesuffix(")").split(", ")
    assert (name, {begin, *rest}) == ("of", {"'it\\'s'", "'b\tc'"})
    number = {literal: place for place, literal in enumerate([begin, *rest], 1)}
    expected = [str(number["'it\\'s'"]), str(number["'b\tc'"]), "\\N"]
    lines = b"".join(found.pieces).decode().splitlines()
    assert lines == [f"{n}\t{expected[n % 3]}" for n in range(encode.MANY)]


def test_many_texts_stand_in_the_lines() -> None:
    found = encode.lines(many(of=(pl.col("n") % (encode.FEW + 1)).cast(pl.String)))
    assert (found.fields, found.given) == (('"n"', '"of"'), {})


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
    parts = list(encode.lines(rows).pieces)
    assert len(parts) == 3
    assert b"".join(parts) == b"".join(b"%d\n" % n for n in range(len(rows)))


def test_no_rows_are_no_text() -> None:
    assert list(encode.lines(FRAME.clear()).pieces) == []
    assert list(encode.values(FRAME.clear())) == []
