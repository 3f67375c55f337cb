"""The embedded warehouse: one DuckDB file with a schema for each layer. The only module that imports duckdb.

DuckDB lets one process write or many read. Connections are therefore opened for one short piece of work and closed
again, and opening waits for a while when another process is at work. Big tables have no primary key (loading takes
four times as long with one): uniqueness is kept by `replace` and by `versions`, and proved by tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from openingbell.clock import Clock
from openingbell.errors import WarehouseError, WarehouseLocked
from openingbell.tables import ANALYTICS, OPERATIONS, RAW, TYPES, Column, Layout, Table
from openingbell.warehouse import upgrade
from openingbell.warehouse.migrations import Add, Create, Drop, Remove, Retype, Step
from openingbell.warehouse.reading import Reading
from openingbell.warehouse.sql import DUCKDB, Statement, name_of, refused

SQL_TYPES: dict[pl.DataType, str] = {
    pl.String(): "VARCHAR",
    pl.Float64(): "DOUBLE",
    pl.Int64(): "BIGINT",
    pl.Boolean(): "BOOLEAN",
    pl.Date(): "DATE",
    pl.Datetime("us"): "TIMESTAMP",
}
TYPES_HERE = {text: TYPES[dtype] for dtype, text in SQL_TYPES.items()}
LAYERS = (RAW, ANALYTICS, OPERATIONS)
CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
MEMORY_MB = 2_048
READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI}
"""Statements that `query` runs; MULTI is what PIVOT is made of."""
HELD = ("Could not set lock on file", "used by another process", "different configuration than existing connections")
"""What DuckDB says when others have the file open: on POSIX, on Windows, and inside this process."""
DAMAGED = ("not a valid DuckDB database file", "Corrupt database file", "Could not read enough bytes")
"""What DuckDB says of a file that is no warehouse, or no longer one."""
INTERRUPTED = ("KeyboardInterrupt", "Query interrupted", "Interrupted!")
"""What DuckDB says of Ctrl-C, depending on where it comes."""
POLL_SECONDS = 0.1


def create_statement(table: Table) -> str:
    """The DDL of one table."""
    return f"CREATE TABLE {DUCKDB.table(table)} ({', '.join(map(_column, table.columns))})"


def statement_of(step: Step) -> str:
    """The DDL of one step of a migration."""
    match step:
        case Create(table):
            return create_statement(table)
        case Add(table, column):
            return f"ALTER TABLE {DUCKDB.table(table)} ADD COLUMN {_column(column)}"
        case Retype(table, column):
            return f"ALTER TABLE {DUCKDB.table(table)} ALTER {name_of(column.name)} TYPE {SQL_TYPES[column.dtype]}"
        case Drop(table, name):
            return f"ALTER TABLE {DUCKDB.table(table)} DROP COLUMN {name_of(name)}"
        case Remove(table):
            return f"DROP TABLE {DUCKDB.table(table)}"


def _column(column: Column) -> str:
    return f"{name_of(column.name)} {SQL_TYPES[column.dtype]}{'' if column.null else ' NOT NULL'}"


class DuckDBReader(Reading):
    """Reads in one transaction."""

    dialect = DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def layout(self) -> Layout:
        """See `protocol.Reader`."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for layer, table, column, engines in self._connection.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name IN (?, ?, ?) ORDER BY table_oid, column_index", LAYERS
        ).fetchall():  # fmt: skip
            found.setdefault((layer, table), {})[column] = TYPES_HERE.get(engines, engines)
        return found

    def _frame(self, statement: Statement) -> pl.DataFrame:
        frame: pl.DataFrame = self._connection.sql(statement.text, params=list(statement.parameters)).pl()
        return frame


class DuckDBWriter(DuckDBReader):
    """Reads and writes in one transaction."""

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """See `protocol.Writer`. Analytics go in by time, so that a read of a range touches little of the file; raw
        rows as their files have them, which keeps both the time and the symbols of neighbours together.
        """
        if rows.is_empty():
            return
        columns = ", ".join(name_of(name) for name in table.names)
        ordered = table.conform(rows)
        if not table.versioned:
            ordered = ordered.sort(table.order, maintain_order=True)
        self._run(f"INSERT INTO {DUCKDB.table(table)} ({columns}) SELECT {columns} FROM incoming", incoming=ordered)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        self.remove(table, rows.select(table.key))
        self.append(table, rows)

    def clear(self, table: Table) -> None:
        """See `protocol.Writer`."""
        self._run(f"DELETE FROM {DUCKDB.table(table)}")

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        if keys.is_empty():
            return
        same = [f"stored.{name_of(n)} = incoming.{name_of(n)}" for n in keys.columns]
        bounds: list[object] = []
        if table.order in keys.columns:  # DuckDB skips what lies outside of the range without looking at it
            same.append(f"stored.{name_of(table.order)} BETWEEN ? AND ?")
            bounds = [keys[table.order].min(), keys[table.order].max()]
        statement = f"DELETE FROM {DUCKDB.table(table)} AS stored USING incoming WHERE {' AND '.join(same)}"
        self._run(statement, bounds, incoming=keys.unique())

    def migrate(self, steps: Sequence[Step]) -> None:
        """See `protocol.Writer`."""
        for step in steps:
            self._run(statement_of(step))

    def _run(
        self,
        text: str,
        parameters: Sequence[object] = (),
        incoming: pl.DataFrame | None = None,  # noqa: ARG002  DuckDB finds the frame by its name
    ) -> None:
        """Run a statement, which may read from `incoming`. A registered frame would stay in memory until the commit."""
        self._connection.execute(text, list(parameters)).fetchall()


