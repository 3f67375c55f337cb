"""Breadth: how many of the configured stocks rose and fell, by trading day. Symbols are counted, never bars. Pure."""

from __future__ import annotations

import polars as pl

from openingbell.quality.score import is_usable
from openingbell.tables import DAILY_AGGREGATES


def daily_aggregates(days: pl.DataFrame) -> pl.DataFrame:
    """The table `daily_aggregates` from the stocks' rows of `daily_bars`: a row for every day with a usable one."""
    change = pl.col("return_pct")
    volume = pl.col("volume")
    counts = (
        days.filter(is_usable(pl.col("dq_flags")))
        .group_by("date")
        .agg(
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
    )
    total, up, down = (pl.col(f"{name}_stocks") for name in ("total", "advancing", "declining"))
    return DAILY_AGGREGATES.conform(
        counts.with_columns(
            market_breadth=pl.when(total > 0).then((up - down) / total),
            advance_decline_ratio=pl.when(down > 0).then(up / down),
        )
    ).sort("date")
