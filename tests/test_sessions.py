"""Market time against the exchanges' own published calendars: sessions, half days, changes of the clock, grids."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell import sessions, tables
from openingbell.closures import ALL, Closed, Closures, EarlyClose
from openingbell.errors import RangeError
from openingbell.sessions import expected_bars, grid, latest_session, schedule, sessions_before, trading_day

STOCKS, BONDS, GOLD, OIL, VIX = "XNYS", "SIFMA_US", "CMEGlobex_GC", "CMEGlobex_CL", "CBOE_VIX"
NYSE_HOLIDAYS_2019 = [
    date(2019, 1, 1), date(2019, 1, 21), date(2019, 2, 18), date(2019, 4, 19), date(2019, 5, 27), date(2019, 7, 4),
    date(2019, 9, 2), date(2019, 11, 28), date(2019, 12, 25),
]  # fmt: skip
NYSE_HALF_DAYS = [
    date(2017, 7, 3), date(2017, 11, 24), date(2018, 7, 3), date(2018, 11, 23), date(2018, 12, 24), date(2019, 7, 3),
    date(2019, 11, 29), date(2019, 12, 24), date(2020, 11, 27), date(2020, 12, 24), date(2021, 11, 26),
]  # fmt: skip
DAYS = st.dates(date(2017, 1, 1), date(2027, 12, 31))
CALENDARS = st.sampled_from([STOCKS, BONDS, GOLD, OIL, VIX, "CMEGlobex_EnergyAndMetals"])
MOURNING = Closed(date(2026, 12, 1), (STOCKS,), "national day of mourning")
BLACKOUT = Closed(date(2026, 12, 2), (ALL,), "the lights are out")
SNOW = EarlyClose(date(2026, 12, 3), (STOCKS, BONDS), "snow", time(13))
STORM = EarlyClose(date(2026, 12, 4), (ALL,), "storm", time(12))
AMENDED = Closures(closed=(MOURNING, BLACKOUT), early_closes=(SNOW, STORM))


def days_of(calendar: str, first: date, last: date) -> list[date]:
    """The sessions of a calendar."""
    return schedule(calendar, first, last)["session"].to_list()


def starts(calendar: str, bar_interval: str, day: date) -> list[datetime]:
    """The starts of one session's bars on the New York clock."""
    return grid(calendar, bar_interval, day, day)["date"].to_list()


def test_new_york_had_252_sessions_in_2019_and_was_closed_on_the_nine_published_holidays() -> None:
    weekdays = [date(2019, 1, 1) + timedelta(days=n) for n in range(365)]
    open_days = days_of(STOCKS, date(2019, 1, 1), date(2019, 12, 31))
    assert len(open_days) == 252
    assert [day for day in weekdays if day.weekday() < 5 and day not in open_days] == NYSE_HOLIDAYS_2019


@pytest.mark.parametrize("calendar", [STOCKS, VIX])
@pytest.mark.parametrize(
    "day",
    [
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(1994, 4, 27),  # mourning for Nixon, Reagan, Ford, Bush and Carter
        date(2004, 6, 11),
        date(2007, 1, 2),
        date(2018, 12, 5),
        date(2025, 1, 9),
    ],
)
def test_days_of_mourning_and_disaster_have_no_session(day: date, calendar: str) -> None:
    assert days_of(calendar, day, day) == []
    assert len(days_of(calendar, day - timedelta(days=7), day + timedelta(days=7))) >= 6
    assert sessions.reason(calendar, day) == "closed"


def test_the_volatility_index_is_calculated_until_a_quarter_past_four() -> None:
    day = date(2019, 2, 15)
    for bar_interval, count, last in (("5min", 81, time(16, 10)), ("15min", 27, time(16))):
        bars = starts(VIX, bar_interval, day)
        assert (len(bars), bars[0].time(), bars[-1].time()) == (count, time(9, 30), last)


def test_the_volatility_index_has_the_sessions_of_stocks_since_1990_and_closes_later_on_each() -> None:
    stocks, index = (schedule(calendar, date(1990, 1, 1), date(2029, 12, 31)) for calendar in (STOCKS, VIX))
    assert index["session"].to_list() == stocks["session"].to_list()
    assert index["open"].to_list() == stocks["open"].to_list()
    assert (index["close"] - stocks["close"]).unique().to_list() == [timedelta(minutes=15)]
    assert sessions.half_days(VIX, date(1990, 1, 1), date(2029, 12, 31)) == sessions.half_days(
        STOCKS, date(1990, 1, 1), date(2029, 12, 31)
    )


