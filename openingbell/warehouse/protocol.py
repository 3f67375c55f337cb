"""What a warehouse can do. One file per engine implements it; one conformance suite holds for all.

Readers and writers are short: open, work, close. A write is one transaction; it commits when its block ends and leaves
nothing behind when the block raises or the process dies.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol, Self

import polars as pl

from openingbell.tables import Table


class Reader(Protocol):
    """Reads inside one consistent state of the warehouse."""

    def read(
        self,
        table: Table,
        *,
        symbols: Collection[str] | None = None,
        first: date | datetime | None = None,
        last: date | datetime | None = None,
        loads: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of `table` with its columns and types, in no particular order.

        Args:
            table: what to read.
            symbols: only these symbols.
            first: only rows whose order column is at least this; a date means its first moment.
            last: only rows whose order column is at most this; a date means its last moment.
            loads: only rows of these landed files.
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

    def neighbour(self, table: Table, day: date, *, symbols: Collection[str], count: int) -> date | None:
        """The day on which lies the `count`-th row after `day` (before it, when `count` is negative) of the symbol that
        has to go furthest for it; a symbol with fewer rows goes to its last (first) one. None when no symbol has one.

        Reading as far as the returned day gives each symbol at least `count` further rows, or all that it has.
        """
        ...


class Writer(Reader, Protocol):
    """One transaction."""

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows."""
        ...

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Put rows in the place of those with the same keys."""
        ...

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """Delete the rows that have the values of `keys` in the columns of `keys`."""
        ...


class Warehouse(Protocol):
    """One warehouse: three layers of tables in one place."""

    place: str

    def setup(self) -> None:
        """Create what is missing; change nothing that is there.

        Raises:
            WarehouseError: the warehouse has tables of another version of this program.
        """
        ...

    def exists(self) -> bool:
        """Whether there is a warehouse at its place."""
        ...

    def delete(self) -> None:
        """Remove the warehouse and all that is in it; nothing happens when there is none."""
        ...

    def take_place_of(self, other: Self) -> None:
        """Become what `other` was: its place holds this warehouse from now on, this place holds none."""
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
