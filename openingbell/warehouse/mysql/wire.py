"""One connection to a server. The only module that imports pymysql, and the border that its errors do not pass.

Statements go as text. Frames come as rows of the binary protocol, which `rows` takes apart by column. Rows for LOAD
DATA are streamed out of memory: whatever file the server asks for, it is given these, and nothing when there are none.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import Any

import polars as pl
import pymysql
from pymysql.connections import Connection, FieldDescriptorPacket, MySQLResult
from pymysql.constants import COMMAND, FLAG
from pymysql.protocol import MysqlPacket

from openingbell.warehouse.mysql import rows
from openingbell.warehouse.mysql.rows import Field
from openingbell.warehouse.mysql.statements import MARIADB_COLLATION, MYSQL_COLLATION, Address

CONNECT_SECONDS = 10
PIECE_BYTES = 1 << 18
"""Of rows that are sent, at the most: a server takes no more than its max_allowed_packet at once."""
ANSWER_BYTES = 1 << 22
"""Of rows that are made columns at once."""
RECEIVED_BYTES = 1 << 20
LOST = 2013
"""The number of what is said when a connection broke."""


class Failure(Exception):
    """What the server, or the way to it, said."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(code, said)
        self.code = code
        self.said = said


class _Result(MySQLResult):  # type: ignore[misc]
    """The driver's result, but for what is done when the server asks for a file."""

    def _read_load_local_packet(self, first_packet: Any) -> None:
        del first_packet  # it names a file, which is no business of the server
        connection: _Connection = self.connection
        source, connection.source = connection.source, None
        try:
            for piece in source or ():
                for start in range(0, len(piece), connection.piece_bytes):
                    connection.write_packet(piece[start : start + connection.piece_bytes])
        finally:
            if connection.open:
                connection.write_packet(b"")  # the end of the file
        self._read_ok_packet(connection._read_packet())
        if source is None:
            raise pymysql.OperationalError(0, "the server asked for a file that nobody offered")


class _Connection(Connection):  # type: ignore[misc]
    source: Iterable[bytes] | None = None
    piece_bytes = PIECE_BYTES
    complaints = 0

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        """Where nothing is to be verified, no certificates are read, which takes longer than a statement."""
        return super()._create_ssl_ctx(sslp) if sslp else _unverified()

    def _read_query_result(self, unbuffered: bool = False) -> int:  # noqa: ARG002, FBT001, FBT002  as the driver's
        self._result = None
        result = _Result(self)
        result.read()
        self._result = result
        self.complaints = result.warning_count
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows or 0)


@lru_cache(maxsize=1)
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Wire:
    """A connection. After an error of the way it is closed; the server then undoes what was not committed.

    `session` is what it begins with. `collation` is the server's word for text that is compared byte by byte.
    """

    def __init__(self, address: Address, session: Sequence[str]) -> None:
        with _translated():
            self._connection = _Connection(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password.encode(),
                charset="utf8mb4",
                local_infile=True,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                program_name="openingbell",
                **({"ssl_ca": address.ca, "ssl_verify_cert": True, "ssl_verify_identity": True} if address.ca else {}),
            )
        is_mariadb = "mariadb" in str(self._connection.get_server_info()).lower()
        self.collation = MARIADB_COLLATION if is_mariadb else MYSQL_COLLATION
        for statement in session:
            self.run(statement)

    @cached_property
    def longest_packet(self) -> int:
        """How many bytes the server takes at once."""
        return int(self.frame("SELECT @@max_allowed_packet AS length").item())

    @property
    def is_open(self) -> bool:
        """Whether nothing has broken it."""
        return bool(self._connection.open)

    def close(self) -> None:
        """Hang up; what is not committed is undone."""
        if self.is_open:
            self._connection._force_close()

    def literal(self, value: object) -> str:
        """A value as it stands in a statement."""
        with _translated():
            return str(self._connection.escape(value, self._connection.encoders))

    def run(self, text: str) -> int:
        """Run a statement; returns how many rows it changed."""
        with self._using():
            return int(self._connection.query(text))

    def send(self, text: str, pieces: Iterable[bytes]) -> tuple[int, int]:
        """Run a LOAD DATA LOCAL of the rows in `pieces`; returns how many rows came in, and of how many the server
        complains.
        """
        self._connection.piece_bytes = min(PIECE_BYTES, self.longest_packet // 2)
        with self._using():
            self._connection.source = pieces
            try:
                changed = int(self._connection.query(text))
            finally:
                self._connection.source = None
            return changed, int(self._connection.complaints)

    def frame(self, text: str) -> pl.DataFrame:
        """The answer to a statement."""
        with self._using():
            return _answer(self._connection, text)

    @contextmanager
    def _using(self) -> Iterator[None]:
        """An interrupted conversation cannot be gone on with."""
        try:
            with _translated():
                yield
        except Failure:
            raise
        except BaseException:
            self.close()
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except pymysql.MySQLError as error:
        code, *said = error.args or (0,)
        if isinstance(error, pymysql.InterfaceError) or not isinstance(code, int):
            raise Failure(LOST, str(said[0] if said else code) or "the connection is closed") from error
        raise Failure(code, str(said[0]) if said else "") from error
    except (OSError, EOFError, struct.error) as error:
        raise Failure(LOST, str(error)) from error


def _answer(connection: _Connection, text: str) -> pl.DataFrame:
    connection._execute_command(COMMAND.COM_STMT_PREPARE, text)
    statement, columns, parameters = struct.unpack_from("<IHH", connection._read_packet().get_all_data(), 1)
    for count in (parameters, columns):
        for _ in range(count + bool(count)):
            connection._read_packet()
    try:
        if parameters:
            raise pymysql.ProgrammingError(0, f"found {parameters} places without a parameter")
        connection._execute_command(COMMAND.COM_STMT_EXECUTE, struct.pack("<IBI", statement, 0, 1))
        first = connection._read_packet()
        if first.is_load_local_packet():
            raise EOFError("the server asked for a file")
        if first.is_ok_packet():
            return pl.DataFrame()
        fields = [
            _field(connection._read_packet(FieldDescriptorPacket)) for _ in range(first.read_length_encoded_integer())
        ]
        connection._read_packet()
        frames = list(_frames(connection, fields))
    finally:
        if connection.open:
            connection._execute_command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", statement))
    return pl.concat(frames) if frames else rows.empty(fields)


def _field(packet: Any) -> Field:
    return Field(
        packet.name,
        packet.type_code,
        is_unsigned=bool(packet.flags & FLAG.UNSIGNED),
        charset=packet.charsetnr,
        length=packet.length,
        scale=packet.scale,
    )


def _frames(connection: _Connection, fields: list[Field]) -> Iterator[pl.DataFrame]:
    """The rows of an answer, some megabytes at once, as they arrive."""
    received, starts, end = bytearray(), [], 0
    while True:
        part = connection._rfile.read1(RECEIVED_BYTES)
        if not part:
            raise EOFError("the server went away")
        received += part
        found, end = rows.bounds(received, end)
        starts += found
        is_over = rows.is_whole(received, end)
        if starts and (is_over or len(received) >= ANSWER_BYTES):
            yield rows.frame(bytes(received[:end]), starts, fields)
            received, starts, end = received[end:], [], 0
        if is_over:
            last = MysqlPacket(bytes(received[end + 4 :]), connection.encoding)
            if not last.is_eof_packet():
                last.raise_for_error()
            return