@pytest.mark.parametrize("day", [date(2019, 7, 3), date(2019, 11, 29), date(2024, 12, 24)])
def test_the_volatility_index_ends_at_a_quarter_past_one_on_half_days(day: date) -> None:
    assert schedule(VIX, day, day)["close"].item() == datetime.combine(day, time(13, 15))
    assert (len(starts(VIX, "5min", day)), len(starts(VIX, "15min", day))) == (45, 15)


def test_the_sessions_of_the_volatility_index_are_those_of_its_real_days(shared_data: Path) -> None:
    """36 years as Cboe published them lack four days. Since 2022 there are rows on holidays, too: the global hours
    that are no session here. Reagan's mourning has a row although nobody traded.
    """
    days = pl.read_csv(shared_data / "dirty/vix-daily.csv", try_parse_dates=True)["DATE"].unique().to_list()
    known = days_of(VIX, min(days), max(days))
    assert (min(days), len(days)) == (date(1990, 1, 2), 9235)
    assert sorted(set(known) - set(days)) == [
        date(1991, 3, 1), date(1997, 1, 31), date(1997, 11, 26), date(1999, 12, 31),
    ]  # fmt: skip
    assert [day for day in sorted(set(days) - set(known)) if day.year < 2022] == [date(2004, 6, 11)]


@pytest.mark.parametrize("day", NYSE_HALF_DAYS)
def test_a_half_day_closes_at_13_and_has_14_bars_of_15_minutes(day: date) -> None:
    bars = starts(STOCKS, "15min", day)
    assert (len(bars), bars[-1].time()) == (14, time(12, 45))
    assert schedule(STOCKS, day, day)["close"].item() == datetime.combine(day, time(13))
    assert sessions.reason(STOCKS, day) == "half day"


def test_half_days_are_all_that_close_before_the_usual_hour() -> None:
    assert sessions.half_days(STOCKS, date(2017, 1, 1), date(2021, 12, 31)) == NYSE_HALF_DAYS
    assert sessions.half_days(GOLD, date(2019, 1, 1), date(2019, 2, 28)) == [date(2019, 1, 21), date(2019, 2, 18)]
    assert date(2019, 12, 24) in sessions.half_days(BONDS, date(2019, 1, 1), date(2019, 12, 31))
    assert sessions.half_days(STOCKS, date(2019, 11, 29), date(2019, 11, 28)) == []


@given(CALENDARS, DAYS)
def test_a_day_has_a_reason_when_it_is_no_whole_session(calendar: str, day: date) -> None:
    held, half = days_of(calendar, day, day), sessions.half_days(calendar, day, day)
    assert sessions.reason(calendar, day) == ("half day" if half else None if held else "closed")


@pytest.mark.parametrize(("bar_interval", "count", "last"), [
    ("1min", 390, time(15, 59)), ("5min", 78, time(15, 55)), ("15min", 26, time(15, 45)),
    ("30min", 13, time(15, 30)), ("1hour", 7, time(15, 30)),
])  # fmt: skip
def test_a_full_session_holds_the_published_number_of_bars_named_by_their_start(
    bar_interval: str, count: int, last: time
) -> None:
    bars = starts(STOCKS, bar_interval, date(2019, 2, 15))
    assert (len(bars), bars[0].time(), bars[-1].time()) == (count, time(9, 30), last)


@pytest.mark.parametrize(
    ("day", "opens_utc"),
    [
        (date(2019, 3, 8), time(14, 30)),
        (date(2019, 3, 11), time(13, 30)),  # New York had changed its clock the day before, Europe had not
        (date(2019, 11, 1), time(13, 30)),
        (date(2019, 11, 4), time(14, 30)),
    ],
)
def test_a_change_of_the_clock_moves_utc_and_not_the_wall(day: date, opens_utc: time) -> None:
    first = grid(STOCKS, "15min", day, day).row(0, named=True)
    assert first["date"] == datetime.combine(day, time(9, 30))
    assert first["date_utc"] == datetime.combine(day, opens_utc, UTC)
    assert first["end_utc"] - first["date_utc"] == timedelta(minutes=15)


