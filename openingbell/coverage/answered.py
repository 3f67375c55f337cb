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


class Asked:
    """The asks of the record as arrays, by position: made once, then each group takes its own.

    Args:
        asks: of all feeds, as `judged` gives them.
        loaded: the load_ids that the warehouse holds; None: nobody asks.
    """

    def __init__(self, asks: pl.DataFrame, loaded: pl.Series | None = None) -> None:
        self.first, self.last, self.at, self.judged = (
            asks[name].to_physical().to_numpy()
            for name in ("covered_first", "covered_last", "answered_at", "judged_at")
        )
        self.restricted = asks["restricted"].to_numpy()
        self.loaded = (
            np.zeros(len(asks), np.bool_)
            if loaded is None
            else asks["load_id"].cast(pl.String).is_in(loaded.implode()).to_numpy()
        )
        bars = asks["bars"].rechunk().to_arrow()
        self._offsets = bars.offsets.to_numpy()
        self._values = bars.values.to_numpy()

    def bars(self, positions: Integers, days: Integers) -> Integers:
        """The bars that each ask (by its position) has of the session that is so many days behind its first."""
        begin, end = self._offsets[positions], self._offsets[positions + 1]
        inside = begin + days < end
        bars = np.zeros(len(positions), np.int64)
        bars[inside] = self._values[(begin + days)[inside]]
        return bars


def answered(group: Group, asked: Asked, final_at: Integers) -> Answered:
    """What the asks of the record say about a group.

    Args:
        group: the members and sessions.
        asked: the asks of the record.
        final_at: from when on an answer counts as final, by cell (µs since 1970); later than the group's where a
            session is to be asked again.
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
    for part in _spread(group, asked):
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


def _spread(group: Group, asked: Asked) -> Iterator[_Pairs]:
    """The asks of a group as pairs of answer and session: a cell's pairs come in the order of the answers."""
    days, bounds = group.days, group.asks.bounds
    for begin, end in _chunks(asked, group):
        positions = group.asks.positions[begin:end]
        start = np.searchsorted(days, asked.first[positions])
        widths = np.maximum(np.searchsorted(days, asked.last[positions], side="right") - start, 0)
        ask = np.repeat(np.arange(len(positions)), widths)
        column = start[ask] + np.arange(len(ask)) - np.repeat(np.cumsum(widths) - widths, widths)
        member = np.searchsorted(bounds, np.arange(begin, end), side="right") - 1
        position = positions[ask]
        yield _Pairs(
            cell=member[ask] * len(days) + column,
            at=asked.at[position],
            judged=asked.judged[position],
            bars=asked.bars(position, days[column] - asked.first[position]),
            restricted=asked.restricted[position],
            loaded=asked.loaded[position],
        )


def _chunks(asked: Asked, group: Group) -> Iterator[tuple[int, int]]:
    """Runs of a group's asks, from and to, of some PAIRS pairs each."""
    positions = group.asks.positions
    numbers = np.cumsum(asked.last[positions] - asked.first[positions] + 1) // PAIRS
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
