"""The client of Financial Modeling Prep. The only module that imports httpx.

A call is a chain in which each link adds one thing: `get` → retry → wait for the turn → send once → judge. No error of
httpx leaves this module: its requests carry the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx
import polars as pl
import structlog
import tenacity

from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import (
    RateLimited,
    SettingsError,
    UnusableAnswer,
    VendorError,
    VendorUnavailable,
)
from openingbell.extract.pace import Pace
from openingbell.extract.parse import parse
from openingbell.secrets import hide

log = structlog.get_logger()

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Where the vendor in a box lives: no proxy of the environment can reach it."""


@dataclass(frozen=True)
class Answer:
    """A good answer: its rows as text, when it was received, and its size as sent."""

    rows: pl.DataFrame
    status: int
    bytes: int
    answered_at: datetime


class FmpClient:
    """Asks the vendor, at the configured pace, from any number of threads. Use it as a context manager."""

    def __init__(self, settings: Settings, clock: Clock, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._key = require_key(settings)
        self._pace = Pace(settings, clock)
        self._http = httpx.Client(
            headers={"apikey": self._key, "accept": "application/json"},
            timeout=settings.timeout_seconds,
            transport=transport,
            limits=httpx.Limits(max_connections=settings.threads),
            mounts={f"all://{host}": transport for host in LOOPBACK},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """The answer to one request.

        Raises:
            VendorError: what came instead, after as many tries as the settings allow.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_retrying),
            stop=tenacity.stop_after_attempt(self._settings.retry_attempts),
            wait=self._wait_seconds,
            sleep=self._clock.wait,
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying(self._send_in_turn, path, parameters)

    def _send_in_turn(self, path: str, parameters: Mapping[str, str]) -> Answer:
        self._pace.wait_turn()
        return self._judged(self._send(path, parameters), parameters.get("symbol"))

    def _send(self, path: str, parameters: Mapping[str, str]) -> httpx.Response:
        """One request. What httpx raises is turned into our errors outside of its own `except`, so that neither cause
        nor context leads back to a request object that holds the key.
        """
        error: VendorError
        try:
            return self._http.get(f"{self._settings.base_url}/{path}", params=dict(parameters))
        except httpx.DecodingError as problem:
            error = UnusableAnswer(self._hidden(f"the answer cannot be decoded: {problem}"))
        except httpx.TransportError as problem:
            host = httpx.URL(self._settings.base_url).host
            error = VendorUnavailable(
                self._hidden(f"no answer from {host}: {type(problem).__name__} {problem}".rstrip())
            )
        except (httpx.InvalidURL, httpx.HTTPError) as problem:
            error = VendorError(self._hidden(f"the request cannot be sent: {type(problem).__name__} {problem}"))
        raise error

    def _judged(self, response: httpx.Response, symbol: str | None) -> Answer:
        body = self._hidden(response.content.decode("utf-8", errors="replace")).encode("utf-8")
        try:
            rows = parse(response.status_code, body, symbol=symbol)
        except RateLimited as error:
            error.retry_after_seconds = _retry_after(response)
            raise
        return Answer(rows, response.status_code, response.num_bytes_downloaded, self._clock.now())

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        asked = getattr(_failure(state), "retry_after_seconds", None)
        first, longest = self._settings.retry_first_wait_seconds, self._settings.retry_longest_wait_seconds
        own = tenacity.wait_exponential(multiplier=first, max=longest)(state) + tenacity.wait_random(0, first)(state)
        return min(max(own, asked or 0.0), longest)

    def _hidden(self, text: str) -> str:
        return hide(text, (self._key,))


def require_key(settings: Settings) -> str:
    """The key.

    Raises:
        SettingsError: there is none, or it can be none.
    """
    if settings.api_key is None:
        raise SettingsError(
            "asked for live data; found no key; the vendor answers nobody without one; get one at "
            "financialmodelingprep.com and put it into FMP_API_KEY (environment or .env), or use --demo"
        )
    key = settings.api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(
            f"asked for live data; found a key of {len(key)} signs with blanks, line ends or accents among them; a key "
            "has plain letters and digits; put it alone into FMP_API_KEY"
        )
    return key


def _is_worth_retrying(error: BaseException) -> bool:
    return isinstance(error, VendorError) and error.retryable


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_retry(state: tenacity.RetryCallState) -> None:
    log.warning("call_retried", attempt=state.attempt_number, reason=str(_failure(state)))


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the vendor asks us to wait; it has never been seen to, but it may."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
