"""The simulated Treasury yield curve: level, slope and hump that wander and lean back, read at twelve maturities.

A curve is a function of seed and day alone; when it is published is `market`'s matter.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

import numpy as np
import polars as pl

from openingbell.feeds import TENORS
from openingbell.vendor.chance import generator
from openingbell.vendor.levels import DAYS, Floats, position

YEARS = np.array([1 / 12, 2 / 12, 3 / 12, 6 / 12, 1, 2, 3, 5, 7, 10, 20, 30])
DECAY_YEARS = 1.8
# mean in percent, move a day in percent points, what remains of a deviation after a day
LEVEL = (4.6, 0.045, 0.9985)
SLOPE = (-0.7, 0.05, 0.9985)
HUMP = (-0.8, 0.08, 0.998)


def yields(seed: int, days: pl.Series) -> pl.DataFrame:
    """Par yields on `days` (Date) by tenor: float64, percent, two decimals, never below zero."""
    at = [position(day) for day in days]
    x = YEARS / DECAY_YEARS
    slope_load = (1 - np.exp(-x)) / x
    hump_load = slope_load - np.exp(-x)
    level, slope, hump = (
        _factor(seed, name, *rule)[at, None] for name, rule in (("level", LEVEL), ("slope", SLOPE), ("hump", HUMP))
    )
    curve = np.round(np.maximum(level + slope * slope_load + hump * hump_load, 0.0), 2)
    return pl.DataFrame({"date": days, **{tenor: curve[:, i] for i, tenor in enumerate(TENORS)}})


@lru_cache(maxsize=32)
def _factor(seed: int, name: str, mean: float, move: float, memory: float) -> Floats:
    moves = move * generator(seed, "curve", name).standard_normal(DAYS)
    wander = accumulate(moves.tolist(), lambda at, step: memory * at + step)
    return np.fromiter(wander, np.float64, DAYS) + mean
