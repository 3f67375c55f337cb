"""The same landed files give the same tables in every engine, value by value, evening after evening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openingbell import pipeline as flow
from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.landing import Landing, compress
from openingbell.operations import rebuild
from openingbell.operations.keeping import copying
from openingbell.reader import Market
from openingbell.tables import TABLES
from openingbell.universe import from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.splits import Manner, PlayedSplit
from openingbell.warehouse.connect import connect

UNIVERSE = from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"])
SPLIT = PlayedSplit("AAPL", date(2024, 5, 3), 4, 1, Manner.LATE)
EVENINGS = [datetime(2024, 5, day, 23, tzinfo=UTC) for day in (2, 3, 6, 7)]
"""One before the split, its own, and two after it: on the last the vendor has adjusted what came before."""

Pair = tuple[Pipeline, Pipeline]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, server_url: str) -> Iterator[Pair]:
    """Two pipelines over one record: an embedded warehouse and one on a server, both after all evenings."""
    folder = tmp_path_factory.mktemp("home")
    clock = VirtualClock(EVENINGS[0])
    with RunningVendor(SimulatedMarket(UNIVERSE, 1, splits=[SPLIT]), clock) as vendor:
        settings = Settings.model_validate(
            {
                "api_key": "simulated",
                "base_url": vendor.url,
                "first_run_sessions": 4,
                "first_run_daily_sessions": 30,
                "pause_between_calls_seconds": 0,
            }
        )
        embedded = Pipeline(
            settings=settings,
            universe=UNIVERSE,
            landing=Landing(folder / "data_extracts"),
            warehouse=connect(settings, folder, clock),
            clock=clock,
            source="test",
            reports=folder / "reports",
        )
        on_server = settings.model_copy(update={"warehouse_url": f"{server_url}t_engines"})
        served = replace(embedded, settings=on_server, warehouse=connect(on_server, folder, clock))
        served.warehouse.delete()
        for moment in EVENINGS:
            clock.wait((moment - clock.now()).total_seconds())
            flow.extract(embedded)
            for stage in (flow.load, flow.transform, lambda at: flow.quality(at, f"run {moment}")):  # noqa: B023
                one, other = (stage(pipeline) for pipeline in (embedded, served))
                assert one == other
        yield embedded, served
        served.warehouse.delete()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_table_is_the_same(pair: Pair, table: tables.Table) -> None:
    found = []
    for pipeline in pair:
        with pipeline.warehouse.read() as reader:
            found.append(reader.read(table).sort(table.key))
    assert_frame_equal(*found, check_exact=True)


def test_what_is_compared_is_something(pair: Pair) -> None:
    """Bars, indicators, an adjusted split with its restatements, findings."""
    with pair[1].warehouse.read() as reader:
        empty = {table.name for table in TABLES if reader.count(table) == 0}
    assert empty <= {
        "quarantine", "index_constituents", "reference_data_raw", "elt_job_log", "instruments", "pending_spans",
    }  # fmt: skip


@pytest.mark.parametrize("evening", EVENINGS[:-1], ids=str)
def test_what_was_known_is_the_same(pair: Pair, evening: datetime) -> None:
    """The raw rows of either engine are transformed in an embedded warehouse."""
    query = 'SELECT * FROM stock_data ORDER BY symbol, "date"'
    found = [
        Market(one.settings, one.universe, one.warehouse, one.clock).sql(query, as_of=evening, symbols=["AAPL"])
        for one in pair
    ]
    assert len(found[0]) > 0
    assert_frame_equal(*found, check_exact=True)


def test_a_warehouse_is_copied_from_either_engine_to_the_other(pair: Pair, tmp_path: Path, server_url: str) -> None:
    """In pieces of few rows, each compared as it is written; and nothing differs in the whole."""
    for source, url in ((pair[0], f"{server_url}t_copied"), (pair[1], f"duckdb:///{tmp_path / 'copied.duckdb'}")):
        target = connect(source.settings.model_copy(update={"warehouse_url": url}), tmp_path, source.clock)
        compared = copying.copy(source.warehouse, target, lambda *_: None, piece_rows=500)
        assert [one.table for one in compared if not one.equal] == []
        for table in TABLES:
            found = []
            for warehouse in (source.warehouse, target):
                with warehouse.read() as reader:
                    found.append(reader.read(table).sort(table.key))
            assert_frame_equal(*found, check_exact=True)
        target.delete()


def test_a_rebuild_from_compressed_files_is_equal(pair: Pair) -> None:
    """On either engine: the form of a landed file says nothing of its rows."""
    done = compress(pair[0].landing, EVENINGS[-1])
    assert done.files > 0
    assert done.failed == ()
    for pipeline in pair:
        second = pipeline.warehouse.beside()
        second.delete()
        rebuild.rebuild(replace(pipeline, warehouse=second), None)
        assert [one.table for one in rebuild.compare(pipeline.warehouse, second) if not one.equal] == []
        second.delete()


def test_a_rebuild_beside_a_server_s_warehouse_is_equal_and_takes_its_place(
    pair: Pair, tmp_path: Path, server_url: str
) -> None:
    settings = pair[1].settings.model_copy(update={"warehouse_url": f"{server_url}t_replaced"})
    served = replace(pair[1], settings=settings, warehouse=connect(settings, tmp_path, pair[1].clock))
    copying.copy(pair[1].warehouse, served.warehouse, lambda *_: None)
    second = served.warehouse.beside()
    second.delete()
    rebuild.rebuild(replace(served, warehouse=second), None)
    differences = rebuild.compare(served.warehouse, second)
    assert [one.table for one in differences if not one.equal] == []
    with served.warehouse.read() as reader:
        before = reader.read(tables.STOCK).sort(tables.STOCK.key)
    second.take_place_of(served.warehouse)
    with served.warehouse.read() as reader:
        assert_frame_equal(reader.read(tables.STOCK).sort(tables.STOCK.key), before, check_exact=True)
    assert not second.exists()
    assert pl.DataFrame(served.warehouse.query("SELECT COUNT(*) AS n FROM stock_data")).item() == len(before)
    served.warehouse.delete()
