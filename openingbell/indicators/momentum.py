"""Momentum: RSI, the stochastic and the rate of change.

Every function takes the usable bars of one series and returns float64 arrays that end with its last bar; bars before
an array's first element have no value, and NaN is none either.
"""

from __future__ import annotations

import numpy as np

from openingbell.indicators import ta, windows
from openingbell.indicators.arrays import Floats
from openingbell.indicators.bars import TALIB, Bars

STOCHASTIC_BARS = 14
ROC_BARS = 10


def rsi(bars: Bars) -> tuple[Floats, ...]:
    """Wilder's RSI of 14 changes, 0 to 100: shape (n,). NaN where nothing has moved, or not for STILL bars.

    Of what did not move TA-Lib says 0, as of what only fell. Upside down, only losses become only gains, and nothing
    stays nothing. Of a price that stopped it says for ever what it said when it stopped, which no tail would know.
    """
    closes = bars.close
    index = ta.rsi(closes)
    lowest = index == 0.0
    if lowest.any():
        index[lowest & (ta.rsi(-closes) == 0.0)] = np.nan
    still = windows.stands_still(closes[1:] != closes[:-1])
    if still is not None:
        index[1:][still] = np.nan
    return (index,)


def stochastic(bars: Bars) -> tuple[Floats, ...]:
    """%K and %D of 14, 3 and 3 bars, 0 to 100 (Lane): shapes (max(n - 15, 0),) and (max(n - 17, 0),).

    Bars of which the 14 have no range have no %K of their own, and a mean of three needs all three.
    """
    bottom = windows.lowest(bars.low, STOCHASTIC_BARS)
    span = windows.highest(bars.high, STOCHASTIC_BARS)
    span -= bottom
    fast = bars.close[STOCHASTIC_BARS - 1 :] - bottom
    fast /= span
    fast *= 100.0
    fast[span == 0.0] = np.nan
    k = _mean_of_three(fast)
    d = _mean_of_three(k)
    return k[2:] if bars.dialect == TALIB else k, d  # TA-Lib shows no %K before the first %D


def _mean_of_three(values: Floats) -> Floats:
    mean = values[2:] + values[1:-1]
    mean += values[:-2]
    mean /= 3.0
    return mean


def roc(bars: Bars) -> tuple[Floats, ...]:
    """Change against the close 10 bars before, percent of it: shape (max(n - 10, 0),)."""
    return (rate_of_change(bars.close, ROC_BARS),)


def rate_of_change(closes: Floats, bars: int) -> Floats:
    """Change over `bars` bars, percent of the close before: float64, shape (max(n - bars, 0),); NaN where that is 0."""
    before = closes[:-bars]
    change = closes[bars:] - before
    change /= before
    change *= 100.0
    change[before == 0.0] = np.nan
    return change
