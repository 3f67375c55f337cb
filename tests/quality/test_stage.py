"""The stage: what the checks find in a real warehouse, the coverage table, and a log that can be relied on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import coverage, tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.feeds import (
    BAR_FEEDS,
    BONDS,
    COMMODITIES,
    EOD,
    FEEDS,
    INDEXES,
    SPLITS,
    SPLITS_CALENDAR,
    STOCKS,
    TENORS,
    TREASURY,
    WHOLE_MARKET,
    Feed,
    Kind,
)
from openingbell.landing import Ask, Landing, Outcome
from openingbell.load import stage as loading
from openingbell.quality import stage as quality
from openingbell.quality.checks import CHECKS
from openingbell.quality.stage import FLAGGED_TABLES, Checked
from openingbell.sessions import grid
from openingbell.tables import QUALITY_LOG
from openingbell.transform import stage as transformation
from openingbell.universe import Universe, from_symbols
from openingbell.warehouse.duckdb import DuckDBWarehouse
from tests.forgetful import Forgetful

NOW = datetime(2019, 2, 16, 12, tzinfo=UTC)
"""A Saturday: the week of 2019-02-11 to 15 is over."""
MONDAY, FRIDAY = date(2019, 2, 11), date(2019, 2, 15)
SETTINGS = Settings(first_run_sessions=5, first_run_daily_sessions=5, quality_sessions=5)
PRICES = ("open", "high", "low", "close", "volume")
NUMBERS = {
    Kind.INTRADAY: PRICES,
    Kind.DAILY: PRICES,
    Kind.RATES: TENORS,
    Kind.ACTIONS: ("numerator", "denominator"),
}
FLAT: tuple[str | None, ...] = ("10", "11", "9", "10", "100")
Rows = Mapping[str, Sequence[str | None]]


class Home:
    """Landed files, a warehouse, and the stages between them at one moment."""

    def __init__(self, folder: Path, universe: Universe) -> None:
        self.universe = universe
        self.landing = Landing(folder / "data_extracts")
        self.clock = VirtualClock(NOW)
        self.warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", clock=self.clock, wait_seconds=1)

    def land(
        self,
        feed: Feed,
        symbol: str,
        rows: Sequence[tuple[str, Sequence[str | None]]],
        *,
        first: date = MONDAY,
        last: date = FRIDAY,
        outcome: Outcome = Outcome.ANSWERED,
        answered_at: datetime = NOW,
    ) -> None:
        """One answer to one request, as text."""
        (member,) = [each for each in self.universe.of(feed) if each.symbol == symbol]
        shift = timedelta(hours=6 if feed is COMMODITIES else 0)
        days: dict[date, set[str]] = {}
        for start, _ in rows:
            if start[:1] in "12":
                days.setdefault((datetime.fromisoformat(start) + shift).date(), set()).add(start)
        numbers = NUMBERS[feed.kind]
        text = pl.DataFrame(
            [(symbol, answered_at.isoformat(), start, *values) for start, values in rows],
            schema=dict.fromkeys(("symbol", "answered_at", "date", *numbers), pl.String()),
            orient="row",
        )
        bars = {day: len(starts) for day, starts in days.items()}
        ask = Ask(
            symbol, member.asset_class, member.calendar, first, last, first, last, answered_at, 200, outcome,
            len(text), 0, bars,
        )  # fmt: skip
        self.landing.write(
            feed.name,
            text,
            (ask,),
            source="test",
            bar_interval=member.bar_interval,
            basis="vendor",
            final_delay=SETTINGS.final_delay(feed),
        )

    def load(self) -> None:
        assert loading.run(self.landing, self.warehouse, self.clock, SETTINGS).failures == ()
        transformation.run(self.warehouse, self.universe, self.clock, SETTINGS)

    def check(self, run_id: str = "q1", first: date | None = None, last: date | None = None) -> Checked:
        return quality.run(
            self.warehouse,
            self.universe,
            self.landing.record(),
            NOW,
            SETTINGS,
            run_id=run_id,
            first=first,
            last=last,
        )

    def log(self, run_id: str = "q1") -> pl.DataFrame:
        with self.warehouse.read() as reader:
            rows = reader.read(QUALITY_LOG)
        assert not rows.select(pl.struct(QUALITY_LOG.key).is_duplicated().any()).item()
        return rows.filter(pl.col("run_id") == run_id).drop("run_id").sort(QUALITY_LOG.key[1:])

    def findings(self, check: str, table: str) -> list[tuple[object, ...]]:
        """Symbol, date, severity and affected rows of what a check found on a table."""
        found = self.log().filter(
            (pl.col("check_name") == check) & (pl.col("table_name") == table) & (pl.col("status") != "PASS")
        )
        return found.select("symbol", "date", "severity", "affected_rows").rows()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, from_symbols(["AAPL", "MSFT"], ["^VIX"], ["GCUSD"]))


def starts(interval: str = "15min", first: date = MONDAY, last: date = FRIDAY, calendar: str = "XNYS") -> list[str]:
    return [str(start) for start in grid(calendar, interval, first, last)["date"]]


def full_week(home: Home) -> None:
    """A complete record of a week, without a fault."""
    for symbol in ("AAPL", "MSFT"):
        home.land(STOCKS, symbol, [(start, FLAT) for start in starts()])
    home.land(INDEXES, "^VIX", [(start, FLAT) for start in starts("5min", calendar="CBOE_VIX")])
    home.land(COMMODITIES, "GCUSD", [(start, FLAT) for start in starts("5min", calendar="CMEGlobex_GC")])
    home.land(BONDS, TREASURY, [(day[:10], ["2.5"] * 12) for day in starts("1day")])
    for symbol in ("AAPL", "MSFT", "^VIX", "GCUSD"):
        home.land(EOD, symbol, [(day[:10], FLAT) for day in starts("1day")])


def test_a_sound_week_passes_every_check_once(home: Home) -> None:
    """Every check on every table that it is about, with one row each."""
    full_week(home)
    home.load()
    done = home.check()
    log = home.log()
    assert set(log["status"]) == {"PASS"}
    of_sets = {("P8", "stock_data"), ("P8", "daily_bars"), ("A1", "corporate_actions")}
    on_rows = [check.id for check in CHECKS if check.id not in {"V1", "K1", "F1", "P8", "A1"}]
    expected = {(check, table.name) for table in FLAGGED_TABLES for check in on_rows} | of_sets
    expected |= {(check, feed.raw_table) for feed in FEEDS for check in ("V1", "K1", "F1")}
    expected |= {("T1", feed.raw_table) for feed in BAR_FEEDS}
    found = log.select("check_name", "table_name").rows()
    assert sorted(found) == sorted(expected)
    assert set(log["date"]) == {FRIDAY}
    assert set(log["symbol"]) == {""}
    assert done == Checked(NOW, MONDAY, FRIDAY, sessions_checked=9 * 5)


def test_flags_of_every_table_become_findings(home: Home) -> None:
    """A broken bar of a stock, two of an index before one that may be forming, an off-hours one of gold, and days."""
    home.land(STOCKS, "AAPL", [("2019-02-12 10:00:00", ("10", "9", "9", "10", "100"))])
    home.land(INDEXES, "^VIX", [(f"2019-02-13 1{hour}:00:00", ("0", "9", "0", "9", None)) for hour in (0, 1, 2)])
    home.land(COMMODITIES, "GCUSD", [("2019-02-14 17:15:00", FLAT)])
    home.land(BONDS, TREASURY, [("2019-02-15", [None] * 12)])
    home.land(EOD, "MSFT", [("2019-02-15", ("10", None, "9", "10", "100"))])
    home.load()
    done = home.check()
    assert home.findings("V4", "stock_data") == [("AAPL", date(2019, 2, 12), "error", 1)]
    assert home.findings("V3", "index_data") == [("^VIX", date(2019, 2, 13), "error", 2)]
    assert home.findings("V12", "commodity_data") == [("GCUSD", date(2019, 2, 14), "warning", 1)]
    assert home.findings("V2", "bond_data") == [("", FRIDAY, "error", 1)]
    assert home.findings("V2", "daily_bars") == [("MSFT", FRIDAY, "error", 1)]
    assert home.findings("V2", "stock_data") == []
    counts = home.log().filter(pl.col("status") != "PASS")["status"].value_counts()
    assert done.findings == dict(counts.rows())
    assert done.failed == done.findings["FAIL"] > 0


def test_an_unsound_evening_is_found_in_the_session_that_it_opens(home: Home) -> None:
    """Sunday 18:00 belongs to Monday, which is checked; a Friday evening belongs to nothing that is."""
    broken = ("10", "9", "9", "10", "100")
    home.land(COMMODITIES, "GCUSD", [("2019-02-10 18:00:00", broken), ("2019-02-15 18:00:00", broken)])
    home.load()
    home.check()
    assert home.findings("V4", "commodity_data") == [("GCUSD", MONDAY, "error", 1)]


@pytest.mark.parametrize("flags", [("V12", "", "P15"), ("P15", "", "V12")])
def test_a_rolled_up_day_of_mixed_bars_can_be_checked(home: Home, flags: tuple[str, ...]) -> None:
    """Its flags are names of checks, also when sound bars lie between those that are not."""
    times = {"V12": "08:00:00", "": "10:00:00", "P15": "11:00:00"} if flags[0] == "V12" else {
        "P15": "09:30:00", "": "10:00:00", "V12": "16:15:00"}  # fmt: skip
    home.land(STOCKS, "AAPL", [(f"2019-02-12 {times[f]}", FLAT if f != "P15" else (*FLAT[:4], None)) for f in flags])
    home.load()
    home.check()
    for check in ("V12", "P15"):
        assert home.findings(check, "daily_bars") == [("AAPL", date(2019, 2, 12), "warning", 1)]


@pytest.mark.parametrize(("missing", "severity"), [(5, "warning"), (6, "error")])
def test_missing_bars_are_found_and_weighed(home: Home, missing: int, severity: str) -> None:
    """Of 26 bars a fifth is 5.2."""
    whole = starts()
    home.land(STOCKS, "AAPL", [(start, FLAT) for start in whole[: 26 - missing] + whole[26:]])
    home.land(STOCKS, "MSFT", [(start, FLAT) for start in whole])
    home.load()
    home.check()
    assert home.findings("T1", "stock_data_raw") == [("AAPL", MONDAY, severity, missing)]
    row = (
        home.log().filter((pl.col("table_name") == "stock_data_raw") & (pl.col("symbol") == "AAPL")).row(0, named=True)
    )
    assert (row["value"], row["threshold"]) == (26 - missing, 26)
    excuse = f"asked once, last 2019-02-16 12:00 UTC, the vendor has {26 - missing} of 26"
    assert row["message"] == f"{missing} of 26 bars missing: {excuse}"


def test_every_state_of_a_session_is_told_apart(home: Home) -> None:
    """complete, empty, pending, not asked and restricted; the plan's limits are information."""
    days = ["2019-02-11", "2019-02-12"]
    home.land(EOD, "AAPL", [(days[0], FLAT)], first=MONDAY, last=date(2019, 2, 12))
    home.land(EOD, "MSFT", [], outcome=Outcome.RESTRICTED)
    home.load()
    home.land(EOD, "AAPL", [("2019-02-13", FLAT)], first=date(2019, 2, 13), last=date(2019, 2, 13))
    done = home.check()
    with home.warehouse.read() as reader:
        rows = reader.read(tables.COVERAGE)
    daily = rows.filter(pl.col("bar_interval") == "1day").sort("session")
    assert daily.filter(pl.col("symbol") == "AAPL")["state"].to_list() == [
        "complete", "empty", "pending", "not asked", "not asked",
    ]  # fmt: skip
    assert set(daily.filter(pl.col("symbol") == "MSFT")["state"]) == {"restricted"}
    found = home.findings("T1", "eod_data_raw")
    severities = {(symbol, day): severity for symbol, day, severity, _ in found}
    assert severities["MSFT", MONDAY] == "information"
    assert {severities["AAPL", date(2019, 2, day)] for day in (12, 13, 14, 15)} == {"error"}
    assert ("AAPL", MONDAY) not in severities
    assert done.holes == dict(rows.filter(pl.col("state") != "complete")["state"].value_counts().sort("state").rows())
    assert done.sessions_checked == len(rows)


