"""What becomes of the symbols of a home, over real HTTP: the vendor tells, and the universe follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.context import Outcome
from openingbell.errors import SymbolError
from openingbell.listings import Rename
from openingbell.operations import worker
from openingbell.operations.doctor import examine
from openingbell.operations.entry import Wish, entered
from openingbell.operations.home import Source
from openingbell.operations.outlook import outlook_of
from openingbell.progress import Progress
from openingbell.universe import from_symbols
from openingbell.vendor.asked import Asked
from openingbell.vendor.happenings import NOTHING, Delisting, Happenings, IndexChange
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.wants import Want, record_want

MONDAY = datetime(2026, 3, 9, 23, tzinfo=UTC)
NEW_NAME = date(2026, 3, 11)
STOCKS = ("AAPL", "FB")


@dataclass
class Scene:
    """A live home at a vendor of which some things are to happen."""

    home: Path
    clock: VirtualClock
    vendor: RunningVendor

    @property
    def wish(self) -> Wish:
        return Wish(source=Source("fmp"), home=self.home, clock=self.clock)

    def until(self, moment: datetime, *more: str) -> Outcome:
        """Everything up to the analytics at a moment, and more stages."""
        self.clock.wait((moment - self.clock.now()).total_seconds())
        stages = (worker.EXTRACT, worker.LOAD, worker.TRANSFORM, *more)
        return worker.run(self.wish, stages, silent).outcomes[worker.EXTRACT]

    def asked(self) -> list[Asked]:
        """What was asked since it was asked for last."""
        asked = list(self.vendor.requests.all())
        self.vendor.requests.clear()
        return asked

    def table(self, table: tables.Table) -> pl.DataFrame:
        with entered(self.wish) as (_, pipeline), pipeline.warehouse.read() as reader:
            return reader.read(table)

    def remarks(self) -> list[str]:
        with entered(self.wish) as (_, pipeline):
            return pipeline.listed.remarks() if pipeline.listed else []

    def stocks(self) -> list[str]:
        with entered(self.wish) as (_, pipeline):
            return [m.symbol for m in pipeline.universe.members if m.feed.name == "stocks"]


def silent(_: str) -> Progress:
    return lambda *_: None


@contextmanager
def scene(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    happenings: Happenings = NOTHING,
    stocks: tuple[str, ...] = STOCKS,
    restricted: tuple[str, ...] = (),
    known: tuple[str, ...] | None = None,
) -> Iterator[Scene]:
    clock = VirtualClock(MONDAY)
    market = SimulatedMarket(from_symbols(known or stocks, ["^GSPC"], ["GCUSD"]), 3, happenings=happenings)
    with RunningVendor(market, clock, restricted=restricted) as vendor:
        for name, value in {
            "FMP_API_KEY": "made-up-key-91c2",
            "OPENINGBELL_BASE_URL": vendor.url,
            "OPENINGBELL_STOCKS": " ".join(stocks),
            "OPENINGBELL_INDEXES": "^GSPC",
            "OPENINGBELL_COMMODITIES": "GCUSD",
            "OPENINGBELL_FIRST_RUN_SESSIONS": "3",
            "OPENINGBELL_FIRST_RUN_DAILY_SESSIONS": "5",
            "OPENINGBELL_PAUSE_BETWEEN_CALLS_SECONDS": "0",
            "OPENINGBELL_PAUSE_BETWEEN_BATCHES_SECONDS": "0",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        yield Scene(folder / "home", clock, vendor)


def test_a_new_symbol_is_followed_on_its_day_and_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happenings = Happenings(renames=(Rename("FB", "META", NEW_NAME),))
    with scene(tmp_path, monkeypatch, happenings) as at:
        at.until(MONDAY)
        assert at.stocks() == ["AAPL", "FB"]
        at.asked()
        done = at.until(datetime(2026, 3, 11, 23, tzinfo=UTC))
        assert "FB is META since 2026-03-11" in done.note
        assert at.stocks() == ["AAPL", "META"]
        assert not [one for one in at.asked() if one.symbol == "FB"]
        bars = at.table(tables.STOCK)
        assert bars.filter(pl.col("symbol") == "META")["session"].n_unique() == 3  # as far back as a new symbol
        known = {row["symbol"]: row for row in at.table(tables.INSTRUMENTS).to_dicts()}
        assert (known["FB"]["renamed_to"], known["FB"]["active"]) == ("META", False)
        assert (known["META"]["name"], known["META"]["active"]) == ("META (simulated)", True)
        assert set(at.table(tables.DAILY_AGGREGATES)["total_stocks"]) <= {0, 2}
        assert at.until(datetime(2026, 3, 12, 23, tzinfo=UTC)).records


def test_a_symbol_that_was_renamed_is_still_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill that was asked for under the old symbol goes on under the new one."""
    happenings = Happenings(renames=(Rename("FB", "META", NEW_NAME),))
    with scene(tmp_path, monkeypatch, happenings, stocks=("FB",)) as at:
        worker.run(at.wish, (worker.EXTRACT,), silent)
        record_want(at.home, Want(date(2026, 2, 2), ("FB",), ("stocks",), MONDAY))
        at.clock.wait(timedelta(days=2).total_seconds())
        worker.run(at.wish, (worker.EXTRACT,), silent)
        with entered(replace(at.wish, symbols=("FB",))) as (_, pipeline):
            assert {m.symbol for m in pipeline.universe.narrowed(pipeline.symbols).members} == {"META"}
            due = {one.feed: one for one in outlook_of(pipeline).feeds}
        assert list(due) == ["stocks"]
        assert due["stocks"].first == "2026-02-02"


