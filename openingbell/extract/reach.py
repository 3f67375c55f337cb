"""What an answer really covers. Pure.

The vendor cuts long answers silently at their oldest end. An answer covers the sessions that it reaches; the rest is
asked again as a window of its own, and only an answer that has nothing to add covers what it does not reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import sessions
from openingbell.extract.plan import Request
from openingbell.feeds import BAR_FIELDS, TENORS, Kind

NEAR = timedelta(days=7)
"""Rows up to this far before what was asked show that an answer reaches it; older ones are garbage, not evidence."""


@dataclass(frozen=True)
class Reach:
    """The first session that an answer covers (it always covers to the last one asked), what is to be asked again, and
    the number of final bars by session.
    """

    covered_first: date
    rest: Request | None
    bars: dict[date, int]


def reach(request: Request, rows: pl.DataFrame, answered_at: datetime, final_delay: timedelta) -> Reach:
    """How far the answer `rows` to `request` reaches, and how many of its bars were final at `answered_at`."""
    member = request.member
    if rows.is_empty() or "date" not in rows.columns or not member.feed.has_grid:
        return Reach(request.first, None, {})
    starts = _starts(rows, request)
    found = starts.filter(pl.col("session").is_between(request.first - NEAR, request.last))["session"].unique().sort()
    if found.is_empty():
        return Reach(request.first, None, {})
    grid = sessions.grid(member.calendar, member.bar_interval, found[0], found[-1])
    final = grid.filter(pl.col("end_utc") + final_delay <= answered_at).join(
        starts.filter("readable").unique("date"), on="date", how="semi"
    )
    bars = dict(final.group_by("session").len().sort("session").iter_rows())
    earliest: date = found[0]
    first_bar = starts.filter(pl.col("session") == earliest)["date"].min()
    # a session alone in its answer counts as whole: asking for it again would bring the same
    whole = member.feed.kind is not Kind.INTRADAY or len(found) == 1 or first_bar == grid["date"].min()
    if earliest < request.first or (earliest == request.first and whole):
        return Reach(request.first, None, bars)
    rest = Request(member, request.first, earliest - timedelta(days=1) if whole else earliest)
    if sessions.schedule(member.calendar, rest.first, rest.last).is_empty():
        return Reach(request.first, None, bars)
    return Reach(rest.last + timedelta(days=1), rest, bars)


def _starts(rows: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Start and trading day of each row, null where the date cannot be read, and whether its numbers can be read."""
    numbers = [name for name in (*BAR_FIELDS, *TENORS) if name in rows.columns]
    readable = pl.all_horizontal(
        pl.col(name).is_null() | pl.col(name).str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
        for name in numbers
    )
    if request.member.feed.kind is not Kind.INTRADAY:
        day = pl.col("date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        return rows.select(session=day, date=day.cast(pl.Datetime("us")), readable=readable)
    start = pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    return rows.select(session=sessions.trading_day(start, request.member.calendar), date=start, readable=readable)
