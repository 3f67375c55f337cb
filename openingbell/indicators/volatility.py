"""Volatility: Bollinger bands, average true range, realised volatility, and the range of a year.

Every function takes the usable bars of one series and returns float64 arrays that end with its last bar; bars before
an array's first element have no value, and NaN is none either.
"""

from __future__ import annotations

import numpy as np

from openingbell.indicators import windows
from openingbell.indicators.arrays import Floats
from openingbell.indicators.bars import Bars

YEAR_BARS = 252


def bollinger(bars: Bars) -> tuple[Floats, ...]:
    """Bands of 20 bars and two population deviations: upper, middle, lower (unit of the closes), width (percent) and
    position of the close (ratio): shape (max(n - 19, 0),) each.
    """
    middle = bars.mean_20
    double = windows.squares_about_mean(bars.close_sums)
    double /= 20.0
    np.sqrt(double, out=double)
    double *= 2.0
    upper, lower = middle + double, middle - double
    np.subtract(upper, lower, out=double)
    position = bars.close[19:] - lower
    position /= double
    position[double == 0.0] = np.nan
    width = double
    width /= middle
    width *= 100.0
    width[middle == 0.0] = np.nan
    return upper, middle, lower, width, position


def atr(bars: Bars) -> tuple[Floats, ...]:
    """Wilder's mean of 14 true ranges, unit of the prices: shape (n,)."""
    return (bars.atr_14,)


def realized_volatility(bars: Bars) -> tuple[Floats, ...]:
    """Root mean square of the last 20 log returns, percent a bar: shape (max(n - 20, 0),)."""
    returns = np.log(bars.close[1:] / bars.close[:-1])
    if bars.close.min() <= 0.0:
        returns[(bars.close[1:] <= 0.0) | (bars.close[:-1] <= 0.0)] = np.nan
    returns *= returns
    deviation = windows.window_sum(windows.power_sums(returns, 4), 20)
    deviation /= 20.0
    np.sqrt(deviation, out=deviation)
    deviation *= 100.0
    return (deviation,)


def range_of_a_year(bars: Bars) -> tuple[Floats, ...]:
    """Highest high and lowest low of the last 252 days, unit of the prices: shape (max(n - 251, 0),) each."""
    return windows.highest(bars.high, YEAR_BARS), windows.lowest(bars.low, YEAR_BARS)
