from __future__ import annotations

import inspect
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.errors import (
    BadRequest,
    KeyRefused,
    QuotaExhausted,
    Restricted,
    SettingsError,
    Stopped,
    UnusableAnswer,
    VendorError,
    VendorUnavailable,
)
from openingbell.extract.fmp import FmpClient, require_key

KEY = "s3cr3t-k3y-0123456789"
START = datetime(2024, 5, 7, 15, tzinfo=UTC)
GOOD = b'[{"symbol": "AAPL", "date": "2024-05-06", "close": 1.50}]'
QUESTION = {"symbol": "AAPL", "from": "2024-05-06"}
Handler = Callable[[httpx.Request], httpx.Response]


class NotingClock(VirtualClock):
    """Waiting is free and noted."""

    def __init__(self) -> None:
        super().__init__(START)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.waits.append(seconds)
        super().wait(seconds)


class Vendor:
    """Plays a list of answers; the last one is given for ever. An exception class is raised with the request."""

    def __init__(self, *answers: httpx.Response | type[Exception] | Callable[[httpx.Request], Exception]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        raise answer(f"it went wrong with {KEY}") if isinstance(answer, type) else answer(request)


def client(handler: Handler, clock: VirtualClock | None = None, **changed: object) -> FmpClient:
    facts: dict[str, object] = {"api_key": SecretStr(KEY), "pause_between_calls_seconds": 0, **changed}
    return FmpClient(Settings.model_validate(facts), clock or NotingClock(), transport=httpx.MockTransport(handler))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it leads to."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def test_a_good_answer_comes_with_its_facts() -> None:
    clock = NotingClock()
    with client(Vendor(httpx.Response(200, content=GOOD)), clock) as fmp:
        answer = fmp.get("historical-price-eod/full", QUESTION)
    assert answer.rows.frame.rows() == [("AAPL", "2024-05-06", "1.50")]
    assert (answer.status, answer.answered_at) == (200, START)
    assert clock.waits == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"date": "yesterday"}, None),
        ({"date": f"{START - timedelta(hours=1):%a, %d %b %Y %H:%M:%S GMT}"}, 3600),
        ({"date": f"{START + timedelta(hours=1):%a, %d %b %Y %H:%M:%S GMT}"}, -3600),
        ({"date": f"{START + timedelta(hours=1):%a, %d %b %Y %H:%M:%S -0000}"}, -3600),
        ({"date": f"{START - timedelta(hours=1):%a, %d %b %Y %H:%M:%S GMT}", "age": "3600"}, 0),
        ({"date": f"{START:%a, %d %b %Y %H:%M:%S GMT}", "age": "nan"}, None),
    ],
)
def test_how_far_the_clocks_are_apart_is_read_from_the_date(headers: dict[str, str], seconds: float | None) -> None:
    with client(Vendor(httpx.Response(200, content=GOOD, headers=headers))) as fmp:
        fmp.get("historical-price-eod/full", QUESTION)
        assert (fmp.skew.total_seconds() if fmp.skew is not None else None) == seconds


def test_an_answer_that_takes_long_says_nothing_against_the_clock() -> None:
    """It is dated somewhere between the question and its end."""
    clock = VirtualClock(START)

    def slow(_: httpx.Request) -> httpx.Response:
        clock.wait(300)
        dated = f"{clock.now():%a, %d %b %Y %H:%M:%S GMT}"
        clock.wait(300)
        return httpx.Response(200, content=GOOD, headers={"date": dated})

    with client(slow, clock) as fmp:
        fmp.get("historical-price-eod/full", QUESTION)
        assert fmp.skew == timedelta(0)


