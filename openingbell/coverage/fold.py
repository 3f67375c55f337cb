"""The state of every session, with its excuse: the table `coverage`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import numpy as np
import polars as pl

from openingbell import sessions, tables
from openingbell.config import Settings
from openingbell.coverage.excuses import QUARANTINED, halted
from openingbell.coverage.state import State, next_to, states
from openingbell.coverage.wanted import Group
from openingbell.landing import Record
from openingbell.universe import Universe

MOMENT = pl.Datetime("us")
COMPLETE = "complete"
EXCUSED = ("halted", "before listing", "before history", "restricted")
"""States of sessions that lack bars although nothing is amiss."""
STATES = (COMPLETE, "pending", "not asked", "empty", "quarantined", *EXCUSED)


def fold(
    universe: Universe,
    record: Record,
    loaded: Collection[str],
    now: datetime,
    settings: Settings,
    *,
    first: date | None = None,
    last: date | None = None,
    quarantined: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The state of every wanted session at `now`, in the shape of the table `coverage`.

    Args:
        universe: what is wanted.
        record: what has landed.
        loaded: the load_ids that the warehouse holds.
        now: the moment, UTC; bars that are not final by then are not expected yet.
        settings: for the delays and the first run's reach.
        first: only sessions from this one on.
        last: only sessions up to this one.
        quarantined: rows in quarantine by feed, symbol and session, as `quarantined_by_session` gives them.
    """
    bars = Universe(tuple(member for member in universe.members if member.feed.has_grid))
    ids = pl.Series(list(loaded), dtype=pl.String)
    frames = [_cells(group, state, first, last) for group, state in states(bars, record, now, settings, loaded=ids)]
    cells = pl.concat(frames) if frames else _no_cells()
    closures = sessions.in_force()
    session = ["feed", "symbol", "session"]
    known = (
        cells.join(QUARANTINED.to_frame() if quarantined is None else quarantined, on=session, how="left")
        .join(halted(closures.halts if closures else (), bars.members), on=session, how="left")
        .with_columns(pl.col("rows_quarantined", "bars_halted").fill_null(0), _traded().alias("traded"))
    )
    stated = known.with_columns(state=_state()).with_columns(excuse=_excuse())
    return tables.COVERAGE.conform(stated).sort(tables.COVERAGE.key)


def _cells(group: Group, state: State, first: date | None, last: date | None) -> pl.DataFrame:
    """One row a session that is wanted and has final bars."""
    days = pl.Series(group.days.astype(np.int32)).cast(pl.Date)
    inside = np.ones(len(days), np.bool_)
    if first is not None:
        inside &= (days >= first).to_numpy()
    if last is not None:
        inside &= (days <= last).to_numpy()
    rows, columns = np.nonzero(state.is_wanted(group) & (group.expected > 0) & inside)
    found = state.found
    names = np.array([member.symbol for member in group.members], dtype=object)
    classes = np.array([member.asset_class for member in group.members], dtype=object)
    half = np.isin(group.days, _half_days(group))
    return pl.DataFrame(
        {
            "feed": pl.repeat(group.feed.name, len(rows), dtype=pl.String, eager=True),
            "asset_class": pl.Series(classes[rows].tolist(), dtype=pl.String),
            "symbol": pl.Series(names[rows].tolist(), dtype=pl.String),
            "bar_interval": pl.repeat(group.members[0].bar_interval, len(rows), dtype=pl.String, eager=True),
            "session": days.gather(columns),
            "bars_expected": group.expected[columns],
            "landed": found.landed[rows, columns],
            "bars_present": np.minimum(found.loaded[rows, columns], group.expected[columns]),
            "restricted": (found.restricted | next_to(found, found.restricted))[rows, columns],
            "since_final": found.since_final[rows, columns],
            "asked_times": found.times[rows, columns],
            "asked": found.last[rows, columns],
            "is_before_listing": columns < state.listed[rows],
            "is_before_history": columns < state.before[rows],
            "is_half_day": half[columns],
        },
        schema_overrides={"session": pl.Date},
    ).with_columns(last_asked_at=pl.when(pl.col("asked") > 0).then(pl.from_epoch("asked", "us").cast(MOMENT)))


