"""A split: when it takes effect and how many shares it makes of one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite

import polars as pl


@dataclass(frozen=True, order=True)
class Split:
    """One split. `factor` is the number of shares that one became: 4 for 4:1, 0.1 for 1:10."""

    symbol: str
    ex_date: date
    factor: float


def factor_of(numerator: float | None, denominator: float | None) -> float | None:
    """The factor of a split of `numerator` for `denominator`, None when the two are no ratio, such as 1:0."""
    if numerator is None or denominator is None or not (numerator > 0 and denominator > 0):
        return None
    factor = numerator / denominator
    return factor if isfinite(factor) and factor > 0 else None


def splits_of(actions: pl.DataFrame) -> tuple[Split, ...]:
    """The splits among corporate actions that have a ratio other than 1, by symbol and ex-date.

    Args:
        actions: rows with symbol, ex_date (Date), kind, numerator and denominator (Float64).
    """
    rows = actions.filter(pl.col("kind") == "split").select("symbol", "ex_date", "numerator", "denominator")
    found = [(symbol, day, factor_of(high, low)) for symbol, day, high, low in rows.iter_rows()]
    return tuple(sorted(Split(symbol, day, factor) for symbol, day, factor in found if factor not in (None, 1.0)))
