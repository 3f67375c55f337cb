"""What is there, what is missing and what is due, over manifests made by hand: a pure fold of calendar and record."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import coverage, sessions, tables
from openingbell.config import Settings
from openingbell.coverage import Due, evidence_wanted
from openingbell.coverage.wanted import final_sessions, wanted_range
from openingbell.landing import Ask, Manifest, Outcome, record_of
from openingbell.splits import Split
from openingbell.universe import Member, Universe, from_symbols

SETTINGS = Settings(first_run_sessions=5, first_run_daily_sessions=8, revision_sessions=0)
FRIDAY = datetime(2019, 2, 15, 22, tzinfo=UTC)  # 17:00 in New York; Monday the 18th is a holiday


def bars_of(universe: Universe) -> Universe:
    """The universe without corporate actions, of which nobody knows how many there should be."""
    return Universe(tuple(member for member in universe.members if member.feed.has_grid))


def only(universe: Universe, feed: str) -> Universe:
    return Universe(tuple(member for member in universe.members if member.feed.name == feed))


AAPL = bars_of(from_symbols(["AAPL"], [], []).narrowed(["AAPL"]))
STOCK = Universe(AAPL.members[:1])
GOLD = Universe(from_symbols([], [], ["GCUSD"]).members[:1])
CURVE = from_symbols([], [], [])
WANTED = from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"])
"""With the corporate actions of the stocks."""
ALL = bars_of(WANTED)
CALENDAR, HISTORY = only(WANTED, "splits_calendar"), Universe(only(WANTED, "splits").members[:1])


def due(universe: Universe, manifests: Sequence[Manifest], now: datetime, settings: Settings, **more: Any) -> list[Due]:
    return coverage.due(universe, record_of(manifests), now, settings, **more)


def at(hour: int, minute: int = 0, day: int = 15, month: int = 2) -> datetime:
    """A moment of early 2019 by the New York clock, which is five hours behind UTC then."""
    return datetime(2019, month, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def answer(
    member: Member,
    first: date,
    last: date,
    when: datetime,
    *,
    covered: date | None = None,
    without: int = 0,
    settings: Settings = SETTINGS,
) -> Manifest:
    """A landed answer of a vendor that had every bar that was final, but the first `without` of each session."""
    delay = settings.final_delay(member.feed)
    there = final_sessions(member.calendar, member.bar_interval, first, last, when, delay)
    bars = {day: count - without for day, count in there.select("session", "bars_expected").iter_rows()}
    if not member.feed.has_grid:
        bars = {last: len(member.names) - without} if member.names else {}
    ask = Ask(
        symbol=member.symbol, asset_class=member.asset_class, calendar=member.calendar, first=first, last=last,
        covered_first=covered or first, covered_last=last, answered_at=when, status=200, outcome=Outcome.ANSWERED,
        rows=sum(bars.values()), bytes=100, bars=bars,
    )  # fmt: skip
    return Manifest(
        load_id=f"{when:%Y%m%dT%H%M%S}-{member.feed.name}-{member.symbol}-{first}", feed=member.feed.name, source="x",
        bar_interval=member.bar_interval, basis="vendor", final_delay_seconds=delay.total_seconds(), extracted_at=when,
        file="x.csv", rows=ask.rows, bytes=100, sha256="", asks=(ask,),
    )  # fmt: skip


def excluded(manifest: Manifest) -> Manifest:
    """The same request, refused by the vendor's plan."""
    ask = replace(manifest.asks[0], outcome=Outcome.RESTRICTED, status=402, rows=0, bars={})
    return replace(manifest, file=None, rows=0, asks=(ask,))


def answer_all(wanted: Iterable[Due], when: datetime) -> list[Manifest]:
    """A perfect vendor's answers to everything that is due."""
    return [answer(one.member, one.first, one.last, when) for one in wanted]


def windows(found: Sequence[Due]) -> list[tuple[int, int]]:
    """Due windows as days of February 2019; days of January count down from 0."""
    origin = date(2019, 1, 31)
    return [((one.first - origin).days, (one.last - origin).days) for one in found]


def state(universe: Universe, manifests: Sequence[Manifest], now: datetime, *, loaded: bool = True) -> pl.DataFrame:
    """The fold with everything loaded, or nothing."""
    return coverage.fold(universe, record_of(manifests), [m.load_id for m in manifests if loaded], now, SETTINGS)


