"""Windows: sums, squares and extremes of the last values, each from its own values alone."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from openingbell.indicators.windows import (
    STILL,
    highest,
    lowest,
    power_sums,
    squares_about_mean,
    stands_still,
    window_sum,
)

VALUES = np.array([random.Random(1).gauss(0, 1) for _ in range(400)])


@pytest.mark.parametrize("bars", [3, 10, 20, 50, 200, 255])
def test_a_window_sum_is_the_sum_of_the_window(bars: int) -> None:
    found = window_sum(power_sums(VALUES, 7), bars)
    expected = [math.fsum(VALUES[end - bars : end]) for end in range(bars, len(VALUES) + 1)]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bars", [1, 2, 3, 14, 252])
def test_extremes_are_those_of_the_window(bars: int) -> None:
    ends = range(bars, len(VALUES) + 1)
    assert highest(VALUES, bars).tolist() == [max(VALUES[end - bars : end]) for end in ends]
    assert lowest(VALUES, bars).tolist() == [min(VALUES[end - bars : end]) for end in ends]


@pytest.mark.parametrize("count", [0, 1, 13, 19, 20, 21])
def test_what_is_shorter_than_the_window_has_no_value(count: int) -> None:
    values = VALUES[:count]
    expected = max(count - 19, 0)
    assert len(window_sum(power_sums(values, 7), 20)) == expected
    assert len(squares_about_mean(power_sums(values, 7))) == expected
    assert len(highest(values, 20)) == len(lowest(values, 20)) == expected


def test_squares_are_those_about_the_mean_of_the_window() -> None:
    found = squares_about_mean(power_sums(VALUES + 1e6, 7))
    for end in range(20, len(VALUES) + 1):
        window = (VALUES + 1e6)[end - 20 : end].tolist()
        mean = math.fsum(window) / 20
        assert found[end - 20] == pytest.approx(math.fsum((value - mean) ** 2 for value in window), rel=1e-8)
    assert (squares_about_mean(power_sums(np.full(30, 0.1), 7)) == 0.0).all()


@pytest.mark.parametrize("before", [0, 1, 249, 250, 251, 700])
@pytest.mark.parametrize("still", [STILL - 1, STILL, STILL + 3, 1200])
def test_a_price_stands_still_from_its_500th_bar_without_a_move(before: int, still: int) -> None:
    moved = np.array([True] * before + [False] * still + [True] * 5)
    found = stands_still(moved)
    expected = [False] * (before + STILL - 1) + [True] * (still - STILL + 1) + [False] * 5
    assert (found is None and still < STILL) or (found is not None and found.tolist() == expected)


def test_a_price_that_moves_now_and_then_does_not_stand_still() -> None:
    assert stands_still(np.ones(2000, np.bool_)) is None
    assert stands_still(np.empty(0, np.bool_)) is None
