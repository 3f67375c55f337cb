"""Trend: means, exponential means, MACD and Wilder's directional movement.

Every function takes the usable bars of one series and returns float64 arrays that end with its last bar; bars before
an array's first element have no value, and NaN is none either.
"""

from __future__ import annotations

import numpy as np

from openingbell.indicators import ta, windows
from openingbell.indicators.arrays import Flags, Floats
from openingbell.indicators.bars import TALIB, Bars

SIGNAL_BARS = 9
SLOW_BARS = 26


def sma(bars: Bars) -> tuple[Floats, ...]:
    """Means of the last 20, 50 and 200 closes, unit of the closes: shapes (n - 19,), (n - 49,), (n - 199,)."""
    sums = bars.close_sums
    return bars.mean_20, windows.window_sum(sums, 50) / 50.0, windows.window_sum(sums, 200) / 200.0


def ema(bars: Bars) -> tuple[Floats, ...]:
    """Exponential means of 12 and 26 closes, unit of the closes: shape (n,) each."""
    return bars.ema_12, bars.ema_26


def macd(bars: Bars) -> tuple[Floats, ...]:
    """Line, signal and histogram, unit of the closes (Appel): shape (max(n - 25, 0),) each.

    Each mean has its own first value, as StockCharts and TradingView draw it. TA-Lib's own begins the fast mean where
    the slow one begins.
    """
    if bars.dialect == TALIB:
        return ta.macd(bars.close)
    line = (bars.ema_12 - bars.ema_26)[SLOW_BARS - 1 :]
    signal = ta.ema(line, SIGNAL_BARS) if len(line) else line
    return line, signal, line - signal


def directional(bars: Bars) -> tuple[Floats, ...]:
    """ADX, +DI and −DI of 14 bars, 0 to 100 (Wilder 1978): shapes (max(n - 27, 0),) and twice (max(n - 14, 0),).

    Where nothing has moved in either direction DX is 0. Where the true range was 0 for STILL bars, or ever, all that
    is left of the price is a memory, which no tail would know: +DI and −DI are null there, and after STILL bars so is
    ADX.
    """
    up, down = np.diff(bars.high), -np.diff(bars.low)
    plus = np.where((up > down) & (up > 0.0), up, 0.0)
    minus = np.where((down > up) & (down > 0.0), down, 0.0)
    quiet = windows.stands_still((plus > 0.0) | (minus > 0.0))
    mean_range = bars.atr_14[14:]
    if bars.dialect == TALIB:
        of_talib = ta.directional(bars.high, bars.low, bars.close)
        adx, plus_di, minus_di = of_talib[0][27:], of_talib[1][14:], of_talib[2][14:]
    else:
        mean_plus, mean_minus = ta.wilder(plus), ta.wilder(minus)
        adx = ta.wilder(_dx(mean_plus, mean_minus, None if quiet is None else quiet[13:]))
        to_percent = 100.0 / mean_range
        plus_di, minus_di = mean_plus * to_percent, mean_minus * to_percent
    unknown = mean_range == 0.0
    if quiet is not None:  # where the range is 0 nothing has a direction either
        still = windows.stands_still(ta.true_range(bars.high, bars.low, bars.close)[1:] != 0.0)
        if still is not None:
            unknown |= still[13:]
            adx[still[26:]] = np.nan
    plus_di[unknown] = minus_di[unknown] = np.nan
    return adx, plus_di, minus_di


def _dx(mean_plus: Floats, mean_minus: Floats, quiet: Flags | None) -> Floats:
    dx = np.abs(mean_plus - mean_minus)
    dx /= mean_plus + mean_minus
    dx *= 100.0
    dx[np.isnan(dx)] = 0.0
    if quiet is not None:
        dx[quiet] = 0.0
    return dx
