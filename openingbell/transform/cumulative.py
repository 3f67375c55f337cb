"""Indicators that add up from a series' first bar on: how a recompute of a part carries on from what is stored.

A part computed by itself begins at 0. It is shifted so that the bar before the change has the value that is stored;
what follows the part is recomputed only when its last bar then differs from the stored one, or has no value to compare.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from openingbell.indicators import CUMULATIVE
from openingbell.tables import Table
from openingbell.transform.reach import Changed
from openingbell.warehouse.protocol import Reader

NEAR = timedelta(days=10)
"""How far before a change the value to carry on from is looked for first."""


def carried_on(
    reader: Reader, table: Table, computed: pl.DataFrame, change: Changed
) -> tuple[pl.DataFrame, list[Changed]]:
    """Indicators of a part of each series, carried on from the stored ones.

    Args:
        reader: of the warehouse as it was before.
        table: the table of indicators.
        computed: its rows over the change and its reach, with `session`, sorted by symbol and date.
        change: what changed.

    Returns:
        The rows with cumulative columns carried on, and what has to be recomputed beyond them.
    """
    columns = [name for name in CUMULATIVE if name in table.names]
    onward: dict[tuple[date, date], set[str]] = {}
    if computed.is_empty() or not columns:
        return computed, []
    stored = _stored(reader, table, computed, change, columns)
    joined = computed.join(stored, on=["symbol", "date"], how="left", suffix="_stored", maintain_order="left")
    for name in columns:
        value, was = pl.col(name), pl.col(f"{name}_stored")
        before, after = pl.col("session") < change.first, pl.col("session") > change.last
        known = value.is_not_null() & was.is_not_null()
        anchors = joined.filter(before & known).group_by("symbol").agg(shift=(was - value).last())
        joined = joined.join(anchors, on="symbol", how="left", maintain_order="left").with_columns(
            value + pl.col("shift").fill_null(0.0)
        )
        rootless = joined.filter(~before & value.is_not_null() & pl.col("shift").is_null())["symbol"].unique()
        moved = joined.filter(after & known).group_by("symbol").last().filter(value != was)["symbol"]
        joined = joined.drop("shift")
        unseen = set(joined.filter(after)["symbol"].unique()) - set(joined.filter(after & known)["symbol"].unique())
        for symbol, whole in _wholes(reader, table, {*rootless, *moved, *unseen}).items():
            part = computed.filter(pl.col("symbol") == symbol)["date"].cast(pl.Date)
            if symbol in rootless and whole[0] < part[0]:
                onward.setdefault(whole, set()).add(symbol)
            elif whole[1] > part[-1] and (symbol in moved or _goes_on(reader, table, symbol, name, part[-1])):
                onward.setdefault((change.first, whole[1]), set()).add(symbol)
    further = [Changed(tuple(sorted(symbols)), *span) for span, symbols in onward.items()]
    return joined.select(computed.columns), further


def _stored(reader: Reader, table: Table, computed: pl.DataFrame, change: Changed, columns: list[str]) -> pl.DataFrame:
    """Stored values of the bars just before the change and after it; of symbols without one there, of all bars."""
    names = ("symbol", "date", *columns)
    first, last = computed.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    near = reader.read(table, columns=names, symbols=change.symbols, first=change.first - NEAR, last=last)
    before = near.filter(pl.col("date").cast(pl.Date) < change.first - timedelta(days=1)).drop_nulls(columns)
    with_past = computed.filter(pl.col("session") < change.first)["symbol"].unique()
    others = sorted(set(with_past) - set(before["symbol"].unique()))
    if not others:
        return near
    rest = reader.read(table, columns=names, symbols=others, first=first, last=last)
    return pl.concat([near.filter(~pl.col("symbol").is_in(others)), rest])


def _wholes(reader: Reader, table: Table, symbols: set[str]) -> dict[str, tuple[date, date]]:
    """First and last day of the stored rows of symbols."""
    if not symbols:
        return {}
    spans = reader.spans(table, symbols=sorted(symbols)).select("symbol", pl.col("first", "last").cast(pl.Date))
    return {symbol: (first, last) for symbol, first, last in spans.iter_rows()}


def _goes_on(reader: Reader, table: Table, symbol: str, name: str, day: date) -> bool:
    """Whether a stored column has values after a day."""
    rows = reader.read(table, columns=("date", name), symbols=[symbol], first=day)
    return bool(rows.filter(pl.col("date").cast(pl.Date) > day)[name].count())
