"""A MariaDB server of the tests' own: on a free port, in a folder that goes with it.

Each process of a run has one, so that no test meets another that uses the same names. `OPENINGBELL_TEST_MYSQL_URL`
names another server instead, whose user may do anything, for tests that run one after the other.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

URL = "OPENINGBELL_TEST_MYSQL_URL"
OPTIONS = (
    "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin", "--performance-schema=0",
    "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=134217728", "--innodb-log-file-size=67108864",
)  # fmt: skip
"""A test server may lose what it has; one that is to be killed is given another flush."""
START_SECONDS = 60
AS_ROOT = ("--user=root",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()


def why_absent() -> str:
    """Why no server can be started here; empty when one can."""
    if sys.platform != "linux":
        return "a MariaDB server is started on Linux only; OPENINGBELL_TEST_MYSQL_URL can name one"
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        return "mariadbd is absent: apt-get install mariadb-server, or name a server in OPENINGBELL_TEST_MYSQL_URL"
    return ""


@dataclass
class Server:
    """A server in a folder of its own. Its root has no password."""

    folder: Path
    port: int
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, as the settings name it, up to the prefix."""
        return f"mysql://root@127.0.0.1:{self.port}/"

    def make(self) -> None:
        """Make its data folder."""
        command = [
            "mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", *AS_ROOT, "--skip-test-db",
            "--auth-root-authentication-method=normal", "--skip-name-resolve",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            "mariadbd", "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}", *AS_ROOT,
            f"--socket={self.folder / 's'}", f"--log-error={self.folder / 'log'}", *OPTIONS, *self.options,
        ]  # fmt: skip
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        until = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > until:
                log = self.folder / "log"
                raise RuntimeError(log.read_text("utf-8", "replace") if log.exists() else f"no {log}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it greets who comes."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as answer:
                return bool(answer.recv(5))
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, as a loss of power does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server that lives as long as the block. Where none can be started the test is skipped; on CI, which installs
    it on Linux, it fails.
    """
    if reason := why_absent():
        if os.environ.get("CI") == "true" and sys.platform == "linux":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="bell-"))  # short: the name of a socket has 100 letters at most
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(folder, port, options)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server_of_tests() -> Iterator[str]:
    """The URL of the server that the tests of this process have for themselves."""
    if url := os.environ.get(URL):
        if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") != "1":
            pytest.fail(f"{URL} names one server, on which tests of several processes would meet: run them without -n")
        yield url
    else:
        with running() as server:
            yield server.url
