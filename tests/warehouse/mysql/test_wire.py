"""One connection to a real server: what the columns of its answers are, what it is sent, and what is never sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pymysql
import pytest

from openingbell.warehouse.connect import address_of
from openingbell.warehouse.mysql import statements
from openingbell.warehouse.mysql.wire import Failure, Wire
from tests.warehouse.mysql.servers import at

EVERY_TYPE = (
    "a TINYINT, b TINYINT UNSIGNED, c SMALLINT, d MEDIUMINT, e INT, f BIGINT, g BIGINT UNSIGNED, h FLOAT, i DOUBLE, "
    "k DECIMAL(20, 4), l DATE, m DATETIME(6), n DATETIME, o TIME(3), p YEAR, q VARCHAR(300), r MEDIUMTEXT, s BLOB, "
    "t ENUM('x', 'y'), u TIMESTAMP(6) NULL, w CHAR(3)"
)
SOME = (
    "(-128, 255, -32768, -8388608, -2147483648, -9223372036854775808, 18446744073709551615, 0.5, 0.1, '-12.3400', "
    "'2019-02-15', '2019-02-15 09:30:00.000001', '1969-12-31 23:59:59', '-26:03:04.500', 2019, 'é日🙂', "
    "REPEAT('x', 70000), X'00FF', 'y', '2019-02-15 12:00:00.25', '^GS')"
)
OTHERS = (
    "(1, 1, 1, 1, 1, 1, 1, 1e0, 1e-300, 0, '9999-12-31', '1000-01-01', '2019-02-15', '00:00:00', 1999, '', "
    "REPEAT('é', 200), '', 'x', '2038-01-01', 'a')"
)


@pytest.fixture
def wire(server_url: str) -> Iterator[Wire]:
    found = Wire(address_of(at(server_url)), statements.session(10))
    found.run("CREATE DATABASE IF NOT EXISTS t_wire CHARACTER SET utf8mb4")
    found.run("USE t_wire")
    yield found
    found.close()


def as_the_driver_reads(wire: Wire, text: str) -> list[tuple[Any, ...]]:
    """The same answer over the driver's own text protocol."""
    with wire._connection.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall())


def test_columns_are_what_the_driver_reads_value_by_value(wire: Wire) -> None:
    """But for spans of time, which are text here as in the engine."""
    wire.run(f"CREATE TEMPORARY TABLE x ({EVERY_TYPE})")
    nulls = f"({', '.join(['NULL'] * (EVERY_TYPE.count(',') + 1 - 2))})"
    wire.run(f"INSERT INTO x VALUES {SOME}, {nulls}, {OTHERS}")
    found = wire.frame("SELECT * FROM x").rows()
    expected = as_the_driver_reads(wire, "SELECT * FROM x")
    assert len(found) == 3
    for ours, theirs in zip(found, expected, strict=True):
        place = 13
        assert (ours[:place], ours[place + 1 :]) == (theirs[:place], theirs[place + 1 :])
    assert [row[13] for row in found] == ["-26:03:04.500000", None, "00:00:00"]


def test_an_answer_of_many_megabytes_is_read_in_parts_that_fit_together(wire: Wire) -> None:
    text = (
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "SELECT i, REPEAT('x', i % 1000) AS t, IF(i % 7, i / 3e0, NULL) AS d FROM n"
    )
    is_mariadb = wire.collation == statements.MARIADB_COLLATION
    wire.run(f"SET SESSION {'max_recursive_iterations' if is_mariadb else 'cte_max_recursion_depth'} = 100000")
    found = wire.frame(text)
    numbers = range(1, 20_001)
    assert found["i"].to_list() == list(numbers)
    assert found["t"].str.len_bytes().to_list() == [n % 1000 for n in numbers]
    assert found["d"].to_list() == [n / 3 if n % 7 else None for n in numbers]


def test_a_sum_of_whole_numbers_is_whole_and_a_decimal_stays_one(wire: Wire) -> None:
    found = wire.frame(
        "SELECT SUM(i) AS s, AVG(i) AS a, COUNT(*) AS n, 1 = 1 AS t FROM (SELECT 1 AS i UNION SELECT 2) x"
    )
    assert found.row(0)[0] == 3
    assert found.schema["s"] == pl.Int64
    assert found.schema["a"] == pl.Decimal(38, 4)


def test_an_error_in_the_middle_of_an_answer_is_told_and_the_connection_goes_on(wire: Wire) -> None:
    with pytest.raises(Failure) as caught:
        wire.frame("SELECT (SELECT 1 UNION SELECT 2) AS x")
    assert caught.value.code == 1242
    assert wire.frame("SELECT 1 AS x").item() == 1


def test_a_statement_without_an_answer_is_an_empty_frame(wire: Wire) -> None:
    assert wire.frame("SET @a = 1").is_empty()


def test_rows_are_streamed_in_pieces_that_the_server_takes(wire: Wire) -> None:
    wire.run("CREATE TEMPORARY TABLE x (a INT, b TEXT)")
    lines = b"".join(b"%d\t%s\n" % (n, b"y" * 100) for n in range(5_000))
    assert wire.send(statements.load("x", ["a", "b"]), [lines[:1000], lines[1000:]]) == (5_000, 0)
    assert wire.frame("SELECT COUNT(*) AS n, SUM(a) AS s FROM x").row(0) == (5_000, sum(range(5_000)))


def test_whatever_file_the_server_asks_for_it_gets_our_rows_or_nothing(wire: Wire, tmp_path: Path) -> None:
    """A server that is not what it seems may ask for any file at any time."""
    file = tmp_path / "secret"
    file.write_text("1\n", "utf-8")
    wire.run("CREATE TEMPORARY TABLE x (a INT)")
    load = f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE x"
    with pytest.raises(Failure, match="a file that nobody offered"):
        wire.run(load)
    assert wire.frame("SELECT COUNT(*) AS n FROM x").item() == 0
    assert wire.send(load, [b"7\n"]) == (1, 0)
    assert wire.frame("SELECT a FROM x").item() == 7


def test_rows_that_fail_while_they_are_made_leave_a_connection_that_is_closed(wire: Wire) -> None:
    wire.run("CREATE TEMPORARY TABLE x (a INT)")

    def made() -> Iterator[bytes]:
        yield b"1\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wire.send(statements.load("x", ["a"]), made())
    assert not wire.is_open
    with pytest.raises(Failure) as caught:
        wire.run("SELECT 1")
    assert caught.value.code == 2013


def test_no_error_of_the_driver_comes_through(wire: Wire) -> None:
    with pytest.raises(Failure) as caught:
        wire.run("SELEC 1")
    assert caught.value.code == 1064
    assert isinstance(caught.value.__cause__, pymysql.MySQLError)
    wire.run("SET @a = 1")
    wire._connection._sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Failure) as lost:
        wire.run("SELECT 1")
    assert lost.value.code in {2006, 2013}
