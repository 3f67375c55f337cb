"""The border to TA-Lib: the recursions that it computes. Imported at the first call, so that facts cost no driver."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from openingbell.indicators.arrays import Floats

WILDER_BARS = 14
"""Bars of Wilder's means: of true range, directional movement, gains and losses."""


@cache
def _bare(name: str) -> Callable[..., Any]:
    """A function of TA-Lib without the wrapper that looks through its arguments for frames: of short series that takes
    as long as the arithmetic.
    """
    import talib

    wrapped: Callable[..., Any] = getattr(talib, name)
    return getattr(wrapped, "__wrapped__", wrapped)


def ema(values: Floats, bars: int) -> Floats:
    """Exponential mean, weight 2 / (bars + 1), seeded with the mean of the first `bars` values.

    Args:
        values: float64, shape (n,), n ≥ 1, any unit, oldest first, all finite.
        bars: length of the seed, at least 2.

    Returns:
        float64, shape (n,), unit of `values`; NaN before the seed.
    """
    mean: Floats = _bare("EMA")(values, bars)
    return mean


def wilder(values: Floats) -> Floats:
    """Wilder's mean, weight 1 / 14, seeded with the mean of the first 14 values.

    An exponential mean of 27 bars has the weight 2 / 28, and the mean of 27 equal values is that value.

    Args:
        values: float64, shape (m,), any unit, oldest first, all finite.

    Returns:
        float64, shape (max(m - 13, 0),), unit of `values`: from the 14th value on.
    """
    if len(values) < WILDER_BARS:
        return values[:0]
    seed = np.full(2 * WILDER_BARS - 1, values[:WILDER_BARS].mean())
    return ema(np.concatenate((seed, values[WILDER_BARS:])), len(seed))[len(seed) - 1 :]


def rsi(closes: Floats) -> Floats:
    """Wilder's index of 14 changes: float64, shape (n,), 0 to 100, from bar 15; 0 where nothing moved."""
    index: Floats = _bare("RSI")(closes, WILDER_BARS)
    return index


def atr(high: Floats, low: Floats, close: Floats) -> Floats:
    """Wilder's mean of 14 true ranges: float64, shape (n,), unit of the prices, from bar 15."""
    mean: Floats = _bare("ATR")(high, low, close, WILDER_BARS)
    return mean


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """How far the price got, the close before included: float64, shape (n,), unit of the prices, from bar 2."""
    reached: Floats = _bare("TRANGE")(high, low, close)
    return reached


def macd(closes: Floats) -> tuple[Floats, Floats, Floats]:
    """TA-Lib's own MACD (line, signal, histogram): float64, shape (n,), unit of the closes, from bar 34."""
    line, signal, histogram = _bare("MACD")(closes, 12, 26, 9)
    return line, signal, histogram


def directional(high: Floats, low: Floats, close: Floats) -> tuple[Floats, Floats, Floats]:
    """TA-Lib's own ADX, +DI and −DI: float64, shape (n,), 0 to 100, from bars 28, 15 and 15."""
    prices = (high, low, close, WILDER_BARS)
    return _bare("ADX")(*prices), _bare("PLUS_DI")(*prices), _bare("MINUS_DI")(*prices)
