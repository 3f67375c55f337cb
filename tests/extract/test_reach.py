from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import sessions
from openingbell.extract.plan import Request
from openingbell.extract.reach import Reach
from openingbell.extract.reach import reach as reach_of_lines
from openingbell.feeds import INDEX_LIST, TREASURY, Kind
from openingbell.landing.lines import Lines
from openingbell.universe import Member, from_symbols
from openingbell.vendor import caps

UNIVERSE = from_symbols(["AAPL"], ["^GSPC"], ["GCUSD"])
DELAY = timedelta(minutes=2)
LATER = datetime(2025, 1, 1, tzinfo=UTC)
EMPTY = pl.DataFrame()
Cut = Callable[[pl.DataFrame], pl.DataFrame]


def reach(request: Request, rows: pl.DataFrame, answered_at: datetime, delay: timedelta) -> Reach:
    """What an answer of the rows of a frame reaches."""
    return reach_of_lines(request, Lines.of(rows), answered_at, delay)


def member(feed: str, symbol: str) -> Member:
    return next(m for m in UNIVERSE.members if (m.feed.name, m.symbol) == (feed, symbol))


AAPL, GSPC, GOLD = member("stocks", "AAPL"), member("indexes", "^GSPC"), member("commodities", "GCUSD")
BONDS, DAYS = member("bonds", TREASURY), member("eod", "AAPL")
MEMBERS = [AAPL, GSPC, GOLD, BONDS, DAYS]


def grid(of: Member, first: date, last: date) -> pl.DataFrame:
    return sessions.grid(of.calendar, of.bar_interval, first, last).select("session", "date")


def text(of: Member, bars: pl.DataFrame) -> pl.DataFrame:
    """Bars as an answer has them: text, newest first."""
    stamp = "%Y-%m-%d %H:%M:%S" if of.feed.kind is Kind.INTRADAY else "%Y-%m-%d"
    return bars.sort("date", descending=True).select(pl.col("date").dt.strftime(stamp), close=pl.lit("1"))


