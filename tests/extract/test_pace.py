from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.extract.pace import Pace

START = datetime(2024, 5, 7, 15, tzinfo=UTC)


class StandingClock:
    """A clock that stands still and notes for how long it was asked to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return START

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)


def schedule(turns: int, *, between: float, batch: int, pause: float) -> list[float]:
    """Seconds from the first turn to each."""
    at, found = 0.0, []
    for turn in range(1, turns + 1):
        found.append(at)
        at += max(between, pause) if turn % batch == 0 else between
    return found


def settings(between: float = 0.1, batch: int = 100, pause: float = 1.0) -> Settings:
    return Settings(
        pause_between_calls_seconds=between, batch_calls=batch, pause_between_batches_seconds=pause, threads=8
    )


def test_the_defaults_are_a_tenth_of_a_second_and_one_second_after_a_hundred() -> None:
    assert (settings().pause_between_calls_seconds, settings().batch_calls) == (0.1, 100)
    assert Settings() == Settings(pause_between_calls_seconds=0.1, batch_calls=100, pause_between_batches_seconds=1.0)


def test_turns_are_handed_to_threads_one_by_one() -> None:
    """Whoever asks, no two turns lie closer than the pause, and after each batch the longer pause is kept."""
    clock = StandingClock()
    pace = Pace(settings(), clock)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.wait_turn(), range(250)))
    assert sorted(clock.waits) == pytest.approx(schedule(250, between=0.1, batch=100, pause=1.0))
    assert max(clock.waits) == pytest.approx(24.9 + 2 * 0.9)


def test_on_one_thread_the_clock_shows_the_turns() -> None:
    clock = VirtualClock(START)
    pace = Pace(settings(), clock)
    moments = []
    for _ in range(201):
        pace.wait_turn()
        moments.append((clock.now() - START).total_seconds())
    assert moments == pytest.approx(schedule(201, between=0.1, batch=100, pause=1.0))


def test_threads_on_a_virtual_clock_never_come_back_before_their_turn() -> None:
    """The clock is never behind the turn that it was waited for."""
    clock = VirtualClock(START)
    pace = Pace(settings(), clock)
    back: list[float] = []

    def turn(_: int) -> None:
        pace.wait_turn()
        back.append((clock.now() - START).total_seconds())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, range(150)))
    for moment, earliest in zip(sorted(back), schedule(150, between=0.1, batch=100, pause=1.0), strict=True):
        assert moment >= earliest - 1e-6


def test_a_caller_who_comes_late_waits_for_nothing() -> None:
    """Turns that nobody took are not saved up: after a rest the pauses start anew."""
    clock = VirtualClock(START)
    pace = Pace(settings(), clock)
    pace.wait_turn()
    clock.wait(60)
    for _ in range(3):
        pace.wait_turn()
    assert clock.now() - START == timedelta(seconds=60.2)


def test_a_longer_pause_that_is_shorter_does_not_speed_up() -> None:
    clock = VirtualClock(START)
    pace = Pace(settings(between=2.0, batch=1, pause=0.5), clock)
    for _ in range(3):
        pace.wait_turn()
    assert clock.now() - START == timedelta(seconds=4)
