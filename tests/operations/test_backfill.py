"""A longer history: recorded, refused, worked on, gone on with, and left to who is at work."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.landing import Landing
from openingbell.operations.lock import worker_lock
from openingbell.wants import read_wants
from tests.running import SMALL_UNIVERSE, Bell
from tests.test_cli import started

SATURDAY = "2026-11-21T12:00:00-05:00"
QUIET = {**SMALL_UNIVERSE, "OPENINGBELL_REVISION_SESSIONS": "0"}


@pytest.fixture
def bell(tmp_path: Path) -> Bell:
    return Bell(tmp_path / "home", QUIET)


def sessions_of(bell: Bell, table: tables.Table, symbol: str) -> pl.Series:
    return bell.rows(table).filter(pl.col("symbol") == symbol)["date"].dt.date().unique().sort()


def test_a_longer_history_comes_once_and_only_of_what_was_asked_for(bell: Bell) -> None:
    bell.run("full", "--demo", "--now", SATURDAY)
    before = sessions_of(bell, tables.STOCK_RAW, "MSFT")
    bell.run("backfill", "--demo", "--from", "2026-08-03", "--symbols", "AAPL", "--feeds", "stocks")
    assert sessions_of(bell, tables.STOCK_RAW, "AAPL")[0] == date(2026, 8, 3)
    assert sessions_of(bell, tables.STOCK_RAW, "MSFT").equals(before)
    coverage = bell.rows(tables.COVERAGE).filter((pl.col("symbol") == "AAPL") & (pl.col("bar_interval") == "15min"))
    assert coverage["session"].min() == date(2026, 8, 3)
    assert coverage["state"].unique().to_list() == ["complete"]
    asked = len(Landing(bell.home / "data_extracts").record().asks)
    bell.run("backfill", "--demo")
    bell.run("full", "--demo")
    assert len(Landing(bell.home / "data_extracts").record().asks) == asked
    bell.require_unique_keys()


def test_windows_of_years_are_asked_newest_first_and_none_twice(bell: Bell) -> None:
    bell.run("backfill", "--demo", "--from", "2026-03-02", "--symbols", "AAPL", "--now", SATURDAY)
    asks = Landing(bell.home / "data_extracts").record().asks
    stocks = asks.filter((pl.col("feed") == "stocks") & (pl.col("symbol") == "AAPL")).sort("answered_at")
    assert stocks["last"].is_sorted(descending=True)
    assert stocks["first"].min() == date(2026, 3, 2)
    days = stocks.select(pl.date_ranges("first", "last")).explode("first")["first"]
    assert days.is_duplicated().sum() == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_it_in_one_line_and_it_goes_on_where_it_was(bell: Bell) -> None:
    """What it will cost is told before anything is asked."""
    words = ("backfill", "--demo", "--from", "2026-03-02", "--symbols", "AAPL,^GSPC", "--now", SATURDAY)
    with started(bell, *words) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if "file_landed" in line and "indexes" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, out = process.stderr.read(), process.stdout.read()
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "error: interrupted; what has landed stays, the next run does the rest"
    assert "stage_started" not in rest  # nothing new is begun
    assert out.index("at the permitted pace") < out.index("SUCCESS")
    begun = Landing(bell.home / "data_extracts").record().asks
    bell.run("backfill", "--demo")
    asks = Landing(bell.home / "data_extracts").record().asks
    assert 0 < len(begun) < len(asks)
    assert asks.select("feed", "symbol", "first", "last").is_duplicated().sum() == 0
    assert sessions_of(bell, tables.STOCK, "AAPL")[0] == date(2026, 3, 2)


def test_while_another_is_at_work_it_is_recorded_and_left_to_that_one(bell: Bell) -> None:
    with worker_lock(bell.home, "bell run", datetime(2026, 11, 21, tzinfo=UTC)):
        said = bell.run("backfill", "--demo", "--from", "2026-08-03", "--now", SATURDAY).stdout
    assert "recorded; bell run (process" in said
    (want,) = read_wants(bell.home)
    assert (want.first, want.symbols) == (date(2026, 8, 3), ())
    said = bell.run("plan", "--demo", "--feeds", "bonds").stdout
    assert "2026-08-03" in said
    assert [line.split()[0] for line in said.splitlines()] == ["feed", "bonds", "at"]


def test_what_the_plan_does_not_allow_today_is_refused_unless_told(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", {**QUIET, "OPENINGBELL_CALLS_PER_DAY": "12"})
    said = bell.run("backfill", "--demo", "--from", "2026-06-01", "--now", SATURDAY, code=2).stderr
    assert "the plan leaves 12 calls today" in said
    assert not bell.home.exists() or read_wants(bell.home) == []
    told = bell.run("backfill", "--demo", "--from", "2026-06-01", "--now", SATURDAY, "--beyond-budget", code=3).stdout
    assert "the plan's calls of the day" in told
    asks = Landing(bell.home / "data_extracts").record().asks
    assert asks["calls"].sum() == 12
    assert bell.run("full", "--demo", code=2).stderr.count("--beyond-budget") == 1


def test_a_plan_is_a_forecast_that_holds(bell: Bell) -> None:
    said = bell.run("plan", "--demo").stdout
    (calls,) = [line for line in said.splitlines() if line.startswith("at most")]
    bell.run("full", "--demo", "--now", SATURDAY)
    said = bell.run("plan", "--demo", "--from", "2026-10-01").stdout
    (calls,) = [line for line in said.splitlines() if line.startswith("at most")]
    expected = int(calls.split()[2].replace(",", ""))
    before = len(Landing(bell.home / "data_extracts").record().asks)
    bell.run("extract", "--demo", "--from", "2026-10-01")
    assert len(Landing(bell.home / "data_extracts").record().asks) - before == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "1950-01-03"), "the vendor's oldest bars are of 1962-01-02"),
        (("--from", "2999-01-04"), "the future has no bars"),
        (("--from", "2026-08-03", "--symbols", "NOPE"), "asked for NOPE; the universe holds"),
        (("--from", "2026-08-03", "--feeds", "splits"), "no such feed of bars or yields"),
        (("--from", "soon"), "that is no date"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_recorded(bell: Bell, words: tuple[str, ...], said: str) -> None:
    assert said in bell.run("backfill", "--demo", *words, "--now", SATURDAY, code=2).stderr
    assert not (bell.home / "wanted.json").exists()


def test_on_the_free_plan_the_same_product_runs_on_official_days(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", {**QUIET, "OPENINGBELL_PLAN": "free"})
    bell.run("full", "--demo", "--now", SATURDAY)
    assert bell.rows(tables.STOCK).is_empty()
    assert len(bell.rows(tables.DAILY_BARS)) == len(bell.rows(tables.TECHNICAL_INDICATORS_DAILY)) == 4 * 30
    assert bell.rows(tables.DAILY_AGGREGATES).sort("date")["total_stocks"][-1] == 2
    assert bell.rows(tables.COVERAGE)["state"].unique().to_list() == ["complete"]
    jobs = bell.rows(tables.JOB_LOG)
    assert jobs["status"].unique().to_list() == ["SUCCESS"]
    assert json.loads(jobs.filter(pl.col("job_type") == "extract")["details"][0])["restricted"] == []
