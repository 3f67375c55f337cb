"""Versions of the tables: what each brought, oldest first. A warehouse records which it has; `warehouse.migrations`
brings an older one up to the newest.

A change of a table needs a version here. What it adds follows from the tables themselves; only what it takes away, or
makes a column of another type, is done because it says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """One version. Tables stand here by their names, columns as `table.column`.

    `adds` are tables, and columns that may be null. `drops` are tables and columns that are no longer there, `retypes`
    columns of another type: both lose what a warehouse holds.
    """

    number: int
    name: str
    adds: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    retypes: tuple[str, ...] = ()


INDICATORS_OF_2 = (
    "atr_14", "adx_14", "plus_di_14", "minus_di_14", "stoch_k", "stoch_d", "obv", "roc_10", "realized_vol_20",
)  # fmt: skip

VERSIONS: tuple[Version, ...] = (
    Version(1, "bars, yields, core indicators, daily tables"),
    Version(
        2,
        "one basis, corporate actions, restatements, more indicators",
        (
            "corporate_actions_raw", "corporate_actions", "restatements", "made_with",
            *(f"{name}.split_factor" for name in ("stock_data", "index_data", "commodity_data", "daily_bars")),
            "technical_indicators.vwap_session",
            "technical_indicators_daily.high_252", "technical_indicators_daily.low_252",
            *(f"technical_indicators.{name}" for name in INDICATORS_OF_2),
            *(f"technical_indicators_daily.{name}" for name in INDICATORS_OF_2),
            "daily_aggregates.new_highs", "daily_aggregates.new_lows", "daily_aggregates.pct_above_sma_50",
            "daily_aggregates.pct_above_sma_200", "daily_aggregates.mcclellan_oscillator", "daily_aggregates.trin",
        ),
    ),
    Version(3, "excuses of what is missing", ("coverage.excuse",)),
    Version(4, "instruments and members of indexes", ("reference_data_raw", "instruments", "index_constituents")),
    Version(5, "versions are recorded", ("schema_versions",)),
    Version(6, "what waits for the transform is noted; raw tables have no index by load", ("pending_spans",)),
)  # fmt: skip
