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
    rows = table.conform(rows)
    key = list(table.key)
    others = [name for name in table.names if name not in key]
    held = stored.select(*table.names, is_there=pl.lit(value=True))
    both = rows.join(held, on=key, how="left", suffix="_stored", maintain_order="left").select(
        is_there=pl.col("is_there").fill_null(value=False),
        is_equal=pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_stored")) for name in others),
    )
    written = rows.filter(~(both["is_there"] & both["is_equal"]))
    outdated = rows.filter(both["is_there"] & ~both["is_equal"]).select(key)
    gone = stored.select(key).join(rows.select(key), on=key, how="anti")
    writer.remove(table, pl.concat([outdated, gone.select(pl.col(n).cast(d) for n, d in outdated.schema.items())]))
    writer.append(table, written)
    return written
