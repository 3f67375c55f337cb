"""What an extraction will cost before anything is sent: calls, minutes, megabytes, disk. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from openingbell.coverage import Due
from openingbell.extract.plan import plan
from openingbell.feeds import Kind

BYTES_PER_ROW = 150
"""A bar as JSON, before any compression, until the record knows better."""
DISK_PER_ROW = 75
"""A bar as CSV."""
WAREHOUSE_PER_ROW = 350
"""A bar in the warehouse: raw, analytics and indicators."""
INSTRUMENTS = "instruments"
"""What all feeds of facts about instruments are called together: a call each, and no bars."""


@dataclass(frozen=True)
class FeedForecast:
    """Of one feed, or of all that are about instruments: symbols, calls, bars, the oldest and the newest session, bytes
    to receive and to keep.
    """

    feed: str
    symbols: int
    calls: int
    bars: int
    first: str
    last: str
    bytes: int
    disk: int


@dataclass(frozen=True)
class Forecast:
    """Of all feeds. `minutes` is what the pace allows at best. Of `searching` members it is not known where their
    history begins: they may take far fewer calls.
    """

    feeds: tuple[FeedForecast, ...]
    minutes: float
    searching: int

    @property
    def calls(self) -> int:
        """Calls in all."""
        return sum(one.calls for one in self.feeds)

    @property
    def bytes(self) -> int:
        """Bytes to receive in all."""
        return sum(one.bytes for one in self.feeds)

    @property
    def disk(self) -> int:
        """Bytes that record and warehouse will take in all."""
        return sum(one.disk for one in self.feeds)


def forecast(due: Sequence[Due], asks: pl.DataFrame, calls_per_minute: float) -> Forecast:
    """What it costs to ask for `due`.

    Args:
        due: what is to be asked for.
        asks: those of the record, for the bytes that a row really took.
        calls_per_minute: the permitted pace.
    """
    seen = {
        feed: received / rows
        for feed, rows, received in asks.filter(pl.col("rows") > 0)
        .group_by("feed")
        .agg(pl.col("rows").cast(pl.Int64).sum(), pl.col("bytes").cast(pl.Int64).sum())
        .iter_rows()
    }
    by_feed: dict[str, list[Due]] = {}
    for one in due:
        feed = one.member.feed
        by_feed.setdefault(INSTRUMENTS if feed.kind is Kind.REFERENCE else feed.name, []).append(one)
    feeds = tuple(
        FeedForecast(
            feed=feed,
            symbols=len({one.member.symbol for one in wanted}),
            calls=plan(wanted).requests,
            bars=(bars := sum(one.bars for one in wanted)),
            first=min(one.first for one in wanted).isoformat(),
            last=max(one.last for one in wanted).isoformat(),
            bytes=int(bars * seen.get(feed, BYTES_PER_ROW)),
            disk=bars * (DISK_PER_ROW + WAREHOUSE_PER_ROW),
        )
        for feed, wanted in by_feed.items()
    )
    calls = sum(one.calls for one in feeds)
    searching = len({one.member for one in due if one.probe})
    return Forecast(feeds, calls / calls_per_minute, searching)
