"""The stage: what it takes up, what it writes, and what it leaves as it was."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from unittest.mock import ANY

import polars as pl
import pytest

from openingbell import tables
from openingbell.config import Settings
from openingbell.feeds import BONDS, EOD, SPLITS, TREASURY
from openingbell.tables import ANALYTICS, Table
from openingbell.transform import stage
from openingbell.transform.stage import Transformed
from openingbell.transform.work import Work
from openingbell.universe import from_symbols
from openingbell.warehouse.duckdb import DuckDBWriter
from tests.forgetful import Forgetful
from tests.transform.homes import (
    WHOLE,
    Answer,
    Home,
    Row,
    Values,
    bad,
    bars,
    feed_of,
    require_equal,
    slots,
    sound,
    walk,
)

FIRST, LAST = date(2019, 1, 2), date(2019, 6, 14)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_bar_changes_the_one_after_it_however_far_that_is(home: Home) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0), "2019-06-03 10:00": sound(30.0)}))
    home.take(bars("AAA", {"2019-01-02 15:45": sound(20.0)}, number=1))
    assert home.rows(tables.STOCK, "price_change") == [(None,), (10.0,), (10.0,)]


@pytest.mark.parametrize(
    "rows",
    [
        {"2019-01-02 10:00": sound(10.0), "2019-06-02 18:00": sound(30.0)},
        {"2019-01-02 10:00": sound(10.0), "2019-06-02 18:00": sound(30.0), "2019-06-03 10:00": sound(40.0)},
    ],
)
def test_a_bar_of_an_evening_knows_the_one_before_it_however_far_that_is(home: Home, rows: dict[str, Values]) -> None:
    """Both ways: when the evening's bar arrives last, and when the bar before it does."""
    (early, *late) = [bars("GCUSD", {start: values}, number=at) for at, (start, values) in enumerate(rows.items())]
    home.take(early)
    for each in late:
        home.take(each)
    assert home.rows(tables.COMMODITY, "price_change")[1] == (20.0,)
    home.take(bars("GCUSD", {"2019-01-02 10:00": sound(15.0)}, number=9))
    assert home.rows(tables.COMMODITY, "price_change")[1] == (15.0,)


def long_series(symbol: str, count: int, broken_at: Callable[[int], bool] = lambda _: False) -> list[Row]:
    """The first `count` bars of 2019, some of them broken."""
    rows = walk(random.Random(5), slots(symbol, FIRST, LAST, "15min")[:count], 100.0)
    return [(s, (v[0], v[2], v[1], v[3], v[4]) if broken_at(at) else v) for at, (s, v) in enumerate(rows)]


def part(symbol: str, rows: list[Row], number: int) -> Answer:
    """Some of a series, as the `number`-th answer."""
    return replace(bars(symbol, {}, number=number), rows=tuple(rows), interval="15min")


@pytest.mark.parametrize("symbol", ["AAA", "GCUSD"])
def test_every_bar_of_a_tick_rests_on_the_whole_warm_up(home: Home, symbol: str) -> None:
    """Also the first of an evening; the bars of the day before, whose rows are not the tick's, keep what they have."""
    rows = long_series(symbol, 1_200)
    newest = [(start, values) for start, values in rows if start >= rows[-1][0].replace(hour=0, minute=0)]
    home.take(part(symbol, rows[: -len(newest)], 0))
    home.take(part(symbol, newest, 1))
    used = [row[0] for row in home.rows(tables.TECHNICAL_INDICATORS, "bars_used")]
    assert used == [min(number, 1_000) for number in range(1, 1_201)]


def test_a_late_bar_reaches_over_the_warm_up_in_bars_that_count(home: Home) -> None:
    """A fifth of the bars is broken: the thousandth usable bar after the late one lies 1,250 rows on."""
    rows = long_series("AAA", 1_400, lambda number: number % 5 == 4)
    home.take(part("AAA", rows[1:], 0))
    home.take(part("AAA", rows[:1], 1))
    found = home.rows(tables.TECHNICAL_INDICATORS, "bars_used", "sma_20")
    usable = 0
    for number, (used, mean) in enumerate(found):
        usable += number % 5 != 4
        assert used == min(usable, 1_000)
        assert (mean is None) == (number % 5 == 4 or usable < 20)