def test_what_was_never_asked_is_due_as_one_run_as_far_as_the_first_run_reaches() -> None:
    assert windows(due(STOCK, [], FRIDAY, SETTINGS)) == [(11, 15)]
    found = due(ALL, [], FRIDAY, SETTINGS)
    assert {one.member for one in found} == set(ALL.members)
    assert {(one.member.feed.name, one.first) for one in found} == {
        ("stocks", date(2019, 2, 11)), ("indexes", date(2019, 2, 11)), ("commodities", date(2019, 2, 11)),
        ("bonds", date(2019, 2, 11)), ("eod", date(2019, 2, 6)),
    }  # fmt: skip


def test_what_was_asked_after_it_became_final_is_not_due_again() -> None:
    full = answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), FRIDAY)
    assert due(STOCK, [full], FRIDAY, SETTINGS) == []
    assert due(STOCK, [full], FRIDAY + timedelta(days=3), SETTINGS) == []


def test_a_holiday_and_a_weekend_bring_nothing() -> None:
    full = answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), FRIDAY)
    monday = at(20, day=18)
    assert due(STOCK, [full], monday, SETTINGS) == []
    assert windows(due(STOCK, [full], at(9, 47, day=19), SETTINGS)) == [(19, 19)]


@pytest.mark.parametrize(
    ("now", "expected", "is_due"),
    [
        (at(9, 29), 0, False),
        (at(9, 46), 0, False),  # the first bar has ended, but the delays have not passed
        (at(9, 46) + timedelta(seconds=59), 0, False),
        (at(9, 47), 1, True),
        (at(10, 1), 1, True),
        (at(10, 2), 2, True),
        (at(16, 1), 25, True),
        (at(16, 2), 26, True),
    ],
)
def test_a_forming_bar_is_not_expected_and_a_final_one_is(now: datetime, expected: int, is_due: bool) -> None:
    before = answer(STOCK.members[0], date(2019, 2, 8), date(2019, 2, 14), at(17, day=14))
    assert windows(due(STOCK, [before], now, SETTINGS)) == ([(15, 15)] if is_due else [])
    today = state(STOCK, [before], now).filter(pl.col("session") == date(2019, 2, 15))
    assert today["bars_expected"].to_list() == ([expected] if expected else [])


def test_each_tick_of_a_day_asks_for_that_day_only_and_once() -> None:
    manifests = [answer(STOCK.members[0], date(2019, 2, 8), date(2019, 2, 14), at(17, day=14))]
    asked = 0
    for minute in range(8 * 60):
        now = at(9) + timedelta(minutes=minute)
        found = due(STOCK, manifests, now, SETTINGS)
        assert set(windows(found)) <= {(15, 15)}
        manifests += answer_all(found, now)
        asked += len(found)
    assert asked == 26


def test_a_day_asked_in_its_middle_is_not_asked_for_the_rest() -> None:
    half = answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), at(12))
    assert due(STOCK, [half], at(12, 1), SETTINGS) == []
    assert windows(due(STOCK, [half], FRIDAY, SETTINGS)) == [(15, 15)]
    assert state(STOCK, [half], FRIDAY).row(-1, named=True)["state"] == "not asked"


def test_holes_that_the_vendor_has_are_empty_and_not_due() -> None:
    member = STOCK.members[0]
    manifests = [answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY, without=3)]
    assert due(STOCK, manifests, FRIDAY, SETTINGS) == []
    found = state(STOCK, manifests, FRIDAY)
    assert found["state"].unique().to_list() == ["empty"]
    assert found.select("bars_expected", "bars_present").unique().rows() == [(26, 23)]


def test_a_later_and_better_answer_fills_a_hole() -> None:
    member = STOCK.members[0]
    manifests = [
        answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY, without=3),
        answer(member, date(2019, 2, 12), date(2019, 2, 12), FRIDAY + timedelta(hours=1)),
    ]
    found = state(STOCK, manifests, FRIDAY + timedelta(hours=1))
    assert found["state"].to_list() == ["empty", "complete", "empty", "empty", "empty"]
    assert found["asked_times"].to_list() == [1, 2, 1, 1, 1]


