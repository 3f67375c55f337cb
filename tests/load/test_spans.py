"""What is noted of loads for the transform."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from openingbell import tables
from openingbell.clock import SystemClock
from openingbell.load import spans
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse

NINE, TEN = datetime(2024, 5, 10, 9, 30), datetime(2024, 5, 10, 10)


def of(table: Table, *rows: tuple[object, ...]) -> list[tuple[object, ...]]:
    """What rows of load, symbol or class where the table has them, and date bring."""
    names = ["load_id", *(name for name in ("asset_class", "symbol") if name in table.names), table.order]
    fresh = pl.DataFrame(rows, schema={name: table.schema[name] for name in names}, orient="row")
    found = spans.brought(fresh, table)
    assert found.schema == spans.BROUGHT
    return sorted(found.rows())


def test_a_row_for_each_load_and_symbol_says_where_its_rows_lie_and_how_many_they_are() -> None:
    found = of(tables.STOCK_RAW, ("a", "X", TEN), ("a", "X", NINE), ("a", "Y", TEN), ("b", "X", TEN))
    assert found == [("a", "", "X", NINE, TEN, 2), ("a", "", "Y", TEN, TEN, 1), ("b", "", "X", TEN, TEN, 1)]


def test_classes_are_told_apart_and_days_are_their_first_moment() -> None:
    found = of(tables.EOD_RAW, ("a", "stock", "X", date(2024, 5, 10)), ("a", "index", "X", date(2024, 5, 9)))
    assert [row[1:4] for row in found] == [("index", "X", datetime(2024, 5, 9)), ("stock", "X", datetime(2024, 5, 10))]


def test_what_has_no_symbol_is_one_span() -> None:
    days = [date(2024, 5, day) for day in (10, 8, 9)]
    assert of(tables.BOND_RAW, *(("a", day) for day in days)) == [
        ("a", "", "", datetime(2024, 5, 8), datetime(2024, 5, 10), 3)
    ]


def test_what_is_noted_of_a_load_already_is_widened_and_the_rest_stays(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", clock=SystemClock(), wait_seconds=0)
    warehouse.setup()

    def note(*rows: tuple[object, ...], again: bool) -> None:
        found = pl.DataFrame([(*row, 1) for row in rows], schema=spans.BROUGHT, orient="row")
        with warehouse.write() as writer:
            spans.note(found, writer, again=again)

    note(("a", "", "X", TEN, TEN), ("b", "", "X", TEN, TEN), again=False)
    note(("a", "", "X", NINE, NINE), ("c", "", "X", NINE, NINE), again=True)
    with warehouse.read() as reader:
        assert sorted(reader.read(tables.PENDING_SPANS).rows()) == [
            ("a", "", "X", NINE, TEN), ("b", "", "X", TEN, TEN), ("c", "", "X", NINE, NINE),
        ]  # fmt: skip
