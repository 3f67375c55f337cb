"""SQL that is the same for every engine: names, and the text of a read. Values are parameters, never text. Pure.

Names stand in double quotes: MySQL reads them so as well when its session says `ANSI_QUOTES`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from openingbell.clock import require_utc
from openingbell.errors import QueryError
from openingbell.tables import ANALYTICS, OPERATIONS, RAW, Table


@dataclass(frozen=True)
class Statement:
    """A statement and its parameters, in order."""

    text: str
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """Where engines differ: what they call the place of each layer, and whether a list can be one parameter."""

    layers: Mapping[str, str]
    has_lists: bool = False

    def table(self, table: Table) -> str:
        """A table's name behind its layer's place."""
        return f"{self.layers[table.layer]}.{table.name}"

    def among(self, name: str, values: Collection[str]) -> Statement:
        """The condition that a column has one of the values."""
        if self.has_lists:
            return Statement(f"{name} IN ?", (list(values),))
        if not values:
            return Statement("1 = 0")
        return Statement(f"{name} IN ({', '.join('?' * len(values))})", tuple(values))


DUCKDB = Dialect({layer: layer for layer in (RAW, ANALYTICS, OPERATIONS)}, has_lists=True)


def select(
    table: Table,
    dialect: Dialect = DUCKDB,
    *,
    columns: Sequence[str] | None = None,
    symbols: Collection[str] | None = None,
    first: date | datetime | None = None,
    last: date | datetime | None = None,
    extracted_by: datetime | None = None,
) -> Statement:
    """Rows of a table, as `protocol.Reader.read` describes them."""
    where = _where(table, dialect, symbols=symbols, first=first, last=last, extracted_by=extracted_by)
    names = ", ".join(name_of(name) for name in columns or table.names)
    return Statement(f"SELECT {names} FROM {dialect.table(table)}{where.text}", where.parameters)


def spans(
    table: Table, dialect: Dialect = DUCKDB, *, symbols: Collection[str] | None = None, by_class: bool = False
) -> Statement:
    """First and last row by symbol, as `protocol.Reader.spans` describes them."""
    where = _where(table, dialect, symbols=symbols)
    names = ("asset_class", "symbol") if by_class else ("symbol",)
    identity = ", ".join(name_of(name) for name in names if name in table.names)
    order = name_of(table.order)
    return Statement(
        f"SELECT {identity}, min({order}) AS first, max({order}) AS last FROM {dialect.table(table)}{where.text} "
        f"GROUP BY {identity}",
        where.parameters,
    )


def days(table: Table, dialect: Dialect = DUCKDB) -> Statement:
    """Rows by day, as `protocol.Reader.days` describes them, with their number as `found`."""
    day = f"CAST({name_of(table.order)} AS DATE)"
    return Statement(
        f"SELECT {day} AS day, count(*) AS found FROM {dialect.table(table)} GROUP BY {day} ORDER BY {day}"
    )


def count(table: Table, dialect: Dialect = DUCKDB) -> Statement:
    """The number of rows."""
    return Statement(f"SELECT count(*) AS n FROM {dialect.table(table)}")


def bounds(table: Table, dialect: Dialect = DUCKDB, *, by: str | None) -> Statement:
    """The least and the greatest value, as `protocol.Reader.bounds` describes them."""
    order = name_of(by or table.order)
    return Statement(f"SELECT min({order}) AS least, max({order}) AS greatest FROM {dialect.table(table)}")


def refused(text: str, reason: str) -> QueryError:
    """The error of a query that is wrong, or wants to write."""
    reason = reason.rstrip()
    said = f"{reason};\n" if "\n" in reason else f"{reason}; "
    return QueryError(
        f"asked for {text.strip()!r}; the warehouse says: {said}only statements that read are allowed, docs/tables.md "
        "lists the tables; correct the statement"
    )


def name_of(name: str) -> str:
    """A name in quotes."""
    return f'"{name.replace(chr(34), chr(34) * 2)}"'


def _where(
    table: Table,
    dialect: Dialect,
    *,
    symbols: Collection[str] | None = None,
    first: date | datetime | None = None,
    last: date | datetime | None = None,
    extracted_by: datetime | None = None,
) -> Statement:
    conditions: list[Statement] = []
    if symbols is not None:
        conditions.append(dialect.among("symbol", symbols))
    if first is not None:
        conditions.append(Statement(f"{name_of(table.order)} >= ?", (first,)))
    if last is not None:
        bound = last if isinstance(last, datetime) else datetime.combine(last, time()) + timedelta(days=1)
        sign = "<=" if isinstance(last, datetime) else "<"
        conditions.append(Statement(f"{name_of(table.order)} {sign} ?", (bound,)))
    if extracted_by is not None:
        by = require_utc(extracted_by).replace(tzinfo=None)
        conditions.append(Statement("extracted_at <= ?", (by,)))
    text = " AND ".join(condition.text for condition in conditions)
    parameters = tuple(value for condition in conditions for value in condition.parameters)
    return Statement(f" WHERE {text}" if text else "", parameters)
