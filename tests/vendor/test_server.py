from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from openingbell.clock import VirtualClock
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.replay import ReplaySource
from openingbell.vendor.running import RunningVendor

Moment = Callable[[str], datetime]


@pytest.fixture(scope="module")
def client(market: SimulatedMarket, new_york: Moment) -> Iterator[httpx.Client]:
    """Asks a simulated vendor that lives on Tuesday 2024-05-07 at 11:07:30 in New York."""
    clock = VirtualClock(new_york("2024-05-07T11:07:30"))
    vendor = RunningVendor(market, clock, keys={"right", "also"}, restricted={"NGUSD"})
    with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "right"}, timeout=60) as client:
        yield client


def rows(client: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    answer = client.get(path, params={name.rstrip("_"): value for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    result: list[dict[str, Any]] = answer.json()
    return result


def test_a_key_is_needed(client: httpx.Client) -> None:
    for headers, query, status in (
        ({"apikey": "also"}, "", 200),
        ({"apikey": ""}, "&apikey=right", 200),
        ({"apikey": "wrong"}, "", 401),
        ({"apikey": ""}, "", 401),
        ({"apikey": ""}, "&apikey=wrong", 401),
    ):
        answer = client.get(f"/splits?symbol=AAPL{query}", headers=headers)
        assert answer.status_code == status
        if status == 401:
            assert answer.json()["Error Message"].startswith("Invalid API KEY.")


def test_any_key_is_accepted_when_none_is_named(market: SimulatedMarket, new_york: Moment) -> None:
    with RunningVendor(market, VirtualClock(new_york("2024-05-07T11:07:30"))) as vendor:
        assert httpx.get(f"{vendor.url}/splits?symbol=AAPL&apikey=x", timeout=60).status_code == 200
        assert httpx.get(f"{vendor.url}/splits?symbol=AAPL").status_code == 401


def test_a_restricted_symbol_is_refused_in_plain_text(client: httpx.Client) -> None:
    for path in ("historical-chart/15min", "historical-price-eod/full", "splits"):
        answer = client.get(path, params={"symbol": "NGUSD"})
        assert answer.status_code == 402
        assert answer.text.startswith("Premium Query Parameter: 'Special Endpoint'")
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_legacy_paths_are_refused(client: httpx.Client) -> None:
    root = client.base_url.copy_with(path="/")
    answer = client.get(root.join("api/v3/historical-chart/15min/AAPL"))
    assert answer.status_code == 403
    assert answer.json()["Error Message"].startswith("Legacy Endpoint")


@pytest.mark.parametrize("path", ["quote", "historical-chart", "historical-price-eod", "historical-chart/15min/AAPL"])
def test_unknown_paths_are_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"symbol": "AAPL"})
    wanted = (400, "Query Error") if path.startswith("historical-chart/") else (404, "[]")
    assert (answer.status_code, answer.text[: len(wanted[1])]) == wanted


@pytest.mark.parametrize(
    "query",
    [
        "historical-chart/7min?symbol=AAPL",
        "historical-chart/15min?symbol=AAPL&from=2024-13-01",
        "historical-chart/15min?symbol=AAPL&to=20240501",
        "historical-chart/15min?symbol=AAPL&to=2024-05-01 09:30:00",
        "historical-chart/15min",
        "historical-price-eod/full?symbol=AAPL&from=yesterday",
        "treasury-rates?from=1",
        "splits-calendar?from=1",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(query)
    assert answer.status_code == 400
    assert answer.text.startswith("Query Error: ")


@pytest.mark.parametrize(
    "query",
    [
        "historical-chart/15min?symbol=IBM",
        "historical-price-eod/full?symbol=IBM",
        "historical-chart/15min?symbol=AAPL&from=2024-05-04&to=2024-05-05",
        "historical-chart/15min?symbol=AAPL&from=2024-05-08&to=2024-05-09",
        "historical-chart/15min?symbol=AAPL&from=2024-05-03&to=2024-05-02",
        "historical-price-eod/full?symbol=AAPL&from=2024-05-08",
        "treasury-rates?from=2024-05-07&to=2024-05-07",
        "splits?symbol=AAPL",
        "dividends?symbol=AAPL",
        "splits-calendar",
        "dividends-calendar?from=2024-01-01&to=2024-05-01",
    ],
)
def test_what_the_vendor_does_not_have_is_an_empty_list(client: httpx.Client, query: str) -> None:
    answer = client.get(query)
    assert (answer.status_code, answer.content) == (200, b"[]")


def test_bars_have_the_recorded_fields(client: httpx.Client, shared_data: Path) -> None:
    recorded = shared_data / "fmp-recorded"
    for path, name, query in (
        ("historical-chart/15min", "stable_historical-chart-1hour_0700.HK", {"symbol": "^GSPC"}),
        ("historical-price-eod/full", "stable_historical-price-eod-full_AAPL_2023-01", {"symbol": "AAPL"}),
        ("treasury-rates", "stable_treasury-rates_2023-01", {}),
    ):
        wanted = json.loads((recorded / f"{name}.json").read_text("utf-8"))
        answer = rows(client, path, **query)
        assert {tuple(row) for row in answer} == {tuple(wanted[0])}
        dates = [row["date"] for row in answer]
        assert dates == sorted(dates, reverse=True)
        assert len(dates[0]) == len(wanted[0]["date"])


@pytest.mark.parametrize(
    ("bar_interval", "oldest"),
    [("1min", "2024-05-03"), ("5min", "2024-04-26"), ("15min", "2024-03-22"), ("1hour", "2024-02-13")],
)
def test_a_long_span_loses_its_oldest_part(client: httpx.Client, bar_interval: str, oldest: str) -> None:
    path = f"historical-chart/{bar_interval}"
    answer = rows(client, path, symbol="AAPL", from_="2020-01-01", to="2024-05-07")
    assert answer[-1]["date"] == f"{oldest} 09:30:00"
    assert answer[0]["date"][:10] == "2024-05-07"
    assert rows(client, path, symbol="AAPL") == answer


def test_yields_and_days_have_their_caps(client: httpx.Client) -> None:
    yields = rows(client, "treasury-rates", from_="2023-01-01", to="2023-05-10")
    assert (yields[0]["date"], yields[-1]["date"]) == ("2023-05-10", "2023-02-10")
    days = rows(client, "historical-price-eod/full", symbol="AAPL", from_="2000-01-01")
    assert len(days) == 5000
    assert days[0]["date"] == "2024-05-07"


def test_the_caps_count_back_from_today_and_not_from_a_future_day(client: httpx.Client) -> None:
    for path, symbol in (("historical-chart/5min", {"symbol": "AAPL"}), ("treasury-rates", {})):
        asked = rows(client, path, from_="2020-01-01", to="2034-01-01", **symbol)
        assert len(asked) > 50
        assert asked == rows(client, path, **symbol)


def test_both_ends_are_included(client: httpx.Client) -> None:
    answer = rows(client, "historical-chart/15min", symbol="AAPL", from_="2024-05-01", to="2024-05-02")
    assert (answer[0]["date"], answer[-1]["date"]) == ("2024-05-02 15:45:00", "2024-05-01 09:30:00")
    assert len(answer) == 52


def test_the_running_bar_is_the_newest_row(client: httpx.Client) -> None:
    for bar_interval, start in (("1min", "11:07"), ("5min", "11:05"), ("15min", "11:00"), ("1hour", "10:30")):
        newest = rows(client, f"historical-chart/{bar_interval}", symbol="AAPL")[0]
        assert newest["date"] == f"2024-05-07 {start}:00"
    assert rows(client, "historical-price-eod/full", symbol="AAPL")[0]["date"] == "2024-05-07"


def test_the_date_is_the_clocks(client: httpx.Client, new_york: Moment) -> None:
    for path in ("splits?symbol=AAPL", "nowhere", "historical-chart/15min?symbol=NGUSD"):
        answer = client.get(path)
        assert parsedate_to_datetime(answer.headers["date"]) == new_york("2024-05-07T11:07:30")
        assert len(answer.headers.get_list("date")) == 1


def test_long_answers_are_compressed(client: httpx.Client) -> None:
    answer = client.get("historical-chart/15min?symbol=AAPL")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 3
    assert answer.headers["etag"].startswith(f'W/"{len(answer.content):x}-')


def test_a_replay_leaves_as_it_is_spelled(replay: ReplaySource, shared_data: Path, new_york: Moment) -> None:
    with RunningVendor(replay, VirtualClock(new_york("2019-02-15T20:00:00"))) as vendor:
        text = httpx.get(f"{vendor.url}/historical-chart/15min?symbol=AAPL&apikey=k", timeout=60).text
    row = (shared_data / "replay" / "15min" / "AAPL.csv").read_text("utf-8").splitlines()[2]
    assert row == "2019-02-15 15:30:00,170.31,170.3,170.5,170.38,796050"
    assert (
        '"date": "2019-02-15 15:30:00",\n    "open": 170.31,\n    "low": 170.3,\n    "high": 170.5,\n'
        '    "close": 170.38,\n    "volume": 796050\n'
    ) in text
    assert text.count('"date"') == 30 * 26


def test_splits_come_by_symbol_and_by_calendar(shared_data: Path, new_york: Moment) -> None:
    from openingbell.universe import read_replay
    from openingbell.vendor.running import open_source

    folder = shared_data / "history"
    source = open_source(read_replay(folder), replay=folder)
    vendor = RunningVendor(source, VirtualClock(new_york("2020-10-01T00:00:00")))
    with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client:
        tesla = {"symbol": "TSLA", "date": "2020-08-31", "numerator": 5, "denominator": 1}
        assert rows(client, "splits", symbol="TSLA") == [tesla]
        calendar = rows(client, "splits-calendar", from_="2020-08-31", to="2020-08-31")
        assert [row["symbol"] for row in calendar] == ["AAPL", "TSLA"]
        assert rows(client, "splits-calendar", to="2020-08-30") == []


def test_a_broken_replay_file_says_what_is_wrong(tmp_path: Path, market: SimulatedMarket, new_york: Moment) -> None:
    (tmp_path / "15min").mkdir()
    (tmp_path / "15min" / "AAPL.csv").write_text("date,open\n")
    from openingbell.universe import Universe

    source = ReplaySource(tmp_path, Universe(()))
    with RunningVendor(source, VirtualClock(new_york("2020-10-01T00:00:00"))) as vendor:
        answer = httpx.get(f"{vendor.url}/historical-chart/15min?symbol=AAPL&apikey=k", timeout=60)
    assert answer.status_code == 500
    assert "no column low, high, close" in answer.text


def test_an_interceptor_answers_first(market: SimulatedMarket, new_york: Moment) -> None:
    seen = []

    def intercept(request: Request) -> Response | None:
        seen.append(str(request.url.path))
        return PlainTextResponse("Limit Reach", 429) if len(seen) == 1 else None

    vendor = RunningVendor(market, VirtualClock(new_york("2024-05-07T11:07:30")), interceptor=intercept)
    with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client:
        assert client.get("splits?symbol=AAPL").status_code == 429
        assert client.get("splits?symbol=AAPL").status_code == 200
        assert client.get("nowhere").status_code == 404
    assert seen == ["/stable/splits", "/stable/splits", "/stable/nowhere"]


def test_an_interceptor_can_cut_a_body(market: SimulatedMarket, new_york: Moment) -> None:
    def intercept(request: Request) -> Response | None:
        cut = Response(b"[{" + b" " * 2000, media_type="application/json", headers={"content-length": "9000"})
        return {"/stable/cut": cut, "/stable/html": HTMLResponse("<html>", 502)}.get(request.url.path)

    vendor = RunningVendor(market, VirtualClock(new_york("2024-05-07T11:07:30")), interceptor=intercept)
    with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client:
        with pytest.raises(httpx.TransportError):
            client.get("cut")
        answer = client.get("html")
        assert (answer.status_code, answer.text) == (502, "<html>")
        assert parsedate_to_datetime(answer.headers["date"]) == new_york("2024-05-07T11:07:30")
        assert client.get("splits?symbol=AAPL").status_code == 200
