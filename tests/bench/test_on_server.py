"""The benchmarks of a warehouse on a server run, and compare what they say they compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import on_server, tick, tick_on_server
from bench.market import Market, market
from bench.sizes import size_of
from openingbell import tables


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return market(size_of("tiny"), tmp_path_factory.mktemp("markets"))


def test_the_bare_loads_write_the_rows_of_ours(made: Market, server_url: str, tmp_path: Path) -> None:
    served = on_server.Served(made, server_url, tmp_path)
    ours, bare = (on_server.on_server(server_url, name) for name in ("ours", "bare"))
    assert all(way().seconds > 0 for way in (served.bare_load, served.bare_write))
    with ours.read() as of_ours, bare.read() as of_bare:
        for table in (*on_server.LOADED, *on_server.WRITTEN):
            found = [reader.read(table).sort(table.key) for reader in (of_ours, of_bare)]
            assert found[0].equals(found[1], null_equal=True), table.name
        assert of_bare.count(tables.STOCK_RAW) == made.size.bars
        assert of_bare.count(tables.TECHNICAL_INDICATORS) == made.size.bars
    assert all(way().seconds > 0 for way in (served.load, served.transform, served.read, served.by_row))
    assert len(served.year()) == made.size.bars / made.size.symbols
    with bare.read() as reader:
        assert reader.count(tables.STOCK_RAW) == made.size.bars  # fewer than are inserted one by one at most
    for warehouse in (ours, bare):
        warehouse.delete()


def test_ticks_become_visible_and_are_taken_back(made: Market, server_url: str, tmp_path: Path) -> None:
    for turn in range(2):  # the second finds it filled
        warehouse = tick_on_server.filled(made, server_url)
        home = tick.Ticking(made, tmp_path / f"{turn}", warehouse)
        assert [home.in_process().seconds > 0 for _ in range(2)] == [True, True]
    tick_on_server.take_back(warehouse)
    with warehouse.read() as reader:
        assert reader.count(tables.STOCK_RAW) == reader.count(tables.TECHNICAL_INDICATORS) == made.size.bars
        assert reader.read(tables.LOADS)["transformed_at"].null_count() == 0
    warehouse.delete()
