"""Now and wait: the only place that asks the machine for the time.

One clock is passed to the pipeline and to the vendor look-alike, so that both live at the same moment, and tests
pass one on which waiting costs nothing.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the rest of the code may know about time."""

    def now(self) -> datetime:
        """The moment, with zone UTC."""
        ...

    def wait(self, seconds: float) -> None:
        """Come back when `seconds` have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The moment, with zone UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        if seconds > 0:
            time.sleep(seconds)


class ShiftedClock:
    """A clock that starts at a given moment and then runs at the machine's pace: a demo's or a replay's own now."""

    def __init__(self, start: datetime) -> None:
        self._start = require_utc(start)
        self._began = time.monotonic()

    def now(self) -> datetime:
        """The moment, with zone UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        if seconds > 0:
            time.sleep(seconds)


class VirtualClock:
    """A clock that stands still until someone waits on it; waiting moves it on at once. Safe among threads."""

    def __init__(self, start: datetime) -> None:
        self._now = require_utc(start)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The moment, with zone UTC."""
        with self._lock:
            return self._now

    def wait(self, seconds: float) -> None:
        """Move the clock on."""
        with self._lock:
            self._now += timedelta(seconds=max(seconds, 0.0))


def require_utc(moment: datetime) -> datetime:
    """`moment` in UTC; a moment without a zone is refused, because guessing it is how data moves by hours."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a zone, {moment.isoformat()} has none; add +00:00 or Z")
    return moment.astimezone(UTC)
