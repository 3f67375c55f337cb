"""The kinds of fault that answer instead of the vendor: refusals, server errors, foreign pages, and silence."""

from __future__ import annotations

import json

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from openingbell.vendor import dialect
from openingbell.vendor.faults.hanging import hang_up
from openingbell.vendor.faults.kind import FILTERS, Hit, InsteadKind, Parameter

TOO_FAST = "Limit Reach . Please upgrade your plan or visit our documentation for more details."
DAY_USED_UP = "You have reached your daily limit: daily limit reach . Please upgrade your plan or come back tomorrow."
BYTES_USED_UP = "Bandwidth Limit Reach . Please upgrade your plan or visit our documentation for more details."
PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>\n"
REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}


def _words(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"Error Message": message}, indent=2)
    return Response(body, status, headers=headers, media_type=dialect.JSON)


def _rate_limit(hit: Hit) -> ASGIApp:
    seconds = int(hit.amount("retry_after_seconds"))
    return _words(TOO_FAST, 200 if hit.values["as_200"] else 429, {"retry-after": str(seconds)} if seconds else None)


def _daily_limit(hit: Hit) -> ASGIApp | None:
    return _words(DAY_USED_UP, 429) if hit.calls_today > hit.amount("calls") else None


def _bandwidth_limit(_: Hit) -> ASGIApp:
    return _words(BYTES_USED_UP, 429)


def _restricted(hit: Hit) -> ASGIApp:
    refusal = dialect.restricted("symbol" if hit.asking.symbol else "from")
    return Response(refusal.body, refusal.status, media_type=refusal.media_type)


def _server_error(hit: Hit) -> ASGIApp:
    status = int(hit.amount("status"))
    return Response(b"", status) if status == 503 else HTMLResponse(PAGE.format(f"{status} {REASONS[status]}"), status)


def _html(_: Hit) -> ASGIApp:
    return HTMLResponse(PAGE.format("Down for maintenance"))


def _outage(hit: Hit) -> ASGIApp:
    return hang_up if hit.values["answer"] == "none" else Response(b"", 503)


INSTEAD_KINDS: tuple[InsteadKind, ...] = (
    InsteadKind(
        name="rate_limit",
        does='429 with "Limit Reach", or the same words in a 200',
        client="wait and ask again, longer each time",
        parameters=(
            Parameter("as_200", default=False, meaning="say it in a 200"),
            Parameter("retry_after_seconds", 0, "the header Retry-After; 0: none", with_low=True),
        ),
        act=_rate_limit,
    ),
    InsteadKind(
        name="daily_limit",
        does='after `calls` matching requests of a New York day 429 with "daily limit reach", until midnight there',
        client="stop; what is missing is asked tomorrow",
        parameters=(Parameter("calls", 250, "answered in a day", with_low=True),),
        keys=(*FILTERS, "from", "to"),
        act=_daily_limit,
    ),
    InsteadKind(
        name="bandwidth_limit",
        does='429 with "Bandwidth Limit Reach"',
        client="stop; asking again does not help for days",
        act=_bandwidth_limit,
    ),
    InsteadKind(
        name="restricted",
        does="402 in plain text, as for a symbol outside the plan",
        client="record it, go on with the others",
        act=_restricted,
    ),
    InsteadKind(
        name="server_error",
        does="500, 502 or 504 with a page of HTML, or an empty 503",
        client="ask again",
        parameters=(Parameter("status", 502, "the status", choices=tuple(REASONS)),),
        act=_server_error,
    ),
    InsteadKind(name="html", does="200 with a page of HTML", client="ask again, never take it for data", act=_html),
    InsteadKind(
        name="outage",
        does="the connection is closed without an answer, or an empty 503 is sent; give it a window",
        client="ask again; fill the hole when it is over",
        parameters=(Parameter("answer", "none", "what comes", choices=("none", "503")),),
        act=_outage,
    ),
)
