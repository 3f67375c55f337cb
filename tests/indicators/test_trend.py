"""Directional movement where nothing moves; means over long windows."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from openingbell.indicators import indicators
from tests.indicators.frames import bars, read_closes, walk

DIRECTIONAL = ("adx_14", "plus_di_14", "minus_di_14")


def test_the_long_means_are_means(shared_data: Path) -> None:
    closes = read_closes(shared_data / "answers" / "sp500_daily_1999_2020.csv")[:1000]
    ours = indicators(bars(closes))
    for row in (199, 200, 731, 999):
        for name, count in (("sma_20", 20), ("sma_50", 50), ("sma_200", 200)):
            assert ours[name][row] == pytest.approx(math.fsum(closes[row - count + 1 : row + 1]) / count, rel=1e-14)


def test_a_price_that_only_rises_has_one_direction() -> None:
    ours = indicators(bars([float(step) for step in range(1, 200)], spread=0.0)).row(-1, named=True)
    assert [ours[name] for name in DIRECTIONAL] == pytest.approx([100, 100, 0])


@pytest.mark.parametrize("dialect", ["standard", "talib"])
def test_a_price_that_never_moved_has_no_direction(dialect: str) -> None:
    """No true range, so no +DI and −DI; DX is 0 where nothing moves, and so is ADX, until it is only a memory."""
    ours = indicators(bars([50.0] * 600, spread=0.0), dialect=dialect)
    assert ours["plus_di_14"].null_count() == ours["minus_di_14"].null_count() == 600
    assert set(ours["adx_14"][27:499]) == {0.0}
    assert ours["adx_14"][500:].null_count() == 100


def test_a_range_without_a_direction_has_zeros() -> None:
    """Highs and lows stay, closes go to and fro: range, but no direction."""
    frame = bars([100.0 + place % 2 for place in range(700)]).with_columns(high=pl.lit(102.0), low=pl.lit(99.0))
    ours = indicators(frame).row(-1, named=True)
    assert [ours[name] for name in DIRECTIONAL] == [0, 0, 0]


def test_after_a_flat_stretch_the_direction_is_there_again() -> None:
    ours = indicators(bars([*walk(60), *[90.0] * 20, *walk(60, seed=3)], spread=0.0))
    for name in DIRECTIONAL:
        assert ours[name][27:].null_count() == 0


@pytest.mark.parametrize("dialect", ["standard", "talib"])
def test_a_price_that_stopped_keeps_its_direction_for_less_than_500_bars(dialect: str) -> None:
    moving = walk(60)
    ours = indicators(bars([*moving, *[moving[-1]] * 600, *walk(60, seed=3)], spread=0.0), dialect=dialect)
    for name in DIRECTIONAL:
        assert [place for place in range(60, 720) if ours[name][place] is None] == list(range(559, 660)), name
