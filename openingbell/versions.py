"""Versions of a bar: which rows of an answer say something new, and which row is the current one. Pure.

Raw tables are append-only. The versions of a bar are ordered by (extracted_at, load_id, source_row), whatever the
order in which their files arrived. A row that equals the version just before it says nothing new; where such a row is
stored nevertheless, because its file arrived before an older one, it is looked through: the first row of a run of equal
ones is the version. So the current rows depend on the landed files alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from openingbell.tables import Table

ORDER = ("extracted_at", "load_id", "source_row")
HALF_RANGE = 1 << 52
"""Microseconds: moments from 1828 to 2112 lie so near to 1970."""
MOST_RANKS = 1 << 10


def current(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The current version of every bar in `rows`, all versions of a raw table, in any order.

    Returns:
        The table's columns and `conflicting` (bool): one answer held this bar twice with different values (K2).
        One row a bar, sorted by the bar's key.
    """
    key = list(table.bar_key)
    if not has_duplicates(rows, key):
        return in_order(rows, key).with_columns(conflicting=pl.lit(value=False))
    ordered = rows.sort([*key, *ORDER]).with_columns(conflicting=_contradicted(table))
    return ordered.filter(_says_something_new(table)).unique(key, keep="last", maintain_order=True)


def collapsed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """All versions of every bar without those that say nothing new, sorted by bar and version."""
    return rows.sort([*table.bar_key, *ORDER]).filter(_says_something_new(table))


def new_versions(incoming: pl.DataFrame, stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows of `incoming` that are to be appended to `stored`.

    Args:
        incoming: typed rows of landed files, with the table's columns.
        stored: at least all stored versions of the bars in `incoming`.
        table: the raw table.

    Returns:
        The rows of `incoming` that are not stored yet and differ from the version just before them, and all rows of an
        answer that contradicts itself about a bar, so that this shows whatever came before.
    """
    rows = pl.concat(
        [
            stored.select(table.names).with_columns(is_stored=pl.lit(value=True)),
            incoming.select(table.names).with_columns(is_stored=pl.lit(value=False)),
        ]
    )
    fresh = (
        rows.sort([*table.bar_key, *ORDER, "is_stored"], descending=[False] * (len(table.bar_key) + 3) + [True])
        .unique(["load_id", "source_row"], keep="first", maintain_order=True)
        .filter((_says_something_new(table) | _contradicted(table)) & ~pl.col("is_stored"))
    )
    return fresh.drop("is_stored").sort(ORDER)


def in_order(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Rows sorted by `key`: texts, then a date or moment. Where they fit, all are made one number: that sorts in a
    fraction of the time, and columns are moved once.
    """
    *texts, moment = key
    place, kinds = pl.lit(0, pl.Int64), 1
    for name in texts:
        distinct = rows[name].unique().sort()
        if len(distinct) > 1:
            place = place * len(distinct) + pl.col(name).cast(pl.Enum(distinct)).to_physical().cast(pl.Int64)
            kinds *= len(distinct)
    at = pl.col(moment).to_physical().cast(pl.Int64)
    if kinds > MOST_RANKS or not rows.select(at.is_between(-HALF_RANGE, HALF_RANGE - 1).all()).item():
        return rows.sort(key)
    return rows[rows.select(place * (2 * HALF_RANGE) + at + HALF_RANGE).to_series().arg_sort()]


def has_duplicates(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether two rows may have the same values in `key`: surely not when it says no. Far cheaper than to find them."""
    return rows.select(key).hash_rows().n_unique() < len(rows)


def _says_something_new(table: Table) -> pl.Expr:
    """Whether a row differs from the row before it or is the first of its bar; rows are sorted by bar and version."""
    bar = pl.struct(table.bar_key)
    values = pl.struct(table.values)
    return (bar.ne_missing(bar.shift(1)) | values.ne_missing(values.shift(1))).fill_null(value=True)


def _contradicted(table: Table) -> pl.Expr:
    """Whether the row's file has the bar more than once; equal rows of an answer were made one by `load.typing`."""
    return pl.len().over([*table.bar_key, "load_id"]) > 1
