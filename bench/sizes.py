"""How much is measured: symbols and sessions, by name, and the moments that all sizes share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from openingbell import sessions
from openingbell.feeds import STOCKS
from openingbell.universe import Universe, from_symbols

LAST = date(2025, 12, 30)
"""The last session of every size."""
NOW = datetime(2026, 1, 2, tzinfo=UTC)
"""A moment after everything."""

SIZES = {"tiny": "3x5", "S": "500x252", "M": "500x2016"}


@dataclass(frozen=True)
class Size:
    """How much: symbols and sessions."""

    name: str
    symbols: int
    sessions: int

    @property
    def names(self) -> list[str]:
        """The symbols."""
        return [f"S{number:03d}" for number in range(self.symbols)]

    @property
    def universe(self) -> Universe:
        """Them with their calendars."""
        return from_symbols(self.names, (), ())

    @property
    def first(self) -> date:
        """The first session."""
        return sessions.sessions_before(STOCKS.calendar, LAST, self.sessions)

    @property
    def bars(self) -> int:
        """Bars of 15 minutes, half days counted as what they are."""
        counts = sessions.expected_bars(STOCKS.calendar, STOCKS.bar_interval, self.first, LAST)
        return self.symbols * int(counts["bars_expected"].sum())


def size_of(text: str) -> Size:
    """The size that a name of `SIZES`, or SYMBOLSxSESSIONS, means."""
    symbols, count = map(int, SIZES.get(text, text).split("x"))
    return Size(text, symbols, count)
