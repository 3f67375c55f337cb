"""The market on one line a day: indexes, volatility, breadth and the newest yield curve. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from openingbell.quality.score import is_usable
from openingbell.tables import MARKET_SUMMARY, SUMMARY_INDEXES, VOLATILITY_SYMBOL
from openingbell.transform.daily import with_previous_close

BULLISH_BREADTH = 0.2
"""A day is bullish when the risers lead by a fifth of all stocks, bearish when the fallers do."""


def market_summary(
    indexes: pl.DataFrame, aggregates: pl.DataFrame, curves: pl.DataFrame, calendars: Mapping[str, str]
) -> pl.DataFrame:
    """The table `market_summary`: a row for every day with a stock or one of the indexes shown.

    Changes are against the session before: give one session of the indexes more than is wanted.

    Args:
        indexes: their rows of `daily_bars`.
        aggregates: rows of `daily_aggregates`.
        curves: rows of `bond_data`, also some from before the first day.
        calendars: calendar by index.
    """
    shown = (*SUMMARY_INDEXES.values(), VOLATILITY_SYMBOL)
    indexes = indexes.filter(is_usable(pl.col("dq_flags")) & pl.col("symbol").is_in(shown))
    with_before = with_previous_close(indexes, calendars)
    days = pl.concat([indexes.select("date"), aggregates.select("date")]).unique().sort("date")
    for prefix, symbol in SUMMARY_INDEXES.items():
        days = days.join(_index(with_before, prefix, symbol), on="date", how="left", maintain_order="left")
    volatility = indexes.filter(pl.col("symbol") == VOLATILITY_SYMBOL).select("date", volatility_index="close")
    finality = indexes.group_by("date").agg(indexes_final=pl.col("is_final").all())
    return MARKET_SUMMARY.conform(
        days.join(volatility, on="date", how="left", maintain_order="left")
        .join(finality, on="date", how="left", maintain_order="left")
        .join(aggregates.select("date", "market_breadth", "is_final"), on="date", how="left", maintain_order="left")
        .join_asof(_curve(curves), left_on="date", right_on="yield_date", coalesce=False)
        .with_columns(
            market_sentiment=_sentiment(pl.col("market_breadth")),
            is_final=pl.col("is_final").fill_null(value=True) & pl.col("indexes_final").fill_null(value=True),
        )
    ).sort("date")


def _index(days: pl.DataFrame, prefix: str, symbol: str) -> pl.DataFrame:
    close, before = pl.col("close"), pl.col("previous_close")
    return days.filter(pl.col("symbol") == symbol).select(
        "date",
        close.alias(f"{prefix}_close"),
        (close - before).alias(f"{prefix}_change"),
        pl.when(before != 0).then((close - before) / before * 100).alias(f"{prefix}_change_pct"),
    )


def _curve(curves: pl.DataFrame) -> pl.DataFrame:
    known = curves.filter(is_usable(pl.col("dq_flags"))).sort("date")
    return known.select(yield_date="date", yield_10y="year10", yield_curve_slope="yield_curve_slope")


def _sentiment(breadth: pl.Expr) -> pl.Expr:
    return (
        pl.when(breadth >= BULLISH_BREADTH)
        .then(pl.lit("bullish"))
        .when(breadth <= -BULLISH_BREADTH)
        .then(pl.lit("bearish"))
        .when(breadth.is_not_null())
        .then(pl.lit("neutral"))
    )
