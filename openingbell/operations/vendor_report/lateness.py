"""How late the vendor is: between which ages after its end it first had each bar, as far as the record can tell. Pure.

Nobody was there when a bar came. An answer without it says that it came later, an answer with it that it had come: its
delay lies between the two (it is interval-censored), to a step. The age of an answer is counted from when its feed's
word can be there at the earliest: the end of the bar and the feed's own `final_after`. A bar that was seen while it
formed counts from its end on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell import sessions
from openingbell.feeds import Feed

STEP_SECONDS = 5
"""Ages are rounded up to whole steps: answers of one round of questions count as one moment."""
WATCHED = timedelta(days=1)
"""Answers that are older than their bar by more say nothing of its delay: a bar that comes later is a hole first."""
CLOSE_SECONDS = 7_200
"""A bar that was there at the first look says something when that look was no later. More than the longest delay that
is learned: else one that was learned in bad days would silence the good ones, and stay.
"""
REACH = timedelta(days=4)
"""Sessions that bear the date of up to so many days before an answer may have bars that it watches."""

ROWS = pl.Schema({"load_id": pl.String(), "symbol": pl.String(), "date": pl.Datetime("us")})
"""Which bars landed files hold, whatever they say: `date` is the bar's start, midnight of a daily one."""
INTERVALS = pl.Schema(
    {
        "symbol": pl.String(),
        "session": pl.Date(),
        "date": pl.Datetime("us"),
        "over": pl.Int64(),
        "at_most": pl.Int64(),
    }
)
"""One row a bar: it came later than `over` seconds (0: nobody looked before) and no later than `at_most`."""


WATCHERS = ("load_id", "symbol", "calendar", "bar_interval", "answered_at", "first", "last", "rows")
"""Columns of answers that may have been there when bars came; `first` and `last` are the sessions that they watch."""


@dataclass(frozen=True)
class Bracket:
    """A delay lies above `over` seconds and is at most `at_most` seconds."""

    over: int
    at_most: int


def watchers(asks: pl.DataFrame) -> pl.DataFrame:
    """The answers that may have been there when bars came, `WATCHERS`: one about older sessions says nothing of it.

    Args:
        asks: those of the record, of one feed, with `bar_interval`.
    """
    answered = asks.filter(~pl.col("restricted")).with_columns(
        pl.col("load_id", "symbol", "calendar").cast(pl.String),
        first=pl.max_horizontal("covered_first", pl.col("answered_at").dt.date() - REACH),
        last="covered_last",
    )
    return answered.filter(pl.col("first") <= pl.col("last")).select(WATCHERS)


def intervals(watching: pl.DataFrame, rows: pl.DataFrame, feed: Feed, since: datetime) -> pl.DataFrame:
    """When bars came that ended from `since` on.

    Args:
        watching: all answers about some symbols since then, `WATCHERS`.
        rows: which bars their files hold (`ROWS`).
        feed: theirs.
        since: the moment.

    Returns:
        `INTERVALS`: bars that an answer had within a day. One that never came is a hole, not late.
    """
    numbered = watching.with_row_index("answer")
    seen = rows.join(numbered.select("answer", "load_id", "symbol"), on=["load_id", "symbol"]).select("answer", "date")
    parts = numbered.partition_by("calendar", "bar_interval")
    found = [_of_calendar(part, seen.with_columns(is_there=True), feed, since) for part in parts]
    return pl.concat([INTERVALS.to_frame(), *found]).sort("symbol", "date")


def _of_calendar(watching: pl.DataFrame, seen: pl.DataFrame, feed: Feed, since: datetime) -> pl.DataFrame:
    calendar, bar_interval = watching.select("calendar", "bar_interval").row(0)
    bounds = watching.select(pl.col("first").min(), pl.col("last").max()).row(0)
    grid = sessions.grid(calendar, bar_interval, *bounds).filter(pl.col("end_utc") >= since)
    ended = grid.select("session", "date", from_=pl.col("end_utc") + feed.final_after)
    looks = (
        watching.select("answer", "symbol", "answered_at", session=pl.date_ranges("first", "last"))
        .explode("session")
        .join(ended, on="session")
        .filter(pl.col("answered_at").is_between(pl.col("from_"), pl.col("from_") + WATCHED))
        .join(seen, on=["answer", "date"], how="left")
    )
    seconds = (pl.col("answered_at") - pl.col("from_")).dt.total_microseconds() / 1e6
    aged = looks.with_columns(age=(seconds / STEP_SECONDS).ceil().cast(pl.Int64) * STEP_SECONDS)
    came = aged.filter("is_there").group_by("symbol", "session", "date").agg(at_most=pl.col("age").min())
    before = (
        aged.filter(pl.col("is_there").is_null())
        .join(came, on=["symbol", "date"])
        .filter(pl.col("age") < pl.col("at_most"))
        .group_by("symbol", "date")
        .agg(over=pl.col("age").max())
    )
    return came.join(before, on=["symbol", "date"], how="left").select(
        "symbol", "session", "date", pl.col("over").fill_null(0), "at_most"
    )


def telling(found: pl.DataFrame) -> pl.DataFrame:
    """The bars of `INTERVALS` that say something of the usual delay: somebody looked soon."""
    return found.filter((pl.col("over") > 0) | (pl.col("at_most") <= CLOSE_SECONDS))


def bracket(found: pl.DataFrame, share: float) -> Bracket | None:
    """Between which ages a share of bars had come.

    At an age a bar has come, has not, or nobody knows; the share is that of the bars of which it is known.

    Args:
        found: `INTERVALS`, or any frame with `over` and `at_most`.
        share: above 0, at most 1.

    Returns:
        The greatest age at which fewer had come, and the least from which on as many had; None without bars.
    """
    if found.is_empty():
        return None
    there, known, ages = _known(found)
    enough = there >= share * known - 1e-9
    first = int(np.argmax(enough))  # it only grows, and at the greatest age all that are known have come
    return Bracket(int(ages[first - 1]) if first else 0, int(ages[first]))


def _known(found: pl.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """At each age at which something changes: bars that had come, and bars of which it is known; and the ages."""
    at_most = np.sort(found["at_most"].to_numpy())
    over = np.sort(found.filter(pl.col("over") > 0)["over"].to_numpy())
    ages = np.unique(np.concatenate([at_most, over]))
    there = np.searchsorted(at_most, ages, side="right")
    late = len(over) - np.searchsorted(over, ages, side="left")
    return there, there + late, ages


def by_session(found: pl.DataFrame, share: float, least: int) -> pl.DataFrame:
    """The bracket of each session by itself, as far as it rests on bars enough.

    Args:
        found: `INTERVALS`.
        share: see `bracket`.
        least: at an age at which of fewer bars of the session something is known, nothing is.

    Returns:
        session (Date), over and at_most (Int64 seconds) of sessions that have such an age, oldest first.
    """
    rows = []
    for (session,), bars in found.group_by("session"):
        there, known, ages = _known(bars)
        sure = known >= least
        enough = there >= share * known - 1e-9
        if (sure & enough).any():
            at_most = int(ages[sure & enough][0])
            late = ages[sure & ~enough & (ages < at_most)]
            rows.append((session, int(late[-1]) if len(late) else 0, at_most))
    schema = {"session": pl.Date(), "over": pl.Int64(), "at_most": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("session")
