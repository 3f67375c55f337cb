"""What stages say of themselves: shortfalls, refusals and notes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import context, tables
from openingbell import pipeline as flow
from openingbell import universe as universes
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.errors import WarehouseError
from openingbell.extract import stage as extraction
from openingbell.landing import Ask, Landing, Outcome
from openingbell.reporting.period import Period
from openingbell.warehouse.duckdb import DuckDBWarehouse

DAY = date(2019, 2, 15)
PERIOD = Period("2019-02-15", DAY, DAY)
EVENING = datetime(2019, 2, 16, 3, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Pipeline:
    clock = VirtualClock(EVENING)
    return Pipeline(
        settings=Settings(),
        universe=universes.from_symbols(["AAPL"], [], []),
        landing=Landing(tmp_path / "data_extracts"),
        warehouse=DuckDBWarehouse(tmp_path / "warehouse.duckdb", clock=clock, wait_seconds=0),
        clock=clock,
        source="test",
        reports=tmp_path / "reports",
    )


def land(home: Pipeline, *, minutes: int = 0, walls: tuple[str, ...] = ("09:30:00",), source: str = "test") -> None:
    """A file of AAPL bars that was received `minutes` after the close."""
    at = datetime(2019, 2, 15, 21, tzinfo=UTC) + timedelta(minutes=minutes)
    rows = pl.DataFrame(
        {"symbol": "AAPL", "answered_at": at.isoformat(), "date": [f"{DAY} {wall}" for wall in walls], "close": "1"}
    )
    ask = Ask("AAPL", "stock", "XNYS", DAY, DAY, DAY, DAY, at, 200, Outcome.ANSWERED, len(rows), 1)
    home.landing.write(
        "stocks", rows, (ask,), source=source, bar_interval="15min", basis="vendor", final_delay=timedelta(minutes=2)
    )


def test_a_report_of_all_that_landed_lacks_nothing(home: Pipeline) -> None:
    land(home)
    flow.load(home)
    flow.transform(home)
    assert flow.report(home, PERIOD).shortfall == ""


def test_a_report_says_what_is_not_in_it_and_which_stage_brings_it(home: Pipeline) -> None:
    land(home)
    flow.load(home)
    land(home, minutes=5)
    land(home, minutes=6)
    (home.landing.root / "stocks" / "x.json").write_text("{", "utf-8")
    done = flow.report(home, PERIOD)
    assert done.shortfall == (
        "3 landed files are not loaded, run `bell csv-load`; 1 loads are not transformed, run `bell transform`"
    )
    assert Path(str(done.details["path"])).exists()


def test_a_report_of_none_of_the_landed_files_is_refused_and_the_old_one_stays(home: Pipeline) -> None:
    home.warehouse.setup()
    path = Path(str(flow.report(home, PERIOD).details["path"]))
    path.write_text("of old", "utf-8")
    land(home)
    with pytest.raises(
        WarehouseError, match=r"asked to report on 2019-02-15; .*none of the 1 landed files; .*`bell csv-load`"
    ):
        flow.report(home, PERIOD)
    assert path.read_text("utf-8") == "of old"


def test_a_file_of_another_source_makes_loading_partial(home: Pipeline) -> None:
    land(home)
    land(home, minutes=5, source="demo 7")
    done = flow.load(home)
    assert done.records == 1
    assert "data of demo 7, this home those of test" in done.shortfall


def test_rows_that_were_still_forming_are_told(home: Pipeline) -> None:
    land(home, minutes=-10, walls=("09:30:00", "15:45:00"))
    assert flow.load(home).note == "1 rows were still forming and stay in their files"
    assert flow.load(home).note == ""


@pytest.mark.parametrize(
    ("symbols", "words"), [((), "nothing was due"), (("AAPL",), "nothing was due of what was asked for")]
)
def test_extraction_with_nothing_due_says_so(
    home: Pipeline, monkeypatch: pytest.MonkeyPatch, symbols: tuple[str, ...], words: str
) -> None:
    done = extraction.Extracted()
    monkeypatch.setattr(extraction, "run", lambda *_, **__: done)
    asked = replace(home, symbols=symbols, settings=Settings.model_validate({"api_key": "no-key-at-all"}))
    assert flow.extract(asked).note == words
    done = extraction.Extracted(requests=1)
    assert flow.extract(asked).note == ""


def test_the_backlog_counts_landed_files_and_not_rows_of_files_that_are_gone(home: Pipeline) -> None:
    land(home)
    flow.load(home)
    for path in home.landing.root.glob("*/*"):
        path.unlink()
    land(home, minutes=5)
    with home.warehouse.read() as reader:
        left = context.backlog(home.landing.record(), reader.read(tables.LOADS))
    assert left == context.Backlog(to_load=1, to_transform=1)
