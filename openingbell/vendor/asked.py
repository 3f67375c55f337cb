"""What the vendor was asked and what it answered: a log for tests and figures.

A request is written down before the client sees the answer. It must be cheap: one short record, nothing parsed but the
query.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openingbell.clock import Clock

BASE = "/stable/"
NOTES = "openingbell.notes"


class Asked(NamedTuple):
    """One request: when it came (UTC, the vendor's clock), the endpoint's name, symbol, from and to as they were
    written ('' where they were not), the status of the answer (0: none was sent), and the kinds of fault that acted,
    with blanks between them.
    """

    moment: datetime
    path: str
    symbol: str
    first: str
    last: str
    status: int
    fault: str


class RequestLog:
    """Requests in the order of their answers. Safe among threads."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._asked)

    def all(self) -> tuple[Asked, ...]:
        """Every request so far."""
        with self._lock:
            return tuple(self._asked)

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._asked.clear()

    def add(self, asked: Asked) -> None:
        """Write one down."""
        with self._lock:
            self._asked.append(asked)


class Noted:
    """Middleware, outside of all others: writes each request into `log` when its answer begins, or ends without one."""

    def __init__(self, app: ASGIApp, log: RequestLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope)
        query = request.query_params
        moment = self._clock.now()
        faults: list[str] = []
        scope[NOTES] = faults
        is_open = True

        def note(status: int) -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                path = request.url.path.removeprefix(BASE)
                symbol, first, last = (query.get(name, "") for name in ("symbol", "from", "to"))
                self._log.add(Asked(moment, path, symbol, first, last, status, " ".join(faults)))

        async def send_noted(message: Message) -> None:
            note(message.get("status", 0))
            await send(message)

        await self._app(scope, receive, send_noted)
        note(0)


def note_fault(scope: Scope, kind: str) -> None:
    """Say that a fault acted on the request of `scope`; before its answer begins."""
    scope.setdefault(NOTES, []).append(kind)
