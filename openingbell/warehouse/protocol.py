"""What a warehouse can do. One file per engine implements it; one conformance suite holds for all.

Readers and writers are short: open, work, close. A write is one transaction; it commits when its block ends and leaves
nothing behind when the block raises or the process dies. What a newer program made is refused (`SchemaTooNew`) by
all of them: see `upgrade.require_known`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol, Self

import polars as pl

from openingbell.tables import Layout, Table

if TYPE_CHECKING:
    from openingbell.warehouse.migrations import Step


class Reader(Protocol):
    """Reads inside one consistent state of the warehouse."""

    def read(
        self,
        table: Table,
        *,
        columns: Sequence[str] | None = None,
        symbols: Collection[str] | None = None,
        first: date | datetime | None = None,
        last: date | datetime | None = None,
        extracted_by: datetime | None = None,
    ) -> pl.DataFrame:
        """Rows of `table` with its columns and types, in no particular order.

        Args:
            table: what to read.
            columns: only these columns.
            symbols: only these symbols.
            first: only rows whose order column is at least this; a date means its first moment.
            last: only rows whose order column is at most this; a date means its last moment.
            extracted_by: only rows of answers that had been received by then (UTC).
        """
        ...

    def latest(
        self,
        table: Table,
        *,
        symbols: Collection[str] | None = None,
        first: date | datetime | None = None,
        last: date | datetime | None = None,
        as_of: datetime | None = None,
    ) -> pl.DataFrame:
        """The current version of every bar of a raw table, as `versions.current` returns it.

        With `as_of` (UTC) only what had been extracted by then counts.
        """
        ...

    def count(self, table: Table) -> int:
        """Number of rows."""
        ...

    def spans(self, table: Table, *, symbols: Collection[str] | None = None, by_class: bool = False) -> pl.DataFrame:
        """Where the rows of each symbol begin and end: symbol, then `first` and `last` in the type of the table's order
        column; one row a symbol that has any, in no particular order.

        Args:
            table: the table.
            symbols: only these symbols.
            by_class: one row for each asset class and symbol, with `asset_class` before it, where the table has it.
                A server then looks at all rows, else at the ends alone.
        """
        ...

    def bounds(self, table: Table, *, by: str | None = None) -> tuple[date, date] | None:
        """The least and the greatest value of a column (the table's order column), None when there are no rows."""
        ...

    def days(self, table: Table) -> pl.DataFrame:
        """Rows of each day of a dated table's order column that has any: `day` (date), `rows` (int64), by day."""
        ...

    def layout(self) -> Layout:
        """The tables of the three layers that are there, with their columns."""
        ...


class Writer(Reader, Protocol):
    """One transaction."""

    def migrate(self, steps: Sequence[Step]) -> None:
        """Change tables. Where the engine can, this belongs to the transaction; else each step is done when it is."""
        ...

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows."""
        ...

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Put rows in the place of those with the same keys."""
        ...

    def clear(self, table: Table) -> None:
        """Delete all rows."""
        ...

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """Delete the rows that have the values of `keys` in the columns of `keys`."""
        ...


class Warehouse(Protocol):
    """One warehouse: three layers of tables in one place."""

    place: str

    def setup(self, *, losing: bool = False) -> None:
        """Create what is missing, and bring what an earlier version made up to this one: see `upgrade`.

        Args:
            losing: whether what this version has no place for may be lost: for who has a backup of it.

        Raises:
            SchemaTooNew: a newer program made the tables.
            BackupNeeded: something would be lost.
            WarehouseError: the tables are not those of any version of this program.
        """
        ...

    def exists(self) -> bool:
        """Whether there is a warehouse at its place."""
        ...

    def remarks(self) -> list[str]:
        """What is worth telling of how it was worked with, in words."""
        ...

    def damage(self) -> str:
        """What makes it unreadable, in the engine's words; empty when nothing does, or there is none. Reads all of it.

        Raises:
            WarehouseLocked: another process holds it.
        """
        ...

    def set_aside(self) -> str:
        """Give its place free without deleting anything; returns where all of it is now."""
        ...

    def beside(self) -> Warehouse:
        """Another warehouse of the same kind, beside this one; nothing is opened yet."""
        ...

    def delete(self) -> None:
        """Remove the warehouse and all that is in it; nothing happens when there is none."""
        ...

    def take_place_of(self, other: Self) -> None:
        """Become what `other` was: its place holds this warehouse from now on, this place holds none."""
        ...

    def kept_open(self) -> AbstractContextManager[None]:
        """Between its reads and writes the warehouse stays at hand while the block runs: for several in a row."""
        ...

    def abreast(self) -> AbstractContextManager[int]:
        """Gives how many threads of this process may write at once while the block runs, each its own rows. Where they
        are several, no other process writes.
        """
        ...

    def read(self) -> AbstractContextManager[Reader]:
        """A consistent state to read from."""
        ...

    def write(self) -> AbstractContextManager[Writer]:
        """One transaction to write in."""
        ...

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """The answer to a query that reads; table names need no layer.

        Raises:
            QueryError: the SQL is wrong, or wants to write.
        """
        ...
