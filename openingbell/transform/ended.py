"""Which rows are about what had ended by a moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from openingbell import sessions, tables
from openingbell.feeds import BONDS, STOCKS
from openingbell.tables import Table


def ended_by(
    rows: pl.DataFrame, table: Table, until: datetime, calendars: Mapping[str, str], minutes: int
) -> pl.DataFrame:
    """The rows whose bar, session or publication was over.

    Args:
        rows: of an analytics table.
        table: the table.
        until: the moment, with a zone.
        calendars: calendar by symbol; others have the stocks'.
        minutes: length of an intraday bar.
    """
    if rows.is_empty():
        return rows
    if table is tables.RESTATEMENTS:
        return rows.filter(pl.col("extracted_at") <= until.astimezone(UTC).replace(tzinfo=None))
    if table.schema[table.order] != pl.Date:
        return rows.filter(sessions.to_utc(pl.col("date")) + timedelta(minutes=minutes) <= until)
    if table is tables.BOND:
        usual, delay = BONDS.calendar, BONDS.final_after
    else:
        usual, delay = STOCKS.calendar, timedelta(0)
    calendar = pl.lit(usual)
    if "symbol" in table.names:
        calendar = pl.col("symbol").replace_strict(dict(calendars), default=usual, return_dtype=pl.String)
    placed = rows.with_columns(calendar=calendar)
    first, last = rows.select(first=pl.col(table.order).min(), last=pl.col(table.order).max()).row(0)
    ends = pl.concat(
        sessions.schedule(name, first, last).select(
            pl.lit(name).alias("calendar"), pl.col("session").alias(table.order), ends="close_utc"
        )
        for name in sorted(placed["calendar"].unique())
    )
    midnight = sessions.to_utc((pl.col(table.order) + timedelta(days=1)).cast(pl.Datetime("us")))
    return (
        placed.join(ends, on=["calendar", table.order], how="left", maintain_order="left")
        .filter(pl.coalesce("ends", midnight) + delay <= until)
        .select(rows.columns)
    )
