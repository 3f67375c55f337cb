"""The data as users ask for it: today's, as of a moment, and until a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

import openingbell
from openingbell import pipeline as flow
from openingbell import tables
from openingbell import universe as universes
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.errors import QueryError, RangeError, SymbolError, TooEarly, WarehouseError
from openingbell.landing import Landing
from openingbell.reader import Market
from openingbell.transform import past
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.splits import Manner, PlayedSplit
from openingbell.warehouse.duckdb import DuckDBWarehouse

EX_DATE = date(2026, 11, 18)
MOMENTS = [
    datetime(2026, 11, 16, 15, 3, tzinfo=UTC),  # Monday, 10:03 in New York
    datetime(2026, 11, 16, 23, 0, tzinfo=UTC),
    datetime(2026, 11, 17, 16, 20, tzinfo=UTC),
    datetime(2026, 11, 18, 15, 5, tzinfo=UTC),  # the split's first bars are there
    datetime(2026, 11, 18, 23, 0, tzinfo=UTC),
    datetime(2026, 11, 19, 16, 0, tzinfo=UTC),
    datetime(2026, 11, 20, 16, 0, tzinfo=UTC),  # the vendor has adjusted
]
CORRECTED_FROM = MOMENTS[4]
OF_SYMBOL = (tables.STOCK, tables.INDEX, tables.COMMODITY, tables.TECHNICAL_INDICATORS, tables.DAILY_BARS)
HELD = (*OF_SYMBOL, tables.TECHNICAL_INDICATORS_DAILY, tables.DAILY_AGGREGATES, tables.MARKET_SUMMARY, tables.BOND,
        tables.CORPORATE_ACTIONS, tables.RESTATEMENTS)  # fmt: skip


@dataclass(frozen=True)
class Lived:
    """A home that lived through `MOMENTS`, and what its warehouse held after each."""

    market: Market
    held: dict[datetime, dict[str, pl.DataFrame]]


def corrected(clock: VirtualClock, source: SimulatedMarket, request: Request) -> Response | None:
    """From some moment on the vendor gives the daily bars of MSFT a higher high: a correction."""
    if "price-eod" not in request.url.path or request.query_params.get("symbol") != "MSFT":
        return None
    if clock.now() < CORRECTED_FROM:
        return None
    first, last = (date.fromisoformat(request.query_params[name]) for name in ("from", "to"))
    days = source.daily("MSFT", first=first, last=last, now=clock.now()).sort("date", descending=True)
    rows = [
        f'{{"symbol": "MSFT", "date": "{row["date"]}", "open": {row["open"]}, "high": {row["high"] + 1}, '
        f'"low": {row["low"]}, "close": {row["close"]}, "volume": {row["volume"]}}}'
        for row in days.iter_rows(named=True)
    ]
    return Response(f"[{', '.join(rows)}]", media_type="application/json")


@contextmanager
def living(folder: Path, clock: VirtualClock) -> Iterator[Pipeline]:
    """A pipeline of two stocks, an index and a commodity. Both stocks split on one day: of AAPL the vendor adjusts two
    sessions late, of MSFT never; the sessions before a split are asked again, so that corrections show.
    """
    universe = universes.from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"])
    splits = [PlayedSplit("AAPL", EX_DATE, 4, 1, Manner.LATE), PlayedSplit("MSFT", EX_DATE, 2, 1, Manner.NEVER)]
    source = SimulatedMarket(universe, 3, splits)
    with RunningVendor(source, clock, interceptor=lambda request: corrected(clock, source, request)) as vendor:
        settings = Settings(
            api_key=SecretStr("x"), base_url=vendor.url, first_run_sessions=8, first_run_daily_sessions=30,
            pause_between_calls_seconds=0, pause_between_batches_seconds=0,
        )  # fmt: skip
        yield Pipeline(
            settings=settings,
            universe=universe,
            landing=Landing(folder / "data_extracts"),
            warehouse=DuckDBWarehouse(folder / "warehouse.duckdb", clock=clock, wait_seconds=0),
            clock=clock,
            source="test",
            reports=folder / "reports",
        )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    clock = VirtualClock(MOMENTS[0])
    held = {}
    with living(tmp_path_factory.mktemp("home"), clock) as pipeline:
        for moment in MOMENTS:
            clock.wait((moment - clock.now()).total_seconds())
            flow.extract(pipeline)
            flow.load(pipeline)
            flow.transform(pipeline)
            with pipeline.warehouse.read() as reader:
                held[clock.now()] = {table.name: reader.read(table).sort(table.key) for table in HELD}
        market = Market(pipeline.settings, pipeline.universe, pipeline.warehouse, clock)
    return Lived(market, held)


def test_as_of_each_moment_gives_what_the_warehouse_then_held(lived: Lived, tmp_path: Path) -> None:
    market = lived.market
    for moment, held in lived.held.items():
        then = DuckDBWarehouse(tmp_path / f"{moment:%d%H%M%S}.duckdb", clock=market.clock, wait_seconds=0)
        past.recreate(then, market.warehouse, moment, market.universe, market.clock, market.settings)
        with then.read() as reader:
            for table in HELD:
                assert_frame_equal(reader.read(table).sort(table.key), held[table.name], rel_tol=1e-9)


def test_what_was_held_changed_from_moment_to_moment(lived: Lived) -> None:
    """Else the test above would show nothing: bars came, the split took effect, the vendor corrected and adjusted."""
    held = list(lived.held.values())
    assert all(len(a["stock_data"]) < len(b["stock_data"]) for a, b in pairwise(held))
    assert held[2]["stock_data"]["split_factor"].max() == 1.0
    assert held[3]["stock_data"]["split_factor"].max() == 4.0
    assert set(held[-1]["restatements"]["kind"]) == {"basis", "correction"}


def test_one_symbol_is_answered_as_all_of_them_are(lived: Lived) -> None:
    moment = list(lived.held)[3]
    held = lived.held[moment]
    for symbol, table in (("AAPL", "stock_data"), ("GCUSD", "commodity_data")):
        of_symbol = pl.col("symbol") == symbol
        bars = lived.market.bars(symbol, as_of=moment).drop("asset_class")
        assert_frame_equal(bars, held[table].filter(of_symbol), rel_tol=1e-9)
        found = lived.market.indicators(symbol, daily=symbol == "AAPL", as_of=moment)
        name = "technical_indicators_daily" if symbol == "AAPL" else "technical_indicators"
        assert_frame_equal(found, held[name].filter(of_symbol), rel_tol=1e-9)
    days = lived.market.daily_bars("AAPL", as_of=moment)
    assert_frame_equal(days, held["daily_bars"].filter(pl.col("symbol") == "AAPL"), rel_tol=1e-9)
    aggregates = lived.market.table("daily_aggregates", as_of=moment)
    assert_frame_equal(aggregates, held["daily_aggregates"], rel_tol=1e-9)


def test_before_a_split_took_effect_its_prices_are_those_that_were_traded(lived: Lived) -> None:
    before, after = list(lived.held)[2], list(lived.held)[3]
    day = date(2026, 11, 16)
    then = lived.market.bars("AAPL", as_of=before, first=day, last=day)["close"]
    later = lived.market.bars("AAPL", as_of=after, first=day, last=day)["close"]
    assert (then / later).to_list() == pytest.approx([4.0] * len(then))
    assert lived.market.bars("AAPL", until=before, first=day, last=day)["close"].equals(later)


def test_today_is_what_the_warehouse_holds(lived: Lived) -> None:
    with lived.market.warehouse.read() as reader:
        assert_frame_equal(lived.market.table("daily_bars"), reader.read(tables.DAILY_BARS).sort(tables.DAILY_BARS.key))
    assert len(lived.market.bars(["AAPL", "^GSPC", "GCUSD"])["asset_class"].unique()) == 3


def test_dates_bound_sessions(lived: Lived) -> None:
    """A commodity's session begins on the evening before, which belongs to it."""
    bars = lived.market.bars("GCUSD", first=date(2026, 11, 17), last=date(2026, 11, 17))
    assert bars["session"].unique().to_list() == [date(2026, 11, 17)]
    assert bars["date"][0] == datetime(2026, 11, 16, 18)  # noqa: DTZ001  the wall clock has no zone
    found = lived.market.indicators("GCUSD", first=date(2026, 11, 17), last=date(2026, 11, 17))
    assert found["date"].equals(bars["date"])


