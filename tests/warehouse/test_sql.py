"""The text of a read, pinned: a review shows what every engine will be told. Values are parameters, never text."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from openingbell import tables
from openingbell.tables import RAW, Column, Table
from openingbell.tables.table import DAY, TEXT
from openingbell.warehouse import sql
from openingbell.warehouse.sql import DUCKDB, Dialect, Statement, name_of

SMALL = Table(RAW, "small", ("symbol",), "", (Column("symbol", TEXT, ""), Column("ex_date", DAY, "")), order="ex_date")
HEAD = 'SELECT "symbol", "ex_date" FROM raw.small'


def test_a_read_of_all_names_every_column_of_the_table() -> None:
    assert sql.select(SMALL) == Statement(HEAD)
    columns = ", ".join(f'"{name}"' for name in tables.STOCK_RAW.names)
    assert sql.select(tables.STOCK_RAW).text == f"SELECT {columns} FROM raw.stock_data_raw"


def test_a_read_of_some_columns_names_those_in_their_order() -> None:
    assert sql.select(SMALL, columns=["ex_date"]) == Statement('SELECT "ex_date" FROM raw.small')
    assert sql.select(SMALL, columns=("ex_date", "symbol")).text == 'SELECT "ex_date", "symbol" FROM raw.small'


@pytest.mark.parametrize(
    ("filters", "where", "parameters"),
    [
        ({"symbols": ["A", "B"]}, "symbol IN ?", (["A", "B"],)),
        ({"symbols": []}, "symbol IN ?", ([],)),
        ({"first": date(2019, 2, 15)}, '"ex_date" >= ?', (date(2019, 2, 15),)),
        ({"first": datetime(2019, 2, 15, 9)}, '"ex_date" >= ?', (datetime(2019, 2, 15, 9),)),
        ({"last": date(2019, 2, 15)}, '"ex_date" < ?', (datetime(2019, 2, 16),)),
        ({"last": datetime(2019, 2, 15, 9)}, '"ex_date" <= ?', (datetime(2019, 2, 15, 9),)),
        ({"extracted_by": datetime(2019, 2, 15, tzinfo=UTC)}, "extracted_at <= ?", (datetime(2019, 2, 15),)),
        (
            {"extracted_by": datetime(2019, 2, 15, tzinfo=timezone(timedelta(hours=9)))},
            "extracted_at <= ?",
            (datetime(2019, 2, 14, 15),),
        ),
    ],
)
def test_each_filter_is_a_condition_with_its_parameters(
    filters: dict[str, object], where: str, parameters: tuple[object, ...]
) -> None:
    """A date means its first moment below and its last above; moments are UTC without a zone, as they are stored."""
    assert sql.select(SMALL, **filters) == Statement(f"{HEAD} WHERE {where}", parameters)  # type: ignore[arg-type]


def test_all_filters_together_hold_at_once_and_have_their_parameters_in_order() -> None:
    found = sql.select(
        SMALL,
        symbols={"A"},
        first=date(2019, 1, 1),
        last=date(2019, 1, 31),
        extracted_by=datetime(2019, 2, 15, tzinfo=UTC),
    )
    assert found.text == f'{HEAD} WHERE symbol IN ? AND "ex_date" >= ? AND "ex_date" < ? AND extracted_at <= ?'
    assert found.parameters == (["A"], date(2019, 1, 1), datetime(2019, 2, 1), datetime(2019, 2, 15))
    assert found.text.count("?") == len(found.parameters)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        sql.select(SMALL, extracted_by=datetime(2019, 2, 15))


def test_spans_group_by_what_identifies_a_symbol() -> None:
    of_small = Statement(
        'SELECT "symbol", min("ex_date") AS first, max("ex_date") AS last FROM raw.small GROUP BY "symbol"'
    )
    assert sql.spans(SMALL) == sql.spans(SMALL, by_class=True) == of_small
    assert sql.spans(tables.DAILY_BARS, symbols=["A"], by_class=True) == Statement(
        'SELECT "asset_class", "symbol", min("date") AS first, max("date") AS last FROM analytics.daily_bars '
        'WHERE symbol IN ? GROUP BY "asset_class", "symbol"',
        (["A"],),
    )


def test_a_value_never_becomes_text() -> None:
    evil = "'; DROP TABLE x --"
    for dialect, parameters in ((DUCKDB, ([evil],)), (Dialect({RAW: "r"}), (evil,))):
        found = sql.select(SMALL, dialect, symbols=[evil])
        assert evil not in found.text
        assert found.parameters == parameters


@pytest.mark.parametrize(("name", "quoted"), [("close", '"close"'), ('a "b"', '"a ""b"""'), ("", '""')])
def test_a_name_stands_in_quotes_and_its_own_quotes_are_doubled(name: str, quoted: str) -> None:
    assert name_of(name) == quoted


def test_a_table_stands_behind_its_layer_or_what_an_engine_calls_it() -> None:
    assert DUCKDB.table(tables.STOCK_RAW) == "raw.stock_data_raw"
    assert DUCKDB.table(tables.LOADS) == "operations.loads"
    assert Dialect({RAW: "mine_raw"}).table(tables.STOCK_RAW) == "mine_raw.stock_data_raw"


def test_a_list_is_one_parameter_where_the_engine_has_lists_and_else_one_for_each_value() -> None:
    server = Dialect({RAW: "r"})
    assert server.among("symbol", ["A", "B"]) == Statement("symbol IN (?, ?)", ("A", "B"))
    assert server.among("symbol", []) == Statement("1 = 0")
    assert DUCKDB.among("symbol", {"A"}) == Statement("symbol IN ?", (["A"],))
    found = sql.select(SMALL, server, symbols=["A", "B"], first=date(2019, 1, 1))
    assert found == Statement(
        'SELECT "symbol", "ex_date" FROM r.small WHERE symbol IN (?, ?) AND "ex_date" >= ?',
        ("A", "B", date(2019, 1, 1)),
    )
