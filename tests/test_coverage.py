"""What is there, what is missing and what is due, over manifests made by hand: a pure fold of calendar and record."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import sessions, tables
from openingbell.config import Settings
from openingbell.coverage import Due, due, final_sessions, fold, wanted_range
from openingbell.landing import Ask, Manifest, Outcome
from openingbell.universe import Member, Universe, from_symbols

SETTINGS = Settings(first_run_sessions=5, first_run_daily_sessions=8)
FRIDAY = datetime(2019, 2, 15, 22, tzinfo=UTC)  # 17:00 in New York; Monday the 18th is a holiday
AAPL = from_symbols(["AAPL"], [], []).narrowed(["AAPL"])
STOCK = Universe(AAPL.members[:1])
GOLD = Universe(from_symbols([], [], ["GCUSD"]).members[:1])
CURVE = from_symbols([], [], [])
ALL = from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"])


def at(hour: int, minute: int = 0, day: int = 15, month: int = 2) -> datetime:
    """A moment of early 2019 by the New York clock, which is five hours behind UTC then."""
    return datetime(2019, month, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def answer(
    member: Member, first: date, last: date, when: datetime, *, covered: date | None = None, without: int = 0
) -> Manifest:
    """A landed answer of a vendor that had every bar that was final, but the first `without` of each session."""
    delay = SETTINGS.final_delay(member.feed)
    there = final_sessions(member.calendar, member.bar_interval, first, last, when, delay)
    bars = {day: count - without for day, count in there.select("session", "bars_expected").iter_rows()}
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
    return fold(universe, manifests, [m.load_id for m in manifests if loaded], now, SETTINGS)


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


def test_holes_that_the_vendor_has_are_missing_and_not_due() -> None:
    member = STOCK.members[0]
    manifests = [answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY, without=3)]
    assert due(STOCK, manifests, FRIDAY, SETTINGS) == []
    found = state(STOCK, manifests, FRIDAY)
    assert found["state"].unique().to_list() == ["missing"]
    assert found.select("bars_expected", "bars_present").unique().rows() == [(26, 23)]


def test_a_later_and_better_answer_fills_a_hole() -> None:
    member = STOCK.members[0]
    manifests = [
        answer(member, date(2019, 2, 11), date(2019, 2, 15), FRIDAY, without=3),
        answer(member, date(2019, 2, 12), date(2019, 2, 12), FRIDAY + timedelta(hours=1)),
    ]
    found = state(STOCK, manifests, FRIDAY + timedelta(hours=1))
    assert found["state"].to_list() == ["missing", "complete", "missing", "missing", "missing"]
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
    assert windows(due(STOCK, [refused], FRIDAY + week - timedelta(seconds=1), SETTINGS)) == [(19, 22)]
    assert windows(due(STOCK, [refused], FRIDAY + week, SETTINGS)) == [(11, 22)]


def test_a_session_refused_in_its_middle_waits_for_the_recheck_too() -> None:
    """Its later bars became final after the refusal, and nothing but the plan stands in their way."""
    refused = excluded(answer(STOCK.members[0], date(2019, 2, 11), date(2019, 2, 15), at(12)))
    week = timedelta(days=SETTINGS.restricted_recheck_days)
    assert windows(due(STOCK, [refused], at(17), SETTINGS)) == []
    assert windows(due(STOCK, [refused], at(12) + week - timedelta(seconds=1), SETTINGS)) == [(19, 22)]
    assert windows(due(STOCK, [refused], at(12) + week, SETTINGS)) == [(11, 22)]


def test_a_refusal_that_is_repeated_waits_again() -> None:
    member, week = STOCK.members[0], timedelta(days=SETTINGS.restricted_recheck_days)
    refused = [excluded(answer(member, date(2019, 2, 11), date(2019, 2, 22), FRIDAY + n * week)) for n in (0, 1)]
    assert due(STOCK, refused, FRIDAY + week, SETTINGS) == []
    assert windows(due(STOCK, refused, FRIDAY + week + timedelta(days=3), SETTINGS)) == [(25, 25)]


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
    both = from_symbols(["AAPL", "MSFT"], [], []).narrowed(["AAPL", "MSFT"])
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
UNIVERSES = st.sampled_from([STOCK, AAPL, GOLD, CURVE, ALL])


@examples(deadline=None, max_examples=60)
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


@examples(deadline=None, max_examples=60)
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
        for one in due(universe, manifests, now, SETTINGS)
        for day in sessions.schedule(one.member.calendar, one.first, one.last)["session"]
    }
    open_ones = state(universe, manifests, now).filter(pl.col("state") == "not asked")
    assert named == set(open_ones.select(tables.COVERAGE.key).iter_rows())


@examples(deadline=None, max_examples=60)
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
