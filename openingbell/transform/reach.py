"""Reach: how far each derivation reads back, and how far a change reaches forward.

One mechanism turns changed spans into what is to be read and written: a tick, a late bar, a correction in the middle of
history and a full rebuild are the same call with different spans. Ranges are read by time, with a margin, and widened
for those symbols alone that turn out to have too few bars in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

import polars as pl

from openingbell import feeds, sessions
from openingbell.indicators import WARM_UP
from openingbell.quality.score import is_usable
from openingbell.tables import Table
from openingbell.transform.promote import RELATIVE_VOLUME_SESSIONS
from openingbell.warehouse.protocol import Reader

BATCH_BARS = 650_000
"""Bars that are worked on at once, about: bounds memory."""
CONTEXT_DAYS = 70
"""Calendar days around a change that are read with it, about."""
BARS_A_DAY: Mapping[str, float] = {"stock": 18.0, "index": 18.0, "commodity": 66.0}
"""15-minute bars of a symbol on a calendar day, about."""
SESSION_BARS = 26
"""15-minute bars of a whole session of stocks, as a first guess of how far back a number of bars lies."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reach:
    """Bars and sessions before a bar that its row rests on; a change reaches as many forward."""

    bars: int = 0
    sessions: int = 0


PROMOTION = Reach(bars=1, sessions=RELATIVE_VOLUME_SESSIONS)
BARS = Reach(bars=WARM_UP, sessions=RELATIVE_VOLUME_SESSIONS)
"""Of bars that were made before: for the usual volumes of those that are new, and for the indicators of all."""
DAILY = Reach(sessions=1)


@dataclass(frozen=True)
class Changed:
    """Symbols of which bars of the sessions `first` to `last` changed."""

    symbols: tuple[str, ...]
    first: date
    last: date


def changes(spans: pl.DataFrame, asset_class: str) -> Iterator[Changed]:
    """Changed spans as groups of symbols, so that a group has a bounded number of bars.

    Args:
        spans: symbol, first and last (Date) of what changed; one row a symbol.
        asset_class: theirs.
    """
    bars_a_day = BARS_A_DAY[asset_class]
    rows = sorted(spans.select("first", "last", "symbol").iter_rows())
    for (first, last), group in groupby(rows, key=itemgetter(0, 1)):
        symbols = [symbol for _, _, symbol in group]
        size = max(int(BATCH_BARS / (bars_a_day * ((last - first).days + CONTEXT_DAYS))), 1)
        for start in range(0, len(symbols), size):
            yield Changed(tuple(symbols[start : start + size]), first, last)


def read_around(
    reader: Reader,
    table: Table,
    change: Changed,
    reach: Reach,
    *,
    columns: Sequence[str] | None = None,
    evening: Collection[str] = (),
    ahead: bool = False,
) -> pl.DataFrame:
    """Rows of a table over the change, and `reach` before and after it, in no particular order; or all there are.

    Args:
        reader: of the warehouse.
        table: a table of bars.
        change: what changed.
        reach: how far beyond it. Bars that are not usable do not count.
        columns: only these.
        evening: symbols whose session opens on the evening before, where the table does not say the session.
        ahead: whether `reach` is after the change alone.

    Returns:
        The rows of whole sessions from the change's first one on (what is before it may begin inside one), with
        `session` (Date) and, where the table has flags, `usable` (Boolean).
    """
    symbols: Collection[str] = change.symbols
    bounds = reader.bounds(table) if symbols else None
    empty = table.empty() if columns is None else table.empty().select(columns)
    frames = [_with_session(empty, evening)]
    span = max(span_of(reach.sessions), _guessed(reach.bars, table))
    while symbols and bounds:
        first, last = change.first if ahead else change.first - span, change.last + span
        rows = reader.read(table, columns=columns, symbols=symbols, first=first - DAY, last=last + DAY)
        rows = _with_session(rows, evening).filter(pl.col("session") <= last)
        read = (_day(bounds[0]) if ahead else first, last)
        lacking = _lacking(rows, change, reach, symbols, read, bounds)
        frames.append(rows.filter(~pl.col("symbol").is_in(lacking)) if lacking else rows)
        symbols = lacking
        span *= 4
    return pl.concat(frames)


def with_usable(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars with `usable` (Boolean): they have a close, and no error check fired."""
    return bars.with_columns(usable=is_usable(pl.col("dq_flags")) & pl.col("close").is_not_null())


def session_of(evening: Collection[str] = ()) -> pl.Expr:
    """The session of bars that do not say it, of which those of the symbols `evening` open on the evening before."""
    day = pl.col("date").cast(pl.Date)
    if not evening:
        return day
    shifted = sessions.trading_day(pl.col("date"), feeds.COMMODITIES.calendar)
    return pl.when(pl.col("symbol").is_in(evening)).then(shifted).otherwise(day)


def _with_session(rows: pl.DataFrame, evening: Collection[str]) -> pl.DataFrame:
    if "session" not in rows.columns:
        rows = rows.with_columns(session=session_of(evening))
    return with_usable(rows) if "dq_flags" in rows.columns else rows


def _lacking(
    rows: pl.DataFrame,
    change: Changed,
    reach: Reach,
    symbols: Collection[str],
    read: tuple[date, date],
    bounds: tuple[date, date],
) -> set[str]:
    """The symbols with too few bars before or after the change, where there may be more beyond what was read."""
    counted = pl.col("usable") if "usable" in rows.columns else pl.lit(value=True)
    session = pl.col("session")
    counts = rows.group_by("symbol").agg(
        before=(counted & (session < change.first)).sum(), after=(counted & (session > change.last)).sum()
    )
    is_begun, is_over = read[0] <= _day(bounds[0]), read[1] >= _day(bounds[1])
    if reach.bars == 0 or (is_begun and is_over):
        return set()
    few = pl.lit(value=False)
    if not is_begun:
        few = few | (pl.col("before") < reach.bars)
    if not is_over:
        few = few | (pl.col("after") < reach.bars)
    absent = set(symbols) - set(counts["symbol"])
    return absent | set(counts.filter(few)["symbol"])


def _day(moment: date) -> date:
    """The day of a date or datetime."""
    return date(moment.year, moment.month, moment.day)


def _guessed(bars: int, table: Table) -> timedelta:
    """Calendar days that most often hold so many bars of a symbol; who finds too few looks further."""
    count = bars if table.schema[table.order] == pl.Date else -(-bars // SESSION_BARS)
    return timedelta(days=int(count * 365.25 / 252) + 7) if bars else timedelta(0)


def span_of(sessions: int) -> timedelta:
    """Calendar days that surely hold so many sessions."""
    return timedelta(days=int(sessions * 1.6) + 7) if sessions else timedelta(0)