def test_a_commodity_opens_on_sunday_evening_for_monday() -> None:
    bars = grid(GOLD, "15min", date(2019, 2, 11), date(2019, 2, 11))
    assert len(bars) == 23 * 4
    assert bars["date"].to_list()[0] == datetime(2019, 2, 10, 18)
    assert bars["date"].to_list()[-1] == datetime(2019, 2, 11, 16, 45)


def test_the_week_in_which_the_clock_changes_gives_a_commodity_its_full_sessions() -> None:
    """The change falls on a Sunday at 02:00, when no US market is open."""
    for day in (date(2019, 3, 11), date(2019, 11, 4)):
        bars = grid(GOLD, "5min", day, day)
        assert len(bars) == 23 * 12
        assert bars["date"].to_list()[0] == datetime.combine(day - timedelta(days=1), time(18))


def test_metals_trade_for_half_a_day_on_martin_luther_king_day_when_shares_do_not() -> None:
    day = date(2019, 1, 21)
    assert days_of(STOCKS, day, day) == []
    assert schedule(GOLD, day, day)["close"].item() == datetime(2019, 1, 21, 13)


@pytest.mark.parametrize("day", [date(2019, 10, 14), date(2018, 10, 8), date(2019, 11, 11)])
def test_bonds_rest_on_columbus_and_veterans_day_when_shares_trade(day: date) -> None:
    assert days_of(BONDS, day, day) == []
    assert days_of(STOCKS, day, day) == [day]


@pytest.mark.parametrize("day", [date(2018, 3, 30), date(2019, 4, 19), date(2024, 3, 29)])
def test_no_market_of_ours_trades_on_these_good_fridays(day: date) -> None:
    assert [days_of(calendar, day, day) for calendar in (STOCKS, BONDS, GOLD)] == [[], [], []]


def test_the_sessions_of_new_york_are_those_of_real_bars(shared_data: Path) -> None:
    """The days of 283 real daily bars of SPY are the sessions between the first and the last of them."""
    days = pl.read_csv(shared_data / "replay/eod/SPY.csv", try_parse_dates=True)["date"].sort().to_list()
    assert len(days) == 283
    assert days_of(STOCKS, days[0], days[-1]) == days


def test_the_grid_is_that_of_real_bars(shared_data: Path) -> None:
    """The starts of 780 real 15-minute bars of AAPL are the grid of their 30 sessions."""
    found = pl.read_csv(shared_data / "replay/15min/AAPL.csv")["date"].str.to_datetime(time_unit="us").sort()
    wanted = grid(STOCKS, "15min", date(2019, 1, 4), date(2019, 2, 15))["date"]
    assert len(found) == 780
    assert found.to_list() == wanted.to_list()


def test_the_business_days_of_bonds_are_those_of_the_treasury(shared_data: Path) -> None:
    """All 289 days on which the Treasury published a curve are business days; it skipped none but 2018-12-05."""
    rates = pl.read_json(shared_data / "replay/treasury/treasury-rates.json")["date"].str.to_date().sort().to_list()
    business = days_of(BONDS, rates[0], rates[-1])
    assert len(rates) == 289
    assert set(rates) - set(business) == set()
    assert set(business) - set(rates) <= {date(2018, 12, 5)}


@given(CALENDARS, DAYS, st.integers(0, 20))
def test_a_schedule_is_ordered_and_inside_what_was_asked(calendar: str, first: date, length: int) -> None:
    table = schedule(calendar, first, first + timedelta(days=length))
    assert table["session"].is_sorted()
    assert table["session"].is_unique().all()
    assert table["session"].is_between(first, first + timedelta(days=length)).all()
    assert (table["open_utc"] < table["close_utc"]).all()


@given(st.sampled_from([STOCKS, GOLD, OIL]), DAYS, st.sampled_from(["5min", "15min"]))
def test_every_bar_of_a_grid_belongs_to_its_session_by_trading_day(calendar: str, day: date, bar_interval: str) -> None:
    bars = grid(calendar, bar_interval, day, day + timedelta(days=7))
    assert bars.select(trading_day(pl.col("date"), calendar))["date"].to_list() == bars["session"].to_list()
    assert bars.select(sessions.to_utc(pl.col("date")))["date"].to_list() == bars["date_utc"].to_list()
    assert bars["date_utc"].is_sorted()
    assert bars["date"].is_unique().all()