def test_what_landed_and_is_not_loaded_is_pending() -> None:
    manifests = answer_all(due(STOCK, [], FRIDAY, SETTINGS), FRIDAY)
    assert state(STOCK, manifests, FRIDAY, loaded=False)["state"].unique().to_list() == ["pending"]
    assert state(STOCK, manifests, FRIDAY)["state"].unique().to_list() == ["complete"]


def test_an_answer_covers_only_what_it_reaches() -> None:
    cut = answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), FRIDAY, covered=date(2019, 2, 14))
    assert windows(due(STOCK, [cut], FRIDAY, SETTINGS)) == [(11, 13)]


def test_what_the_plan_excludes_is_restricted_and_asked_again_after_its_days_and_not_before() -> None:
    refused = excluded(answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), FRIDAY))
    week = timedelta(days=SETTINGS.restricted_recheck_days)
    assert due(STOCK, [refused], FRIDAY, SETTINGS) == []
    assert state(STOCK, [refused], FRIDAY)["state"].unique().to_list() == ["restricted"]
    before = FRIDAY + week - timedelta(seconds=1)
    assert due(STOCK, [refused], before, SETTINGS) == []
    assert state(STOCK, [refused], before)["state"].unique().to_list() == ["restricted"]  # also the new sessions
    assert windows(due(STOCK, [refused], FRIDAY + week, SETTINGS)) == [(11, 22)]


def test_a_session_refused_in_its_middle_waits_for_the_recheck_too() -> None:
    """Its later bars became final after the refusal, and nothing but the plan stands in their way."""
    refused = excluded(answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), at(12)))
    week = timedelta(days=SETTINGS.restricted_recheck_days)
    assert windows(due(STOCK, [refused], at(17), SETTINGS)) == []
    assert windows(due(STOCK, [refused], at(12) + week - timedelta(seconds=1), SETTINGS)) == []
    assert windows(due(STOCK, [refused], at(12) + week, SETTINGS)) == [(11, 22)]


def test_a_refusal_that_is_repeated_waits_again() -> None:
    member, week = STOCK.members[0], timedelta(days=SETTINGS.restricted_recheck_days)
    refused = [excluded(answer(member, date(2019, 2, 11), date(2019, 2, 22), FRIDAY + n * week)) for n in (0, 1)]
    assert due(STOCK, refused, FRIDAY + week, SETTINGS) == []
    assert due(STOCK, refused, FRIDAY + week + timedelta(days=3), SETTINGS) == []
    assert [one.last for one in due(STOCK, refused, FRIDAY + 2 * week, SETTINGS)] == [date(2019, 3, 1)]


def test_a_plan_that_opens_up_makes_the_answer_count() -> None:
    member = STOCK.members[0]
    refused = excluded(answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY))
    later = answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY + timedelta(days=8))
    assert state(STOCK, [refused, later], FRIDAY + timedelta(days=8)).head(4)["state"].to_list()[-1] == "complete"


def test_older_sessions_that_were_asked_for_are_kept_up_and_what_lies_between_is_not_wanted() -> None:
    """Who asks for one January does not order every year since."""
    member = STOCK.members[0]
    recent = answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY)
    older = answer(member, date(2019, 1, 2), date(2019, 1, 4), FRIDAY)
    assert due(STOCK, [recent, older], FRIDAY, SETTINGS) == []
    held = state(STOCK, [recent, older], FRIDAY)["session"].to_list()
    assert held[:3] == [date(2019, 1, 2), date(2019, 1, 3), date(2019, 1, 4)]
    assert held[3] == date(2019, 2, 11)


def test_the_first_runs_reach_is_seen_from_the_first_answer_and_does_not_move() -> None:
    member = STOCK.members[0]
    later = at(12, day=6, month=3)
    assert wanted_range(member, FRIDAY, later, SETTINGS) == (date(2019, 2, 11), date(2019, 3, 6))
    assert wanted_range(member, later, later, SETTINGS)[0] > date(2019, 2, 11)


