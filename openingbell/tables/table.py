"""What a table is: columns with type, unit and null rule, a key, and the check that a frame fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import polars.selectors as cs

RAW, ANALYTICS, OPERATIONS = "raw", "analytics", "operations"

TEXT = pl.String()
DAY = pl.Date()
MOMENT = pl.Datetime("us")
PRICE = pl.Float64()
COUNT = pl.Int64()
FLAG = pl.Boolean()
TYPES: dict[pl.DataType, str] = {
    TEXT: "text", DAY: "date", MOMENT: "timestamp", PRICE: "float64", COUNT: "int64", FLAG: "boolean",
}  # fmt: skip
"""What the types are called, whatever the engine calls them."""

FINITE = "finite: "
"""Before the name of a column, in a look at all of them at once."""
Layout = Mapping[tuple[str, str], Mapping[str, str]]
"""The columns of tables, by layer and name, each with what its type is called: one of `TYPES`, or the engine's word for
a type that no table has.
"""


@dataclass(frozen=True)
class Column:
    """One column. `null` says when it is null; empty means never."""

    name: str
    dtype: pl.DataType
    doc: str
    unit: str = ""
    null: str = ""


@dataclass(frozen=True)
class Table:
    """One table. `order` is the column by which ranges are read; `versioned` tables are append-only."""

    layer: str
    name: str
    key: tuple[str, ...]
    doc: str
    columns: tuple[Column, ...]
    order: str = "date"
    versioned: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def schema(self) -> pl.Schema:
        """The frame schema of the table."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @cached_property
    def types(self) -> dict[str, str]:
        """What the types of its columns are called, by column."""
        return {column.name: TYPES[column.dtype] for column in self.columns}

    @cached_property
    def is_dated(self) -> bool:
        """Whether its rows are of days or moments, by which ranges can be read."""
        return isinstance(self.schema[self.order], pl.Date | pl.Datetime)

    @cached_property
    def nullable(self) -> frozenset[str]:
        """The columns that may be null."""
        return frozenset(column.name for column in self.columns if column.null)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """For a versioned table: what a version says about its bar, without identity and provenance."""
        return tuple(n for n in self.names if n not in (*self.bar_key, "load_id", "source_row", "extracted_at"))

    @cached_property
    def bar_key(self) -> tuple[str, ...]:
        """For a versioned table: what identifies the bar (the day, the action) of which rows are versions."""
        return tuple(n for n in ("asset_class", "symbol", "bar_interval", "kind", "ex_date", "date") if n in self.names)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table's columns of `frame`, in its order and types.

        Raises:
            polars.exceptions.PolarsError: a column is missing or of another type that cannot be cast.
            ValueError: a column that may not be null holds nulls, a cast would change a value, or a number is NaN or
                infinite, which warehouses do not hold.
        """
        given = frame.schema
        cast = {name: given[name] for name, dtype in self.schema.items() if name in given and given[name] != dtype}
        conformed = frame.select(pl.col(n).cast(dtype) if n in cast else n for n, dtype in self.schema.items())
        if changed := [n for n, d in cast.items() if not conformed[n].cast(d).equals(frame[n], null_equal=True)]:
            raise ValueError(f"{self.name} cannot hold the values of {', '.join(sorted(changed))} exactly")
        found = conformed.select(pl.all().null_count(), cs.float().is_finite().all().name.prefix(FINITE))
        facts = found.row(0, named=True)
        if offenders := sorted(n for n in self.names if not facts.get(FINITE + n, True)):
            raise ValueError(f"{self.name} allows no NaN and no infinity in {', '.join(offenders)}; missing is null")
        if offenders := sorted(n for n in self.names if facts[n] and n not in self.nullable):
            raise ValueError(f"{self.name} allows no nulls in {', '.join(offenders)}")
        return conformed

    def empty(self) -> pl.DataFrame:
        """A frame of the table without rows."""
        return self.schema.to_frame()