class DuckDBWarehouse:
    """One file."""

    def __init__(self, path: Path, *, clock: Clock, wait_seconds: float, memory_mb: int = MEMORY_MB) -> None:
        self.path = path
        self.place = str(path)
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._memory_mb = memory_mb
        self._config = CONFIG | {"memory_limit": f"{memory_mb}MB"}
        self._is_set_up = False
        self._is_known = False
        self._kept: duckdb.DuckDBPyConnection | None = None

    def exists(self) -> bool:
        """See `protocol.Warehouse`."""
        return self.path.exists()

    def remarks(self) -> list[str]:
        """See `protocol.Warehouse`."""
        return []

    def setup(self, *, losing: bool = False) -> None:
        """See `protocol.Warehouse`."""
        if self._is_set_up and self.path.exists():
            return
        if self.path.exists():
            upgrade.bring_up(self, self._clock.now(), losing=losing)
        else:
            self._create()
        self._is_set_up = True

    def _create(self) -> None:
        """Make the file aside and put it into place whole, so that a full disk or a kill leaves no half of one."""
        aside = DuckDBWarehouse(self.path.with_name(f"{self.path.name}.new"), clock=self._clock, wait_seconds=0)
        aside.delete()
        aside.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside._connection(read_only=False) as connection:
                for layer in LAYERS:
                    connection.execute(f"CREATE SCHEMA {layer}").fetchall()
                upgrade.create(DuckDBWriter(connection), self._clock.now())
        except WarehouseError:
            aside.delete()
            raise
        aside.take_place_of(self)

    def delete(self) -> None:
        """See `protocol.Warehouse`."""
        for path in (self.path, _log_of(self.path)):
            path.unlink(missing_ok=True)

    def damage(self) -> str:
        """See `protocol.Warehouse`."""
        if not self.path.exists():
            return ""
        try:
            with self._connection(read_only=True) as connection:
                for layer, name in connection.sql(
                    "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
                ).fetchall():
                    stored = f"{name_of(layer)}.{name_of(name)}"
                    connection.execute(f"SELECT max(hash(stored)) FROM {stored} AS stored").fetchall()
        except WarehouseError as error:
            if _is_damage(error.__cause__):
                return str(error.__cause__)
            raise
        return ""

    def set_aside(self) -> str:
        """See `protocol.Warehouse`. The file is renamed."""
        aside, number = self.path.with_name(f"{self.path.name}.broken"), 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.broken{number}")
        if _log_of(self.path).exists():
            _log_of(self.path).replace(_log_of(aside))
        return str(self.path.rename(aside))

    def beside(self) -> DuckDBWarehouse:
        """See `protocol.Warehouse`."""
        return DuckDBWarehouse(
            self.path.with_name(f"{self.path.stem}.rebuild{self.path.suffix}"),
            clock=self._clock,
            wait_seconds=self._wait_seconds,
            memory_mb=self._memory_mb,
        )

    def take_place_of(self, other: DuckDBWarehouse) -> None:
        """See `protocol.Warehouse`."""
        _log_of(other.path).unlink(missing_ok=True)
        self.path.replace(other.path)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """See `protocol.Warehouse`."""
        self.setup()
        kept = self._open(read_only=False)
        self._kept = kept
        try:
            yield
        finally:
            self._kept = None
            kept.close()

    def abreast(self) -> AbstractContextManager[int]:
        """See `protocol.Warehouse`. DuckDB has many threads for one transaction."""
        return nullcontext(1)

    @contextmanager
    def read(self) -> Iterator[DuckDBReader]:
        """See `protocol.Warehouse`."""
        with self._connection(read_only=True) as connection:
            connection.execute("BEGIN TRANSACTION").fetchall()
            reader = DuckDBReader(connection)
            self._require_known(reader)
            yield reader

    @contextmanager
    def write(self) -> Iterator[DuckDBWriter]:
        """See `protocol.Warehouse`."""
        with self._connection(read_only=False) as connection:
            connection.execute("BEGIN TRANSACTION").fetchall()
            writer = DuckDBWriter(connection)
            self._require_known(writer)
            yield writer
            connection.execute("COMMIT").fetchall()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """See `protocol.Warehouse`."""
        with self._connection(read_only=True) as connection:
            self._require_known(DuckDBReader(connection))
            connection.execute("SET search_path = 'analytics,raw,operations'").fetchall()
            connection.execute("SET enable_external_access = false").fetchall()
            connection.execute("SET lock_configuration = true").fetchall()
            try:
                kinds = [statement.type for statement in connection.extract_statements(sql)]
                if len(kinds) != 1 or kinds[0] not in READING:
                    found = ", ".join(kind.name for kind in kinds) or "no statement"
                    raise duckdb.InvalidInputException(f"found {found}, one statement that reads is allowed")
                with _interruptible():
                    frame: pl.DataFrame = _showable(connection.sql(sql, params=list(parameters))).pl()
            except (duckdb.Error, pl.exceptions.PolarsError) as error:
                if _is_damage(error):
                    raise
                raise refused(sql, str(error)) from error
        return frame

    def _require_known(self, reader: DuckDBReader) -> None:
        """Refuse what a newer program made; looked at once."""
        if not self._is_known:
            upgrade.require_known(reader, self.place)
            self._is_known = True

    @contextmanager
    def _connection(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._kept.cursor() if self._kept else self._open(read_only=read_only)
        try:
            with _interruptible():
                yield connection
        except duckdb.Error as error:
            if _is_damage(error):
                raise self._damaged(error) from error
            raise WarehouseError(
                f"asked to use the warehouse {self.place}; the engine says: {error}; the warehouse is as it was "
                "before; what has landed waits for the next run"
            ) from error
        finally:
            connection.close()

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        if read_only and not self.path.exists():
            raise WarehouseError(
                f"asked to read the warehouse {self.place}; there is none yet; fill it with `bell full`, or create it "
                "empty with `bell setup`"
            )
        until = self._clock.now() + timedelta(seconds=self._wait_seconds)
        while True:
            try:
                with _interruptible():
                    return duckdb.connect(str(self.path), read_only=read_only, config=self._config)
            except duckdb.Error as error:
                if _is_damage(error):
                    raise self._damaged(error) from error
                if not any(mark in str(error) for mark in HELD):
                    raise WarehouseError(f"asked to open the warehouse {self.place}; found: {error}") from error
                if self._clock.now() >= until:
                    raise WarehouseLocked(
                        f"asked to open the warehouse {self.place}; {_holder(str(error))} holds it and did not let go "
                        f"within {self._wait_seconds:g} s; what has landed waits for the next run; close the other "
                        "program, or raise warehouse_wait_seconds"
                    ) from error
                self._clock.wait(POLL_SECONDS)

    def _damaged(self, error: duckdb.Error) -> WarehouseError:
        return WarehouseError(
            f"asked to open the warehouse {self.place}; found: {error}; a warehouse is a whole DuckDB file; run "
            "`bell rebuild`: it sets this one aside and builds a new one from the landed files"
        )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C is what it was, whatever error DuckDB makes of it."""
    try:
        yield
    except (duckdb.InvalidInputException, duckdb.InterruptException, RuntimeError) as error:
        if any(mark in str(error) for mark in INTERRUPTED):
            raise KeyboardInterrupt from error
        raise


def _showable(answer: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The answer with intervals as text: Polars has no type for them."""
    if not any("INTERVAL" in str(dtype) for dtype in answer.types):
        return answer
    columns = [
        f"{f'CAST(#{place} AS VARCHAR)' if 'INTERVAL' in str(dtype) else f'#{place}'} AS {name_of(name)}"
        for place, (name, dtype) in enumerate(zip(answer.columns, answer.types, strict=True), 1)
    ]
    return answer.project(", ".join(columns))


def _is_damage(error: BaseException | None) -> bool:
    return isinstance(error, duckdb.Error) and any(mark in str(error) for mark in DAMAGED)


def _log_of(path: Path) -> Path:
    """DuckDB's write-ahead log; it is empty and gone once the file was closed well."""
    return path.with_name(f"{path.name}.wal")


def _holder(message: str) -> str:
    """The part of DuckDB's message that names the other process."""
    if HELD[-1] in message:
        return "other work in this process"
    _, found, rest = message.partition("held in ")
    return rest.split(". ")[0].split("See also")[0].strip().rstrip(".") if found else "another process"
