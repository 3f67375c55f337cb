from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from openingbell import universe as universes
from openingbell.clock import SystemClock
from openingbell.config import Settings
from openingbell.context import Outcome, Pipeline
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.home import Home, Source
from openingbell.operations.jobs import SUCCESS, Job
from openingbell.operations.summary import summarise
from openingbell.operations.worker import EXTRACT, LOAD, Ran
from openingbell.warehouse.duckdb import DuckDBWarehouse


def test_a_stage_with_something_to_say_says_it_before_the_places(tmp_path: Path) -> None:
    home = Home(tmp_path, Source(homes.DEMO, "1"))
    pipeline = Pipeline(
        settings=Settings(),
        universe=universes.from_symbols(["AAPL"], [], []),
        landing=Landing(home.extracts),
        warehouse=DuckDBWarehouse(tmp_path / "warehouse.duckdb", clock=SystemClock(), wait_seconds=0),
        clock=SystemClock(),
        source="demo 1",
        reports=home.reports,
    )
    job = Job("1", EXTRACT, SUCCESS, datetime(2026, 11, 24, tzinfo=UTC))
    ran = Ran(home, pipeline, (job,), {EXTRACT: Outcome(0, note="nothing was due"), LOAD: Outcome(1)})
    summary = summarise(ran)
    assert summary.notes == {EXTRACT: "nothing was due"}
    assert list(summary.places) == ["extracts", "warehouse", "logs"]
