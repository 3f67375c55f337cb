"""The usable bars of one series as arrays, and what several indicators share, computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from openingbell.indicators import ta, windows
from openingbell.indicators.arrays import Floats, Integers

TALIB = "talib"
DIALECTS = ("standard", TALIB)
"""Whose first values: those of published sheets and charts, or TA-Lib's own functions."""


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars that count, oldest first; of the inputs only those that were asked for.

    Attributes:
        close: float64, shape (n,), n ≥ 1, currency of the symbol or points, all finite, contiguous.
        open, high, low: as close.
        volume: float64, shape (n,), shares or contracts, NaN where there is none.
        session: int32, shape (n,), the trading day as a number of days.
        dialect: one of `DIALECTS`.
    """

    close: Floats
    open: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))
    low: Floats = field(default_factory=lambda: np.empty(0))
    volume: Floats = field(default_factory=lambda: np.empty(0))
    session: Integers = field(default_factory=lambda: np.empty(0, np.int32))
    dialect: str = DIALECTS[0]

    @cached_property
    def close_sums(self) -> list[Floats]:
        """Sums over 1, 2, 4 … 128 closes."""
        return windows.power_sums(self.close, 7)

    @cached_property
    def mean_20(self) -> Floats:
        """Mean of the last 20 closes: float64, shape (max(n - 19, 0),), unit of the closes."""
        return windows.window_sum(self.close_sums, 20) / 20.0

    @cached_property
    def ema_12(self) -> Floats:
        """Exponential mean of the closes, 12 bars: float64, shape (n,), unit of the closes."""
        return ta.ema(self.close, 12)

    @cached_property
    def ema_26(self) -> Floats:
        """Exponential mean of the closes, 26 bars: float64, shape (n,), unit of the closes."""
        return ta.ema(self.close, 26)

    @cached_property
    def atr_14(self) -> Floats:
        """Wilder's mean of 14 true ranges: float64, shape (n,), unit of the prices."""
        return ta.atr(self.high, self.low, self.close)
