"""What had ended by a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from openingbell import tables
from openingbell.tables import ANALYTICS, TABLES, Table
from openingbell.transform.ended import ended_by

MONDAY = date(2024, 5, 6)
CALENDARS = {"AAPL": "XNYS", "GCUSD": "CMEGlobex_GC"}


def at(hour: int, minute: int = 0, *, day: int = 6) -> datetime:
    return datetime(2024, 5, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("table", [table for table in TABLES if table.layer == ANALYTICS], ids=lambda t: t.name)
def test_of_nothing_nothing_had_ended(table: Table) -> None:
    assert ended_by(table.empty(), table, at(12), CALENDARS, 15).equals(table.empty())


def test_a_day_has_ended_when_its_own_market_has_closed() -> None:
    """Stocks at 16:00, gold at 17:00 New York; a day without a session at midnight."""
    saturday = date(2024, 5, 4)
    days = pl.DataFrame(
        {"symbol": ["AAPL", "GCUSD", "AAPL"], "date": [MONDAY, MONDAY, saturday]}, schema_overrides={"date": pl.Date}
    )
    for moment, ended in ((at(19, 59), 1), (at(20), 2), (at(20, 59), 2), (at(21), 3)):
        assert len(ended_by(days, tables.DAILY_BARS, moment, CALENDARS, 15)) == ended
    assert len(ended_by(days, tables.DAILY_BARS, at(4, 0, day=5), CALENDARS, 15)) == 1
    assert len(ended_by(days, tables.DAILY_BARS, at(3, 59, day=5), CALENDARS, 15)) == 0
