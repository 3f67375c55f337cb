"""Each thing that can be wrong is found, said with what to do, and hides no other."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from openingbell.clock import SystemClock, VirtualClock
from openingbell.operations.doctor import Check, Verdict, clock_check, examine
from openingbell.operations.entry import Wish, entered
from openingbell.operations.heartbeat import SLEEPING, Heartbeat
from openingbell.operations.home import Source
from openingbell.operations.lock import worker_lock
from openingbell.universe import from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor

KEY = "made-up-key-3391ab"
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def checks(home: Path, source: Source, now: datetime = NOW, *, endpoints: bool = False) -> dict[str, Check]:
    with entered(Wish(source=source, home=home, clock=VirtualClock(now))) as (entered_home, pipeline):
        return {check.name: check for check in examine(entered_home, pipeline, endpoints=endpoints)}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FMP_API_KEY", raising=False)
    monkeypatch.setenv("OPENINGBELL_STOCKS", "AAPL")


def test_a_new_home_of_a_simulated_market_is_well(tmp_path: Path) -> None:
    found = checks(tmp_path / "home", Source("demo", "1"))
    assert {check.verdict for check in found.values()} == {Verdict.OK}
    assert "simulated" in found["vendor"].found
    assert set(found) == {
        "python",
        "time zones",
        "home",
        "calendars",
        "symbols",
        "disk",
        "warehouse",
        "worker",
        "vendor",
    }


def test_without_a_key_it_says_where_to_put_one(tmp_path: Path) -> None:
    found = checks(tmp_path, Source("fmp"))
    assert found["key"].verdict is Verdict.FAILURE
    assert "FMP_API_KEY" in found["key"].found
    assert found["python"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [
        (timedelta(0), Verdict.OK),
        (timedelta(seconds=20), Verdict.WARNING),
        (timedelta(hours=1), Verdict.FAILURE),
        (timedelta(hours=-1), Verdict.FAILURE),
    ],
)
def test_a_clock_that_is_wrong_is_seen_from_the_vendors_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: timedelta, verdict: Verdict
) -> None:
    market = SimulatedMarket(from_symbols(["AAPL"], [], []))
    with RunningVendor(market, VirtualClock(NOW + apart)) as vendor:
        monkeypatch.setenv("FMP_API_KEY", KEY)
        monkeypatch.setenv("OPENINGBELL_BASE_URL", vendor.url)
        monkeypatch.setenv("OPENINGBELL_PLAN", "starter")
        found = checks(tmp_path, Source("fmp"))
    assert found["vendor"].verdict is Verdict.OK
    assert found["clock"].verdict is verdict
    assert found["plan"].found == "starter: 248 calls a minute; 20,000 MB left of its thirty days"
    assert found["key"].verdict is Verdict.OK
    assert KEY not in str(found)


def test_a_vendor_that_refuses_the_key_and_one_that_is_not_there_are_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    with RunningVendor(SimulatedMarket(from_symbols(["AAPL"], [], [])), VirtualClock(NOW), keys=["other"]) as vendor:
        monkeypatch.setenv("OPENINGBELL_BASE_URL", vendor.url)
        assert "401" in checks(tmp_path, Source("fmp"))["vendor"].found
    monkeypatch.setenv("OPENINGBELL_BASE_URL", "http://127.0.0.1:1/stable")
    found = checks(tmp_path, Source("fmp"))
    assert found["vendor"].verdict is Verdict.FAILURE
    assert "clock" not in found


@pytest.mark.parametrize(
    ("restricted", "missing", "verdict", "words"),
    [
        ([], "", Verdict.OK, "15 of 15 feeds answer"),
        (["^GSPC"], "", Verdict.WARNING, r"14 of 15 .*; outside the plan: indexes \(historical-chart/5min, \^GSPC\)$"),
        (["^GSPC"], "profile", Verdict.FAILURE, r"13 of 15 .* outside .*; profile \(profile, AAPL\): .* answered 404"),
    ],
)
def test_each_endpoint_is_tried_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restricted: list[str], missing: str, verdict: Verdict, words: str
) -> None:
    def fault(request: Request) -> Response | None:
        return Response(b"[]", 404) if missing and request.url.path.endswith(missing) else None

    market = SimulatedMarket(from_symbols(["AAPL"], ["^GSPC"], ["GCUSD"]))
    with RunningVendor(market, VirtualClock(NOW), restricted=restricted, interceptor=fault) as vendor:
        monkeypatch.setenv("FMP_API_KEY", KEY)
        monkeypatch.setenv("OPENINGBELL_BASE_URL", vendor.url)
        monkeypatch.setenv("OPENINGBELL_INDEXES", "^GSPC")
        monkeypatch.setenv("OPENINGBELL_COMMODITIES", "GCUSD")
        found = checks(tmp_path, Source("fmp"), endpoints=True)["endpoints"]
    assert found.verdict is verdict
    assert re.search(words, found.found), found.found


def test_a_vendor_that_does_not_say_the_time_is_a_warning() -> None:
    assert clock_check(None).verdict is Verdict.WARNING


def test_a_worker_that_fell_silent_is_a_failure(tmp_path: Path) -> None:
    long_ago = SystemClock().now() - timedelta(minutes=6)
    with worker_lock(tmp_path, "bell run", NOW):
        Heartbeat(tmp_path).beat(SLEEPING, "", now=NOW, machine_now=long_ago, next_at=None)
        found = checks(tmp_path, Source("demo", "1"))
        assert found["worker"].verdict is Verdict.FAILURE
        assert "it hangs" in found["worker"].advice
        Heartbeat(tmp_path).beat(SLEEPING, "", now=NOW, machine_now=SystemClock().now(), next_at=None)
        assert checks(tmp_path, Source("demo", "1"))["worker"].verdict is Verdict.OK


def test_a_worker_that_died_is_seen_at_once(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat(SLEEPING, "", now=NOW, machine_now=SystemClock().now(), next_at=None)
    found = checks(tmp_path, Source("demo", "1"))["worker"]
    assert (found.verdict, found.advice) == (Verdict.FAILURE, "start `bell run` again: nothing is lost")
    assert found.found.endswith("then it died")


def test_what_cannot_be_looked_at_is_a_failure_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "heartbeat.json").write_text("{")
    (tmp_path / "warehouse.duckdb").write_text("no warehouse")
    found = checks(tmp_path, Source("demo", "1"))
    assert found["worker"].verdict is found["warehouse"].verdict is Verdict.FAILURE
    assert found["vendor"].verdict is Verdict.OK
