"""From a URL to a warehouse: engines are imported only when they are asked for.

(empty)                                        warehouse.duckdb in the home
duckdb:///PATH                                 a DuckDB file
mysql://USER:PASSWORD@HOST:PORT/PREFIX?ca=FILE a MySQL or MariaDB server
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import SettingsError
from openingbell.tables import ANALYTICS, OPERATIONS, RAW
from openingbell.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    from openingbell.warehouse.mysql.statements import Address, Databases

FILE_NAME = "warehouse.duckdb"
SERVER = "mysql://"
PREFIX = "openingbell"
PORT = 3306
YEARS_AHEAD = 10
"""Years to come that have a partition of their own."""


def connect(settings: Settings, home: Path, clock: Clock) -> Warehouse:
    """The warehouse that the settings name; by default a DuckDB file in the home. Nothing is opened yet."""
    url = settings.warehouse_url
    if url.startswith(SERVER):
        return _server(settings, clock)
    return connect_at(Path(url.removeprefix("duckdb:///")) if url else home / FILE_NAME, settings, clock)


def connect_at(path: Path, settings: Settings, clock: Clock) -> Warehouse:
    """An embedded warehouse at a place of one's own."""
    from openingbell.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(
        path, clock=clock, wait_seconds=settings.warehouse_wait_seconds, memory_mb=settings.warehouse_memory_mb
    )


def grants_of(settings: Settings) -> list[str]:
    """The statements by which an administrator makes the users of the server that the settings name.

    Raises:
        SettingsError: they name no server.
    """
    if not settings.warehouse_url.startswith(SERVER):
        raise SettingsError(
            "asked for the grants of a warehouse; the settings name an embedded one, a file whose users are those of "
            f"the system; only a server has grants; set WAREHOUSE_URL={SERVER}USER:PASSWORD@HOST/"
        )
    from openingbell.warehouse.mysql.grants import grants

    return grants(databases_of(settings), address_of(settings).user)


def _server(settings: Settings, clock: Clock) -> Warehouse:
    from openingbell.warehouse.mysql.warehouse import MySQLWarehouse

    return MySQLWarehouse(
        address_of(settings),
        databases_of(settings),
        clock=clock,
        wait_seconds=settings.warehouse_wait_seconds,
        name=_prefix(settings),
        last_year=clock.now().year + YEARS_AHEAD if settings.raw_partitions_by_year else None,
    )


def _prefix(settings: Settings) -> str:
    return urlsplit(settings.warehouse_url).path.strip("/") or PREFIX


def databases_of(settings: Settings) -> Databases:
    """The name of each layer's database: its own setting, else the URL's path and the layer.

    Raises:
        SettingsError: two layers have one name.
    """
    from openingbell.warehouse.mysql.statements import Databases

    named = {
        RAW: settings.raw_database,
        ANALYTICS: settings.analytics_database,
        OPERATIONS: settings.operations_database,
    }
    names = {layer: name or f"{_prefix(settings)}_{layer}" for layer, name in named.items()}
    if len(set(names.values())) < len(names):
        raise SettingsError(
            f"asked for the databases {', '.join(names.values())}; two have one name; each layer has a database of its "
            "own; correct raw_database, analytics_database and operations_database"
        )
    return Databases(names)


def address_of(settings: Settings) -> Address:
    """Where the server is, and who asks."""
    from openingbell.warehouse.mysql.statements import Address

    parts = urlsplit(settings.warehouse_url)
    return Address(
        host=parts.hostname or "localhost",
        port=parts.port or PORT,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ca=parse_qs(parts.query).get("ca", [""])[0],
    )
