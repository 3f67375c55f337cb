"""From a URL to a warehouse: engines are imported only when they are asked for."""

from __future__ import annotations

from pathlib import Path

from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.warehouse.duckdb import DuckDBWarehouse

FILE_NAME = "warehouse.duckdb"


def connect(settings: Settings, home: Path, clock: Clock) -> DuckDBWarehouse:
    """The warehouse that the settings name; by default a DuckDB file in the home. Nothing is opened yet."""
    return _open(_path(settings, home), settings, clock)


def connect_at(path: Path, settings: Settings, clock: Clock) -> DuckDBWarehouse:
    """An embedded warehouse at a place of one's own."""
    return _open(path, settings, clock)


def _path(settings: Settings, home: Path) -> Path:
    url = settings.warehouse_url
    return Path(url.removeprefix("duckdb:///")) if url else home / FILE_NAME


def _open(path: Path, settings: Settings, clock: Clock) -> DuckDBWarehouse:
    return DuckDBWarehouse(
        path, clock=clock, wait_seconds=settings.warehouse_wait_seconds, memory_mb=settings.warehouse_memory_mb
    )
