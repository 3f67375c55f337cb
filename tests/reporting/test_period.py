"""Which time a report is about, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from openingbell.errors import RangeError
from openingbell.reporting.period import Period, latest, parse_day, parse_week

NOW = datetime(2019, 2, 15, 20, tzinfo=UTC)  # Friday, 15:00 in New York


def test_a_day_is_its_own_label() -> None:
    day = parse_day("2019-02-15", now=NOW)
    assert day == Period("2019-02-15", date(2019, 2, 15), date(2019, 2, 15))
    assert day.is_day


def test_a_week_goes_from_monday_to_sunday() -> None:
    week = parse_week("2019-W07", now=NOW)
    assert week == Period("2019-W07", date(2019, 2, 11), date(2019, 2, 17))
    assert not week.is_day


@pytest.mark.parametrize(
    ("text", "first"),
    [("2018-W01", date(2018, 1, 1)), ("2019-W01", date(2018, 12, 31)), ("2015-W53", date(2015, 12, 28))],
)
def test_weeks_are_those_of_iso_8601_at_the_turn_of_the_year(text: str, first: date) -> None:
    assert parse_week(text, now=NOW).first == first


def test_a_day_without_a_session_is_a_day() -> None:
    assert parse_day("2018-12-25", now=NOW).label == "2018-12-25"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2019-02-30", "20190215", "2019-W07-5", "2019-2-15", "2019-02-15T00:00", "٢٠١٩-02-15"]
)
def test_what_is_no_day_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(RangeError) as refusal:
        parse_day(text, now=NOW)
    assert repr(text) in str(refusal.value)
    assert "YYYY-MM-DD" in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["", "2019-07", "2019W07", "2019-W7", "2019-W00", "2019-W53", "٢٠١٩-W07", "0000-W01", "9999-W53"]
)
def test_what_is_no_week_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(RangeError) as refusal:
        parse_week(text, now=NOW)
    assert repr(text) in str(refusal.value)
    assert "YYYY-Www" in str(refusal.value)


def test_the_future_is_refused_and_the_newest_session_is_offered() -> None:
    with pytest.raises(RangeError, match=r"2019-02-16.*New York it is 2019-02-15.*ask for 2019-02-15"):
        parse_day("2019-02-16", now=NOW)
    with pytest.raises(RangeError, match=r"2019-W08; it begins on 2019-02-18"):
        parse_week("2019-W08", now=NOW)


def test_today_is_that_of_new_york() -> None:
    night = datetime(2019, 2, 16, 3, tzinfo=UTC)
    with pytest.raises(RangeError):
        parse_day("2019-02-16", now=night)
    assert parse_day("2019-02-16", now=night.replace(hour=5)).label == "2019-02-16"


def test_a_week_that_runs_can_be_reported() -> None:
    assert parse_week("2019-W07", now=datetime(2019, 2, 11, 14, tzinfo=UTC)).label == "2019-W07"


def test_a_period_that_runs_backwards_is_refused() -> None:
    with pytest.raises(RangeError, match=r"ends on 2019-02-14 before it begins on 2019-02-15"):
        Period("x", date(2019, 2, 15), date(2019, 2, 14))


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2019, 2, 15, 14, 29, tzinfo=UTC), "2019-02-14"),
        (datetime(2019, 2, 15, 14, 30, tzinfo=UTC), "2019-02-15"),
        (datetime(2019, 2, 18, 20, tzinfo=UTC), "2019-02-15"),  # Presidents' Day
    ],
)
def test_the_latest_is_the_newest_session_that_has_opened(now: datetime, day: str) -> None:
    assert latest(now) == parse_day(day, now=now)
