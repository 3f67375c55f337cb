"""What a reader does, the same over every engine: the text of each question, and the frame that answers it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from datetime import date, datetime

import polars as pl

from openingbell import versions
from openingbell.tables import Table
from openingbell.warehouse import sql
from openingbell.warehouse.sql import Dialect, Statement


class Reading(ABC):
    """Reads in one transaction. An engine says how a statement is answered."""

    dialect: Dialect

    @abstractmethod
    def _frame(self, statement: Statement) -> pl.DataFrame:
        """The answer to a statement."""

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
        """See `protocol.Reader`."""
        return self._frame(
            sql.select(
                table,
                self.dialect,
                columns=columns,
                symbols=symbols,
                first=first,
                last=last,
                extracted_by=extracted_by,
            )
        )

    def latest(
        self,
        table: Table,
        *,
        symbols: Collection[str] | None = None,
        first: date | datetime | None = None,
        last: date | datetime | None = None,
        as_of: datetime | None = None,
    ) -> pl.DataFrame:
        """See `protocol.Reader`."""
        rows = self.read(table, symbols=symbols, first=first, last=last, extracted_by=as_of)
        return versions.current(rows, table)

    def count(self, table: Table) -> int:
        """See `protocol.Reader`."""
        return int(self._frame(sql.count(table, self.dialect)).item())

    def spans(self, table: Table, *, symbols: Collection[str] | None = None, by_class: bool = False) -> pl.DataFrame:
        """See `protocol.Reader`."""
        return self._frame(sql.spans(table, self.dialect, symbols=symbols, by_class=by_class))

    def bounds(self, table: Table, *, by: str | None = None) -> tuple[date, date] | None:
        """See `protocol.Reader`."""
        return self._ends(sql.bounds(table, self.dialect, by=by))

    def _ends(self, statement: Statement) -> tuple[date, date] | None:
        """The answer to a question for bounds."""
        first, last = self._frame(statement).row(0)
        return None if first is None else (first, last)

    def days(self, table: Table) -> pl.DataFrame:
        """See `protocol.Reader`."""
        return self._frame(sql.days(table, self.dialect)).select("day", rows="found")
