"""Holes with a reason of their own."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import polars as pl
import pytest

from openingbell import coverage, sessions, tables
from openingbell.closures import Closures, Halt
from openingbell.coverage.excuses import halted, quarantined_by_session
from openingbell.landing import record_of
from openingbell.universe import Universe, from_symbols
from tests.coverage.test_due import SETTINGS, STOCK, answer, lacking

DAY = date(2019, 2, 12)
EVENING = datetime(2019, 2, 15, 22, tzinfo=UTC)
GOLD = Universe(from_symbols([], [], ["GCUSD"]).members[:1])


def quarantine(*rows: tuple[str, str, str]) -> pl.DataFrame:
    texts = [
        ("x", number, feed, json.dumps({"symbol": symbol, "date": day}), "close")
        for number, (feed, symbol, day) in enumerate(rows)
    ]
    return pl.DataFrame(texts, schema=tables.QUARANTINE.schema, orient="row")


def test_rows_in_quarantine_are_counted_by_session_and_an_evening_belongs_to_the_next() -> None:
    found = quarantined_by_session(
        quarantine(
            ("stocks", "AAPL", "2019-02-12 10:00:00"),
            ("stocks", "AAPL", "2019-02-12 10:15:00"),
            ("commodities", "GCUSD", "2019-02-12 18:05:00"),
            ("eod", "AAPL", "2019-02-12"),
            ("stocks", "AAPL", "soon"),
        )
    )
    assert sorted(found.rows()) == [
        ("commodities", "GCUSD", date(2019, 2, 13), 1), ("eod", "AAPL", DAY, 1), ("stocks", "AAPL", DAY, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "end", "bars"), [(None, None, 26), (time(10, 5), time(10, 50), 4), (time(15, 45), None, 1)]
)
def test_a_halt_excuses_the_bars_that_it_touches(begin: time | None, end: time | None, bars: int) -> None:
    found = halted([Halt("AAPL", DAY, DAY, begin, end, "news")], STOCK.members)
    assert found.rows() == [("stocks", "AAPL", DAY, bars, "news")]


def test_a_halt_of_a_whole_day_begins_on_the_evening_before() -> None:
    found = halted([Halt("GCUSD", DAY, DAY, None, None, "limit")], GOLD.members)
    assert found["bars_halted"].to_list() == [23 * 12]


def test_a_halt_is_the_excuse_when_it_explains_all_that_lacks() -> None:
    member = STOCK.members[0]
    record = [lacking(answer(member, date(2019, 2, 11), date(2019, 2, 15), EVENING), DAY)]
    loaded = [manifest.load_id for manifest in record]
    halt = Halt("AAPL", DAY, DAY, None, None, "news pending")
    with sessions.amended(Closures(halts=(halt,))):
        rows = coverage.fold(STOCK, record_of(record), loaded, EVENING, SETTINGS)
    (row,) = rows.filter(pl.col("session") == DAY).rows(named=True)
    assert row["state"] == "halted"
    assert row["excuse"].startswith("news pending; asked once")
    assert rows["state"].to_list().count("complete") == 4
