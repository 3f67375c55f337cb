"""From the checks that fired on a row to one number and one text. What fires is decided elsewhere."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from openingbell.quality.checks import CHECKS, Severity

ERROR_SCORE = 0.2
"""Share of the score that is left to a row on which an error check fired: it is there, it has its provenance."""


def score(flags: pl.Expr) -> pl.Expr:
    """The score of a row: 100·(0.2·(1 − V) + V·Π(1 − d)).

    V is 0 when an error check fired and 1 otherwise, d are the deductions of the other checks that fired.

    Args:
        flags: List(String), ids of the checks that fired; ids outside the catalogue count nothing.

    Returns:
        Float64, points from 0 to 100: 100 when nothing fired, 20 when an error did.
    """
    errors = [check.id for check in CHECKS if check.severity is Severity.ERROR]
    kept = pl.lit(100.0)
    for check in CHECKS:
        if check.deduction:
            kept = pl.when(flags.list.contains(check.id)).then(kept * (1.0 - check.deduction)).otherwise(kept)
    failed = pl.any_horizontal(flags.list.contains(name) for name in errors)
    return pl.when(failed).then(100.0 * ERROR_SCORE).otherwise(kept)


def scores_of(dq_flags: pl.Series) -> pl.Series:
    """The score of rows of the warehouse; there are few different texts of flags, and each is scored once.

    Args:
        dq_flags: String, ids as `join_flags` gives them, no nulls.

    Returns:
        Float64, points from 0 to 100, one per row, named `data_quality_score`.
    """
    texts = dq_flags.unique()
    scores = pl.select(score(pl.lit(texts).str.split(","))).to_series()
    return dq_flags.replace_strict(texts, scores, return_dtype=pl.Float64).alias("data_quality_score")


def join_flags(flags: pl.Expr) -> pl.Expr:
    """The ids as the warehouse stores them.

    Args:
        flags: List(String), ids of the checks that fired.

    Returns:
        String, the ids separated by commas, '' when none fired.
    """
    return flags.list.join(",")


def is_usable(dq_flags: pl.Expr) -> pl.Expr:
    """Whether a row of the warehouse feeds what is computed from it: no error check fired.

    Args:
        dq_flags: String, ids as `join_flags` gives them.
    """
    return ~has_flag(dq_flags, [check.id for check in CHECKS if check.severity is Severity.ERROR])


def has_flag(dq_flags: pl.Expr, ids: Collection[str]) -> pl.Expr:
    """Whether one of the checks `ids` fired on a row of the warehouse.

    Args:
        dq_flags: String, ids as `join_flags` gives them.
        ids: ids of checks.
    """
    return dq_flags.str.contains(f"(^|,)({'|'.join(ids)})(,|$)")