def test_asking_from_an_older_day_makes_what_lies_between_due() -> None:
    recent = answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), FRIDAY)
    asked = STOCK.narrowed([], date(2019, 2, 4), None)
    assert windows(due(asked, [recent], FRIDAY, SETTINGS)) == [(4, 8)]
    bounded = STOCK.narrowed([], date(2019, 2, 4), date(2019, 2, 5))
    assert windows(due(bounded, [recent], FRIDAY, SETTINGS)) == [(4, 5)]


def test_bounds_of_a_replay_are_kept_whatever_was_asked() -> None:
    member = replace(STOCK.members[0], first=date(2019, 2, 5), last=date(2019, 2, 7))
    older = answer(member, date(2018, 1, 2), date(2018, 1, 31), FRIDAY)
    assert windows(due(Universe((member,)), [older], FRIDAY, SETTINGS)) == [(5, 7)]


def test_after_a_machine_was_off_the_gap_is_due_and_nothing_else() -> None:
    manifests = answer_all(due(STOCK, [], FRIDAY, SETTINGS), FRIDAY)
    back = at(12, day=6, month=3)
    found = due(STOCK, manifests, back, SETTINGS)
    assert [(one.first, one.last) for one in found] == [(date(2019, 2, 19), date(2019, 3, 6))]
    assert due(STOCK, manifests + answer_all(found, back), back, SETTINGS) == []


def test_a_gap_between_answers_is_a_run_of_its_own() -> None:
    member = STOCK.members[0]
    manifests = [
        answer(member, date(2019, 2, 11), date(2019, 2, 11), FRIDAY),
        answer(member, date(2019, 2, 13), date(2019, 2, 13), FRIDAY),
    ]
    assert windows(due(STOCK, manifests, FRIDAY, SETTINGS)) == [(12, 12), (14, 15)]


def test_a_new_symbol_is_due_and_those_there_are_not() -> None:
    manifests = answer_all(due(AAPL, [], FRIDAY, SETTINGS), FRIDAY)
    both = bars_of(from_symbols(["AAPL", "MSFT"], [], []).narrowed(["AAPL", "MSFT"]))
    assert {one.member.symbol for one in due(both, manifests, FRIDAY, SETTINGS)} == {"MSFT"}


def test_an_answer_of_one_feed_says_nothing_about_another() -> None:
    manifests = answer_all(due(STOCK, [], FRIDAY, SETTINGS), FRIDAY)
    assert {one.member.feed.name for one in due(AAPL, manifests, FRIDAY, SETTINGS)} == {"eod"}


def test_a_daily_bar_is_due_an_hour_and_the_delays_after_the_close() -> None:
    daily = Universe(AAPL.members[1:])
    before = answer_all(due(daily, [], at(17, 30, day=14), SETTINGS), at(17, 30, day=14))
    assert due(daily, before, at(17, 1), SETTINGS) == []
    assert windows(due(daily, before, at(17, 2), SETTINGS)) == [(15, 15)]


def test_yields_are_due_on_business_days_of_bonds() -> None:
    """Columbus Day 2019-10-14: shares trade, bonds rest."""
    monday = datetime(2019, 10, 15, 1, tzinfo=UTC)
    found = due(CURVE, [], monday, SETTINGS)
    assert [(one.first, one.last) for one in found] == [(date(2019, 10, 7), date(2019, 10, 11))]
    assert len(state(CURVE, [], monday)) == 5


def test_a_commodity_s_evening_is_due_under_the_next_day() -> None:
    before = answer_all(due(GOLD, [], at(17, 30), SETTINGS), at(17, 30))
    sunday = at(18, 7, day=17)
    assert windows(due(GOLD, before, sunday, SETTINGS)) == [(18, 18)]
    assert state(GOLD, before, sunday).row(-1, named=True)["bars_expected"] == 1


def test_the_fold_is_the_table_of_coverage() -> None:
    manifests = answer_all(due(ALL, [], FRIDAY, SETTINGS), FRIDAY)
    found = state(ALL, manifests, FRIDAY)
    assert found.schema == tables.COVERAGE.schema
    assert not found.select(pl.struct(tables.COVERAGE.key).is_duplicated().any()).item()
    assert found.filter(pl.col("state") != "complete").is_empty()
    assert set(found["asset_class"]) == {"stock", "index", "commodity", "bond"}
    assert found["last_asked_at"].unique().to_list() == [FRIDAY.replace(tzinfo=None)]


