"""What an answer really covers. Pure.

The vendor cuts long answers silently at their oldest end. An answer covers the sessions that it reaches; the rest is
asked again as a window of its own, and only an answer that has nothing to add covers what it does not reach.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell import sessions
from openingbell.extract.plan import Request
from openingbell.feeds import BAR_FIELDS, TENORS, Kind
from openingbell.landing.lines import Lines
from openingbell.universe import Member

Moments = npt.NDArray[np.datetime64]
ZERO = 48
PATTERNS = {(19, True): b"0000-00-00 00:00:00", (10, False): b"0000-00-00"}
"""How the vendor spells a bar's start and a day, by width and whether it is a bar inside a session; 0 is a digit."""
NEAR = timedelta(days=7)
"""Rows up to this far before what was asked show that an answer reaches it; older ones are garbage, not evidence."""


@dataclass(frozen=True)
class Reach:
    """The first session that an answer covers (it always covers to the last one asked), what is to be asked again, and
    the number of final bars by session; of an answer about instruments, that of the symbols which it is to have.
    """

    covered_first: date
    rest: Request | None
    bars: dict[date, int]


def reach(request: Request, rows: Lines, answered_at: datetime, final_delay: timedelta) -> Reach:
    """How far the answer `rows` to `request` reaches, and how many of its bars were final at `answered_at`."""
    member = request.member
    if member.names and (found := _named(rows, member)):
        return Reach(request.first, None, {request.last: found})
    if not rows.count or "date" not in rows.names or not member.feed.has_grid:
        return Reach(request.first, None, {})
    seen = _seen_in(rows, request)
    if seen is None:
        return Reach(request.first, None, {})
    bars = seen.bars(answered_at - final_delay)
    if seen.earliest < request.first or (seen.earliest == request.first and seen.whole):
        return Reach(request.first, None, bars)
    rest = Request(member, request.first, seen.earliest - timedelta(days=1) if seen.whole else seen.earliest)
    if sessions.schedule(member.calendar, rest.first, rest.last).is_empty():
        return Reach(request.first, None, bars)
    return Reach(rest.last + timedelta(days=1), rest, bars)


def _named(rows: Lines, member: Member) -> int:
    """How many of the symbols that an answer about instruments is to have are in it."""
    if not member.feed.whole_market:
        return min(rows.count, 1)
    return len(set(member.names) & set(rows.frame["symbol"])) if rows.count else 0


@dataclass(frozen=True)
class _Seen:
    """What the dates of an answer say: its earliest session, whether that came whole, and of the bars that a full
    record holds those which are there, by session and with their ends (UTC).
    """

    earliest: date
    whole: bool
    days: Moments
    ends: Moments

    def bars(self, until: datetime) -> dict[date, int]:
        """The number of bars that had ended at a moment, by session."""
        ended = self.ends <= np.datetime64(until.astimezone(UTC).replace(tzinfo=None))
        days, counts = np.unique(self.days[ended], return_counts=True)
        return dict(zip(days.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class _Asked:
    """What of a request tells how its dates are to be read."""

    kind: Kind
    calendar: str
    bar_interval: str
    first: date
    last: date


def _seen_in(rows: Lines, request: Request) -> _Seen | None:
    """What the dates of an answer say; None where no row is near what was asked."""
    member = request.member
    asked = _Asked(member.feed.kind, member.calendar, member.bar_interval, request.first, request.last)
    signs = rows.same_width("date") if rows.are_numbers else None
    if signs is not None and (signs.shape[1], asked.kind is Kind.INTRADAY) in PATTERNS:
        with suppress(ValueError):  # such as a thirteenth month
            return _seen_again(signs.tobytes(), signs.shape[1], asked)
    text = rows.frame["date"]
    if asked.kind is Kind.INTRADAY:
        read = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    else:
        read = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    moments = read.to_numpy()
    is_date = ~np.isnat(moments)
    return _seen(moments[is_date], _readable(rows)[is_date], asked)


@sessions.remembered(maxsize=16)
def _seen_again(text: bytes, width: int, asked: _Asked) -> _Seen | None:
    """What dates of one width say: most symbols of a batch have the same, and they are read once.

    Raises:
        ValueError: they are not spelled as ever, or one is no date.
    """
    signs = np.frombuffer(text, np.uint8).reshape(-1, width)
    pattern = PATTERNS[width, asked.kind is Kind.INTRADAY]
    if (np.where(signs - ZERO < 10, ZERO, signs) != list(pattern)).any():
        raise ValueError(f"not all dates are spelled {pattern.decode()}")
    moments = signs.view(f"S{width}").reshape(-1).astype("datetime64[us]")
    return _seen(moments, np.ones(len(moments), np.bool_), asked)


def _seen(moments: Moments, readable: npt.NDArray[np.bool_], asked: _Asked) -> _Seen | None:
    """What the starts of bars (New York wall clock) say, given of each whether its numbers can be read."""
    is_intraday = asked.kind is Kind.INTRADAY
    days = sessions.trading_days(moments, asked.calendar) if is_intraday else moments.astype("datetime64[D]")
    found = np.unique(days[(days >= np.datetime64(asked.first - NEAR)) & (days <= np.datetime64(asked.last))])
    if not len(found):
        return None
    grid = _grid(asked.calendar, asked.bar_interval, found[0].item(), found[-1].item())
    is_there = _are_among(grid.starts, moments[readable])
    # a session alone in its answer counts as whole: asking for it again would bring the same
    begins_with = grid.starts.min() if len(grid.starts) else None
    whole = not is_intraday or len(found) == 1 or bool(moments[days == found[0]].min() == begins_with)
    return _Seen(found[0].item(), whole, grid.days[is_there], grid.ends[is_there])


def _are_among(wanted: Moments, found: Moments) -> npt.NDArray[np.bool_]:
    """Of each moment that is wanted whether it was found; numpy's own way takes five times as long."""
    if not len(found):
        return np.zeros(len(wanted), np.bool_)
    ordered = np.sort(found)
    are_there: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)] == wanted
    return are_there


def _readable(rows: Lines) -> npt.NDArray[np.bool_]:
    """Of each row whether its numbers can be read."""
    names = [name for name in (*BAR_FIELDS, *TENORS) if name in rows.names]
    if not names:
        return np.ones(rows.count, np.bool_)
    are_numbers = (
        pl.col(name).is_null() | pl.col(name).str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
        for name in names
    )
    return rows.frame.select(pl.all_horizontal(are_numbers)).to_series().to_numpy()


@dataclass(frozen=True)
class _Grid:
    """Every bar that sessions have: trading day, start on the wall clock, and end in UTC."""

    days: Moments
    starts: Moments
    ends: Moments


@sessions.remembered(maxsize=64)
def _grid(calendar: str, bar_interval: str, first: date, last: date) -> _Grid:
    grid = sessions.grid(calendar, bar_interval, first, last)
    return _Grid(*(grid[name].to_numpy() for name in ("session", "date", "end_utc")))
