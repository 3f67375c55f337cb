"""The stage: sends what is due and lands each batch of answers as one file with its manifest.

Each answer is kept as soon as it is there, so that whoever is killed repeats no more than the calls that were in
flight. What an answer teaches about the beginning of a symbol's history decides what is due next.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

import structlog

from openingbell import coverage
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.coverage import Due
from openingbell.errors import ClockError, KeyRefused, QuotaExhausted, Restricted, Stopped, UnusableAnswer, VendorError
from openingbell.extract.actions import landed_splits
from openingbell.extract.asking import Asking, Reply
from openingbell.extract.budget import Budget
from openingbell.extract.fmp import CLOCK_TOLERANCE, FmpClient
from openingbell.extract.plan import Request, plan
from openingbell.extract.reach import reach
from openingbell.feeds import REFERENCE_FEEDS, Feed
from openingbell.landing import Batch, Landing
from openingbell.landing.batch import Part
from openingbell.progress import Progress
from openingbell.universe import Member, Universe

log = structlog.get_logger()

LISTS = frozenset(feed.name for feed in REFERENCE_FEEDS)
AHEAD_BY_THREAD = 2
"""Requests that are handed to the threads for each of them: enough to keep the pace while a batch lands."""
LONGEST_CHAIN = 5
"""Times that the universe is settled anew in one run; a longer chain of new names is followed by the next one."""
STOPPED = "stopped as asked; what is missing stays due"


@dataclass(frozen=True)
class Wanted:
    """What an extraction is to ask for, of all that is due.

    With `again` also what is missing though it was asked for; only of `feeds`, None for all; `sample` windows of
    history that were not read for the longest time; with `backfill` also what backfills were asked for.
    """

    again: bool = False
    feeds: frozenset[str] | None = None
    sample: int = 0
    backfill: bool = False


@dataclass(frozen=True)
class Failure:
    """A request that got no answer: what it asks stays due."""

    feed: str
    symbol: str
    message: str


@dataclass(frozen=True)
class Extracted:
    """What the stage did. `restricted` are symbols, and feeds of the whole market."""

    requests: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0
    restricted: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    stopped: str = ""
    cut_short: bool = False

    def __add__(self, other: Extracted) -> Extracted:
        return Extracted(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def run(
    universe: Callable[[], Universe],
    landing: Landing,
    client: FmpClient,
    clock: Clock,
    settings: Settings,
    *,
    source: str,
    wanted: Wanted = Wanted(),
    budget: Budget | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> Extracted:
    """Ask for everything that is due and land it, the lists of instruments first: they say which symbols there are.

    `universe` is what is wanted by what has landed so far; it is asked for again when lists have landed. A symbol that
    fails or is outside the plan does not stop the others. When the vendor's quota or the `budget` is used up, or `stop`
    says so, what has come is landed and the rest stays due.

    Raises:
        KeyRefused: the vendor does not accept the key.
        ClockError: by our clock bars would be taken for final that still form.
        VendorError: not one request got an answer.
        RecordError: the disk does not take a file.
    """
    with ThreadPoolExecutor(max_workers=settings.workers) as pool:
        course = _Course(landing, client, clock, settings, source, budget or Budget(), stop, pool, progress)
        members = _settled(universe, course, wanted)
        due = [one for one in _due(members, landing, clock, settings, wanted) if one.member not in course.left_alone]
        while due and not course.done.stopped:
            course.go(due)
            searching = {one.member for one in due if one.probe} - course.left_alone
            more = _due(members, landing, clock, settings, Wanted()) if searching else []
            due = [one for one in more if one.member in searching]
    done = course.done
    if done.failures and not (done.files or done.stopped):
        first = done.failures[0]
        raise VendorError(f"asked for {course.planned} windows; not one was answered; {first.symbol}: {first.message}")
    return replace(done, restricted=tuple(dict.fromkeys(done.restricted)))


def _settled(universe: Callable[[], Universe], course: _Course, wanted: Wanted) -> Universe:
    """The universe once what says which symbols there are has landed; what one list says may make another one due."""
    members = universe()
    feeds = LISTS if wanted.feeds is None else LISTS & wanted.feeds
    for _ in range(LONGEST_CHAIN):
        due = _due(members, course.landing, course.clock, course.settings, replace(wanted, feeds=feeds, sample=0))
        asked = [one for one in due if one.member not in course.left_alone]
        if not asked or course.done.stopped:
            break
        course.go(asked)
        members = universe()
    return members


def _due(universe: Universe, landing: Landing, clock: Clock, settings: Settings, wanted: Wanted) -> list[Due]:
    splits = landed_splits(landing, clock.now())
    return coverage.due(
        universe,
        landing.record(),
        clock.now(),
        settings,
        again=wanted.again,
        splits=splits,
        sample=wanted.sample,
        feeds=wanted.feeds,
    )


@dataclass(eq=False)
class _Sending:
    """A batch under way: its requests that are not sent yet, with their places, the number of replies that are still to
    come, and what answers did not reach.
    """

    feed: Feed
    landing: Batch
    unsent: deque[tuple[int, Request]]
    awaited: int = 0
    rest: list[Request] = field(default_factory=list)


@dataclass
class _Course:
    """An extraction under way. `left_alone` are the members that this run asks no more; `sent` those whose reply is to
    come, with the batch and the place of the request.
    """

    landing: Landing
    client: FmpClient
    clock: Clock
    settings: Settings
    source: str
    budget: Budget
    stop: Callable[[], bool]
    pool: ThreadPoolExecutor
    progress: Progress | None
    done: Extracted = field(default_factory=Extracted)
    planned: int = 0
    left_alone: set[Member] = field(default_factory=set)
    sent: dict[Member, tuple[_Sending, int]] = field(default_factory=dict)
    open: list[_Sending] = field(default_factory=list)
    batches: Iterator[list[Request]] = field(default_factory=lambda: iter(()))
    rests: deque[list[Request]] = field(default_factory=deque)

    def go(self, due: Sequence[Due]) -> None:
        """Send what is due and land it batch by batch, while the next one is on its way; what answers did not reach
        follows at once.
        """
        planned = plan(due)
        self.planned += planned.requests
        self.batches = iter(planned)
        ahead = AHEAD_BY_THREAD * self.settings.workers
        asking = Asking(self.client, self.clock, self.pool, ahead=ahead, stop=self.stop)
        with ExitStack() as at_last:
            at_last.callback(self._land_open)
            replies = at_last.enter_context(closing(asking.replies(self._following)))
            for request, reply in replies:
                self._take(request, reply)
        if self.stop() and not self.done.stopped:
            self.done += Extracted(stopped=STOPPED, cut_short=True)
        if self.done.stopped:
            log.warning("extraction_stopped", reason=self.done.stopped)

    def _following(self) -> Request | None:
        """The next request; None when there is none, or none before another reply has come. A member is asked one thing
        at a time: what comes of it may be that nothing more is to be asked.
        """
        while not (self.done.stopped or self.stop()):
            if not (self.open and self.open[-1].unsent):
                batch = self.rests.popleft() if self.rests else next(self.batches, None)
                if batch is None:
                    return None
                self.open.append(self._opened(batch))
            sending = self.open[-1]
            place, request = sending.unsent[0]
            is_left_alone = request.member in self.left_alone
            if not is_left_alone and (request.member in self.sent or not self._can_afford_more()):
                return None
            sending.unsent.popleft()
            if not is_left_alone:
                sending.awaited += 1
                self.sent[request.member] = (sending, place)
                return request
            self._land_if_whole(sending)
        return None

    def _opened(self, batch: Sequence[Request]) -> _Sending:
        member = batch[0].member
        landing = self.landing.batch(
            member.feed.name,
            source=self.source,
            bar_interval=member.bar_interval,
            basis=member.basis,
            final_delay=self.settings.final_delay(member.feed),
        )
        return _Sending(member.feed, landing, deque(enumerate(batch)))

    def _can_afford_more(self) -> bool:
        """Whether the budget allows another call; when it does not for good, the run comes to its end."""
        can = self.budget.calls_left(self.client.calls + len(self.sent), self.client.bytes) > 0
        if not (can or self.sent):
            self.done += Extracted(stopped=self.budget.exhausted)
        return can

    def _take(self, request: Request, reply: Reply | None) -> None:
        """Keep what came of a request, and land its batch when nothing of it is missing any more."""
        sending, place = self.sent.pop(request.member)
        sending.awaited -= 1
        if reply is not None and not isinstance(reply.error, Stopped):
            if reply.error is None or isinstance(reply.error, Restricted):
                _require_clock(self.client.skew, self.clock.now())
                delay = self.settings.final_delay(sending.feed)
                how_far = reach(request, reply.rows, reply.answered_at, delay)
                sending.landing.add(Part(place, reply.ask(how_far), reply.stamped))
                sending.rest += [how_far.rest] if how_far.rest else []
            self._count(reply)
        self._land_if_whole(sending)

    def _land_open(self) -> None:
        """Land what came of batches that are not whole, all of them also where the disk does not take one."""
        self.sent.clear()
        with ExitStack() as all_of_them:
            while self.open:
                all_of_them.callback(self._land, self.open.pop())

    def _land_if_whole(self, sending: _Sending) -> None:
        if not (sending.unsent or sending.awaited):
            self.open.remove(sending)
            self._land(sending)

    def _count(self, reply: Reply) -> None:
        """What came of a request; a refused key ends the run."""
        error, member = reply.error, reply.request.member
        self.done += Extracted(requests=1, bytes=reply.answer.bytes if reply.answer else 0)
        match error:
            case None:
                return
            case Restricted():
                log.warning("symbol_restricted", feed=member.feed.name, symbol=member.symbol)
                name = member.feed.name if member.feed.whole_market else member.symbol
                self.done += Extracted(restricted=(name,))
            case KeyRefused():
                raise error
            case QuotaExhausted():
                self.done += Extracted(failures=(_failure(reply, error, self.landing),))
                if not self.done.stopped:
                    self.done += Extracted(stopped=str(error))
            case _:
                self.done += Extracted(failures=(_failure(reply, error, self.landing),))
        self.left_alone.add(member)

    def _land(self, sending: _Sending) -> None:
        if manifest := sending.landing.land():
            log.info("file_landed", load_id=manifest.load_id, rows=manifest.rows, symbols=len(manifest.asks))
            self.done += Extracted(rows=manifest.rows, files=1)
        if sending.rest:
            self.planned += len(sending.rest)
            self.rests.append(sending.rest)
        if self.progress is not None:
            self.progress(sending.feed.name, self.done.requests, self.planned)


def _require_clock(ahead: timedelta | None, now: datetime) -> None:
    """Land nothing by a clock that runs ahead: what is final is judged by it."""
    if ahead is not None and ahead > CLOCK_TOLERANCE:
        raise ClockError(
            f"asked the vendor at {now:%Y-%m-%d %H:%M:%S} UTC by this machine's clock; it is "
            f"{ahead.total_seconds():,.0f} s ahead of the vendor's, and bars that still form would be taken for final; "
            f"{CLOCK_TOLERANCE.seconds} s are allowed; set the clock, best by NTP, then run again: nothing of this was "
            "kept"
        )


def _failure(reply: Reply, error: VendorError, landing: Landing) -> Failure:
    """The failure that a reply is; an answer that could not be read is kept."""
    member = reply.request.member
    if not isinstance(error, KeyRefused):  # that ends the run, and is told once
        log.warning("call_failed", feed=member.feed.name, symbol=member.symbol, reason=str(error))
    if isinstance(error, UnusableAnswer) and error.body:
        symbol = re.sub(r"[^\w.-]", "", member.symbol)
        landing.keep_unreadable(f"{reply.answered_at:%Y%m%dT%H%M%S%f}Z-{member.feed.name}-{symbol}.txt", error.body)
    return Failure(member.feed.name, member.symbol, str(error))
