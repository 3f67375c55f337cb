"""How often the vendor changed bars that were final, by their age when they were read again. Pure.

Readings are counted from manifests: an answer reads a bar again when one before it had been received after the bar was
final. What changed is in the warehouse: the corrections among its `restatements`, and the later versions of yields,
which have no such table. That a split put old bars on another basis is no revision. Sessions that ended before the asks
at hand begin count as read before, as far back as the symbol was ever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import sessions
from openingbell.feeds import TREASURY, Feed, Kind
from openingbell.landing.record import MOMENT
from openingbell.sessions import DAILY
from openingbell.tables import BOND_RAW
from openingbell.transform.restatements import CORRECTION
from openingbell.versions import collapsed

AGES: tuple[tuple[str, timedelta], ...] = (
    ("up to 1 hour", timedelta(hours=1)),
    ("1 hour to 1 day", timedelta(days=1)),
    ("1 to 7 days", timedelta(days=7)),
    ("7 to 30 days", timedelta(days=30)),
    ("30 to 365 days", timedelta(days=365)),
)
OLDER = "over 365 days"
AGE_NAMES = (*(name for name, _ in AGES), OLDER)
YOUNG = timedelta(days=2)
"""Since the close of its session: while a session is so young its bars have ages of their own."""
CHANGES = pl.Schema({"symbol": pl.String(), "date": pl.Datetime("us"), "extracted_at": MOMENT})
RATES = pl.Schema({"age": pl.String(), "read_again": pl.Int64(), "changed": pl.Int64()})


def corrections(restated: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """What the vendor changed of a feed's bars.

    Args:
        restated: rows of `restatements`: asset_class, symbol, bar_interval, date, extracted_at, kind.
        feed: a feed of bars.

    Returns:
        `CHANGES`.
    """
    is_daily = pl.col("bar_interval") == DAILY
    of_feed = is_daily if feed.kind is Kind.DAILY else ~is_daily & (pl.col("asset_class") == feed.asset_class)
    return restated.filter(of_feed & (pl.col("kind") == CORRECTION)).select(
        "symbol", "date", pl.col("extracted_at").dt.replace_time_zone("UTC")
    )


def corrected_yields(versions: pl.DataFrame) -> pl.DataFrame:
    """What the vendor changed of yields: the versions of curves behind their first.

    Args:
        versions: all rows of `bond_data_raw`.

    Returns:
        `CHANGES`. An answer that contradicts itself is one version.
    """
    told = collapsed(versions, BOND_RAW).unique(["date", "extracted_at"], keep="last", maintain_order=True)
    return told.filter(pl.int_range(pl.len()).over("date") > 0).select(
        pl.lit(TREASURY).alias("symbol"),
        pl.col("date").cast(pl.Datetime("us")),
        pl.col("extracted_at").dt.replace_time_zone("UTC"),
    )


def rates(asks: pl.DataFrame, known_from: Mapping[str, date], changed: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Bars that were read again and bars that had changed then, by age.

    Args:
        asks: those of the record, of this feed and of some time, with `bar_interval` and `final_delay`.
        known_from: the first session that was asked before that time, by symbol.
        changed: the changes of that time (`CHANGES`).
        feed: theirs.

    Returns:
        `RATES`, one row an age at which a bar was read again, the youngest first.
    """
    readings = _readings(asks)
    parts = [
        part
        for of_calendar in readings.partition_by("calendar", "bar_interval")
        for part in _read_again(of_calendar, known_from, asks["answered_at"].min())  # type: ignore[arg-type]
    ]
    again = pl.concat([pl.DataFrame(schema={"age": pl.Duration("us"), "bars": pl.Float64()}), *parts])
    counted = again.group_by(_name().alias("age")).agg(read_again=pl.col("bars").sum().round().cast(pl.Int64))
    ages = _ages_of(changed, readings, feed).group_by(_name().alias("age")).agg(changed=pl.len().cast(pl.Int64))
    order = pl.DataFrame({"age": AGE_NAMES})
    return (
        order.join(counted, on="age", how="left", maintain_order="left")
        .join(ages, on="age", how="left", maintain_order="left")
        .filter(pl.col("read_again") > 0)
        .with_columns(pl.col("changed").fill_null(0))
        .select(pl.col(name).cast(dtype) for name, dtype in RATES.items())
    )