def test_what_was_repeated_or_could_not_be_read_is_counted_by_day_of_answer(home: Home) -> None:
    """K1 and V1 leave no bar: their rows reach no table."""
    good = ("2019-02-12 10:00:00", FLAT)
    home.land(STOCKS, "AAPL", [good, good, good, ("soon", FLAT), ("2019-02-12 10:15:00", ("x", *FLAT[1:]))])
    home.load()
    home.check()
    day = NOW.date()
    assert home.findings("K1", "stock_data_raw") == [("", day, "information", 2)]
    assert home.findings("V1", "stock_data_raw") == [("", day, "error", 2)]
    assert home.findings("V1", "index_data_raw") == []


def test_feeds_of_one_raw_table_are_counted_together(home: Home) -> None:
    """The history of a symbol and the calendar of all land apart and load into one table."""
    home.land(SPLITS, "AAPL", [("2019-02-12", ("2", "1")), ("soon", ("2", "1"))])
    home.land(SPLITS_CALENDAR, WHOLE_MARKET, [("2019-02-13", ("x", "1")), ("2019-02-13", ("x", "2"))])
    home.load()
    home.check()
    assert home.findings("V1", "corporate_actions_raw") == [("", NOW.date(), "error", 3)]
    assert home.findings("T1", "corporate_actions_raw") == []