def test_a_day_that_loses_its_last_sound_bar_disappears(home: Home) -> None:
    """With its daily bar go its daily indicators, its breadth and its line; its broken bar is shown. A repair brings
    them back.
    """
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0), "2019-01-03 10:00": sound(20.0)}))
    daily = (
        tables.DAILY_BARS, tables.TECHNICAL_INDICATORS_DAILY, tables.DAILY_AGGREGATES, tables.MARKET_SUMMARY,
    )  # fmt: skip
    for number, values, days in ((1, bad(10.0), [3]), (2, sound(11.0), [2, 3])):
        home.take(bars("AAA", {"2019-01-02 10:00": values}, number=number))
        for table in daily:
            assert home.rows(table, "date") == [(date(2019, 1, day),) for day in days], table.name
        assert len(home.rows(tables.STOCK, "date")) == len(home.rows(tables.TECHNICAL_INDICATORS, "date")) == 2
    assert home.rows(tables.DAILY_BARS, "return_pct")[1] == (pytest.approx(100 * 9 / 11),)


def test_a_second_transform_changes_nothing_and_writes_nothing(home: Home) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    before, content = home.tables(), home.warehouse.path.read_bytes()
    assert home.transform() == Transformed()
    assert home.warehouse.path.read_bytes() == content
    require_equal(home.tables(), before)


def test_an_answer_that_says_nothing_new_rewrites_nothing(home: Home) -> None:
    rows = {"2019-01-02 10:00": sound(10.0)}
    home.take(bars("AAA", rows))
    assert home.take(bars("AAA", rows, number=1)) == Transformed(loads=1)


def test_the_mark_of_a_load_says_when_it_was_transformed(home: Home) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    home.clock.wait(3600)
    home.take(bars("BBB", {"2019-01-02 10:00": sound(10.0)}, number=1))
    with home.warehouse.read() as reader:
        marks = reader.read(tables.LOADS).sort("load_id")["transformed_at"].to_list()
    assert marks == [datetime(2026, 1, 1), datetime(2026, 1, 1, 1)]


