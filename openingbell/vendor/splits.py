"""Stock splits that the simulated market plays, and the manner in which the vendor adjusts its history for them.

Whether and how soon the vendor adjusts is not established, so every manner can be played. This module owns what is
shown when; the prices themselves, which are those after all splits, come from the simulation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

import polars as pl

from openingbell import sessions
from openingbell.errors import UsageError
from openingbell.vendor.source import wall_clock

LATE_SESSIONS = 2
"""Sessions after the ex-date until a late vendor has adjusted."""

SEARCHED_DAYS = 31
"""Calendar days that surely hold that many sessions; the longest closure of 2001 took a week."""

RATIO = re.compile(r"(-?[0-9]{1,9}):(-?[0-9]{1,9})")


class Manner(StrEnum):
    """When the vendor divides the bars before an ex-date by the ratio; a change comes at 00:00 New York.

    At once: on the ex-date. Late: on the second session after the ex-date. Never: bars stay as they were traded.
    """

    AT_ONCE = "at-once"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True)
class PlayedSplit:
    """A split of `symbol`: from `ex_date` on there are `numerator` shares for each `denominator` before.

    A number that is not positive goes out as it is, so that a test can send nonsense, and moves no price.
    """

    symbol: str
    ex_date: date
    numerator: int
    denominator: int
    manner: Manner = Manner.AT_ONCE


def ratio(split: PlayedSplit) -> Fraction:
    """Price as traded before `split` over the same price adjusted for it; 1 where the split makes no sense."""
    if split.numerator <= 0 or split.denominator <= 0:
        return Fraction(1)
    return Fraction(split.numerator, split.denominator)


def has_adjusted(split: PlayedSplit, *, calendar: str, now: datetime) -> bool:
    """Whether answers at `now` show the bars before the ex-date divided by the ratio."""
    today = wall_clock(now).date()
    if split.manner is Manner.NEVER or today < split.ex_date:
        return False
    if split.manner is Manner.AT_ONCE:
        return True
    first, last = (split.ex_date + timedelta(days=days) for days in (1, SEARCHED_DAYS))
    return bool(today >= sessions.schedule(calendar, first, last)["session"][LATE_SESSIONS - 1])


def as_shown(
    bars: pl.DataFrame, splits: Iterable[PlayedSplit], *, calendar: str, decimals: int, now: datetime
) -> pl.DataFrame:
    """Simulated bars of one symbol as the vendor shows them at `now`.

    Args:
        bars: session (Date), open, low, high, close (Float64, dollars after all splits) and volume (Int64, shares after
            all splits), the bars of a session in their order from its first one on. Other columns stay.
        splits: those of the symbol, in any order; each counts for the sessions before its ex-date.
        calendar: the symbol's.
        decimals: to which prices are rounded.

    Returns:
        The same rows. Where the vendor has not adjusted yet, prices are multiplied and volumes divided by the ratio, as
        they were traded. Volumes are whole shares of the session so far, so that bars of any length add up alike.
    """
    waiting = [split for split in splits if ratio(split) != 1 and not has_adjusted(split, calendar=calendar, now=now)]
    if not waiting:
        return bars
    after = before = pl.lit(1, pl.Int64)
    for split in waiting:
        counts = pl.when(pl.col("session") < split.ex_date)
        after *= counts.then(pl.lit(ratio(split).numerator, pl.Int64)).otherwise(pl.lit(1, pl.Int64))
        before *= counts.then(pl.lit(ratio(split).denominator, pl.Int64)).otherwise(pl.lit(1, pl.Int64))
    so_far = pl.col("volume").cum_sum() * before // after
    return bars.with_columns(
        (pl.col("open", "low", "high", "close") * after / before).round(decimals),
        volume=(so_far - so_far.shift(1, fill_value=0)).over("session"),
    )


def announced(splits: Iterable[PlayedSplit]) -> pl.DataFrame:
    """`splits` as rows with `SPLIT_COLUMNS`: numbers Int64, the ex-date as `date`."""
    return pl.DataFrame(
        [(split.symbol, split.ex_date, split.numerator, split.denominator) for split in splits],
        schema={"symbol": pl.String, "date": pl.Date, "numerator": pl.Int64, "denominator": pl.Int64},
        orient="row",
    )


def parse_split(text: str) -> PlayedSplit:
    """The split that is spelled SYMBOL,YYYY-MM-DD,NUMERATOR:DENOMINATOR with the manner behind a further comma, if any.

    Raises:
        UsageError: `text` is spelled otherwise.
    """
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 4:
        raise _unreadable(text, f"it has {len(parts)} parts")
    symbol, day, shares, manner = (*parts, Manner.AT_ONCE.value)[:4]
    if not symbol:
        raise _unreadable(text, "the symbol is empty")
    try:
        ex_date = date.fromisoformat(day)
    except ValueError:
        ex_date = None
    if ex_date is None or ex_date.isoformat() != day:
        raise _unreadable(text, f"{day!r} is no date")
    found = RATIO.fullmatch(shares)
    if found is None:
        raise _unreadable(text, f"{shares!r} is no ratio")
    if manner not in set(Manner):
        raise _unreadable(text, f"{manner!r} is no manner")
    return PlayedSplit(symbol, ex_date, int(found[1]), int(found[2]), Manner(manner))


def _unreadable(text: str, found: str) -> UsageError:
    return UsageError(
        f"asked for --split {text}; {found}; SYMBOL,YYYY-MM-DD,NUMERATOR:DENOMINATOR[,{'|'.join(Manner)}] is allowed, "
        "the numbers whole; write for example --split AAPL,2020-08-31,4:1,late"
    )
