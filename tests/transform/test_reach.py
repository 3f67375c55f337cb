"""Reach: how far is read and written for a change, held against the same question asked bar by bar."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.sessions import schedule
from openingbell.transform.reach import (
    BARS_A_DAY,
    BATCH_BARS,
    DAILY,
    PROMOTION,
    Changed,
    Reach,
    changes,
    read_around,
    span_of,
)
from openingbell.warehouse.duckdb import DuckDBWarehouse

MONDAY = date(2019, 2, 11)
FEW = Reach(bars=5)
Bar = tuple[str, datetime, date, str, float | None]


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = DuckDBWarehouse(
        tmp_path / "warehouse.duckdb", clock=VirtualClock(datetime(2020, 1, 1, tzinfo=UTC)), wait_seconds=1
    )
    made.setup()
    return made


def fill(warehouse: DuckDBWarehouse, bars: list[Bar]) -> None:
    """`commodity_data` with these (symbol, date, session, dq_flags, close)."""
    plain = {column.name: None for column in tables.COMMODITY.columns}
    rows = [
        {
            **plain,
            "symbol": symbol,
            "date": start,
            "date_utc": start,
            "session": session,
            "close": close,
            "data_quality_score": 100.0,
            "dq_flags": flags,
            "load_id": "a",
            "source_row": 1,
        }
        for symbol, start, session, flags, close in bars
    ]
    with warehouse.write() as writer:
        writer.remove(tables.COMMODITY, writer.read(tables.COMMODITY).select(tables.COMMODITY.key))
        writer.append(tables.COMMODITY, pl.DataFrame(rows, schema=tables.COMMODITY.schema))


def spans(*rows: tuple[str, date, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"symbol": pl.String(), "first": pl.Date(), "last": pl.Date()}, orient="row")


def test_symbols_with_a_common_span_are_worked_on_together() -> None:
    tuesday, friday = date(2019, 2, 12), date(2019, 2, 15)
    rows = [
        ("D", friday, friday),
        ("B", MONDAY, MONDAY),
        ("A", MONDAY, MONDAY),
        ("C", MONDAY, friday),
        ("E", tuesday, friday),
    ]
    assert list(changes(spans(*rows), "stock")) == [
        Changed(("A", "B"), MONDAY, MONDAY),
        Changed(("C",), MONDAY, friday),
        Changed(("E",), tuesday, friday),
        Changed(("D",), friday, friday),
    ]


@pytest.mark.parametrize("days", [1, 400, 40_000])
def test_great_numbers_of_bars_are_worked_on_in_portions(days: int) -> None:
    """So many symbols at once that their bars are bounded, one at the least."""
    names = [f"S{number:03}" for number in range(300)]
    last = MONDAY + timedelta(days=days - 1)
    portions = list(changes(spans(*((name, MONDAY, last) for name in names)), "stock"))
    assert [symbol for portion in portions for symbol in portion.symbols] == names
    for portion in portions:
        count = len(portion.symbols)
        assert count == 1 or count * days * BARS_A_DAY["stock"] <= BATCH_BARS
    assert (len(portions) == 1) == (days == 1)


def test_no_change_is_no_work() -> None:
    assert list(changes(spans(), "stock")) == []


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [("XNYS", 2001, 2002), ("XNYS", 2012, 2013), ("XNYS", 2020, 2026), ("CMEGlobex_GC", 2020, 2026)],
)
@pytest.mark.parametrize("reach", [PROMOTION, DAILY], ids=["promotion", "daily"])
def test_the_span_of_sessions_holds_them(calendar: str, first: int, last: int, reach: Reach) -> None:
    """Also around Christmas, and in September 2001, when New York was closed for a week."""
    days: list[date] = schedule(calendar, date(first, 1, 1), date(last, 12, 31))["session"].to_list()
    longest = max(after - before for before, after in zip(days, days[reach.sessions :], strict=False))
    assert reach.sessions > 0
    assert longest <= span_of(reach.sessions)


def test_no_sessions_are_no_span() -> None:
    assert span_of(0) == timedelta(0)


def read_keys(warehouse: DuckDBWarehouse, change: Changed, reach: Reach) -> list[tuple[str, date]]:
    with warehouse.read() as reader:
        found = read_around(
            reader, tables.COMMODITY, change, reach, columns=("symbol", "date", "session", "dq_flags", "close")
        )
    return found.select("symbol", pl.col("date").dt.date()).rows()


def test_the_bar_before_is_found_over_any_hole(warehouse: DuckDBWarehouse) -> None:
    """Only the symbol that lacks one is read further back."""
    days = {
        "A": (date(2009, 3, 2), date(2018, 3, 1), MONDAY, date(2019, 9, 3)),
        "B": (date(2018, 5, 1), date(2019, 2, 8), MONDAY, date(2019, 2, 12)),
    }
    fill(warehouse, [(s, datetime.combine(d, datetime.min.time()), d, "", 1.0) for s, of in days.items() for d in of])
    change = Changed(("A", "B", "C"), MONDAY, MONDAY)
    found = read_keys(warehouse, change, Reach(bars=1, sessions=1))
    assert {("A", date(2018, 3, 1)), ("A", date(2019, 9, 3)), ("B", date(2019, 2, 8)), ("B", MONDAY)} <= set(found)
    assert ("B", date(2018, 5, 1)) not in found


def test_an_empty_table_has_nothing_to_read(warehouse: DuckDBWarehouse) -> None:
    assert read_keys(warehouse, Changed(("A",), MONDAY, MONDAY), FEW) == []


def test_the_evening_of_a_session_is_not_the_bar_before_it(warehouse: DuckDBWarehouse) -> None:
    sunday = datetime(2019, 2, 10, 18)
    fill(warehouse, [("A", datetime(2018, 3, 1), date(2018, 3, 1), "", 1.0), ("A", sunday, MONDAY, "", 1.0)])
    assert ("A", date(2018, 3, 1)) in read_keys(warehouse, Changed(("A",), MONDAY, MONDAY), Reach(bars=1))


def test_raw_bars_say_no_session_and_are_given_one(warehouse: DuckDBWarehouse) -> None:
    """Of symbols that trade in the evening it is the next day's."""
    facts = {"load_id": "a", "bar_interval": "15min", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0,
             "basis": "vendor", "extracted_at": datetime(2020, 1, 1), "date": datetime(2019, 2, 10, 18)}  # fmt: skip
    rows = [{**facts, "symbol": symbol, "source_row": number} for number, symbol in enumerate(("GCUSD", "X"))]
    with warehouse.write() as writer:
        writer.append(tables.COMMODITY_RAW, pl.DataFrame(rows, schema=tables.COMMODITY_RAW.schema))
        change = Changed(("GCUSD", "X"), MONDAY - timedelta(days=1), MONDAY)
        found = read_around(writer, tables.COMMODITY_RAW, change, PROMOTION, evening=["GCUSD"])
    assert dict(found.select("symbol", "session").iter_rows()) == {"GCUSD": MONDAY, "X": MONDAY - timedelta(days=1)}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_read_holds_the_usable_bars_before_and_after_or_all(warehouse: DuckDBWarehouse, seed: int) -> None:
    """Bars of random days and evenings, of which some are broken or lack a close; a symbol may be new, or gone."""
    chance = random.Random(seed)
    bars: list[Bar] = []
    for symbol, count in (("A", 60), ("B", chance.randrange(1, 40)), ("C", chance.randrange(4)), ("D", 60)):
        for minutes in chance.sample(range(0, 60 * 24 * 60, 15), count):
            start = datetime(2019, 1, 10) + timedelta(minutes=minutes)
            flags = chance.choice(["", "", "V12", "V4", "V4,P15"])
            session = (start + timedelta(hours=6)).date()
            bars.append((symbol, start, session, flags, chance.choice([1.0, 2.0, 3.0, None])))
    fill(warehouse, bars)
    last = MONDAY + timedelta(days=chance.randrange(3))
    with warehouse.read() as reader:
        found = read_around(reader, tables.COMMODITY, Changed(("A", "B", "C"), MONDAY, last), FEW)
    read = set(found.select("symbol", "date").rows())
    assert {symbol for symbol, _ in read} <= {"A", "B", "C"}
    assert len(found) == len(read)
    usable = {(s, d): f in {"", "V12"} and close is not None for s, d, _, f, close in bars}
    assert {(row["symbol"], row["date"]): row["usable"] for row in found.iter_rows(named=True)} == {
        key: usable[key] for key in read
    }
    for symbol in "ABC":
        of_symbol = sorted((start, session) for name, start, session, _, _ in bars if name == symbol)
        before = [d for d, session in of_symbol if session < MONDAY and usable[symbol, d]][-FEW.bars :]
        within = [d for d, session in of_symbol if MONDAY <= session <= last]
        after = [d for d, session in of_symbol if session > last and usable[symbol, d]][: FEW.bars]
        assert {(symbol, d) for d in (*before, *within, *after)} <= read