def ask(request: Request, had: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """What a vendor that has the bars `had` answers: the asked days of the wall clock, cut."""
    first, last = (date.fromisoformat(request.parameters[name]) for name in ("from", "to"))
    return cut(had.filter(pl.col("date").dt.date().is_between(first, last)))


def ask_until_nothing_rests(first: Request, had: pl.DataFrame, cut: Cut) -> tuple[list[Reach], pl.DataFrame]:
    """The loop of the stage. Fails when it asks more often than it has days."""
    found: list[Reach] = []
    frames, request = [had.clear()], first
    for _ in range((first.last - first.first).days + 3):
        bars = ask(request, had, cut)
        frames.append(bars)
        reached = reach(request, text(request.member, bars), LATER, DELAY)
        assert reached.covered_first >= request.first
        if reached.rest is None:
            assert reached.covered_first == request.first
            return [*found, reached], pl.concat(frames).unique()
        assert reached.rest.member is request.member
        assert reached.rest.first == request.first
        assert reached.rest.last == reached.covered_first - timedelta(days=1) < request.last
        found.append(reached)
        request = reached.rest
    raise AssertionError("it asks for ever")


def newest_sessions(count: int) -> Cut:
    def cut(bars: pl.DataFrame) -> pl.DataFrame:
        return bars.filter(pl.col("session").is_in(bars["session"].unique().sort().tail(count).to_list()))

    return cut


def newest_rows(count: int) -> Cut:
    return lambda bars: bars.sort("date").tail(count)


spans = st.tuples(st.integers(0, 200), st.integers(0, 24)).map(
    lambda it: (date(2024, 1, 1) + timedelta(days=it[0]), date(2024, 1, 1) + timedelta(days=it[0] + it[1]))
)


@settings(max_examples=40)
@given(of=st.sampled_from(MEMBERS), span=spans, cap=st.integers(1, 12))
def test_sessions_cut_off_are_asked_until_all_are_there(of: Member, span: tuple[date, date], cap: int) -> None:
    """However few sessions an answer holds, the rest is asked for and in the end every bar has come."""
    had = grid(of, *span)
    cap = max(cap, 2) if of is GOLD else cap  # its day holds an evening of the next session
    reached, got = ask_until_nothing_rests(Request(of, *span), had, newest_sessions(cap))
    assert set(got["date"]) >= set(had["date"])
    assert len(reached) <= had["session"].n_unique() + 1


@settings(max_examples=40)
@given(
    of=st.sampled_from([AAPL, DAYS, BONDS]),
    span=spans,
    rows=st.integers(26, 90),
    holes=st.sets(st.integers(0, 500), max_size=200),
)
def test_rows_cut_off_are_asked_until_all_are_there(
    of: Member, span: tuple[date, date], rows: int, holes: set[int]
) -> None:
    """A cut inside a session, and symbols that have no bar where nothing was traded, lose nothing and end."""
    had = grid(of, *span).with_row_index("n").filter(~pl.col("n").is_in(list(holes))).drop("n")
    _, got = ask_until_nothing_rests(Request(of, *span), had, newest_rows(rows))
    assert set(got["date"]) == set(had["date"])


@settings(max_examples=40)
@given(of=st.sampled_from(MEMBERS), span=spans, dropped=st.integers(0, 400))
def test_what_is_covered_and_what_rests_are_what_was_asked(of: Member, span: tuple[date, date], dropped: int) -> None:
    """Without the oldest rows, the rest ends where the covered part begins, and no covered session is short."""
    had = grid(of, *span)
    request = Request(of, *span)
    rows = had.sort("date").slice(dropped)
    reached = reach(request, text(of, rows), LATER, DELAY)
    if reached.rest is None:
        assert reached.covered_first == request.first
        return
    assert (reached.rest.first, request.last) == span
    assert reached.rest.last + timedelta(days=1) == reached.covered_first
    covered = had.filter(pl.col("session") >= reached.covered_first)
    if rows["session"].n_unique() > 1:
        assert covered.join(rows, on="date", how="anti").is_empty()
    expected = dict(rows.group_by("session").len().iter_rows())
    assert reached.bars == expected


def test_the_recorded_cut_of_the_yields_is_seen() -> None:
    """Asked 2023-01-01 to 05-10, the vendor answered from 02-10 without a word."""
    request = Request(BONDS, date(2023, 1, 1), date(2023, 5, 10))
    had = grid(BONDS, date(2023, 2, 10), date(2023, 5, 11))
    reached = reach(request, text(BONDS, had), LATER, DELAY)
    assert reached.covered_first == date(2023, 2, 10)
    assert reached.rest == Request(BONDS, date(2023, 1, 1), date(2023, 2, 9))


@pytest.mark.parametrize("of", MEMBERS, ids=lambda of: of.feed.name)
def test_an_answer_of_nothing_covers_all(of: Member) -> None:
    """An unknown symbol, a holiday, a day before the listing: the vendor was asked and has none."""
    request = Request(of, date(2024, 5, 6), date(2024, 5, 10))
    assert reach(request, EMPTY, LATER, DELAY) == Reach(request.first, None, {})
    assert reach(request, pl.DataFrame({"close": ["1"]}), LATER, DELAY) == Reach(request.first, None, {})


def test_a_missing_first_bar_is_asked_once_more_and_then_left() -> None:
    """It cannot be told from a cut, so its session is asked alone; what then is not there, is not there."""
    request = Request(AAPL, date(2024, 5, 6), date(2024, 5, 8))
    had = grid(AAPL, request.first, request.last).filter(pl.col("date") != datetime.fromisoformat("2024-05-06T09:30"))
    reached, got = ask_until_nothing_rests(request, had, lambda bars: bars)
    assert [r.covered_first for r in reached] == [date(2024, 5, 7), date(2024, 5, 6)]
    assert len(got) == len(had) == 77


def test_an_answer_of_one_session_is_not_taken_for_the_whole_window() -> None:
    """Only the newest day came: the days before it are asked for."""
    request = Request(AAPL, date(2024, 5, 6), date(2024, 5, 10))
    only = text(AAPL, grid(AAPL, request.last, request.last).tail(3))
    assert reach(request, only, LATER, DELAY).rest == Request(AAPL, date(2024, 5, 6), date(2024, 5, 9))


def test_a_window_that_begins_on_a_holiday_is_covered_from_its_first_session_on() -> None:
    """No request is spent on days on which nothing is traded."""
    request = Request(AAPL, date(2024, 5, 25), date(2024, 5, 31))  # a weekend and Memorial Day come first
    assert reach(request, text(AAPL, grid(AAPL, request.first, request.last)), LATER, DELAY).rest is None


@pytest.mark.parametrize("garbage", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "9999-12-31 00:00:00", "soon", None])
def test_a_garbage_date_neither_covers_nor_costs_anything(garbage: str | None) -> None:
    """One row from another age does not hide that the answer was cut, and no calendar of ages is computed."""
    request = Request(AAPL, date(2024, 5, 6), date(2024, 5, 10))
    bars = text(AAPL, grid(AAPL, date(2024, 5, 9), date(2024, 5, 10)))
    rows = pl.concat([bars, pl.DataFrame({"date": [garbage], "close": ["1"]}, schema=bars.schema)])
    reached = reach(request, rows, LATER, DELAY)
    assert reached.rest == Request(AAPL, date(2024, 5, 6), date(2024, 5, 8))
    assert reached.bars == {date(2024, 5, 9): 26, date(2024, 5, 10): 26}


