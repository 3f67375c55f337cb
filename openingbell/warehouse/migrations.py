"""What brings a warehouse of an earlier version to the tables of this program, step by step. Pure.

The steps follow from what is found: the columns that are there and the version that is recorded. So it does not matter
where a migration was interrupted, the next one finds what is left. Engines only say how a step looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

import polars as pl

from openingbell.errors import WarehouseError
from openingbell.tables import BY_NAME, SCHEMA_VERSIONS, TABLES, TYPES, Column, Layout, Table
from openingbell.tables.history import VERSIONS, Version
from openingbell.tables.table import TEXT

DTYPES = {name: dtype for dtype, name in TYPES.items()}


@dataclass(frozen=True)
class Schema:
    """What a program knows: the tables that it needs, and all versions, oldest first."""

    tables: tuple[Table, ...]
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """The version that it brings warehouses to."""
        return self.versions[-1]


TODAY = Schema((*TABLES, SCHEMA_VERSIONS), VERSIONS)
"""What this program knows."""


@dataclass(frozen=True)
class Create:
    """A table that is not there yet."""

    table: Table

    def __str__(self) -> str:
        return f"create {self.table.name}"


@dataclass(frozen=True)
class Add:
    """A column that may be null, behind the others."""

    table: Table
    column: Column

    def __str__(self) -> str:
        return f"add {self.table.name}.{self.column.name}"


@dataclass(frozen=True)
class Retype:
    """Another type for a column; values that it cannot hold make the step fail."""

    table: Table
    column: Column

    def __str__(self) -> str:
        return f"make {self.table.name}.{self.column.name} {TYPES[self.column.dtype]}"


@dataclass(frozen=True)
class Drop:
    """A column that no version has any more."""

    table: Table
    column: str

    def __str__(self) -> str:
        return f"drop {self.table.name}.{self.column}"


@dataclass(frozen=True)
class Remove:
    """A table that no version has any more, as it was found."""

    table: Table

    def __str__(self) -> str:
        return f"drop {self.table.name}"


Step = Create | Add | Retype | Drop | Remove


@dataclass(frozen=True)
class Plan:
    """What brings a warehouse to the newest version: steps in order, and the versions to be recorded then.

    `has` is the version that it has, 0 for one without tables.
    """

    has: int
    steps: tuple[Step, ...]
    versions: tuple[Version, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps and not self.versions

    @property
    def losing(self) -> list[str]:
        """The steps that lose what a warehouse holds, in words."""
        return [str(step) for step in self.steps if isinstance(step, Retype | Drop | Remove)]

    def record(self, now: datetime) -> pl.DataFrame:
        """The rows of `schema_versions` to be added."""
        at = now.replace(tzinfo=None)
        rows = [(version.number, version.name, at) for version in self.versions]
        return pl.DataFrame(rows, schema=SCHEMA_VERSIONS.schema, orient="row")


def plan(layout: Layout, recorded: int | None, schema: Schema = TODAY, *, place: str) -> Plan:
    """What is to be done.

    Args:
        layout: the tables that are there.
        recorded: the version that it records; None when it records none.
        schema: what is needed.
        place: the warehouse, as messages call it.

    Raises:
        WarehouseError: a table is not that of any version.
    """
    has = recorded if recorded is not None else unrecorded_version(layout, schema)
    later = [version for version in schema.versions if version.number > has]
    retyped = {name for version in later for name in version.retypes}
    gone = {name for version in later for name in version.drops}
    steps: list[Step] = []
    for table in schema.tables:
        found = layout.get((table.layer, table.name))
        steps += [Create(table)] if found is None else _changes(table, found, retyped, gone, place)
    steps += [Remove(table) for table in stored_tables(layout, schema) if table.name in gone]
    to_record = later if has else []
    return Plan(has, tuple(steps), tuple(to_record if to_record or recorded else [schema.newest]))


def _changes(
    table: Table, found: Mapping[str, str], retyped: AbstractSet[str], gone: AbstractSet[str], place: str
) -> Iterator[Step]:
    """What makes a table that is there the one that is needed."""
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        if column.name not in found and column.null:
            yield Add(table, column)
        elif found.get(column.name) == TYPES[column.dtype]:
            continue
        elif column.name in found and name in retyped:
            yield Retype(table, column)
        else:
            raise _foreign(table, found, place)
    for name in found.keys() - table.types.keys():
        if f"{table.name}.{name}" not in gone:
            raise _foreign(table, found, place)
        yield Drop(table, name)


def unrecorded_version(layout: Layout, schema: Schema = TODAY) -> int:
    """The version of a warehouse that records none: the newest of which everything is there; 0 without any table."""
    held = {name for _, name in layout} | {
        f"{name}.{column}" for (_, name), found in layout.items() for column in found
    }
    whole = takewhile(lambda version: held.issuperset(version.adds), schema.versions if held else ())
    return max((version.number for version in whole), default=0)


def stored_tables(layout: Layout, schema: Schema = TODAY) -> list[Table]:
    """The tables that this program or an earlier one made, without `schema_versions`, with the columns that are there.

    One's own tables are not among them.
    """
    gone = {name for version in schema.versions for name in version.drops}
    ours = [table for table in TABLES if (table.layer, table.name) in layout]
    others = [
        Table(layer, name, (), "", (), order=next(iter(found)))
        for (layer, name), found in layout.items()
        if name in gone and name not in BY_NAME
    ]
    return [_as_found(table, layout[table.layer, table.name]) for table in (*ours, *others)]


def _as_found(table: Table, found: Mapping[str, str]) -> Table:
    known = {column.name: column for column in table.columns}
    columns = (known.get(name) or Column(name, TEXT, "", null="it may be") for name in found)
    return replace(table, columns=tuple(replace(column, dtype=DTYPES[found[column.name]]) for column in columns))


def carried(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows of an earlier version of a table as it has them now: without what was dropped, null in what is new.

    Raises:
        ValueError: its columns cannot hold them.
    """
    new = [column for column in table.columns if column.name not in rows.columns]
    return table.conform(rows.with_columns(pl.lit(None, column.dtype).alias(column.name) for column in new))


def _foreign(table: Table, found: Mapping[str, str], place: str) -> WarehouseError:
    return WarehouseError(
        f"asked to use the warehouse {place}; its table {table.name} has the columns {_listed(found)}, this version "
        f"needs {_listed(table.types)}; build it anew from the landed files with `bell rebuild`"
    )


def _listed(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in sorted(types.items()))