@pytest.mark.parametrize(("undone", "unheard"), [(1, 0), (0, 1), (1, 1)])
def test_a_transform_whose_answer_was_lost_is_told_as_what_it_did(
    home: Home, tmp_path: Path, undone: int, unheard: int
) -> None:
    other = Home(tmp_path / "other")
    forgetful = Forgetful(home.warehouse.path, clock=home.clock, wait_seconds=1)
    forgetful.undone, forgetful.unheard = undone, unheard
    for one in (home, other):
        one.load(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    done = stage.run(forgetful, home.universe, home.clock, home.settings)
    assert done == other.transform()
    assert done.loads == 1
    require_equal(home.tables(), other.tables())


@pytest.mark.parametrize("writes", range(7))
def test_what_fails_inside_leaves_nothing_and_is_made_up_for(
    home: Home, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it breaks, up to the mark in `loads`: the tables are as before, and the next run does the work."""
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    before = home.tables()
    home.load(bars("AAA", {"2019-01-03 10:00": sound(11.0)}, number=1))
    left = iter(range(writes))
    append = DuckDBWriter.append

    def failing(self: DuckDBWriter, table: Table, rows: pl.DataFrame) -> None:
        if next(left, None) is None:
            raise OSError("the disk is gone")
        append(self, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDBWriter, "append", failing)
        with pytest.raises(OSError, match="the disk is gone"):
            home.transform()
    require_equal(home.tables(), before)
    assert home.transform().loads == 1
    assert len(home.rows(tables.MARKET_SUMMARY, "date")) == 2
    assert home.transform().loads == 0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """The rows that went to each analytics table."""
    seen: dict[str, pl.DataFrame] = {}
    append = DuckDBWriter.append

    def recorded(self: DuckDBWriter, table: Table, rows: pl.DataFrame) -> None:
        if table.layer == ANALYTICS and len(rows):
            new = table.conform(rows)
            seen[table.name] = pl.concat([seen[table.name], new]) if table.name in seen else new
        append(self, table, rows)

    monkeypatch.setattr(DuckDBWriter, "append", recorded)
    return seen


def test_a_tick_writes_its_own_rows_and_no_others(home: Home, written: dict[str, pl.DataFrame]) -> None:
    """A corrected newest bar of one of three symbols: its row, its indicators, its day, and the market's day."""
    last = long_series("AAA", 60)
    home.take(*(part(symbol, long_series(symbol, 60), 0) for symbol in ("AAA", "BBB", "^VIX")))
    written.clear()
    newest, values = last[-1]
    done = home.take(part("AAA", [(newest, (*values[:3], values[2], 5e6))], 1))
    bar, day = ("stock_data", "technical_indicators"), ("daily_bars", "technical_indicators_daily")
    for names, key in ((bar, newest), (day, newest.date())):
        for name in names:
            assert written[name].select("symbol", "date").rows() == [("AAA", key)], name
    assert written["daily_aggregates"]["date"].to_list() == [newest.date()]
    assert "market_summary" not in written  # neither breadth nor an index moved
    assert written["restatements"].select("symbol", "date", "kind").rows() == [("AAA", newest, "correction")]
    assert done.rows_written == sum(len(rows) for rows in written.values())
    assert {name: count for name, count in done.rows.items() if count} == {n: len(r) for n, r in written.items()}


def test_a_correction_reaches_twenty_sessions_of_volumes_and_the_whole_warm_up(
    home: Home, written: dict[str, pl.DataFrame]
) -> None:
    """Its own row and the 20 of its slot after it, which alone rest on its volume."""
    rows = long_series("AAA", 1_300)
    home.take(part("AAA", rows, 0))
    start, values = rows[130]
    written.clear()
    home.take(part("AAA", [(start, (*values[:4], 10.0**6))], 1))
    assert len(written["stock_data"]) == 21
    assert {moment.time() for moment in written["stock_data"]["date"]} == {start.time()}
    assert written["technical_indicators"]["date"].min() == start
    assert len(written["technical_indicators"]) == len(rows) - 130  # on-balance volume goes on to the end


def test_new_yields_rewrite_the_lines_that_rest_on_them_and_no_bar(
    home: Home, written: dict[str, pl.DataFrame]
) -> None:
    home.take(bars("^GSPC", {f"2019-01-0{day} 10:{m}": sound(10.0) for day in (2, 3, 4) for m in WHOLE}))
    written.clear()
    home.take(bars(TREASURY, {"2019-01-03 00:00": (2.5,) * 12}, number=1, feed=BONDS))
    assert set(written) == {"bond_data", "market_summary"}
    assert home.rows(tables.MARKET_SUMMARY, "date", "yield_date", "yield_10y") == [
        (date(2019, 1, 2), None, None),
        (date(2019, 1, 3), date(2019, 1, 3), 2.5),
        (date(2019, 1, 4), date(2019, 1, 3), 2.5),
    ]


def test_an_official_bar_alone_makes_a_day_and_finality(home: Home) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    assert home.rows(tables.DAILY_BARS, "close", "is_final") == [(10.0, False)]
    day = bars("AAA", {"2019-01-02": sound(12.0), "2019-01-03": sound(15.0)}, number=1, feed=EOD)
    home.take(day)
    assert home.rows(tables.DAILY_BARS, "close", "return_pct", "is_final") == [
        (12.0, None, True),
        (15.0, 25.0, True),
    ]
    assert home.rows(tables.DAILY_AGGREGATES, "date", "advancing_stocks", "is_final") == [
        (date(2019, 1, 2), 0, True),
        (date(2019, 1, 3), 1, True),
    ]


def test_a_bar_waits_for_its_last_five_minutes_or_for_a_later_bar(home: Home) -> None:
    """What two of three shorter bars make may still be forming; what lies before a later bar is over."""
    home.take(bars("^GSPC", {f"2019-01-03 15:{m}": sound(10.0) for m in ("30", "35", "40", "45", "50")}))
    assert home.rows(tables.INDEX, "date") == [(datetime(2019, 1, 3, 15, 30),)]
    assert len(home.rows(tables.TECHNICAL_INDICATORS, "date")) == 1
    home.take(bars("^GSPC", {"2019-01-04 09:30": sound(11.0)}, number=1))
    assert home.rows(tables.INDEX, "date", "dq_flags") == [
        (datetime(2019, 1, 3, 15, 30), ""),
        (datetime(2019, 1, 3, 15, 45), "T1"),
    ]
    assert home.rows(tables.DAILY_BARS, "date", "bars_present") == [(date(2019, 1, 3), 2)]


def test_the_market_is_drawn_anew_from_the_first_day_that_changed(home: Home) -> None:
    """Symbols that change on different days arrive together: every day has its line."""
    starts_of = {
        "AAA": ["2019-01-02 10:00"],
        "BBB": ["2019-01-04 10:00"],
        "^GSPC": [f"2019-01-03 10:{m}" for m in WHOLE],
    }
    home.take(*(bars(symbol, {start: sound(10.0) for start in starts}) for symbol, starts in starts_of.items()))
    assert home.rows(tables.MARKET_SUMMARY, "date") == [(date(2019, 1, day),) for day in (2, 3, 4)]
    assert home.rows(tables.DAILY_AGGREGATES, "date") == [(date(2019, 1, day),) for day in (2, 4)]


@pytest.mark.parametrize(("symbol", "draws"), [("GCUSD", False), ("AAA", True), ("^GSPC", True)])
def test_the_market_is_drawn_anew_for_stocks_and_indexes_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch, symbol: str, draws: bool
) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}), bars("^GSPC", {"2019-01-02 10:00": sound(10.0)}))
    drawn: list[date] = []
    monkeypatch.setattr(Work, "_market", lambda _, first: drawn.append(first))
    home.take(bars(symbol, {f"2019-01-03 10:{minute}": sound(11.0) for minute in WHOLE}, number=1))
    assert bool(drawn) == draws


