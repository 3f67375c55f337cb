"""What is to be asked at a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from openingbell.config import Settings
from openingbell.coverage import sweep
from openingbell.coverage.answered import Flags
from openingbell.coverage.evidence import evidence_wanted
from openingbell.coverage.state import State, next_to, states
from openingbell.coverage.wanted import Group, microseconds
from openingbell.landing import Record
from openingbell.splits import Split
from openingbell.universe import Member, Universe

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Due:
    """Sessions of one member that are to be asked for: every session from `first` to `last` of its calendar.

    A `probe` is asked to learn where the vendor's history begins: what comes of it decides what is due next. `bars` are
    those that the sessions are to have in all.
    """

    member: Member
    first: date
    last: date
    probe: bool = False
    bars: int = 0


def due(
    universe: Universe,
    record: Record,
    now: datetime,
    settings: Settings,
    *,
    again: bool = False,
    splits: Sequence[Split] = (),
    sample: int = 0,
    feeds: Collection[str] | None = None,
    search: bool = True,
) -> list[Due]:
    """What is to be asked for at `now`, as runs of neighbouring sessions.

    A session is due when bars of it are final by now and no answer was received after the newest of them became
    final. One that still lacks bars then is asked again after `hole_recheck_minutes`, each time after twice as long,
    `hole_rechecks` times in all; at once with `again`, which is for who asks by name. What the plan excluded is asked
    again after `restricted_recheck_days`. The sessions before one of the `splits` are asked again some sessions
    after it: that shows when the vendor has adjusted them. The week is read again each night, and with `sample` so many
    of those windows that were not read for the longest time. What lies before the beginning of a symbol's history is
    not due.

    Args:
        universe: what is wanted.
        record: what has landed.
        now: the moment, UTC.
        settings: for delays, reaches and rechecks.
        again: whether to ask at once for what is missing.
        splits: splits of the last months.
        sample: windows of the rolling sample.
        feeds: only these feeds.
        search: whether to find the beginning of a history by halving first; else all that is not known is due.
    """
    found: list[Due] = []
    stale: list[sweep.Stale] = []
    groups: dict[int, Group] = {}
    for group, state in states(universe, record, now, settings, evidence=evidence_wanted(splits, now), feeds=feeds):
        found += _runs(group, state, _due(group, state, now, settings, again=again, search=search))
        if sample and group.feed.has_grid:
            stale += sweep.stalest(group, state.found, microseconds(now), sample)
            groups.update(dict.fromkeys(group.numbers, group))
    for window in sorted(stale, key=lambda one: one.last)[:sample]:
        days = groups[window.number].days
        first, last = (EPOCH + timedelta(days=int(days[n])) for n in (window.columns[0], window.columns[1] - 1))
        found.append(Due(universe.members[window.number], first, last))
    return found


def _due(group: Group, state: State, now: datetime, settings: Settings, *, again: bool, search: bool) -> Flags:
    found, moment = state.found, microseconds(now)
    minute, day = 60_000_000, 86_400_000_000
    refused = found.restricted & (found.last > moment - settings.restricted_recheck_days * day)
    backoff = 2.0 ** np.clip(found.since_final - 1, 0, 60)
    rested = found.last + (settings.hole_recheck_minutes * minute * backoff) <= moment
    lacking = found.landed < group.expected
    recheck = again | ((found.since_final <= settings.hole_rechecks) & rested)
    wanted = (found.since_final == 0) | (lacking & recheck) | (found.restricted & ~refused)
    wanted &= ~refused & ~next_to(found, refused)
    if group.feed.has_grid:
        night = microseconds(sweep.last_night(now, settings))
        wanted |= sweep.week(group, found, night, settings.revision_sessions)
        wanted &= group.expected > 0
    if search:
        wanted &= ~state.searched | state.probe | (found.since_final > 0)
    due_now: Flags = wanted & state.is_wanted(group) & state.begun(group)
    return due_now


def _runs(group: Group, state: State, wanted: Flags) -> Iterator[Due]:
    """The due cells as runs of neighbouring sessions, member by member, oldest first."""
    edges = np.diff(np.pad(wanted.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, begins = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    sums = np.concatenate([[0], np.cumsum(group.expected)])
    for row, begin, end in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True):
        first, last = (EPOCH + timedelta(days=int(group.days[n])) for n in (begin, end - 1))
        is_probe = bool(state.probe[row, begin:end].any())
        yield Due(group.members[row], first, last, is_probe, int(sums[end] - sums[begin]))
