"""Every indicator of every bar: from a frame of bars to a frame of the catalogue's columns.

It owns the rule of skipped bars and the way through arrays: each symbol's bars are a slice of contiguous arrays, each
indicator writes into its rows of one buffer. Which bars are usable, and how far back to read, is the caller's to say;
`WARM_UP` is how far it has to be.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell.indicators.arrays import Flags, Floats
from openingbell.indicators.bars import DIALECTS, Bars
from openingbell.indicators.catalogue import (
    CLOSE,
    EXTRAS,
    HIGH,
    LOW,
    SESSION,
    WARM_UP,
    Indicator,
    columns_of,
    entries_of,
)
from openingbell.indicators.convergence import CONVERGED_AT

Placed = tuple[int, Indicator]
"""An entry and its first row of the buffer."""


def indicators(
    bars: pl.DataFrame,
    *,
    extras: Collection[str] | None = None,
    dialect: str = DIALECTS[0],
    daily: bool = False,
) -> pl.DataFrame:
    """Every indicator of every bar.

    A bar that is skipped has no indicators, and those after it are what they would be without it. A usable bar has all
    four prices; one that lacks high or low, or has no finite ones, is skipped by the indicators that need them.

    Args:
        bars: one row a bar, the bars of a symbol together and oldest first: asset_class and symbol (String), date
            (Datetime or Date, strictly rising within a symbol), session (Date), open, high, low and close (Float64,
            currency of the symbol or points, null or NaN where there is none), volume (numeric, shares or contracts,
            null where there is none), usable (Boolean: whether the bar counts). Other columns are ignored.
        extras: entries to compute beyond the core, of `EXTRAS`; None for all. Columns of the others are null.
        dialect: one of `DIALECTS`: whose first values.
        daily: whether the bars are days; else they are intraday bars.

    Returns:
        One row per row of `bars`, in its order: asset_class, symbol, date as given, close (Float64), then the columns
        of `columns_of(daily=daily)` (Float64), which say unit and null rule of each, bars_used (Int64) and converged
        (Boolean); no float is NaN.

    Raises:
        ValueError: the bars of a symbol are not together or not oldest first, or an extra or the dialect is unknown.
    """
    chosen = _chosen(extras, dialect, daily=daily)
    starts = _series_starts(bars)
    bounds = [*starts.tolist(), len(bars)]
    inputs = {name: _input(bars, name) for name in sorted({CLOSE}.union(*(entry.inputs for entry in chosen)))}
    kept = bars["usable"].fill_null(value=False).to_numpy() & np.isfinite(inputs[CLOSE])
    computed = _computed(chosen, inputs, kept, bounds, dialect)

    used = np.cumsum(kept)
    used_before = np.concatenate(([0], used))[starts]
    since_start = used - np.repeat(used_before, np.diff(bounds))
    nothing = pl.repeat(None, len(bars), dtype=pl.Float64, eager=True)  # one for all that were not chosen
    return bars.select(
        "asset_class",
        "symbol",
        "date",
        pl.col(CLOSE).cast(pl.Float64).fill_nan(None),
        *(computed.get(column.name, nothing.alias(column.name)) for column in columns_of(daily=daily)),
        bars_used=pl.Series(np.minimum(since_start, WARM_UP), dtype=pl.Int64),
        converged=pl.Series(since_start >= CONVERGED_AT, dtype=pl.Boolean),
    )


def _chosen(extras: Collection[str] | None, dialect: str, *, daily: bool) -> list[Indicator]:
    """The entries to compute."""
    wanted = EXTRAS if extras is None else extras
    if unknown := sorted(set(wanted) - set(EXTRAS)):
        raise ValueError(f"asked for the indicators {', '.join(unknown)}; allowed are {', '.join(EXTRAS)}")
    if dialect not in DIALECTS:
        raise ValueError(f"asked for the dialect {dialect}; allowed are {', '.join(DIALECTS)}")
    return [entry for entry in entries_of(daily=daily) if entry.core or entry.name in wanted]


def _input(bars: pl.DataFrame, name: str) -> npt.NDArray[Any]:
    """A column as an array: float64 with NaN for null; sessions as days, int32."""
    if name == SESSION:
        return bars[name].cast(pl.Int32).fill_null(-1).to_numpy()
    return bars[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


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


def _computed(
    chosen: Sequence[Indicator], inputs: dict[str, npt.NDArray[Any]], kept: Flags, bounds: list[int], dialect: str
) -> dict[str, pl.Series]:
    """The columns of the chosen entries, null where there is no value.

    Args:
        chosen: the entries.
        inputs: the bars' columns, shape (n,), series after series.
        kept: bool, shape (n,), whether the bar counts; the closes that count are finite.
        bounds: the first row of each series, then n.
        dialect: whose first values.
    """
    names = [output.name for entry in chosen for output in entry.outputs]
    values = np.empty((len(names), len(kept)))
    groups = _groups(chosen, inputs, kept)
    with np.errstate(all="ignore"):  # 0 / 0 and the like become nulls
        for first, last in pairwise(bounds):
            series = {name: column[first:last] for name, column in inputs.items()}
            for entries, counts in groups:
                _fill_kept(values[:, first:last], entries, series, counts[first:last], dialect)
    return {name: pl.Series(name, row, nan_to_null=True) for name, row in zip(names, values, strict=True)}


def _groups(
    chosen: Sequence[Indicator], inputs: dict[str, npt.NDArray[Any]], kept: Flags
) -> list[tuple[list[Placed], Flags]]:
    """The entries with their rows of the buffer, by the bars that count for them: as a rule all in one group."""
    placed, row = [], 0
    for entry in chosen:
        placed.append((row, entry))
        row += len(entry.outputs)
    ranged = [one for one in placed if HIGH in one[1].inputs]
    if not ranged:
        return [(placed, kept)]
    whole = kept & np.isfinite(inputs[HIGH]) & np.isfinite(inputs[LOW])
    if np.array_equal(whole, kept):
        return [(placed, kept)]
    return [([one for one in placed if HIGH not in one[1].inputs], kept), (ranged, whole)]


def _fill_kept(
    out: Floats, entries: list[Placed], series: dict[str, npt.NDArray[Any]], kept: Flags, dialect: str
) -> None:
    """The entries' rows of `out` from the bars that count, NaN at the others."""
    if kept.all():
        _fill(out, entries, Bars(**series, dialect=dialect))
        return
    for row, entry in entries:
        out[row : row + len(entry.outputs)] = np.nan
    if not kept.any():
        return
    places = np.flatnonzero(kept)
    values = np.empty((len(out), len(places)))
    _fill(values, entries, Bars(**{name: column[places] for name, column in series.items()}, dialect=dialect))
    for row, entry in entries:
        for place in range(row, row + len(entry.outputs)):
            out[place, places] = values[place]


def _fill(out: Floats, entries: list[Placed], bars: Bars) -> None:
    for first, entry in entries:
        for row, values in enumerate(entry.function(bars), first):
            begin = out.shape[1] - len(values)
            out[row, :begin] = np.nan
            out[row, begin:] = values
