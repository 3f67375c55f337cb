"""Indicators over closes: means, exponential means, MACD, RSI and Bollinger bands, one row a bar.

It owns the arithmetic and the rule of warm-up. Exponential means and RSI are TA-Lib's. Means and deviations over a
window are summed afresh from the window's own closes: running sums, as TA-Lib keeps them, carry a trace of every bar
that ever was, so that a recompute from a tail would rewrite rows in their last digits. Which bars are usable, and how
far back to read, is the caller's to say; `WARM_UP` is how far it has to be.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import talib

from openingbell.tables import INDICATOR_COLUMNS

Floats = npt.NDArray[np.float64]

WARM_UP = 1_000
"""Usable bars of a symbol, the newest included, that a recompute reads: what follows from them is equal, to the last
bit, to what follows from the whole history."""

TREND_SEED = 26
"""Bars in the mean that seeds ema_26, the slowest of the core set."""
SIGNAL_BARS = 9
CONVERGED_WEIGHT = 1e-4


def _bars_until_converged() -> int:
    """Usable bars until no seed of the core set weighs 1e-4 any more.

    An exponential mean of n bars is seeded at bar n and forgets its seed as (1 - a)^m over the m bars after it,
    a = 2 / (n + 1); Wilder's average of 14 changes is seeded at bar 15 and has a = 1 / 14. That makes 68 bars for
    ema_12 (12 + 56), 146 for ema_26 (26 + 120), 140 for rsi_14 (15 + 125) and 76 for the seed of macd_signal itself
    (34 + 42). But the signal also repeats what the seed of ema_26 does to macd_line, later and 1.47 times as strong:
    the weight of that seed in the signal is the response of the signal to (1 - a)^m, and it is the slowest, 151.
    """
    slow, signal = 1.0 - 2.0 / (TREND_SEED + 1), 1.0 - 2.0 / (SIGNAL_BARS + 1)
    after_seed = SIGNAL_BARS - 1  # bars after the seed of ema_26 at which the signal is seeded
    weight = sum(slow**m for m in range(SIGNAL_BARS)) / SIGNAL_BARS
    while weight >= CONVERGED_WEIGHT:
        after_seed += 1
        weight = signal * weight + (1.0 - signal) * slow**after_seed
    return TREND_SEED + after_seed


CONVERGED_AT = _bars_until_converged()
"""Usable bars from which `converged` is true."""

STILL = 500
"""Bars without a change of price after which an RSI is only a memory: all before weighs (13/14)^500 < 1e-16."""

COMPUTED = (
    "sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "macd_line", "macd_signal", "macd_histogram", "rsi_14",
    "bb_upper", "bb_lower", "bb_width", "bb_position",
)  # fmt: skip
"""The rows of the arrays that `_fill` writes."""


def indicators(bars: pl.DataFrame) -> pl.DataFrame:
    """Every indicator of every bar.

    A bar that is skipped has no indicators, and those after it are what they would be without it.

    Args:
        bars: one row a bar, the bars of a symbol together and oldest first: asset_class and symbol (String), date
            (Datetime or Date, strictly rising within a symbol), close (Float64, currency of the symbol or points,
            null or NaN where there is none), usable (Boolean: whether the bar counts). Other columns are ignored.

    Returns:
        One row per row of `bars`, in its order: asset_class, symbol, date as given, then the columns of
        `openingbell.tables.INDICATOR_COLUMNS`, which say unit and null rule of each; no float is NaN.

    Raises:
        ValueError: the bars of a symbol are not together, or not oldest first.
    """
    starts = _series_starts(bars)
    closes = bars["close"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    kept = bars["usable"].fill_null(value=False).to_numpy() & np.isfinite(closes)
    computed = _computed(closes, kept, [*starts.tolist(), len(closes)])
    used = np.cumsum(kept)
    used_before = np.concatenate(([0], used))[starts]
    since_start = used - np.repeat(used_before, np.diff([*starts, len(closes)]))
    return bars.select(
        "asset_class",
        "symbol",
        "date",
        pl.col("close").cast(pl.Float64).fill_nan(None),
        *computed,
        computed["sma_20"].alias("bb_middle"),
        bars_used=pl.Series(np.minimum(since_start, WARM_UP), dtype=pl.Int64),
        converged=pl.Series(since_start >= CONVERGED_AT, dtype=pl.Boolean),
    ).select("asset_class", "symbol", "date", *(column.name for column in INDICATOR_COLUMNS))


def _computed(closes: Floats, kept: npt.NDArray[np.bool_], bounds: list[int]) -> pl.DataFrame:
    """The columns of `COMPUTED`, one row per close, null where there is no value.

    Args:
        closes: float64, shape (n,), series after series.
        kept: bool, shape (n,), whether the close counts; those that count are finite.
        bounds: the first row of each series, then n.
    """
    values = np.empty((len(COMPUTED), len(closes)))
    with np.errstate(all="ignore"):  # 0 / 0 and the like become nulls
        for first, last in pairwise(bounds):
            _fill_kept(values[:, first:last], closes[first:last], kept[first:last])
    return pl.DataFrame([pl.Series(name, row, nan_to_null=True) for name, row in zip(COMPUTED, values, strict=True)])


def _fill_kept(out: Floats, closes: Floats, kept: npt.NDArray[np.bool_]) -> None:
    """`_fill` over the closes that count, NaN at the others."""
    if kept.all():
        _fill(out, closes)
        return
    out[:] = np.nan
    if kept.any():
        values = np.empty((len(COMPUTED), int(kept.sum())))
        _fill(values, closes[kept])
        out[:, kept] = values


def _series_starts(bars: pl.DataFrame) -> npt.NDArray[np.int64]:
    """The first row of each symbol."""
    identity = ("asset_class", "symbol")
    changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in identity)
    changes = changes | (pl.int_range(pl.len()) == 0)  # the first of all has nothing before it to differ from
    rising = (pl.col("date") > pl.col("date").shift()) | changes
    order = bars.select(changes=changes, rising=rising.fill_null(value=False))
    starts = order["changes"].arg_true().to_numpy().astype(np.int64)
    heads = bars.select(identity)[starts]
    if heads.n_unique() < len(heads) or not order["rising"].all():
        raise ValueError("asked for indicators of bars that are out of order; sort them by symbol and date")
    return starts


def _fill(out: Floats, closes: Floats) -> None:
    """Write the indicators of one series.

    Args:
        out: float64, shape (len(COMPUTED), n), rows in the order of `COMPUTED`, any content; NaN where there is no
            value.
        closes: float64, shape (n,), n ≥ 1, one per usable bar, oldest first, all finite, contiguous.
    """
    sma_20, sma_50, sma_200, ema_12, ema_26, line, signal, histogram, rsi_14, upper, lower, width, position = out
    sums = _power_sums(closes)
    for mean, bars in ((sma_20, 20), (sma_50, 50), (sma_200, 200)):
        mean[: bars - 1] = np.nan
        np.divide(_window_sum(sums, bars), bars, out=mean[bars - 1 :])
    _bands((upper, lower, width, position), closes, sma_20, sums)

    ema_12[:] = talib.EMA(closes, 12)
    ema_26[:] = talib.EMA(closes, TREND_SEED)
    # Not talib.MACD: that seeds the fast mean at the bar at which the slow one starts.
    np.subtract(ema_12, ema_26, out=line)
    signal[: TREND_SEED - 1] = np.nan
    if len(closes) >= TREND_SEED:
        signal[TREND_SEED - 1 :] = talib.EMA(line[TREND_SEED - 1 :], SIGNAL_BARS)
    np.subtract(line, signal, out=histogram)
    rsi_14[:] = _rsi(closes)


def _rsi(closes: Floats) -> Floats:
    """Wilder's RSI of 14 changes, NaN where the price has not moved at all or has stood still for STILL bars.

    Of what did not move TA-Lib says 0, as of what only fell. Upside down, only losses become only gains, and nothing
    stays nothing. Of a price that stopped it says for ever what it said when it stopped, which no tail would know.
    """
    rsi: Floats = talib.RSI(closes, 14)
    lowest = rsi == 0.0
    if lowest.any():
        rsi[lowest & (talib.RSI(-closes, 14) == 0.0)] = np.nan
    if (closes[STILL:] == closes[:-STILL]).any():  # cheap, and almost never true
        row = np.arange(len(closes))
        moved = np.concatenate(([True], closes[1:] != closes[:-1]))
        rsi[row - np.maximum.accumulate(np.where(moved, row, 0)) >= STILL] = np.nan
    return rsi


def _power_sums(closes: Floats) -> list[Floats]:
    """Sums over 1, 2, 4 … 128 closes: element j of the p-th is closes[j] + … + closes[j + 2^p - 1]."""
    sums = [closes]
    for power in range(7):
        sums.append(sums[-1][1 << power :] + sums[-1][: -(1 << power)])
    return sums


def _window_sum(sums: list[Floats], bars: int) -> Floats:
    """Sums over `bars` closes, each from its own closes alone, in an order of addition that is always the same."""
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


def _bands(out: tuple[Floats, Floats, Floats, Floats], closes: Floats, middle: Floats, sums: list[Floats]) -> None:
    """Bollinger bands: 20 bars, two population deviations; `out` is upper, lower, width and position."""
    upper, lower, width, position = out
    for row in out:
        row[:19] = np.nan
    upper, lower, width, position = (row[19:] for row in out)
    double = _squares_about_mean(sums)
    double /= 20.0
    np.sqrt(double, out=double)
    double *= 2.0
    np.add(middle[19:], double, out=upper)
    np.subtract(middle[19:], double, out=lower)
    np.subtract(upper, lower, out=double)
    np.subtract(closes[19:], lower, out=position)
    position /= double
    position[double == 0.0] = np.nan
    np.divide(double, middle[19:], out=width)
    width *= 100.0
    width[middle[19:] == 0.0] = np.nan


def _squares_about_mean(sums: list[Floats]) -> Floats:
    """Sums of squared distances from the mean over 20 closes, each from its own closes alone; exactly 0 for equal ones.

    Two windows are joined as Chan, Golub and LeVeque (1979) do: the squares of both, plus the square of the distance
    of their means by the harmonic weight of their lengths. Nothing large is ever subtracted from something large.
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