def test_until_keeps_what_had_ended(lived: Lived) -> None:
    until = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)  # 10:00 in New York
    bars = lived.market.bars("AAPL", until=until)
    assert bars["date"].max() == datetime(2026, 11, 17, 9, 45)  # noqa: DTZ001
    assert lived.market.indicators("AAPL", until=until)["date"].max() == bars["date"].max()
    assert lived.market.daily_bars(["AAPL", "GCUSD"], until=until)["date"].max() == date(2026, 11, 16)
    closed = datetime(2026, 11, 17, 21, 30, tzinfo=UTC)  # stocks have closed, gold has not
    days = lived.market.daily_bars(["AAPL", "GCUSD"], until=closed).group_by("symbol").agg(pl.col("date").max())
    assert dict(days.iter_rows()) == {"AAPL": date(2026, 11, 17), "GCUSD": date(2026, 11, 16)}
    assert lived.market.table("bond_data", until=closed)["date"].max() == date(2026, 11, 16)
    assert lived.market.table("restatements", until=closed).is_empty()
    assert lived.market.bars("AAPL", until=datetime(2020, 1, 1, tzinfo=UTC)).is_empty()
    assert lived.market.daily_bars("AAPL", until=datetime(2020, 1, 1, tzinfo=UTC)).is_empty()


