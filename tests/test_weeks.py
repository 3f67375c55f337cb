"""Weeks of the worker that stays, with its real scheduler, client, HTTP and DuckDB, in simulated time.

Each week is lived twice: as it is, and by a twin that had no faults and asked once, when all was over. What both know
at the end must be the same. The least number of requests is reckoned here from the calendars alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import sessions, tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.feeds import CONSTITUENT_CHANGES, CONSTITUENTS, EOD, FEEDS, Kind
from openingbell.operations import service, worker
from openingbell.operations.entry import Wish
from openingbell.operations.home import Source
from openingbell.operations.stopping import Stop
from openingbell.progress import Progress
from openingbell.universe import from_symbols
from openingbell.vendor.asked import Asked
from openingbell.vendor.faults import Fault, Faults
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from tests.running import Bell

SYMBOLS = {
    "OPENINGBELL_STOCKS": "AAPL MSFT",
    "OPENINGBELL_INDEXES": "^GSPC ^VIX",
    "OPENINGBELL_COMMODITIES": "GCUSD CLUSD",
}
UNIVERSE = from_symbols(["AAPL", "MSFT"], ["^GSPC", "^VIX"], ["GCUSD", "CLUSD"])
SETTINGS = {
    **SYMBOLS,
    "OPENINGBELL_FIRST_RUN_SESSIONS": "5",
    "OPENINGBELL_FIRST_RUN_DAILY_SESSIONS": "10",
    "OPENINGBELL_PAUSE_BETWEEN_CALLS_SECONDS": "0",
    "OPENINGBELL_PAUSE_BETWEEN_BATCHES_SECONDS": "0",
    "OPENINGBELL_TIMEOUT_SECONDS": "5",
    "OPENINGBELL_THREADS": "2",
    "OPENINGBELL_REVISION_SAMPLE": "4",
    "OPENINGBELL_COMPRESS_AFTER_DAYS": "1",
    "FMP_API_KEY": "made-up-key-91c2",
}
MIX = (
    "rate_limit", "server_error", "html", "truncated", "reset", "cut", "duplicates", "disorder", "extra_field", "late",
)  # fmt: skip
"""A tenth of all requests meets one of these."""


@dataclass(frozen=True)
class Week:
    """A span of market time (UTC), and what goes wrong in it."""

    begin: datetime
    end: datetime
    faults: tuple[Fault, ...] = ()


WEEKS = {
    "half day": Week(datetime(2026, 11, 22, 22, 30, tzinfo=UTC), datetime(2026, 11, 28, 6, tzinfo=UTC)),
    "clocks": Week(datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 7, 6, tzinfo=UTC)),
    "faults": Week(
        datetime(2026, 11, 8, 22, 30, tzinfo=UTC),
        datetime(2026, 11, 14, 6, tzinfo=UTC),
        (
            Fault(
                "outage",
                start=datetime(2026, 11, 10, 15, 30, tzinfo=UTC),
                end=datetime(2026, 11, 10, 16, 30, tzinfo=UTC),
            ),
            *(Fault(kind, probability=0.1 / len(MIX)) for kind in MIX),
        ),
    ),
}


class Ending(VirtualClock):
    """A clock that sets the stop when a moment is reached."""

    def __init__(self, begin: datetime, end: datetime, stop: Stop) -> None:
        super().__init__(begin)
        self._end = end
        self._stop = stop

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        if self.now() >= self._end:
            self._stop.set()


@dataclass(frozen=True)
class Lived:
    """What a week left behind."""

    week: Week
    bell: Bell
    twin: Bell
    asked: tuple[Asked, ...]
    told: list[str] = field(default_factory=list)


@contextmanager
def vendor(clock: VirtualClock, folder: Path, faults: tuple[Fault, ...]) -> Iterator[tuple[RunningVendor, Wish]]:
    """The look-alike at a clock, and a live home that asks it."""
    market = SimulatedMarket(UNIVERSE, 3)
    with (
        RunningVendor(market, clock, faults=Faults(faults, seed=11)) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {**SETTINGS, "OPENINGBELL_BASE_URL": running.url}.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        yield running, Wish(source=Source("fmp"), home=folder / "home", clock=clock)


def silent(_: str) -> Progress:
    return lambda *_: None


def live(week: Week, folder: Path) -> Lived:
    """Live through a week, and have the twin ask when it is over."""
    for name in ("lived", "twin"):
        (folder / name).mkdir()
    stop = Stop()
    told: list[str] = []
    with vendor(Ending(week.begin, week.end, stop), folder / "lived", week.faults) as (running, wish):
        service.serve(wish, stop=stop, tell=told.append)
        asked = running.requests.all()
    clock = VirtualClock(week.begin)
    with vendor(clock, folder / "twin", ()) as (_, wish):
        worker.run(wish, worker.FULL, silent)
        clock.wait((week.end - clock.now()).total_seconds())
        worker.run(wish, worker.FULL, silent)
    return Lived(week, Bell(folder / "lived" / "home", {}), Bell(folder / "twin" / "home", {}), asked, told)


@pytest.mark.parametrize("name", WEEKS)
def test_a_week(tmp_path: Path, name: str) -> None:
    lived = live(WEEKS[name], tmp_path)
    nothing_is_lost_or_doubled(lived)
    hardly_more_was_asked_than_must_be(lived)
    the_job_log_tells_the_story(lived)
    old_files_were_compressed(lived)
    assert any("markets are closed; sleeping until" in words for words in lived.told)


def nothing_is_lost_or_doubled(lived: Lived) -> None:
    """Every table is that of the twin, and complete."""
    lived.bell.require_unique_keys()
    here, there = lived.bell.contents(), lived.twin.contents()
    assert [table for table, rows in there.items() if not rows.equals(here[table])] == []
    assert lived.bell.rows(tables.COVERAGE)["state"].unique().to_list() == ["complete"]


def old_files_were_compressed(lived: Lived) -> None:
    """Those of the week before its last nights; the twin, which has no nights, has all as they landed."""
    there, here = (
        {path.suffix for path in (bell.home / "data_extracts").glob("[!.]*/*") if path.is_file()}
        for bell in (lived.twin, lived.bell)
    )
    assert (there, here) == ({".csv", ".json"}, {".csv", ".gz", ".json"})


def least(week: Week) -> int:
    """Requests that nobody can do without: each symbol's first windows, then one for each time that something of it has
    become final, and the nights' readings of the week.
    """
    settings = Settings(first_run_sessions=5, first_run_daily_sessions=10, revision_sample=4)
    first, last = week.begin.date() - timedelta(days=3), week.end.date() + timedelta(days=1)
    nights = [
        night
        for day in sessions.schedule("XNYS", first, last)["session"]
        if week.begin < (night := datetime(day.year, day.month, day.day, 20, 30, tzinfo=sessions.NEW_YORK)) <= week.end
    ]
    total = len(nights) * settings.revision_sample
    for member in UNIVERSE.members:
        feed = member.feed
        if feed.kind is Kind.INTRADAY:
            grid = sessions.grid(member.calendar, "15min", first, last)
            ends = {moment + settings.final_delay(feed) for moment in grid["end_utc"]}
        elif feed.has_grid:
            grid = sessions.grid(member.calendar, "1day", first, last)
            ends = {moment + settings.final_delay(feed) for moment in grid["end_utc"]}
        elif feed.asked_each == "session":
            ends = set(sessions.schedule(member.calendar, first, last)["open_utc"])
        else:
            ends = {
                moment
                for day, moment in sessions.schedule(member.calendar, first, last)
                .select("session", "open_utc")
                .iter_rows()
                if day == sessions.schedule(member.calendar, day.replace(day=1), day)["session"][0]
            }
        times = sum(week.begin < end <= week.end for end in ends)
        windows = 2 if feed.window_days < 7 else 1  # five sessions lie in seven days
        total += times + windows + (len(nights) * windows if feed.has_grid else 0)
    return total


def hardly_more_was_asked_than_must_be(lived: Lived) -> None:
    """Retries of requests that met a fault are left out: what follows a fault is the same question again."""
    asked = [one for one in lived.asked if not one.fault and one.status == 200]
    failed = len(lived.asked) - len(asked)
    assert failed == 0 or lived.week.faults
    assert len(asked) <= 1.15 * least(lived.week)


def the_job_log_tells_the_story(lived: Lived) -> None:
    jobs = lived.bell.rows(tables.JOB_LOG)
    assert "RUNNING" not in jobs["status"].to_list()
    reports = jobs.filter(pl.col("job_type") == "report")
    closes = [
        day
        for day, close in sessions.schedule("XNYS", lived.week.begin.date(), lived.week.end.date())
        .select("session", "close_utc")
        .iter_rows()
        if lived.week.begin < close + Settings().final_delay(EOD) < lived.week.end
    ]
    told = [json.loads(details)["period"] for details in reports.sort("job_id")["details"]]
    weeks = sorted({f"{day.isocalendar().year}-W{day.isocalendar().week:02d}" for day in closes if ends_a_week(day)})
    assert sorted(told) == sorted([*(day.isoformat() for day in closes), *weeks])
    partial = jobs.filter((pl.col("job_type") == "extract") & (pl.col("status") != "SUCCESS"))
    assert len(partial) > 0 if lived.week.faults else partial.is_empty()


def ends_a_week(day: date) -> bool:
    following = sessions.schedule("XNYS", day + timedelta(days=1), day + timedelta(days=7))["session"][0]
    return bool(following.isocalendar().week != day.isocalendar().week)


def test_all_feeds_are_among_them() -> None:
    """But for the members of indexes, which are asked for only where an index is named as a universe."""
    of_indexes = {*CONSTITUENTS.values(), *CONSTITUENT_CHANGES.values()}
    assert {member.feed for member in UNIVERSE.members} == set(FEEDS) - of_indexes
