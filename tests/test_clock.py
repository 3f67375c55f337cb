"""Now and wait: every clock says UTC, and a virtual one moves only when someone waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.clock import Clock, ShiftedClock, SystemClock, VirtualClock, require_utc

START = datetime(2019, 2, 15, 20, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "clock", [SystemClock(), ShiftedClock(START), VirtualClock(START)], ids=lambda c: type(c).__name__
)
def test_every_clock_says_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("clock", [SystemClock(), ShiftedClock(START)], ids=lambda c: type(c).__name__)
def test_waiting_for_nothing_or_less_comes_back_at_once_on_a_running_clock(clock: Clock) -> None:
    before = clock.now()
    clock.wait(0)
    clock.wait(-3_600)
    assert clock.now() - before < timedelta(seconds=60)


def test_a_running_clock_really_waits() -> None:
    for clock in (SystemClock(), ShiftedClock(START)):
        before = clock.now()
        clock.wait(0.001)
        assert clock.now() - before >= timedelta(seconds=0.001)


def test_a_shifted_clock_starts_at_its_moment_and_never_runs_backwards() -> None:
    clock = ShiftedClock(START)
    moments = [clock.now() for _ in range(100)]
    assert START <= moments[0] < START + timedelta(minutes=1)
    assert moments == sorted(moments)


def test_a_shifted_clock_started_in_another_zone_stands_at_the_same_moment() -> None:
    assert ShiftedClock(START.astimezone(TOKYO)).now() - START < timedelta(minutes=1)


@given(st.lists(st.floats(-10, 10_000)))
def test_a_virtual_clock_moves_on_by_exactly_what_was_waited_for(waits: list[float]) -> None:
    clock = VirtualClock(START)
    expected = START
    for seconds in waits:
        assert clock.now() == expected
        clock.wait(seconds)
        expected += timedelta(seconds=max(seconds, 0))
    assert clock.now() == expected


def test_threads_that_wait_on_a_virtual_clock_lose_no_second() -> None:
    clock = VirtualClock(START)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.wait, [1.0] * 2_000))
    assert clock.now() == START + timedelta(seconds=2_000)


@pytest.mark.parametrize("make", [ShiftedClock, VirtualClock, require_utc])
def test_a_moment_without_a_zone_is_refused_and_the_message_says_what_to_add(make: type) -> None:
    with pytest.raises(ValueError, match=r"2019-02-15T20:00:00 has none; add \+00:00 or Z"):
        make(START.replace(tzinfo=None))


def test_a_moment_in_another_zone_becomes_the_same_moment_in_utc() -> None:
    moment = require_utc(datetime(2019, 2, 16, 5, tzinfo=TOKYO))
    assert (moment, moment.tzinfo) == (START, UTC)