def test_never_asked_is_null_and_not_a_moment() -> None:
    found = state(STOCK, [], FRIDAY)
    assert found["last_asked_at"].null_count() == len(found) == 5
    assert found.select("bars_present", "asked_times", "state").unique().rows() == [(0, 0, "not asked")]


def test_nothing_wanted_is_nothing_due() -> None:
    empty = Universe(())
    assert due(empty, [], FRIDAY, SETTINGS) == []
    assert state(empty, [], FRIDAY).schema == tables.COVERAGE.schema


def test_manifests_of_symbols_that_are_no_longer_wanted_are_left_alone() -> None:
    manifests = answer_all(due(ALL, [], FRIDAY, SETTINGS), FRIDAY)
    assert set(state(STOCK, manifests, FRIDAY)["symbol"]) == {"AAPL"}


MOMENTS = st.lists(st.integers(0, 45 * 24 * 60), min_size=1, max_size=6).map(sorted)
UNIVERSES = st.sampled_from([STOCK, AAPL, GOLD, CURVE, ALL, WANTED])


@examples(max_examples=60)
@given(UNIVERSES, MOMENTS)
def test_once_everything_due_was_answered_nothing_is_due_whenever_one_asks(
    universe: Universe, minutes: list[int]
) -> None:
    manifests: list[Manifest] = []
    for minute in minutes:
        now = datetime(2019, 2, 20, tzinfo=UTC) + timedelta(minutes=minute)
        manifests += answer_all(due(universe, manifests, now, SETTINGS), now)
        assert due(universe, manifests, now, SETTINGS) == []
        assert set(state(universe, manifests, now)["state"]) <= {"complete"}


@examples(max_examples=60)
@given(UNIVERSES, MOMENTS, st.randoms(use_true_random=False))
def test_what_is_due_is_what_the_fold_calls_not_asked_whatever_the_order_of_manifests(
    universe: Universe, minutes: list[int], chance: random.Random
) -> None:
    manifests: list[Manifest] = []
    now = datetime(2019, 2, 20, tzinfo=UTC)
    for minute in minutes:
        now = datetime(2019, 2, 20, tzinfo=UTC) + timedelta(minutes=minute)
        found = due(universe, manifests, now, SETTINGS)
        manifests += answer_all(found[::2], now)  # every other answer is lost
    chance.shuffle(manifests)
    named = {
        (one.member.asset_class, one.member.symbol, one.member.bar_interval, day)
        for one in due(bars_of(universe), manifests, now, SETTINGS)
        for day in sessions.schedule(one.member.calendar, one.first, one.last)["session"]
    }
    open_ones = state(universe, manifests, now).filter(pl.col("state") == "not asked")
    assert named == set(open_ones.select(tables.COVERAGE.key).iter_rows())


@examples(max_examples=60)
@given(st.integers(0, 45 * 24 * 60))
def test_the_sessions_that_are_final_grow_and_never_shrink(minute: int) -> None:
    now = datetime(2019, 2, 20, tzinfo=UTC) + timedelta(minutes=minute)
    delay = timedelta(minutes=2)
    bounds = date(2019, 2, 11), date(2019, 4, 5)
    earlier = final_sessions("XNYS", "15min", *bounds, now, delay)
    later = final_sessions("XNYS", "15min", *bounds, now + timedelta(minutes=15), delay)
    assert earlier["bars_expected"].sum() <= later["bars_expected"].sum() <= earlier["bars_expected"].sum() + 1
    assert (earlier["final_at"] <= now).all()


def test_a_session_that_lacks_bars_is_asked_again_after_an_hour_then_two_and_at_last_no_more() -> None:
    """A vendor that is late gets its chances; a bar that nobody traded is not asked for for ever."""
    member = STOCK.members[0]
    whole = answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY)
    short = lacking(whole, date(2019, 2, 13))
    manifests = [short]
    waits: list[int] = []
    now = FRIDAY
    while len(waits) < 20:
        minutes = next((m for m in (59, 60, 119, 120, 240, 480, 960, 1920) if due_after(manifests, now, m)), None)
        if minutes is None:
            break
        waits.append(minutes)
        now += timedelta(minutes=minutes)
        manifests.append(lacking(answer(member, date(2019, 2, 13), date(2019, 2, 13), now), date(2019, 2, 13)))
    assert waits == [60, 120, 240, 480, 960, 1920]


