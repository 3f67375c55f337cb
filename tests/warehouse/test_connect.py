"""From a URL to a place: by default in the home, beside it for a rebuild."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.warehouse.connect import connect

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
    assert connect(settings, tmp_path, CLOCK).beside().path == Path(beside.format(home=tmp_path))


def test_a_warehouse_and_the_one_beside_it_have_the_memory_of_the_settings(tmp_path: Path) -> None:
    first = connect(Settings(warehouse_memory_mb=256), tmp_path, CLOCK)
    for made in (first, first.beside()):
        made.setup()
        held = made.query("SELECT current_setting('memory_limit') AS held")["held"].item()
        assert held == "244.1 MiB"  # 256 million bytes


def test_connecting_opens_nothing(tmp_path: Path) -> None:
    assert not connect(Settings(), tmp_path / "home", CLOCK).exists()
    assert list(tmp_path.iterdir()) == []
