"""What is read and written in one transaction on a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import polars as pl

from openingbell.tables import TABLES, Layout, Table
from openingbell.versions import in_order
from openingbell.warehouse.migrations import Step
from openingbell.warehouse.mysql import encode, faults, query, statements
from openingbell.warehouse.mysql.statements import Databases, Shape
from openingbell.warehouse.mysql.wire import Failure, Wire
from openingbell.warehouse.reading import Reading
from openingbell.warehouse.sql import Statement

LEAVE_BYTES = 1 << 10
"""Of the longest packet, for what is around rows."""


class MySQLReader(Reading):
    """Reads in one transaction."""

    def __init__(self, wire: Wire, databases: Databases) -> None:
        self._wire = wire
        self._databases = databases
        self.dialect = databases.dialect

    def layout(self) -> Layout:
        """See `protocol.Reader`."""
        layers, found = self._databases.layers, dict[tuple[str, str], dict[str, str]]()
        for place, name, column, kind in self._wire.frame(statements.columns_there(layers)).iter_rows():
            found.setdefault((layers[place], name), {})[column] = statements.plain(kind)
        return found

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
        """See `protocol.Reader`. Days of all symbols are asked for by their symbols where they are found so."""
        is_of_days = (first is not None or last is not None) and symbols is None
        if is_of_days and statements.is_found_by_symbol(table, table.order):
            symbols = self._frame(statements.symbols_there(table, self.dialect))["symbol"].to_list()
        return super().read(table, columns=columns, symbols=symbols, first=first, last=last, extracted_by=extracted_by)

    def bounds(self, table: Table, *, by: str | None = None) -> tuple[date, date] | None:
        """See `protocol.Reader`."""
        return self._ends(statements.bounds(table, self.dialect, by=by or table.order))

    def _frame(self, statement: Statement) -> pl.DataFrame:
        return self._wire.frame(query.bound(statement.text, statement.parameters, self._wire.literal))


class MySQLWriter(MySQLReader):
    """Reads and writes in one transaction. `filled` counts the rows that went into each table."""

    def __init__(self, wire: Wire, databases: Databases, *, shape: Shape, by_insert: Callable[[], None]) -> None:
        super().__init__(wire, databases)
        self._shape = shape
        self._by_insert = by_insert
        self._takes_files = True
        self.filled: Counter[str] = Counter()

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """See `protocol.Writer`. Rows go in as they will lie: that halves the time."""
        if not rows.is_empty():
            ordered = table.conform(rows)
            if statements.lies_by_symbol(table, table.order):
                ordered = in_order(ordered, ("symbol", table.order))
            else:
                ordered = ordered.sort(statements.primary_key(table))
            target = self.dialect.table(table)
            self._fill(target, ordered)
            self.filled[target] += len(ordered)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        self.remove(table, rows.select(table.key))
        self.append(table, rows)

    def clear(self, table: Table) -> None:
        """See `protocol.Writer`."""
        self._wire.run(statements.clear(table, self.dialect))

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        if keys.is_empty():
            return
        columns = [name for name in dict.fromkeys([*statements.primary_key(table), *keys.columns]) if name in keys]
        keys = keys.select(pl.col(name).cast(table.schema[name]) for name in columns).unique().sort(columns)
        self._wire.run(statements.stage(table, columns, self.dialect, self._shape))
        self._fill(statements.staged(self.dialect), keys)
        self._wire.run(statements.delete_staged(table, columns, self.dialect))
        self._wire.run(statements.drop_staged(self.dialect))

    def migrate(self, steps: Sequence[Step]) -> None:
        """See `protocol.Writer`. The server ends the transaction with each step, and begins none. Indexes are brought
        along: those that an earlier version made and this one does without would only cost.
        """
        for step in steps:
            self._wire.run(statements.statement_of(step, self.dialect, self._shape))
        layers, there = self._databases.layers, dict[tuple[str, str], list[str]]()
        for database, name, index in self._wire.frame(statements.indexes_there(layers)).iter_rows():
            there.setdefault((layers[database], name), []).append(index)
        layout = self.layout()
        for table in TABLES:
            place = (table.layer, table.name)
            change = statements.reindex(table, there.get(place, []), self.dialect) if place in layout else None
            if change is not None:
                self._wire.run(change)

    def _fill(self, target: str, rows: pl.DataFrame) -> None:
        if self._takes_files:
            try:
                lines = encode.lines(rows)
                pieces = _ahead(lines.pieces) if len(rows) > encode.LINES else lines.pieces
                changed, complaints = self._wire.send(statements.load(target, lines.fields, lines.given), pieces)
            except Failure as failure:
                if failure.code not in faults.NO_LOCAL_INFILE:
                    raise
                self._takes_files = False
            else:
                if changed != len(rows) or complaints:
                    raise Failure(0, self._complaint(len(rows) - changed))
                return
        self._by_insert()
        begin = statements.insert(target, rows.columns)
        for values in _packed(encode.values(rows), self._wire.longest_packet - len(begin) - LEAVE_BYTES):
            self._wire.run(begin + values)

    def _complaint(self, left_out: int) -> str:
        """What the server says of the rows that it did not take as they were."""
        said = self._wire.frame("SHOW WARNINGS LIMIT 3")
        return f"{left_out} rows are left out: " + "; ".join(said["Message"])


def _ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces; the next is made while the one before is sent."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, pieces, b"")
        while piece := following.result():
            following = pool.submit(next, pieces, b"")
            yield piece


def _packed(rows: Iterable[str], most_bytes: int) -> Iterator[str]:
    """Rows with commas between them, as many at once as go into one packet."""
    packed: list[str] = []
    size = 0
    for row in rows:
        length = len(row.encode()) + 1
        if packed and size + length > most_bytes:
            yield ",".join(packed)
            packed, size = [], 0
        packed.append(row)
        size += length
    if packed:
        yield ",".join(packed)
