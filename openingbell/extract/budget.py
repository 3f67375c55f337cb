"""What a plan still allows today, by what the record says was used. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import polars as pl

from openingbell import sessions

WITHOUT_END = 1 << 62
METERED = timedelta(days=30)
"""The vendor's meter of bytes looks back so far."""


@dataclass(frozen=True)
class Use:
    """Calls of the New York day so far, and bytes of the trailing thirty days."""

    calls_today: int = 0
    bytes_metered: int = 0


@dataclass(frozen=True)
class Budget:
    """Calls and bytes that may still be used; None is without end."""

    calls: int | None = None
    bytes: int | None = None

    def calls_left(self, calls: int, received: int) -> int:
        """Calls that may still be sent after so many calls and bytes."""
        if self.bytes is not None and received >= self.bytes:
            return 0
        return WITHOUT_END if self.calls is None else max(self.calls - calls, 0)

    def allows(self, calls: int, received: int) -> bool:
        """Whether so many calls and bytes fit."""
        return (self.calls is None or calls <= self.calls) and (self.bytes is None or received <= self.bytes)

    @property
    def exhausted(self) -> str:
        """What to say when it is used up."""
        return (
            "the plan's calls of the day or its bytes of thirty days are used up; what is missing stays due and is "
            "asked by the next run that may"
        )


def used(asks: pl.DataFrame, now: datetime) -> Use:
    """What the asks of the record used by `now`."""
    midnight = datetime.combine(now.astimezone(sessions.NEW_YORK).date(), time(), sessions.NEW_YORK).astimezone(UTC)
    today, metered = (asks.filter(pl.col("answered_at") >= since) for since in (midnight, now - METERED))
    return Use(int(today["calls"].cast(pl.Int64).sum()), int(metered["bytes"].cast(pl.Int64).sum()))


def left(use: Use, *, calls_per_day: int | None, bytes_per_30_days: int | None) -> Budget:
    """The budget of a plan after what was used."""
    return Budget(
        None if calls_per_day is None else max(calls_per_day - use.calls_today, 0),
        None if bytes_per_30_days is None else max(bytes_per_30_days - use.bytes_metered, 0),
    )
