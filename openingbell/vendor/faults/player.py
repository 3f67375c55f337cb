"""Playing faults: which of them meet a request, and the two places in the server where they act.

Whether a fault with a probability meets a request is drawn from the seed, the number of the fault, the question (path
and parameters without the key) and how often this very question was asked before. It depends neither on the order in
which threads ask different questions nor on the other faults. `times` and `daily_limit` count requests as they come.

`FaultyDelivery` stands outside of the compression and answers or delivers; `FaultyContent` stands inside it and changes
rows and bodies. Both run in the server's one event loop, so that nothing needs a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from urllib.parse import urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openingbell.clock import Clock
from openingbell.vendor import dialect
from openingbell.vendor.asked import BASE, note_fault
from openingbell.vendor.chance import generator
from openingbell.vendor.faults.fault import Fault, Faults
from openingbell.vendor.faults.kind import Answer, Asking, BodyKind, DeliveryKind, Hit, InsteadKind, Kind, RowsKind
from openingbell.vendor.faults.kinds import KINDS
from openingbell.vendor.faults.rows import read_rows, write_rows
from openingbell.vendor.source import wall_clock

CONTENT = "openingbell.content_faults"
K = TypeVar("K", bound=Kind)


@dataclass(frozen=True)
class Met:
    """The faults that meet one request: either one that answers, or those that change the vendor's answer."""

    instead: ASGIApp | None = None
    instead_kind: str = ""
    content: tuple[Hit, ...] = ()
    delivery: Hit | None = None


class Player:
    """Decides, and remembers what was asked and what was hit. Of the faults that answer, and of those that deliver, the
    first in the file that meets the request acts; of those that change rows or bodies all act, in their order.
    """

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._seed = faults.seed
        self._numbered = [(number, fault, KINDS[fault.kind]) for number, fault in enumerate(faults.faults, 1)]
        self._clock = clock
        self._asked: Counter[str] = Counter()
        self._hits: Counter[int] = Counter()
        self._calls: Counter[tuple[int, date]] = Counter()

    def meet(self, request: Request) -> Met:
        """The faults that meet `request`, which is counted."""
        asking = asking_of(request, self._clock)
        asking = replace(asking, asked_before=self._asked[asking.question])
        self._asked[asking.question] += 1
        for hit, kind in self._hits_of(asking, InsteadKind):
            if app := kind.act(hit):
                return Met(app, hit.kind)
        rows = [hit for hit, _ in self._hits_of(asking, RowsKind)]
        bodies = [hit for hit, _ in self._hits_of(asking, BodyKind)]
        delivery = next((hit for hit, _ in self._hits_of(asking, DeliveryKind)), None)
        return Met(content=(*rows, *bodies), delivery=delivery)

    def _hits_of(self, asking: Asking, place: type[K]) -> Iterator[tuple[Hit, K]]:
        for number, fault, kind in self._numbered:
            if isinstance(kind, place) and fault.meets(asking) and (hit := self._hit(number, fault, asking)):
                yield hit, kind

    def _hit(self, number: int, fault: Fault, asking: Asking) -> Hit | None:
        day = (number, wall_clock(asking.now).date())
        self._calls[day] += 1
        if fault.times is not None and self._hits[number] >= fault.times:
            return None
        if fault.probability < 1:
            drawn = generator(self._seed, "whether", number, asking.question, asking.asked_before).random()
            if drawn >= fault.probability:
                return None
        self._hits[number] += 1
        return Hit(fault.kind, fault.values, self._seed, number, asking, self._calls[day])


def asking_of(request: Request, clock: Clock) -> Asking:
    """What a request asks, now."""
    parameters = sorted((name, value) for name, value in request.query_params.multi_items() if name != "apikey")
    path = request.url.path.removeprefix(BASE)
    query = request.query_params
    return Asking(
        path=path,
        symbol=query.get("symbol", ""),
        first=query.get("from", ""),
        last=query.get("to", ""),
        now=clock.now(),
        question=f"{path}?{urlencode(parameters)}",
    )


class FaultyDelivery:
    """Middleware: answers instead of the vendor, or delivers its answer badly."""

    def __init__(self, app: ASGIApp, player: Player) -> None:
        self._app = app
        self._player = player

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        met = self._player.meet(Request(scope))
        if met.instead is not None:
            note_fault(scope, met.instead_kind)
            await met.instead(scope, receive, send)
            return
        scope[CONTENT] = met.content
        kind = KINDS[met.delivery.kind] if met.delivery else None
        if met.delivery is None or not isinstance(kind, DeliveryKind):
            await self._app(scope, receive, send)
            return
        answer = await _gathered(self._app, scope, receive)
        note_fault(scope, met.delivery.kind)
        await kind.act(answer, met.delivery, receive, send)


class FaultyContent:
    """Middleware: changes the rows, then the body, of a good answer; `FaultyDelivery` says by which faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        hits: tuple[Hit, ...] = scope.get(CONTENT, ())
        if not hits:
            await self._app(scope, receive, send)
            return
        answer = await _gathered(self._app, scope, receive)
        body = _spoilt(answer, hits, scope) if _is_rows(answer) else answer.body
        headers = MutableHeaders(scope=answer.start)
        headers["content-length"] = str(len(body))
        if body != answer.body:
            headers["etag"] = dialect.etag(body)
        await send(answer.start)
        await send({"type": "http.response.body", "body": body})


def _spoilt(answer: Answer, hits: tuple[Hit, ...], scope: Scope) -> bytes:
    """The body that the faults make of an answer; those that find nothing to change are not noted."""
    rows, body = read_rows(answer.body), answer.body
    for hit in hits:
        kind, before = KINDS[hit.kind], body
        if isinstance(kind, RowsKind) and rows:
            changed = kind.act(rows, hit)
            if changed != rows:
                rows, body = changed, write_rows(changed)
        elif isinstance(kind, BodyKind):
            body = kind.act(body, hit)
        if body != before:
            note_fault(scope, hit.kind)
    return body


def _is_rows(answer: Answer) -> bool:
    return answer.start["status"] == 200 and Headers(scope=answer.start)["content-type"] == dialect.JSON


async def _gathered(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """The whole answer of `app`."""
    starts: list[Message] = []
    body = bytearray()

    async def gather(message: Message) -> None:
        if message["type"] == "http.response.start":
            starts.append(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, gather)
    return Answer(starts[0], bytes(body))
