"""`bell copy`: the warehouse of a home into a place of another engine, or of the same, compared value by value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openingbell.environment import read_settings
from openingbell.errors import UsageError, WarehouseError
from openingbell.operations.entry import Wish, entered
from openingbell.operations.keeping.anew import anew, require_empty
from openingbell.operations.keeping.backup import patient
from openingbell.operations.rebuild import Difference, difference
from openingbell.progress import Progress
from openingbell.tables import BY_NAME, Table
from openingbell.warehouse.connect import connect
from openingbell.warehouse.migrations import carried, stored_tables
from openingbell.warehouse.pieces import PIECE_ROWS, pieces_of, require_all
from openingbell.warehouse.protocol import Reader, Warehouse


def run(wish: Wish, url: str, progress: Progress, *, over: bool) -> list[Difference]:
    """Copy the warehouse of a home.

    Args:
        wish: which home.
        url: where to, as the setting `warehouse_url` says it.
        progress: told the rows of each table.
        over: whether a warehouse there that holds rows may be replaced.

    Returns:
        Every table, with its rows here and there.

    Raises:
        UsageError: the URL is none, or the home's own, or the warehouse there holds rows.
        WarehouseError: one of the two cannot be used, or the copy does not say the same: then it is not kept.
    """
    with entered(wish) as (home, pipeline):
        source = connect(patient(pipeline.settings), home.root, pipeline.clock)
        target = connect(read_settings(home.root, warehouse_url=url), home.root, pipeline.clock)
        if not url or Path(source.place).resolve() == Path(target.place).resolve():
            raise UsageError(
                f"asked to copy the warehouse {source.place} to itself; a copy has another place; say the URL of "
                "one, such as duckdb:///PATH"
            )
        if not over:
            require_empty(target, asked=f"to copy {source.place} there")
        return copy(source, target, progress)


def copy(source: Warehouse, target: Warehouse, progress: Progress, *, piece_rows: int = PIECE_ROWS) -> list[Difference]:
    """Fill a warehouse with what another holds, also one of an earlier version, and put it into the place of `target`.

    Raises:
        WarehouseError: one of the two cannot be used, or they differ; `target` is as it was.
    """
    with source.read() as reader, anew(target) as second:
        compared = [
            _copy(reader, table, second, BY_NAME[table.name], progress, piece_rows)
            for table in stored_tables(reader.layout())
            if table.name in BY_NAME
        ]
        _require_equal(compared, target.place)
    return compared


def _copy(
    reader: Reader, stored: Table, second: Warehouse, table: Table, progress: Progress, piece_rows: int
) -> Difference:
    """Write a table piece by piece, each compared with what is read back."""
    found = Difference(table.name, 0, 0, 0, 0)
    rows = reader.count(stored)
    for piece in pieces_of(reader, stored, piece_rows):
        here = carried(piece.read(reader, stored), table)
        with second.write() as writer:
            writer.append(table, here)
        with second.read() as other:
            found += difference(table, here, piece.read(other, table))
        progress(table.name, found.rows, rows)
    require_all(table, found.rows, rows)
    with second.read() as other:
        require_all(table, found.rebuilt_rows, other.count(table))
    return found


def _require_equal(compared: Sequence[Difference], place: str) -> None:
    if differing := [one for one in compared if not one.equal]:
        first = differing[0]
        raise WarehouseError(
            f"asked to copy to {place}; {len(differing)} tables differ there, the first is {first.table}: of "
            f"{first.rows:,} rows {first.only_first:,} are not there as they are here; a copy says the same in every "
            "value; it was not kept; report this"
        )
