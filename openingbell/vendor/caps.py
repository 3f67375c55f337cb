"""The vendor's silent limits: how far back an answer reaches, and that it is always the oldest part that is missing.

The limit is a span of days, not a number of rows; several users measured the figures independently. Nothing in an
answer says that it was cut.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from openingbell.sessions import EVENING_SHIFT

SESSIONS: dict[str, int] = {"1min": 3, "5min": 8, "15min": 32, "30min": 59, "1hour": 59, "4hour": 120}
"""Trading days of one intraday answer. 30min and 4hour are guesses; the others were measured."""

TREASURY_DAYS = 90
"""Calendar days of one answer with yields, both ends counted."""

EOD_ROWS = 5000
"""Daily bars of one answer."""

CALENDAR_DAYS = 90
"""Calendar days of one answer of the splits or dividends calendar."""


def reach(bar_interval: str, last: date) -> date:
    """A day surely before all that an intraday answer up to `last` can hold."""
    return last - timedelta(days=SESSIONS[bar_interval] * 2 + 7)


def cut_bars(bars: pl.DataFrame, bar_interval: str) -> pl.DataFrame:
    """The newest trading days of `bars` that one answer holds; an evening counts to the next day."""
    days = bars.select(day=(pl.col("date") + EVENING_SHIFT).dt.date())["day"]
    newest = days.unique().sort(descending=True).head(SESSIONS[bar_interval])
    return bars.filter(days >= newest[-1]) if len(newest) else bars


def cut_days(days: pl.DataFrame) -> pl.DataFrame:
    """The newest daily bars that one answer holds."""
    return days.sort("date", descending=True, maintain_order=True).head(EOD_ROWS)


def treasury_reach(last: date) -> date:
    """The oldest day of an answer with yields up to `last`."""
    return last - timedelta(days=TREASURY_DAYS - 1)


def calendar_reach(last: date) -> date:
    """The oldest day of an answer of the splits or dividends calendar up to `last`."""
    return last - timedelta(days=CALENDAR_DAYS - 1)