def test_files_of_actions_that_are_gone_are_counted_under_their_table(home: Home) -> None:
    home.land(SPLITS, "AAPL", [("2019-02-12", ("2", "1"))])
    home.land(SPLITS_CALENDAR, WHOLE_MARKET, [("2019-02-13", ("2", "1"))])
    record = home.landing.record()
    found = quality.run(home.warehouse, home.universe, record, NOW, SETTINGS, run_id="q1", damaged=record.files)
    assert home.findings("F1", "corporate_actions_raw") == [("", NOW.date(), "error", 2)]
    assert home.findings("F1", "stock_data_raw") == []
    assert found.failed > 0


def test_an_answer_that_contradicts_itself_is_found_on_its_bar(home: Home) -> None:
    home.land(STOCKS, "AAPL", [("2019-02-12 10:00:00", FLAT), ("2019-02-12 10:00:00", ("10", "11", "9", "9.5", "100"))])
    home.load()
    home.check()
    assert home.findings("K2", "stock_data") == [("AAPL", date(2019, 2, 12), "warning", 1)]


def test_two_runs_at_one_moment_find_the_same(home: Home) -> None:
    home.land(STOCKS, "AAPL", [("2019-02-12 10:00:00", ("10", "9", "9", "10", "100"))])
    home.load()
    one, other = home.check("q1"), home.check("q2")
    assert one == other
    assert home.log("q1").equals(home.log("q2"))
    assert len(home.log("q1")) > 0


