"""The HTTP face of the vendor: paths, parameters, the key, and headers; what to say comes from a source and `dialect`.

The app answers as of its clock, also in the `Date` header. A test may put an interceptor before the real answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from email.utils import format_datetime

import polars as pl
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openingbell.clock import Clock
from openingbell.errors import SourceError
from openingbell.vendor import caps, dialect, lists
from openingbell.vendor.asked import BASE, Noted, RequestLog
from openingbell.vendor.dialect import Refusal
from openingbell.vendor.faults import Faults
from openingbell.vendor.faults.player import FaultyContent, FaultyDelivery, Player
from openingbell.vendor.source import DIVIDEND_COLUMNS, MINUTES, SPLIT_COLUMNS, Source, wall_clock

CHART = "historical-chart/"
EARLIEST = date(1970, 1, 1)

Interceptor = Callable[[Request], Response | None]
"""Called before the real answer; a response that it gives is sent instead."""


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class Vendor:
    """The answers. `keys` None accepts every key that is not empty; `restricted` symbols and lists (by their
    paths) are outside the plan.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        *,
        keys: Collection[str] | None = None,
        restricted: Collection[str] = (),
    ) -> None:
        self._source = source
        self._clock = clock
        self._keys = keys
        self._restricted = frozenset(restricted)
        self._endpoints: Mapping[str, Callable[[Request, datetime], bytes]] = {
            "historical-price-eod/full": self._days,
            "treasury-rates": self._rates,
            "splits": self._splits,
            "dividends": self._dividends,
            "splits-calendar": self._splits_calendar,
            "dividends-calendar": self._dividends_calendar,
            **dict.fromkeys(lists.PATHS, self._lists),
        }

    def answer(self, request: Request) -> Response:
        """The answer to any request."""
        try:
            body = self._body(request)
        except _Refused as refused:
            refusal = refused.refusal
            return Response(refusal.body, refusal.status, media_type=refusal.media_type)
        except SourceError as error:
            return PlainTextResponse(str(error), 500)
        return Response(body, media_type=dialect.JSON, headers={"etag": dialect.etag(body)})

    def _body(self, request: Request) -> bytes:
        path = request.url.path
        if path.startswith("/api/"):
            self._require_key(request)
            raise _Refused(dialect.legacy())
        name = path.removeprefix(BASE) if path.startswith(BASE) else ""
        now = self._clock.now()
        if name.startswith(CHART):
            self._require_key(request)
            return self._bars(request, now, name.removeprefix(CHART))
        if name not in self._endpoints:
            raise _Refused(dialect.unknown_path())
        self._require_key(request)
        return self._endpoints[name](request, now)

    def _bars(self, request: Request, now: datetime, bar_interval: str) -> bytes:
        if bar_interval not in MINUTES:
            raise _Refused(dialect.query_error("interval"))
        symbol = self._symbol(request)
        last = _last(request, now)
        first = max(_day(request, "from", EARLIEST), caps.reach(bar_interval, last))
        if not self._source.knows(symbol):
            return dialect.EMPTY
        bars = self._source.intraday(symbol, bar_interval, first=first, last=last, now=now)
        return dialect.EMPTY if bars.is_empty() else dialect.bars_body(caps.cut_bars(bars, bar_interval))

    def _days(self, request: Request, now: datetime) -> bytes:
        symbol = self._symbol(request)
        first, last = _day(request, "from", EARLIEST), _last(request, now)
        if not self._source.knows(symbol):
            return dialect.EMPTY
        days = self._source.daily(symbol, first=first, last=last, now=now)
        return dialect.EMPTY if days.is_empty() else dialect.days_body(caps.cut_days(days), symbol)

    def _rates(self, request: Request, now: datetime) -> bytes:
        last = _last(request, now)
        first = max(_day(request, "from", EARLIEST), caps.treasury_reach(last))
        rates = self._source.treasury(first=first, last=last, now=now)
        return dialect.EMPTY if rates.is_empty() else dialect.rates_body(rates)

    def _splits(self, request: Request, now: datetime) -> bytes:
        return _actions(_begun(self._source.splits(self._symbol(request), now=now), now), SPLIT_COLUMNS)

    def _dividends(self, request: Request, now: datetime) -> bytes:
        return _actions(self._source.dividends(self._symbol(request), now=now), DIVIDEND_COLUMNS)

    def _splits_calendar(self, request: Request, now: datetime) -> bytes:
        return _actions(_between(request, now, self._source.splits(None, now=now)), SPLIT_COLUMNS)

    def _dividends_calendar(self, request: Request, now: datetime) -> bytes:
        return _actions(_between(request, now, self._source.dividends(None, now=now)), DIVIDEND_COLUMNS)

    def _lists(self, request: Request, now: datetime) -> bytes:
        path = request.url.path.removeprefix(BASE)
        if path in self._restricted:
            raise _Refused(dialect.restricted_endpoint())
        symbol = self._symbol(request) if path == lists.PROFILE_PATH else None
        rows = self._source.reference(path, symbol, now=now)
        limit = request.query_params.get("limit", "")
        return dialect.objects_body(rows[: int(limit)] if limit.isdecimal() else rows)

    def _require_key(self, request: Request) -> None:
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        if not key or (self._keys is not None and key not in self._keys):
            raise _Refused(dialect.invalid_key())

    def _symbol(self, request: Request) -> str:
        symbol = request.query_params.get("symbol")
        if not symbol:
            raise _Refused(dialect.query_error("symbol"))
        if symbol in self._restricted:
            raise _Refused(dialect.restricted("symbol"))
        return symbol


