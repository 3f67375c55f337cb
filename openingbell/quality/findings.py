"""What the checks found, as rows of `data_quality_log`. Pure: frames in, findings out.

A finding is one check on one table for one symbol and session. A check that found nothing says so in one row (PASS).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from openingbell import coverage
from openingbell.quality.checks import BY_ID, CHECKS
from openingbell.tables import QUALITY_LOG

GRAVE_SHARE_MISSING = 0.2
"""A session that lacks more than this share of its bars is an error, less is a warning."""

KEY = ["check_name", "table_name", "symbol", "date"]


def flagged(table_name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Findings of row checks, counted from the flags of an analytics table.

    Args:
        table_name: its name.
        rows: symbol ('' where the table has none), session (Date) and dq_flags.
    """
    fired = (
        rows.filter(pl.col("dq_flags") != "")
        .with_columns(check_name=pl.col("dq_flags").str.split(","))
        .explode("check_name")
        .group_by("check_name", "symbol", date="session")
        .agg(affected_rows=pl.len().cast(pl.Int64))
    )
    severity = {check.id: str(check.severity) for check in CHECKS}
    names = {check.id: check.name for check in CHECKS}
    return conformed(
        fired.with_columns(
            table_name=pl.lit(table_name),
            severity=pl.col("check_name").replace_strict(severity, return_dtype=pl.String),
            value=pl.col("affected_rows").cast(pl.Float64),
            threshold=pl.lit(0.0),
            message=pl.format(
                "check '{}' fails for this many: {}",
                pl.col("check_name").replace_strict(names, return_dtype=pl.String),
                "affected_rows",
            ),
        )
    )


def missing_bars(covered: pl.DataFrame, raw_tables: Mapping[tuple[str, str], str]) -> pl.DataFrame:
    """Findings of T1: sessions that hold fewer bars than the calendar says.

    Args:
        covered: rows of the table `coverage`.
        raw_tables: name of the raw table by asset class and bar interval.
    """
    lacking = (pl.col("bars_expected") - pl.col("bars_present")).alias("affected_rows")
    holes = covered.filter(pl.col("state") != "complete").with_columns(lacking)
    names = pl.DataFrame(
        [(asset_class, interval, name) for (asset_class, interval), name in raw_tables.items()],
        schema={"asset_class": pl.String, "bar_interval": pl.String, "table_name": pl.String},
        orient="row",
    )
    grave = pl.col("affected_rows") > GRAVE_SHARE_MISSING * pl.col("bars_expected")
    severity = (
        pl.when(pl.col("state").is_in(coverage.EXCUSED))
        .then(pl.lit("information"))
        .when(grave)
        .then(pl.lit("error"))
        .otherwise(pl.lit("warning"))
    )
    return conformed(
        holes.join(names, on=["asset_class", "bar_interval"], how="left").with_columns(
            check_name=pl.lit("T1"),
            date=pl.col("session"),
            severity=severity,
            value=pl.col("bars_present").cast(pl.Float64),
            threshold=pl.col("bars_expected").cast(pl.Float64),
            message=pl.format("{} of {} bars missing: {}", "affected_rows", "bars_expected", "excuse"),
        )
    )


def counted(check: str, table_name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Findings of a check that is counted by day, not by symbol: date (Date) and affected_rows (Int64)."""
    facts = BY_ID[check]
    return conformed(
        rows.filter(pl.col("affected_rows") > 0).with_columns(
            check_name=pl.lit(check),
            table_name=pl.lit(table_name),
            symbol=pl.lit(""),
            severity=pl.lit(str(facts.severity)),
            value=pl.col("affected_rows").cast(pl.Float64),
            threshold=pl.lit(0.0),
            message=pl.format("check '{}' fails for this many: {}", pl.lit(facts.name), "affected_rows"),
        )
    )


def passes(findings: pl.DataFrame, checked: list[tuple[str, str]], newest: date) -> pl.DataFrame:
    """A PASS for each (check, table) that was checked and has no finding."""
    found = set(findings.select("check_name", "table_name").unique().iter_rows())
    quiet = [pair for pair in checked if pair not in found]
    return pl.DataFrame(
        {
            "check_name": [check for check, _ in quiet],
            "table_name": [table for _, table in quiet],
            "symbol": [""] * len(quiet),
            "date": [newest] * len(quiet),
            "status": ["PASS"] * len(quiet),
            "severity": [str(BY_ID[check].severity) for check, _ in quiet],
            "affected_rows": [0] * len(quiet),
            "value": [0.0] * len(quiet),
            "threshold": [0.0] * len(quiet),
            "message": [f"check '{BY_ID[check].name}' fails for none" for check, _ in quiet],
        },
        schema={name: dtype for name, dtype in QUALITY_LOG.schema.items() if name != "run_id"},
    )


def conformed(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings with their status, in the shape of `data_quality_log` but for the run."""
    status = pl.when(pl.col("severity") == "error").then(pl.lit("FAIL")).otherwise(pl.lit("WARN"))
    return findings.with_columns(status=status).select(
        pl.col(name).cast(dtype) for name, dtype in QUALITY_LOG.schema.items() if name != "run_id"
    )