def test_the_coverage_table_is_the_fold(home: Home) -> None:
    """Also when it held other rows before."""
    home.land(STOCKS, "AAPL", [(start, FLAT) for start in starts()])
    home.load()
    home.check("q1")
    home.universe = from_symbols(["MSFT"], [], [])
    home.check("q2")
    with home.warehouse.read() as reader:
        stored = reader.read(tables.COVERAGE).sort(tables.COVERAGE.key)
        loaded = reader.read(tables.LOADS)["load_id"].to_list()
    fold = coverage.fold(home.universe, home.landing.record(), loaded, NOW, SETTINGS)
    assert stored.equals(fold)
    assert not stored.select(pl.struct(tables.COVERAGE.key).is_duplicated().any()).item()


def test_only_the_sessions_asked_for_are_checked(home: Home) -> None:
    broken = ("10", "9", "9", "10", "100")
    home.land(STOCKS, "AAPL", [(f"2019-02-{day} 10:00:00", broken) for day in (11, 12, 13)])
    home.load()
    day = date(2019, 2, 12)
    done = home.check(first=day, last=day)
    assert (done.first, done.last) == (day, day)
    assert home.findings("V4", "stock_data") == [("AAPL", day, "error", 1)]
    assert {row[1] for row in home.findings("T1", "stock_data_raw")} == {day}
    assert set(home.log().filter(pl.col("status") == "PASS")["date"]) == {day}


