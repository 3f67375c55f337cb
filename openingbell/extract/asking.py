"""Requests under way: sent by a pool of threads in their order, and what comes of them.

Requests are handed over one by one, as others come back: whoever hands them over knows by then what became of those
before, and while answers are landed the next requests are on their way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue

import polars as pl

from openingbell.clock import Clock
from openingbell.errors import KeyRefused, QuotaExhausted, UnusableAnswer, VendorError
from openingbell.extract.fmp import Answer, FmpClient
from openingbell.extract.plan import Request
from openingbell.extract.reach import Reach
from openingbell.feeds import Kind
from openingbell.landing import Ask, Outcome
from openingbell.landing.lines import Lines


@dataclass(frozen=True)
class Reply:
    """What came of one request: an answer, or the error in its place."""

    request: Request
    answered_at: datetime
    answer: Answer | None = None
    error: VendorError | None = None

    @property
    def rows(self) -> Lines:
        """The answer's rows, none where an error came."""
        return self.answer.rows if self.answer else Lines()

    @property
    def stamped(self) -> Lines:
        """The vendor's columns behind the symbol asked for (its own, where none was) and the answer's moment."""
        rows, member, moment = self.rows, self.request.member, self.answered_at.isoformat()
        if rows.count and member.feed.whole_market and "symbol" in rows.names:
            at = pl.lit(moment).alias("answered_at")
            return Lines.of(rows.frame.select("symbol", at, pl.exclude("symbol", "answered_at")))
        return rows.stamped(member.symbol, moment) if rows.count else rows

    def ask(self, reached: Reach) -> Ask:
        """What the manifest says of it, given how far it reaches."""
        request, answer, error = self.request, self.answer, self.error
        status = answer.status if answer else (error.status if error else None) or 0
        return Ask(
            symbol=request.member.symbol,
            asset_class=request.member.asset_class,
            calendar=request.member.calendar,
            first=request.first,
            last=request.last,
            covered_first=reached.covered_first,
            covered_last=request.last,
            answered_at=self.answered_at,
            status=status,
            outcome=Outcome.ANSWERED if answer else Outcome.RESTRICTED,
            rows=self.rows.count,
            bytes=answer.bytes if answer else 0,
            bars=reached.bars,
            calls=answer.tries if answer else 1,
        )


class Asking:
    """Sends requests, at most `ahead` of them before their replies were taken. Once the vendor accepts no more, or
    `stop` says so, none is sent that still waits for its turn.
    """

    def __init__(
        self, client: FmpClient, clock: Clock, pool: ThreadPoolExecutor, *, ahead: int, stop: Callable[[], bool]
    ) -> None:
        self._client = client
        self._clock = clock
        self._pool = pool
        self._ahead = ahead
        self._stop = stop
        self._over = threading.Event()

    def replies(self, following: Callable[[], Request | None]) -> Generator[tuple[Request, Reply | None]]:
        """What comes of requests, as it comes; None of one that was not sent.

        `following` is asked for the next one as long as there is room; None means that there is none before another
        reply was taken. When there is none and nothing is under way, it is over; who leaves earlier closes it, and
        nothing more is sent.
        """
        returned: SimpleQueue[Future[Reply | None]] = SimpleQueue()
        under_way: dict[Future[Reply | None], Request] = {}
        try:
            while True:
                while len(under_way) < self._ahead and (request := following()) is not None:
                    future = self._pool.submit(self._ask, request)
                    under_way[future] = request
                    future.add_done_callback(returned.put)
                if not under_way:
                    return
                future = returned.get()
                yield under_way.pop(future), future.result()
        finally:
            self._over.set()

    def _ask(self, request: Request) -> Reply | None:
        if self._over.is_set() or self._stop():
            return None
        try:
            answer = self._client.get(request.path, request.parameters)
            _require_names(answer.rows, request)
        except VendorError as error:
            if isinstance(error, KeyRefused | QuotaExhausted):
                self._over.set()
            return Reply(request, self._clock.now(), error=error)
        return Reply(request, answer.answered_at, answer=answer)


def _require_names(rows: Lines, request: Request) -> None:
    """Rows without a date or a price would cover what they say nothing of; those of the whole market need symbols."""
    feed = request.member.feed
    needed = feed.needs if feed.kind is Kind.REFERENCE else ("date",)
    if feed.kind is Kind.ACTIONS and feed.whole_market:
        needed += ("symbol",)
    if feed.kind in (Kind.INTRADAY, Kind.DAILY):
        needed += ("open", "high", "low", "close")
    missing = [name for name in needed if name not in rows.names]
    if rows.count and missing:
        raise UnusableAnswer(
            f"asked for {request.member.symbol}; the rows have no {' and no '.join(missing)} but "
            f"{', '.join(rows.names)}",
            status=200,
            body=rows.content,
        )
