"""Every kind of fault as it is on the wire; those that change rows are in test_faults_rows.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from openingbell.clock import VirtualClock
from openingbell.errors import UsageError
from openingbell.universe import Universe
from openingbell.vendor.faults import KINDS, Fault, Faults
from openingbell.vendor.faults.fault import PATHS
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor, open_source
from tests.vendor.wire import CHART, DAYS, NOW, QUERY, ROWS, Opener, Row

Moment = Callable[[str], datetime]


def test_too_many_calls_are_told_in_a_429_or_in_a_200(wire: Opener) -> None:
    with wire(Fault("rate_limit", symbols=("AAPL",), values={"retry_after_seconds": 7})) as at:
        answer = at.get()
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["Error Message"].startswith("Limit Reach")
        assert at.rows(symbol="ZZTOP")
        assert at.kinds == ["rate_limit", ""]
    with wire(Fault("rate_limit", values={"as_200": True})) as at:
        answer = at.get()
        assert answer.status_code == 200
        assert "retry-after" not in answer.headers
        assert answer.json()["Error Message"].startswith("Limit Reach")


def test_the_calls_of_a_day_are_used_up_until_midnight_in_new_york(wire: Opener) -> None:
    with wire(Fault("daily_limit", paths=(CHART,), values={"calls": 2})) as at:
        assert [at.get().status_code for _ in range(4)] == [200, 200, 429, 429]
        assert "daily limit reach" in at.get().json()["Error Message"]
        assert at.get("splits").status_code == 200
        at.clock.wait(timedelta(hours=12, minutes=52, seconds=29).total_seconds())
        assert at.get().status_code == 429
        at.clock.wait(1)
        assert [at.get().status_code for _ in range(3)] == [200, 200, 429]


def test_the_bytes_are_used_up(wire: Opener) -> None:
    with wire(Fault("bandwidth_limit")) as at:
        answer = at.get()
        assert answer.status_code == 429
        assert answer.json()["Error Message"].startswith("Bandwidth Limit Reach")


def test_a_symbol_is_outside_the_plan(wire: Opener) -> None:
    with wire(Fault("restricted", symbols=("AAPL", "^VIX"))) as at:
        answer = at.get()
        assert (answer.status_code, answer.headers["content-type"]) == (402, "text/html; charset=utf-8")
        assert answer.text.startswith("Premium Query Parameter: 'Special Endpoint'")
        assert at.get("splits").status_code == at.get(symbol="^VIX").status_code == 402
        assert at.get(symbol="GCUSD").status_code == at.get("treasury-rates", symbol="").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_the_server_breaks(wire: Opener, status: int) -> None:
    with wire(Fault("server_error", values={"status": status})) as at:
        answer = at.get()
        assert answer.status_code == status
        assert answer.text.startswith("<!DOCTYPE html>") if status != 503 else answer.content == b""
        assert [asked.status for asked in at.vendor.requests.all()] == [status]


def test_an_answer_is_held_and_comes_or_is_given_up(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("timeout", values={"seconds": 0.2})) as at:
        began = time.monotonic()
        assert at.rows() == truth
        assert time.monotonic() - began >= 0.2
    with wire(Fault("timeout", times=1, values={"seconds": 30})) as at:
        at.client.timeout = 0.2
        with pytest.raises(httpx.ReadTimeout):
            at.get()
        at.client.timeout = 60
        assert at.rows() == truth


def test_what_is_held_keeps_no_other_request_waiting(wire: Opener) -> None:
    def wait() -> None:
        with pytest.raises(httpx.ReadTimeout):
            at.client.get(CHART, params={**QUERY, "symbol": "ZZTOP"}, timeout=0.3)

    with wire(Fault("timeout", symbols=("ZZTOP",), values={"seconds": 60})) as at:
        at.rows()
        held = threading.Thread(target=wait)
        held.start()
        assert len(at.rows()) == ROWS
        assert held.is_alive()
        held.join()


def test_every_answer_takes_a_moment_more(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("slow", values={"least": 0.1, "most": 0.2})) as at:
        began = time.monotonic()
        assert at.rows() == truth
        assert time.monotonic() - began >= 0.1
        assert at.kinds == ["slow"]


@pytest.mark.parametrize("query", [{}, {"symbol": "IBM"}], ids=["long and compressed", "short"])
def test_the_connection_breaks_in_the_body(
    wire: Opener, query: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with wire(Fault("reset", times=1)) as at:
        with at.client.stream("GET", CHART, params={**QUERY, **query}) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                answer.read()
        assert answer.num_bytes_downloaded == int(answer.headers["content-length"]) // 2
        assert at.get(**query).status_code == 200
        assert at.kinds == ["reset", ""]
    assert caplog.records == []


def test_the_body_drips(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("drip", values={"seconds": 0.2, "pieces": 4})) as at:
        began = time.monotonic()
        with at.client.stream("GET", CHART, params=QUERY) as answer:
            pieces = list(answer.iter_raw())
        assert time.monotonic() - began >= 0.2
        assert 2 <= len(pieces) <= 4  # a slow reader gets some at once
        assert at.rows() == truth
        assert at.rows(symbol="IBM") == []


def test_a_client_that_leaves_ends_the_drip(wire: Opener) -> None:
    with wire(Fault("drip", times=1, values={"seconds": 120, "pieces": 2})) as at:
        at.client.timeout = 0.1
        with pytest.raises(httpx.ReadTimeout):
            at.get()
        at.client.timeout = 60
        assert len(at.rows()) == ROWS


def test_a_page_of_html_comes_as_data(wire: Opener) -> None:
    with wire(Fault("html")) as at:
        answer = at.get()
        assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")


def test_the_json_ends_in_the_middle(wire: Opener, truth: list[Row]) -> None:
    with wire() as at:
        whole = at.get().content
    with wire(Fault("truncated", values={"share": 0.25})) as at:
        answer = at.get()
        assert answer.status_code == 200
        assert answer.content == whole[: len(whole) // 4]
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()


def test_a_split_happens_overnight(wire: Opener, universe: Universe) -> None:
    fault = Fault("split", symbols=("AAPL",), values={"on": "2024-05-08", "ratio": "4:1"})
    source = open_source(universe, seed=7, splits=Faults((fault,)).splits)
    with wire(fault, source=source) as at:
        before = at.rows(to="2024-05-06")
        at.clock.wait(timedelta(hours=13).total_seconds())
        after = at.rows(to="2024-05-06")
        assert [round(a["close"] * 4, 4) for a in after] == [b["close"] for b in before]
        assert at.rows("splits") == [{"symbol": "AAPL", "date": "2024-05-08", "numerator": 4, "denominator": 1}]


def test_a_split_that_the_source_does_not_play_is_refused(market: SimulatedMarket, new_york: Moment) -> None:
    faults = Faults((Fault("split", symbols=("AAPL",), values={"on": "2024-05-08", "ratio": "4:1"}),))
    with pytest.raises(UsageError, match=r"fault split of AAPL on 2024-05-08; the source does not play it; .*; give"):
        RunningVendor(market, VirtualClock(new_york(NOW)), faults=faults)


def test_an_outage_closes_connections_or_answers_503(
    wire: Opener, new_york: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = new_york("2024-05-07T11:00:00"), new_york("2024-05-07T12:00:00")
    with wire(Fault("outage", start=first, end=last)) as at:
        with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
            at.get()
        at.clock.wait(timedelta(minutes=52, seconds=29).total_seconds())
        with pytest.raises(httpx.RemoteProtocolError):
            at.get("nowhere")
        at.clock.wait(1)
        assert at.rows()
        assert [(asked.status, asked.fault) for asked in at.vendor.requests.all()] == [
            (0, "outage"), (0, "outage"), (200, ""),
        ]  # fmt: skip
    assert caplog.records == []
    with wire(Fault("outage", start=first, end=last, values={"answer": "503"})) as at:
        answer = at.get()
        assert (answer.status_code, answer.content) == (503, b"")


def test_faults_of_rows_add_up_in_their_order_and_the_first_answer_wins(wire: Opener, truth: list[Row]) -> None:
    rows = (Fault("null_volume"), Fault("cut", values={"share": 0.9}), Fault("truncated", paths=(DAYS,)))
    with wire(*rows, Fault("timeout", values={"seconds": 0.01})) as at:
        assert at.rows() == [{**row, "volume": None} for row in truth[:3]]
        at.get(DAYS)
        assert at.kinds == ["null_volume cut timeout", "null_volume cut truncated timeout"]
    with wire(*rows, Fault("html", symbols=("AAPL",)), Fault("server_error")) as at:
        assert (at.get().status_code, at.get(symbol="ZZTOP").status_code) == (200, 502)
        assert at.kinds == ["html", "server_error"]


def test_refusals_are_left_as_they_are(wire: Opener) -> None:
    with wire(Fault("cut"), Fault("truncated")) as at:
        assert at.get("nowhere").content == b"[]"
        assert at.get(apikey="", symbol="").status_code == 400


def test_the_endpoints_are_those_of_the_server(wire: Opener) -> None:
    with wire() as at:
        assert {at.get(path).status_code for path in PATHS} == {200}


def test_every_kind_is_tested_here() -> None:
    here = Path(__file__).parent
    text = "".join(file.read_text("utf-8") for file in (here / "test_faults_wire.py", here / "test_faults_rows.py"))
    assert [kind for kind in KINDS if f'Fault("{kind}"' not in text] == []
