"""The client of Financial Modeling Prep. The only module that imports httpx.

A call is a chain in which each link adds one thing: `get` → retry → wait for the turn → send once → judge. No error of
httpx leaves this module: its requests carry the key.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import TracebackType
from typing import Self

import httpx
import structlog
import tenacity

from openingbell.clock import Clock, SystemClock
from openingbell.config import Settings
from openingbell.errors import (
    RateLimited,
    SettingsError,
    Stopped,
    UnusableAnswer,
    VendorError,
    VendorUnavailable,
)
from openingbell.extract.pace import Pace
from openingbell.extract.parse import parse
from openingbell.landing.lines import Lines
from openingbell.secrets import hide

log = structlog.get_logger()

REST_PIECE_SECONDS = 0.5
STOPPED = "asked the vendor; stopped before the answer; what is missing stays due"
CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far this machine's clock may be from the vendor's."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Where the vendor in a box lives: no proxy of the environment can reach it."""


@dataclass(frozen=True)
class Answer:
    """A good answer: its rows as text, when it was received, its size as sent, and the calls that it took."""

    rows: Lines
    status: int
    bytes: int
    answered_at: datetime
    tries: int = 1


class FmpClient:
    """Asks the vendor, at the configured pace, from any number of threads. Use it as a context manager.

    `calls` and `bytes` are what was sent and received so far, `skew` says by how much our clock was surely ahead of the
    vendor's at its newest answer (negative: behind), None where it did not say. When `stop` says so, who waits for a
    turn or for another try waits no more.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._key = require_key(settings)
        self._stop = stop
        self._pace = Pace(settings, clock, self._rest)
        self._lock = threading.Lock()
        self.calls = 0
        self.bytes = 0
        self.skew: timedelta | None = None
        self._http = httpx.Client(
            headers={"apikey": self._key, "accept": "application/json"},
            timeout=settings.timeout_seconds,
            transport=transport,
            verify=_certificates(),
            limits=httpx.Limits(max_connections=settings.workers, max_keepalive_connections=settings.workers),
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
            Stopped: nobody waits for the answer any more.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_retrying),
            stop=tenacity.stop_after_attempt(self._settings.retry_attempts),
            wait=self._wait_seconds,
            sleep=self._rest,
            before_sleep=self._before_next_try,
            reraise=True,
        )
        answer = retrying(self._send_in_turn, path, parameters)
        return replace(answer, tries=int(retrying.statistics.get("attempt_number", 1)))

    def _rest(self, seconds: float) -> None:
        """Wait, where there may be a stop in pieces, so that it is noticed.

        Raises:
            Stopped: it was.
        """
        if self._stop is None:
            self._clock.wait(seconds)
            return
        left = seconds
        while not self._stop():
            if left <= 0:
                return
            self._clock.wait(min(left, REST_PIECE_SECONDS))
            left -= REST_PIECE_SECONDS
        raise Stopped(STOPPED)

    def _before_next_try(self, state: tenacity.RetryCallState) -> None:
        """Tell why, and let nobody else send either when the vendor asked to slow down."""
        failure = _failure(state)
        log.warning("call_retried", attempt=state.attempt_number, reason=str(failure))
        if isinstance(failure, RateLimited) and state.next_action is not None:
            self._pace.hold_off(state.next_action.sleep)

    def _send_in_turn(self, path: str, parameters: Mapping[str, str]) -> Answer:
        self._pace.wait_turn()
        sent = self._clock.now()
        return self._judged(*self._send(path, parameters), parameters.get("symbol"), sent)

    def _send(self, path: str, parameters: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        """One request: the response, and its body. What httpx raises is turned into our errors outside of its own
        `except`, so that neither cause nor context leads back to a request object that holds the key.
        """
        error: VendorError
        with self._lock:
            self.calls += 1
        try:
            with self._http.stream("GET", f"{self._settings.base_url}/{path}", params=dict(parameters)) as response:
                return response, self._body(response)
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

    def _body(self, response: httpx.Response) -> bytes:
        """The whole body, by real time: httpx counts its seconds anew with each drop that comes.

        Raises:
            VendorUnavailable: it takes longer than a call may take.
            Stopped: nobody waits for it any more.
        """
        machine, seconds = SystemClock(), self._settings.timeout_seconds
        until = machine.now() + timedelta(seconds=seconds)
        pieces = []
        for piece in response.iter_bytes():
            pieces.append(piece)
            if self._stop is not None and self._stop():
                raise Stopped(STOPPED)
            if machine.now() > until:
                raise VendorUnavailable(f"no end of the answer from {response.url.host} within {seconds:g} s")
        return b"".join(pieces)

    def _judged(self, response: httpx.Response, content: bytes, symbol: str | None, sent: datetime) -> Answer:
        date = _server_date(response)
        with self._lock:
            self.bytes += response.num_bytes_downloaded
            self.skew = self.skew if date is None else _skew(sent, date, self._clock.now())
        body = self._hidden(content.decode("utf-8", errors="replace")).encode("utf-8")
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


def _server_date(response: httpx.Response) -> datetime | None:
    """The vendor's clock, as its answer says; an answer out of a cache says how old it is."""
    try:
        age = timedelta(seconds=float(response.headers.get("age", 0)))
        date = parsedate_to_datetime(response.headers["date"]) + age
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _skew(sent: datetime, server: datetime, received: datetime) -> timedelta:
    """By how much our clock is ahead: an answer is dated after it was asked for, and before it was here."""
    if sent > server:
        return sent - server
    return min(received - server, timedelta(0))


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust: read once, a worker that stays makes many clients."""
    return httpx.create_ssl_context()


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the vendor asks us to wait; it has never been seen to, but it may."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
