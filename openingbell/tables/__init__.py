"""Every table once: columns, types, units, null rules and keys. DDL, frame schemas and docs/tables.md come from here.

Types are Polars' own; each warehouse translates them. Times: `Datetime` without a zone is the New York wall clock
when the column is called `date` and UTC when its unit says so (warehouses store no zones).
"""

from __future__ import annotations

from openingbell.tables.analytics import (
    BOND,
    COMMODITY,
    CORPORATE_ACTIONS,
    DAILY_AGGREGATES,
    DAILY_BARS,
    INDEX,
    INDEX_CONSTITUENTS,
    INSTRUMENTS,
    MARKET_SUMMARY,
    RESTATEMENTS,
    STOCK,
    SUMMARY_INDEXES,
    TECHNICAL_INDICATORS,
    TECHNICAL_INDICATORS_DAILY,
    VOLATILITY_SYMBOL,
)
from openingbell.tables.operations import (
    COVERAGE,
    JOB_LOG,
    LOADS,
    MADE_WITH,
    PENDING_SPANS,
    QUALITY_LOG,
    QUARANTINE,
    SCHEMA_VERSIONS,
)
from openingbell.tables.raw import ACTIONS_RAW, BOND_RAW, COMMODITY_RAW, EOD_RAW, INDEX_RAW, REFERENCE_RAW, STOCK_RAW
from openingbell.tables.table import ANALYTICS, OPERATIONS, RAW, TYPES, Column, Layout, Table

TABLES: tuple[Table, ...] = (
    STOCK_RAW, INDEX_RAW, COMMODITY_RAW, EOD_RAW, BOND_RAW, ACTIONS_RAW, REFERENCE_RAW,
    STOCK, INDEX, COMMODITY, BOND, TECHNICAL_INDICATORS, TECHNICAL_INDICATORS_DAILY,
    DAILY_BARS, DAILY_AGGREGATES, MARKET_SUMMARY, CORPORATE_ACTIONS, RESTATEMENTS,
    INSTRUMENTS, INDEX_CONSTITUENTS,
    LOADS, PENDING_SPANS, MADE_WITH, JOB_LOG, QUALITY_LOG, COVERAGE, QUARANTINE,
)  # fmt: skip
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}


def of_layers(*layers: str) -> tuple[Table, ...]:
    """The tables of these layers, in order."""
    return tuple(table for table in TABLES if table.layer in layers)


__all__ = [
    "ACTIONS_RAW",
    "ANALYTICS",
    "BOND",
    "BOND_RAW",
    "BY_NAME",
    "COMMODITY",
    "COMMODITY_RAW",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "DAILY_AGGREGATES",
    "DAILY_BARS",
    "EOD_RAW",
    "INDEX",
    "INDEX_CONSTITUENTS",
    "INDEX_RAW",
    "INSTRUMENTS",
    "JOB_LOG",
    "LOADS",
    "MADE_WITH",
    "MARKET_SUMMARY",
    "OPERATIONS",
    "PENDING_SPANS",
    "QUALITY_LOG",
    "QUARANTINE",
    "RAW",
    "REFERENCE_RAW",
    "RESTATEMENTS",
    "SCHEMA_VERSIONS",
    "STOCK",
    "STOCK_RAW",
    "SUMMARY_INDEXES",
    "TABLES",
    "TECHNICAL_INDICATORS",
    "TECHNICAL_INDICATORS_DAILY",
    "TYPES",
    "VOLATILITY_SYMBOL",
    "Column",
    "Layout",
    "Table",
    "of_layers",
]  # fmt: skip
