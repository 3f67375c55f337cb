"""The warehouse on a server.

Writers take turns by a lock of the server that is named after the warehouse. Readers never wait: each reads the one
state that was committed when it began, over its own connection. No connection outlives its work, so that a server that
goes and comes back finds nothing of before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from threading import Lock

import polars as pl
import structlog

from openingbell.clock import Clock
from openingbell.errors import WarehouseError, WarehouseLocked
from openingbell.tables import ANALYTICS, OPERATIONS, Table
from openingbell.warehouse import upgrade
from openingbell.warehouse.migrations import TODAY
from openingbell.warehouse.mysql import faults, query, statements
from openingbell.warehouse.mysql.statements import BROKEN, REBUILD, Address, Databases, Shape
from openingbell.warehouse.mysql.transaction import MySQLReader, MySQLWriter
from openingbell.warehouse.mysql.wire import Failure, Wire
from openingbell.warehouse.sql import refused

log = structlog.get_logger()

POLL_SECONDS = 0.1
OLD = "_old"
"""Behind the names of tables whose place was taken, until they are gone."""
LOCK_NAME = "openingbell {}"
LONGEST_LOCK_NAME = 64
LANES = 3
"""Threads that may write at once: the server reads the rows of one connection with one of its own."""
MANY_ROWS = 50_000
"""After so many new rows the server is asked to look at a table anew: by itself it does so some time later."""


class MySQLWarehouse:
    """The databases of one warehouse on one server.

    `name` is what stands behind the server in `place`, `last_year` the last one that has a partition of its own in raw
    tables; None for no partitions.
    """

    def __init__(
        self,
        address: Address,
        databases: Databases,
        *,
        clock: Clock,
        wait_seconds: float,
        name: str = "",
        last_year: int | None = None,
    ) -> None:
        self.place = f"mysql://{address.user}@{address.host}:{address.port}/{name}"
        self._address = address
        self._databases = databases
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._name = name
        self._last_year = last_year
        self._is_set_up = False
        self._is_there = False
        self._is_known = False
        self._by_insert = False
        self._kept: Wire | None = None
        self._kept_is_free, self._alone = Lock(), Lock()

    def exists(self) -> bool:
        """See `protocol.Warehouse`."""
        with self._connection() as wire:
            return bool(self._tables(wire))

    def remarks(self) -> list[str]:
        """See `protocol.Warehouse`."""
        if not self._by_insert:
            return []
        return [
            "the server forbids LOAD DATA LOCAL (local_infile): rows go in by INSERT, which takes several times as long"
        ]

    def setup(self, *, losing: bool = False) -> None:
        """See `protocol.Warehouse`."""
        if self._is_set_up:
            return
        with self._connection() as wire:
            if self._lacking(wire, self._databases):
                with self._turn(wire):
                    self._make_databases(wire, self._databases)
        upgrade.bring_up(self, self._clock.now(), losing=losing)
        self._is_set_up = self._is_there = True

    def delete(self) -> None:
        """See `protocol.Warehouse`. A database in which others have tables stays, without ours."""
        with self._connection() as wire, self._turn(wire):
            self._delete(wire)
        self._is_set_up = self._is_there = False

    def _delete(self, wire: Wire) -> None:
        names = list(self._databases.names.values())
        ours = {f"{table.name}{behind}" for table in TODAY.tables for behind in ("", OLD)}
        there = wire.frame(statements.tables_there(names))
        if mine := [f"{place}.{name}" for place, name in there.iter_rows() if name in ours]:
            wire.run(f"DROP TABLE {', '.join(mine)}")
        used = set(there.filter(~pl.col("name").is_in(ours))["place"])
        for name in wire.frame(statements.databases_there(names))["place"]:
            if name not in used:
                wire.run(f"DROP DATABASE {name}")

    def damage(self) -> str:
        """See `protocol.Warehouse`."""
        with self._connection() as wire:
            for table in self._tables(wire):
                try:
                    read = wire.frame(f"CHECKSUM TABLE {table}")
                except Failure as failure:
                    if failure.code not in faults.DAMAGE:
                        raise
                    return failure.said
                if read.item(0, 1) is None:
                    return "; ".join([f"{table} cannot be read", *wire.frame("SHOW WARNINGS")["Message"]])
        return ""

    def set_aside(self) -> str:
        """See `protocol.Warehouse`. Tables that were set aside before keep their names, these get a number behind."""
        aside = self._databases.beside(BROKEN)
        with self._connection() as wire, self._turn(wire):
            self._make_databases(wire, aside)
            taken = {tuple(row) for row in wire.frame(statements.tables_there(aside.names.values())).rows()}
            moves = []
            for table, place in self._places(wire):
                name, number = table.name, 1
                while (aside.names[table.layer], name) in taken:
                    number += 1
                    name = f"{table.name}_{number}"
                moves.append((place, f"{aside.names[table.layer]}.{name}"))
            wire.run(statements.rename(moves))
        self._is_set_up = self._is_there = False
        return ", ".join(dict.fromkeys(aside.names.values()))

    def beside(self) -> MySQLWarehouse:
        """See `protocol.Warehouse`."""
        return MySQLWarehouse(
            self._address,
            self._databases.beside(REBUILD),
            clock=self._clock,
            wait_seconds=self._wait_seconds,
            name=f"{self._name}{REBUILD}",
            last_year=self._last_year,
        )

    def take_place_of(self, other: MySQLWarehouse) -> None:
        """See `protocol.Warehouse`. All tables change places in one statement."""
        with self._connection() as wire, self._turn(wire), other._turn(wire):
            self._make_databases(wire, other._databases)
            mine, theirs = self._databases.dialect, other._databases.dialect
            old = [(place, f"{mine.table(table)}{OLD}") for table, place in other._places(wire)]
            new = [(place, theirs.table(table)) for table, place in self._places(wire)]
            wire.run(statements.rename([*old, *new]))
            self._delete(wire)
        self._is_set_up = self._is_there = False
        other._is_set_up = False

    def _make_databases(self, wire: Wire, databases: Databases) -> None:
        for name in self._lacking(wire, databases):
            wire.run(statements.create_database(name, Shape(wire.collation)))

    def _lacking(self, wire: Wire, databases: Databases) -> list[str]:
        """The databases that are not there."""
        names = databases.names.values()
        there = set(wire.frame(statements.databases_there(names))["place"])
        return [name for name in dict.fromkeys(names) if name not in there]

    def _places(self, wire: Wire) -> list[tuple[Table, str]]:
        """The tables of ours that there are, and what they are called."""
        names = self._databases.names
        there = {tuple(row) for row in wire.frame(statements.tables_there(names.values())).rows()}
        dialect = self._databases.dialect
        return [(table, dialect.table(table)) for table in TODAY.tables if (names[table.layer], table.name) in there]

    def _tables(self, wire: Wire) -> list[str]:
        return [place for _, place in self._places(wire)]

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """See `protocol.Warehouse`."""
        self.setup()
        try:
            with self._connection() as self._kept, self._turn(self._kept):
                yield
        finally:
            self._kept = None

    @contextmanager
    def abreast(self) -> Iterator[int]:
        """See `protocol.Warehouse`."""
        with nullcontext() if self._kept is not None else self.kept_open():
            yield LANES

    @contextmanager
    def read(self) -> Iterator[MySQLReader]:
        """See `protocol.Warehouse`."""
        with self._reading() as wire:
            reader = MySQLReader(wire, self._databases)
            self._require_known(reader)
            yield reader

    @contextmanager
    def write(self) -> Iterator[MySQLWriter]:
        """See `protocol.Warehouse`."""
        with self._writing() as wire:
            wire.run(f"USE {self._databases.names[OPERATIONS]}")
            wire.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            shape = Shape(wire.collation, self._last_year)
            writer = MySQLWriter(wire, self._databases, shape=shape, by_insert=self._announce)
            try:
                self._require_known(writer)
                yield writer
                wire.run("COMMIT")
            except BaseException:
                wire.close()  # which undoes it, whatever state it is in
                raise
            if grown := [target for target, rows in writer.filled.items() if rows >= MANY_ROWS]:
                with suppress(Failure):  # all is committed, and the server would get to it by itself
                    wire.run(statements.analyze(grown))

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """See `protocol.Warehouse`."""
        dialect = self._databases.dialect
        if reason := query.objection(sql):
            raise refused(sql, reason)
        text = query.completed(sql, {table.name: dialect.table(table) for table in TODAY.tables})
        with self._reading() as wire:
            self._require_known(MySQLReader(wire, self._databases))
            wire.run(f"USE {self._databases.names[ANALYTICS]}")
            try:
                return wire.frame(query.bound(text, parameters, wire.literal))
            except Failure as failure:
                if failure.code in faults.NOT_THE_QUERY:
                    raise
                raise refused(sql, failure.said) from failure
            except (ValueError, pl.exceptions.PolarsError) as error:
                raise refused(sql, str(error)) from error

    def _require_known(self, reader: MySQLReader) -> None:
        """Refuse what a newer program made; looked at once."""
        if not self._is_known:
            upgrade.require_known(reader, self.place)
            self._is_known = True

    @contextmanager
    def _reading(self) -> Iterator[Wire]:
        with self._connection() as wire:
            if not self._is_there and not self._tables(wire):
                raise WarehouseError(
                    f"asked to read the warehouse {self.place}; there is none yet; fill it with `bell full`, or create "
                    "it empty with `bell setup`"
                )
            self._is_there = True
            wire.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield wire

    @contextmanager
    def _writing(self) -> Iterator[Wire]:
        """The connection that is kept, or another one while that is at work; one with a turn of its own, where none is
        kept. Threads that lost it take these turns without a limit: they wait for each other alone.
        """
        kept = self._kept
        if kept is None or not kept.is_open:
            among_threads = nullcontext() if kept is None else self._alone
            with among_threads, self._connection() as wire, self._turn(wire):
                yield wire
        elif self._kept_is_free.acquire(blocking=False):
            try:
                with self._told():
                    yield kept
            finally:
                self._kept_is_free.release()
        else:
            with self._connection() as wire:
                yield wire

    @contextmanager
    def _turn(self, wire: Wire) -> Iterator[None]:
        """Nobody else writes while the block runs. The server gives the lock back when the connection ends."""
        name = LOCK_NAME.format(self._databases.names[OPERATIONS])[:LONGEST_LOCK_NAME]
        until = self._clock.now() + timedelta(seconds=self._wait_seconds)
        while not wire.frame(f"SELECT GET_LOCK('{name}', 0) AS got").item():
            if self._clock.now() >= until:
                holder = wire.frame(f"SELECT IS_USED_LOCK('{name}') AS id").item()
                raise WarehouseLocked(
                    f"asked to write to the warehouse {self.place}; connection {holder} of the server is writing and "
                    f"did not end within {self._wait_seconds:g} s; what has landed waits for the next run; wait for "
                    "the other worker, or raise warehouse_wait_seconds"
                )
            self._clock.wait(POLL_SECONDS)
        try:
            yield
        finally:
            if wire.is_open:
                with suppress(Failure):
                    wire.frame(f"SELECT RELEASE_LOCK('{name}') AS released")

    @contextmanager
    def _connection(self) -> Iterator[Wire]:
        with self._told():
            wire = self._open()
            try:
                yield wire
            finally:
                wire.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the server says becomes an error of ours."""
        try:
            yield
        except Failure as failure:
            raise faults.error_of(failure.code, failure.said, self.place) from failure

    def _open(self) -> Wire:
        """A connection; a server that is not there is waited for."""
        until = self._clock.now() + timedelta(seconds=self._wait_seconds)
        while True:
            try:
                return Wire(self._address, statements.session(self._wait_seconds))
            except Failure as failure:
                if failure.code not in faults.AWAY | faults.LOST or self._clock.now() >= until:
                    raise
                self._clock.wait(POLL_SECONDS)

    def _announce(self) -> None:
        """Say once that rows go in the slow way."""
        if not self._by_insert:
            self._by_insert = True
            log.warning("local_infile_forbidden", place=self.place)
