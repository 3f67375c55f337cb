"""A graceful stop: Ctrl-C and SIGTERM ask that work ends at its next safe point, a second Ctrl-C ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger()

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""Windows has no SIGTERM from outside, and SIGBREAK instead."""


class Stop:
    """Whether to come to an end. Safe among threads and in signal handlers."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def is_set(self) -> bool:
        """Whether to come to an end."""
        return self._event.is_set()

    def set(self) -> None:
        """Say so."""
        self._event.set()


@contextmanager
def stopping() -> Iterator[Stop]:
    """While the block runs, the first signal sets the stop, and a second Ctrl-C interrupts at once."""
    stop = Stop()

    def handle(number: int, _: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {one: signal.signal(one, handle) for one in SIGNALS}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
