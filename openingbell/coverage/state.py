"""What is known of the sessions of members: what is wanted, what was answered, and where history begins, together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from openingbell.config import Settings
from openingbell.coverage.answered import Answered, Asked, Flags, answered, judged
from openingbell.coverage.evidence import NO_EVIDENCE, RE_READ
from openingbell.coverage.history import beginning, window_sessions
from openingbell.coverage.wanted import Group, Integers, groups, microseconds
from openingbell.feeds import EOD
from openingbell.landing import Record
from openingbell.universe import Universe

EPOCH = date(1970, 1, 1)


def states(
    universe: Universe,
    record: Record,
    now: datetime,
    settings: Settings,
    *,
    evidence: pl.DataFrame = NO_EVIDENCE,
    loaded: pl.Series | None = None,
    feeds: Collection[str] | None = None,
) -> Iterator[tuple[Group, State]]:
    """The members of a universe in groups that are small enough, official days first: they say where history begins.

    Args:
        universe: what is wanted.
        record: what has landed.
        now: the moment, UTC.
        settings: for delays and reaches.
        evidence: sessions that are to be asked again, as `evidence_wanted` gives them.
        loaded: the load_ids that the warehouse holds; None: nobody asks.
        feeds: only these feeds.
    """
    listed: dict[str, int] = {}
    looks_far_back = any(member.since is not None for member in universe.members)
    needed = None if feeds is None else {*feeds, EOD.name} if looks_far_back else feeds
    asks = judged(record, settings)
    asked = Asked(asks, loaded)
    for group in groups(universe, asks, now, settings, needed):
        for part in group.parts():
            state = State.of(part, asked, evidence, listed)
            if part.feed is EOD:
                listed |= state.listings(part)
            if feeds is None or part.feed.name in feeds:
                yield part, state


@dataclass(frozen=True)
class State:
    """What is known of the sessions of some members: a row a member, a column a session.

    `before` is the column before which a member's history has not begun, `listed` the one of its first official bar,
    `probes` what is to be asked to find the beginning.
    """

    found: Answered
    final_at: Integers
    before: Integers
    listed: Integers
    probe: Flags
    searched: Flags

    @classmethod
    def of(cls, group: Group, asks: Asked, evidence: pl.DataFrame, listed: dict[str, int]) -> State:
        """The state of a group, given the asks of the record and the first official day of symbols (since 1970)."""
        shape = (len(group.members), len(group.days))
        final_at = np.broadcast_to(group.final_at, shape)
        if len(evidence) and group.feed.name in RE_READ:
            final_at = _with_evidence(group, final_at, evidence)
        found = answered(group, asks, final_at)
        before = np.zeros(len(group.members), np.int64)
        listings = np.zeros(len(group.members), np.int64)
        probe, searched = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        if group.feed.has_grid:
            asked = (found.since_final > 0) & ~found.restricted
            for row, member in enumerate(group.members):
                if group.feed is not EOD and member.symbol in listed:
                    listings[row] = np.searchsorted(group.days, listed[member.symbol])
                first, end = max(int(group.first[row]), int(listings[row])), int(group.end[row])
                if first < end:
                    begin = beginning(
                        asked[row], found.landed[row] > 0, first=first, end=end, window=window_sessions(group.feed)
                    )
                    before[row] = begin.before
                    searched[row, slice(*begin.searched)] = True
                    if begin.probe is not None:
                        probe[row, slice(*begin.probe)] = True
        return cls(found, final_at, before, listings, probe, searched)

    def is_wanted(self, group: Group) -> Flags:
        """The cells that are wanted, or were asked for by name."""
        return group.wanted() & ((np.arange(len(group.days)) >= group.first[:, None]) | (self.found.times > 0))

    def begun(self, group: Group) -> Flags:
        """The cells in which a member's history has begun, as far as it is known."""
        begun: Flags = np.arange(len(group.days)) >= np.maximum(self.before, self.listed)[:, None]
        return begun

    def listings(self, group: Group) -> dict[str, int]:
        """Of official days, the first one of each symbol (since 1970): nothing was there before it."""
        known = np.flatnonzero((self.before > 0) & (self.before < len(group.days)))
        return {group.members[row].symbol: int(group.days[self.before[row]]) for row in known}


def next_to(found: Answered, refused: Flags) -> Flags:
    """The cells that need not be asked because the plan excludes what is next to them: all of a member of which nothing
    was ever answered, else those that are older than one that was refused.
    """
    columns = np.arange(refused.shape[1])
    newest: Integers = np.max(np.where(refused, columns, -1), axis=1, initial=-1, keepdims=True)
    has_answer: Flags = np.any((found.times > 0) & ~found.restricted, axis=1, keepdims=True)
    spared: Flags = ((columns < newest) & (found.times == 0)) | ((newest >= 0) & ~has_answer)
    return spared


def _with_evidence(group: Group, final_at: Integers, evidence: pl.DataFrame) -> Integers:
    """When sessions are final, or later where they are to be asked again because of a split."""
    rows = {member.symbol: row for row, member in enumerate(group.members)}
    later = final_at.copy()
    for symbol, session, again_at in evidence.iter_rows():
        day = (session - EPOCH).days
        column = int(np.searchsorted(group.days, day))
        if symbol in rows and column < len(group.days) and group.days[column] == day:
            later[rows[symbol], column] = max(later[rows[symbol], column], microseconds(again_at))
    return later