@contextmanager
def dripping(drops: int) -> Iterator[str]:
    """A vendor that sends so many drops of an answer, one in twenty milliseconds, and never its end; its address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if drops:
                self.send_response(200)
                self.send_header("content-length", "1000")
                self.end_headers()
            for _ in range(drops):
                with suppress(OSError):  # nobody listens any more
                    self.wfile.write(b" ")
                if over.wait(0.02):
                    return
            over.wait()

        def log_message(self, *_: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()


@pytest.mark.parametrize(
    ("drops", "words"),
    [(0, "ReadTimeout timed out"), (3, "ReadTimeout timed out"), (500, "no end of the answer from 127.0.0.1 within")],
    ids=["nothing", "no more", "again and again"],
)
def test_in_real_time_a_call_takes_no_longer_than_it_may(drops: int, words: str) -> None:
    """Whatever comes of it meanwhile."""
    with dripping(drops) as url:
        impatient = Settings(api_key=SecretStr(KEY), base_url=url, timeout_seconds=0.2, retry_attempts=1)
        with FmpClient(impatient, VirtualClock(START)) as fmp, pytest.raises(VendorUnavailable, match=words):
            fmp.get("historical-price-eod/full", QUESTION)


def test_who_stops_waits_for_no_further_drop() -> None:
    def drops() -> Iterator[bytes]:
        yield GOOD[:5]
        raise AssertionError("nobody waits for this")

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=drops()))
    stops = iter([False, True])  # before it is sent, and behind the first drop
    with (
        FmpClient(
            Settings(api_key=SecretStr(KEY)), VirtualClock(START), transport=transport, stop=lambda: next(stops)
        ) as fmp,
        pytest.raises(Stopped),
    ):
        fmp.get("historical-price-eod/full", QUESTION)


def test_the_key_travels_in_the_header_and_never_in_the_address() -> None:
    """An address is logged by everyone on the way; a header by no one."""
    vendor = Vendor(httpx.Response(200, content=GOOD))
    with client(vendor) as fmp:
        fmp.get("historical-price-eod/full", {**QUESTION, "symbol": "AAPL"})
    (request,) = vendor.requests
    assert request.headers["apikey"] == KEY
    assert KEY not in str(request.url)
    assert str(request.url) == (
        "https://financialmodelingprep.com/stable/historical-price-eod/full?symbol=AAPL&from=2024-05-06"
    )


def test_a_question_without_a_symbol_takes_rows_of_any() -> None:
    rows = b'[{"symbol": "AAPL", "date": "2024-05-06"}, {"symbol": "MSFT", "date": "2024-05-06"}]'
    with client(Vendor(httpx.Response(200, content=rows))) as fmp:
        assert fmp.get("splits-calendar", {"from": "2024-05-06"}).rows.frame["symbol"].to_list() == ["AAPL", "MSFT"]


def test_a_caret_is_encoded_in_the_address() -> None:
    vendor = Vendor(httpx.Response(200, content=b"[]"))
    with client(vendor) as fmp:
        fmp.get("historical-chart/5min", {"symbol": "^GSPC"})
    assert "symbol=%5EGSPC" in str(vendor.requests[0].url)


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        (httpx.Response(429, content=b"Limit Reach"), 3),
        (httpx.Response(200, content=b'{"Error Message": "Limit Reach . Please upgrade"}'), 3),
        (httpx.Response(500), 3),
        (httpx.Response(502, content=b"<html>Bad Gateway</html>"), 3),
        (httpx.Response(503), 3),
        (httpx.Response(200, content=b"<html></html>"), 3),
        (httpx.Response(200), 3),
        (httpx.Response(200, content=b'[{"symbol": "AAPL", "da'), 3),
        (httpx.ReadTimeout, 3),
        (httpx.ConnectError, 3),
        (httpx.RemoteProtocolError, 3),
    ],
)
def test_what_may_pass_is_tried_again(first: httpx.Response | type[Exception], tries: int) -> None:
    vendor = Vendor(first, first, httpx.Response(200, content=GOOD))
    clock = NotingClock()
    with client(vendor, clock) as fmp:
        assert fmp.get("eod", QUESTION).rows.count == 1
    assert len(vendor.requests) == tries
    assert len(clock.waits) == tries - 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(401, content=b'{"Error Message": "Invalid API KEY."}'), KeyRefused),
        (httpx.Response(200, content=b'{"Error Message": "Invalid API KEY."}'), KeyRefused),
        (httpx.Response(402, content=b"Premium Query Parameter: 'Special Endpoint'"), Restricted),
        (httpx.Response(403, content=b"Exclusive Endpoint"), Restricted),
        (httpx.Response(403, content=b"Legacy Endpoint"), BadRequest),
        (httpx.Response(400, content=b"Query Error"), BadRequest),
        (httpx.Response(404, content=b"[]"), BadRequest),
        (httpx.Response(429, content=b"Bandwidth Limit Reach"), QuotaExhausted),
    ],
)
def test_what_waiting_does_not_cure_is_asked_once(answer: httpx.Response, kind: type[VendorError]) -> None:
    vendor = Vendor(answer)
    clock = NotingClock()
    with client(vendor, clock) as fmp, pytest.raises(kind):
        fmp.get("eod", QUESTION)
    assert len(vendor.requests) == 1
    assert clock.waits == []


def test_waits_grow_and_end() -> None:
    """Each wait is about twice the one before, with jitter of at most the first wait, up to the longest."""
    vendor = Vendor(httpx.Response(503))
    clock = NotingClock()
    with (
        client(vendor, clock, retry_attempts=8, retry_longest_wait_seconds=20) as fmp,
        pytest.raises(VendorUnavailable, match="503"),
    ):
        fmp.get("eod", QUESTION)
    assert len(vendor.requests) == 8
    for number, wait in enumerate(clock.waits):
        assert min(2**number, 20) <= wait <= min(2**number + 1, 20)


def test_no_wait_is_needed_when_the_settings_say_so() -> None:
    clock = NotingClock()
    with (
        client(Vendor(httpx.Response(503)), clock, retry_first_wait_seconds=0) as fmp,
        pytest.raises(VendorUnavailable),
    ):
        fmp.get("eod", QUESTION)
    assert clock.now() == START


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("30", 30, 30), ("1", 1, 2), ("86400", 60, 60), ("soon", 1, 2), ("-5", 1, 2), ("", 1, 2)],
)
def test_the_wait_that_the_vendor_asks_for_is_kept(header: str, least: float, most: float) -> None:
    """It is kept when it is longer than ours and not longer than the longest; nonsense is overlooked."""
    vendor = Vendor(
        httpx.Response(429, content=b"Limit Reach", headers={"retry-after": header}), httpx.Response(200, content=GOOD)
    )
    clock = NotingClock()
    with client(vendor, clock) as fmp:
        fmp.get("eod", QUESTION)
    assert least <= clock.waits[0] <= most


@settings(max_examples=50)
@given(st.text(max_size=8).filter(lambda text: text.isprintable()))
@example("²")  # a digit that is no number
def test_whatever_the_vendor_asks_to_wait_the_run_goes_on(header: str) -> None:
    """A header holds anything; it is a number of seconds or it is nothing."""
    vendor = Vendor(httpx.Response(429, headers={b"retry-after": header.encode()}), httpx.Response(200, content=GOOD))
    clock = NotingClock()
    with client(vendor, clock) as fmp:
        fmp.get("eod", QUESTION)
    assert 0 < clock.waits[0] <= 60


def every_exception() -> list[type[Exception]]:
    """Every exception class that httpx has."""
    classes = [value for _, value in inspect.getmembers(httpx, inspect.isclass) if issubclass(value, Exception)]
    assert len(classes) > 20
    return classes


OUTSIDE_A_REQUEST: set[type[Exception]] = {
    httpx.CookieConflict,  # raised when cookies are read
    httpx.StreamError, httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead,  # misuse
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(every_exception()) - OUTSIDE_A_REQUEST, key=str))
def test_every_error_of_httpx_becomes_one_of_ours(kind: type[Exception]) -> None:
    """None leaves, not even as cause or context: it would hold the request, and the request holds the key."""

    def fail(request: httpx.Request) -> Exception:
        if kind is httpx.HTTPStatusError:
            return httpx.HTTPStatusError("it failed", request=request, response=httpx.Response(500, request=request))
        if issubclass(kind, httpx.RequestError):
            return kind(f"it failed with {KEY}", request=request)
        return kind(f"it failed with {KEY}")

    with client(Vendor(fail), retry_attempts=2) as fmp, pytest.raises(VendorError) as caught:
        fmp.get("eod", QUESTION)
    expected = (
        UnusableAnswer if issubclass(kind, httpx.DecodingError)
        else VendorUnavailable if issubclass(kind, httpx.TransportError)
        else VendorError
    )  # fmt: skip
    assert type(caught.value) is expected
    for error in chain(caught.value):
        assert not type(error).__module__.startswith(("httpx", "httpcore", "h11"))
        assert KEY not in repr(error)
        assert KEY not in str(error)


def test_an_answer_whose_compression_is_broken_is_unusable() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield zlib.compress(GOOD)[:-9]
            yield b"garbage"

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Broken())

    with client(answer, retry_attempts=2) as fmp, pytest.raises(UnusableAnswer, match="decoded"):
        fmp.get("eod", QUESTION)


@pytest.mark.parametrize("charset", ["utf-16", "base64", "no-such", "idna"])
def test_a_charset_that_is_none_does_no_harm(charset: str) -> None:
    """JSON is UTF-8, whatever the header says."""
    headers = {"content-type": f"application/json; charset={charset}"}
    with client(Vendor(httpx.Response(200, content=GOOD, headers=headers))) as fmp:
        assert fmp.get("eod", QUESTION).rows.count == 1


@pytest.mark.parametrize("status", [200, 402, 500])
def test_a_key_that_the_vendor_repeats_is_hidden(status: int) -> None:
    """Neither the message nor the kept body has it, plain or as an address writes it."""
    key = "s3cr3t/k3y+0=123"
    body = f"you sent {key} and s3cr3t%2Fk3y%2B0%3D123".encode()
    vendor = Vendor(httpx.Response(status, content=body))
    with client(vendor, api_key=SecretStr(key), retry_attempts=1) as fmp, pytest.raises(VendorError) as caught:
        fmp.get("eod", QUESTION)
    said = str(caught.value).encode() + getattr(caught.value, "body", b"")
    assert b"you sent [hidden] and [hidden]" in said
    assert b"k3y" not in said


def test_a_redirect_is_not_followed() -> None:
    """The key goes to nobody but the vendor that was named."""
    vendor = Vendor(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with client(vendor, retry_attempts=2) as fmp, pytest.raises(UnusableAnswer, match="302"):
        fmp.get("eod", QUESTION)
    assert {request.url.host for request in vendor.requests} == {"financialmodelingprep.com"}


def test_no_key_is_told_with_the_way_to_one() -> None:
    with pytest.raises(SettingsError, match="FMP_API_KEY"):
        require_key(Settings())
    with pytest.raises(SettingsError, match="--demo"):
        FmpClient(Settings(), NotingClock())


@pytest.mark.parametrize("key", ["abcdef\n", "abcdef\r", "abc def", " abcdef", "schlüssel", "abc\x00def", "“abcdef”"])
def test_a_key_that_can_be_none_is_refused_before_it_is_sent(key: str) -> None:
    """A line end that came along would be quoted, escaped and so in plain sight, by whoever refuses it."""
    with pytest.raises(SettingsError, match="FMP_API_KEY") as caught:
        client(Vendor(httpx.Response(200, content=GOOD)), api_key=SecretStr(key))
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_stands_before_the_vendor_in_a_box(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """The demo works behind a company's proxy: what is on this machine is asked directly."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    facts = Settings(api_key=SecretStr(KEY), base_url=f"http://{host}:1/stable", retry_attempts=1)
    with FmpClient(facts, NotingClock()) as fmp, pytest.raises(VendorUnavailable, match="refused"):
        fmp.get("eod", QUESTION)


def test_a_host_that_does_not_speak_tls_is_unavailable() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("bad record") from ssl.SSLError(1, "wrong version number")

    with client(fail, retry_attempts=1) as fmp, pytest.raises(VendorUnavailable) as caught:
        fmp.get("eod", QUESTION)
    assert list(chain(caught.value)) == [caught.value]
