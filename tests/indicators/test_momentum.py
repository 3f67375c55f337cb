"""RSI at its ends, the stochastic without a range, the rate of change."""

from __future__ import annotations

import pytest

from openingbell.indicators import indicators
from tests.indicators.frames import bars, walk


def rsi_of(closes: list[float]) -> float | None:
    value: float | None = indicators(bars(closes))["rsi_14"][-1]
    return value


def test_rsi_at_its_ends() -> None:
    """Only gains 100, only losses 0, nothing at all null; a price that stops keeps its RSI for less than 500 bars."""
    rising = [100.0 + step for step in range(40)]
    assert rsi_of(rising) == 100.0
    assert rsi_of(rising[::-1]) == 0.0
    assert rsi_of([50.0] * 15) is None
    assert rsi_of([*rising[::-1], *[100.0] * 20]) == 0.0
    assert rsi_of([*walk(40), *[100.0] * 500]) is not None
    assert rsi_of([*walk(40), *[100.0] * 501]) is None
    assert rsi_of([*walk(40), *[100.0] * 600, 99.0]) == pytest.approx(0, abs=1e-9)


def test_the_stochastic_is_where_the_close_lies_in_the_range_of_14_bars() -> None:
    closes = walk(40)
    ours = indicators(bars(closes, spread=0.0))
    windows = [closes[end - 13 : end + 1] for end in range(13, 40)]
    fast = [100 * (window[-1] - min(window)) / (max(window) - min(window)) for window in windows]
    slow = [sum(fast[end - 2 : end + 1]) / 3 for end in range(2, len(fast))]
    assert ours["stoch_k"].drop_nulls().to_list() == pytest.approx(slow, rel=1e-12)
    assert ours["stoch_d"][-1] == pytest.approx(sum(slow[-3:]) / 3, rel=1e-12)
    top = indicators(bars([float(step) for step in range(1, 60)], spread=0.0))
    assert (top["stoch_k"][-1], top["stoch_d"][-1]) == (100.0, 100.0)


def test_a_stretch_without_a_range_leaves_the_stochastic_null_and_no_trace_behind() -> None:
    """14 equal bars have no range: %K is null while one of its three lies there, %D while one of its three %K does."""
    ours = indicators(bars([*walk(30), *[100.0] * 15, *walk(31, seed=2)], spread=0.0))  # the last begins at 100 too
    nulls = [place for place in range(20, 76) if ours["stoch_k"][place] is None]
    assert nulls == [43, 44, 45, 46, 47]
    assert [place for place in range(20, 76) if ours["stoch_d"][place] is None] == [43, 44, 45, 46, 47, 48, 49]


def test_the_rate_of_change_is_against_the_close_ten_bars_before() -> None:
    ours = indicators(bars([0.0, -4.0, *[5.0] * 8, 7.0, 6.0, 5.0]))["roc_10"]
    assert ours.to_list() == [None] * 11 + [-250.0, 0.0]
