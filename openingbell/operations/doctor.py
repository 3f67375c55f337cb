"""`bell doctor`: what a home needs to run for years, looked at one by one, each with what was found and what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openingbell import sessions, tables
from openingbell.clock import SystemClock
from openingbell.context import Pipeline, backlog
from openingbell.errors import OpeningbellError, Restricted, VendorError
from openingbell.extract.fmp import CLOCK_TOLERANCE, FmpClient, require_key
from openingbell.extract.forecast import DISK_PER_ROW, WAREHOUSE_PER_ROW
from openingbell.extract.plan import Request
from openingbell.feeds import BONDS, STOCKS, Kind
from openingbell.operations import home as homes
from openingbell.operations.heartbeat import STALE, STOPPED, read_heartbeat
from openingbell.operations.home import Home
from openingbell.operations.lock import is_held, owner_of
from openingbell.pipeline import budget_of

PYTHON = (3, 11)
SKEW_WARNING = timedelta(seconds=5)
HORIZON = timedelta(days=365)
LEAST_FREE_BYTES = 1_000_000_000
SIMULATED = "not needed: the vendor is simulated on this machine"


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Check:
    """One check: what was found, and what to do where it is not ok."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine(home: Home, pipeline: Pipeline, *, endpoints: bool = False) -> Iterator[Check]:
    """All checks of a home; one that fails in an unforeseen way hides no other. The vendor is asked one thing, with
    `endpoints` one thing of every feed.
    """
    checks: dict[str, Callable[[], Check]] = {
        "python": _python,
        "time zones": _zones,
        "home": lambda: _home(home),
        "calendars": lambda: _calendars(pipeline),
        "symbols": lambda: _symbols(pipeline),
        "disk": lambda: _disk(home, pipeline),
        "warehouse": lambda: _warehouse(pipeline),
        "worker": lambda: worker(home),
    }
    for name, check in checks.items():
        yield _isolated(name, check)
    if home.source.kind == homes.LIVE:
        yield from _vendor(pipeline, endpoints=endpoints)
    else:
        yield Check("vendor", Verdict.OK, SIMULATED)


def worker(home: Home) -> Check:
    """Whether the worker that began to give signs of life still does."""
    beat, is_at_work = read_heartbeat(home.root), is_held(home.root)
    if beat is None or beat.state == STOPPED:
        return Check("worker", Verdict.OK, (owner_of(home.root) or "another process") if is_at_work else "none")
    age = beat.age(SystemClock().now())
    found = f"process {beat.pid}, {beat.state}, last sign {age.total_seconds():,.0f} s ago"
    if not is_at_work:
        return Check("worker", Verdict.FAILURE, f"{found}, then it died", "start `bell run` again: nothing is lost")
    if age <= STALE:
        return Check("worker", Verdict.OK, found)
    return Check("worker", Verdict.FAILURE, found, "it hangs: end that process and start `bell run` again")