class _OwnDate:
    """Gives each answer that has no `Date` the clock's, in place of the machine's."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("date", format_datetime(self._clock.now(), usegmt=True))
            await send(message)

        await self._app(scope, receive, send_dated)


class _Intercepted:
    """Lets `interceptor` answer first. What it gives is sent as it is, uncompressed."""

    def __init__(self, app: ASGIApp, interceptor: Interceptor) -> None:
        self._app = app
        self._interceptor = interceptor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        instead = await run_in_threadpool(self._interceptor, Request(scope))
        await (instead or self._app)(scope, receive, send)


def build_app(
    source: Source,
    clock: Clock,
    *,
    keys: Collection[str] | None = None,
    restricted: Collection[str] = (),
    interceptor: Interceptor | None = None,
    faults: Faults | None = None,
    log: RequestLog | None = None,
) -> Starlette:
    """The vendor as an ASGI app; `interceptor` is asked before every answer, then come `faults`; the others are
    `Vendor`'s. Requests are written into `log` where there is one.
    """
    vendor = Vendor(source, clock, keys=keys, restricted=restricted)
    noted = [] if log is None else [Middleware(Noted, log=log, clock=clock)]
    first = [] if interceptor is None else [Middleware(_Intercepted, interceptor=interceptor)]
    delivery = [] if faults is None else [Middleware(FaultyDelivery, player=Player(faults, clock))]
    content = [] if faults is None else [Middleware(FaultyContent)]
    compression = Middleware(GZipMiddleware, compresslevel=5)
    return Starlette(
        routes=[Route("/{path:path}", vendor.answer, methods=["GET"])],
        middleware=[*noted, Middleware(_OwnDate, clock=clock), *first, *delivery, compression, *content],
    )


def _day(request: Request, name: str, default: date) -> date:
    text = request.query_params.get(name)
    if not text:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _Refused(dialect.query_error(name)) from None
    if text != day.isoformat():
        raise _Refused(dialect.query_error(name))
    return day


def _last(request: Request, now: datetime) -> date:
    """The day up to which is asked; not after today, so that the caps count back from what can exist."""
    today = wall_clock(now).date()
    return min(_day(request, "to", today), today)


def _begun(actions: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return actions if actions.is_empty() else actions.filter(pl.col("date") <= wall_clock(now).date())


def _between(request: Request, now: datetime, actions: pl.DataFrame) -> pl.DataFrame:
    """What a calendar answers: the days that are asked for, which may be to come."""
    last = _day(request, "to", wall_clock(now).date())
    first = max(_day(request, "from", EARLIEST), caps.calendar_reach(last))
    return actions if actions.is_empty() else actions.filter(pl.col("date").is_between(first, last))


def _actions(actions: pl.DataFrame, columns: tuple[str, ...]) -> bytes:
    return dialect.EMPTY if actions.is_empty() else dialect.actions_body(actions, columns)
