"""From a URL to a place: by default in the home, beside it for a rebuild."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.errors import SettingsError
from openingbell.tables import ANALYTICS, OPERATIONS, RAW
from openingbell.warehouse.connect import address_of, connect, databases_of, grants_of
from openingbell.warehouse.duckdb import DuckDBWarehouse
from openingbell.warehouse.mysql.statements import Address
from openingbell.warehouse.protocol import Warehouse

CLOCK = VirtualClock(datetime(2019, 2, 15, tzinfo=UTC))


def embedded(warehouse: Warehouse) -> DuckDBWarehouse:
    assert isinstance(warehouse, DuckDBWarehouse)
    return warehouse


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
    made = embedded(connect(Settings(warehouse_url=url), tmp_path, CLOCK))
    assert made.path == Path(path.format(home=tmp_path))
    assert made.beside().path == Path(beside.format(home=tmp_path))


def test_a_warehouse_has_the_memory_of_the_settings_and_so_has_one_beside_it(tmp_path: Path) -> None:
    made = embedded(connect(Settings(warehouse_memory_mb=256), tmp_path, CLOCK))
    for warehouse in (made, made.beside()):
        warehouse.setup()
        held = warehouse.query("SELECT current_setting('memory_limit') AS held")["held"].item()
        assert held == "244.1 MiB"  # 256 million bytes


def test_connecting_opens_nothing(tmp_path: Path) -> None:
    assert not connect(Settings(), tmp_path / "home", CLOCK).exists()
    connect(Settings(warehouse_url="mysql://nobody@127.0.0.1:1/"), tmp_path, CLOCK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "address", "place"),
    [
        (
            "mysql://bell@db.example",
            Address("db.example", 3306, "bell", ""),
            "mysql://bell@db.example:3306/openingbell",
        ),
        (
            "mysql://b%40l:p%2F%3A@127.0.0.1:3307/mine?ca=/etc/ca.pem",
            Address("127.0.0.1", 3307, "b@l", "p/:", "/etc/ca.pem"),
            "mysql://b@l@127.0.0.1:3307/mine",
        ),
    ],
)
def test_a_server_is_where_its_url_says_and_its_password_is_not_in_its_place(
    tmp_path: Path, url: str, address: Address, place: str
) -> None:
    settings = Settings(warehouse_url=url)
    assert address_of(settings) == address
    assert connect(settings, tmp_path, CLOCK).place == place
    assert connect(settings, tmp_path, CLOCK).beside().place == f"{place}_rebuild"
    assert "p/:" not in repr(address)


def test_databases_are_named_after_the_url_or_one_by_one() -> None:
    url = "mysql://bell@db.example/"
    assert databases_of(Settings(warehouse_url=url)).names == {
        RAW: "openingbell_raw", ANALYTICS: "openingbell_analytics", OPERATIONS: "openingbell_operations",
    }  # fmt: skip
    named = Settings(warehouse_url=f"{url}mine", analytics_database="dw2")
    assert databases_of(named).names == {RAW: "mine_raw", ANALYTICS: "dw2", OPERATIONS: "mine_operations"}


def test_two_layers_in_one_database_are_refused() -> None:
    settings = Settings(warehouse_url="mysql://b@h/", raw_database="dw", operations_database="dw")
    with pytest.raises(SettingsError, match="raw_database, analytics_database and operations_database"):
        databases_of(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"warehouse_url": "mysql:///x"},
        {"warehouse_url": "mysql://u@h/a b"},
        {"warehouse_url": "mysql://u@h/a`"},
        {"warehouse_url": "mysql://u@h/a/b"},
        {"warehouse_url": "postgres://u@h/"},
        {"raw_database": "x; DROP"},
        {"raw_database": "1x"},
    ],
)
def test_what_cannot_be_a_server_or_a_database_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_an_embedded_warehouse_has_no_grants() -> None:
    with pytest.raises(SettingsError, match="the settings name an embedded one"):
        grants_of(Settings())


def test_an_engine_that_nobody_asked_for_is_not_imported() -> None:
    """Nor is its driver: it would cost every `bell` of an embedded warehouse its time, and the other way round."""
    program = (
        "import sys; from pathlib import Path; from openingbell.clock import SystemClock\n"
        "from openingbell.config import Settings; from openingbell.warehouse.connect import connect\n"
        "connect(Settings(warehouse_url=sys.argv[1]), Path(), SystemClock())\n"
        "print(*sorted({'duckdb', 'pymysql'} & set(sys.modules)))"
    )
    found = [
        subprocess.run([sys.executable, "-c", program, url], check=True, capture_output=True, text=True).stdout.strip()
        for url in ("", "mysql://u@h/")
    ]
    assert found == ["duckdb", "pymysql"]
