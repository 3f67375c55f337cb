"""Where the new rows of loads lie, noted for the transform: it need not look for them in raw tables."""

from __future__ import annotations

import polars as pl

from openingbell.tables import PENDING_SPANS, Table
from openingbell.warehouse.protocol import Writer

KEY = list(PENDING_SPANS.key)
BROUGHT = pl.Schema({**PENDING_SPANS.schema, "rows_new": pl.Int64()})
"""A row for each load and symbol: the columns of `pending_spans`, and how many rows are new."""


def brought(fresh: pl.DataFrame, table: Table) -> pl.DataFrame:
    """What new rows of a raw table say, as `BROUGHT`. Pure."""
    said = [name for name in KEY if name in table.names]
    at = pl.col(table.order).cast(pl.Datetime("us"))
    found = fresh.group_by(said).agg(first=at.min(), last=at.max(), rows_new=pl.len().cast(pl.Int64))
    unsaid = [pl.lit("").alias(name) for name in KEY if name not in said]
    return found.with_columns(unsaid).select(BROUGHT.names())


def note(found: pl.DataFrame, writer: Writer, *, again: bool) -> None:
    """Note where the rows lie.

    Args:
        found: `BROUGHT`.
        writer: of the transaction that appends the rows.
        again: whether something may be noted of these loads already.
    """
    spans = found.drop("rows_new")
    if again:
        noted = writer.read(PENDING_SPANS).join(spans, on=KEY, how="semi")
        writer.remove(PENDING_SPANS, noted.select(KEY))
        spans = pl.concat([spans, noted]).group_by(KEY).agg(pl.col("first").min(), pl.col("last").max())
    writer.append(PENDING_SPANS, spans)
