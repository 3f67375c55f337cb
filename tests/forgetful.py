"""A warehouse whose answers get lost, as those of a server may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from openingbell.errors import TransactionLost
from openingbell.warehouse.duckdb import DuckDBWarehouse, DuckDBWriter


class Forgetful(DuckDBWarehouse):
    """Of its next `undone` transactions nothing is committed; the `unheard` after them are, and nobody hears of it."""

    undone = 0
    unheard = 0

    @contextmanager
    def write(self) -> Iterator[DuckDBWriter]:
        with super().write() as writer:
            yield writer
            if self.undone:
                self.undone -= 1
                raise TransactionLost("the connection broke before the commit")
        if self.unheard:
            self.unheard -= 1
            raise TransactionLost("the connection broke after the commit")
