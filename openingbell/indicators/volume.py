"""Volume: on-balance volume, and the session's volume-weighted mean price.

Every function takes the usable bars of one series and returns float64 arrays of its length; NaN is no value.
"""

from __future__ import annotations

import numpy as np

from openingbell.indicators.arrays import Floats
from openingbell.indicators.bars import TALIB, Bars


def obv(bars: Bars) -> tuple[Floats, ...]:
    """Volume of bars that rose minus that of bars that fell, from the first bar with a volume on (Granville).

    Shape (n,), unit of the volume. A bar without a volume has none and counts nothing.
    """
    known = np.isfinite(bars.volume)
    signed = np.where(known, bars.volume, 0.0)
    signed[1:] *= np.sign(bars.close[1:] - bars.close[:-1])
    first = int(known.argmax())
    if bars.dialect != TALIB:
        signed[first] = 0.0  # TA-Lib begins with the first volume itself
    elif known.any():
        signed[first] = bars.volume[first]
    total = np.cumsum(signed)
    total[~known] = np.nan
    return (total,)


def session_vwap(bars: Bars) -> tuple[Floats, ...]:
    """Mean of (high + low + close) / 3 since the session's first bar, weighted by volume.

    Shape (n,), unit of the prices; NaN while the session has no volume. Each session is summed by itself.
    """
    starts = np.concatenate(([0], np.flatnonzero(np.diff(bars.session)) + 1))
    lengths = np.diff(starts, append=len(bars.session))
    longest = int(lengths.max())
    # Place of each bar in a matrix of a row a session, padded to the longest.
    place = np.arange(len(bars.session)) + np.repeat(np.arange(len(starts)) * longest - starts, lengths)
    volume = np.zeros(len(starts) * longest)
    volume[place] = np.where(np.isfinite(bars.volume), bars.volume, 0.0)
    traded = np.zeros(len(volume))
    traded[place] = (bars.high + bars.low + bars.close) / 3.0
    traded *= volume
    mean = np.cumsum(traded.reshape(-1, longest), axis=1).ravel()[place]
    total = np.cumsum(volume.reshape(-1, longest), axis=1).ravel()[place]
    mean /= total
    mean[total == 0.0] = np.nan
    return (mean,)
