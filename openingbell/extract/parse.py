"""From an answer's status and body to lines of text, or to the error that it is. Pure.

The vendor says wrong with a status, with an object in a 200, with plain text, with HTML and with nothing: both status
and body are judged. Numbers keep the vendor's spelling: typing happens when files are loaded.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from openingbell.errors import (
    BadRequest,
    KeyRefused,
    QuotaExhausted,
    RateLimited,
    Restricted,
    UnusableAnswer,
    VendorError,
    VendorUnavailable,
)
from openingbell.extract.flat import flat_rows
from openingbell.landing.lines import Lines

HTTP_OK = 200

EXCERPT = 160
"""Characters of a foreign text that a message quotes."""

STAYS_DUE = "what is missing stays due and is asked by the next run"

REFUSED_KEY = ("invalid api key",)
EXCLUDED = ("premium query parameter", "special endpoint", "restricted endpoint", "exclusive endpoint")
USED_UP = ("bandwidth limit reach", "daily limit reach")
TOO_FAST = ("limit reach",)
NOT_UNDERSTOOD = ("legacy endpoint", "query error")


def parse(status: int, body: bytes, *, symbol: str | None) -> Lines:
    """The rows of an answer, in the vendor's order and spelling; no rows for `[]`.

    Args:
        status: HTTP status.
        body: the whole body.
        symbol: what was asked for; an answer about another symbol is refused. None where no symbol was.

    Raises:
        VendorError: what the answer is instead, by status and by words.
    """
    rows = flat_rows(body) if status == HTTP_OK else None
    if rows is not None and (symbol is None or "symbol" not in rows.names or rows.is_about(symbol)):
        return rows
    return by_json(status, body, symbol=symbol)


def by_json(status: int, body: bytes, *, symbol: str | None) -> Lines:
    """What `parse` gives, of any answer."""
    text = body.decode("utf-8", errors="replace").strip()
    payload = _decoded(text)
    words = _error_words(payload, text)
    if status != HTTP_OK or words:
        raise _error(status, words or text)
    if not isinstance(payload, list) or not all(isinstance(row, dict) and row for row in payload):
        raise UnusableAnswer(
            f"asked for {symbol or 'the whole market'}; the answer is no list of rows but {_excerpt(text)!r}",
            status=status,
            body=body,
        )
    if symbol and (others := {str(row["symbol"]) for row in payload if row.get("symbol", symbol) != symbol}):
        raise UnusableAnswer(
            f"asked for {symbol}; the answer is about {', '.join(sorted(others))}", status=status, body=body
        )
    return Lines.of(_text_frame(payload))


def _decoded(text: str) -> Any:
    """The JSON value with its numbers as spelled, or None when it is no JSON."""
    try:
        value = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        if "\\ud" in text.lower():  # half a surrogate pair is nothing that a file can hold
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return None
    return value


def _error_words(payload: Any, text: str) -> str:
    """What an answer says when it is an error, whatever its status; empty when it is none."""
    match payload:
        case {"Error Message": message} | {"error": message} | [{"Error Message": message}]:
            return str(message)
        case str() as message:
            return message
        case None if _matches(text, (*REFUSED_KEY, *EXCLUDED, *TOO_FAST, *NOT_UNDERSTOOD)):
            return text
    return ""


def _error(status: int, words: str) -> VendorError:
    said = f"the vendor answered {status}: {_excerpt(words)!r}"
    if status == 401 or _matches(words, REFUSED_KEY):
        return KeyRefused(f"{said}; put a valid key into FMP_API_KEY", status=status)
    if _matches(words, USED_UP):
        return QuotaExhausted(f"{said}; {STAYS_DUE}", status=status)
    if status == 429 or _matches(words, TOO_FAST):
        return RateLimited(f"{said}; {STAYS_DUE}", status=status)
    if _matches(words, NOT_UNDERSTOOD) or status in (400, 404):
        return BadRequest(f"{said}; this is a mistake of the request", status=status)
    if status in (402, 403) or _matches(words, EXCLUDED):
        return Restricted(f"{said}; the plan excludes it", status=status)
    if status >= 500:
        return VendorUnavailable(f"{said}; {STAYS_DUE}", status=status)
    return UnusableAnswer(said, status=status, body=words.encode("utf-8"))


def _matches(words: str, marks: tuple[str, ...]) -> bool:
    return any(mark in words[:2_000].lower() for mark in marks)


def _excerpt(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= EXCERPT else f"{short[:EXCERPT]}…"


def _text_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame(
        {name: [_text(row.get(name)) for row in rows] for name in names}, schema=dict.fromkeys(names, pl.String)
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
