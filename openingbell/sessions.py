"""Market time: sessions, half days, and the grid of bars. Nobody else computes with clock hours.

Convention, used everywhere: a bar covers `[date, date + interval)` and is named by its start. `date` is the New York
wall clock without a zone, as the vendor writes it; `date_utc` is the same moment in UTC; `session` is the trading day.
A commodity's session opens at 18:00 New York on the evening before and bears the next day's date.

The calendars are those of `openingbell.calendars`. What the exchanges decide overnight and they do not know yet comes
from a file of closures (`openingbell.closures`), which holds inside `amended`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell import calendars
from openingbell.errors import RangeError
from openingbell.feeds import COMMODITIES, STOCKS, VOLATILITY_CALENDAR
from openingbell.tables import COMMODITY_RAW, Table
from openingbell.tables.table import MOMENT

if TYPE_CHECKING:
    from openingbell.closures import Closures

NEW_YORK = ZoneInfo("America/New_York")
ZONE = "America/New_York"

MINUTES: dict[str, int] = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "1hour": 60}
"""Length of an intraday bar by the vendor's name of its interval."""

DAILY = "1day"

EVENING_SHIFT = timedelta(hours=6)
"""Added to the wall clock of a market that opens at 18:00, it gives the trading day."""


FOLLOWERS: dict[str, tuple[str, timedelta]] = {VOLATILITY_CALENDAR: (STOCKS.calendar, timedelta(minutes=15))}
"""Calendars with the sessions of another one, and how much later they close. ^VIX is calculated until its options close
at 16:15, on half days at 13:15. The library's CBOE_Index_Options is open in the week of 2001-09-11 and has no half days
on Christmas Eve.
"""

_amendments: list[Closures] = []
"""What holds now is the last. Threads of the process share it: the vendor in a box closes with its pipeline."""

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def amended(closures: Closures) -> Iterator[None]:
    """While the block runs, market time respects these closures and early closes, and no others."""
    _amendments.append(closures)
    try:
        yield
    finally:
        _amendments.pop()


