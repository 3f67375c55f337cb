"""Holes that have a reason of their own: rows in quarantine, and halts that the home's closures name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time, timedelta

import polars as pl

from openingbell import sessions
from openingbell.closures import Halt
from openingbell.feeds import COMMODITIES, Kind
from openingbell.universe import Member

QUARANTINED = pl.Schema(
    {"feed": pl.String(), "symbol": pl.String(), "session": pl.Date(), "rows_quarantined": pl.Int64()}
)
HALTED = pl.Schema({"feed": pl.String(), "symbol": pl.String(), "session": pl.Date(), "bars_halted": pl.Int64(),
                    "halt": pl.String()})  # fmt: skip


def quarantined_by_session(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows of the table `quarantine` counted by feed, symbol and session; those whose date is unreadable are left out.

    Returns:
        feed, symbol (String), session (Date), rows_quarantined (Int64).
    """
    text = pl.col("text")
    start = text.str.json_path_match("$.date").str.strip_chars()
    moment = pl.coalesce(
        start.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False),
        start.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
    )
    session = (
        pl.when(pl.col("feed") == COMMODITIES.name)
        .then(sessions.trading_day(moment, COMMODITIES.calendar))
        .otherwise(moment.dt.date())
    )
    return (
        quarantine.select("feed", text.str.json_path_match("$.symbol").alias("symbol"), session.alias("session"))
        .drop_nulls()
        .group_by("feed", "symbol", "session")
        .agg(rows_quarantined=pl.len().cast(pl.Int64))
        .select(pl.col(name).cast(dtype) for name, dtype in QUARANTINED.items())
    )


def halted(halts: Iterable[Halt], members: Iterable[Member]) -> pl.DataFrame:
    """The bars of members that fall into halts.

    Returns:
        feed, symbol (String), session (Date), bars_halted (Int64), halt (String, the reason).
    """
    by_symbol: dict[str, list[Member]] = {}
    for member in members:
        if member.feed.has_grid:
            by_symbol.setdefault(member.symbol, []).append(member)
    frames = [
        _bars(halt, member).with_columns(
            feed=pl.lit(member.feed.name), symbol=pl.lit(halt.symbol), halt=pl.lit(halt.reason)
        )
        for halt in halts
        for member in by_symbol.get(halt.symbol, [])
    ]
    if not frames:
        return HALTED.to_frame()
    return (
        pl.concat(frames)
        .group_by("feed", "symbol", "session")
        .agg(
            bars_halted=pl.col("bars").sum().cast(pl.Int64),
            halt=pl.col("halt").unique(maintain_order=True).str.join(", "),
        )
        .select(HALTED.names())
    )


def _bars(halt: Halt, member: Member) -> pl.DataFrame:
    """Of each session the bars that the halt touches: session, bars."""
    grid = sessions.grid(member.calendar, member.bar_interval, halt.first, halt.last)
    if member.feed.kind is not Kind.INTRADAY:
        whole = halt.begin is None and halt.end is None
        return grid.group_by("session").agg(bars=pl.len().cast(pl.Int64) * int(whole))
    length = timedelta(minutes=sessions.minutes_of(member.bar_interval))
    day = pl.col("session").cast(pl.Datetime("us"))
    touched = grid
    if halt.begin is not None:
        touched = touched.filter(pl.col("date") + length > day + _since_midnight(halt.begin))
    if halt.end is not None:
        touched = touched.filter(pl.col("date") < day + _since_midnight(halt.end))
    return touched.group_by("session").agg(bars=pl.len().cast(pl.Int64))


def _since_midnight(wall: time) -> timedelta:
    return timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
