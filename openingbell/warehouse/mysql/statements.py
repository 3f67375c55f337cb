"""What the server is told about databases, tables, loads and deletions: what MySQL 8.4 and MariaDB 10.11 both accept.
Pure.

A big table lies in the order in which it is read and loaded: symbol, then time, then the rest of its key. A second
index finds the rows of a day among those of all symbols. Raw tables have none: versions of a day are asked for by
symbol, and each further index makes a load half as long again. Text is compared byte by byte and with its trailing
blanks; the one word in which the two servers differ is the name of that collation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from openingbell.tables import OPERATIONS, RAW, TYPES, Column, Table
from openingbell.warehouse import sql
from openingbell.warehouse.migrations import Add, Create, Drop, Remove, Retype, Step
from openingbell.warehouse.sql import Dialect, Statement, name_of

MYSQL_COLLATION, MARIADB_COLLATION = "utf8mb4_0900_bin", "utf8mb4_nopad_bin"
KEY_TEXT = "varchar(128)"
"""Four of them fit into an index."""
SQL_TYPES: dict[pl.DataType, str] = {
    pl.String(): "mediumtext",
    pl.Float64(): "double",
    pl.Int64(): "bigint",
    pl.Boolean(): "tinyint(1)",
    pl.Date(): "date",
    pl.Datetime("us"): "datetime(6)",
}
TYPES_HERE = {KEY_TEXT: TYPES[pl.String()], **{text: TYPES[dtype] for dtype, text in SQL_TYPES.items()}}
STAGED = "openingbell_keys"
SQL_MODE = (
    "ANSI_QUOTES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY,"
    "STRICT_ALL_TABLES"
)
PATIENCE_SECONDS = 600
"""How long the server waits for us while rows are sent, in either direction."""
IDLE_SECONDS = 28_800
"""How long it waits for the next statement, while rows are computed: as long as by default, where it is set to less."""
REBUILD, BROKEN = "_rebuild", "_broken"
"""What is behind the names of databases beside the warehouse's own: one that is built, and one that was set aside."""


@dataclass(frozen=True)
class Shape:
    """How tables are made: the collation of text; the last year that has a partition of its own, None for none."""

    collation: str = MARIADB_COLLATION
    last_year: int | None = None