def remembered(maxsize: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`lru_cache` for what follows from the calendars: each answer is that under the closures which hold now."""

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=maxsize)
        def under(_: Closures | None, *args: P.args, **words: P.kwargs) -> R:
            return compute(*args, **words)

        @wraps(compute)
        def call(*args: P.args, **words: P.kwargs) -> R:
            return under(in_force(), *args, **words)  # type: ignore[arg-type]  # whether hashable, the call shows

        return call

    return decorate


def in_force() -> Closures | None:
    """The closures that hold now; None where nothing is amended."""
    return _amendments[-1] if _amendments else None


@remembered(maxsize=512)
def schedule(calendar: str, first: date, last: date) -> pl.DataFrame:
    """The sessions from `first` to `last`, both included, oldest first.

    Returns:
        One row a session: session (Date), open_utc and close_utc (Datetime µs UTC), open and close (Datetime µs, New
        York wall clock). Half days close early.

    Raises:
        RangeError: no calendar of that name.
    """
    return _with_wall_clock(_sessions(calendar, first, last, in_force()))


def published(calendar: str, first: date, last: date) -> pl.DataFrame:
    """What `schedule` gives where nothing is amended."""
    return _with_wall_clock(_sessions(calendar, first, last, None))


def half_days(calendar: str, first: date, last: date) -> list[date]:
    """The sessions that close before the usual hour of their time, oldest first. Errors are those of `schedule`."""
    days: list[date] = _sessions(calendar, first, last, in_force()).filter("closes_early")["session"].to_list()
    return days


def reason(calendar: str, day: date) -> str | None:
    """Why `day` is no whole session, in words; None when it is one. Errors are those of `schedule`."""
    closures = in_force()
    found = _sessions(calendar, day, day, closures)
    if len(found) and not found["closes_early"].item():
        return None
    word = "half day" if len(found) else "closed"
    leader, _ = FOLLOWERS.get(calendar, (calendar, None))
    entries = () if closures is None else closures.early_closes if len(found) else closures.closed
    told = [one.reason for one in entries if one.day == day and (one.names(calendar) or one.names(leader))]
    return f"{word}: {told[0]}" if told else word


def _sessions(calendar: str, first: date, last: date, closures: Closures | None) -> pl.DataFrame:
    """session, open_utc, close_utc and closes_early (Boolean) of a calendar under closures."""
    if calendar in FOLLOWERS:
        leader, later = FOLLOWERS[calendar]
        days = _sessions(leader, first, last, closures).with_columns(close_utc=pl.col("close_utc") + later)
    else:
        decades = [calendars.decade(calendar, n) for n in range(first.year // 10, last.year // 10 + 1)]
        days = pl.concat(decades) if decades else calendars.decade(calendar, first.year // 10).clear()
        days = days.filter(pl.col("session").is_between(first, last))
    return days if closures is None else _amended(days, calendar, closures)


def _amended(days: pl.DataFrame, calendar: str, closures: Closures) -> pl.DataFrame:
    closed = [one.day for one in closures.closed if one.names(calendar)]
    moments = [
        (one.day, datetime.combine(one.day, one.close, NEW_YORK).astimezone(UTC))
        for one in closures.early_closes
        if one.names(calendar)
    ]
    early = pl.DataFrame(moments, schema={"session": pl.Date, "early_utc": pl.Datetime("us", "UTC")}, orient="row")
    early = early.group_by("session").agg(pl.col("early_utc").min())
    is_earlier = (pl.col("early_utc") < pl.col("close_utc")).fill_null(value=False)
    return (
        days.filter(~pl.col("session").is_in(closed))
        .join(early, on="session", how="left", maintain_order="left")
        .with_columns(
            close_utc=pl.min_horizontal("close_utc", "early_utc"), closes_early=pl.col("closes_early") | is_earlier
        )
        .drop("early_utc")
    )


@remembered(maxsize=256)
def grid(calendar: str, bar_interval: str, first: date, last: date) -> pl.DataFrame:
    """Every bar that a full record holds for the sessions from `first` to `last`, oldest first.

    Returns:
        One row a bar: session (Date), date (Datetime µs, New York wall clock, the bar's start), date_utc and end_utc
        (Datetime µs UTC). For interval 1day the bar is the session: its start is midnight of the trading day, its end
        the close.

    Raises:
        RangeError: no calendar of that name, or an interval that is not known.
    """
    days = schedule(calendar, first, last)
    if bar_interval == DAILY:
        start = pl.col("session").cast(pl.Datetime("us"))
        return days.select("session", date=start, date_utc=to_utc(start), end_utc="close_utc")
    minutes = minutes_of(bar_interval)
    starts = pl.datetime_ranges("open_utc", "close_utc", interval=f"{minutes}m", closed="left")
    return (
        days.select("session", date_utc=starts)
        .explode("date_utc")
        .select(
            "session",
            date=new_york(pl.col("date_utc")),
            date_utc="date_utc",
            end_utc=pl.col("date_utc") + timedelta(minutes=minutes),
        )
    )


def minutes_of(bar_interval: str) -> int:
    """Length of a bar in minutes.

    Raises:
        RangeError: the interval is not one of the vendor's intraday intervals.
    """
    try:
        return MINUTES[bar_interval]
    except KeyError:
        raise RangeError(f"asked for bars of {bar_interval!r}; allowed are {', '.join(MINUTES)} and {DAILY}") from None


def expected_bars(calendar: str, bar_interval: str, first: date, last: date) -> pl.DataFrame:
    """Number of bars that a full record holds by session: session (Date), bars_expected (Int64)."""
    return (
        grid(calendar, bar_interval, first, last)
        .group_by("session", maintain_order=True)
        .agg(bars_expected=pl.len().cast(pl.Int64))
    )


def new_york(moment: pl.Expr) -> pl.Expr:
    """UTC moments as New York wall clock without a zone."""
    return moment.dt.convert_time_zone(ZONE).dt.replace_time_zone(None)


def to_utc(wall: pl.Expr) -> pl.Expr:
    """New York wall clock as UTC. 01:00-02:00 on the autumn Sunday is read as its first pass, 02:00-03:00 on the
    spring Sunday does not exist and is null; no US session touches either.
    """
    return wall.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def opens_in_the_evening(calendar: str) -> bool:
    """Whether the market opens at 18:00 for the next trading day."""
    return calendar.startswith("CME")


def trading_day(wall: pl.Expr, calendar: str) -> pl.Expr:
    """The trading day to which a New York wall-clock time belongs, in or out of hours."""
    return (wall + EVENING_SHIFT if opens_in_the_evening(calendar) else wall).dt.date()


def trading_days(wall: npt.NDArray[np.datetime64], calendar: str) -> npt.NDArray[np.datetime64]:
    """`trading_day` of moments (datetime64 µs) in an array: datetime64 of days."""
    return (wall + np.timedelta64(EVENING_SHIFT) if opens_in_the_evening(calendar) else wall).astype("datetime64[D]")


def session_of(table: Table) -> pl.Expr:
    """The trading day of the rows of a table: a commodity's evening belongs to the next day."""
    if "session" in table.names:
        return pl.col("session")
    start = pl.col(table.order)
    if table.schema[table.order] != MOMENT:
        return start
    evening = trading_day(start, COMMODITIES.calendar)
    if table is COMMODITY_RAW:
        return evening
    if "asset_class" in table.names:
        return pl.when(pl.col("asset_class") == COMMODITIES.asset_class).then(evening).otherwise(start.dt.date())
    return start.dt.date()


def latest_session(calendar: str, now: datetime) -> date:
    """The newest session that has opened at `now`."""
    opens, days = _opens(calendar, now.astimezone(NEW_YORK).date())
    return days[bisect_right(opens, now) - 1]


@remembered(maxsize=512)
def _opens(calendar: str, today: date) -> tuple[list[datetime], list[date]]:
    """When the sessions around a day open (UTC), and which they are, oldest first."""
    days = schedule(calendar, today - timedelta(days=14), today + timedelta(days=1))
    return days["open_utc"].to_list(), days["session"].to_list()


def sessions_before(calendar: str, day: date, count: int) -> date:
    """The `count`-th session back from `day`, which counts itself when it is one; the oldest known one at most."""
    span = timedelta(days=int(count * 1.6) + 14)
    days: list[date] = schedule(calendar, day - span, day)["session"].to_list()
    return days[-min(count, len(days))]


def _with_wall_clock(days: pl.DataFrame) -> pl.DataFrame:
    return days.drop("closes_early").with_columns(
        open=new_york(pl.col("open_utc")), close=new_york(pl.col("close_utc"))
    )
