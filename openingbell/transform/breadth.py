"""Breadth: how many of the configured stocks rose and fell, by trading day. Symbols are counted, never bars. Pure."""

from __future__ import annotations

import numpy as np
import polars as pl

from openingbell.indicators.ta import ema
from openingbell.quality.score import is_usable
from openingbell.tables import DAILY_AGGREGATES

FAST_DAYS, SLOW_DAYS = 19, 39
"""Means of the McClellan oscillator."""


def daily_aggregates(days: pl.DataFrame, indicators: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The table `daily_aggregates` from the stocks' rows of `daily_bars`: a row for every day with a usable one.

    Args:
        days: the stocks' rows of `daily_bars`.
        indicators: their rows of `technical_indicators_daily`.
        before: rows of `daily_aggregates` of all days before those of `days`; days in both are ignored in it.

    Returns:
        The columns of `daily_aggregates`, one row a day of `days`, oldest first.
    """
    change = pl.col("return_pct")
    volume = pl.col("volume")
    usable = days.filter(is_usable(pl.col("dq_flags")))
    counts = usable.group_by("date").agg(
        total_stocks=change.count().cast(pl.Int64),
        advancing_stocks=(change > 0).sum().cast(pl.Int64),
        declining_stocks=(change < 0).sum().cast(pl.Int64),
        unchanged_stocks=(change == 0).sum().cast(pl.Int64),
        avg_volume=volume.mean(),
        total_volume=volume.sum(),
        up_volume=volume.filter(change > 0).sum(),
        down_volume=volume.filter(change < 0).sum(),
        is_final=pl.col("is_final").all(),
    )
    total, up, down = (pl.col(f"{name}_stocks") for name in ("total", "advancing", "declining"))
    up_volume, down_volume = pl.col("up_volume"), pl.col("down_volume")
    rows = (
        counts.join(_levels(usable, indicators), on="date", how="left")
        .with_columns(
            market_breadth=pl.when(total > 0).then((up - down) / total),
            advance_decline_ratio=pl.when(down > 0).then(up / down),
            trin=pl.when((down > 0) & (up_volume > 0) & (down_volume > 0)).then(
                (up / down) / (up_volume / down_volume)
            ),
        )
        .sort("date")
    )
    return DAILY_AGGREGATES.conform(rows.with_columns(mcclellan_oscillator=_mcclellan(rows, before)))


def _levels(days: pl.DataFrame, indicators: pl.DataFrame) -> pl.DataFrame:
    """New highs and lows and shares above averages, by day; null where no stock has what it takes."""
    joined = days.select("symbol", "date", "close", "high", "low").join(
        indicators.select("symbol", "date", "sma_50", "sma_200", "high_252", "low_252"), on=["symbol", "date"]
    )
    return joined.group_by("date").agg(
        *(
            (
                pl.when(pl.col(f"sma_{bars}").count() > 0).then(
                    (pl.col("close") > pl.col(f"sma_{bars}")).sum() / pl.col(f"sma_{bars}").count() * 100
                )
            ).alias(f"pct_above_sma_{bars}")
            for bars in (50, 200)
        ),
        new_highs=pl.when(pl.col("high_252").count() > 0).then((pl.col("high") == pl.col("high_252")).sum()),
        new_lows=pl.when(pl.col("low_252").count() > 0).then((pl.col("low") == pl.col("low_252")).sum()),
    )


def _mcclellan(rows: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """The oscillator of each row, with the days before it as its past; days on which no stock moved are skipped."""
    counts = ["date", "advancing_stocks", "declining_stocks"]
    past = before.filter(pl.col("date") < rows["date"].min()).select(counts) if len(rows) else before.select(counts)
    up, down = pl.col("advancing_stocks"), pl.col("declining_stocks")
    moved = (
        pl.concat([past, rows.select(counts)])
        .filter(up + down > 0)
        .sort("date")
        .select("date", net=1000.0 * (up - down) / (up + down))
    )
    if moved.is_empty():
        return pl.repeat(None, len(rows), dtype=pl.Float64, eager=True)
    net = moved["net"].to_numpy()
    value = pl.Series("value", np.subtract(ema(net, FAST_DAYS), ema(net, SLOW_DAYS)), nan_to_null=True)
    return rows.join(moved.with_columns(value), on="date", how="left", maintain_order="left")["value"]
