"""Sessions that are asked again although they are known: before splits, to see whether the vendor has adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import sessions
from openingbell.feeds import EOD, STOCKS
from openingbell.splits import Split

EVIDENCE_SESSIONS_BEFORE = 3
"""Sessions before a split's ex-date that are asked again after it."""
EVIDENCE_SESSIONS_AFTER = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20)
"""Sessions from the ex-date on in which they are."""
EVIDENCE_DELAY = timedelta(minutes=20)
"""After a session's open: the first bar on the new basis is there."""
EVIDENCE_DAYS = timedelta(days=45)
RE_READ = (STOCKS.name, EOD.name)
MOMENT = pl.Datetime("us", "UTC")
NO_EVIDENCE = pl.DataFrame(schema={"symbol": pl.String(), "session": pl.Date(), "again_at": MOMENT})


def evidence_wanted(splits: Sequence[Split], now: datetime) -> pl.DataFrame:
    """The sessions of which new answers are wanted, because they show whether the vendor has adjusted for a split.

    Returns:
        symbol, session (Date) and again_at (Datetime µs UTC): an answer is wanted that was received after it.
    """
    rows = []
    for split in splits:
        if split.ex_date > now.date() + timedelta(days=1) or now.date() - split.ex_date > EVIDENCE_DAYS:
            continue
        after = sessions.schedule(STOCKS.calendar, split.ex_date, split.ex_date + EVIDENCE_DAYS)["open_utc"].to_list()
        moments = [after[n] + EVIDENCE_DELAY for n in EVIDENCE_SESSIONS_AFTER if n < len(after)]
        begun = [moment for moment in moments if moment <= now]
        if begun:
            before = sessions.schedule(
                STOCKS.calendar, split.ex_date - EVIDENCE_DAYS, split.ex_date - timedelta(days=1)
            )
            days: list[date] = before["session"].to_list()
            rows += [(split.symbol, day, begun[-1]) for day in days[-EVIDENCE_SESSIONS_BEFORE:]]
    frame = pl.DataFrame(rows, schema=NO_EVIDENCE.schema, orient="row")
    return frame.group_by("symbol", "session").agg(pl.col("again_at").max())
