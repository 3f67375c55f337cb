"""From a URL to a place: by default in the home, beside it for a rebuild."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.warehouse.connect import connect, connect_beside
from openingbell.warehouse.duckdb import DuckDBWarehouse

CLOCK = VirtualClock(datetime(2019, 2, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("url", "path", "beside"),
    [
        ("", "{home}/warehouse.duckdb", "{home}/warehouse.rebuild.duckdb"),
        ("duckdb:////data/w.db", "/data/w.db", "/data/w.rebuild.db"),
        ("duckdb:///here/w.db", "here/w.db", "here/w.rebuild.db"),
    ],
)
def test_a_warehouse_is_where_its_url_says_and_by_default_in_the_home(
    tmp_path: Path, url: str, path: str, beside: str
) -> None:
    settings = Settings(warehouse_url=url)
    assert connect(settings, tmp_path, CLOCK).path == Path(path.format(home=tmp_path))
    assert connect_beside(settings, tmp_path, CLOCK).path == Path(beside.format(home=tmp_path))


@pytest.mark.parametrize("connected", [connect, connect_beside])
def test_a_warehouse_has_the_memory_of_the_settings(
    tmp_path: Path, connected: Callable[[Settings, Path, VirtualClock], DuckDBWarehouse]
) -> None:
    made = connected(Settings(warehouse_memory_mb=256), tmp_path, CLOCK)
    made.setup()
    held = made.query("SELECT current_setting('memory_limit') AS held")["held"].item()
    assert held == "244.1 MiB"  # 256 million bytes


def test_connecting_opens_nothing(tmp_path: Path) -> None:
    assert not connect(Settings(), tmp_path / "home", CLOCK).exists()
    assert list(tmp_path.iterdir()) == []
