"""Every statement by which an engine's tables are made and filled, pinned in a file for each engine.

A change there changes what is on every user's disk, or how it gets there: say so in the changelog. The files are made
anew with `python -m tests.warehouse.test_statements`, and read before they are committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from openingbell import tables
from openingbell.tables import ANALYTICS, OPERATIONS, RAW
from openingbell.warehouse import duckdb
from openingbell.warehouse.migrations import TODAY, Add, Drop, Remove, Retype, Step
from openingbell.warehouse.mysql import statements
from openingbell.warehouse.mysql.statements import MARIADB_COLLATION, MYSQL_COLLATION, Databases, Shape
from openingbell.warehouse.sql import name_of

FOLDER = Path(__file__).resolve().parent / "statements"
DATABASES = Databases({layer: f"openingbell_{layer}" for layer in (RAW, ANALYTICS, OPERATIONS)})

STEPS: tuple[Step, ...] = (
    Add(tables.STOCK, tables.STOCK.columns[-1]),
    Retype(tables.STOCK, tables.STOCK.columns[4]),
    Drop(tables.STOCK, "close"),
    Remove(tables.STOCK),
)
"""Of a migration, beside those that create tables."""


def of_duckdb() -> list[str]:
    return [*map(duckdb.create_statement, TODAY.tables), *map(duckdb.statement_of, STEPS)]


def of_server(collation: str) -> list[str]:
    shape, dialect = Shape(collation), DATABASES.dialect
    key = list(tables.STOCK.key)
    return [
        *statements.session(10),
        *(statements.create_database(name, shape) for name in DATABASES.names.values()),
        *(statements.create_table(table, dialect, shape) for table in TODAY.tables),
        statements.create_table(tables.BOND_RAW, dialect, Shape(collation, last_year=2002)),
        *(statements.statement_of(step, dialect, shape) for step in STEPS),
        statements.load(dialect.table(tables.QUARANTINE), map(name_of, tables.QUARANTINE.names)),
        statements.load("a.x", ('"n"', "@of"), {"of": "ELT(@of, 'a', 'b')", "same": "'c'"}),
        f"{statements.insert(dialect.table(tables.QUARANTINE), tables.QUARANTINE.names)}(…)",
        statements.stage(tables.STOCK, key, dialect, shape),
        statements.delete_staged(tables.STOCK, key, dialect),
        statements.delete_staged(tables.STOCK, ["load_id"], dialect),
        statements.drop_staged(dialect),
        statements.analyze(["a.x", "b.x"]),
        statements.clear(tables.STOCK, dialect),
        statements.symbols_there(tables.STOCK_RAW, dialect).text,
        statements.bounds(tables.STOCK_RAW, dialect, by="date").text,
        statements.bounds(tables.STOCK_RAW, dialect, by="extracted_at").text,
        statements.bounds(tables.STOCK, dialect, by="date").text,
        statements.rename([("a.x", "b.x"), ("c.x", "a.x")]),
        statements.columns_there(DATABASES.names.values()),
        statements.tables_there(DATABASES.names.values()),
        statements.databases_there(DATABASES.names.values()),
        statements.indexes_there(DATABASES.names.values()),
        statements.reindex(tables.STOCK_RAW, ["by_load"], dialect) or "",
        statements.reindex(tables.STOCK, ["b", "a"], dialect) or "",
    ]


def texts() -> dict[str, str]:
    made = {
        "duckdb": of_duckdb(),
        "mysql": of_server(MYSQL_COLLATION),
        "mariadb": of_server(MARIADB_COLLATION),
    }
    return {engine: "".join(f"{statement};\n" for statement in found) for engine, found in made.items()}


@pytest.mark.parametrize("engine", ["duckdb", "mysql", "mariadb"])
def test_the_statements_are_those_that_were_pinned(engine: str) -> None:
    assert texts()[engine] == (FOLDER / f"{engine}.sql").read_text("utf-8")


def test_indexes_that_are_as_they_should_be_are_left_alone() -> None:
    dialect = DATABASES.dialect
    assert [statements.reindex(table, statements.indexes(table), dialect) for table in TODAY.tables] == [None] * len(
        TODAY.tables
    )


def test_the_two_servers_are_told_the_same_but_for_one_word() -> None:
    made = texts()
    assert made["mysql"].replace(MYSQL_COLLATION, MARIADB_COLLATION) == made["mariadb"]


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
def test_a_table_lies_by_a_key_that_holds_its_own(table: tables.Table) -> None:
    """Or, for versions, by the bar first: the row of a file is unique whatever stands before it. No index is too long:
    InnoDB has 3,072 bytes for the columns of one, and four for a letter.
    """
    key = statements.primary_key(table)
    assert set(table.key) <= set(key)
    assert len(key) == len(set(key))
    types = [statements.type_of(table, next(c for c in table.columns if c.name == name)) for name in key]
    assert "mediumtext" not in types
    assert sum(128 * 4 if kind == statements.KEY_TEXT else 8 for kind in types) <= 3_072


if __name__ == "__main__":
    for engine, text in texts().items():
        (FOLDER / f"{engine}.sql").write_text(text, "utf-8")
