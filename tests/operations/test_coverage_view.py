from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import sessions, tables
from openingbell.clock import VirtualClock
from openingbell.closures import Closures, Halt
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.coverage.wanted import final_sessions
from openingbell.errors import RangeError, SymbolError
from openingbell.feeds import Kind
from openingbell.landing import Ask, Landing, Manifest, Outcome
from openingbell.operations import home as homes
from openingbell.operations.coverage_view import CoverageView, coverage_of, holes
from openingbell.operations.home import Home, Source
from openingbell.operations.lock import worker_lock
from openingbell.universe import from_symbols
from openingbell.wants import Want
from openingbell.warehouse.duckdb import DuckDBWarehouse
from tests.running import another_process_holding

NOW = datetime(2019, 2, 16, 12, tzinfo=UTC)
"""A Saturday: the week of 2019-02-11 to 15 is over."""
MONDAY, FRIDAY = date(2019, 2, 11), date(2019, 2, 15)
SETTINGS = Settings(first_run_sessions=5, first_run_daily_sessions=5)


class Bench:
    """A home with three symbols at one moment."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder, Source(homes.DEMO, "1"))
        clock = VirtualClock(NOW)
        self.pipeline = Pipeline(
            settings=SETTINGS,
            universe=from_symbols(["AAPL", "MSFT"], ["^VIX"], []),
            landing=Landing(self.home.extracts),
            warehouse=DuckDBWarehouse(folder / "warehouse.duckdb", clock=clock, wait_seconds=0),
            clock=clock,
            source=str(self.home.source),
            reports=self.home.reports,
        )

    def land(self, symbol: str, *, first: date = MONDAY, last: date = FRIDAY, without: date | None = None) -> Manifest:
        """A whole answer about the intraday bars of a symbol, but for those of a day."""
        (member,) = [m for m in self.pipeline.universe.members if m.symbol == symbol and m.feed.kind is Kind.INTRADAY]
        delay = SETTINGS.final_delay(member.feed)
        days = final_sessions(member.calendar, member.bar_interval, first, last, NOW, delay)
        bars = dict(days.filter(pl.col("session").ne_missing(without)).select("session", "bars_expected").iter_rows())
        ask = Ask(
            symbol, member.asset_class, member.calendar, first, last, first, last, NOW, 200, Outcome.ANSWERED,
            sum(bars.values()), 0, bars,
        )  # fmt: skip
        text = pl.DataFrame({"symbol": [symbol] * ask.rows}, schema={"symbol": pl.String})
        return self.pipeline.landing.write(
            member.feed.name, text, (ask,), source="test", bar_interval=member.bar_interval, basis="vendor",
            final_delay=delay,
        )  # fmt: skip

    def load(self, manifest: Manifest) -> None:
        """Say that a landed file is in the warehouse."""
        self.pipeline.warehouse.setup()
        counts = dict.fromkeys(("rows", "rows_new", "rows_same", "rows_repeated", "rows_forming"), 0)
        row = {
            "load_id": manifest.load_id, "feed": manifest.feed, "sha256": "", "extracted_at": NOW.replace(tzinfo=None),
            **counts, "rows_quarantined": 0, "loaded_at": NOW.replace(tzinfo=None), "transformed_at": None,
        }  # fmt: skip
        with self.pipeline.warehouse.write() as writer:
            writer.append(tables.LOADS, pl.DataFrame([row], schema=tables.LOADS.schema))

    def view(
        self,
        feeds: Sequence[str] = (),
        *,
        symbols: tuple[str, ...] = (),
        first: date | None = None,
        last: date | None = None,
    ) -> CoverageView:
        return coverage_of(self.home, replace(self.pipeline, symbols=symbols, first=first, last=last), feeds)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def states(view: CoverageView, symbol: str = "AAPL", interval: str = "15min") -> set[str]:
    rows = view.rows.filter(pl.col("symbol") == symbol, pl.col("bar_interval") == interval)
    return set(rows["state"])


def test_a_home_that_never_ran_lacks_all_and_says_why(bench: Bench) -> None:
    view = bench.view()
    assert set(view.rows["state"]) == {"not asked"}
    assert view.rows["bars_present"].sum() == 0
    assert view.rows.columns == list(tables.COVERAGE.names)
    assert view.notes == ("there is no warehouse yet: what has landed is pending",)
    assert not bench.pipeline.warehouse.exists()


def test_what_has_landed_is_pending_until_it_is_loaded(bench: Bench) -> None:
    loaded, pending = bench.land("AAPL"), bench.land("MSFT")
    assert states(bench.view()) == states(bench.view(), "MSFT") == {"pending"}
    bench.load(loaded)
    view = bench.view()
    assert (states(view), states(view, "MSFT"), view.notes) == ({"complete"}, {"pending"}, ())
    assert pending.load_id != loaded.load_id


def test_the_volatility_index_is_complete_with_81_bars(bench: Bench) -> None:
    bench.load(bench.land("^VIX"))
    rows = bench.view(["indexes"]).rows
    assert set(rows["state"]) == {"complete"}
    assert rows["bars_present"].to_list() == [81] * 5


def test_while_another_process_holds_the_warehouse_what_has_landed_counts(bench: Bench) -> None:
    bench.pipeline.warehouse.setup()
    bench.land("AAPL")
    path = bench.home.root / "warehouse.duckdb"
    with worker_lock(bench.home.root, "bell run", NOW), another_process_holding(path):
        view = bench.view()
    assert states(view) == {"complete"}
    (note,) = view.notes
    assert note.startswith("the warehouse is held (bell run (process ")
    assert note.endswith("what has landed counts as loaded")
    assert states(bench.view()) == {"pending"}


def test_a_manifest_that_cannot_be_read_is_told_and_stops_nothing(bench: Bench) -> None:
    bench.load(bench.land("AAPL"))
    path = bench.home.extracts / "stocks" / "x.json"
    path.write_text("{", "utf-8")
    view = bench.view()
    assert states(view) == {"complete"}
    assert [str(path) in note and note.startswith("1 manifests cannot be read") for note in view.notes] == [True]


def test_symbols_feeds_and_dates_narrow_what_is_shown(bench: Bench) -> None:
    def shown(view: CoverageView) -> set[tuple[str, str]]:
        return set(view.rows.select("symbol", "bar_interval").iter_rows())

    assert shown(bench.view(["stocks", "bonds"])) == {("AAPL", "15min"), ("MSFT", "15min"), ("TREASURY", "1day")}
    assert shown(bench.view(["eod"])) == {("AAPL", "1day"), ("MSFT", "1day"), ("^VIX", "1day")}
    assert shown(bench.view(symbols=("AAPL",))) == {("AAPL", "15min"), ("AAPL", "1day")}
    assert bench.view(["bonds"], symbols=("AAPL",)).rows.is_empty()
    wednesday = date(2019, 2, 13)
    assert set(bench.view(first=wednesday, last=wednesday).rows["session"]) == {wednesday}
    assert bench.view(last=date(2018, 1, 1)).rows.is_empty()


def test_what_a_backfill_asked_for_is_wanted(bench: Bench) -> None:
    bench.pipeline = replace(bench.pipeline, wants=(Want(date(2019, 1, 2), ("AAPL",), ("stocks",), NOW),))
    rows = bench.view(["stocks"]).rows
    oldest = rows.group_by("symbol").agg(pl.col("session").min()).sort("symbol")
    assert oldest.rows() == [("AAPL", date(2019, 1, 2)), ("MSFT", MONDAY)]


def test_who_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(SymbolError, match=r"asked for NOPE; the universe holds AAPL, MSFT, TREASURY, \^VIX"):
        bench.view(symbols=("NOPE",))
    with pytest.raises(RangeError, match=r"asked for --feeds splits; .*allowed are stocks, indexes"):
        bench.view(["splits"])


def test_what_could_not_be_read_is_the_excuse(bench: Bench) -> None:
    manifest = bench.land("AAPL", without=FRIDAY)
    bench.load(manifest)
    assert states(bench.view()) == {"complete", "empty"}
    row = (manifest.load_id, 1, "stocks", '{"symbol": "AAPL", "date": "2019-02-15 09:30:00"}', "close")
    with bench.pipeline.warehouse.write() as writer:
        writer.append(tables.QUARANTINE, pl.DataFrame([row], schema=tables.QUARANTINE.schema, orient="row"))
    assert states(bench.view()) == {"complete", "quarantined"}


def test_a_halt_of_the_home_is_the_excuse(bench: Bench) -> None:
    bench.load(bench.land("AAPL", without=FRIDAY))
    with sessions.amended(Closures(halts=(Halt("AAPL", FRIDAY, FRIDAY, None, None, "news pending"),))):
        rows = bench.view(["stocks"], symbols=("AAPL",)).rows
    (friday,) = holes(rows).iter_rows(named=True)
    assert (friday["session"], friday["state"]) == (FRIDAY, "halted")
    assert "news pending" in friday["excuse"]


def test_a_half_day_says_so(bench: Bench) -> None:
    bench.pipeline = replace(bench.pipeline, wants=(Want(date(2018, 12, 24), (), ("stocks",), NOW),))
    rows = bench.view(["stocks"], last=date(2018, 12, 24)).rows
    assert rows["bars_expected"].to_list() == [14, 14]
    assert all("half day" in excuse for excuse in rows["excuse"])


def test_holes_are_what_is_not_complete(bench: Bench) -> None:
    bench.load(bench.land("AAPL", first=MONDAY, last=date(2019, 2, 13)))
    found = holes(bench.view(["stocks"], symbols=("AAPL",)).rows)
    assert found.select("session", "state").rows() == [(date(2019, 2, 14), "not asked"), (FRIDAY, "not asked")]
