"""When first values are forgotten: neither a bar too early nor too late."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from openingbell.indicators import CONVERGED_AT, indicators
from tests.indicators.frames import bars, read_closes


def wilder(closes: Sequence[float], first: int) -> list[tuple[float, float]]:
    """Smoothed gains and losses of a series that begins at `first`, by bar from its seed on."""
    moves = [after - before for before, after in zip(closes[first:], closes[first + 1 :], strict=False)]
    gain = sum(max(move, 0.0) for move in moves[:14]) / 14
    loss = sum(max(-move, 0.0) for move in moves[:14]) / 14
    out = [(gain, loss)]
    for move in moves[14:]:
        gain, loss = (gain * 13 + max(move, 0.0)) / 14, (loss * 13 + max(-move, 0.0)) / 14
        out.append((gain, loss))
    return out


def test_converged_values_have_forgotten_their_seed(shared_data: Path) -> None:
    """At the first converged bar of a tail, what is left is at most 1e-4 of what the seeds were wrong by."""
    closes = read_closes(shared_data / "answers" / "sp500_daily_1999_2020.csv")
    whole = indicators(bars(closes))
    for first in range(500, 5000, 131):
        tail = indicators(bars(closes[first : first + CONVERGED_AT]))
        assert tail["converged"].to_list() == [False] * (CONVERGED_AT - 1) + [True]
        row = first + CONVERGED_AT - 1
        worst = {}
        for name, seeded_at in (("ema_12", 12), ("ema_26", 26), ("macd_signal", 34)):
            worst[name] = abs(tail[name][seeded_at - 1] - whole[name][first + seeded_at - 1])
            assert abs(tail[name][-1] - whole[name][row]) <= 1e-4 * max(worst.values()) * 1.001, name
        (gain, loss), (true_gain, true_loss) = wilder(closes, first)[0], wilder(closes, 0)[first]
        left = (abs(gain - true_gain) + abs(loss - true_loss)) * 1e-4
        now_gain, now_loss = wilder(closes, 0)[row - 14]
        bound = 100 * left / (now_gain + now_loss - left)
        assert abs(tail["rsi_14"][-1] - whole["rsi_14"][row]) <= bound
    for name in ("ema_12", "ema_26", "macd_signal", "rsi_14"):
        assert tail[name][-1] == pytest.approx(whole[name][row], rel=1e-3)


def test_convergence_is_not_promised_a_bar_too_late_or_too_early() -> None:
    """The seed's weight in the signal, measured by moving the closes of the seed alone, crosses 1e-4 there.

    Raising the first close by 26 raises the seed of ema_26 by 1 and, twelve bars later, that of ema_12 by 26 / 12,
    of which next to nothing is left after 140 bars.
    """
    closes = [1000.0] * 200
    lifted = [1026.0, *closes[1:]]
    left = [
        abs(a - b)
        for a, b in zip(indicators(bars(lifted))["macd_signal"], indicators(bars(closes))["macd_signal"], strict=True)
        if a is not None
    ]
    weights = dict(enumerate(left, start=34))
    assert weights[CONVERGED_AT] < 1e-4 <= weights[CONVERGED_AT - 1]
    assert CONVERGED_AT == 151
