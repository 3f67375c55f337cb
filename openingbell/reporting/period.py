"""The time that a report is about: one trading day, or one ISO week. Pure.

It reads what was asked for and refuses what is no time, lies in the future or runs backwards. Whether there was a
session in it, or a bar, is for the figures to say: a report about a holiday is one that says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from openingbell import sessions
from openingbell.errors import RangeError
from openingbell.feeds import STOCKS

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True)
class Period:
    """The trading days from `first` to `last`, both included. `label` names it in titles and file names.

    Raises:
        RangeError: it runs backwards.
    """

    label: str
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise RangeError(
                f"asked to report on {self.label}; it ends on {self.last} before it begins on {self.first}; a period "
                "ends on its first day or later; swap the two"
            )

    @property
    def is_day(self) -> bool:
        """Whether it is one day."""
        return self.first == self.last


def parse_day(text: str, *, now: datetime) -> Period:
    """The day that `text` names, such as 2019-02-15.

    Raises:
        RangeError: it is no day, or has not begun in New York at `now`.
    """
    try:
        # fromisoformat alone would take 20190215 and 2019-W07-5 as well
        day = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise RangeError(
            f"asked to report on the day {text!r}; that is no day; a day is written YYYY-MM-DD, such as 2019-02-15; "
            "correct it, or ask for a week with --week"
        )
    return _begun(Period(day.isoformat(), day, day), now)


def parse_week(text: str, *, now: datetime) -> Period:
    """The ISO week that `text` names, such as 2019-W07: Monday to Sunday, so that no day falls between two weeks.

    Raises:
        RangeError: it is no week, or has not begun in New York at `now`.
    """
    found = WEEK.fullmatch(text)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
        sunday = monday + timedelta(days=6) if monday else None
    except (ValueError, OverflowError):
        monday = sunday = None
    if monday is None or sunday is None:
        raise RangeError(
            f"asked to report on the week {text!r}; that is no week; an ISO week is written YYYY-Www, such as "
            "2019-W07, and a year has 52 or 53; correct it, or ask for a day with --day"
        )
    return _begun(Period(text, monday, sunday), now)


def latest(now: datetime) -> Period:
    """The newest stock session that has opened at `now`."""
    day = sessions.latest_session(STOCKS.calendar, now)
    return Period(day.isoformat(), day, day)


def _begun(period: Period, now: datetime) -> Period:
    today = now.astimezone(sessions.NEW_YORK).date()
    if period.first > today:
        raise RangeError(
            f"asked to report on {period.label}; it begins on {period.first}, and in New York it is {today}; only what "
            f"has begun can be reported; ask for {latest(now).label}, the newest session, or an earlier time"
        )
    return period