def due_after(manifests: list[Manifest], now: datetime, minutes: int) -> bool:
    bounded = STOCK.narrowed([], date(2019, 2, 11), date(2019, 2, 15))
    return windows(due(bounded, manifests, now + timedelta(minutes=minutes), SETTINGS)) == [(13, 13)]


def lacking(manifest: Manifest, day: date) -> Manifest:
    """The same answer without the last bar of a day."""
    asks = tuple(replace(ask, bars={**ask.bars, day: ask.bars[day] - 1}) for ask in manifest.asks)
    return replace(manifest, asks=asks)


def test_who_asks_by_name_gets_what_is_missing_at_once() -> None:
    member = STOCK.members[0]
    short = lacking(answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY), date(2019, 2, 13))
    assert due(STOCK, [short], FRIDAY, SETTINGS) == []
    assert windows(due(STOCK, [short], FRIDAY, SETTINGS, again=True)) == [(13, 13)]


def openings(first: date, last: date) -> list[datetime]:
    """When the sessions of the stock market open, UTC."""
    opened: list[datetime] = sessions.schedule("XNYS", first, last)["open_utc"].to_list()
    return opened


def test_actions_are_due_from_the_first_run_on_at_whatever_hour() -> None:
    """Before Friday's open what is known of Thursday is enough."""
    actions = Universe(tuple(member for member in WANTED.members if not member.feed.has_grid))
    for now, day in ((at(8), 14), (at(9, 29), 14), (at(9, 30), 15), (FRIDAY, 15), (at(12, day=17), 15)):
        found = due(actions, [], now, SETTINGS)
        assert [one.member for one in found] == list(actions.members)
        assert set(windows(found)) == {(day, day)}


def test_the_calendars_of_actions_are_asked_once_in_every_session_that_has_opened() -> None:
    """From the open on, whatever the answer held; holidays and weekends bring nothing."""
    manifests = answer_all(due(CALENDAR, [], at(17, day=14), SETTINGS), at(17, day=14))
    asked = []
    for step in range(8 * 24 * 6):
        now = at(0, day=15) + timedelta(minutes=10 * step)
        found = due(CALENDAR, manifests, now, SETTINGS)
        manifests += answer_all(found, now)
        asked += [now] * len(found)
    assert asked == openings(date(2019, 2, 15), date(2019, 2, 22))


def test_calendars_of_sessions_that_passed_unasked_are_asked_as_one_run() -> None:
    manifests = answer_all(due(CALENDAR, [], FRIDAY, SETTINGS), FRIDAY)
    assert windows(due(CALENDAR, manifests, at(12, day=27), SETTINGS)) == [(19, 27)]


def test_the_actions_of_a_symbol_are_asked_at_once_and_in_the_first_session_of_each_month() -> None:
    manifests = answer_all(due(HISTORY, [], at(17, day=14), SETTINGS), at(17, day=14))
    asked = []
    for opening in openings(date(2019, 2, 15), date(2019, 6, 28)):
        assert due(HISTORY, manifests, opening - timedelta(seconds=1), SETTINGS) == []
        found = due(HISTORY, manifests, opening, SETTINGS)
        manifests += answer_all(found, opening)
        asked += [one.last for one in found]
        assert due(HISTORY, manifests, opening, SETTINGS) == []
    assert asked == [date(2019, 3, 1), date(2019, 4, 1), date(2019, 5, 1), date(2019, 6, 3)]


def test_months_that_passed_unasked_are_one_question_about_a_symbol() -> None:
    """Each answer is the whole history, so there is no use in asking for March as well."""
    manifests = answer_all(due(HISTORY, [], FRIDAY, SETTINGS), FRIDAY)
    (found,) = due(HISTORY, manifests, at(12, day=10, month=5), SETTINGS)
    assert (found.first, found.last) == (date(2019, 5, 1), date(2019, 5, 1))


def test_a_new_stock_s_actions_are_due_and_those_there_are_not() -> None:
    manifests = answer_all(due(HISTORY, [], FRIDAY, SETTINGS), FRIDAY)
    splits = only(WANTED, "splits")
    assert [one.member.symbol for one in due(splits, manifests, FRIDAY, SETTINGS)] == ["MSFT"]


