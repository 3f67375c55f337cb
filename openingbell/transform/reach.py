"""Reach: how far each derivation reads back, and how far a change reaches forward.

One mechanism turns changed keys into what is to be read and written: a tick, a late bar, a correction in the middle of
history and a full rebuild are the same call with different keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openingbell.quality.score import is_usable
from openingbell.tables import Table
from openingbell.transform.indicators import WARM_UP
from openingbell.transform.promote import RELATIVE_VOLUME_SESSIONS
from openingbell.warehouse.protocol import Reader

BATCH_SYMBOLS = 50
"""Symbols that are worked on at once: bounds memory, and keeps arrays in the cache."""


@dataclass(frozen=True)
class Reach:
    """Bars and sessions before a bar that its row rests on; a change reaches as many forward."""

    bars: int = 0
    sessions: int = 0


PROMOTION = Reach(bars=1, sessions=RELATIVE_VOLUME_SESSIONS)
INDICATORS = Reach(bars=WARM_UP)
DAILY = Reach(sessions=1)


@dataclass(frozen=True)
class Changed:
    """Symbols of which bars of the sessions `first` to `last` changed."""

    symbols: tuple[str, ...]
    first: date
    last: date


def changed(keys: pl.DataFrame) -> Iterator[Changed]:
    """Changed keys (symbol, session) as groups of symbols with a common span, in bounded numbers of symbols."""
    spans = keys.group_by("symbol").agg(first=pl.col("session").min(), last=pl.col("session").max())
    for (first, last), group in spans.sort("first", "last", "symbol").group_by("first", "last", maintain_order=True):
        symbols = group["symbol"].to_list()
        for start in range(0, len(symbols), BATCH_SYMBOLS):
            yield Changed(tuple(symbols[start : start + BATCH_SYMBOLS]), first, last)


def read_from(reader: Reader, table: Table, change: Changed, reach: Reach) -> date:
    """The first day of `table` that rows of the change rest on."""
    start = _evening_before(change)
    return min(_neighbour(reader, table, change, start, -reach.bars), start - span_of(reach.sessions))


def write_to(reader: Reader, table: Table, change: Changed, reach: Reach) -> date:
    """The last day whose rows the change reaches."""
    return max(_neighbour(reader, table, change, change.last, reach.bars), change.last + span_of(reach.sessions))


def read_usable(reader: Reader, table: Table, change: Changed, reach: Reach) -> pl.DataFrame:
    """Rows of `table`, sorted by symbol and date, over `reach.bars` usable bars of each symbol before the change and as
    many after it, or over all there are. Adds `usable`, and `session` where the table's rows are days.
    """
    before = after = reach.bars
    session = pl.col("session" if "session" in table.names else "date").alias("session")
    while True:
        frame = reader.read(
            table,
            symbols=change.symbols,
            first=_neighbour(reader, table, change, _evening_before(change), -before),
            last=_neighbour(reader, table, change, change.last, after),
        ).with_columns(session, usable=is_usable(pl.col("dq_flags")) & pl.col("close").is_not_null())
        enough_before = _is_enough(frame.filter(pl.col("session") < change.first), before, reach)
        enough_after = _is_enough(frame.filter(pl.col("session") > change.last), after, reach)
        if enough_before and enough_after:
            return frame.sort("symbol", "date")
        before *= 1 if enough_before else 2
        after *= 1 if enough_after else 2


def _is_enough(rows: pl.DataFrame, asked: int, reach: Reach) -> bool:
    """Whether each symbol has the usable bars that are needed; fewer rows than were asked for are all there are."""
    counts = rows.group_by("symbol").agg(rows=pl.len(), usable=pl.col("usable").sum())
    return counts.filter((pl.col("rows") >= asked) & (pl.col("usable") < reach.bars)).is_empty()


def _evening_before(change: Changed) -> date:
    """The day on which the first bar of the change may lie: a session may open on the evening before."""
    return change.first - timedelta(days=1)


def span_of(sessions: int) -> timedelta:
    """Calendar days that surely hold so many sessions."""
    return timedelta(days=int(sessions * 1.6) + 7) if sessions else timedelta(0)


def _neighbour(reader: Reader, table: Table, change: Changed, day: date, bars: int) -> date:
    found = reader.neighbour(table, day, symbols=change.symbols, count=bars) if bars else None
    return day if found is None else found
