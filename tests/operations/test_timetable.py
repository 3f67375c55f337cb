"""When something is to be done: facts of real weeks, and that no window of the iterator loses or doubles an event."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import sessions
from openingbell.config import Settings
from openingbell.feeds import EOD, STOCKS
from openingbell.operations.timetable import Doing, Event, events
from openingbell.universe import Universe, from_symbols

UNIVERSE = from_symbols(["AAPL", "MSFT"], ["^GSPC", "^VIX"], ["GCUSD"])
SETTINGS = Settings()
NEW_YORK = sessions.NEW_YORK


def between(first: datetime, last: datetime, universe: Universe = UNIVERSE) -> list[Event]:
    return list(takewhile(lambda event: event.at <= last, events(universe, SETTINGS, first)))


def wall(event: Event) -> str:
    return f"{event.at.astimezone(NEW_YORK):%d %H:%M}"


def of(feed: str, found: list[Event]) -> list[str]:
    return [wall(event) for event in found if feed in event.feeds]


def test_a_day_of_stocks_has_a_tick_for_each_quarter_of_an_hour() -> None:
    found = between(datetime(2026, 11, 24, 5, tzinfo=UTC), datetime(2026, 11, 25, 5, tzinfo=UTC))
    stocks = of("stocks", found)
    assert len(stocks) == 26
    assert (stocks[0], stocks[1], stocks[-1]) == ("24 09:47", "24 10:02", "24 16:02")
    assert of("indexes", found)[-1] == "24 16:17"  # ^VIX
    others = [(wall(event), event.doing) for event in found if event.doing is not Doing.TICK]
    assert others == [("24 17:02", Doing.CLOSE), ("24 20:30", Doing.NIGHT)]


def test_thanksgiving_week_has_a_holiday_and_a_half_day() -> None:
    found = between(datetime(2026, 11, 26, 5, tzinfo=UTC), datetime(2026, 11, 28, 23, tzinfo=UTC))
    assert of("stocks", found)[:1] == ["27 09:47"]
    assert of("stocks", found)[-1] == "27 13:02"
    assert len(of("stocks", found)) == 14
    assert of("indexes", found)[-1] == "27 13:17"
    others = [(wall(event), event.doing) for event in found if event.doing is not Doing.TICK]
    assert others == [("27 14:02", Doing.CLOSE), ("27 14:02", Doing.WEEKLY), ("27 20:30", Doing.NIGHT)]


@pytest.mark.parametrize(
    ("sunday", "before", "after"),
    [(date(2026, 11, 1), 13, 14), (date(2026, 3, 8), 14, 13)],
    ids=["clocks go back", "clocks go forward"],
)
def test_the_change_of_clocks_moves_utc_and_not_new_york(sunday: date, before: int, after: int) -> None:
    first = datetime(sunday.year, sunday.month, sunday.day, 6, tzinfo=UTC) - timedelta(days=2)
    ticks = [event for event in between(first, first + timedelta(days=5)) if "stocks" in event.feeds]
    opening = {event.at.astimezone(NEW_YORK).date(): event.at for event in reversed(ticks)}
    friday, monday = sunday - timedelta(days=2), sunday + timedelta(days=1)
    assert (opening[friday].hour, opening[monday].hour) == (before, after)
    assert {f"{moment.astimezone(NEW_YORK):%H:%M}" for moment in opening.values()} == {"09:47"}


def test_a_commodity_opens_on_sunday_evening_for_monday() -> None:
    found = between(datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert (wall(found[0]), found[0].feeds, found[0].session) == ("22 18:17", ("commodities",), date(2026, 11, 23))


def test_a_week_ends_with_its_last_session_though_friday_is_a_holiday() -> None:
    good_friday = between(datetime(2026, 3, 30, 5, tzinfo=UTC), datetime(2026, 4, 4, 5, tzinfo=UTC))
    assert [event.session for event in good_friday if event.doing is Doing.WEEKLY] == [date(2026, 4, 2)]


@examples(max_examples=25)
@given(st.integers(0, 60 * 24 * 40), st.integers(1, 60 * 24 * 12))
def test_wherever_one_begins_the_events_are_the_same_in_order_and_once(minutes: int, later: int) -> None:
    first = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    second = first + timedelta(minutes=later)
    end = second + timedelta(days=9)
    whole, part = between(first, end), between(second, end)
    assert whole == sorted(set(whole))
    assert [event for event in whole if event.at > second] == part


def test_ten_thousand_symbols_are_as_quick_as_one() -> None:
    """By what they have in common: their feed and calendar."""
    many = from_symbols([f"S{number}" for number in range(10_000)], [], [])
    one = from_symbols(["S0"], [], [])
    after = datetime(2026, 11, 24, 5, tzinfo=UTC)
    assert list(islice(events(many, SETTINGS, after), 40)) == list(islice(events(one, SETTINGS, after), 40))


def test_a_tick_comes_when_its_bar_is_final_and_a_close_when_the_official_day_is() -> None:
    found = between(datetime(2026, 11, 24, 14, tzinfo=UTC), datetime(2026, 11, 25, 5, tzinfo=UTC))
    grid = sessions.grid(STOCKS.calendar, "15min", date(2026, 11, 24), date(2026, 11, 24))
    final = [end + SETTINGS.final_delay(STOCKS) for end in grid["end_utc"]]
    assert [event.at for event in found if "stocks" in event.feeds] == final
    (close,) = (event for event in found if event.doing is Doing.CLOSE)
    assert close.at == grid["end_utc"].max() + SETTINGS.final_delay(EOD)  # type: ignore[operator]
