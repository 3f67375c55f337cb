"""Longer bars out of shorter ones, on the grid that starts at the session's open.

It owns which bars go into which bucket and what of them the bucket shows. Which rows are right is decided before, by
`openingbell.quality.rows`; sessions come with the bars.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from openingbell.quality.checks import BIT, flags_of, mask_of
from openingbell.sessions import new_york

KEY = ("symbol", "_label")
"""A bucket: the label is its start on the wall clock, the key of every table of bars."""


def resample(bars: pl.DataFrame, minutes: int, source_minutes: int) -> pl.DataFrame:
    """Make bars of `minutes` from bars of `source_minutes`.

    Inside a session, buckets are counted from its open, so that neither half days nor changes of the clock move them;
    the last one ends with the session. A bar outside its session, or on a day without one, goes to a bucket of the
    wall clock (09:27 to 09:15 for 15 minutes).

    A bucket shows the best of its bars and leaves the others out altogether, volume included: those without an error
    check before those with one, then those inside the session before those outside. So a broken or off-grid bar does
    not harm a bucket that has a good one, and a bucket of nothing but broken bars is shown as what it is, with its
    error flags. What was left out is told by T1X, a smaller number of bars than fits by T1 (never outside a session,
    where nobody knows how many there should be). Therefore is_error is true exactly when a flag is an error's.

    Args:
        bars: one row a bar, in any order, (symbol, date) unique: symbol (String), date (Datetime µs, New York wall
            clock, start of the bar), date_utc (Datetime µs UTC, nullable), open_utc and close_utc (Datetime µs UTC: of
            the session, null when there is none), open, high, low, close (Float64, currency of the symbol, nullable),
            volume (shares or contracts, nullable), flags (List(String)), is_error (Boolean), and any others.
        minutes: length of the bars to be made.
        source_minutes: length of the bars given, a divisor of `minutes`.

    Returns:
        One row a bucket with the columns of `bars` in their order and types, sorted by symbol and date: date and
        date_utc of its start (and end_utc of its end, where given), the first open, highest high, lowest low and last
        close that are not null, the sum of the volumes (null when all are), flags in the order of the catalogue.
        Every other column is the last bar's. `bars` itself when both lengths are equal.

    Raises:
        ValueError: `minutes` is not a multiple of `source_minutes`.
    """
    if minutes == source_minutes:
        return bars
    if minutes % source_minutes:
        raise ValueError(
            f"asked for bars of {minutes} minutes from bars of {source_minutes}; a multiple is needed, "
            "read shorter bars or ask for longer ones"
        )
    made = (
        _best_of_each_bucket(_bucketed(bars.lazy(), minutes))
        .sort("symbol", "date_utc", "date")
        .group_by(KEY, maintain_order=True)
        .agg(*_aggregates(bars.columns), _mask=pl.col("_mask").bitwise_or() | _notes(minutes, source_minutes))
        .with_columns(date="_label", date_utc="_start_utc")
        .sort("symbol", "date")
        .collect()
    )
    if "end_utc" in bars.columns:
        made = made.with_columns(end_utc=pl.col("date_utc") + timedelta(minutes=minutes))
    return made.with_columns(flags_of(made["_mask"])).select(bars.columns)


def _bucketed(bars: pl.LazyFrame, minutes: int) -> pl.LazyFrame:
    """Adds _inside (Boolean), _label and _start_utc (Datetime µs: start of the bucket) and _mask (UInt32)."""
    start, opens, closes = pl.col("date_utc"), pl.col("open_utc"), pl.col("close_utc")
    step = timedelta(minutes=minutes) // timedelta(microseconds=1)
    into_bucket = pl.duration(microseconds=(start - opens).dt.total_microseconds() % step)
    inside = ((start >= opens) & (start < closes)).fill_null(value=False)
    on_clock = pl.col("date").dt.truncate(f"{minutes}m")
    return (
        bars.with_columns(_inside=inside, _mask=mask_of(pl.col("flags")))
        .with_columns(
            _start_utc=pl.when("_inside").then(start - into_bucket).otherwise(start - (pl.col("date") - on_clock))
        )
        .with_columns(_label=pl.when("_inside").then(new_york(pl.col("_start_utc"))).otherwise(on_clock))
    )


def _best_of_each_bucket(bars: pl.LazyFrame) -> pl.LazyFrame:
    """Adds _left_out (Boolean: of the bucket) and keeps the bars that the bucket shows."""
    rank = pl.col("is_error").cast(pl.Int8) * 2 + (~pl.col("_inside")).cast(pl.Int8)
    return (
        bars.with_columns(_rank=rank)
        .with_columns(_best=pl.col("_rank").min().over(KEY), _left_out=pl.col("_rank").n_unique().over(KEY) > 1)
        .filter(pl.col("_rank") == pl.col("_best"))
    )


def _aggregates(columns: list[str]) -> list[pl.Expr]:
    volume = pl.col("volume")
    shown = {
        "open": pl.col("open").first(ignore_nulls=True),
        "high": pl.col("high").max(),
        "low": pl.col("low").min(),
        "close": pl.col("close").last(ignore_nulls=True),
        "volume": pl.when(volume.count() > 0).then(volume.sum()),
        "is_error": pl.col("is_error").any(),
        "_start_utc": pl.col("_start_utc").last(),
    }
    rest = [name for name in columns if name not in (*shown, "symbol")]
    return [*(pl.col(name).last() for name in rest), *(expression.alias(name) for name, expression in shown.items())]


def _notes(minutes: int, source_minutes: int) -> pl.Expr:
    """What the making of the bucket adds to its mask: T1 and T1X."""
    until_close = (pl.col("close_utc").last() - pl.col("_start_utc").last()).dt.total_seconds() / 60
    fitting = (pl.min_horizontal(until_close, pl.lit(float(minutes))) / source_minutes).ceil()
    few = pl.col("_inside").last() & (pl.len() < fitting)
    left_out = pl.col("_left_out").last()
    nothing = pl.lit(0, pl.UInt32)
    return pl.when(few).then(pl.lit(BIT["T1"], pl.UInt32)).otherwise(nothing) | pl.when(left_out).then(
        pl.lit(BIT["T1X"], pl.UInt32)
    ).otherwise(nothing)