@given(st.sampled_from([STOCKS, GOLD]), DAYS)
def test_bars_fill_a_session_from_open_to_close_without_a_gap(calendar: str, day: date) -> None:
    bars = grid(calendar, "15min", day, day)
    if hours := schedule(calendar, day, day).to_dicts():
        assert bars["date_utc"].to_list()[0] == hours[0]["open_utc"]
        assert bars["end_utc"].to_list()[-1] == hours[0]["close_utc"]
        assert bars["end_utc"].to_list()[:-1] == bars["date_utc"].to_list()[1:]


@given(CALENDARS, DAYS, st.integers(0, 30))
def test_a_daily_bar_is_its_session(calendar: str, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    bars = grid(calendar, "1day", first, last)
    assert bars["session"].to_list() == days_of(calendar, first, last)
    assert bars["date"].to_list() == [datetime.combine(day, time()) for day in bars["session"]]
    assert bars["end_utc"].to_list() == schedule(calendar, first, last)["close_utc"].to_list()


@given(CALENDARS, DAYS)
def test_expected_bars_count_the_grid(calendar: str, day: date) -> None:
    last = day + timedelta(days=5)
    counted = dict(expected_bars(calendar, "15min", day, last).iter_rows())
    bars = grid(calendar, "15min", day, last)["session"].to_list()
    assert counted == {session: bars.count(session) for session in dict.fromkeys(bars)}


def test_a_range_across_new_year_is_whole_and_a_reversed_one_is_empty() -> None:
    assert days_of(STOCKS, date(2018, 12, 31), date(2019, 1, 2)) == [date(2018, 12, 31), date(2019, 1, 2)]
    for first in (date(2019, 1, 3), date(2020, 1, 3)):
        assert schedule(STOCKS, first, date(2019, 1, 2)).is_empty()
        assert schedule(STOCKS, first, date(2019, 1, 2)).schema == schedule(STOCKS, first, first).schema
        assert grid(STOCKS, "15min", first, date(2019, 1, 2)).is_empty()


def test_types_are_those_promised() -> None:
    utc = pl.Datetime("us", "UTC")
    assert grid(STOCKS, "15min", date(2019, 1, 2), date(2019, 1, 2)).schema == {
        "session": pl.Date(), "date": pl.Datetime("us"), "date_utc": utc, "end_utc": utc,
    }  # fmt: skip
    assert expected_bars(STOCKS, "1day", date(2019, 1, 2), date(2019, 1, 2)).schema == {
        "session": pl.Date(), "bars_expected": pl.Int64(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wall", "calendar", "day"),
    [
        (datetime(2019, 2, 10, 18), GOLD, date(2019, 2, 11)),
        (datetime(2019, 2, 10, 17, 59), GOLD, date(2019, 2, 10)),  # before the open: the Sunday, which is no session
        (datetime(2019, 2, 11, 17, 30), GOLD, date(2019, 2, 11)),  # the daily pause belongs to the day that ended
        (datetime(2018, 12, 31, 18), GOLD, date(2019, 1, 1)),
        (datetime(2019, 2, 11, 16, 0), STOCKS, date(2019, 2, 11)),  # the closing auction
        (datetime(2019, 2, 11, 23, 59), STOCKS, date(2019, 2, 11)),
        (datetime(2019, 2, 11, 4, 0), STOCKS, date(2019, 2, 11)),
    ],
)
def test_the_trading_day_is_known_in_and_out_of_hours(wall: datetime, calendar: str, day: date) -> None:
    assert pl.select(trading_day(pl.lit(wall), calendar)).item() == day


def test_the_hour_that_spring_skips_is_no_moment_and_the_one_autumn_repeats_is_its_first_pass() -> None:
    wall = pl.Series([datetime(2019, 3, 10, 2, 30), datetime(2019, 11, 3, 1, 30), datetime(2019, 7, 1, 9, 30)])
    utc = pl.select(sessions.to_utc(pl.lit(wall))).to_series().to_list()
    assert utc == [None, datetime(2019, 11, 3, 5, 30, tzinfo=UTC), datetime(2019, 7, 1, 13, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("calendar", "now", "session"),
    [
        (STOCKS, datetime(2019, 2, 15, 14, 29, 59, tzinfo=UTC), date(2019, 2, 14)),
        (STOCKS, datetime(2019, 2, 15, 14, 30, tzinfo=UTC), date(2019, 2, 15)),
        (STOCKS, datetime(2019, 2, 16, 3, tzinfo=UTC), date(2019, 2, 15)),  # still Friday evening in New York
        (STOCKS, datetime(2019, 2, 18, 20, tzinfo=UTC), date(2019, 2, 15)),  # Presidents' Day
        (GOLD, datetime(2019, 2, 10, 22, 59, tzinfo=UTC), date(2019, 2, 8)),
        (GOLD, datetime(2019, 2, 10, 23, 0, tzinfo=UTC), date(2019, 2, 11)),  # Sunday, 18:00 in New York
        (BONDS, datetime(2019, 10, 14, 20, tzinfo=UTC), date(2019, 10, 11)),
        (STOCKS, datetime(2019, 1, 1, 20, tzinfo=UTC), date(2018, 12, 31)),
    ],
)
def test_the_latest_session_is_the_newest_that_has_opened(calendar: str, now: datetime, session: date) -> None:
    assert latest_session(calendar, now) == session


@given(st.sampled_from([STOCKS, GOLD]), st.datetimes(datetime(2018, 1, 1), datetime(2026, 1, 1)))
def test_the_latest_session_opened_and_the_next_one_did_not(calendar: str, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    found = latest_session(calendar, now)
    around = schedule(calendar, found, found + timedelta(days=14))["open_utc"].to_list()
    assert around[0] <= now < around[1]


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        (date(2019, 2, 15), 1, date(2019, 2, 15)),
        (date(2019, 2, 15), 30, date(2019, 1, 4)),  # the shared replay's thirty sessions
        (date(2019, 2, 17), 1, date(2019, 2, 15)),
        (date(2019, 12, 31), 252, date(2019, 1, 2)),
    ],
)
def test_sessions_are_counted_back_from_a_day_that_counts_when_it_is_one(day: date, count: int, found: date) -> None:
    assert sessions_before(STOCKS, day, count) == found


@given(CALENDARS, DAYS, st.integers(1, 300))
def test_from_the_session_found_on_there_are_as_many_as_asked(calendar: str, day: date, count: int) -> None:
    assert len(days_of(calendar, sessions_before(calendar, day, count), day)) == count


@pytest.mark.parametrize("name", ["NOPE", "", "xnys "])
def test_an_unknown_calendar_is_refused_with_examples_of_known_ones(name: str) -> None:
    with pytest.raises(RangeError, match=r"asked for the calendar .*such as XNYS, SIFMA_US"):
        schedule(name, date(2019, 1, 2), date(2019, 1, 2))


@pytest.mark.parametrize("name", ["15m", "", "1week"])
def test_an_unknown_interval_is_refused_with_the_allowed_ones(name: str) -> None:
    with pytest.raises(RangeError, match="allowed are 1min, 5min, 15min, 30min, 1hour and 1day"):
        grid(STOCKS, name, date(2019, 1, 2), date(2019, 1, 2))


WEEK = (date(2026, 11, 30), date(2026, 12, 4))


def test_a_closed_day_is_no_session_for_whom_it_names_and_who_follows() -> None:
    with sessions.amended(AMENDED):
        assert [day.day for day in days_of(STOCKS, *WEEK)] == [30, 3, 4]
        assert [day.day for day in days_of(VIX, *WEEK)] == [30, 3, 4]
        assert [day.day for day in days_of(BONDS, *WEEK)] == [30, 1, 3, 4]
        assert [day.day for day in days_of(GOLD, *WEEK)] == [30, 1, 3, 4]


def test_an_early_close_shortens_the_session_and_its_grid() -> None:
    with sessions.amended(AMENDED):
        closes = {name: schedule(name, *WEEK)["close"].to_list()[-2:] for name in (STOCKS, VIX, BONDS, GOLD)}
        assert {name: tuple(moment.time() for moment in found) for name, found in closes.items()} == {
            STOCKS: (time(13), time(12)),
            VIX: (time(13, 15), time(12, 15)),  # a quarter of an hour after stocks, as ever
            BONDS: (time(13), time(12)),
            GOLD: (time(17), time(12)),
        }
        assert len(starts(STOCKS, "15min", SNOW.day)) == 14
        assert expected_bars(STOCKS, "15min", *WEEK)["bars_expected"].to_list() == [26, 14, 10]
        assert starts(GOLD, "15min", STORM.day)[0] == datetime(2026, 12, 3, 18)
        assert sessions.half_days(VIX, *WEEK) == [SNOW.day, STORM.day]


def test_what_is_amended_says_why() -> None:
    with sessions.amended(AMENDED):
        assert sessions.reason(STOCKS, MOURNING.day) == "closed: national day of mourning"
        assert sessions.reason(VIX, MOURNING.day) == "closed: national day of mourning"
        assert sessions.reason(GOLD, MOURNING.day) is None
        assert sessions.reason(VIX, BLACKOUT.day) == "closed: the lights are out"
        assert sessions.reason(STOCKS, SNOW.day) == "half day: snow"
        assert sessions.reason(GOLD, STORM.day) == "half day: storm"
        assert sessions.reason(STOCKS, date(2026, 11, 27)) == "half day"
        assert sessions.reason(STOCKS, date(2026, 12, 5)) == "closed"


def test_amendments_hold_for_their_block_and_the_innermost_alone() -> None:
    def grids() -> list[int]:
        return [len(grid(STOCKS, "15min", *WEEK)), len(grid(STOCKS, "1day", *WEEK))]

    whole = grids()
    with sessions.amended(AMENDED):
        amended = grids()
        with sessions.amended(Closures()):
            assert grids() == whole
        assert grids() == amended
        assert [day.day for day in sessions.published(STOCKS, *WEEK)["session"]] == [30, 1, 2, 3, 4]
    assert sessions.in_force() is None
    assert (grids(), amended) == (whole, [26 + 14 + 10, 3])
    with pytest.raises(ZeroDivisionError), sessions.amended(AMENDED):
        raise ZeroDivisionError
    assert grids() == whole


def test_amendments_hold_in_other_threads_too() -> None:
    with sessions.amended(AMENDED), ThreadPoolExecutor(1) as other:
        assert other.submit(days_of, STOCKS, *WEEK).result() == days_of(STOCKS, *WEEK)


def test_what_is_remembered_is_computed_once_for_each_state_of_the_calendars() -> None:
    asked = []

    @sessions.remembered(maxsize=8)
    def count(first: date, *, last: date) -> int:
        asked.append(first)
        return len(days_of(STOCKS, first, last))

    for _ in range(2):
        assert count(WEEK[0], last=WEEK[1]) == 5
        with sessions.amended(AMENDED):
            assert count(WEEK[0], last=WEEK[1]) == 3
    assert len(asked) == 2


def test_the_latest_session_passes_over_a_closed_day() -> None:
    noon = datetime(2026, 12, 2, 17, tzinfo=UTC)
    assert latest_session(STOCKS, noon) == date(2026, 12, 2)
    with sessions.amended(AMENDED):
        assert latest_session(STOCKS, noon) == date(2026, 11, 30)
        assert sessions_before(STOCKS, date(2026, 12, 4), 3) == date(2026, 11, 30)


def test_the_host_s_zone_changes_nothing() -> None:
    program = (
        "from datetime import *; from openingbell import sessions as s\n"
        "print(s.grid('CMEGlobex_GC', '15min', date(2019, 3, 8), date(2019, 3, 12)).write_csv())\n"
        "print(s.latest_session('XNYS', datetime(2019, 2, 16, 3, tzinfo=UTC)))\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    paths = os.pathsep.join(path or "." for path in sys.path)
    said = {
        subprocess.run(
            command, env={**os.environ, "PYTHONPATH": paths, "TZ": zone}, capture_output=True, check=True
        ).stdout
        for zone in ("America/New_York", "Asia/Tokyo", "America/Los_Angeles")
    }
    assert len(said) == 1
    assert said.pop().endswith(b"2019-02-15\n")


def test_an_evening_belongs_to_the_next_session_where_the_market_opens_then() -> None:
    rows = pl.DataFrame(
        {
            "asset_class": ["commodity", "stock"],
            "date": [datetime(2024, 5, 5, 18), datetime(2024, 5, 6, 9, 30)],
        }
    )
    assert rows.select(sessions.session_of(tables.TECHNICAL_INDICATORS)).to_series().to_list() == [date(2024, 5, 6)] * 2
