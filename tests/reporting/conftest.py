"""A small warehouse with hand-made rows: two weeks of February 2019, of which the second is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.reporting.figures import Figures, figures
from openingbell.reporting.period import Period
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2019, 2, 20, 12, tzinfo=UTC)
at = datetime.fromisoformat
"""A moment without a zone, as warehouses hold them."""
Row = Mapping[str, object]
Fill = Callable[[Mapping[Table, list[Row]]], DuckDBWarehouse]
DEFAULTS: dict[pl.DataType, object] = {
    pl.String(): "",
    pl.Float64(): 0.0,
    pl.Int64(): 0,
    pl.Boolean(): True,
    pl.Date(): date(2019, 2, 15),
    pl.Datetime("us"): at("2019-02-15 21:00"),
}


def frame(table: Table, *rows: Row) -> pl.DataFrame:
    """Rows of `table`; what a row leaves out is null where it may be, else a plain value of its type."""
    defaults = {c.name: None if c.null else DEFAULTS[c.dtype] for c in table.columns}
    strangers = {name for row in rows for name in row} - set(defaults)
    assert not strangers, f"{table.name} has no {strangers}"
    return table.conform(pl.DataFrame([{**defaults, **row} for row in rows], schema=table.schema))


def bar(asset_class: str, symbol: str, day: int, close: float | None, **more: object) -> Row:
    """A daily bar of February 2019."""
    return {
        "asset_class": asset_class,
        "symbol": symbol,
        "date": date(2019, 2, day),
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "data_quality_score": 100.0,
        **more,
    }


WEEK = Period("2019-W07", date(2019, 2, 11), date(2019, 2, 17))
FRIDAY = Period("2019-02-15", date(2019, 2, 15), date(2019, 2, 15))

DAILY: list[Row] = [
    bar("index", "^VIX", 8, 15.72),
    bar("index", "^VIX", 15, 14.91),
    bar("index", "^RUT", 8, 1500.0),
    bar("index", "^GSPC", 8, 2500.0),
    bar("index", "^GSPC", 11, 2510.0, low=2490.0, high=2515.0),
    bar("index", "^GSPC", 14, 2525.0, low=2505.0, high=2530.0),
    bar("index", "^GSPC", 15, 2550.0, low=2520.0, high=2551.0, is_final=False),
    bar("commodity", "CLUSD", 8, -2.0),
    bar("commodity", "CLUSD", 15, 1.0, volume=10),
    bar("commodity", "GCUSD", 15, 1322.1, volume=None),
    # AAA +10 % with a broken close in between, BBB -4 %, CCC no bar before, DDD no bar on the newest day
    bar("stock", "AAA", 8, 100.0),
    bar("stock", "AAA", 14, 1.0, dq_flags="V4,P15", data_quality_score=20.0, volume=7),
    bar("stock", "AAA", 15, 110.0, volume=1_234_567),
    bar("stock", "BBB", 8, 50.0),
    bar("stock", "BBB", 14, 40.0, volume=1_000),
    bar("stock", "BBB", 15, 48.0, volume=None),
    bar("stock", "CCC", 15, 10.0, volume=5),
    bar("stock", "DDD", 8, 10.0),
    bar("stock", "DDD", 14, 30.0, volume=5),
]
RAW_STOCK: list[Row] = [
    {"load_id": "L1", "source_row": 1, "symbol": "AAA", "date": at("2019-02-15 09:30"),
     "extracted_at": at("2019-02-15 21:05"), "close": 110.0},
    {"load_id": "L2", "source_row": 1, "symbol": "AAA", "date": at("2019-02-15 09:30"),
     "extracted_at": at("2019-02-16 01:45"), "close": 110.5},
    {"load_id": "L3", "source_row": 1, "symbol": "AAA", "date": at("2019-02-19 09:30"),
     "extracted_at": at("2019-02-19 22:00"), "close": 111.0},
]  # fmt: skip
LOADS: list[Row] = [
    {"load_id": "L1", "loaded_at": at("2019-02-15 21:06")},
    {"load_id": "L2", "loaded_at": at("2019-02-16 01:46")},
    {"load_id": "L3", "loaded_at": at("2019-02-19 22:01")},
]
CURVES: list[Row] = [
    {"date": date(2019, 2, 7), "year10": 9.0, "data_quality_score": 100.0},
    {"date": date(2019, 2, 8), "month3": 2.43, "year2": 2.45, "year10": 2.63, "year30": 2.97,
     "yield_curve_slope": 0.18, "term_spread": 0.2, "data_quality_score": 100.0},
    {"date": date(2019, 2, 14), "month3": 0.0, "year2": 2.5, "year10": 2.66, "year20": 2.9,
     "yield_curve_slope": 0.16, "term_spread": 2.66, "data_quality_score": 100.0},
    {"date": date(2019, 2, 15), "dq_flags": "V2", "data_quality_score": 20.0},
]  # fmt: skip
BREADTH: list[Row] = [
    {"date": date(2019, 2, 14), "total_stocks": 3, "advancing_stocks": 2, "declining_stocks": 1,
     "market_breadth": 1 / 3, "advance_decline_ratio": 2.0, "total_volume": 1_005, "up_volume": 5,
     "down_volume": 1_000},
    {"date": date(2019, 2, 15), "total_stocks": 2, "advancing_stocks": 2, "market_breadth": 1.0, "is_final": False,
     "total_volume": 1_234_572, "up_volume": 1_234_572},
    {"date": date(2019, 2, 8), "total_stocks": 9},
]  # fmt: skip
COMMODITY: list[Row] = [
    {"symbol": "CLUSD", "date": at("2019-02-10 18:00"), "session": date(2019, 2, 11), "data_quality_score": 100.0},
    {"symbol": "CLUSD", "date": at("2019-02-15 09:00"), "session": date(2019, 2, 15), "data_quality_score": 63.0,
     "dq_flags": "V6S,V12,P15"},
    {"symbol": "CLUSD", "date": at("2019-02-17 18:00"), "session": date(2019, 2, 18), "data_quality_score": 27.0,
     "dq_flags": "V11"},
]  # fmt: skip
JOBS: list[Row] = [
    {"job_id": "J1", "job_type": "extract", "status": "FAILED", "started_at": at("2019-02-08 15:00"),
     "finished_at": at("2019-02-08 15:01"), "error_message": "last week"},
    {"job_id": "J2", "job_type": "extract", "status": "SUCCESS", "started_at": at("2019-02-15 15:00"),
     "finished_at": at("2019-02-15 15:00:02"), "records_processed": 1_000},
    {"job_id": "J3", "job_type": "extract", "status": "PARTIAL", "started_at": at("2019-02-16 01:00"),
     "finished_at": at("2019-02-16 01:00:01"), "records_processed": 500, "error_message": "a | b\nc"},
    {"job_id": "J4", "job_type": "transform", "status": "RUNNING", "started_at": at("2019-02-15 16:00")},
    {"job_id": "J5", "job_type": "report", "status": "SUCCESS", "started_at": at("2019-02-15 17:00")},
    # Q2 is the newest of the runs over all of the week; Q3 and Q4 are younger, and checked less of it
    *(
        {"job_id": name, "job_type": "quality", "status": status, "started_at": at("2019-02-19 22:00"),
         "finished_at": at("2019-02-19 22:00"), "details": f'{{"first": "{first}", "last": "{last}"}}'}
        for name, status, first, last in (
            ("Q1", "SUCCESS", "2019-01-04", "2019-02-18"),
            ("Q2", "PARTIAL", "2019-01-07", "2019-02-19"),
            ("Q3", "SUCCESS", "2019-02-15", "2019-02-19"),
            ("Q4", "SUCCESS", "2019-02-18", "2019-02-20"),
        )
    ),
    {"job_id": "Q5", "job_type": "quality", "status": "FAILED", "started_at": at("2019-02-19 22:00"), "details": "{}"},
]  # fmt: skip
FINDINGS: list[Row] = [
    {"run_id": "Q1", "check_name": "T1", "table_name": "stock_data", "symbol": "OLD", "status": "FAIL",
     "severity": "error"},
    {"run_id": "Q2", "check_name": "R1", "table_name": "daily_bars", "symbol": "BBB", "status": "WARN",
     "severity": "warning", "affected_rows": 1, "value": 0.125, "threshold": 0.1, "message": "close | bars"},
    {"run_id": "Q2", "check_name": "T1", "table_name": "stock_data", "symbol": "DDD", "status": "FAIL",
     "severity": "error", "affected_rows": 26, "message": "no bar"},
    {"run_id": "Q2", "check_name": "T1", "table_name": "stock_data", "symbol": "DDD", "status": "FAIL",
     "severity": "error", "date": date(2019, 2, 8)},
    {"run_id": "Q3", "check_name": "R1", "table_name": "daily_bars", "symbol": "NEW", "status": "WARN",
     "severity": "warning"},
    {"run_id": "Q2", "check_name": "T4", "table_name": "stock_data", "status": "PASS", "severity": "error"},
]  # fmt: skip


def _session(symbol: str, day: int, state: str, present: int) -> Row:
    return {
        "asset_class": "stock",
        "symbol": symbol,
        "bar_interval": "15min",
        "session": date(2019, 2, day),
        "bars_expected": 26,
        "bars_present": present,
        "state": state,
    }


COVERAGE: list[Row] = [
    _session("AAA", 14, "complete", 26),
    _session("AAA", 15, "complete", 26),
    _session("BBB", 15, "complete", 26),
    _session("DDD", 14, "missing", 20),
    _session("DDD", 15, "missing", 0),
    _session("EEE", 15, "not asked", 0),
    _session("EEE", 8, "restricted", 0),
]
ALL: Mapping[Table, list[Row]] = {
    tables.DAILY_BARS: DAILY,
    tables.STOCK_RAW: RAW_STOCK,
    tables.LOADS: LOADS,
    tables.BOND: CURVES,
    tables.DAILY_AGGREGATES: BREADTH,
    tables.COMMODITY: COMMODITY,
    tables.JOB_LOG: JOBS,
    tables.QUALITY_LOG: FINDINGS,
    tables.COVERAGE: COVERAGE,
}


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Makes a warehouse that holds the given rows."""

    def make(content: Mapping[Table, list[Row]]) -> DuckDBWarehouse:
        path: Path = tmp_path_factory.mktemp("home") / "warehouse.duckdb"
        warehouse = DuckDBWarehouse(path, clock=VirtualClock(NOW), wait_seconds=0)
        warehouse.setup()
        with warehouse.write() as writer:
            for table, rows in content.items():
                writer.append(table, frame(table, *rows))
        return warehouse

    return make


@pytest.fixture
def everything() -> dict[Table, list[Row]]:
    """The rows of the shared warehouse, for a test that wants others beside them."""
    return {table: list(rows) for table, rows in ALL.items()}


@pytest.fixture(scope="session")
def warehouse(fill: Fill) -> DuckDBWarehouse:
    """The warehouse with everything above; nobody writes into it."""
    return fill(ALL)


@pytest.fixture(scope="session")
def week(warehouse: DuckDBWarehouse) -> Figures:
    """The figures of 2019-W07."""
    with warehouse.read() as reader:
        return figures(reader, WEEK)


@pytest.fixture(scope="session")
def friday(warehouse: DuckDBWarehouse) -> Figures:
    """The figures of its last session."""
    with warehouse.read() as reader:
        return figures(reader, FRIDAY)
