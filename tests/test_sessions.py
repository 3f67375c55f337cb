"""Market time against the exchanges' own published calendars: sessions, half days, changes of the clock, grids."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import sessions, tables
from openingbell.errors import RangeError
from openingbell.sessions import expected_bars, grid, latest_session, schedule, sessions_before, trading_day

STOCKS, BONDS, GOLD, OIL = "XNYS", "SIFMA_US", "CMEGlobex_GC", "CMEGlobex_CL"
NYSE_HOLIDAYS_2019 = [
    date(2019, 1, 1), date(2019, 1, 21), date(2019, 2, 18), date(2019, 4, 19), date(2019, 5, 27), date(2019, 7, 4),
    date(2019, 9, 2), date(2019, 11, 28), date(2019, 12, 25),
]  # fmt: skip
NYSE_HALF_DAYS = [
    date(2017, 7, 3), date(2017, 11, 24), date(2018, 7, 3), date(2018, 11, 23), date(2018, 12, 24), date(2019, 7, 3),
    date(2019, 11, 29), date(2019, 12, 24), date(2020, 11, 27), date(2020, 12, 24), date(2021, 11, 26),
]  # fmt: skip
DAYS = st.dates(date(2017, 1, 1), date(2027, 12, 31))
CALENDARS = st.sampled_from([STOCKS, BONDS, GOLD, OIL, "CMEGlobex_EnergyAndMetals"])


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


@pytest.mark.parametrize("day", [date(2018, 12, 5), date(2025, 1, 9), date(2012, 10, 29), date(2001, 9, 12)])
def test_days_of_mourning_and_disaster_have_no_session(day: date) -> None:
    assert days_of(STOCKS, day, day) == []


@pytest.mark.parametrize("day", NYSE_HALF_DAYS)
def test_a_half_day_closes_at_13_and_has_14_bars_of_15_minutes(day: date) -> None:
    bars = starts(STOCKS, "15min", day)
    assert (len(bars), bars[-1].time()) == (14, time(12, 45))
    assert schedule(STOCKS, day, day)["close"].item() == datetime.combine(day, time(13))


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


@examples(deadline=None)  # a busy machine is no fault
@given(CALENDARS, DAYS, st.integers(0, 20))
def test_a_schedule_is_ordered_and_inside_what_was_asked(calendar: str, first: date, length: int) -> None:
    table = schedule(calendar, first, first + timedelta(days=length))
    assert table["session"].is_sorted()
    assert table["session"].is_unique().all()
    assert table["session"].is_between(first, first + timedelta(days=length)).all()
    assert (table["open_utc"] < table["close_utc"]).all()


@examples(deadline=None)  # a busy machine is no fault
@given(st.sampled_from([STOCKS, GOLD, OIL]), DAYS, st.sampled_from(["5min", "15min"]))
def test_every_bar_of_a_grid_belongs_to_its_session_by_trading_day(calendar: str, day: date, bar_interval: str) -> None:
    bars = grid(calendar, bar_interval, day, day + timedelta(days=7))
    assert bars.select(trading_day(pl.col("date"), calendar))["date"].to_list() == bars["session"].to_list()
    assert bars.select(sessions.to_utc(pl.col("date")))["date"].to_list() == bars["date_utc"].to_list()
    assert bars["date_utc"].is_sorted()
    assert bars["date"].is_unique().all()


@examples(deadline=None)  # a busy machine is no fault
@given(st.sampled_from([STOCKS, GOLD]), DAYS)
def test_bars_fill_a_session_from_open_to_close_without_a_gap(calendar: str, day: date) -> None:
    bars = grid(calendar, "15min", day, day)
    if hours := schedule(calendar, day, day).to_dicts():
        assert bars["date_utc"].to_list()[0] == hours[0]["open_utc"]
        assert bars["end_utc"].to_list()[-1] == hours[0]["close_utc"]
        assert bars["end_utc"].to_list()[:-1] == bars["date_utc"].to_list()[1:]


@examples(deadline=None)  # a busy machine is no fault
@given(CALENDARS, DAYS, st.integers(0, 30))
def test_a_daily_bar_is_its_session(calendar: str, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    bars = grid(calendar, "1day", first, last)
    assert bars["session"].to_list() == days_of(calendar, first, last)
    assert bars["date"].to_list() == [datetime.combine(day, time()) for day in bars["session"]]
    assert bars["end_utc"].to_list() == schedule(calendar, first, last)["close_utc"].to_list()


@examples(deadline=None)  # a busy machine is no fault
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


@examples(deadline=None)  # a busy machine is no fault
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


@examples(deadline=None)  # a busy machine is no fault
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
