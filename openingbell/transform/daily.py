"""Daily bars: the official one once it is there, before that the session's own bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from openingbell import sessions
from openingbell.feeds import BAR_FIELDS, BY_ASSET_CLASS, Feed
from openingbell.quality.checks import flags_of, masks_of
from openingbell.quality.rows import check_rows
from openingbell.quality.score import has_flag, is_usable, join_flags, score
from openingbell.tables import DAILY_BARS
from openingbell.transform.promote import with_session
from openingbell.versions import in_order

KEY = ["symbol", "date"]
ROLLED_UP = (
    "symbol", "date", "session", *BAR_FIELDS, "avg_price", "split_factor", "data_quality_score", "dq_flags",
)  # fmt: skip
"""The columns of bars that their day is made of."""
OFF_GRID = ["V10", "V12", "V12A", "V12H"]
"""Checks that a bar fails when it is none of those that a full record of the session has."""


def daily_bars(
    asset_class: str, bars: pl.DataFrame, official: pl.DataFrame, calendars: Mapping[str, str], minutes: int
) -> pl.DataFrame:
    """The daily bars of one asset class.

    Returns are against the session before: give one session more than is wanted.

    Args:
        asset_class: stock, index or commodity.
        bars: rows of its table of `minutes` bars, whole sessions; the columns of `ROLLED_UP` are used.
        official: current versions of its official daily bars on one basis, as `basis.on_one_basis` returns them.
        calendars: calendar by symbol.
        minutes: length of `bars`.

    Returns:
        The columns of `daily_bars`, one row a symbol and day, sorted so.
    """
    on_grid = ~has_flag(pl.col("dq_flags"), OFF_GRID)
    present = bars.filter(on_grid).group_by("symbol", date="session").agg(bars_present=pl.len().cast(pl.Int64))
    rolled = _rolled_up(bars)
    checked = _checked(official, BY_ASSET_CLASS[asset_class], calendars)
    days = (
        rolled.join(checked, on=KEY, how="full", coalesce=True, suffix="_official")
        .join(present, on=KEY, how="left")
        .with_columns(is_final=pl.col("dq_flags_official").is_not_null())
        .with_columns(
            *(_official_else_bars(name) for name in (*BAR_FIELDS, "split_factor", "data_quality_score", "dq_flags")),
            close_source=pl.when("is_final").then(pl.lit("official")).otherwise(pl.lit("bars")),
            asset_class=pl.lit(asset_class),
            bars_present=pl.col("bars_present").fill_null(0),
        )
    )
    days = _with_expected(days, calendars, minutes)
    close, before = pl.col("close"), pl.col("previous_close")
    return DAILY_BARS.conform(
        with_previous_close(days, calendars).with_columns(
            pl.col("volume").round().cast(pl.Int64),
            return_pct=pl.when(before != 0).then((close / before - 1) * 100),
            range_pct=pl.when(close != 0).then((pl.col("high") - pl.col("low")) / close * 100),
        )
    ).sort(KEY)


def with_previous_close(days: pl.DataFrame, calendars: Mapping[str, str]) -> pl.DataFrame:
    """Daily rows with `previous_close`: that of the symbol's session before by its calendar, null when there is no
    such row or one of the two is no usable bar. A hole is not bridged: a return over it would be no daily one.
    """
    numbered = _numbered(days, calendars)
    usable = pl.when(is_usable(pl.col("dq_flags"))).then("close")
    before = numbered.select("symbol", session_number=pl.col("session_number") + 1, previous_close=usable)
    joined = numbered.join(before, on=["symbol", "session_number"], how="left", maintain_order="left")
    return joined.with_columns(previous_close=pl.when(is_usable(pl.col("dq_flags"))).then("previous_close")).drop(
        "session_number"
    )


def _numbered(days: pl.DataFrame, calendars: Mapping[str, str]) -> pl.DataFrame:
    if days.is_empty():
        return days.with_columns(session_number=pl.lit(None, pl.Int64))
    return with_session(days, calendars).drop("session", "date_utc", "open_utc", "close_utc")


def _rolled_up(bars: pl.DataFrame) -> pl.DataFrame:
    """One row a symbol and session from its usable bars, oldest first; a session of broken bars alone has none."""
    usable = in_order(bars.filter(is_usable(pl.col("dq_flags"))), ("symbol", "date"))  # sums depend on it
    weight = pl.when(pl.col("avg_price").is_not_null()).then("volume")
    rolled = (
        usable.with_columns(masks_of(usable["dq_flags"]))
        .group_by("symbol", date=pl.col("session"))
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            volume=pl.when(pl.col("volume").count() > 0).then(pl.col("volume").sum()).cast(pl.Float64),
            vwap=pl.when(weight.sum() > 0).then((pl.col("avg_price") * pl.col("volume")).sum() / weight.sum()),
            data_quality_score=pl.col("data_quality_score").mean(),
            split_factor=pl.col("split_factor").last(),
            mask=pl.col("mask").bitwise_or(),
        )
    )
    return rolled.with_columns(flags_of(rolled["mask"])).with_columns(dq_flags=join_flags(pl.col("flags")))


def _checked(official: pl.DataFrame, feed: Feed, calendars: Mapping[str, str]) -> pl.DataFrame:
    """Official bars with score and flags."""
    if official.is_empty():
        checked = official.with_columns(flags=pl.lit([], pl.List(pl.String)))
    else:
        placed = with_session(official, calendars).with_columns(
            end_utc=pl.coalesce("close_utc", pl.col("date_utc") + timedelta(days=1))
        )
        checked = check_rows(
            placed, prices_positive=feed.prices_positive, volume_expected=feed.volume_expected, minutes=None
        )
    flags = pl.col("flags")
    return checked.select(
        *KEY, *BAR_FIELDS, "split_factor", data_quality_score=score(flags), dq_flags=join_flags(flags)
    )


def _official_else_bars(name: str) -> pl.Expr:
    return pl.when("is_final").then(f"{name}_official").otherwise(name).alias(name)


def _with_expected(days: pl.DataFrame, calendars: Mapping[str, str], minutes: int) -> pl.DataFrame:
    """Rows with `bars_expected`: bars of a full record of the session, 0 on a day without one."""
    if days.is_empty():
        return days.with_columns(bars_expected=pl.lit(0, pl.Int64))
    dates: list[date] = days["date"].to_list()
    interval = next(name for name, length in sessions.MINUTES.items() if length == minutes)
    counts = pl.concat(
        sessions.expected_bars(calendar, interval, min(dates), max(dates)).with_columns(calendar=pl.lit(calendar))
        for calendar in sorted({calendars[symbol] for symbol in days["symbol"].unique()})
    ).rename({"session": "date"})
    return (
        days.with_columns(calendar=pl.col("symbol").replace_strict(dict(calendars), return_dtype=pl.String))
        .join(counts, on=["calendar", "date"], how="left", maintain_order="left")
        .with_columns(pl.col("bars_expected").fill_null(0))
    )
