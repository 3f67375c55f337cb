"""A table in pieces: whole days of its order column, so that tables of any size pass through little memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from openingbell.errors import WarehouseError
from openingbell.tables import Table
from openingbell.warehouse.migrations import stored_tables
from openingbell.warehouse.protocol import Reader

PIECE_ROWS = 500_000
"""Rows of a piece at the most, if no day has more: some 150 MB of the widest table."""


@dataclass(frozen=True)
class Piece:
    """The rows of some days, both ends included; of all, where the ends are None."""

    first: date | None = None
    last: date | None = None

    def read(self, reader: Reader, table: Table) -> pl.DataFrame:
        """Its rows."""
        return reader.read(table, first=self.first, last=self.last)


def pieces_of(reader: Reader, table: Table, most: int = PIECE_ROWS) -> list[Piece]:
    """Pieces that are the whole table, none of them of more than `most` rows unless a day is.

    A table whose rows are of no days is one piece: such tables are small.
    """
    return cut(reader.days(table), most) if table.is_dated else [Piece()]


def cut(days: pl.DataFrame, most: int) -> list[Piece]:
    """Days with their rows (`day`, `rows`; as `Reader.days` gives them), as pieces in order. Pure."""
    found: list[Piece] = []
    first: date | None = None
    last: date | None = None
    held = 0
    for day, rows in days.iter_rows():
        if first is not None and held + rows > most:
            found.append(Piece(first, last))
            first, held = None, 0
        first, last, held = first or day, day, held + rows
    return [*found, Piece(first, last)] if first is not None else found


def rows_held(reader: Reader) -> dict[str, int]:
    """The rows of each table that this program or an earlier one made, by its name."""
    return {table.name: reader.count(table) for table in stored_tables(reader.layout())}


def require_all(table: Table, found: int, rows: int) -> None:
    """Refuse to have found less, or more, than the rows of a table.

    Raises:
        WarehouseError: so it is.
    """
    if found != rows:
        raise WarehouseError(
            f"asked for all {rows:,} rows of {table.name}; found {found:,}; nothing may be left out; what was begun is "
            "not used; try again, and report it when it happens twice"
        )
