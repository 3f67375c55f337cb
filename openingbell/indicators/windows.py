"""Sums, squares and extremes over the last n values, each from its own values alone.

Running sums, as TA-Lib keeps them, carry a trace of every bar that ever was, so that a recompute from a tail would
rewrite rows in their last digits. Here windows are put together from windows of 1, 2, 4 … values, in an order that is
always the same. Every result ends with the last value; it is as much shorter as the first window is long.
"""

from __future__ import annotations

import numpy as np

from openingbell.indicators.arrays import Flags, Floats

STILL = 500
"""Bars without a change after which a Wilder mean is only a memory: all before weighs (13/14)^500 < 1e-16."""


def power_sums(values: Floats, powers: int) -> list[Floats]:
    """Sums over 1, 2, 4 … 2^powers values: element j of the p-th is values[j] + … + values[j + 2^p - 1].

    Args:
        values: float64, shape (n,), any unit.
        powers: how often the windows are doubled.

    Returns:
        powers + 1 arrays: float64, shape (max(n - 2^p + 1, 0),), unit of `values`.
    """
    sums = [values]
    for power in range(powers):
        sums.append(sums[-1][1 << power :] + sums[-1][: -(1 << power)])
    return sums


def window_sum(sums: list[Floats], bars: int) -> Floats:
    """Sums over `bars` values, no power of two: float64, shape (max(n - bars + 1, 0),), from their `power_sums`."""
    count = max(len(sums[0]) - bars + 1, 0)
    parts, offset = [], 0
    for power, part in enumerate(sums):
        if bars >> power & 1:
            parts.append(part[offset : offset + count])
            offset += 1 << power
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total


def squares_about_mean(sums: list[Floats]) -> Floats:
    """Sums of squared distances from the mean over 20 values; exactly 0 for equal ones.

    Two windows are joined as Chan, Golub and LeVeque (1979) do: the squares of both, plus the square of the distance
    of their means by the harmonic weight of their lengths. Nothing large is ever subtracted from something large.

    Args:
        sums: `power_sums` of the values, at least to 16.

    Returns:
        float64, shape (max(n - 19, 0),), squared unit of the values.
    """
    at = [np.zeros(len(sums[0]))]
    for power in range(4):
        bars = 1 << power
        joined = sums[power][bars:] - sums[power][:-bars]
        joined *= joined
        joined /= 2.0 * bars
        joined += at[-1][bars:]
        joined += at[-1][:-bars]
        at.append(joined)
    count = len(at[4][4:])
    joined = sums[2][:count] * 4.0
    joined -= sums[4][4:]
    joined *= joined
    joined /= 80.0  # (16·S₄ − 4·S₁₆)² / (4·16·20)
    joined += at[2][:count]
    joined += at[4][4:]
    return joined


def highest(values: Floats, bars: int) -> Floats:
    """The largest of the last `bars` values: float64, shape (max(n - bars + 1, 0),), unit of `values`."""
    return _extreme(np.maximum, values, bars)


def lowest(values: Floats, bars: int) -> Floats:
    """The smallest of the last `bars` values: float64, shape (max(n - bars + 1, 0),), unit of `values`."""
    return _extreme(np.minimum, values, bars)


def _extreme(pick: np.ufunc, values: Floats, bars: int) -> Floats:
    span, best = 1, values
    while span * 2 <= bars:
        best = pick(best[span:], best[:-span])
        span *= 2
    count = max(len(values) - bars + 1, 0)
    picked: Floats = pick(best[:count], best[bars - span :][:count])
    return picked


def stands_still(moved: Flags) -> Flags | None:
    """Where the last move is STILL bars ago or more; None for nowhere, which is what markets do.

    Args:
        moved: bool, shape (n,), whether the price moved at the bar; before the first bar it is taken to have moved.

    Returns:
        bool, shape (n,), or None.
    """
    block = STILL // 2
    blocks = moved[: len(moved) // block * block].reshape(-1, block)
    if blocks.any(axis=1).all():
        return None  # a stretch of STILL bars covers at least one whole block
    row = np.arange(len(moved))
    still: Flags = row - np.maximum.accumulate(np.where(moved, row, -1)) >= STILL
    return still
