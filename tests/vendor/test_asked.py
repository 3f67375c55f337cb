from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openingbell.clock import VirtualClock
from openingbell.vendor.asked import Asked, RequestLog
from openingbell.vendor.faults import Fault, Faults
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor

Moment = Callable[[str], datetime]


def test_every_request_is_noted_before_its_answer_is_seen(market: SimulatedMarket, new_york: Moment) -> None:
    now = new_york("2024-05-07T11:07:30")

    def intercept(request: Request) -> Response | None:
        return PlainTextResponse("no", 418) if request.url.path.endswith("/dividends") else None

    faults = Faults((Fault("html", symbols=("^VIX",)),))
    vendor = RunningVendor(market, VirtualClock(now), interceptor=intercept, faults=faults)
    with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client:
        for query in (
            "historical-chart/15min?symbol=AAPL&from=2024-05-06&to=2024-05-07",
            "historical-chart/15min?symbol=%5EVIX",
            "treasury-rates?from=2024-05-06",
            "dividends?symbol=AAPL",
            "nowhere",
        ):
            before = len(vendor.requests)
            client.get(query)
            assert len(vendor.requests) == before + 1
        assert vendor.requests.all() == (
            Asked(now, "historical-chart/15min", "AAPL", "2024-05-06", "2024-05-07", 200, ""),
            Asked(now, "historical-chart/15min", "^VIX", "", "", 200, "html"),
            Asked(now, "treasury-rates", "", "2024-05-06", "", 200, ""),
            Asked(now, "dividends", "AAPL", "", "", 418, ""),
            Asked(now, "nowhere", "", "", "", 404, ""),
        )
        vendor.requests.clear()
        assert len(vendor.requests) == 0


def test_no_request_of_many_threads_is_lost() -> None:
    log = RequestLog()
    asked = Asked(datetime(2024, 5, 7), "splits", "AAPL", "", "", 200, "")  # noqa: DTZ001  only kept
    ready = threading.Barrier(8)

    def add(_: int) -> None:
        ready.wait()
        for _ in range(500):
            log.add(asked)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert len(log.all()) == 4000
