"""Warehouses of every engine, and rows for every table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell import tables
from openingbell.warehouse.duckdb import DuckDBWarehouse
from openingbell.warehouse.protocol import Warehouse
from tests.server import URL
from tests.warehouse.earlier import some_rows
from tests.warehouse.test_conformance import ENGINES, duckdb_at

Make = Callable[[str, str], Any]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes objects of warehouses: of an engine, one a name. All that was made goes with the test."""
    made = {}

    def of(engine: str, name: str) -> Any:
        if engine == "mysql":
            monkeypatch.setenv(URL, request.getfixturevalue("server_url"))
        made[engine, name] = ENGINES[engine](tmp_path / name)
        return made[engine, name]

    yield of
    for one in made.values():
        one.delete()


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, make: Make) -> Callable[[str], Any]:
    """Makes objects of warehouses of each engine, one a name."""
    return lambda name: make(request.param, name)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """A warehouse with seven rows in every table; whoever asks for it only reads."""
    made = duckdb_at(tmp_path_factory.mktemp("filled"))
    fill(made)
    return made


def fill(warehouse: Warehouse) -> None:
    """Put seven rows into every table."""
    with warehouse.kept_open(), warehouse.write() as writer:
        for table in tables.TABLES:
            writer.append(table, some_rows(table, 7))


def contents(warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    """Every table, by key."""
    with warehouse.read() as reader:
        return {table.name: reader.read(table).sort(table.key) for table in tables.TABLES}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    """Whether two warehouses say the same, to the last bit."""
    return one.keys() == other.keys() and all(one[name].equals(other[name], null_equal=True) for name in one)


def silent(what: str, done: int, planned: int) -> None:
    """No progress is looked at."""
