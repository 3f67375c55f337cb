"""From a URL to a warehouse: engines are imported only when they are asked for."""

from __future__ import annotations

from pathlib import Path

from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.warehouse.duckdb import DuckDBWarehouse

FILE_NAME = "warehouse.duckdb"


def connect(settings: Settings, home: Path, clock: Clock) -> DuckDBWarehouse:
    """The warehouse that the settings name; by default a DuckDB file in the home. Nothing is opened yet."""
    return DuckDBWarehouse(_path(settings, home), clock=clock, wait_seconds=settings.warehouse_wait_seconds)


def connect_beside(settings: Settings, home: Path, clock: Clock) -> DuckDBWarehouse:
    """A second warehouse of the same kind, beside the one that the settings name."""
    path = _path(settings, home)
    beside = path.with_name(f"{path.stem}.rebuild{path.suffix}")
    return DuckDBWarehouse(beside, clock=clock, wait_seconds=settings.warehouse_wait_seconds)


def _path(settings: Settings, home: Path) -> Path:
    url = settings.warehouse_url
    return Path(url.removeprefix("duckdb:///")) if url else home / FILE_NAME