def test_official_bars_of_one_class_are_no_other_class_s(home: Home) -> None:
    for symbol in ("AAA", "^GSPC", "GCUSD"):
        home.take(bars(symbol, {"2019-01-02": sound(12.0)}, feed=EOD))
    found = home.rows(tables.DAILY_BARS, "asset_class", "symbol")
    assert found == [("commodity", "GCUSD"), ("index", "^GSPC"), ("stock", "AAA")]
    assert home.rows(tables.DAILY_AGGREGATES, "total_volume") == [(100,)]


def test_symbols_that_are_no_longer_wanted_keep_their_class_s_calendar(home: Home) -> None:
    """A universe may shrink; what has landed is still transformed."""
    home.universe = from_symbols([], [], [])
    home.take(bars("GCUSD", {"2019-01-02 19:00": sound(10.0)}))
    assert home.rows(tables.COMMODITY, "session", "dq_flags") == [(date(2019, 1, 3), "")]


def test_symbols_that_are_no_longer_wanted_stay_instruments_of_their_class(home: Home) -> None:
    """Those that were there before, with their newer sessions, and those that come late."""
    home.take(bars("AAA", {"2019-01-02 09:30": sound(10.0)}))
    home.universe = from_symbols([], [], [])
    home.take(bars("AAA", {"2019-01-03 09:30": sound(10.0)}, number=1))
    home.take(bars("GCUSD", {"2019-01-02 19:00": sound(10.0)}))
    assert home.rows(tables.INSTRUMENTS, "symbol", "asset_class", "first_session", "last_session") == [
        ("AAA", "stock", date(2019, 1, 2), date(2019, 1, 3)),
        ("GCUSD", "commodity", date(2019, 1, 3), date(2019, 1, 3)),
    ]


def test_a_transform_of_nothing_does_nothing(home: Home) -> None:
    assert home.transform() == Transformed()
    assert home.transform().rows_written == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"indicator_dialect": "talib"},
        {"extra_indicators": ("atr", "roc")},
        {"extra_indicators": ()},
        {"auction_print": "keep"},
        {"auction_print": "drop"},
    ],
)
def test_a_changed_setting_makes_all_as_a_new_warehouse_would(
    home: Home, changed: dict[str, object], tmp_path: Path
) -> None:
    """Once, with the next transform, though nothing new was loaded; and back again."""
    rows = long_series("AAA", 120)
    auctions = [(datetime(2019, 1, day, 16), sound(rows[-1][1][0] or 1.0, 5e3)) for day in (2, 3)]
    answers = [part("AAA", sorted(rows + auctions), 0), bars("AAA", {"2019-01-02": sound(100.0)}, number=1, feed=EOD)]
    home.take(*answers)
    before = home.tables()
    home.settings = Settings.model_validate(changed)
    done = home.transform()
    assert (done.anew, done.loads) == (True, 2)
    fresh = Home(tmp_path / "fresh", settings=home.settings)
    assert not fresh.take(*answers).anew
    found = home.tables()
    require_equal(found, fresh.tables())
    assert any(not found[name].equals(frame) for name, frame in before.items())
    assert home.transform() == Transformed()
    home.settings = Settings()
    assert home.transform().anew
    require_equal(home.tables(), before)


