"""The stage: sends what is due and lands each batch of answers as one file with its manifest."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import datetime

import polars as pl
import structlog

from openingbell import coverage
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import KeyRefused, QuotaExhausted, Restricted, UnusableAnswer, VendorError
from openingbell.extract.actions import landed_splits
from openingbell.extract.fmp import Answer, FmpClient
from openingbell.extract.plan import Request, plan
from openingbell.extract.reach import Reach, reach
from openingbell.landing import Ask, Landing, Outcome
from openingbell.progress import Progress
from openingbell.universe import Universe

log = structlog.get_logger()


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

    def __add__(self, other: Extracted) -> Extracted:
        return Extracted(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True)
class _Reply:
    """What came of one request: an answer, or the error in its place."""

    request: Request
    answered_at: datetime
    answer: Answer | None = None
    error: VendorError | None = None

    @property
    def rows(self) -> pl.DataFrame:
        """The answer's rows, none where an error came."""
        return self.answer.rows if self.answer else pl.DataFrame()


def run(
    universe: Universe,
    landing: Landing,
    client: FmpClient,
    clock: Clock,
    settings: Settings,
    *,
    source: str,
    again: bool = False,
    progress: Progress | None = None,
) -> Extracted:
    """Ask for everything that is due and land it; with `again` also for what is missing though it was asked for.

    A symbol that fails or is outside the plan does not stop the others. When the vendor's quota is used up, what has
    come is landed and the rest stays due.

    Raises:
        KeyRefused: the vendor does not accept the key.
        VendorError: not one request got an answer.
        RecordError: the disk does not take a file.
    """
    manifests = landing.manifests()
    splits = landed_splits(landing, manifests, clock.now())
    batches = deque(plan(coverage.due(universe, manifests, clock.now(), settings, again=again, splits=splits)))
    planned = sum(len(batch) for batch in batches)
    done = Extracted()
    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        while batches:
            batch = batches.popleft()
            replies = _ask_all(batch, client, clock, pool)
            landed, rest = _land(replies, landing, settings, source)
            done += landed
            if rest:
                planned += len(rest)
                batches.appendleft(rest)
            if stop := _first(replies, KeyRefused):
                raise stop
            if stop := _first(replies, QuotaExhausted):
                log.warning("extraction_stopped", reason=str(stop))
                done += Extracted(stopped=str(stop))
                break
            if progress is not None:
                progress(batch[0].member.feed.name, done.requests, planned)
    if done.failures and not (done.files or done.stopped):
        first = done.failures[0]
        raise VendorError(f"asked for {planned} windows; not one was answered; {first.symbol}: {first.message}")
    return replace(done, restricted=tuple(dict.fromkeys(done.restricted)))


def _ask_all(batch: Sequence[Request], client: FmpClient, clock: Clock, pool: ThreadPoolExecutor) -> list[_Reply]:
    """Every request of a batch, in its order. Once the key or the quota fails, no further one is sent."""
    over = threading.Event()

    def ask(request: Request) -> _Reply | None:
        if over.is_set():
            return None
        try:
            answer = client.get(request.path, request.parameters)
            _require_names(answer.rows, request)
        except VendorError as error:
            if isinstance(error, KeyRefused | QuotaExhausted):
                over.set()
            return _Reply(request, clock.now(), error=error)
        return _Reply(request, answer.answered_at, answer=answer)

    return [reply for reply in pool.map(ask, batch) if reply is not None]


def _require_names(rows: pl.DataFrame, request: Request) -> None:
    """Rows without a date would cover what they say nothing about; those of the whole market need symbols as well."""
    needed = ("symbol", "date") if request.member.feed.whole_market else ("date",)
    missing = [name for name in needed if name not in rows.columns]
    if len(rows) and missing:
        raise UnusableAnswer(
            f"asked for {request.member.symbol}; the rows have no {' and no '.join(missing)} but "
            f"{', '.join(rows.columns)}",
            status=200,
            body=rows.write_csv().encode("utf-8"),
        )


def _land(
    replies: Sequence[_Reply], landing: Landing, settings: Settings, source: str
) -> tuple[Extracted, list[Request]]:
    """Land the answers of one batch as one file; returns what was done and what the answers did not reach."""
    failures = tuple(
        _failure(reply, reply.error, landing)
        for reply in replies
        if reply.error is not None and not isinstance(reply.error, Restricted)
    )
    kept = [reply for reply in replies if reply.error is None or isinstance(reply.error, Restricted)]
    if not kept:
        return Extracted(len(replies), failures=failures), []
    member = kept[0].request.member
    delay = settings.final_delay(member.feed)
    reached = [reach(reply.request, reply.rows, reply.answered_at, delay) for reply in kept]
    asks = tuple(_ask(reply, how_far) for reply, how_far in zip(kept, reached, strict=True))
    frames = [_with_provenance(reply) for reply in kept if len(reply.rows)]
    manifest = landing.write(
        member.feed.name,
        pl.concat(frames, how="diagonal") if frames else pl.DataFrame(),
        asks,
        source=source,
        bar_interval=member.bar_interval,
        basis=member.basis,
        final_delay=delay,
    )
    log.info("file_landed", load_id=manifest.load_id, rows=manifest.rows, symbols=len(asks))
    restricted = [reply.request.member.symbol for reply in kept if reply.error is not None]
    for symbol in restricted:
        log.warning("symbol_restricted", feed=member.feed.name, symbol=symbol)
    landed = Extracted(
        requests=len(replies),
        rows=manifest.rows,
        files=1,
        bytes=sum(ask.bytes for ask in asks),
        restricted=tuple(restricted),
        failures=failures,
    )
    return landed, [how_far.rest for how_far in reached if how_far.rest]


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
        rows=len(reply.rows),
        bytes=answer.bytes if answer else 0,
        bars=reached.bars,
    )


def _with_provenance(reply: _Reply) -> pl.DataFrame:
    """The vendor's columns behind the symbol that was asked for (its own, where none was) and the answer's moment."""
    asked = pl.lit(reply.request.member.symbol)
    return reply.rows.select(
        pl.col("symbol") if reply.request.member.feed.whole_market else asked.alias("symbol"),
        pl.lit(reply.answered_at.isoformat()).alias("answered_at"),
        pl.exclude("symbol", "answered_at"),
    )


def _failure(reply: _Reply, error: VendorError, landing: Landing) -> Failure:
    """The failure that a reply is; an answer that could not be read is kept."""
    member = reply.request.member
    if not isinstance(error, KeyRefused):  # that ends the run, and is told once
        log.warning("call_failed", feed=member.feed.name, symbol=member.symbol, reason=str(error))
    if isinstance(error, UnusableAnswer) and error.body:
        symbol = re.sub(r"[^\w.-]", "", member.symbol)
        landing.keep_unreadable(f"{reply.answered_at:%Y%m%dT%H%M%S%f}Z-{member.feed.name}-{symbol}.txt", error.body)
    return Failure(member.feed.name, member.symbol, str(error))


def _first(replies: Iterable[_Reply], kind: type[VendorError]) -> VendorError | None:
    return next((reply.error for reply in replies if isinstance(reply.error, kind)), None)
