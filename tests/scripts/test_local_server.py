"""A server of this machine: a real one where there is one, and all that needs none."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.bootstrap import CannotGoOnError
from scripts.local_server import LocalServer, Server, find_server, greeting, opening_statements, require_free
from tests.conftest import missing

HELLO = b"\x4a\x00\x00\x00\x0a11.4.2-MariaDB\x00rest"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows starts no server of its own")


@contextmanager
def listening(says: bytes = b"") -> Iterator[int]:
    """A port of this machine on which something says this to whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(says)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (HELLO, "11.4.2-MariaDB"),
        (b"\x17\x00\x00\x00\xff\x10\x04Too many connections", None),
        (b"HTTP/1.1 400", None),
        (b"", None),
    ],
)
def test_a_server_is_known_by_its_greeting(says: bytes, expected: str | None) -> None:
    with listening(says) as port:
        assert greeting(port) == expected


def test_a_port_without_a_listener_greets_nobody() -> None:
    assert greeting(free_port()) is None


def test_a_port_of_something_else_is_refused() -> None:
    with listening() as port, pytest.raises(CannotGoOnError, match=f"port {port}; something else listens there"):
        require_free(port)
    require_free(free_port())


def test_its_user_has_rights_in_its_own_databases_alone() -> None:
    lines = opening_statements("quiet", "other").splitlines()
    (grant,) = (line for line in lines if "GRANT" in line)
    assert grant.endswith(r" ON `openingbell\_%`.* TO 'openingbell'@'%';")
    assert "ALL" not in grant
    assert all(line.endswith(";") for line in lines)


@posix
def test_a_process_that_is_another_s_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "server.pid").write_text(f"{os.getpid()}\n", "utf-8")
    assert LocalServer(tmp_path).pid() is None
    assert not LocalServer(tmp_path).stop()


def program(path: Path, *lines: str) -> Path:
    """A program that can be run."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    path.chmod(0o755)
    return path


@posix
def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    server = Server(str(program(tmp_path / "mysqld", "echo no room for the log; exit 1")), None)
    with pytest.raises(CannotGoOnError, match=r"it ended; .*server\.log says last:\nno room for the log"):
        LocalServer(tmp_path).start(server, free_port(), "quiet", "other")
    assert not (tmp_path / "opening.sql").exists()


@posix
def test_data_that_cannot_be_made_are_not_there(tmp_path: Path) -> None:
    server = Server(
        "mysqld", str(program(tmp_path / "install", 'mkdir "${2#--datadir=}"; echo wrong version >&2; exit 1'))
    )
    with pytest.raises(CannotGoOnError, match=r"asked for an empty server in .*; .*install failed:\nwrong version"):
        LocalServer(tmp_path).start(server, free_port(), "quiet", "other")
    assert (tmp_path / "data.new").is_dir()
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="a real server is tried on Linux, where CI has one")
def test_a_real_server_starts_once_serves_its_user_survives_a_kill_and_stops(tmp_path: Path) -> None:
    server, client = find_server(), shutil.which("mariadb") or shutil.which("mysql")
    if server is None or client is None:
        missing("neither mariadbd nor mysqld is installed here with its client; apt-get install mariadb-server")
        return
    local, port = LocalServer(tmp_path / "database"), free_port()

    def sql(statement: str, user: str = "openingbell", password: str = "quiet") -> subprocess.CompletedProcess[str]:
        command = [client, "--no-defaults", "--host=127.0.0.1", f"--port={port}", f"--user={user}", "--batch"]
        return subprocess.run(
            [*command, "--skip-column-names", f"--execute={statement}"],
            env={"MYSQL_PWD": password}, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip

    try:
        assert local.start(server, port, "quiet", "other")
        assert not local.start(server, port, "quiet", "other")
        facts = sql("SELECT @@local_infile, @@time_zone, @@character_set_server, @@bind_address")
        assert facts.stdout == "1\t+00:00\tutf8mb4\t127.0.0.1\n"
        assert sql("CREATE DATABASE openingbell_raw").returncode == 0
        assert "Access denied" in sql("CREATE DATABASE elsewhere").stderr
        assert "Access denied" in sql("SELECT 1", password="").stderr
        assert "Access denied" in sql("SELECT 1", user="root", password="").stderr
        assert b"quiet" not in b"".join(path.read_bytes() for path in local.folder.glob("*") if path.is_file())
        killed = local.pid()
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        os.waitpid(killed, 0)
        assert local.start(server, port, "quieter", "other")
        assert sql("SHOW DATABASES LIKE 'openingbell%'", password="quieter").stdout == "openingbell_raw\n"
    finally:
        assert local.stop()
    assert not local.stop()
    assert greeting(port) is None
