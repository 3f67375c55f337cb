"""The yield curve: raw versions become scored curves with their slopes. Pure."""

from __future__ import annotations

import polars as pl

from openingbell.feeds import TENORS
from openingbell.quality.score import join_flags, score
from openingbell.tables import BOND

LARGEST_YIELD = 1_000.0
"""Percent, either way; beyond it a number is no yield, and is null."""


def promote_bonds(raw: pl.DataFrame) -> pl.DataFrame:
    """The table `bond_data` from the current raw versions, one row a day, oldest first.

    A tenor may be null and may be 0: neither is wrong. A day without a single tenor fails V2.
    """
    raw = raw.with_columns(pl.when(pl.col(tenor).abs() <= LARGEST_YIELD).then(tenor) for tenor in TENORS)
    nothing = pl.all_horizontal(pl.col(tenor).is_null() for tenor in TENORS)
    fired = pl.concat_list(
        pl.when(nothing).then(pl.lit("V2")), pl.when("conflicting").then(pl.lit("K2"))
    ).list.drop_nulls()
    flagged = raw.with_columns(flags=fired)
    return BOND.conform(
        flagged.with_columns(
            yield_curve_slope=pl.col("year10") - pl.col("year2"),
            term_spread=pl.col("year10") - pl.col("month3"),
            data_quality_score=score(pl.col("flags")),
            dq_flags=join_flags(pl.col("flags")),
        )
    ).sort("date")
