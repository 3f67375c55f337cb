"""The stage: sends what is due and lands each batch of answers as one file with its manifest."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
import structlog

from openingbell import coverage
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import KeyRefused, QuotaExhausted, Restricted, UnusableAnswer, VendorError
from openingbell.extract.fmp import Answer, FmpClient
from openingbell.extract.plan import Request, plan
from openingbell.extract.reach import Reach, reach
from openingbell.landing import Ask, Landing, Outcome
from openingbell.universe import Universe

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Told the feed, the requests answered and the requests planned."""


@dataclass(frozen=True)
class Failure:
    """A request that got no answer: what it asks stays due."""

    feed: str
    symbol: str
    message: str


@dataclass(frozen=True)
class Extracted:
    """What the stage did."""

    requests: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0
    restricted: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    stopped: str = ""


@dataclass
class _Tally:
    requests: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0
    restricted: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def frozen(self, stopped: str = "") -> Extracted:
        return Extracted(
            self.requests,
            self.rows,
            self.files,
            self.bytes,
            tuple(dict.fromkeys(self.restricted)),
            tuple(self.failures),
            stopped,
        )


@dataclass(frozen=True)
class _Reply:
    """What came of one request: an answer, or the error in its place."""

    request: Request
    answered_at: datetime
    answer: Answer | None = None
    error: VendorError | None = None


def run(
    universe: Universe,
    landing: Landing,
    client: FmpClient,
    clock: Clock,
    settings: Settings,
    *,
    source: str,
    progress: Progress | None = None,
) -> Extracted:
    """Ask for everything that is due and land it.

    A symbol that fails or is outside the plan does not stop the others. When the vendor's quota is used up, what has
    come is landed and the rest stays due.

    Raises:
        KeyRefused: the vendor does not accept the key.
        VendorError: not one request got an answer.
        RecordError: the disk does not take a file.
    """
    batches = deque(plan(coverage.due(universe, landing.manifests(), clock.now(), settings)))
    planned = sum(len(batch) for batch in batches)
    tally = _Tally()
    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        while batches:
            batch = batches.popleft()
            replies = _ask_all(batch, client, clock, pool)
            rest = _land(replies, landing, settings, source, tally)
            if rest:
                planned += len(rest)
                batches.appendleft(rest)
            if stop := _first(replies, KeyRefused):
                raise stop
            if stop := _first(replies, QuotaExhausted):
                log.warning("extraction_stopped", reason=str(stop))
                return tally.frozen(str(stop))
            if progress is not None:
                progress(batch[0].member.feed.name, tally.requests, planned)
    if tally.failures and not tally.files and not tally.restricted:
        first = tally.failures[0]
        raise VendorError(f"asked for {planned} windows; not one was answered; {first.symbol}: {first.message}")
    return tally.frozen()


def _ask_all(batch: Sequence[Request], client: FmpClient, clock: Clock, pool: ThreadPoolExecutor) -> list[_Reply]:
    """Every request of a batch, in its order. Once the key or the quota fails, no further one is sent."""
    over = threading.Event()

    def ask(request: Request) -> _Reply | None:
        if over.is_set():
            return None
        try:
            answer = client.get(request.path, request.parameters)
        except VendorError as error:
            if isinstance(error, KeyRefused | QuotaExhausted):
                over.set()
            return _Reply(request, clock.now(), error=error)
        return _Reply(request, answer.answered_at, answer=answer)

    return [reply for reply in pool.map(ask, batch) if reply is not None]


def _land(replies: Iterable[_Reply], landing: Landing, settings: Settings, source: str, tally: _Tally) -> list[Request]:
    """Land the answers of one batch as one file; returns what the answers did not reach."""
    asks: list[Ask] = []
    frames: list[pl.DataFrame] = []
    rest: list[Request] = []
    for reply in replies:
        tally.requests += 1
        if reply.error is not None and not isinstance(reply.error, Restricted):
            _note_failure(reply, reply.error, landing, tally)
            continue
        delay = settings.final_delay(reply.request.member.feed)
        rows = reply.answer.rows if reply.answer else pl.DataFrame()
        reached = reach(reply.request, rows, reply.answered_at, delay)
        asks.append(_ask(reply, reached))
        if reached.rest:
            rest.append(reached.rest)
        if reply.error is not None:
            tally.restricted.append(reply.request.member.symbol)
            log.warning("symbol_restricted", symbol=reply.request.member.symbol, reason=str(reply.error))
        elif len(rows):
            frames.append(_with_provenance(rows, reply))
    if asks:
        member = next(iter(replies)).request.member
        manifest = landing.write(
            member.feed.name,
            pl.concat(frames, how="diagonal") if frames else pl.DataFrame(),
            tuple(asks),
            source=source,
            bar_interval=member.bar_interval,
            basis=member.basis,
            final_delay=settings.final_delay(member.feed),
        )
        tally.files += 1
        tally.rows += manifest.rows
        tally.bytes += sum(ask.bytes for ask in asks)
        log.info("file_landed", load_id=manifest.load_id, rows=manifest.rows, symbols=len(asks))
    return rest


def _ask(reply: _Reply, reached: Reach) -> Ask:
    request, answer, error = reply.request, reply.answer, reply.error
    status = answer.status if answer else (error.status if error else None) or 0
    return Ask(
        symbol=request.member.symbol,
        asset_class=request.member.asset_class,
        calendar=request.member.calendar,
        first=request.first,
        last=request.last,
        covered_first=reached.covered_first,
        covered_last=request.last,
        answered_at=reply.answered_at,
        status=status,
        outcome=Outcome.ANSWERED if answer else Outcome.RESTRICTED,
        rows=len(answer.rows) if answer else 0,
        bytes=answer.bytes if answer else 0,
        bars=reached.bars,
    )


def _with_provenance(rows: pl.DataFrame, reply: _Reply) -> pl.DataFrame:
    """The vendor's columns behind the symbol that was asked for and the moment of the answer."""
    return rows.select(
        pl.lit(reply.request.member.symbol).alias("symbol"),
        pl.lit(reply.answered_at.isoformat()).alias("answered_at"),
        pl.exclude("symbol", "answered_at"),
    )


def _note_failure(reply: _Reply, error: VendorError, landing: Landing, tally: _Tally) -> None:
    member = reply.request.member
    tally.failures.append(Failure(member.feed.name, member.symbol, str(error)))
    log.warning("call_failed", feed=member.feed.name, symbol=member.symbol, reason=str(error))
    if isinstance(error, UnusableAnswer) and error.body:
        symbol = re.sub(r"[^\w.-]", "", member.symbol)
        landing.keep_unreadable(f"{reply.answered_at:%Y%m%dT%H%M%S%f}Z-{member.feed.name}-{symbol}.txt", error.body)


def _first(replies: Iterable[_Reply], kind: type[VendorError]) -> VendorError | None:
    return next((reply.error for reply in replies if isinstance(reply.error, kind)), None)
