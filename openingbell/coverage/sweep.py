"""Revision sweeps: known sessions that are read again, because the vendor may have changed its word.

Today's bars come again with each tick. The sessions of the last week are read again each night, and of all history
those that were not read for the longest time, some windows a night. Differences become versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from openingbell import sessions
from openingbell.config import Settings
from openingbell.coverage.answered import Answered, Flags
from openingbell.coverage.history import window_sessions
from openingbell.coverage.wanted import Group, Integers
from openingbell.feeds import STOCKS

YOUNG = timedelta(days=7)
"""What was read since then is left out of the sample."""


def night_of(session: date, settings: Settings) -> datetime:
    """When the night of a session begins (UTC)."""
    hour, minute = map(int, settings.night_at.split(":"))
    return datetime.combine(session, time(hour, minute), sessions.NEW_YORK).astimezone(UTC)


def last_night(now: datetime, settings: Settings) -> datetime:
    """The newest moment at which the week was to be swept, at or before `now` (UTC)."""
    today = now.astimezone(sessions.NEW_YORK).date()
    days = sessions.schedule(STOCKS.calendar, today - timedelta(days=14), today)["session"].to_list()
    return max(night for day in days if (night := night_of(day, settings)) <= now)


def week(group: Group, found: Answered, night: int, count: int) -> Flags:
    """The cells of the `count` newest sessions that were final at `night` (µs since 1970) and not read since."""
    chosen = np.zeros(found.last.shape, np.bool_)
    final = np.flatnonzero(group.final_at <= night)[-count:] if count else np.array([], np.int64)
    chosen[:, final] = (found.last[:, final] < night) & (found.last[:, final] > 0)
    return chosen & ~found.restricted


@dataclass(frozen=True)
class Stale:
    """A window that was not read for long: when it last was (µs since 1970), of which member, and its columns."""

    last: int
    number: int
    columns: tuple[int, int]


def stalest(group: Group, found: Answered, now: int, count: int) -> list[Stale]:
    """The `count` windows of a group that were not read for the longest time."""
    window = window_sessions(group.feed)
    windows = -(-len(group.days) // window)
    padded = np.full((len(group.members), windows * window), np.iinfo(np.int64).max)
    known = (found.last > 0) & ~found.restricted
    padded[:, : len(group.days)] = np.where(known, found.last, padded[:, : len(group.days)])
    oldest = padded.reshape(len(group.members), windows, window).min(axis=2)
    old = np.flatnonzero(oldest.reshape(-1) < now - YOUNG // timedelta(microseconds=1))
    chosen = old[np.argsort(oldest.reshape(-1)[old], kind="stable")[:count]]
    return [
        Stale(
            int(oldest.reshape(-1)[place]),
            group.numbers[place // windows],
            _span(known[place // windows], (place % windows) * window, window),
        )
        for place in chosen
    ]


def _span(known: Flags, start: int, window: int) -> tuple[int, int]:
    """The columns of a window from its first to behind its last session that is known."""
    inside: Integers = np.flatnonzero(known[start : start + window])
    return start + int(inside[0]), start + int(inside[-1]) + 1
