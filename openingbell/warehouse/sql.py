"""SQL that is the same for every engine: names, and the text of a read. Values are parameters, never text. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from openingbell.clock import require_utc
from openingbell.tables import Table


@dataclass(frozen=True)
class Statement:
    """A statement and its parameters, in order."""

    text: str
    parameters: tuple[object, ...] = ()


def select(
    table: Table,
    *,
    columns: Sequence[str] | None = None,
    symbols: Collection[str] | None = None,
    first: date | datetime | None = None,
    last: date | datetime | None = None,
    loads: Collection[str] | None = None,
    extracted_by: datetime | None = None,
) -> Statement:
    """Rows of a table, as `protocol.Reader.read` describes them."""
    where = _where(table, symbols=symbols, first=first, last=last, loads=loads, extracted_by=extracted_by)
    names = ", ".join(name_of(name) for name in columns or table.names)
    return Statement(f"SELECT {names} FROM {table_of(table)}{where.text}", where.parameters)


def spans(table: Table, *, symbols: Collection[str] | None, loads: Collection[str] | None) -> Statement:
    """First and last row by symbol, as `protocol.Reader.spans` describes them."""
    where = _where(table, symbols=symbols, loads=loads)
    identity = ", ".join(name_of(name) for name in ("asset_class", "symbol") if name in table.names)
    order = name_of(table.order)
    return Statement(
        f"SELECT {identity}, min({order}) AS first, max({order}) AS last FROM {table_of(table)}{where.text} "
        f"GROUP BY {identity}",
        where.parameters,
    )


def days(table: Table) -> Statement:
    """Rows by day, as `protocol.Reader.days` describes them, with their number as `found`."""
    day = f"CAST({name_of(table.order)} AS DATE)"
    return Statement(f"SELECT {day} AS day, count(*) AS found FROM {table_of(table)} GROUP BY {day} ORDER BY {day}")


def table_of(table: Table) -> str:
    """A table's name behind its layer."""
    return f"{table.layer}.{table.name}"


def name_of(name: str) -> str:
    """A name in quotes."""
    return f'"{name.replace(chr(34), chr(34) * 2)}"'


def _where(
    table: Table,
    *,
    symbols: Collection[str] | None = None,
    first: date | datetime | None = None,
    last: date | datetime | None = None,
    loads: Collection[str] | None = None,
    extracted_by: datetime | None = None,
) -> Statement:
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if symbols is not None:
        conditions.append(("symbol IN (SELECT unnest(?))", (list(symbols),)))
    if first is not None:
        conditions.append((f"{name_of(table.order)} >= ?", (first,)))
    if last is not None:
        bound = last if isinstance(last, datetime) else datetime.combine(last, time()) + timedelta(days=1)
        conditions.append((f"{name_of(table.order)} {'<=' if isinstance(last, datetime) else '<'} ?", (bound,)))
    if loads is not None:
        conditions.append(("load_id IN (SELECT unnest(?))", (list(loads),)))
        if loads:  # ids rise with time, as rows do: with bounds an engine need not look at all of them
            conditions.append(("load_id BETWEEN ? AND ?", (min(loads), max(loads))))
    if extracted_by is not None:
        conditions.append(("extracted_at <= ?", (require_utc(extracted_by).replace(tzinfo=None),)))
    text = " AND ".join(text for text, _ in conditions)
    return Statement(f" WHERE {text}" if text else "", tuple(value for _, values in conditions for value in values))
