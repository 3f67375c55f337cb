"""From what is due to requests: windows short enough that an answer comes whole, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from openingbell import sessions
from openingbell.coverage import Due
from openingbell.feeds import Kind
from openingbell.universe import Member

BATCH_SYMBOLS = 100
LATE, AHEAD = timedelta(days=7), timedelta(days=14)


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
        if self.member.feed.kind is Kind.ACTIONS:
            if not self.member.feed.whole_market:
                return {"symbol": self.member.symbol}
            return {"from": (self.first - LATE).isoformat(), "to": (self.last + AHEAD).isoformat()}
        evening = self.member.feed.kind is Kind.INTRADAY and sessions.opens_in_the_evening(self.member.calendar)
        span = {"from": (self.first - timedelta(days=evening)).isoformat(), "to": self.last.isoformat()}
        return span if self.member.feed.kind is Kind.RATES else {"symbol": self.member.symbol, **span}


def plan(due: Iterable[Due]) -> list[list[Request]]:
    """Batches of requests, to be sent in this order; what one batch answers is landed as one file.

    A batch holds requests of one feed for at most 100 symbols. Each symbol's newest window comes first, so that
    whatever happens the most recent data are there.
    """
    by_member: dict[Member, list[Request]] = {}
    for stretch in due:
        by_member.setdefault(stretch.member, []).extend(_windows(stretch))
    by_feed: dict[str, list[list[Request]]] = {}
    for member, requests in by_member.items():
        newest_first = sorted(requests, key=lambda request: request.last, reverse=True)
        by_feed.setdefault(member.feed.name, []).append(newest_first)
    return [batch for members in by_feed.values() for batch in _rounds(members)]


def _windows(stretch: Due) -> list[Request]:
    """The sessions of a stretch in windows that begin and end with a session, so that nothing else is asked."""
    member = stretch.member
    if member.feed.kind is Kind.ACTIONS and not member.feed.whole_market:
        return [Request(member, stretch.first, stretch.last)]  # its answer is all of them, whatever the window
    days: list[date] = sessions.schedule(member.calendar, stretch.first, stretch.last)["session"].to_list()
    windows: list[Request] = []
    last = days[-1]
    for day, before in zip(reversed(days), [*reversed(days[:-1]), None], strict=True):
        if before is None or (last - before).days >= member.feed.window_days:
            windows.append(Request(member, day, last))
            last = before or day
    return windows


def _rounds(members: list[list[Request]]) -> list[list[Request]]:
    rounds = max(len(requests) for requests in members)
    batches = []
    for start in range(0, len(members), BATCH_SYMBOLS):
        group = members[start : start + BATCH_SYMBOLS]
        batches += [
            (number, [requests[number] for requests in group if number < len(requests)]) for number in range(rounds)
        ]
    return [batch for _, batch in sorted(batches, key=lambda item: item[0]) if batch]