def session(lock_seconds: float) -> list[str]:
    """What every connection begins with."""
    seconds = max(1, round(lock_seconds))
    settings = {
        "sql_mode": f"'{SQL_MODE}'",
        "time_zone": "'+00:00'",
        "lock_wait_timeout": seconds,
        "innodb_lock_wait_timeout": seconds,
        "net_read_timeout": PATIENCE_SECONDS,
        "net_write_timeout": PATIENCE_SECONDS,
        "wait_timeout": IDLE_SECONDS,
    }
    return [
        f"SET {', '.join(f'SESSION {name} = {value}' for name, value in settings.items())}",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    ]


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns by which the rows of a table lie."""
    if table.layer == OPERATIONS:
        return table.key
    leading = [name for name in ("symbol", table.order) if name in table.names]
    return tuple(dict.fromkeys([*leading, *table.key]))


def indexes(table: Table) -> dict[str, str]:
    """The further indexes of a table: the column of each, by name."""
    is_cross = table.layer != RAW and table.is_dated and primary_key(table)[0] != table.order
    return {"by_time": table.order} if is_cross else {}


def reindex(table: Table, there: Collection[str], dialect: Dialect) -> str | None:
    """The DDL that gives a table the further indexes it has today, where those that are there are others."""
    wanted = indexes(table)
    changes = [
        *(f"DROP INDEX {name}" for name in sorted(set(there) - wanted.keys())),
        *(f"ADD INDEX {name} ({name_of(column)})" for name, column in wanted.items() if name not in there),
    ]
    return f"ALTER TABLE {dialect.table(table)} {', '.join(changes)}" if changes else None


def type_of(table: Table, column: Column) -> str:
    """The type of a column."""
    if column.dtype == pl.String() and column.name in {*primary_key(table), *indexes(table).values()}:
        return KEY_TEXT
    return SQL_TYPES[column.dtype]


def plain(kind: str) -> str:
    """What a column's type is called in the project; a type that no table has keeps the server's word for it."""
    told = re.sub(r"^bigint\(\d+\)$", "bigint", kind.lower())  # only one of the two servers tells the width
    return TYPES_HERE.get(told, told)


def create_database(name: str, shape: Shape) -> str:
    """The DDL of a database."""
    return f"CREATE DATABASE {name} DEFAULT CHARACTER SET utf8mb4 DEFAULT COLLATE {shape.collation}"


def create_table(table: Table, dialect: Dialect, shape: Shape) -> str:
    """The DDL of one table."""
    lines = [
        *(_column(table, column) for column in table.columns),
        f"PRIMARY KEY ({_names(primary_key(table))})",
        *(f"KEY {name} ({name_of(column)})" for name, column in indexes(table).items()),
    ]
    return (
        f"CREATE TABLE {dialect.table(table)} ({', '.join(lines)}) ENGINE = InnoDB ROW_FORMAT = DYNAMIC "
        f"DEFAULT CHARACTER SET = utf8mb4 COLLATE = {shape.collation}{_partitions(table, shape)}"
    )


def statement_of(step: Step, dialect: Dialect, shape: Shape) -> str:
    """The DDL of one step of a migration."""
    change = f"ALTER TABLE {dialect.table(step.table)}"
    match step:
        case Create(table):
            return create_table(table, dialect, shape)
        case Add(table, column):
            return f"{change} ADD COLUMN {_column(table, column)}"
        case Retype(table, column):
            return f"{change} MODIFY COLUMN {_column(table, column)}"
        case Drop(_, name):
            return f"{change} DROP COLUMN {name_of(name)}"
        case Remove(table):
            return f"DROP TABLE {dialect.table(table)}"


def _column(table: Table, column: Column) -> str:
    return f"{name_of(column.name)} {type_of(table, column)}{'' if column.null else ' NOT NULL'}"


FIRST_YEAR = 2000


def _partitions(table: Table, shape: Shape) -> str:
    """A partition for each year of a raw table, one for all before and one for all after."""
    if shape.last_year is None or table.layer != RAW or not table.is_dated:
        return ""
    years = range(FIRST_YEAR, shape.last_year + 1)
    parts = [
        f"PARTITION before_{FIRST_YEAR} VALUES LESS THAN ('{FIRST_YEAR}-01-01')",
        *(f"PARTITION of_{year} VALUES LESS THAN ('{year + 1}-01-01')" for year in years),
        "PARTITION later VALUES LESS THAN (MAXVALUE)",
    ]
    return f" PARTITION BY RANGE COLUMNS ({name_of(table.order)}) ({', '.join(parts)})"


def lies_by_symbol(table: Table, by: str) -> bool:
    """Whether rows lie by symbol, then by the column."""
    return primary_key(table)[:2] == ("symbol", by)


def is_found_by_symbol(table: Table, by: str) -> bool:
    """Whether the rows with some values of a column are found symbol by symbol alone: they lie so, and no index is by
    the column. Without symbols the server looks at all rows.
    """
    return lies_by_symbol(table, by) and by not in indexes(table).values()


def symbols_there(table: Table, dialect: Dialect) -> Statement:
    """The symbols that a table has rows of; only the first row of each is looked at."""
    return Statement(f"SELECT DISTINCT symbol FROM {dialect.table(table)}")


def bounds(table: Table, dialect: Dialect, *, by: str) -> Statement:
    """The least and the greatest value of a column: of the ends of each symbol, where they are found so."""
    if not is_found_by_symbol(table, by):
        return sql.bounds(table, dialect, by=by)
    order = name_of(by)
    ends = f"SELECT min({order}) AS least, max({order}) AS greatest FROM {dialect.table(table)} GROUP BY symbol"
    return Statement(f"SELECT min(least) AS least, max(greatest) AS greatest FROM ({ends}) AS of_symbols")


def analyze(targets: Iterable[str]) -> str:
    """Have the server count anew how many rows and keys tables have, by which it chooses its ways."""
    return f"ANALYZE NO_WRITE_TO_BINLOG TABLE {', '.join(targets)}"


def load(target: str, fields: Iterable[str], given: Mapping[str, str] | None = None) -> str:
    """The load of lines, see `encode.Lines`. The name of the file is not looked at by either side. Text is taken byte
    for byte: it is UTF-8, as tables hold it.
    """
    expressions = [f"{name_of(name)} = {expression}" for name, expression in (given or {}).items()]
    return (
        f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {target} CHARACTER SET binary FIELDS TERMINATED BY '\\t' "
        f"ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({', '.join(fields)})"
        f"{' SET ' if expressions else ''}{', '.join(expressions)}"
    )


def insert(target: str, columns: Sequence[str]) -> str:
    """The beginning of an insertion; rows in brackets follow."""
    return f"INSERT INTO {target} ({_names(columns)}) VALUES "


def stage(table: Table, columns: Sequence[str], dialect: Dialect, shape: Shape) -> str:
    """A table of keys that only this connection sees, and that goes with it."""
    types = [f"{name_of(name)} {_key_type(table, name)} NOT NULL" for name in columns]
    return (
        f"CREATE TEMPORARY TABLE {staged(dialect)} ({', '.join(types)}, PRIMARY KEY ({_names(columns)})) "
        f"ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = {shape.collation}"
    )


def staged(dialect: Dialect) -> str:
    """The name of the table of keys."""
    return f"{dialect.layers[OPERATIONS]}.{STAGED}"


def _key_type(table: Table, name: str) -> str:
    column = next(column for column in table.columns if column.name == name)
    return KEY_TEXT if column.dtype == pl.String() else SQL_TYPES[column.dtype]


def delete_staged(table: Table, columns: Sequence[str], dialect: Dialect) -> str:
    """Delete the rows that have one of the keys; beginning with the keys where the rows lie in their order."""
    join = "STRAIGHT_JOIN" if primary_key(table)[0] in columns else "JOIN"
    same = " AND ".join(f"stored.{name_of(name)} = incoming.{name_of(name)}" for name in columns)
    return f"DELETE stored FROM {staged(dialect)} AS incoming {join} {dialect.table(table)} AS stored ON {same}"


def drop_staged(dialect: Dialect) -> str:
    """Remove the table of keys."""
    return f"DROP TEMPORARY TABLE {staged(dialect)}"


def clear(table: Table, dialect: Dialect) -> str:
    """Delete all rows, in the transaction."""
    return f"DELETE FROM {dialect.table(table)}"


def rename(moves: Iterable[tuple[str, str]]) -> str:
    """Move tables, all in one step."""
    return f"RENAME TABLE {', '.join(f'{old} TO {new}' for old, new in moves)}"


def columns_there(databases: Iterable[str]) -> str:
    """Every column of every table of these databases."""
    return (
        "SELECT table_schema AS place, table_name AS name, column_name AS col, column_type AS kind "
        f"FROM information_schema.columns WHERE table_schema IN ({_texts(databases)}) ORDER BY ordinal_position"
    )


def tables_there(databases: Iterable[str]) -> str:
    """Every table of these databases."""
    return (
        "SELECT table_schema AS place, table_name AS name FROM information_schema.tables "
        f"WHERE table_schema IN ({_texts(databases)})"
    )


def indexes_there(databases: Iterable[str]) -> str:
    """Every further index of every table of these databases."""
    return (
        "SELECT DISTINCT table_schema AS place, table_name AS name, index_name AS idx FROM "
        f"information_schema.statistics WHERE table_schema IN ({_texts(databases)}) AND index_name <> 'PRIMARY'"
    )


def databases_there(databases: Iterable[str]) -> str:
    """Which of these databases there are."""
    return f"SELECT schema_name AS place FROM information_schema.schemata WHERE schema_name IN ({_texts(databases)})"


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(name_of, columns))


@dataclass(frozen=True)
class Address:
    """Where a server is, and who asks. `ca` is the file of the certificates by which it is verified."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca: str = ""


@dataclass(frozen=True)
class Databases:
    """The databases of one warehouse: the name of each layer's."""

    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """How its tables are called."""
        return Dialect(self.names)

    def beside(self, behind: str) -> Databases:
        """The databases of another warehouse beside this one."""
        return Databases({layer: name + behind for layer, name in self.names.items()})

    @property
    def layers(self) -> dict[str, str]:
        """The layer of each database."""
        return {name: layer for layer, name in self.names.items()}