def test_a_new_symbol_does_not_make_the_others_be_read_from_their_beginning(warehouse: DuckDBWarehouse) -> None:
    """A listing of last week has fewer bars than the reach for ever so long."""
    days = [MONDAY - timedelta(days=number) for number in range(400)]
    bars: list[Bar] = [("OLD", datetime.combine(day, datetime.min.time()), day, "", 1.0) for day in days]
    bars += [("NEW", datetime.combine(day, datetime.min.time()), day, "", 1.0) for day in days[:3]]
    fill(warehouse, bars)
    found = [symbol for symbol, _ in read_keys(warehouse, Changed(("NEW", "OLD"), MONDAY, MONDAY), FEW)]
    assert found.count("NEW") == 3
    assert 6 <= found.count("OLD") < 40


def test_daily_rows_are_sessions(warehouse: DuckDBWarehouse) -> None:
    """`daily_bars` has no session beside its date: the two are the same."""
    plain = {column.name: None for column in tables.DAILY_BARS.columns}
    facts = {"asset_class": "stock", "symbol": "A", "close": 1.0, "close_source": "official", "bars_present": 0,
             "bars_expected": 26, "is_final": True, "data_quality_score": 100.0, "dq_flags": ""}  # fmt: skip
    rows = [{**plain, **facts, "date": MONDAY + timedelta(days=number)} for number in range(-20, 20)]
    with warehouse.write() as writer:
        writer.append(tables.DAILY_BARS, pl.DataFrame(rows, schema=tables.DAILY_BARS.schema))
        found = read_around(writer, tables.DAILY_BARS, Changed(("A",), MONDAY, MONDAY), FEW)
    assert found["session"].to_list() == found["date"].to_list()
    assert {MONDAY + timedelta(days=number) for number in range(-5, 6)} <= set(found["date"])