def _readings(asks: pl.DataFrame) -> pl.DataFrame:
    """One row an answer and session of which it had final bars."""
    days = pl.date_ranges("covered_first", "covered_last")
    return (
        asks.filter(~pl.col("restricted") & (pl.col("bars").list.len() > 0))
        .select(
            pl.col("symbol", "calendar").cast(pl.String),
            "bar_interval",
            "final_delay",
            "answered_at",
            "bars",
            session=days,
        )
        .explode("session", "bars")
        .filter(pl.col("bars") > 0)
    )


def _read_again(readings: pl.DataFrame, known_from: Mapping[str, date], begin: datetime) -> list[pl.DataFrame]:
    """Ages and numbers of bars that were read again; of one calendar and interval."""
    calendar, bar_interval = readings.select("calendar", "bar_interval").row(0)
    first, last = readings.select(low=pl.col("session").min(), high=pl.col("session").max()).row(0)
    known = pl.DataFrame(list(known_from.items()), schema={"symbol": pl.String, "known_from": pl.Date}, orient="row")
    closes = sessions.schedule(calendar, first, last).select("session", "close_utc")
    was_known = (pl.col("close_utc") + pl.col("final_delay") <= begin) & (pl.col("session") >= pl.col("known_from"))
    before = (
        readings.join(closes, on="session")
        .join(known, on="symbol", how="left")
        .sort("answered_at")
        .with_columns(before=pl.col("answered_at").shift().over("symbol", "session"))
        .with_columns(before=pl.col("before").fill_null(pl.when(was_known).then(pl.lit(begin, MOMENT))))
        .filter(pl.col("before").is_not_null())
    )
    is_young = pl.col("answered_at") - pl.col("close_utc") < YOUNG
    old = before.filter(~is_young & (pl.col("close_utc") + pl.col("final_delay") <= pl.col("before")))
    young = before.filter(is_young)
    parts = [old.select(age=pl.col("answered_at") - pl.col("close_utc"), bars=pl.col("bars").cast(pl.Float64))]
    if len(young):
        bounds = young.select(low=pl.col("session").min(), high=pl.col("session").max()).row(0)
        grid = sessions.grid(calendar, bar_interval, *bounds).select("session", "end_utc")
        final = pl.col("end_utc") + pl.col("final_delay")
        of_bars = (
            young.with_row_index()
            .join(grid, on="session")
            .filter(final <= pl.col("answered_at"))
            # a session that lacks bars lacks them anywhere
            .with_columns(share=pl.col("bars") / pl.len().over("index"))
            .filter(final <= pl.col("before"))
        )
        parts.append(of_bars.select(age=pl.col("answered_at") - pl.col("end_utc"), bars="share"))
    return parts


def _ages_of(changed: pl.DataFrame, readings: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """How old changed bars were when the answer was received that changed them."""
    known = changed.join(readings.select("symbol", "calendar", "bar_interval").unique("symbol"), on="symbol")
    parts = [pl.DataFrame(schema={"age": pl.Duration("us")})]
    for (calendar, bar_interval), rows in known.group_by("calendar", "bar_interval"):
        if feed.kind is Kind.INTRADAY:
            length = timedelta(minutes=sessions.minutes_of(str(bar_interval)))
            ended = rows.with_columns(end_utc=sessions.to_utc(pl.col("date")) + length)
        else:
            bounds = rows.select(low=pl.col("date").min().dt.date(), high=pl.col("date").max().dt.date()).row(0)
            ended = rows.join(
                sessions.grid(str(calendar), sessions.DAILY, *bounds).select("date", "end_utc"), on="date"
            )
        parts.append(ended.select(age=pl.col("extracted_at") - pl.col("end_utc")))
    return pl.concat(parts)


def _name() -> pl.Expr:
    """The name of an age."""
    name = pl.lit(OLDER)
    for words, until in reversed(AGES):
        name = pl.when(pl.col("age") < until).then(pl.lit(words)).otherwise(name)
    return name
