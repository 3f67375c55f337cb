"""Bands that close exactly, realised volatility longhand, the range of a year."""

from __future__ import annotations

import math

import pytest

from openingbell.indicators import indicators
from tests.indicators.frames import bars, walk


@pytest.mark.parametrize("level", [0.07, 97.31, 31_234.56, 1e9])
def test_bands_close_exactly_when_a_moving_price_stops(level: float) -> None:
    for seed in range(40):
        closes = [*walk(150, seed=seed, start=level * (seed + 1) / 7, step=0.05), *[level] * 20]
        row = indicators(bars(closes)).row(-1, named=True)
        assert (row["bb_width"], row["bb_position"]) == (0.0, None)
        assert row["bb_middle"] == pytest.approx(level, rel=1e-15)


def test_realised_volatility_is_the_root_mean_square_of_20_log_returns() -> None:
    closes = walk(60)
    ours = indicators(bars(closes))["realized_vol_20"]
    for row in range(20, 60):
        returns = [math.log(closes[place] / closes[place - 1]) for place in range(row - 19, row + 1)]
        assert ours[row] == pytest.approx(100 * math.sqrt(math.fsum(one * one for one in returns) / 20), rel=1e-11)


@pytest.mark.parametrize("close", [0.0, -37.63])
def test_a_close_of_zero_or_less_has_no_log_return_and_spoils_nothing_after_it(close: float) -> None:
    """Of −37.63 and −40.32 there is a ratio, but no return: the oil of April 2020."""
    closes = walk(80)
    closes[30:32] = [close, close * 1.0715]
    ours = indicators(bars(closes))["realized_vol_20"]
    assert [place for place in range(20, 80) if ours[place] is None] == list(range(30, 52))
    assert ours[52:].to_list() == indicators(bars(walk(80)))["realized_vol_20"][52:].to_list()


def test_the_range_of_a_year_is_that_of_252_days() -> None:
    closes = walk(400)
    frame = bars(closes)
    ours = indicators(frame, daily=True)
    assert ours["high_252"].null_count() == ours["low_252"].null_count() == 251
    for row in (251, 300, 399):
        assert ours["high_252"][row] == frame["high"][row - 251 : row + 1].max()
        assert ours["low_252"][row] == frame["low"][row - 251 : row + 1].min()
