"""What the server asks of whoever knows the prices: the `Source` protocol and the column names of its frames.

A source says what the vendor would know at a moment; it leaves caps, order and spelling to `dialect`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

import polars as pl

from openingbell import sessions
from openingbell.feeds import TENORS

MINUTES: dict[str, int] = {**sessions.MINUTES, "4hour": 240}
"""Length of an intraday bar by the vendor's name of its interval."""

BAR_COLUMNS: tuple[str, ...] = ("date", "open", "low", "high", "close", "volume")
DAY_COLUMNS: tuple[str, ...] = ("date", "open", "high", "low", "close", "volume")
DERIVED_DAY_COLUMNS: tuple[str, ...] = ("change", "changePercent", "vwap")
RATE_COLUMNS: tuple[str, ...] = ("date", *TENORS)
SPLIT_COLUMNS: tuple[str, ...] = ("symbol", "date", "numerator", "denominator")
DIVIDEND_COLUMNS: tuple[str, ...] = (
    "symbol", "date", "recordDate", "paymentDate", "declarationDate", "adjDividend", "dividend", "yield", "frequency",
)  # fmt: skip


class Source(Protocol):
    """Prices, yields and corporate actions as they are known at `now` (a moment with a zone).

    All frames hold `date` (Datetime µs New York wall clock for bars, Date otherwise) in any order. Numbers are Float64
    or Int64, or String where the spelling itself must reach the client (a replay). `first` and `last` bound `date`,
    both included; for intraday bars they bound the day on the wall clock, as the vendor's `from` and `to` do.
    Nothing that has not begun at `now` is in a frame, announced splits apart; what runs at `now` is there with its
    values so far.
    What a source does not have is a frame without rows.
    """

    def knows(self, symbol: str) -> bool:
        """Whether anything can be asked about `symbol`."""
        ...

    def intraday(self, symbol: str, bar_interval: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Bars with `BAR_COLUMNS`; prices in dollars (points for an index), volume in units traded."""
        ...

    def daily(self, symbol: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """One bar a session with `DAY_COLUMNS`, and `DERIVED_DAY_COLUMNS` where the source has its own."""
        ...

    def treasury(self, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Published par yields in percent with `RATE_COLUMNS`."""
        ...

    def splits(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:
        """Announced splits of `symbol` (None: of all), also those whose ex-date is to come, with `SPLIT_COLUMNS`."""
        ...

    def reference(self, path: str, symbol: str | None, *, now: datetime) -> list[dict[str, object]]:
        """The rows of an endpoint of `lists.PATHS`: facts about instruments, about `symbol` where one is asked for."""
        ...

    def dividends(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:
        """Dividends of `symbol` (None: of all) whose ex-date has begun, with `DIVIDEND_COLUMNS`."""
        ...


def wall_clock(now: datetime) -> datetime:
    """`now` as New York wall clock without a zone, to compare with the stamps of bars."""
    return now.astimezone(sessions.NEW_YORK).replace(tzinfo=None)


def empty(columns: tuple[str, ...]) -> pl.DataFrame:
    """A frame with `columns` and no rows."""
    return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
