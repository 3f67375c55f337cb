"""A report as a file: where it goes, and that it stays the same while the warehouse says the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import WarehouseError
from openingbell.reporting import stage
from openingbell.reporting.figures import Figures
from openingbell.reporting.period import Period
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse

FRIDAY = Period("2019-02-15", date(2019, 2, 15), date(2019, 2, 15))
WEEK = Period("2019-W07", date(2019, 2, 11), date(2019, 2, 17))
Fill = Callable[..., DuckDBWarehouse]


def test_the_file_is_named_after_the_period(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    assert stage.run(warehouse, folder, FRIDAY) == stage.Reported(folder / "report-2019-02-15.md", rows=12)
    assert stage.run(warehouse, folder, WEEK) == stage.Reported(folder / "report-2019-W07.md", rows=20)
    assert sorted(path.name for path in folder.iterdir()) == ["report-2019-02-15.md", "report-2019-W07.md"]
    assert "2,550.00 †" in (folder / "report-2019-W07.md").read_text("utf-8")


def test_the_same_warehouse_gives_the_same_bytes(
    fill: Fill, everything: dict[Table, list[object]], tmp_path: Path
) -> None:
    first = stage.run(fill(everything), tmp_path, WEEK).path.read_bytes()
    turned = {table: list(reversed(rows)) for table, rows in everything.items()}
    assert stage.run(fill(turned), tmp_path, WEEK).path.read_bytes() == first


def test_that_a_report_was_made_does_not_change_the_next(
    fill: Fill, everything: dict[Table, list[object]], tmp_path: Path
) -> None:
    warehouse = fill(everything)
    before = stage.run(warehouse, tmp_path, WEEK).path.read_bytes()
    with warehouse.write() as writer:
        ran = writer.read(tables.JOB_LOG).filter(pl.col("job_type") == "report")
        writer.append(tables.JOB_LOG, ran.with_columns(job_id=pl.lit("J9"), status=pl.lit("FAILED")))
    assert stage.run(warehouse, tmp_path, WEEK).path.read_bytes() == before


def test_a_change_overwrites(fill: Fill, everything: dict[Table, list[object]], tmp_path: Path) -> None:
    warehouse = fill(everything)
    before = stage.run(warehouse, tmp_path, WEEK).path.read_text("utf-8")
    with warehouse.write() as writer:
        bars = writer.read(tables.DAILY_BARS, first=date(2019, 2, 15), last=date(2019, 2, 15))
        writer.replace(tables.DAILY_BARS, bars.with_columns(is_final=True))
    after = stage.run(warehouse, tmp_path, WEEK).path.read_text("utf-8")
    assert "| 2,550.00 † |" in before
    assert "| 2,550.00 |" in after


def test_an_empty_period_is_reported_as_empty(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    holiday = Period("2018-12-25", date(2018, 12, 25), date(2018, 12, 25))
    done = stage.run(warehouse, tmp_path, holiday)
    page = done.path.read_text("utf-8")
    assert done.rows == 0
    assert "Tue 2018-12-25 · no raw data" in page
    assert "**No bar of this period is in the warehouse.**" in page
    assert "No stock has a close both in the period and before it." in page


def test_an_empty_warehouse_is_reported(fill: Fill, tmp_path: Path) -> None:
    page = stage.run(fill({}), tmp_path, WEEK).path.read_text("utf-8")
    assert "Mon 2019-02-11 to Sun 2019-02-17 · 0 trading days · no raw data" in page
    assert "No quality run has checked this period." in page
    assert "Nothing ran yet." in page
    assert "| `daily_bars` | analytics | 0 |" in page


def test_without_a_warehouse_nothing_is_written(tmp_path: Path, week: Figures) -> None:
    clock = VirtualClock(datetime.fromisoformat("2019-02-20T12:00:00+00:00"))
    absent = DuckDBWarehouse(tmp_path / "warehouse.duckdb", clock=clock, wait_seconds=0)
    with pytest.raises(WarehouseError):
        stage.run(absent, tmp_path / "reports", week.period)
    assert not (tmp_path / "reports").exists()
