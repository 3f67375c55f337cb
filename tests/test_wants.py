"""What backfills were asked for: recorded, read back, and what it means for the universe."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from openingbell.errors import RangeError, SourceError
from openingbell.universe import from_symbols
from openingbell.wants import FILE_NAME, Want, check_feeds, read_wants, record_want, widened

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ALL = Want(date(2004, 1, 2), (), (), NOW)
APPLE = Want(date(2010, 1, 4), ("AAPL",), ("stocks",), NOW)


def test_wants_are_read_back_and_what_is_held_by_a_new_one_goes(tmp_path: Path) -> None:
    assert read_wants(tmp_path) == []
    record_want(tmp_path, APPLE)
    record_want(tmp_path, Want(date(2011, 1, 3), ("AAPL",), ("stocks",), NOW))
    assert len(read_wants(tmp_path)) == 2
    record_want(tmp_path, ALL)
    assert read_wants(tmp_path) == [ALL]
    record_want(tmp_path, APPLE)
    assert read_wants(tmp_path) == [ALL, APPLE]


def test_members_are_wanted_from_the_oldest_day_and_facts_without_a_grid_are_not() -> None:
    universe = widened(from_symbols(["AAPL", "MSFT"], [], []), [APPLE, Want(date(2012, 1, 3), (), ("eod",), NOW)])
    since = {(member.feed.name, member.symbol): member.since for member in universe.members}
    assert since["stocks", "AAPL"] == date(2010, 1, 4)
    assert since["stocks", "MSFT"] is None
    assert since["eod", "MSFT"] == date(2012, 1, 3)
    assert since["splits", "AAPL"] is None


def test_a_want_is_of_a_symbol_under_whatever_name() -> None:
    """Facebook was asked for as FB."""
    facebook = Want(date(2012, 5, 18), ("FB",), ("stocks",), NOW)
    universe = widened(from_symbols(["META", "MSFT"], [], [], formerly={"META": ("FB",)}), [facebook])
    since = {member.symbol: member.since for member in universe.members if member.feed.name == "stocks"}
    assert since == {"META": date(2012, 5, 18), "MSFT": None}


def test_a_file_that_cannot_be_understood_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[{"first": 1}]')
    with pytest.raises(SourceError, match="delete it and ask again"):
        read_wants(tmp_path)


def test_a_feed_that_has_no_bars_is_refused() -> None:
    check_feeds(["stocks", "eod"])
    with pytest.raises(RangeError, match="allowed are stocks, indexes"):
        check_feeds(["splits"])
