from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from openingbell.listings import Listings, Rename, listings_of, members_since, membership
from openingbell.tables import REFERENCE_RAW

FACEBOOK = date(2022, 6, 9)
"""The day on which FB became META; the fund that was META before had become METV on the last day of January."""


def at(*parts: int) -> datetime:
    """A moment in UTC as tables hold it."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[arg-type,misc]


def facts(*rows: dict[str, object]) -> pl.DataFrame:
    made = [
        {"load_id": "a", "source_row": number, "extracted_at": at(2026, 1, 5, 15), **row}
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in REFERENCE_RAW.names} for row in made], REFERENCE_RAW.schema)


def renamed(symbol: str, becomes: str, on: date) -> dict[str, object]:
    return {"kind": "symbol_change", "symbol": symbol, "other_symbol": becomes, "date": on}


def profile(symbol: str, said: datetime, *, is_active: bool | None = True) -> dict[str, object]:
    return {
        "kind": "profile",
        "symbol": symbol,
        "date": said.date().replace(day=1),
        "extracted_at": said,
        "is_active": is_active,
    }


def listed(symbol: str, said: datetime, since: date | None = None) -> dict[str, object]:
    month = said.date().replace(day=1)
    return {"kind": "sp500_constituent", "symbol": symbol, "date": month, "extracted_at": said, "since": since}


def changed(on: date, joins: str | None, leaves: str | None) -> dict[str, object]:
    return {
        "kind": "historical_sp500_constituent",
        "symbol": joins or leaves,
        "name": joins,
        "other_symbol": leaves,
        "date": on,
    }


CHANGES = (renamed("META", "METV", date(2022, 1, 31)), renamed("FB", "META", FACEBOOK))


def test_a_new_name_is_followed_where_the_vendor_no_longer_knows_the_old_one() -> None:
    found = listings_of(facts(*CHANGES), {"FB": date(2026, 1, 5)})
    assert found.followed("FB") == (Rename("FB", "META", FACEBOOK),)


def test_a_symbol_that_another_company_has_taken_is_not_followed() -> None:
    found = listings_of(facts(*CHANGES, profile("META", at(2026, 1, 5, 15))), {"FB": date(2026, 1, 5)})
    assert found.followed("META") == ()
    assert [one.becomes for one in found.followed("FB")] == ["META"]


def test_a_symbol_that_traded_until_its_new_name_came_is_followed() -> None:
    found = listings_of(facts(*CHANGES, profile("FB", at(2022, 6, 1, 15))))
    assert [one.becomes for one in found.followed("FB")] == ["META"]


def test_nothing_is_followed_of_which_nothing_was_asked() -> None:
    assert listings_of(facts(*CHANGES)).followed("FB") == ()


def test_names_that_change_twice_and_in_a_circle_end() -> None:
    rows = facts(renamed("A", "B", date(2020, 1, 2)), renamed("B", "C", date(2021, 1, 4)), renamed("C", "A", FACEBOOK))
    found = listings_of(rows, dict.fromkeys("ABC", date(2026, 1, 5)))
    assert [one.becomes for one in found.followed("A")] == ["B", "C"]


@pytest.mark.parametrize(
    ("said", "is_active", "wanted"),
    [
        (at(2026, 3, 2, 15), True, date(2026, 3, 10)),  # it traded until then
        (at(2026, 4, 1, 15), False, date(2026, 3, 10)),
        (at(2026, 4, 1, 15), True, None),  # another company has its symbol
    ],
)
def test_a_delisting_counts_where_the_symbol_was_not_taken_up_again(
    said: datetime, is_active: bool, wanted: date | None
) -> None:
    delisted = {"kind": "delisted_companies", "symbol": "XYZ", "date": date(2026, 3, 10)}
    assert listings_of(facts(delisted, profile("XYZ", said, is_active=is_active))).last_day("XYZ") == wanted


def test_who_does_not_trade_and_was_not_listed_as_delisted_ended_when_it_was_last_said() -> None:
    """23:00 UTC and later are still that day in New York."""
    found = listings_of(facts(profile("XYZ", at(2026, 4, 2, 2), is_active=False)))
    assert found.last_day("XYZ") == date(2026, 4, 1)


def test_a_profile_that_does_not_say_whether_it_trades_is_one_that_does() -> None:
    assert listings_of(facts(profile("XYZ", at(2026, 4, 1, 15), is_active=None))).last_day("XYZ") is None
    assert Listings().last_day("XYZ") is None


JANUARY, FEBRUARY = at(2026, 1, 5, 15), at(2026, 2, 3, 15)


def spells(*rows: dict[str, object]) -> dict[str, list[tuple[date, date | None]]]:
    found: dict[str, list[tuple[date, date | None]]] = {}
    for _, symbol, first, last in membership(facts(*rows)).iter_rows():
        found.setdefault(symbol, []).append((first, last))
    return found


def test_members_are_those_of_the_newest_list_since_the_day_that_it_says() -> None:
    found = spells(listed("AAPL", JANUARY, date(1982, 11, 30)), listed("PLTR", JANUARY))
    assert found == {"AAPL": [(date(1982, 11, 30), None)], "PLTR": [(date(2026, 1, 5), None)]}


def test_changes_say_the_days() -> None:
    """American Airlines made room for Palantir on 2024-09-23, and had come on 2015-03-23."""
    found = spells(
        changed(date(2015, 3, 23), "AAL", "AGN"),
        changed(date(2024, 9, 23), "PLTR", "AAL"),
        listed("PLTR", JANUARY, date(2024, 9, 23)),
    )
    assert found == {
        "AAL": [(date(2015, 3, 23), date(2024, 9, 22))],
        "AGN": [(date(2015, 3, 22), date(2015, 3, 22))],
        "PLTR": [(date(2024, 9, 23), None)],
    }


def test_who_comes_back_has_two_times() -> None:
    found = spells(
        changed(date(2010, 1, 4), "DELL", None), changed(date(2013, 10, 29), None, "DELL"),
        changed(date(2024, 9, 23), "DELL", "ETSY"), listed("DELL", JANUARY),
    )  # fmt: skip
    assert found["DELL"] == [(date(2010, 1, 4), date(2013, 10, 28)), (date(2024, 9, 23), None)]


def test_who_is_in_no_later_list_was_a_member_until_the_last_one_that_has_it() -> None:
    found = spells(listed("A", JANUARY, FACEBOOK), listed("B", JANUARY, FACEBOOK), listed("A", FEBRUARY, FACEBOOK))
    assert found == {"A": [(FACEBOOK, None)], "B": [(FACEBOOK, date(2026, 1, 5))]}


def test_who_joined_and_was_never_listed_had_left_before_the_first_list() -> None:
    found = spells(changed(date(1999, 1, 4), "GONE", None), listed("A", JANUARY))
    assert found["GONE"] == [(date(1999, 1, 4), date(2026, 1, 4))]


def test_who_joins_behind_the_newest_list_is_a_member() -> None:
    found = spells(listed("A", JANUARY), changed(date(2026, 1, 20), "NEW", "A"))
    assert found["NEW"] == [(date(2026, 1, 20), None)]


def test_without_changes_and_lists_there_are_no_members() -> None:
    assert membership(facts()).is_empty()


def test_former_members_are_there_with_their_last_day() -> None:
    rows = facts(changed(date(2024, 9, 23), "PLTR", "AAL"), listed("PLTR", JANUARY, date(2024, 9, 23)))
    assert members_since(membership(rows), "sp500") == {"PLTR": None, "AAL": date(2024, 9, 22)}
    assert members_since(membership(rows), "dowjones") == {}
