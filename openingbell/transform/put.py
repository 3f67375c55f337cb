"""Writing what differs: rows that are as they were stay untouched, and what is no longer made goes."""

from __future__ import annotations

import polars as pl

from openingbell.tables import Table
from openingbell.warehouse.protocol import Writer


def put(writer: Writer, table: Table, rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Make the warehouse hold `rows` where it held `stored`.

    Args:
        writer: the transaction.
        table: the table.
        rows: what it is to hold, all of it, within some scope.
        stored: what it holds within the same scope.

    Returns:
        The rows that were written: those that are new or differ in any column.
    """
    if stored.is_empty():
        writer.append(table, rows)
        return rows
    rows, held = table.conform(rows), stored.select(table.names).lazy()
    key = list(table.key)
    others = [name for name in table.names if name not in key]
    is_equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_stored")) for name in others)
    both = (
        rows.lazy()
        .join(
            held.with_columns(is_there=pl.lit(value=True)), on=key, how="left", suffix="_stored", maintain_order="left"
        )
        .with_columns(is_there=pl.col("is_there").fill_null(value=False), is_equal=is_equal)
        .filter(~(pl.col("is_there") & pl.col("is_equal")))
    )
    gone = held.select(key).join(rows.lazy().select(key), on=key, how="anti")
    outdated = both.filter("is_there").select(key)
    written, removed = pl.collect_all([both.select(table.names), pl.concat([outdated, gone])])
    writer.remove(table, removed)
    writer.append(table, written)
    return written
