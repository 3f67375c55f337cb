"""Requests under way: in their order, not too many at once, and none after it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from openingbell.clock import VirtualClock
from openingbell.errors import KeyRefused, QuotaExhausted, Restricted, VendorError
from openingbell.extract.asking import Asking, Reply
from openingbell.extract.fmp import Answer
from openingbell.extract.plan import Request
from openingbell.feeds import STOCKS
from openingbell.landing.lines import Lines
from openingbell.universe import from_symbols

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)
DAY = date(2024, 5, 9)
REQUESTS = [Request(member, DAY, DAY) for member in from_symbols([f"S{n}" for n in range(20)], (), ()).of(STOCKS)]


class Vendor:
    """In the client's place: `act` is called with each symbol in the thread that asks."""

    def __init__(self, act: Callable[[str], None] = lambda _: None) -> None:
        self.asked: list[str] = []
        self._act = act

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        assert path == STOCKS.path
        self.asked.append(parameters["symbol"])
        self._act(parameters["symbol"])
        return Answer(Lines(), 200, 2, NOW)


@contextmanager
def asking(
    vendor: Vendor, *, threads: int = 2, ahead: int = 4, stop: Callable[[], bool] = lambda: False
) -> Iterator[Asking]:
    with ThreadPoolExecutor(threads) as pool:
        yield Asking(vendor, VirtualClock(NOW), pool, ahead=ahead, stop=stop)  # type: ignore[arg-type]


def one_by_one(requests: list[Request]) -> Callable[[], Request | None]:
    left = iter(requests)
    return lambda: next(left, None)


def symbols(replies: list[tuple[Request, Reply | None]]) -> list[str]:
    return [request.member.symbol for request, reply in replies if reply is not None]


def test_every_request_comes_back_once() -> None:
    vendor = Vendor()
    with asking(vendor) as under_way:
        replies = list(under_way.replies(one_by_one(REQUESTS)))
    assert sorted(symbols(replies)) == sorted(vendor.asked) == sorted(one.member.symbol for one in REQUESTS)
    assert all(reply is not None and reply.request is request for request, reply in replies)


def test_no_more_are_handed_over_than_replies_were_taken_and_some() -> None:
    handed: list[Request] = []
    left = iter(REQUESTS)

    def following() -> Request | None:
        handed.extend(more := [one for one in [next(left, None)] if one is not None])
        return more[0] if more else None

    with asking(Vendor(), ahead=3) as under_way:
        for taken, _ in enumerate(under_way.replies(following)):
            assert len(handed) <= 3 + taken


def test_a_pause_of_what_follows_is_no_end() -> None:
    """While something is under way nothing may follow for now; with the next reply it is asked again."""
    waiting = list(REQUESTS[:6])
    under: list[str] = []

    def alone() -> Request | None:
        if under or not waiting:
            return None
        under.append(waiting[0].member.symbol)
        return waiting.pop(0)

    with asking(Vendor()) as under_way:
        seen = []
        for request, _ in under_way.replies(alone):
            under.remove(request.member.symbol)
            seen.append(request)
    assert seen == REQUESTS[:6]


@pytest.mark.parametrize("kind", [KeyRefused, QuotaExhausted])
def test_after_a_refusal_of_all_nothing_is_sent(kind: type[VendorError]) -> None:
    def refuse(symbol: str) -> None:
        if symbol == "S2":
            raise kind("no more")

    vendor = Vendor(refuse)
    with asking(vendor, threads=1, ahead=10) as under_way:
        replies = list(under_way.replies(one_by_one(REQUESTS[:10])))
    assert vendor.asked == symbols(replies) == ["S0", "S1", "S2"]
    assert len(replies) == 10
    assert isinstance(replies[2][1], Reply)
    assert isinstance(replies[2][1].error, kind)


def test_an_error_about_one_request_is_its_reply() -> None:
    def refuse(symbol: str) -> None:
        if symbol == "S2":
            raise Restricted("outside the plan", status=402)

    with asking(Vendor(refuse)) as under_way:
        replies = dict(under_way.replies(one_by_one(REQUESTS[:5])))
    errors = {request.member.symbol: reply.error for request, reply in replies.items() if reply is not None}
    assert len(errors) == 5
    assert {symbol for symbol, error in errors.items() if error is not None} == {"S2"}


def test_nothing_is_sent_after_a_stop_or_when_nobody_takes_replies() -> None:
    halt = threading.Event()
    vendor = Vendor(lambda symbol: halt.set() if symbol == "S1" else None)
    with asking(vendor, threads=1, ahead=10, stop=halt.is_set) as under_way:
        assert symbols(list(under_way.replies(one_by_one(REQUESTS)))) == ["S0", "S1"]
    left = Vendor()
    with asking(left, threads=1, ahead=10) as under_way:
        replies = under_way.replies(one_by_one(REQUESTS))
        next(replies)
        replies.close()
    assert len(left.asked) <= 10