def test_a_setting_that_shapes_nothing_changes_nothing(home: Home) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    home.settings = Settings.model_validate({"threads": 3, "quality_sessions": 5})
    assert home.transform() == Transformed()


def test_new_definitions_make_all_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(bars("AAA", {"2019-01-02 10:00": sound(10.0)}))
    monkeypatch.setattr(stage, "DEFINITIONS", stage.DEFINITIONS + 1)
    assert home.transform().anew


def test_loads_of_an_earlier_version_that_did_not_note_where_they_lie_make_all_anew(home: Home) -> None:
    """Once; what an earlier version had transformed waits for nothing."""
    answers = [bars("AAA", {f"2019-01-0{day} 10:00": sound(10.0 + day)}, number=day) for day in (2, 3, 4)]
    home.take(answers[0])
    home.load(answers[1])
    with home.warehouse.write() as writer:
        writer.clear(tables.PENDING_SPANS)
    assert home.transform() == Transformed(2, ANY, anew=True)
    assert home.transform() == Transformed()
    assert not home.take(answers[2]).anew
    assert len(home.rows(tables.STOCK, "date")) == 3


def test_nothing_is_noted_any_more_when_the_transform_is_done(home: Home) -> None:
    home.load(bars("AAA", {"2019-01-02 10:00": sound(10.0)}), bars("BBB", {"2019-01-02 10:00": sound(10.0)}))
    assert len(home.rows(tables.PENDING_SPANS, "load_id")) == 2
    home.transform()
    assert home.rows(tables.PENDING_SPANS, "load_id") == []


def test_an_empty_warehouse_is_not_made_anew(home: Home) -> None:
    home.transform()
    home.settings = Settings.model_validate({"auction_print": "drop"})
    assert home.transform() == Transformed()


def test_it_is_told_how_far_the_work_is(home: Home) -> None:
    home.load(*(bars(symbol, {"2019-01-02 10:00": sound(10.0)}) for symbol in ("AAA", "BBB")))
    told: list[tuple[str, int, int]] = []
    stage.run(home.warehouse, home.universe, home.clock, home.settings, progress=lambda *each: told.append(each))
    assert told == [("stocks", 2, 2), ("stocks by day", 2, 2)]


def test_the_only_day_of_a_symbol_may_go_bad_and_come_back(home: Home) -> None:
    """Beside a symbol that goes on."""
    home.take(part("BBB", long_series("BBB", 100), 0), bars("AAA", {"2019-01-03 10:00": sound(10.0)}))
    for number, values, days in ((1, bad(10.0), 0), (2, sound(11.0), 1)):
        home.take(bars("AAA", {"2019-01-03 10:00": values}, number=number))
        of_symbol = [row for row in home.rows(tables.TECHNICAL_INDICATORS_DAILY, "symbol") if row == ("AAA",)]
        assert len(of_symbol) == days


NOTHING: Values = (None,) * 5


