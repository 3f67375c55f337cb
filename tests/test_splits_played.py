"""A split as it is lived through: the simulated vendor, the whole pipeline, evening after evening."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import pipeline as flow
from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.landing import Landing
from openingbell.tables import ANALYTICS, TABLES
from openingbell.universe import from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.splits import Manner, PlayedSplit
from openingbell.warehouse.duckdb import DuckDBWarehouse

UNIVERSE = from_symbols(["AAPL"], [], [])
EX_DATE = date(2024, 5, 3)
EVENINGS = [datetime(2024, 5, day, 23, tzinfo=UTC) for day in (1, 2, 3, 6, 7, 8)]
"""Two before the ex-date, its own, and three after it: a late vendor has adjusted on the 7th."""
BEFORE = pl.col("session") < EX_DATE
INDICATORS = ("sma_20", "sma_50", "ema_12", "ema_26", "bb_upper", "bb_lower", "atr_14", "vwap_session")
"""Those in the unit of the price, which rounding to cents moves by no more than the prices."""

Evening = Mapping[str, pl.DataFrame]


def lived_through(folder: Path, market: SimulatedMarket) -> list[Evening]:
    """Every analytics table on every evening."""
    clock = VirtualClock(EVENINGS[0])
    seen: list[Evening] = []
    with RunningVendor(market, clock) as vendor:
        settings = Settings.model_validate(
            {
                "api_key": "simulated",
                "base_url": vendor.url,
                "first_run_sessions": 6,
                "first_run_daily_sessions": 40,
                "pause_between_calls_seconds": 0,
                "threads": 2,
            }
        )
        pipeline = Pipeline(
            settings=settings,
            universe=UNIVERSE,
            landing=Landing(folder / "data_extracts"),
            warehouse=DuckDBWarehouse(folder / "warehouse.duckdb", clock=clock, wait_seconds=1),
            clock=clock,
            source="test",
            reports=folder / "reports",
        )
        for moment in EVENINGS:
            clock.wait((moment - clock.now()).total_seconds())
            for stage in (flow.extract, flow.load, flow.transform):
                assert stage(pipeline).shortfall == ""
            with pipeline.warehouse.read() as reader:
                seen.append({t.name: reader.read(t).sort(t.key) for t in TABLES if t.layer == ANALYTICS})
    return seen


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Evening]:
    """The same market, in which nothing is split."""
    return lived_through(tmp_path_factory.mktemp("plain"), SimulatedMarket(UNIVERSE, seed=7))


@pytest.mark.parametrize("manner", list(Manner))
def test_a_split_leaves_no_seam_whatever_the_vendor_does(manner: Manner, plain: list[Evening], tmp_path: Path) -> None:
    """From the ex-date on, prices, days and indicators are on every evening those of the market without the split; on
    the evenings before, they are four times as much. What the vendor restated is told.
    """
    split = PlayedSplit("AAPL", EX_DATE, 4, 1, manner)
    evenings = lived_through(tmp_path, SimulatedMarket(UNIVERSE, seed=7, splits=[split]))
    for moment, found, wanted in zip(EVENINGS, evenings, plain, strict=True):
        is_over = moment.date() >= EX_DATE
        scale = 1.0 if is_over else 4.0
        for name, columns in (
            ("stock_data", ("open", "high", "low", "close", "avg_price")),
            ("daily_bars", ("open", "high", "low", "close", "vwap")),
            ("technical_indicators", INDICATORS),
            ("technical_indicators_daily", ("sma_20", "ema_12", "ema_26", "bb_upper", "atr_14")),
        ):
            assert found[name]["date"].to_list() == wanted[name]["date"].to_list()
            for column in columns:
                require_close(found[name][column], wanted[name][column] * scale, 1e-3)
        require_close(found["daily_bars"]["return_pct"], wanted["daily_bars"]["return_pct"], 2e-2)
        bars = found["stock_data"]
        assert set(bars.filter(BEFORE)["split_factor"]) == {4.0 if is_over else 1.0}
        assert set(bars.filter(~BEFORE)["split_factor"]) <= {1.0}
        assert not bars["dq_flags"].str.contains("B1").any()
    restated = evenings[-1]["restatements"]
    (action,) = evenings[-1]["corporate_actions"].select("state", "vendor_adjusted_at").rows()
    assert action[0] == "applied"
    assert (action[1] is None) == (manner is Manner.NEVER)
    assert set(restated["kind"]) == (set() if manner is Manner.NEVER else {"basis"})
    if manner is not Manner.NEVER:
        assert set(restated["bar_interval"]) == {"15min", "1day"}
        assert restated["ratio"].to_list() == pytest.approx([4.0] * len(restated), rel=1e-3)
        first = EVENINGS[2] if manner is Manner.AT_ONCE else EVENINGS[4]
        assert action[1].date() == first.date()
        assert action[1] == restated.filter(bar_interval="15min")["extracted_at"].min()


def require_close(found: pl.Series, wanted: pl.Series, rel: float) -> None:
    """The same nulls, and numbers as near as rounding to cents leaves them."""
    assert found.is_null().to_list() == wanted.is_null().to_list()
    off = (found - wanted).abs().drop_nulls()
    assert (off <= rel * wanted.abs().drop_nulls().clip(1.0)).all(), (found.name, off.max())


def test_a_split_is_announced_before_it_is_applied(plain: list[Evening]) -> None:
    """Without a split there is nothing to announce."""
    assert all(evening[tables.CORPORATE_ACTIONS.name].is_empty() for evening in plain)