def _isolated(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except OpeningbellError as error:
        return Check(name, Verdict.FAILURE, str(error))
    except OSError as error:
        return Check(name, Verdict.FAILURE, f"{type(error).__name__}: {error}", "see what the system says")


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= PYTHON:
        return Check("python", Verdict.OK, found)
    return Check("python", Verdict.FAILURE, found, "use Python 3.11 or newer")


def _zones() -> Check:
    try:
        ZoneInfo(sessions.ZONE)
    except ZoneInfoNotFoundError:
        return Check("time zones", Verdict.FAILURE, f"no {sessions.ZONE}", "install tzdata")
    has_package = importlib.util.find_spec("tzdata") is not None
    return Check("time zones", Verdict.OK, "of the package tzdata" if has_package else "of the system")


def _home(home: Home) -> Check:
    found = f"{home.root.resolve()}, {home.source}"
    if os.access(_nearest(home), os.W_OK):
        return Check("home", Verdict.OK, found)
    advice = "make it writable, or choose another OPENINGBELL_HOME"
    return Check("home", Verdict.FAILURE, f"{found}: not writable", advice)


def _nearest(home: Home) -> Path:
    """The home's folder, or the one in which it will be."""
    root = home.root.resolve()
    return next(folder for folder in (root, *root.parents) if folder.exists())


def _calendars(pipeline: Pipeline) -> Check:
    until = (pipeline.clock.now() + HORIZON).date()
    calendars = sorted({member.calendar for member in pipeline.universe.members} | {STOCKS.calendar})
    short = [name for name in calendars if sessions.schedule(name, until - timedelta(days=10), until).is_empty()]
    if short:
        advice = "update pandas_market_calendars"
        return Check("calendars", Verdict.WARNING, f"{', '.join(short)} know no session near {until}", advice)
    return Check("calendars", Verdict.OK, f"{len(calendars)} know their sessions until {until}")


def _symbols(pipeline: Pipeline) -> Check:
    symbols = {
        (m.asset_class, m.symbol) for m in pipeline.universe.members if m.feed.kind in (Kind.INTRADAY, Kind.DAILY)
    }
    remarks = pipeline.listed.remarks() if pipeline.listed else []
    if remarks:
        return Check("symbols", Verdict.WARNING, "; ".join(remarks), "see the settings stocks, indexes and commodities")
    return Check("symbols", Verdict.OK, f"{len(symbols):,} are wanted")


def _disk(home: Home, pipeline: Pipeline) -> Check:
    free = shutil.disk_usage(_nearest(home)).free
    with_grid = [member for member in pipeline.universe.members if member.feed.has_grid]
    markets = Counter((member.calendar, member.bar_interval) for member in with_grid)
    rows = sum(count * _bars_a_year(*market, pipeline.clock.now()) for market, count in markets.items())
    needed = rows * (DISK_PER_ROW + WAREHOUSE_PER_ROW)
    found = f"{free / 1e9:,.1f} GB free; a year of this universe takes about {needed / 1e9:,.1f} GB"
    if free > max(needed, LEAST_FREE_BYTES):
        return Check("disk", Verdict.OK, found)
    return Check("disk", Verdict.WARNING if free > LEAST_FREE_BYTES else Verdict.FAILURE, found, "make room")


def _bars_a_year(calendar: str, bar_interval: str, now: datetime) -> int:
    """Reckoned from four weeks, of which a year has thirteen."""
    last = now.date() - timedelta(days=1)
    weeks = sessions.expected_bars(calendar, bar_interval, last - timedelta(days=27), last)
    return int(weeks["bars_expected"].sum()) * 13


def _warehouse(pipeline: Pipeline) -> Check:
    place = pipeline.warehouse.place
    if not pipeline.warehouse.exists():
        return Check("warehouse", Verdict.OK, f"{place} is not there yet; the first run makes it")
    record, _ = pipeline.landing.survey()
    with pipeline.warehouse.read() as reader:
        left = backlog(record, reader.read(tables.LOADS))
    found = f"{place}; {left.to_load:,} files to load, {left.to_transform:,} to transform"
    return Check("warehouse", Verdict.OK, found)


def _vendor(pipeline: Pipeline, *, endpoints: bool) -> Iterator[Check]:
    settings, clock = pipeline.settings, pipeline.clock
    try:
        require_key(settings)
    except OpeningbellError as error:
        yield Check("key", Verdict.FAILURE, str(error))
        return
    yield Check("key", Verdict.OK, "there is one")
    yield _isolated("plan", lambda: _plan(pipeline))
    today = clock.now().astimezone(sessions.NEW_YORK).date()
    span = {"from": (today - timedelta(days=7)).isoformat(), "to": today.isoformat()}
    once = settings.model_copy(update={"retry_attempts": 1})
    with FmpClient(once, clock) as client:
        try:
            with suppress(Restricted):
                client.get(BONDS.path, span)
        except OpeningbellError as error:
            yield Check("vendor", Verdict.FAILURE, str(error), "check the network, the address and the key")
            return
        yield Check("vendor", Verdict.OK, f"{settings.base_url} answers and takes the key")
        yield clock_check(client.skew)
        if endpoints:
            yield _endpoints(pipeline, client)


def _plan(pipeline: Pipeline) -> Check:
    settings, left = pipeline.settings, budget_of(pipeline)
    name = settings.limits.name if settings.limits else "none set"
    pace = f"{settings.paced_calls_per_minute:,.0f} calls a minute"
    facts = [
        f"{name}: {pace if settings.calls_of_a_minute else f'the careful pace of {pace}'}",
        *([f"{left.calls:,} calls left today"] if left.calls is not None else []),
        *([f"{left.bytes / 1e6:,.0f} MB left of its thirty days"] if left.bytes is not None else []),
    ]
    if left.calls_left(0, 0):
        return Check("plan", Verdict.OK, "; ".join(facts))
    return Check("plan", Verdict.WARNING, "; ".join(facts), "wait, what is due is asked then; or take a larger plan")


def _endpoints(pipeline: Pipeline, client: FmpClient) -> Check:
    """Of each feed the newest session of its first symbol."""
    first = {member.feed: member for member in reversed(pipeline.universe.members)}
    outside, failing = [], []
    for feed, member in sorted(first.items(), key=lambda one: one[0].name):
        session = sessions.latest_session(member.calendar, pipeline.clock.now())
        request = Request(member, session, session)
        try:
            client.get(request.path, request.parameters)
        except Restricted:
            outside.append(f"{feed.name} ({feed.path}, {member.symbol})")
        except VendorError as error:
            failing.append(f"{feed.name} ({feed.path}, {member.symbol}): {error}")
    answered = f"{len(first) - len(outside) - len(failing)} of {len(first)} feeds answer"
    told = f"{answered}; outside the plan: {', '.join(outside)}" if outside else answered
    if failing:
        return Check("endpoints", Verdict.FAILURE, f"{told}; {'; '.join(failing)}", "see what the vendor says")
    if outside:
        return Check("endpoints", Verdict.WARNING, told, "the rest goes on without; or take a larger plan")
    return Check("endpoints", Verdict.OK, told)


def clock_check(ahead: timedelta | None) -> Check:
    """How far our clock is ahead of the vendor's (negative: behind), None where that is not known."""
    if ahead is None:
        return Check("clock", Verdict.WARNING, "the vendor did not say what time it is", "compare the clock by hand")
    apart = abs(ahead)
    found = f"{apart.total_seconds():,.0f} s {'behind' if ahead < timedelta(0) else 'ahead of'} the vendor's"
    advice = "set the machine's clock, best by NTP: bars are judged final by it"
    if apart > CLOCK_TOLERANCE:
        return Check("clock", Verdict.FAILURE, found, advice)
    return Check("clock", Verdict.WARNING, found, advice) if apart > SKEW_WARNING else Check("clock", Verdict.OK, found)
