"""Where each simulated symbol stands at the end of each day: a seeded walk with a market, a sector and an own part.

A level is a function of seed, symbol and calendar day alone, so that no window and no calendar can change it. The walk
leans back to a slow trend, which keeps prices plausible for decades.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from openingbell.vendor.chance import generator
from openingbell.vendor.profiles import Profile

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2079, 12, 31)
ANCHOR = (date(2026, 1, 1) - FIRST_DAY).days
DAYS = (LAST_DAY - FIRST_DAY).days + 1
MARKET_VOL = 0.16
SECTOR_SHARE = 0.5
TRADING_DAYS = 252
SATURDAY = 5

Floats = npt.NDArray[np.float64]


def position(day: date) -> int:
    """The index of `day` in the arrays of this module."""
    return (day - FIRST_DAY).days


@lru_cache(maxsize=512)
def log_levels(seed: int, symbol: str, profile: Profile) -> Floats:
    """Natural logarithm of the level at the end of each calendar day since 2000: float64, one a day, dollars or points.

    Weekends hardly move; a holiday's move is part of the next session's.
    """
    own = _shocks(seed, f"own {symbol}")
    if profile.sector:
        sector = _shocks(seed, f"sector {profile.sector}")
        own = np.sqrt(SECTOR_SHARE) * sector + np.sqrt(1 - SECTOR_SHARE) * own
    moves = (profile.beta * MARKET_VOL * _shocks(seed, "market") + profile.own_vol * own) / np.sqrt(TRADING_DAYS)
    memory = profile.memory
    leaning = np.fromiter(accumulate(moves.tolist(), lambda at, move: memory * at + move), np.float64, DAYS)
    trend = profile.growth * (np.arange(DAYS) - ANCHOR) / 365.25
    levels: Floats = np.log(profile.level) + trend + leaning
    levels.flags.writeable = False
    return levels


def daily_vol(profile: Profile) -> float:
    """Standard deviation of a day's log move."""
    return float(np.hypot(profile.beta * MARKET_VOL, profile.own_vol) / np.sqrt(TRADING_DAYS))


@lru_cache(maxsize=64)
def _shocks(seed: int, name: str) -> Floats:
    """Standard normal, one a calendar day, zero at weekends."""
    shocks = generator(seed, "walk", name).standard_normal(DAYS)
    weekday = (np.arange(DAYS) + FIRST_DAY.weekday()) % 7
    shocks[weekday >= SATURDAY] = 0.0
    return shocks
