"""What a warehouse lacks of what this version declares. Pure; each engine says what it found and what types it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openingbell.errors import WarehouseError
from openingbell.tables import TABLES, Column, Table

Found = Mapping[tuple[str, str], Mapping[str, str]]
"""By layer and name of a table: the type of each column that is there."""


@dataclass(frozen=True)
class Missing:
    """What makes a warehouse fit: whole tables, and columns that may be null."""

    tables: tuple[Table, ...] = ()
    columns: tuple[tuple[Table, Column], ...] = ()


def missing(found: Found, type_of: Callable[[Table, Column], str], place: str) -> Missing:
    """What is declared and not there.

    Raises:
        WarehouseError: what is there is of another version.
    """
    tables, columns = [], []
    for table in TABLES:
        there = found.get((table.layer, table.name), {})
        if not there:
            tables.append(table)
            continue
        needed = {column.name: type_of(table, column) for column in table.columns}
        new = [column for column in table.columns if column.name not in there]
        if not there.items() <= needed.items() or not all(column.null for column in new):
            raise WarehouseError(
                f"asked to use the warehouse {place}; its table {table.name} has the columns {_listed(there)}, this "
                f"version needs {_listed(needed)}; build it anew from the landed files with `bell rebuild`"
            )
        columns += [(table, column) for column in new]
    return Missing(tuple(tables), tuple(columns))


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in sorted(columns.items()))
