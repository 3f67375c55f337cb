from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import sessions
from openingbell.coverage import Due
from openingbell.extract.plan import BATCH_SYMBOLS, Request, plan
from openingbell.feeds import FEEDS, REFERENCE_FEEDS, TREASURY, WHOLE_MARKET, Kind
from openingbell.universe import Member, Universe, from_symbols
from openingbell.vendor.lists import PATHS

UNIVERSE = from_symbols([f"S{n}" for n in range(3)], ["^GSPC"], ["GCUSD", "ZZUSD"])
DAYS = {
    member.calendar: sessions.schedule(member.calendar, date(2018, 1, 1), date(2019, 12, 31))["session"].to_list()
    for member in UNIVERSE.members
}
"""Two years of sessions by calendar."""


def of_symbol(feed: str, symbol: str, universe: Universe = UNIVERSE) -> Member:
    return next(m for m in universe.members if (m.feed.name, m.symbol) == (feed, symbol))


def asked(requests: Iterable[Request]) -> list[date]:
    """Every asked session, once for each request that asks it."""
    return sorted(day for r in requests for day in sessions.schedule(r.member.calendar, r.first, r.last)["session"])


def is_history(member: Member) -> bool:
    """Whether one answer holds all that there is about the symbol."""
    return not member.feed.has_grid and not member.feed.whole_market


@st.composite
def stretches(draw: st.DrawFn) -> list[Due]:
    """Due sessions as coverage gives them: for each member, runs of sessions that do not touch."""
    found = []
    for member in draw(st.lists(st.sampled_from(UNIVERSE.members), unique=True, max_size=6)):
        days = DAYS[member.calendar]
        at = draw(st.integers(0, 200))
        for _ in range(draw(st.integers(1, 3))):
            last = min(at + draw(st.integers(0, 90)), len(days) - 1)
            found.append(Due(member, days[at], days[last]))
            at = min(last + draw(st.integers(2, 20)), len(days) - 1)
            if at == len(days) - 1:
                break
    return found


@settings(max_examples=50)
@given(stretches())
def test_windows_ask_for_all_that_is_due_and_for_nothing_twice(due: list[Due]) -> None:
    """Every due session of each member is asked once, in windows that begin and end with one: what lies between two of
    them is asked along where that saves a request.
    """
    requests = [request for batch in plan(due) for request in batch]
    for member in UNIVERSE.members:
        if is_history(member):
            continue  # below
        of_member = [request for request in requests if request.member == member]
        wanted = asked(Request(d.member, d.first, d.last) for d in due if d.member == member)
        found = asked(of_member)
        assert set(wanted) <= set(found)
        assert len(set(found)) == len(found)
        assert {day for r in of_member for day in (r.first, r.last)} <= set(wanted)


@settings(max_examples=50)
@given(stretches())
def test_no_window_is_longer_than_the_vendor_answers_whole(due: list[Due]) -> None:
    for batch in plan(due):
        for request in batch:
            assert request.first <= request.last
            days = (request.last - request.first).days + 1
            assert is_history(request.member) or days <= request.member.feed.window_days


@settings(max_examples=50)
@given(stretches())
def test_the_history_of_a_symbol_s_actions_is_asked_once(due: list[Due]) -> None:
    """Its answer is all of them, however many sessions are due: nothing would come of a second window."""
    requests = [request for batch in plan(due) for request in batch if is_history(request.member)]
    histories = [one.member for one in due if is_history(one.member)]
    assert sorted((request.member for request in requests), key=str) == sorted(set(histories), key=str)


@settings(max_examples=50)
@given(stretches())
def test_each_symbol_is_asked_for_its_newest_window_first(due: list[Due]) -> None:
    """Whatever happens on the way, the most recent data are there."""
    for member in UNIVERSE.members:
        lasts = [request.last for batch in plan(due) for request in batch if request.member == member]
        assert lasts == sorted(lasts, reverse=True)