@pytest.mark.parametrize(
    ("symbol", "rows", "flags"),
    [
        ("AAA", long_series("AAA", 5), {""}),
        ("AAA", [(start, NOTHING) for start, _ in long_series("AAA", 60)], {"V2,P15"}),
        ("AAA", [(start, (7.0, 7.0, 7.0, 7.0, 0.0)) for start, _ in long_series("AAA", 600)], {""}),
        ("AAA", long_series("AAA", 40) + walk(random.Random(1), [datetime(2019, 6, 3, 10)], 5.0), {""}),
        ("AAA", [*long_series("AAA", 60)[:-1], (long_series("AAA", 60)[-1][0], sound(1e12))], {""}),
        ("AAA", [*long_series("AAA", 60)[:-1], (long_series("AAA", 60)[-1][0], sound(1e300))], {"", "V2"}),
        ("GCUSD", walk(random.Random(1), slots("GCUSD", FIRST, date(2019, 1, 4)), -37.63), {"V4,V5"}),
        ("GCUSD", [(start, sound(-37.63)) for start in slots("GCUSD", FIRST, date(2019, 1, 4))], {""}),
    ],
    ids=["five bars", "nothing", "constant", "a hole", "1e12", "1e300", "upside down", "negative oil"],
)
def test_odd_data_gives_defined_results(home: Home, symbol: str, rows: list[Row], flags: set[str]) -> None:
    """Every bar is there with its flags, every usable one has its place among the indicators; no number is NaN or
    infinite, which no table would take.
    """
    home.take(part(symbol, rows, 0))
    table = tables.BY_NAME[feed_of(symbol).table]
    found = home.rows(table, "date", "dq_flags")
    assert [start for start, _ in found] == [start for start, _ in rows]
    assert {text for _, text in found} == flags
    counted = [used for (used,) in home.rows(tables.TECHNICAL_INDICATORS, "bars_used")]
    usable = [text == "" for _, text in found]
    assert counted == [sum(usable[: at + 1]) for at in range(len(usable))]
    days = home.rows(tables.DAILY_BARS, "date")
    assert (days == []) == (not any(usable))


def test_a_constant_price_has_means_and_no_strength(home: Home) -> None:
    """Its bands have no width and its moves no direction: null, not a number out of rounding."""
    home.take(part("AAA", [(start, (7.0, 7.0, 7.0, 7.0, 10.0)) for start, _ in long_series("AAA", 300)], 0))
    last = home.rows(
        tables.TECHNICAL_INDICATORS, "sma_200", "ema_26", "macd_line", "rsi_14", "bb_position", "bb_width", "obv"
    )
    assert last[-1] == (7.0, 7.0, 0.0, None, None, 0.0, 0.0)


@pytest.mark.parametrize(("high", "low"), [(1.0, 0.0), (0.0, 1.0), (-4.0, 1.0), (4.0, -1.0)])
def test_a_split_that_is_no_ratio_is_listed_and_moves_nothing(home: Home, high: float, low: float) -> None:
    home.take(
        bars("AAA", {"2019-01-02 10:00": sound(400.0), "2019-01-04 10:00": sound(100.0)}),
        bars("AAA", {"2019-01-03": (high, low, None)}, feed=SPLITS),
    )
    assert home.rows(tables.STOCK, "close", "split_factor", "dq_flags") == [(400.0, 1.0, ""), (100.0, 1.0, "")]
    assert home.rows(tables.CORPORATE_ACTIONS, "state") == [("invalid",)]


def test_a_bar_whose_basis_is_unknown_is_shown_and_joined_to_nothing(home: Home) -> None:
    """Its second version is half of its first, which no split explains: it fails B1, and no change is against it."""
    series = {"2019-01-02 10:00": sound(400.0), "2019-01-02 10:15": sound(404.0), "2019-01-02 10:30": sound(408.0)}
    home.take(
        asked(bars("AAA", series), "2019-01-02 22:00"),
        asked(bars("AAA", {"2019-01-03 10:00": sound(102.0)}), "2019-01-03 22:00"),
        bars("AAA", {"2019-01-02 10:15": sound(202.0)}),
        bars("AAA", {"2019-01-03": (4.0, 1.0, None)}, feed=SPLITS),
    )
    assert home.rows(tables.STOCK, "close", "split_factor", "price_change", "dq_flags") == [
        (100.0, 4.0, None, ""), (202.0, None, None, "B1"), (102.0, 4.0, None, ""), (102.0, 1.0, 0.0, ""),
    ]  # fmt: skip
    assert home.rows(tables.DAILY_BARS, "open", "close") == [(100.0, 102.0), (102.0, 102.0)]


def asked(answer: Answer, moment: str) -> Answer:
    """The same, received at another moment (UTC)."""
    return replace(answer, moment=datetime.fromisoformat(moment))
