"""From what is due to requests: as few as the vendor's silent caps allow, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from openingbell import sessions
from openingbell.coverage import Due
from openingbell.feeds import FEEDS, Feed, Kind
from openingbell.universe import Member

BATCH_SYMBOLS = 100
LATE, AHEAD = timedelta(days=7), timedelta(days=14)

Window = tuple[date, date]
"""The first and the last session of a request."""
Windows = tuple[Window, ...]


@dataclass(frozen=True)
class Request:
    """One request: the sessions `first` to `last` of one member."""

    member: Member
    first: date
    last: date

    @property
    def path(self) -> str:
        """Path under the vendor's base URL."""
        return self.member.feed.path

    @property
    def parameters(self) -> dict[str, str]:
        """Query parameters. A session that opens in the evening needs the calendar day before it as well; the calendars
        of corporate actions are asked for what was announced late and early, too.
        """
        feed = self.member.feed
        symbol = {} if feed.whole_market or feed.kind is Kind.RATES else {"symbol": self.member.symbol}
        if feed.kind is Kind.ACTIONS and feed.whole_market:
            return {"from": (self.first - LATE).isoformat(), "to": (self.last + AHEAD).isoformat()}
        if not feed.has_grid:
            return symbol | dict(feed.parameters)
        evening = feed.kind is Kind.INTRADAY and sessions.opens_in_the_evening(self.member.calendar)
        return symbol | {"from": (self.first - timedelta(days=evening)).isoformat(), "to": self.last.isoformat()}


@dataclass(frozen=True)
class Plan:
    """The windows of each member, newest first. It is a sequence of batches only while it is gone through: a plan of
    years for ten thousand symbols has millions of requests.
    """

    members: tuple[tuple[Member, Windows], ...]

    @property
    def requests(self) -> int:
        """How many there are."""
        return sum(len(windows) for _, windows in self.members)

    def __iter__(self) -> Iterator[list[Request]]:
        """Batches of requests, to be sent in this order; what one batch answers is landed as one file.

        A batch holds requests of one feed for at most 100 symbols. Facts come before prices and official days before
        bars: they say what the bars mean and where they begin. Then the newest windows of all feeds come first, so that
        whatever happens the most recent data are there.
        """
        rounds = [round_ for feed, members in self._by_feed() for round_ in _rounds(feed, members)]
        for round_ in sorted(rounds, key=_order):
            yield [Request(member, *windows[round_.number]) for member, windows in round_.members]

    def _by_feed(self) -> Iterator[tuple[Feed, list[tuple[Member, Windows]]]]:
        by_name = sorted(self.members, key=lambda one: RANK[one[0].feed.name])
        for _, members in groupby(by_name, key=lambda one: one[0].feed.name):
            of_feed = list(members)
            yield of_feed[0][0].feed, of_feed


@dataclass(frozen=True)
class _Round:
    """The n-th window of some members of one feed."""

    feed: Feed
    start: int
    number: int
    members: Sequence[tuple[Member, Windows]]


RANK = {feed.name: place for place, feed in enumerate(FEEDS)}


def plan(due: Iterable[Due]) -> Plan:
    """The requests for what is due: runs of one member that fit one window are asked together."""
    runs: dict[Member, list[Window]] = {}
    for stretch in due:
        runs.setdefault(stretch.member, []).append((stretch.first, stretch.last))
    known: dict[tuple[str, str, Windows], Windows] = {}  # most members want the same
    planned = []
    for member, wanted in runs.items():
        key = (member.feed.name, member.calendar, tuple(wanted))
        if key not in known:
            known[key] = _windows(member, key[2])
        planned.append((member, known[key]))
    return Plan(tuple(planned))


def _windows(member: Member, runs: Windows) -> Windows:
    """The sessions of all runs in windows that begin and end with a session that is due: the fewest there can be."""
    if not member.feed.has_grid and not member.feed.whole_market:
        return ((runs[0][0], runs[-1][1]),)  # its answer is all of them, whatever the window
    days: list[date] = [
        day for first, last in runs for day in sessions.schedule(member.calendar, first, last)["session"].to_list()
    ]
    windows: list[Window] = []
    last = first = None
    for day in sorted(set(days), reverse=True):
        if last is None or first is None or (last - day).days >= member.feed.window_days:
            if last is not None and first is not None:
                windows.append((first, last))
            last = day
        first = day
    return (*windows, (first, last)) if first is not None and last is not None else ()


def _rounds(feed: Feed, members: Sequence[tuple[Member, Windows]]) -> Iterator[_Round]:
    for start in range(0, len(members), BATCH_SYMBOLS):
        group = members[start : start + BATCH_SYMBOLS]
        for number in range(max(len(windows) for _, windows in group)):
            asked = [one for one in group if number < len(one[1])]
            yield _Round(feed, start, number, asked)


def _order(round_: _Round) -> tuple[int, int, int, int]:
    newest = max(windows[round_.number][1] for _, windows in round_.members)
    rank = RANK[round_.feed.name]
    if round_.feed.kind is Kind.INTRADAY:
        return len(FEEDS), -newest.toordinal(), rank, round_.start
    return rank, round_.number, rank, round_.start
