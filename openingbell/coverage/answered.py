"""What the record says about the sessions of some members: how often asked, when last, and what came. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell.config import Settings
from openingbell.coverage.wanted import Group, Integers
from openingbell.feeds import BY_NAME
from openingbell.landing import Record

Flags = npt.NDArray[np.bool_]
PAIRS = 1_000_000
"""Answers times sessions that are spread out at once."""


@dataclass(frozen=True)
class Answered:
    """A row a member, a column a session. `last` is the newest answer (µs since 1970, 0: none); `landed` and `loaded`
    are the most final bars that one answer had, of all and of those that the warehouse holds.
    """

    times: Integers
    since_final: Integers
    last: Integers
    landed: Integers
    loaded: Integers
    restricted: Flags


def judged(record: Record, settings: Settings) -> pl.DataFrame:
    """The asks of the record with `judged_at`: when each would have been answered to be as late under today's delay as
    it was under its own.

    A bar is final by the delay that held when its answer was landed. One that was learned since neither makes the past
    unanswered, nor takes a bar for answered that was still forming then.
    """
    delays = [(name, settings.final_delay(feed)) for name, feed in BY_NAME.items() if feed.has_grid]
    today = pl.DataFrame(delays, schema={"feed": pl.String, "today": pl.Duration("us")}, orient="row")
    files = record.files.select("feed", "load_id", "final_delay").join(today, on="feed")
    shift = pl.col("today") - pl.col("final_delay")
    moved = files.select(pl.col("load_id").cast(pl.Categorical), shift=shift).filter(pl.col("shift") != timedelta(0))
    if moved.is_empty():
        return record.asks.with_columns(judged_at="answered_at")
    return (
        record.asks.join(moved, on="load_id", how="left", maintain_order="left")
        .with_columns(judged_at=pl.col("answered_at") + pl.col("shift").fill_null(timedelta(0)))
        .drop("shift")
    )


def answered(group: Group, asks: pl.DataFrame, final_at: Integers, loaded: pl.Series | None = None) -> Answered:
    """What `asks` (of the record, all feeds) say about a group.

    Args:
        group: the members and sessions.
        asks: the asks of the record, as `judged` gives them.
        final_at: from when on an answer counts as final, by cell (µs since 1970); later than the group's where a
            session is to be asked again.
        loaded: the load_ids that the warehouse holds; None: nobody asks.
    """
    shape = (len(group.members), len(group.days))
    found = Answered(
        times=np.zeros(shape, np.int64),
        since_final=np.zeros(shape, np.int64),
        last=np.zeros(shape, np.int64),
        landed=np.zeros(shape, np.int64),
        loaded=np.zeros(shape, np.int64),
        restricted=np.zeros(shape, np.bool_),
    )
    for part in _spread(group, asks, loaded):
        _count(found, part, final_at, np.broadcast_to(group.final_at, shape))
    return found


@dataclass(frozen=True)
class _Pairs:
    """One row a session that an answer covers."""

    cell: Integers
    at: Integers
    judged: Integers
    bars: Integers
    restricted: Flags
    loaded: Flags


def _spread(group: Group, asks: pl.DataFrame, loaded: pl.Series | None) -> Iterator[_Pairs]:
    """The asks of a group as pairs of answer and session: a cell's pairs come in the order of the answers."""
    days, bounds = group.days, group.asks.bounds
    facts, bars = asks.drop("bars"), _Bars(asks["bars"])
    for begin, end in _chunks(asks["covered_first"], asks["covered_last"], group):
        positions = group.asks.positions[begin:end]
        of_part = facts[positions]
        first = of_part["covered_first"].cast(pl.Int32).to_numpy().astype(np.int64)
        start = np.searchsorted(days, first)
        stop = np.searchsorted(days, of_part["covered_last"].cast(pl.Int32).to_numpy(), side="right")
        widths = np.maximum(stop - start, 0)
        ask = np.repeat(np.arange(len(of_part)), widths)
        column = start[ask] + np.arange(len(ask)) - np.repeat(np.cumsum(widths) - widths, widths)
        member = np.searchsorted(bounds, np.arange(begin, end), side="right") - 1
        is_loaded = (
            np.zeros(len(of_part), np.bool_)
            if loaded is None
            else of_part["load_id"].cast(pl.String).is_in(loaded.implode()).to_numpy()
        )
        yield _Pairs(
            cell=member[ask] * len(days) + column,
            at=of_part["answered_at"].dt.timestamp("us").to_numpy()[ask],
            judged=of_part["judged_at"].dt.timestamp("us").to_numpy()[ask],
            bars=bars.of(positions[ask], days[column] - first[ask]),
            restricted=of_part["restricted"].to_numpy()[ask],
            loaded=is_loaded[ask],
        )


class _Bars:
    """The bars by day of all asks of the record, without a copy of them."""

    def __init__(self, lists: pl.Series) -> None:
        arrow = lists.rechunk().to_arrow()
        self._offsets = arrow.offsets.to_numpy()
        self._values = arrow.values.to_numpy()

    def of(self, positions: Integers, days: Integers) -> Integers:
        """The bars that each ask (by its position) has of the session that is so many days behind its first."""
        begin, end = self._offsets[positions], self._offsets[positions + 1]
        inside = begin + days < end
        bars = np.zeros(len(positions), np.int64)
        bars[inside] = self._values[(begin + days)[inside]]
        return bars


def _chunks(first: pl.Series, last: pl.Series, group: Group) -> Iterator[tuple[int, int]]:
    """Runs of a group's asks, from and to, of some PAIRS pairs each."""
    days = (last.gather(group.asks.positions) - first.gather(group.asks.positions)).dt.total_days().to_numpy()
    numbers = np.cumsum(days + 1) // PAIRS
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return ((begin, end) for begin, end in pairwise(edges) if begin < end)


def _count(found: Answered, pairs: _Pairs, final_at: Integers, own: Integers) -> None:
    """Add pairs, which are in the order of their answers: where a cell comes twice, the newer one is written last."""
    wanted = final_at.reshape(-1)[pairs.cell]
    moment = np.where(wanted == own.reshape(-1)[pairs.cell], pairs.judged, pairs.at)
    np.add.at(found.times.reshape(-1), pairs.cell, 1)
    np.add.at(found.since_final.reshape(-1), pairs.cell[moment >= wanted], 1)
    found.last.reshape(-1)[pairs.cell] = pairs.at
    found.restricted.reshape(-1)[pairs.cell] = pairs.restricted
    np.maximum.at(found.landed.reshape(-1), pairs.cell, pairs.bars)
    np.maximum.at(found.loaded.reshape(-1), pairs.cell[pairs.loaded], pairs.bars[pairs.loaded])