def _half_days(group: Group) -> list[int]:
    first, last = (date(1970, 1, 1).toordinal() + int(group.days[n]) for n in (0, -1))
    half = sessions.half_days(group.members[0].calendar, date.fromordinal(first), date.fromordinal(last))
    return [(day - date(1970, 1, 1)).days for day in half]


def _traded() -> pl.Expr:
    """Whether the symbol traded that day; null unless both its official day and its bars were asked for, and the vendor
    knows it at all.
    """
    asked = pl.col("since_final") > 0
    of_day = ((pl.col("feed") == "eod") & asked).any().over("symbol", "session")
    of_bars = ((pl.col("feed") != "eod") & asked).any().over("symbol", "session")
    is_known = pl.col("landed").max().over("symbol") > 0
    return pl.when(of_day & of_bars & is_known).then(pl.col("landed").max().over("symbol", "session") > 0)


def _state() -> pl.Expr:
    present, expected = pl.col("bars_present"), pl.col("bars_expected")
    return (
        pl.when(present == expected)
        .then(pl.lit("complete"))
        .when("restricted")
        .then(pl.lit("restricted"))
        .when("is_before_listing")
        .then(pl.lit("before listing"))
        .when("is_before_history")
        .then(pl.when(pl.col("feed") == "eod").then(pl.lit("before listing")).otherwise(pl.lit("before history")))
        .when(pl.col("since_final") == 0)
        .then(pl.lit("not asked"))
        .when(pl.col("landed") > present)
        .then(pl.lit("pending"))
        .when(pl.col("rows_quarantined") > 0)
        .then(pl.lit("quarantined"))
        .when((expected - present <= pl.col("bars_halted")) | (~pl.col("traded") & (present == 0)))
        .then(pl.lit("halted"))
        .otherwise(pl.lit("empty"))
    )


def _excuse() -> pl.Expr:
    state = pl.col("state")
    asked = pl.format(
        "asked {}, last {} UTC, the vendor has {} of {}",
        pl.when(pl.col("asked_times") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", "asked_times")),
        pl.col("last_asked_at").dt.strftime("%Y-%m-%d %H:%M"),
        "landed",
        "bars_expected",
    )
    words = {
        "restricted": pl.lit("the plan excludes it"),
        "before listing": pl.lit("before the first official daily bar"),
        "before history": pl.lit("before the vendor's history"),
        "not asked": pl.lit("not asked since its bars are final"),
        "pending": pl.lit("landed, not loaded"),
        "quarantined": pl.format("{} rows cannot be read, see quarantine", "rows_quarantined"),
        "halted": pl.format("{}; {}", pl.col("halt").fill_null("no bar of any kind that day"), asked),
        "empty": asked,
    }
    excuse = pl.lit(None, pl.String)
    for name, text in words.items():
        excuse = pl.when(state == name).then(text).otherwise(excuse)
    half = pl.lit("half day")
    return pl.when("is_half_day").then(pl.concat_str(excuse, half, separator="; ", ignore_nulls=True)).otherwise(excuse)


def _no_cells() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "feed": pl.String, "asset_class": pl.String, "symbol": pl.String, "bar_interval": pl.String,
            "session": pl.Date, "bars_expected": pl.Int64, "landed": pl.Int64, "bars_present": pl.Int64,
            "restricted": pl.Boolean, "since_final": pl.Int64, "asked_times": pl.Int64, "asked": pl.Int64,
            "is_before_listing": pl.Boolean, "is_before_history": pl.Boolean, "is_half_day": pl.Boolean,
            "last_asked_at": MOMENT,
        }
    )  # fmt: skip
