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
    return min(_neighbour(reader, table, change, change.first, -reach.bars), change.first - span_of(reach.sessions))


def write_to(reader: Reader, table: Table, change: Changed, reach: Reach) -> date:
    """The last day whose rows the change reaches."""
    return max(_neighbour(reader, table, change, change.last, reach.bars), change.last + span_of(reach.sessions))


def read_usable(reader: Reader, table: Table, change: Changed, last: date, reach: Reach) -> pl.DataFrame:
    """Rows of `table` to `last` that reach back over `reach.bars` usable bars of each symbol before the change, or over
    all there are. Adds `usable`.
    """
    bars = reach.bars
    rows = -1
    while True:
        first = _neighbour(reader, table, change, change.first, -bars)
        frame = reader.read(table, symbols=change.symbols, first=first, last=last)
        frame = frame.with_columns(usable=is_usable(pl.col("dq_flags")) & pl.col("close").is_not_null())
        before = frame.filter(pl.col("usable") & (pl.col("date").cast(pl.Date) < change.first))
        enough = before.group_by("symbol").len().filter(pl.col("len") >= reach.bars)
        if len(enough) == len(change.symbols) or len(frame) == rows:
            return frame.sort("symbol", "date")
        rows = len(frame)
        bars *= 2


def span_of(sessions: int) -> timedelta:
    """Calendar days that surely hold so many sessions."""
    return timedelta(days=int(sessions * 1.6) + 7) if sessions else timedelta(0)


def _neighbour(reader: Reader, table: Table, change: Changed, day: date, bars: int) -> date:
    found = reader.neighbour(table, day, symbols=change.symbols, count=bars) if bars else None
    return day if found is None else found
