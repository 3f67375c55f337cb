"""When a worker that stays has something to do: moments that follow from the calendars alone. Pure.

    TICK    bars have just become final: every quarter of an hour of a feed's own sessions; yields and the official days
            of other markets, once each
    CLOSE   the official day of stocks is final
    WEEKLY  behind the CLOSE of a week's last session
    NIGHT   on the evening of each session, when the week and a sample of all history are read again

All is reckoned in UTC from the sessions, so that neither half days nor the change of clocks need care.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

import polars as pl

from openingbell import sessions
from openingbell.config import Settings
from openingbell.coverage.sweep import night_of
from openingbell.feeds import EOD, STOCKS, Feed, Kind
from openingbell.universe import Universe

SLOT = timedelta(minutes=15)
AT_ONCE = timedelta(days=7)


class Doing(IntEnum):
    """What is to be done; of one moment in this order."""

    TICK = 1
    CLOSE = 2
    WEEKLY = 3
    NIGHT = 4


@dataclass(frozen=True, order=True)
class Event:
    """Something to do at a moment (UTC): a TICK is of some feeds, the others of the session that has ended."""

    at: datetime
    doing: Doing
    session: date
    feeds: tuple[str, ...] = ()


def events(universe: Universe, settings: Settings, after: datetime) -> Iterator[Event]:
    """All events behind `after`, in their order, without end."""
    timetable = _Timetable(universe, settings)
    while True:
        until = after + AT_ONCE
        # what belongs to a session may lie on the evening before it, and some hours behind its close
        first, last = after.date() - timedelta(days=3), until.date() + timedelta(days=3)
        yield from (event for event in timetable.of_sessions(first, last) if after < event.at <= until)
        after = until


class _Timetable:
    def __init__(self, universe: Universe, settings: Settings) -> None:
        self._settings = settings
        markets = {
            (member.feed.name, member.calendar): member.feed for member in universe.members if member.feed.has_grid
        }
        self._markets = [(feed, calendar) for (_, calendar), feed in markets.items()]

    def of_sessions(self, first: date, last: date) -> list[Event]:
        """The events that belong to the sessions of some days, in their order."""
        ticks: dict[datetime, tuple[date, set[str]]] = {}
        for feed, calendar in self._markets:
            for session, at in self._ticks(feed, calendar, first, last):
                ticks.setdefault(at, (session, set()))[1].add(feed.name)
        found = [Event(at, Doing.TICK, session, tuple(sorted(feeds))) for at, (session, feeds) in ticks.items()]
        days = sessions.schedule(STOCKS.calendar, first, last + timedelta(days=7))
        closes = list(days.select("session", "close_utc").iter_rows())
        delay = self._settings.final_delay(EOD)
        for place, (session, close) in enumerate(closes):
            if session <= last:
                found.append(Event(close + delay, Doing.CLOSE, session))
                found.append(Event(night_of(session, self._settings), Doing.NIGHT, session))
                following = closes[place + 1][0] if place + 1 < len(closes) else None
                if following is None or following.isocalendar()[:2] != session.isocalendar()[:2]:
                    found.append(Event(close + delay, Doing.WEEKLY, session))
        return sorted(found)

    def _ticks(self, feed: Feed, calendar: str, first: date, last: date) -> Iterator[tuple[date, datetime]]:
        delay = self._settings.final_delay(feed)
        days = sessions.schedule(calendar, first, last).select("session", "open_utc", "close_utc")
        if feed.kind is not Kind.INTRADAY:
            for session, _, close in days.iter_rows():
                yield session, close + delay
            return
        slots = days.select(
            "session", "close_utc", end=pl.datetime_ranges("open_utc", "close_utc", interval=SLOT)
        ).explode("end")
        for session, close, end in slots.iter_rows():
            if end < close:
                yield session, min(end + SLOT, close) + delay
