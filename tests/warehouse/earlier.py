"""Tables as earlier versions of this program made them, written down when they were the newest (schemas/N.txt)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from openingbell.tables import BY_NAME, SCHEMA_VERSIONS, TYPES, Column, Table
from openingbell.tables.history import VERSIONS
from openingbell.tables.table import COUNT, DAY, FLAG, MOMENT, PRICE, TEXT
from openingbell.warehouse.migrations import Create, Remove, stored_tables
from openingbell.warehouse.protocol import Warehouse

FOLDER = Path(__file__).parent / "schemas"
NOON = datetime(2019, 2, 15, 12, 0, 0, 1)  # noqa: DTZ001  frames hold their moments without a zone
DTYPES = {name: dtype for dtype, name in TYPES.items()}


def tables_of(version: int) -> list[Table]:
    """The tables of a version, `schema_versions` among them where it has one."""
    lines = (FOLDER / f"{version}.txt").read_text("utf-8").splitlines()
    return [_table(*line.split(": ")) for line in lines]


def _table(place: str, columns: str) -> Table:
    layer, name = place.split(".")
    today = SCHEMA_VERSIONS if name == SCHEMA_VERSIONS.name else BY_NAME.get(name)
    found = tuple(
        Column(column, DTYPES[kind.rstrip("!")], "", null="" if kind.endswith("!") else "it may be")
        for column, kind in (text.split() for text in columns.split(", "))
    )
    order = today.order if today else found[0].name
    return Table(layer, name, today.key if today else (), "", found, order, today.versioned if today else False)


def some_rows(table: Table, count: int = 3) -> pl.DataFrame:
    """So many rows of a table, a day apart: every column has a value, in the last row only where it may not be null."""
    columns = {
        column.name: [None if column.null and n == count - 1 else _value(column, n) for n in range(count)]
        for column in table.columns
    }
    return pl.DataFrame(columns, schema=table.schema)


def _value(column: Column, n: int) -> object:
    values: dict[pl.DataType, object] = {
        TEXT: f"^ÄÖ{n:05d}", PRICE: n / 3, COUNT: 2**53 + n, FLAG: n % 2 == 0,
        DAY: date(2019, 2, 15) + timedelta(days=n), MOMENT: NOON + timedelta(days=n),
    }  # fmt: skip
    return values[column.dtype]


def make_earlier(warehouse: Warehouse, version: int) -> dict[str, pl.DataFrame]:
    """Give an empty warehouse the tables of an earlier version, with rows in each; these rows, by table."""
    old = tables_of(version)
    written = {table.name: some_rows(table) for table in old if table.name != SCHEMA_VERSIONS.name}
    with warehouse.kept_open(), warehouse.write() as writer:
        stored = stored_tables(writer.layout())
        writer.migrate([Remove(table) for table in (*stored, SCHEMA_VERSIONS)])
        writer.migrate([Create(table) for table in old])
        for table in old:
            if table.name in written:
                writer.append(table, written[table.name])
            else:
                name = VERSIONS[version - 1].name
                writer.append(table, pl.DataFrame([(version, name, NOON)], schema=table.schema, orient="row"))
    return written