def test_restatements_say_what_changed_and_how(lived: Lived) -> None:
    adjusted = lived.market.restatements("AAPL")
    assert set(adjusted["kind"]) == {"basis"}
    assert adjusted["ratio"].to_list() == pytest.approx([4.0] * len(adjusted))
    corrections = lived.market.restatements("MSFT")
    assert set(corrections["kind"]) == {"correction"}
    assert corrections["ratio"].to_list() == [1.0] * len(corrections)
    assert (corrections["largest_change_pct"] > 0).all()


def test_sql_can_be_asked_of_the_past(lived: Lived) -> None:
    moment = list(lived.held)[1]
    count = "SELECT count(*) AS n FROM stock_data"
    assert lived.market.sql(count, as_of=moment).item() == len(lived.held[moment]["stock_data"])
    assert lived.market.sql(count).item() == len(list(lived.held.values())[-1]["stock_data"])
    only = lived.market.sql("SELECT DISTINCT symbol FROM stock_data", as_of=moment, symbols="AAPL")
    assert only["symbol"].to_list() == ["AAPL"]
    with pytest.raises(QueryError):
        lived.market.sql("DROP TABLE stock_data", as_of=moment)


def test_before_the_first_answer_nothing_was_known(lived: Lived) -> None:
    with pytest.raises(TooEarly, match="the first answer was received at 2026-11-16T15:03"):
        lived.market.bars("AAPL", as_of=MOMENTS[0] - timedelta(seconds=1))


def test_a_moment_needs_a_zone(lived: Lived) -> None:
    naive = MOMENTS[3].replace(tzinfo=None)
    with pytest.raises(RangeError, match="no zone"):
        lived.market.bars("AAPL", as_of=naive)
    with pytest.raises(RangeError, match="no zone"):
        lived.market.bars("AAPL", until=naive)


def test_unknown_names_are_refused_with_those_that_are_known(lived: Lived) -> None:
    with pytest.raises(SymbolError, match="AAPL"):
        lived.market.indicators("NOPE")
    with pytest.raises(RangeError, match="daily_aggregates"):
        lived.market.table("loads")


def test_frames_are_one_call_away_from_pandas_and_arrow(lived: Lived) -> None:
    bars = lived.market.bars("AAPL")
    assert len(bars.to_pandas()) == bars.to_arrow().num_rows == len(bars)


def test_open_takes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENINGBELL_HOME", "OPENINGBELL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for moment in (None, MOMENTS[0]):
        with pytest.raises(WarehouseError, match="there is none yet"):
            openingbell.open(tmp_path).daily_bars("AAPL", as_of=moment)
    assert list(tmp_path.iterdir()) == []  # who asks makes nothing
    monkeypatch.setenv("OPENINGBELL_HOME", str(tmp_path / "other"))
    assert openingbell.open().warehouse.place == str(tmp_path / "other" / "warehouse.duckdb")


def test_an_empty_warehouse_knows_of_no_time(tmp_path: Path) -> None:
    clock = VirtualClock(MOMENTS[0])
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", clock=clock, wait_seconds=0)
    warehouse.setup()
    market = Market(Settings(), universes.from_symbols(["AAPL"], [], []), warehouse, clock)
    with pytest.raises(TooEarly, match="nothing is loaded yet"):
        market.bars("AAPL", as_of=MOMENTS[0])
