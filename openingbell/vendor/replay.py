"""A source that plays back a folder of recorded bars, yields and corporate actions as of the clock's moment.

It serves what the files hold, spelled as they spell it, and derives no interval that is not there. Only the bar that
runs is made here: from finer bars where the folder has them, else from its open.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from openingbell import sessions
from openingbell.feeds import BONDS, STOCKS
from openingbell.universe import Universe
from openingbell.vendor.forming import Row, opened, roll_up
from openingbell.vendor.replay_files import ReplayFiles
from openingbell.vendor.source import (
    DERIVED_DAY_COLUMNS,
    DIVIDEND_COLUMNS,
    MINUTES,
    SPLIT_COLUMNS,
    empty,
    wall_clock,
)


class ReplaySource:
    """The folder as a vendor. `universe` gives the calendar of each symbol; its bounds do not hide anything.

    Raises:
        SourceError: `folder` is no replay folder; on a question, a file of it cannot be read.
    """

    def __init__(self, folder: Path, universe: Universe) -> None:
        self._files = ReplayFiles(folder)
        self._calendars = {member.symbol: member.calendar for member in reversed(universe.members)}

    def knows(self, symbol: str) -> bool:
        """Whether the folder has a file for `symbol` or its universe names it."""
        return symbol in self._calendars or symbol in self._files.symbols()

    def intraday(self, symbol: str, bar_interval: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Bars of the file of exactly this interval; see `Source`."""
        wall = wall_clock(now)
        asked = self._files.bars(bar_interval, symbol)
        if asked.is_empty():
            return asked
        begun = asked.filter(pl.col("date").dt.date().is_between(first, last), pl.col("date") <= wall)
        running = begun["date"] > wall - timedelta(minutes=MINUTES[bar_interval])
        if not running.any():
            return begun
        partial = [self._partial(row, bar_interval, symbol, wall) for row in begun.filter(running).to_dicts()]
        return pl.concat([pl.DataFrame(partial, schema=begun.schema), begun.filter(~running)])

    def daily(self, symbol: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Daily bars of the file; the session that runs only where the folder has bars of it; see `Source`."""
        today = wall_clock(now).date()
        days = self._files.days(symbol)
        if days.is_empty():
            return days
        asked = days.filter(pl.col("date").is_between(first, last), pl.col("date") <= today + timedelta(days=1))
        done = asked.filter(pl.col("date") < today)
        near = [self._day(row, symbol, now) for row in asked.filter(pl.col("date") >= today).to_dicts()]
        return pl.concat([pl.DataFrame([row for row in near if row is not None], schema=days.schema), done])

    def treasury(self, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Yields of the file from two hours after the close of their day; see `Source`."""
        rates = self._files.treasury()
        if rates.is_empty():
            return rates
        today = wall_clock(now).date()
        asked = rates.filter(pl.col("date").is_between(first, last), pl.col("date") <= today)
        hidden = [] if _published(today, now) else [today]
        return asked.filter(~pl.col("date").is_in(hidden))

    def splits(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:
        """Splits of the files from their ex-date on: when they were announced is not recorded; see `Source`."""
        frames = [self._files.splits(name) for name in self._named(symbol)]
        return _until(frames, SPLIT_COLUMNS, now)

    def dividends(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:
        """Dividends of the files; see `Source`."""
        frames = [self._files.dividends(name) for name in self._named(symbol)]
        return _until(frames, DIVIDEND_COLUMNS, now)

    def reference(self, path: str, symbol: str | None, *, now: datetime) -> list[dict[str, object]]:  # noqa: ARG002
        """None: a folder says nothing about instruments. See `Source`."""
        return []

    def _named(self, symbol: str | None) -> list[str]:
        return sorted(self._files.symbols()) if symbol is None else [symbol]

    def _partial(self, row: Row, bar_interval: str, symbol: str, wall: datetime) -> Row:
        minutes = MINUTES[bar_interval]
        for name, fine_minutes in MINUTES.items():
            if fine_minutes < minutes:
                bar = roll_up(self._files.bars(name, symbol), fine_minutes, start=row["date"], wall=wall)
                if bar is not None:
                    return bar
        return opened(row, elapsed=(wall - row["date"]) / timedelta(minutes=minutes))

    def _day(self, row: Row, symbol: str, now: datetime) -> Row | None:
        """The daily `row` as of `now`: whole after the close, rolled up while its session runs, else None."""
        calendar = self._calendars.get(symbol, STOCKS.calendar)
        session = sessions.schedule(calendar, row["date"], row["date"]).to_dicts()
        if not session or now < session[0]["open_utc"]:
            return None
        if now >= session[0]["close_utc"]:
            return row
        for name, minutes in MINUTES.items():
            bars = self._files.bars(name, symbol)
            bar = roll_up(bars, minutes, start=session[0]["open"], wall=wall_clock(now)) if len(bars) else None
            if bar is not None:
                return {**row, **bar, "date": row["date"], **dict.fromkeys(DERIVED_DAY_COLUMNS)}
        return None


def _published(day: date, now: datetime) -> bool:
    session = sessions.schedule(BONDS.calendar, day, day)["close_utc"].to_list()
    return bool(session) and now >= session[0] + BONDS.final_after


def _until(frames: list[pl.DataFrame], columns: tuple[str, ...], now: datetime) -> pl.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty(columns)
    return pl.concat(filled).filter(pl.col("date") <= wall_clock(now).date())