@pytest.mark.parametrize("feed", ["profile", "index_list", "commodities_list"])
def test_an_answer_about_instruments_that_lacks_a_symbol_is_asked_again_as_a_session_that_lacks_bars(feed: str) -> None:
    """The vendor cuts lists too; a symbol that it does not list is not asked for for ever."""
    universe = Universe(only(WANTED, feed).members[:1])
    (first,) = due(universe, [], FRIDAY, SETTINGS)
    asked = [answer(first.member, first.first, first.last, FRIDAY, without=1)]
    for hours in (1, 2, 4, 8, 16, 32):
        again = asked[-1].extracted_at + timedelta(hours=hours)
        assert due(universe, asked, again - timedelta(seconds=1), SETTINGS) == []
        (found,) = due(universe, asked, again, SETTINGS)
        assert due(universe, [*asked, answer(found.member, found.first, found.last, again)], again, SETTINGS) == []
        asked.append(answer(found.member, found.first, found.last, again, without=1))
    assert due(universe, asked, FRIDAY + timedelta(days=6), SETTINGS) == []


@pytest.mark.parametrize("universe", [CALENDAR, HISTORY], ids=["calendar", "history"])
def test_actions_that_the_plan_excludes_are_asked_again_after_its_days(universe: Universe) -> None:
    refused = [excluded(manifest) for manifest in answer_all(due(universe, [], FRIDAY, SETTINGS), FRIDAY)]
    week = timedelta(days=SETTINGS.restricted_recheck_days)
    assert due(universe, refused, FRIDAY, SETTINGS) == []
    assert due(universe, refused, FRIDAY + week - timedelta(seconds=1), SETTINGS) == []
    again = [(15, 22)] if universe is CALENDAR else [(15, 15)]
    assert windows(due(universe, refused, FRIDAY + week, SETTINGS)) == again


def test_actions_never_lack_anything_however_few_came() -> None:
    """An answer without one is whole; who asks by name gets it once."""
    manifests = answer_all(due(HISTORY, [], FRIDAY, SETTINGS), FRIDAY)
    assert due(HISTORY, manifests, FRIDAY + timedelta(days=1), SETTINGS) == []
    assert due(HISTORY, manifests, FRIDAY, SETTINGS, again=True) == []


@pytest.mark.parametrize(("first", "last"), [(date(2019, 1, 2), date(2019, 1, 4)), (date(2019, 1, 2), None)])
def test_whatever_span_of_bars_is_asked_for_actions_are_known_up_to_today(first: date, last: date | None) -> None:
    """The basis of old bars depends on every split since."""
    both = Universe((*CALENDAR.members, *HISTORY.members)).narrowed([], first, last)
    assert windows(due(both, [], FRIDAY, SETTINGS, again=True)) == [(15, 15), (15, 15)]


def test_the_fold_leaves_actions_out() -> None:
    """Nobody knows how many there should be, so they are in no state."""
    manifests = answer_all(due(WANTED, [], FRIDAY, SETTINGS), FRIDAY)
    assert {manifest.feed for manifest in manifests} >= {"splits", "dividends_calendar"}
    assert state(WANTED, manifests, FRIDAY).equals(state(ALL, manifests, FRIDAY))
    assert state(CALENDAR, manifests, FRIDAY).equals(tables.COVERAGE.empty())


EX_DATE = date(2019, 2, 12)
SPLIT = Split("AAPL", EX_DATE, 4.0)
BEFORE = [date(2019, 2, 7), date(2019, 2, 8), date(2019, 2, 11)]
"""The sessions before the ex-date of which new answers show whether the vendor has adjusted."""


def evidence_moments() -> list[datetime]:
    """Twenty minutes after the open of some sessions from the ex-date on: nine more, of the first month."""
    opened = openings(EX_DATE, date(2019, 3, 31))
    return [opened[n] + timedelta(minutes=20) for n in (0, 1, 2, 3, 4, 5, 7, 10, 15, 20)]


