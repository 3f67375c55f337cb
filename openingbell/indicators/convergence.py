"""When a row of the core set has forgotten the first values of its means."""

from __future__ import annotations

from openingbell.indicators.trend import SIGNAL_BARS, SLOW_BARS

CONVERGED_WEIGHT = 1e-4


def _bars_until_converged() -> int:
    """Usable bars until no seed of the core set weighs 1e-4 any more.

    An exponential mean of n bars is seeded at bar n and forgets its seed as (1 - a)^m over the m bars after it,
    a = 2 / (n + 1); Wilder's average of 14 changes is seeded at bar 15 and has a = 1 / 14. That makes 68 bars for
    ema_12 (12 + 56), 146 for ema_26 (26 + 120), 140 for rsi_14 (15 + 125) and 76 for the seed of macd_signal itself
    (34 + 42). But the signal also repeats what the seed of ema_26 does to macd_line, later and 1.47 times as strong:
    the weight of that seed in the signal is the response of the signal to (1 - a)^m, and it is the slowest, 151.
    """
    slow, signal = 1.0 - 2.0 / (SLOW_BARS + 1), 1.0 - 2.0 / (SIGNAL_BARS + 1)
    after_seed = SIGNAL_BARS - 1  # bars after the seed of ema_26 at which the signal is seeded
    weight = sum(slow**m for m in range(SIGNAL_BARS)) / SIGNAL_BARS
    while weight >= CONVERGED_WEIGHT:
        after_seed += 1
        weight = signal * weight + (1.0 - signal) * slow**after_seed
    return SLOW_BARS + after_seed


CONVERGED_AT = _bars_until_converged()
"""Usable bars from which `converged` is true."""