def test_an_empty_warehouse_can_be_checked(home: Home) -> None:
    """Nothing was ever asked: that is what is found."""
    done = home.check()
    assert set(done.holes) == {"not asked"}
    assert done.failed > 0


def test_a_universe_of_nothing_passes(tmp_path: Path) -> None:
    done = Home(tmp_path, Universe(())).check()
    assert (done.sessions_checked, done.holes, done.findings, done.failed) == (0, {}, {}, 0)


@pytest.fixture
def dirty(tmp_path: Path, shared_data: Path) -> Home:
    """VIX and oil from public daily files, with all that is wrong with them, landed as official days."""
    home = Home(tmp_path, from_symbols([], ["^VIX"], ["CLUSD"]))
    vix = pl.read_csv(shared_data / "dirty" / "vix-daily.csv", infer_schema=False)
    oil = pl.read_csv(shared_data / "dirty" / "wti-daily.csv", infer_schema=False).filter(pl.col("Date") > "2019")
    later = datetime(2027, 1, 1, tzinfo=UTC)
    for symbol, file, columns in (("^VIX", vix, ("OPEN", "HIGH", "LOW", "CLOSE")), ("CLUSD", oil, ("Price",) * 4)):
        days = file[file.columns[0]].to_list()
        values = [(*(row[name] for name in columns), None) for row in file.iter_rows(named=True)]
        first, last = (date.fromisoformat(day) for day in (min(days), max(days)))
        home.land(EOD, symbol, list(zip(days, values, strict=True)), first=first, last=last, answered_at=later)
    home.load()
    return home


def test_the_known_faults_of_public_histories_are_found_and_no_others(dirty: Home) -> None:
    """47 days of VIX break their bounds, on the whole way from a landed file to the log; and −36.98 for a barrel is
    true.
    """
    first, last = date(1985, 1, 1), date(2026, 12, 31)
    dirty.check(first=first, last=last)
    broken = dirty.findings("V4", "daily_bars") + dirty.findings("V5", "daily_bars")
    assert len({(symbol, day) for symbol, day, _, _ in broken}) == 47
    assert {(symbol, severity) for symbol, _, severity, _ in broken} == {("^VIX", "error")}
    assert dirty.findings("V2", "daily_bars") == dirty.findings("V3", "daily_bars") == []
    day = date(2020, 4, 20)
    with dirty.warehouse.read() as reader:
        oil = reader.read(tables.DAILY_BARS, symbols=["CLUSD"], first=day, last=day).row(0, named=True)
        after = reader.read(tables.TECHNICAL_INDICATORS_DAILY, symbols=["CLUSD"], first=day, last=day + timedelta(1))
    assert (oil["close"], oil["dq_flags"]) == (-36.98, "P15")
    assert after["bb_lower"].min() < 0  # type: ignore[operator]


@pytest.mark.parametrize(("undone", "unheard"), [(1, 0), (0, 1)])
def test_a_run_whose_answer_was_lost_logs_and_tells_what_one_that_was_heard_does(
    dirty: Home, undone: int, unheard: int
) -> None:
    first, last = date(2019, 1, 1), date(2026, 12, 31)
    heard = dirty.check(run_id="q1", first=first, last=last)
    with dirty.warehouse.write() as writer:
        writer.clear(QUALITY_LOG)
    forgetful = Forgetful(dirty.warehouse.path, clock=dirty.clock, wait_seconds=1)
    forgetful.undone, forgetful.unheard = undone, unheard
    record = dirty.landing.record()
    done = quality.run(forgetful, dirty.universe, record, NOW, SETTINGS, run_id="q2", first=first, last=last)
    assert done == heard
    with dirty.warehouse.read() as reader:
        assert set(reader.read(QUALITY_LOG)["run_id"]) == {"q2"}
    dirty.log("q2")
