"""The delay that is learned, night after night, of vendors whose delay is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import ceil

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.operations.vendor_report.lateness import INTERVALS, STEP_SECONDS, Bracket
from openingbell.operations.vendor_report.learning import (
    HEAD_ROOM,
    LEAST_BARS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    learned_seconds,
    usual,
)

DAY = date(2026, 1, 1)
SETTLE, TICK, OVERNIGHT = 60, 900, 5 * 3_600
WINDOW = 21
"""Sessions of thirty days."""
BARS = 70


@pytest.mark.parametrize(
    ("delay", "over", "at_most", "wanted"),
    [
        (60, 0, 120, 60),  # 70 would be no shorter
        (60, 120, 1_020, 630),  # the middle is 570, and a tenth of it
        (630, 120, 690, 450),
        (265, 120, 325, 265),  # 245 is shorter by less than a tenth
        (600, 0, 660, 365),
        (60, 60, 65, 70),  # what was shown to be too short is lengthened by whatever it takes
        (1_000, 1_100, 1_105, 1_215),
        (60, 4_000, 8_000, LONGEST_SECONDS),
        (40, 0, 10, SHORTEST_SECONDS),
        (50_000, 60_000, 70_000, LONGEST_SECONDS),
    ],
)
def test_the_delay_that_follows(delay: float, over: int, at_most: int, wanted: float) -> None:
    assert learned_seconds(delay, Bracket(over, at_most)) == wanted


@given(st.integers(0, 3_600), st.integers(0, 700), st.integers(1, 700))
def test_it_is_never_shorter_than_what_bars_were_shown_to_take(delay: int, over: int, more: int) -> None:
    bracket = Bracket(5 * over, 5 * (over + more))
    found = learned_seconds(delay, bracket)
    assert SHORTEST_SECONDS <= found <= LONGEST_SECONDS or found == delay
    assert found > min(bracket.over, LONGEST_SECONDS - 1)
    assert found == delay or found % STEP_SECONDS == 0
    assert found <= max(delay, ceil(bracket.at_most * HEAD_ROOM / STEP_SECONDS) * STEP_SECONDS, SHORTEST_SECONDS)


def session(day: date, over: int, at_most: int, bars: int = BARS) -> pl.DataFrame:
    """A session of which all bars came between two ages."""
    return pl.DataFrame([("S", day, None, over, at_most)] * bars, schema=INTERVALS, orient="row")


def sessions_of(*pairs: tuple[int, int], bars: int = BARS) -> pl.DataFrame:
    return pl.concat([session(DAY + timedelta(days=n), *pair, bars=bars) for n, pair in enumerate(pairs)])


def test_three_sessions_of_bars_enough_are_the_least_to_learn_from() -> None:
    assert usual(sessions_of((0, 120), (0, 120))) is None
    assert usual(sessions_of((0, 120), (0, 120), (0, 120))) == Bracket(0, 120)
    assert usual(sessions_of(*[(0, 120)] * 3, bars=LEAST_BARS // 3)) is None
    assert usual(sessions_of(*[(0, 120)] * 15, bars=19)) is None  # so few of a session may be chance
    assert usual(INTERVALS.to_frame()) is None


def test_a_day_on_which_the_vendor_was_out_moves_nothing() -> None:
    assert usual(sessions_of(*[(0, 120)] * 4, (3_720, 18_000))) == Bracket(0, 120)


def test_most_of_the_newest_sessions_decide() -> None:
    assert usual(sessions_of(*[(0, 120)] * 9, *[(120, 1_020)] * 2)) == Bracket(0, 120)
    assert usual(sessions_of(*[(0, 120)] * 9, *[(120, 1_020)] * 3)) == Bracket(120, 1_020)
    assert usual(sessions_of(*[(120, 1_020)] * 9, *[(0, 120)] * 3)) == Bracket(0, 120)


def test_where_nothing_is_known_to_have_come_the_longest_delay_bounds_it() -> None:
    days = [(120, 1_020)] * 3 + [(1_020, 1_920)] * 3 + [(1_920, 2_000)] * 3 + [(2_000, 7_000)] * 3
    found = usual(sessions_of(*days))
    assert found is not None
    assert found.over == 2_000
    assert found.at_most in (7_000, LONGEST_SECONDS)


def nights(vendor: Callable[[int], int], count: int, delay: float = 60) -> tuple[list[float], list[int]]:
    """The delays of so many nights, and the nights on which bars were asked for too early. The bars of a session are
    asked for when they should be there, and then with every tick.
    """
    delays, early, kept = [delay], [], []
    for night in range(count):
        true = vendor(night)
        ages = [ceil((delay + SETTLE + TICK * n) / STEP_SECONDS) * STEP_SECONDS for n in range(12)]
        over = max((age for age in ages if age < true), default=0)
        at_most = min((age for age in ages if age >= true), default=max(OVERNIGHT, true))
        early += [night] if over else []
        kept.append(session(DAY + timedelta(days=night), over, at_most))
        bracket = usual(pl.concat(kept[-WINDOW:]))
        delay = learned_seconds(delay, bracket) if bracket else delay
        delays.append(delay)
    return delays, early


@settings(max_examples=8)  # a busy machine is no fault
@given(st.integers(0, LONGEST_SECONDS), st.integers(SHORTEST_SECONDS, LONGEST_SECONDS))
def test_the_delay_of_a_steady_vendor_is_found_and_kept(true: int, start: int) -> None:
    """Three nights it takes to say anything; each one after halves what is possible, until it is worth no more."""
    delays, early = nights(lambda _: true, WINDOW, start)
    assert delays[-1] + SETTLE >= true
    assert len(set(delays[-6:])) == 1
    assert [night for night in early if night > 12] == []
    assert len([night for night in early if night >= 3]) <= 3
    longer = [after for before, after in pairwise(delays) if after > before]
    assert len(longer) <= 3
    assert delays[-1] <= max(start, HEAD_ROOM * (true + TICK + SETTLE))


def too_early(found: Sequence[int], since: int) -> int:
    return len([night for night in found if night >= since])


@pytest.mark.parametrize("true", [125, 1_000, 3_000])
def test_a_shorter_delay_is_tried_about_once_in_thirty_days(true: int) -> None:
    """What showed that bars come later has grown old by then. It costs a session, now and then a second one."""
    delays, early = nights(lambda _: true, 4 * WINDOW)
    assert too_early(early, since=12) <= 6
    assert max(delays) <= LONGEST_SECONDS
    assert all(delay + SETTLE >= true for night, delay in enumerate(delays[12:], 12) if night not in early)


def test_a_vendor_that_becomes_slower_is_followed_in_three_sessions() -> None:
    """What it takes since is found out like what it took before: each attempt that was too short counts three times,
    against the sessions that had come sooner.
    """
    delays, early = nights(lambda night: 30 if night < 10 else 400, 25)
    assert set(delays[:11]) == {60}
    assert early[:3] == [10, 11, 12]
    assert delays[-1] + SETTLE >= 400
    assert too_early(early, since=13) <= 3


def test_a_vendor_that_becomes_quicker_is_followed_when_the_bad_days_are_old() -> None:
    delays, _ = nights(lambda night: 4_000 if night < 4 else 30, 35)
    assert max(delays) == LONGEST_SECONDS
    assert delays[-1] < 200


def test_bad_days_by_themselves_move_nothing() -> None:
    delays, early = nights(lambda night: 5_000 if night in (5, 12) else 30, 18)
    assert set(delays) == {60}
    assert early == [5, 12]