def test_a_symbol_that_had_its_new_name_before_is_followed_by_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happenings = Happenings(renames=(Rename("FB", "META", date(2022, 6, 9)),))
    with scene(tmp_path, monkeypatch, happenings) as at:
        assert "FB is META since 2022-06-09" in at.until(MONDAY).note
        assert {one.symbol for one in at.asked() if "chart" in one.path} == {"AAPL", "META", "^GSPC", "GCUSD"}
        assert at.table(tables.STOCK)["symbol"].unique().sort().to_list() == ["AAPL", "META"]


def test_who_is_delisted_is_asked_for_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path, monkeypatch, Happenings(delistings=(Delisting("FB", NEW_NAME),))) as at:
        at.until(MONDAY)
        at.until(datetime(2026, 3, 12, 23, tzinfo=UTC))
        at.asked()
        done = at.until(datetime(2026, 3, 16, 23, tzinfo=UTC), worker.QUALITY)
        assert f"FB does not trade since {NEW_NAME}" in done.note
        again = [one.last for one in at.asked() if one.symbol == "FB" and "chart" in one.path]
        assert set(again) <= {NEW_NAME.isoformat()}  # the week is read again, and what is behind it is not
        row = at.table(tables.INSTRUMENTS).filter(pl.col("symbol") == "FB").row(0, named=True)
        assert (row["delisted_on"], row["last_session"], row["active"]) == (NEW_NAME, NEW_NAME, False)
        holes = at.table(tables.COVERAGE).filter(pl.col("symbol") == "FB", pl.col("session") > NEW_NAME)
        assert holes.is_empty()


def test_an_index_is_a_universe_with_the_days_of_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = IndexChange("dowjones", date(2026, 4, 2), joins="NEW", leaves="AAPL")
    with scene(
        tmp_path, monkeypatch, Happenings(index_changes=(change,)), stocks=("dowjones", "GLD"),
        known=("AAPL", "MSFT", "NEW", "GLD"),
    ) as at:  # fmt: skip
        assert at.remarks() == [
            "the members of dowjones are not known yet: the next run asks for the list first, and then for them"
        ]
        at.until(MONDAY)
        assert at.remarks() == []
        assert sorted(at.stocks()) == ["AAPL", "GLD", "MSFT"]
        assert at.table(tables.STOCK)["symbol"].n_unique() == 3
        at.asked()
        at.until(datetime(2026, 4, 6, 23, tzinfo=UTC))
        asked = {one.symbol: one for one in at.asked() if one.path == "historical-chart/15min"}
        assert "NEW" in asked
        assert asked["AAPL"].last == "2026-04-01"  # its last day as a member
        assert at.table(tables.INDEX_CONSTITUENTS).sort("first_day", "symbol").rows() == [
            ("dowjones", "AAPL", date(2000, 1, 3), date(2026, 4, 1)),
            ("dowjones", "MSFT", date(2000, 1, 3), None),
            ("dowjones", "NEW", date(2026, 4, 2), None),
        ]


def test_a_list_outside_the_plan_is_told_and_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = ("sp500-constituent", "historical-sp500-constituent")
    with scene(tmp_path, monkeypatch, stocks=("sp500", "AAPL"), known=("AAPL",), restricted=lists) as at:
        done = at.until(MONDAY)
        assert "outside the plan: historical_sp500_constituent, sp500_constituent; the list of sp500 is" in done.note
        assert len(at.remarks()) == 1
        assert done.shortfall == ""
        assert at.stocks() == ["AAPL"]


def test_unknown_symbols_are_named_and_the_others_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path, monkeypatch, stocks=("AAPL", "AAPPL", "MSFT", "MSFT"), known=("AAPL", "MSFT")) as at:
        done = at.until(MONDAY)
        assert "the vendor does not know AAPPL: correct the settings" in done.note
        assert at.stocks() == ["AAPL", "AAPPL", "MSFT"]
        assert at.table(tables.STOCK)["symbol"].unique().sort().to_list() == ["AAPL", "MSFT"]
        with entered(at.wish) as (home, pipeline):
            symbols = {check.name: check for check in examine(home, pipeline)}["symbols"]
        assert "AAPPL" in symbols.found


def test_an_index_that_the_vendor_does_not_list_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path, monkeypatch) as at:
        monkeypatch.setenv("OPENINGBELL_INDEXES", "^GSPC ^GSPX")
        assert "the vendor does not know ^GSPX: correct the settings" in at.until(MONDAY).note


def test_a_symbol_of_two_classes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scene(tmp_path, monkeypatch, stocks=("AAPL", "GCUSD"), known=("AAPL",)) as at,
        pytest.raises(SymbolError, match="GCUSD as stock and as commodity"),
        entered(at.wish),
    ):
        pass
