"""Which rows belong to a period, and a period that has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from openingbell import tables
from openingbell.reporting.figures import Figures, figures
from openingbell.reporting.health import AsOf
from openingbell.reporting.period import Period
from openingbell.warehouse.duckdb import DuckDBWarehouse

at = datetime.fromisoformat
FRIDAY = Period("2019-02-15", date(2019, 2, 15), date(2019, 2, 15))


def counts(found: Figures) -> dict[str, int]:
    return {row.table: row.rows for row in found.tables if row.rows}


def test_trading_days_are_those_with_a_bar(week: Figures, friday: Figures) -> None:
    assert week.days == (date(2019, 2, 11), date(2019, 2, 14), date(2019, 2, 15))
    assert friday.days == (date(2019, 2, 15),)


def test_rows_are_counted_by_table_inside_the_period(week: Figures) -> None:
    assert counts(week) == {
        "stock_data_raw": 2,
        "commodity_data": 2,
        "bond_data": 2,
        "daily_bars": 12,
        "daily_aggregates": 2,
    }
    assert week.rows == 20


def test_every_raw_and_analytics_table_that_has_days_is_counted(week: Figures) -> None:
    expected = [t.name for t in tables.TABLES if t.layer != tables.OPERATIONS and t.name != "instruments"]
    assert [row.table for row in week.tables] == expected


def test_a_commoditys_evening_belongs_to_the_next_day(fill: Callable[..., DuckDBWarehouse]) -> None:
    evenings = ("2019-02-14 17:59", "2019-02-14 18:00", "2019-02-15 17:59", "2019-02-15 18:00")
    raw = [{"load_id": "L", "source_row": n, "symbol": "GCUSD", "date": at(text)} for n, text in enumerate(evenings)]
    stock = [{"load_id": "L", "source_row": n, "symbol": "AAA", "date": at(text)} for n, text in enumerate(evenings)]
    indicators = [
        {"asset_class": name, "symbol": name, "date": at(text)} for name in ("commodity", "stock") for text in evenings
    ]
    content = {tables.COMMODITY_RAW: raw, tables.STOCK_RAW: stock, tables.TECHNICAL_INDICATORS: indicators}
    with fill(content).read() as reader:
        found = figures(reader, FRIDAY)
        before = figures(reader, Period("2019-02-14", date(2019, 2, 14), date(2019, 2, 14)))
    assert counts(found) == {"commodity_data_raw": 2, "stock_data_raw": 2, "technical_indicators": 4}
    assert counts(before) == {"commodity_data_raw": 1, "stock_data_raw": 2, "technical_indicators": 3}


def test_bars_alone_make_a_trading_day(fill: Callable[..., DuckDBWarehouse]) -> None:
    with fill({tables.STOCK: [{"symbol": "A", "date": at("2019-02-15 09:30")}]}).read() as reader:
        found = figures(reader, FRIDAY)
    assert (found.days, found.indexes) == ((date(2019, 2, 15),), ())


def test_an_empty_warehouse_has_figures_too(fill: Callable[..., DuckDBWarehouse]) -> None:
    with fill({}).read() as reader:
        found = figures(reader, FRIDAY)
    assert (found.days, found.rows, found.as_of) == ((), 0, AsOf(None, None))
    assert (found.indexes, found.commodities, found.volatility, found.breadth) == ((), (), None, ())
    assert (found.curve, found.flags, found.coverage, found.lowest_rows) == (None, (), (), ())
    assert (found.findings.run, found.findings.rows) == (None, ())
    assert (found.pipeline.stages, found.pipeline.troubles) == ((), ())
