from __future__ import annotations

from datetime import date

from openingbell.coverage import Due
from openingbell.extract.forecast import INSTRUMENTS, forecast
from openingbell.feeds import REFERENCE_FEEDS, Kind
from openingbell.landing import record_of
from openingbell.universe import from_symbols

DAY = date(2024, 5, 6)


def test_facts_about_instruments_are_one_line_of_a_call_each() -> None:
    universe = from_symbols(["AAPL", "MSFT"], [], [], constituents=["dowjones"])
    due = [Due(member, DAY, DAY) for member in universe.members if member.feed.kind is Kind.REFERENCE]
    found = forecast(due, record_of([]).asks, calls_per_minute=60)
    (line,) = found.feeds
    assert (line.feed, line.calls, line.bars) == (INSTRUMENTS, len(due), 0)
    assert INSTRUMENTS not in {feed.name for feed in REFERENCE_FEEDS}
    assert found.minutes == len(due) / 60
