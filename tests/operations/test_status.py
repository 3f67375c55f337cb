from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell import universe as universes
from openingbell.clock import Clock, ShiftedClock, SystemClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.home import Home, Source
from openingbell.operations.jobs import RUNNING, SUCCESS
from openingbell.operations.lock import worker_lock
from openingbell.operations.status import Status, status_of
from openingbell.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.home = Home(folder, Source(homes.DEMO, "1"))
        self.warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", clock=SystemClock(), wait_seconds=0)

    def status(self, clock: Clock | None = None) -> Status:
        pipeline = Pipeline(
            settings=Settings(),
            universe=universes.from_symbols(["AAPL"], [], []),
            landing=Landing(self.home.extracts),
            warehouse=self.warehouse,
            clock=clock or SystemClock(),
            source=str(self.home.source),
            reports=self.home.reports,
        )
        return status_of(self.home, pipeline)

    def log(self, job_type: str, status: str, details: str = "{}") -> None:
        self.warehouse.setup()
        row = {
            "job_id": job_type, "job_type": job_type, "status": status, "started_at": NOW.replace(tzinfo=None),
            "finished_at": None, "records_processed": 0, "error_message": None, "details": details,
        }  # fmt: skip
        with self.warehouse.write() as writer:
            writer.append(tables.JOB_LOG, pl.DataFrame([row], schema=tables.JOB_LOG.schema))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_holes_are_not_known_before_someone_looked(bench: Bench) -> None:
    assert bench.status().holes is None
    bench.warehouse.setup()
    assert bench.status().holes is None
    bench.log("quality", SUCCESS, f'{{"now": "{NOW.isoformat()}", "first": "2026-11-23", "last": "2026-11-24"}}')
    assert bench.status().holes == {}


def test_a_clock_that_is_not_the_machines_is_shown(bench: Bench) -> None:
    assert "clock" not in bench.status().facts
    assert bench.status(ShiftedClock(NOW)).facts["clock"].startswith("2026-11-24 15:00:0")


def test_jobs_that_run_without_a_worker_are_abandoned(bench: Bench) -> None:
    bench.log("extract", RUNNING)
    assert bench.status().facts["abandoned"].startswith("1 jobs; their process ended")
    with worker_lock(bench.home.root, "bell full", NOW):
        assert "abandoned" not in bench.status().facts


def test_a_manifest_that_cannot_be_read_is_named_and_stops_nothing(bench: Bench) -> None:
    path = bench.home.extracts / "stocks" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text("{", "utf-8")
    assert str(path) in bench.status().facts["unreadable"]
    bench.warehouse.setup()
    facts = bench.status().facts
    assert str(path) in facts["unreadable"]
    assert facts["pending"] == "0 files to load, 0 to transform"
