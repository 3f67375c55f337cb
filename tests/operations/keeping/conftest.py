"""Warehouses of every engine, and rows for every table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell import tables
from openingbell.warehouse.protocol import Warehouse
from tests.warehouse.earlier import some_rows
from tests.warehouse.test_conformance import ENGINES


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Any]:
    """Makes warehouses of the engine, one a name."""
    return lambda name: ENGINES[request.param](tmp_path / name)


@pytest.fixture
def filled(place: Callable[[str], Any]) -> Warehouse:
    """A warehouse with seven rows in every table."""
    made: Warehouse = place("filled")
    with made.kept_open(), made.write() as writer:
        for table in tables.TABLES:
            writer.append(table, some_rows(table, 7))
    return made


def contents(warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    """Every table, by key."""
    with warehouse.read() as reader:
        return {table.name: reader.read(table).sort(table.key) for table in tables.TABLES}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    """Whether two warehouses say the same, to the last bit."""
    return one.keys() == other.keys() and all(one[name].equals(other[name], null_equal=True) for name in one)


def silent(what: str, done: int, planned: int) -> None:
    """No progress is looked at."""