def test_rows_before_what_was_asked_show_that_the_answer_reaches_it() -> None:
    """A vendor that gives more than was asked has not cut."""
    request = Request(AAPL, date(2024, 5, 8), date(2024, 5, 10))
    had = grid(AAPL, date(2024, 5, 7), date(2024, 5, 10)).filter(pl.col("session") != date(2024, 5, 8))
    assert reach(request, text(AAPL, had), LATER, DELAY).rest is None


def test_bars_that_were_not_final_do_not_count() -> None:
    """A bar counts when the answer was received after its end and the delay, to the second."""
    day = date(2024, 5, 6)
    request = Request(AAPL, day, day)
    rows = text(AAPL, grid(AAPL, day, day))
    ends = datetime(2024, 5, 6, 14, 0, tzinfo=UTC)  # of the bar 09:45 in New York
    for answered_at, final in (
        (ends + DELAY, 2),
        (ends + DELAY - timedelta(microseconds=1), 1),
        (ends - timedelta(hours=1), 0),
    ):
        assert reach(request, rows, answered_at, DELAY).bars.get(day, 0) == final


def test_bars_outside_the_grid_and_repeated_bars_do_not_count() -> None:
    """A 16:00 print and a bar that comes twice do not make a session look fuller."""
    day = date(2024, 5, 6)
    bars = grid(AAPL, day, day).head(5)
    more = pl.DataFrame({"session": [day], "date": [datetime.fromisoformat("2024-05-06T16:00")]}, schema=bars.schema)
    rows = text(AAPL, pl.concat([bars, bars, more]))
    assert reach(Request(AAPL, day, day), rows, LATER, DELAY).bars == {day: 5}


@pytest.mark.parametrize("of", [AAPL, GSPC, GOLD], ids=lambda of: of.feed.name)
def test_the_windows_of_the_plan_stay_below_the_vendors_caps(of: Member) -> None:
    """What is asked for is answered whole, so that the loop is the exception."""
    last = date(2024, 5, 10)
    first = last - timedelta(days=of.feed.window_days - 1)
    had = grid(of, first, last)
    reached, _ = ask_until_nothing_rests(
        Request(of, first, last), had, lambda bars: caps.cut_bars(bars, of.bar_interval)
    )
    assert len(reached) == 1


@pytest.mark.parametrize("feed", ["splits", "dividends", "splits_calendar", "dividends_calendar"])
@pytest.mark.parametrize("days", [[], ["2014-06-09"], ["2024-05-21", "2024-05-06"], ["", "soon"]])
def test_actions_cover_what_was_asked_wherever_they_lie(feed: str, days: list[str]) -> None:
    """Nobody knows how many there should be: an answer without any is whole, and there is nothing to count."""
    of = next(m for m in UNIVERSE.members if m.feed.name == feed)
    request = Request(of, date(2024, 5, 1), date(2024, 5, 6))
    rows = pl.DataFrame({"date": days, "numerator": ["2"] * len(days)}, schema_overrides={"date": pl.String})
    assert reach(request, rows, LATER, DELAY) == Reach(date(2024, 5, 1), None, {})


def test_of_an_answer_about_instruments_the_symbols_that_it_was_to_have_are_counted() -> None:
    of = next(m for m in from_symbols([], ["^GSPC", "^VIX"], []).members if m.feed is INDEX_LIST)
    request = Request(of, date(2024, 5, 1), date(2024, 5, 1))

    def count(*symbols: str) -> dict[date, int]:
        return reach(request, pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String}), LATER, DELAY).bars

    assert count("^DJI", "^GSPC", "^VIX") == {request.last: 2}
    assert count("^DJI", "^VIX", "^VIX") == {request.last: 1}
    assert count("^DJI") == count() == {}


def test_a_profile_is_there_or_not() -> None:
    of = member("profile", "AAPL")
    request = Request(of, date(2024, 5, 1), date(2024, 5, 1))
    assert reach(request, pl.DataFrame({"symbol": ["AAPL"]}), LATER, DELAY).bars == {request.last: 1}
    assert reach(request, EMPTY, LATER, DELAY).bars == {}