@pytest.mark.parametrize("universe", [STOCK, only(AAPL, "eod")], ids=["stocks", "eod"])
def test_sessions_before_a_split_are_asked_again_some_sessions_after_it_and_then_no_more(universe: Universe) -> None:
    """Asked at every hour that could matter; each time all three are asked, and once answered they rest."""
    settings = SETTINGS.model_copy(update={"first_run_sessions": 8})
    begun = at(18, day=11)
    manifests = answer_all(due(universe, [], begun, settings), begun)
    asked: dict[date, list[datetime]] = {day: [] for day in BEFORE}
    other: set[date] = set()
    for opening in openings(EX_DATE, date(2019, 5, 10)):
        for minutes in (19, 20, 21, 500):
            now = opening + timedelta(minutes=minutes)
            found = due(universe, manifests, now, settings, splits=[SPLIT])
            manifests += answer_all(found, now)
            assert due(universe, manifests, now, settings, splits=[SPLIT]) == []
            for one in found:
                for day in sessions.schedule("XNYS", one.first, one.last)["session"]:
                    asked.setdefault(day, []).append(now) if day < EX_DATE else other.add(day)
    assert asked == dict.fromkeys(BEFORE, evidence_moments())
    assert min(other) == EX_DATE


def test_a_run_that_was_missed_is_made_up_for_once() -> None:
    """What was wanted yesterday and before is one question today."""
    begun = at(18, day=11)
    manifests = answer_all(due(STOCK, [], begun, SETTINGS), begun)
    sunday = at(12, day=17)
    found = due(STOCK, manifests, sunday, SETTINGS, splits=[SPLIT])
    assert windows(found) == [(7, 15)]
    manifests += answer_all(found, sunday)
    assert due(STOCK, manifests, at(9, 49, day=19), SETTINGS, splits=[SPLIT]) == due(
        STOCK, manifests, at(9, 49, day=19), SETTINGS
    )


def test_a_split_of_one_symbol_asks_nothing_again_of_others_nor_of_other_feeds() -> None:
    begun, now = at(18, day=11), at(9, 50, day=12)
    manifests = answer_all(due(WANTED, [], begun, SETTINGS), begun)
    without = due(WANTED, manifests, now, SETTINGS)
    found = due(WANTED, manifests, now, SETTINGS, splits=[SPLIT, Split("IBM", EX_DATE, 2.0)])
    more = {(one.member.feed.name, one.member.symbol) for one in set(found) - set(without)}
    assert more == {("stocks", "AAPL"), ("eod", "AAPL")}


def test_what_the_plan_excludes_is_not_asked_again_for_evidence() -> None:
    begun, now = at(18, day=11), at(9, 50, day=12)
    refused = [excluded(manifest) for manifest in answer_all(due(AAPL, [], begun, SETTINGS), begun)]
    assert due(AAPL, refused, now, SETTINGS, splits=[SPLIT]) == due(AAPL, refused, now, SETTINGS)


@pytest.mark.parametrize(
    ("now", "again_at"),
    [
        (at(12, day=8), None),
        (at(9, 49, day=12), None),
        (at(9, 50, day=12), at(9, 50, day=12)),
        (at(9, 49, day=13), at(9, 50, day=12)),
        (at(9, 50, day=13), at(9, 50, day=13)),
        (at(12, day=18), at(9, 50, day=15)),  # a holiday
        (at(12, day=29, month=3), evidence_moments()[-1]),
        (at(12, day=30, month=3), None),
    ],
)
def test_the_evidence_that_is_wanted_is_of_three_sessions_since_the_newest_of_the_moments(
    now: datetime, again_at: datetime | None
) -> None:
    """45 days after the ex-date nothing more is wanted."""
    found = evidence_wanted([SPLIT], now)
    assert found.schema == {"symbol": pl.String(), "session": pl.Date(), "again_at": pl.Datetime("us", "UTC")}
    expected = [("AAPL", day, again_at) for day in BEFORE] if again_at else []
    assert sorted(found.rows()) == expected


def test_two_splits_near_each_other_want_the_newer_evidence_of_a_session() -> None:
    now = at(12, day=14)
    found = evidence_wanted([SPLIT, Split("AAPL", date(2019, 2, 13), 2.0)], now)
    days = [*BEFORE, EX_DATE]
    assert sorted(found.rows()) == [("AAPL", day, at(9, 50, day=14)) for day in days]


def test_no_split_wants_no_evidence() -> None:
    assert evidence_wanted([], FRIDAY).is_empty()
