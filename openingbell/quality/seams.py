"""Seams: opening gaps that look like a split of which no action is known, and actions that are of no use. Pure.

A split multiplies prices by a ratio overnight. Where the vendor's actions tell of it, bars before it are brought to the
basis after it and nothing jumps; what still jumps by such a ratio is named here. Volume is told, as it makes one more
or less sure, and decides nothing: AAPL traded less on the day of its 4:1 split than before.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from openingbell.quality.findings import conformed
from openingbell.quality.score import is_usable

RATIOS: dict[str, float] = {
    **{f"{n}:1": float(n) for n in (2, 3, 4, 5, 7, 10, 20)},
    "3:2": 1.5,
    **{f"1:{n}": 1.0 / n for n in (2, 3, 4, 5, 7, 10, 20)},
    "2:3": 1 / 1.5,
}
"""Close before over open, by the split that it looks like. Wider fractions fire on genuine moves."""
TOLERANCE = 0.03
VOLUME_SESSIONS = 20


def gaps(table_name: str, bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Findings of P8: sessions that open as after a split.

    Args:
        table_name: the table of the bars.
        bars: symbol, date, session, open, close, volume, dq_flags; whole sessions, some before those that are checked.
        actions: rows of `corporate_actions`.
    """
    days = (
        bars.filter(is_usable(pl.col("dq_flags")))
        .sort("symbol", "date")
        .group_by("symbol", "session", maintain_order=True)
        .agg(pl.col("open").first(), pl.col("close").last(), pl.col("volume").sum())
        .with_columns(
            ratio=pl.col("close").shift().over("symbol") / pl.col("open"),
            volume_ratio=pl.col("volume")
            / pl.col("volume").cast(pl.Float64).shift().rolling_mean(VOLUME_SESSIONS, min_samples=1).over("symbol"),
        )
        .filter(pl.col("ratio").is_finite() & (pl.col("ratio") > 0))
    )
    offsets = np.abs(days["ratio"].to_numpy()[:, None] / np.array(list(RATIOS.values())) - 1)
    nearest = offsets.argmin(axis=1) if len(days) else np.empty(0, np.int64)
    names = list(RATIOS)
    known = actions.filter(pl.col("kind") == "split").select("symbol", session="ex_date", is_known=pl.lit(value=True))
    found = (
        days.with_columns(
            looks_like=pl.Series([names[place] for place in nearest], dtype=pl.String),
            offset=pl.Series(offsets.min(axis=1) if len(days) else [], dtype=pl.Float64),
        )
        .filter(pl.col("offset") <= TOLERANCE)
        .join(known, on=["symbol", "session"], how="left")
        .with_columns(is_known=pl.col("is_known").fill_null(value=False))
    )
    return conformed(
        found.with_columns(
            check_name=pl.lit("P8"),
            table_name=pl.lit(table_name),
            date="session",
            severity=pl.when("is_known").then(pl.lit("information")).otherwise(pl.lit("error")),
            affected_rows=pl.lit(1),
            value="ratio",
            threshold=pl.col("looks_like").replace_strict(RATIOS, return_dtype=pl.Float64),
            message=pl.format(
                "close before / open = {}, as after a split of {}; {}; volume {} times that of the sessions before",
                pl.col("ratio").round(4),
                "looks_like",
                pl.when("is_known").then(pl.lit("one is known of that day")).otherwise(pl.lit("no action is known")),
                pl.col("volume_ratio").round(2).fill_nan(None).cast(pl.String).fill_null("?"),
            ),
        )
    )


def useless_actions(actions: pl.DataFrame) -> pl.DataFrame:
    """Findings of A1: splits without a ratio, and such as the prices contradict. They are not applied.

    Args:
        actions: rows of `corporate_actions`.
    """
    useless = actions.filter(pl.col("state").is_in(["invalid", "contradicted"]))
    ratio = pl.format(
        "{}:{}",
        pl.col("numerator").cast(pl.String).fill_null("?"),
        pl.col("denominator").cast(pl.String).fill_null("?"),
    )
    why = (
        pl.when(pl.col("state") == "invalid").then(pl.lit("is no ratio")).otherwise(pl.lit("is not seen in the prices"))
    )
    return conformed(
        useless.with_columns(
            check_name=pl.lit("A1"),
            table_name=pl.lit("corporate_actions"),
            date="ex_date",
            severity=pl.lit("error"),
            affected_rows=pl.lit(1),
            value=pl.lit(None, pl.Float64),
            threshold=pl.lit(None, pl.Float64),
            message=pl.format("the split {} {}; it is not applied", ratio, why),
        )
    )