@settings(max_examples=50)
@given(stretches())
def test_a_batch_is_of_one_feed_and_asks_a_symbol_once(due: list[Due]) -> None:
    """One file holds one feed, and never two answers about a symbol that could overlap."""
    for batch in plan(due):
        assert len({request.member.feed.name for request in batch}) == 1
        assert len({request.member.symbol for request in batch}) == len(batch) <= BATCH_SYMBOLS


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_a_batch_holds_at_most_a_hundred_symbols(count: int) -> None:
    """All symbols' newest windows come before anyone's second."""
    universe = from_symbols([f"S{n}" for n in range(count)], [], [])
    stocks = [m for m in universe.members if m.feed.kind is Kind.INTRADAY]
    batches = plan([Due(member, date(2024, 3, 1), date(2024, 5, 10)) for member in stocks])
    assert [len(batch) for batch in batches] == [
        min(100, count - start) for _ in range(3) for start in range(0, count, 100)
    ]
    newest = [{request.last for request in batch} for batch in batches]
    assert all(len(lasts) == 1 for lasts in newest)
    assert [max(lasts) for lasts in newest] == sorted((max(lasts) for lasts in newest), reverse=True)


def test_nothing_due_asks_nothing() -> None:
    assert list(plan([])) == []
    assert plan([]).requests == 0


@pytest.mark.parametrize("symbol", ["GCUSD", "ZZUSD"])
def test_a_session_that_opens_in_the_evening_is_asked_from_the_day_before(symbol: str) -> None:
    """Monday's gold bars begin on Sunday at 18:00."""
    monday = date(2024, 5, 6)
    request = Request(of_symbol("commodities", symbol), monday, monday)
    assert request.parameters == {"symbol": symbol, "from": "2024-05-05", "to": "2024-05-06"}
    grid = sessions.grid(request.member.calendar, request.member.bar_interval, monday, monday)
    assert grid["date"].dt.date().min() == date(2024, 5, 5)
    assert grid["date"].dt.date().max() == monday


@pytest.mark.parametrize(("feed", "symbol"), [("stocks", "S0"), ("indexes", "^GSPC"), ("eod", "GCUSD"), ("eod", "S0")])
def test_other_sessions_are_asked_by_their_own_days(feed: str, symbol: str) -> None:
    request = Request(of_symbol(feed, symbol), date(2024, 5, 6), date(2024, 5, 8))
    assert request.parameters == {"symbol": symbol, "from": "2024-05-06", "to": "2024-05-08"}


def test_the_yield_curve_has_no_symbol() -> None:
    request = Request(of_symbol("bonds", TREASURY), date(2024, 5, 6), date(2024, 5, 8))
    assert request.parameters == {"from": "2024-05-06", "to": "2024-05-08"}


@pytest.mark.parametrize("feed", ["splits", "dividends"])
def test_the_history_of_a_symbol_s_actions_has_no_bounds(feed: str) -> None:
    request = Request(of_symbol(feed, "S0"), date(2024, 5, 6), date(2024, 5, 8))
    assert request.path == feed
    assert request.parameters == {"symbol": "S0"}


@pytest.mark.parametrize("feed", ["splits_calendar", "dividends_calendar"])
def test_a_calendar_of_actions_has_no_symbol_and_reaches_back_and_ahead(feed: str) -> None:
    """A week for what was entered late, two for what is to come."""
    request = Request(of_symbol(feed, WHOLE_MARKET), date(2024, 5, 6), date(2024, 5, 8))
    assert request.path == feed.replace("_", "-")
    assert request.parameters == {"from": "2024-04-29", "to": "2024-05-22"}


def test_instruments_and_then_actions_are_asked_before_bars() -> None:
    """What is planned follows what is due, which follows the universe."""
    day = date(2024, 5, 6)
    order = [Kind.REFERENCE, Kind.ACTIONS]
    kinds = [batch[0].member.feed.kind for batch in plan(Due(m, day, day) for m in UNIVERSE.members)]
    ranks = [order.index(kind) if kind in order else len(order) for kind in kinds]
    assert ranks == sorted(ranks)
    assert kinds.count(Kind.ACTIONS) == 4
    assert kinds.count(Kind.REFERENCE) == len(REFERENCE_FEEDS) - 6  # no index is named


def test_paths_are_those_of_the_stable_generation() -> None:
    """No path names a generation or a symbol; the base URL and the parameters do."""
    paths = {
        request.path
        for batch in plan([Due(m, date(2024, 5, 6), date(2024, 5, 6)) for m in UNIVERSE.members])
        for request in batch
    }
    assert (
        paths
        == {feed.path for feed in FEEDS} - {path for path in PATHS if path.endswith("-constituent")}
        == {
            "profile", "index-list", "commodities-list", "symbol-change", "delisted-companies",
            "historical-chart/15min", "historical-chart/5min", "historical-price-eod/full", "treasury-rates",
            "splits", "dividends", "splits-calendar", "dividends-calendar",
        }
    )  # fmt: skip
