"""The pace of calls: a turn each, some time apart; where no plan sets the pace with a longer pause after each batch.

A rate-limit library would not do here: turns must be taken on the clock that is passed in, and the pause between
batches is no rate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from openingbell.clock import Clock
from openingbell.config import Settings


class Pace:
    """Hands out turns to any number of threads. `rest` waits for so many seconds; without it the clock does."""

    def __init__(self, settings: Settings, clock: Clock, rest: Callable[[float], None] | None = None) -> None:
        self._between_calls = timedelta(seconds=settings.seconds_between_calls)
        self._between_batches = timedelta(seconds=settings.seconds_between_batches)
        self._batch_calls = settings.batch_calls
        self._clock = clock
        self._rest = rest or clock.wait
        self._lock = threading.Lock()
        self._turns = 0
        self._next_turn: datetime | None = None

    def wait_turn(self) -> None:
        """Come back when the caller may send."""
        with self._lock:
            now = self._clock.now()
            turn = now if self._next_turn is None else max(now, self._next_turn)
            self._turns += 1
            batch_is_over = self._turns % self._batch_calls == 0
            pause = max(self._between_calls, self._between_batches) if batch_is_over else self._between_calls
            self._next_turn = turn + pause
        self._rest((turn - now).total_seconds())

    def hold_off(self, seconds: float) -> None:
        """Give no further turn for so long: the vendor has asked all of us to slow down."""
        with self._lock:
            until = self._clock.now() + timedelta(seconds=seconds)
            self._next_turn = until if self._next_turn is None else max(self._next_turn, until)
