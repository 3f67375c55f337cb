"""Promotion: raw versions become checked, scored 15-minute bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from openingbell import sessions
from openingbell.config import AuctionPolicy
from openingbell.feeds import Feed
from openingbell.quality.rows import check_rows
from openingbell.quality.score import is_usable, join_flags, scores_of
from openingbell.transform.auction import with_auction
from openingbell.transform.resample import resample
from openingbell.versions import in_order

RELATIVE_VOLUME_SESSIONS = 20
"""Sessions before, over which a slot's usual volume is taken."""
BEFORE = ("symbol", "date", "session", "close", "volume", "dq_flags")
"""The columns of bars that are looked back at."""
RELATIVE_VOLUME_LEAST = 5
"""Volumes without which there is no usual one."""


def promote(
    raw: pl.DataFrame,
    feed: Feed,
    calendars: Mapping[str, str],
    minutes: int,
    auction: AuctionPolicy,
    *,
    before: pl.DataFrame | None = None,
    newest: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Bars of `minutes` from the current raw versions of a feed.

    Args:
        raw: current versions on one basis, as `basis.on_one_basis` returns them, sorted by symbol.
        feed: whose rows they are.
        calendars: calendar by symbol.
        minutes: length of the bars to make.
        auction: what becomes of the closing auction.
        before: the bars that were made before of the time before `raw`, in any order: `BEFORE` of the feed's analytics
            table. Changes look back to the last of each symbol, relative volumes over 20 sessions.
        newest: symbol and newest (start of its last raw bar), where there are later ones than in `raw`.

    Returns:
        The columns of the feed's analytics table, one row a bar, sorted by symbol and date. A bar that shorter ones
        make is left out until all of them are there, or one after them is: until then it may be forming.
    """
    made = [
        resample(_checked(rows, feed, calendars, source), minutes, source)
        for interval, rows in _by_interval(raw).items()
        for source in (sessions.minutes_of(interval),)
    ]
    bars = made[0] if len(made) == 1 else pl.concat(made).unique(["symbol", "date"], keep="first", maintain_order=True)
    if newest is None:
        newest = raw.group_by("symbol").agg(newest=pl.col("date").max())
    settled = with_auction(_settled(bars, newest, minutes), auction)
    whole = settled.sort("symbol", "date").with_columns(pl.col("volume").round())
    if before is None:
        earlier = whole.clear()
    else:
        earlier = before.with_columns(pl.col("volume").cast(pl.Float64), is_error=~is_usable(pl.col("dq_flags")))
    derived = _with_derived(whole, earlier, calendars)
    flagged = derived.with_columns(pl.col("volume").cast(pl.Int64), dq_flags=join_flags(pl.col("flags")))
    return flagged.with_columns(scores_of(flagged["dq_flags"])).drop("last", "previous", "usual")


def _settled(bars: pl.DataFrame, newest: pl.DataFrame, minutes: int) -> pl.DataFrame:
    """`bars` without those that are still being made: some of their shorter bars are not there, and no later one is."""
    partial = pl.col("flags").list.contains("T1")
    if not bars.select(partial.any()).item():
        return bars
    over = pl.col("newest") >= pl.col("date") + timedelta(minutes=minutes)
    return bars.join(newest, on="symbol", how="left", maintain_order="left").filter(over | ~partial).drop("newest")


def with_session(rows: pl.DataFrame, calendars: Mapping[str, str]) -> pl.DataFrame:
    """Rows with symbol and date (New York wall clock), each with its session, and what the calendar says of it.

    Returns:
        The rows in their order with session (Date), date_utc, open_utc and close_utc (Datetime µs UTC without a zone;
        the latter two null on a day without a session) and session_number (Int64: sessions of the calendar counted
        from the earliest in `rows`, null on such a day).
    """
    by_calendar: dict[str, list[str]] = {}
    for symbol in rows["symbol"].unique().sort():
        by_calendar.setdefault(calendars[symbol], []).append(symbol)
    if len(by_calendar) == 1:
        return _on_calendar(rows, *by_calendar)
    numbered = rows.with_row_index("row")
    parts = [_on_calendar(numbered.filter(pl.col("symbol").is_in(s)), c) for c, s in by_calendar.items()]
    return pl.concat(parts).sort("row").drop("row")


def _on_calendar(rows: pl.DataFrame, calendar: str) -> pl.DataFrame:
    """Each moment is placed once, however many symbols have a bar of it."""
    start = pl.col("date").cast(pl.Datetime("us"))
    is_daily = rows.schema["date"] == pl.Date
    day = pl.col("date") if is_daily else sessions.trading_day(start, calendar)
    placed = rows.select(pl.col("date").unique()).with_columns(session=day, date_utc=_bare(sessions.to_utc(start)))
    days: list[date] = placed["session"].to_list()
    schedule = sessions.schedule(calendar, min(days), max(days)).select(
        "session",
        open_utc=_bare(pl.col("open_utc")),
        close_utc=_bare(pl.col("close_utc")),
        session_number=pl.int_range(pl.len(), dtype=pl.Int64),
    )
    moments = placed.join(schedule, on="session", how="left")
    return rows.join(moments, on="date", how="left", maintain_order="left")


def _bare(moment: pl.Expr) -> pl.Expr:
    """UTC without a zone, as warehouses hold it."""
    return moment.dt.replace_time_zone(None)


def _by_interval(raw: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Rows by the length of their bars, the shortest first: where two lengths meet, the finer ones are kept."""
    intervals = sorted(raw["bar_interval"].unique(), key=sessions.minutes_of)
    if len(intervals) <= 1:
        return {intervals[0] if intervals else "15min": raw}
    return {interval: raw.filter(pl.col("bar_interval") == interval) for interval in intervals}


def _checked(rows: pl.DataFrame, feed: Feed, calendars: Mapping[str, str], minutes: int) -> pl.DataFrame:
    placed = with_session(rows, calendars).with_columns(end_utc=pl.col("date_utc") + timedelta(minutes=minutes))
    return check_rows(
        placed, prices_positive=feed.prices_positive, volume_expected=feed.volume_expected, minutes=minutes
    )


def _with_derived(bars: pl.DataFrame, before: pl.DataFrame, calendars: Mapping[str, str]) -> pl.DataFrame:
    """Bars, sorted by symbol and date, with the columns that follow from prices. A bar on which an error check fired
    compares with nothing; the first of a symbol is compared with the last of `before`.
    """
    close = pl.col("close")
    sound = pl.when(~pl.col("is_error")).then(close)
    last = before.group_by("symbol").agg(pl.when(~pl.col("is_error")).then(close).sort_by("date").last().alias("last"))
    previous = pl.when(pl.col("symbol").is_first_distinct()).then("last").otherwise(sound.shift(1))
    change = sound - pl.col("previous")
    spread = pl.col("high") - pl.col("low")
    return (
        bars.join(last, on="symbol", how="left", maintain_order="left")
        .with_columns(_usual_volumes(bars, before, calendars), previous=previous)
        .with_columns(
            price_change=change,
            price_change_pct=_over(change, pl.col("previous")) * 100,
            avg_price=(pl.col("high") + pl.col("low") + close) / 3,
            volatility=_over(spread, close) * 100,
            relative_volume=_over(pl.col("volume"), pl.col("usual")),
        )
    )


def _usual_volumes(bars: pl.DataFrame, before: pl.DataFrame, calendars: Mapping[str, str]) -> pl.Series:
    """What is usual in the slot of each bar's session, as `usual`; null where the bar is in none."""
    columns = ("symbol", "date", "volume", "is_error")
    slot = (pl.col("date_utc") - pl.col("open_utc")).dt.total_minutes()
    if before.is_empty():
        placed = bars.select(*columns, "session_number", slot=slot, is_before=pl.lit(value=False))
    else:
        both = pl.concat(
            frame.select(*columns, is_before=pl.lit(is_before)) for frame, is_before in ((before, True), (bars, False))
        )
        placed = with_session(both, calendars).select(*columns, "session_number", "is_before", slot=slot)
        wanted = placed.filter(~pl.col("is_before"))["slot"].unique()
        placed = in_order(placed.filter(pl.col("slot").is_in(wanted.implode(), nulls_equal=True)), ("symbol", "date"))
    usual = (
        pl.when(~pl.col("is_error"))
        .then("volume")
        .rolling_mean_by(
            pl.col("session_number").fill_null(0),
            window_size=f"{RELATIVE_VOLUME_SESSIONS}i",
            min_samples=RELATIVE_VOLUME_LEAST,
            closed="left",
        )
        .over("symbol", "slot")
    )
    of_session = pl.when(pl.col("session_number").is_not_null()).then(usual).alias("usual")
    return placed.with_columns(of_session).filter(~pl.col("is_before"))["usual"]


def _over(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """A ratio, null where the denominator is 0."""
    return pl.when(denominator != 0).then(numerator / denominator)
