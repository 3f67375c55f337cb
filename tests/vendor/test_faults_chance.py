"""Which requests a fault meets: filters, schedule, chance, and that neither threads nor other faults change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from openingbell.clock import VirtualClock
from openingbell.vendor.faults import Fault, Faults
from openingbell.vendor.faults.kind import Asking
from openingbell.vendor.faults.player import Player, asking_of
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor

Moment = Callable[[str], datetime]
START = datetime(2024, 5, 7, 15, tzinfo=UTC)
CHART = "historical-chart/15min"
SYMBOLS = ["AAPL", "ZZTOP", "^GSPC", "^VIX", "GCUSD", "NGUSD"]
HALF = Faults((Fault("rate_limit", probability=0.5),), seed=11)


def request(path: str = CHART, query: str = "symbol=AAPL") -> Request:
    return Request({
        "type": "http", "method": "GET", "path": f"/stable/{path}", "query_string": query.encode(), "headers": [],
        "server": ("127.0.0.1", 80), "scheme": "http",
    })  # fmt: skip


def met(player: Player, query: str = "symbol=AAPL", path: str = CHART) -> bool:
    return player.meet(request(path, query)).instead is not None


def asking(symbol: str = "AAPL", path: str = CHART, now: datetime = START) -> Asking:
    return Asking(path, symbol, "", "", now, path + symbol)


def test_filters_must_all_fit() -> None:
    fault = Fault("html", symbols=("AAPL", "MSFT"), paths=(CHART, "splits"))
    assert fault.meets(asking())
    assert fault.meets(asking("MSFT", "splits"))
    assert not fault.meets(asking("KO"))
    assert not fault.meets(asking(path="dividends"))
    assert not fault.meets(asking("", CHART))
    assert Fault("html").meets(asking("", "nowhere"))


def test_a_window_has_its_start_and_not_its_end() -> None:
    fault = Fault("html", start=START, end=START + timedelta(hours=1))
    found = [fault.meets(asking(now=START + timedelta(seconds=second))) for second in (-1, 0, 3599, 3600)]
    assert found == [False, True, True, False]


@pytest.mark.parametrize(("start", "shift"), [(None, 0), (START + timedelta(seconds=17), 17)])
def test_a_repetition_counts_from_the_start_or_from_full_hours(start: datetime | None, shift: int) -> None:
    fault = Fault("html", start=start, every_seconds=3600, for_seconds=60)
    for second, wanted in ((0, True), (59, True), (60, False), (3599, False), (3600, True), (7259, True)):
        assert fault.meets(asking(now=START + timedelta(seconds=second + shift))) is wanted


def test_times_is_the_most_that_are_hit() -> None:
    player = Player(Faults((Fault("html", times=2, symbols=("AAPL",)),)), VirtualClock(START))
    queries = [f"symbol={name}" for name in ("KO", "AAPL", "AAPL", "AAPL", "AAPL")]
    assert [met(player, query) for query in queries] == [False, True, True, False, False]


def test_a_question_is_path_and_parameters_in_any_order_and_without_the_key() -> None:
    clock = VirtualClock(START)
    one = asking_of(request(query="symbol=AAPL&from=2024-05-06&apikey=secret"), clock)
    assert one == asking_of(request(query="apikey=other&from=2024-05-06&symbol=AAPL"), clock)
    assert "secret" not in one.question
    assert (one.path, one.symbol, one.first, one.last, one.asked_before) == (CHART, "AAPL", "2024-05-06", "", 0)
    others = ("symbol=AAPL", "symbol=AAPL&from=2024-05-07", "symbol=AAPL%26from=2024-05-06")
    assert len({asking_of(request(query=query), clock).question for query in others} | {one.question}) == 4


@settings(max_examples=30)
@given(st.permutations(SYMBOLS * 3))
def test_the_order_of_different_questions_changes_nothing(order: list[str]) -> None:
    def hits(symbols: Iterable[str], faults: Faults = HALF) -> dict[str, list[bool]]:
        player, found = Player(faults, VirtualClock(START)), dict[str, list[bool]]()
        for symbol in symbols:
            found.setdefault(symbol, []).append(met(player, f"symbol={symbol}"))
        return found

    assert hits(order) == hits(SYMBOLS * 3)
    more = replace(HALF, faults=(*HALF.faults, Fault("cut", probability=0.5), Fault("html", symbols=("KO",))))
    assert hits(order, more) == hits(SYMBOLS * 3)


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_the_share_that_is_hit_is_the_probability(probability: float) -> None:
    player = Player(Faults((Fault("html", probability=probability),)), VirtualClock(START))
    hits = sum(met(player, f"symbol={number % 50}") for number in range(2000))
    assert hits == pytest.approx(2000 * probability, abs=60 if 0 < probability < 1 else 0)


def test_seed_number_and_repetition_are_chances_of_their_own() -> None:
    def pattern(faults: Faults, query: str = "symbol=AAPL") -> list[bool]:
        player = Player(faults, VirtualClock(START))
        return [met(player, query) for _ in range(40)]

    nothing = Fault("server_error", symbols=("nobody",))
    patterns = [
        pattern(HALF),
        pattern(replace(HALF, seed=12)),
        pattern(replace(HALF, faults=(nothing, *HALF.faults))),
        pattern(HALF, "symbol=ZZTOP"),
    ]
    assert pattern(HALF) == patterns[0]
    assert all(len(set(one)) == 2 for one in patterns)
    assert len({tuple(one) for one in patterns}) == 4


def test_threads_get_the_same_answers_as_one_alone(market: SimulatedMarket) -> None:
    faults = Faults(
        (
            Fault("rate_limit", probability=0.3),
            Fault("reset", probability=0.2),
            Fault("duplicates", probability=0.5),
            Fault("disorder", probability=0.5),
        ),
        seed=3,
    )
    questions = [f"{CHART}?symbol={symbol.replace('^', '%5E')}&from=2024-05-06" for symbol in SYMBOLS] * 4

    def contents(threads: int) -> Counter[tuple[str, bytes]]:
        vendor = RunningVendor(market, VirtualClock(START), faults=faults)
        with vendor, httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client:

            def ask(question: str) -> tuple[str, bytes]:
                try:
                    return question, client.get(question).content
                except httpx.RemoteProtocolError:
                    return question, b"reset"

            with ThreadPoolExecutor(threads) as pool:
                return Counter(pool.map(ask, questions))

    alone = contents(1)
    assert len(alone) > len(SYMBOLS) * 2
    assert contents(6) == alone
