"""A MySQL or MariaDB server of this machine in a folder of its own: made, started, asked whether it answers, stopped.

It listens on loopback alone, and reads no configuration but the options here. Its user and its root get their passwords
at every start, from a file that is gone when it answers.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.bootstrap import CannotGoOnError, tell, wait_for  # noqa: E402

LOCALHOST = "127.0.0.1"
GRANTS = ROOT / "deploy" / "grants.sql"
OPTIONS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--default-time-zone=+00:00",
    "--local-infile=ON",
    "--max-allowed-packet=64M",
    "--innodb-buffer-pool-size=512M",
    "--skip-log-bin",
    "--skip-name-resolve",
)
"""How a server is to be, here as in docker-compose.yml. It writes no binary log: the landed files are the record."""
NAMES = ("mariadbd", "mysqld")
UNUSUAL_FOLDERS = () if os.name == "nt" else ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")
"""Where servers are that are on the path of root alone."""
START_SECONDS = 120
STOP_SECONDS = 120
POLL_SECONDS = 0.1
GREETING = 10
"""The version of the protocol, with which every server begins."""
LAST_LINES = 20


@dataclass(frozen=True)
class Server:
    """The programs of a server."""

    program: str
    installer: str | None
    """What makes the data of MariaDB; MySQL does it by itself."""


def find_server() -> Server | None:
    """The server of this machine, None where there is none that could be started here."""
    if os.name == "nt":
        return None
    path = os.pathsep.join([os.environ.get("PATH", ""), *UNUSUAL_FOLDERS])
    program = next(filter(None, (shutil.which(name, path=path) for name in NAMES)), None)
    if program is None:
        return None
    said = subprocess.run([program, "--no-defaults", "--version"], capture_output=True, check=False, errors="replace")
    if "MariaDB" not in said.stdout:
        return Server(program, None)
    installer = shutil.which("mariadb-install-db", path=path) or shutil.which("mysql_install_db", path=path)
    return Server(program, installer) if installer else None


def greeting(port: int, seconds: float = 1.0) -> str | None:
    """The version that the server on a port of this machine greets with; None when none does."""
    try:
        with socket.create_connection((LOCALHOST, port), seconds) as connection:
            said = connection.recv(256)
    except OSError:
        return None
    return said[5:].split(b"\0")[0].decode("ascii", "replace") if said[4:5] == bytes([GREETING]) else None


class LocalServer:
    """A server whose data, log and process are known by a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self._pid_file = self.folder / "server.pid"
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        """Its process, where this one started it."""

    def pid(self) -> int | None:
        """The process, None when there is none: what a killed one left behind does not count."""
        try:
            number = int(self._pid_file.read_text("ascii"))
        except (OSError, ValueError):
            return None
        return number if f"--datadir={self.data}" in command_of(number) else None

    def start(self, server: Server, port: int, password: str, root_password: str) -> bool:
        """Start it, come back when it answers, and say whether it had to be started.

        Raises:
            CannotGoOnError: something else is on the port, or the server does not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with (self.folder / "start.lock").open("ab") as lock:
            wait_for(lock.fileno())
            running = self.pid() is not None
            if not running:
                self._let_go()
                require_free(port)
                if not self.data.exists():
                    self._make_data(server)
            opening = self.folder / "opening.sql"
            try:
                if not running:
                    self._process = self._launch(server, port, opening, password, root_password)
                self._wait_for(port)
            finally:
                opening.unlink(missing_ok=True)
        return not running

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Ask it to end, come back when it has, and say whether it was there.

        Raises:
            CannotGoOnError: it does not end.
        """
        number = self.pid()
        if number is None or sys.platform == "win32":
            return False
        os.kill(number, signal.SIGTERM)
        last = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > last:
                raise CannotGoOnError(
                    f"asked the server (process {number}) to stop; it is there after {seconds:g} s; {self._words()}"
                )
            time.sleep(POLL_SECONDS)
        self._let_go()
        return True

    def _let_go(self) -> None:
        """Take the end of a process that was started here."""
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _make_data(self, server: Server) -> None:
        """Make the data of an empty server; they get their name last, so that half of them is never taken for all."""
        tell(f"making an empty server in {self.folder} ...")
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        if server.installer:
            command = [server.installer, "--no-defaults", f"--datadir={new}", "--skip-test-db"]
            command.append("--auth-root-authentication-method=socket")  # no root that comes without a password
        else:
            command = [server.program, "--no-defaults", "--initialize-insecure", f"--datadir={new}"]
        made = subprocess.run([*command, *as_user()], capture_output=True, check=False, errors="replace")
        if made.returncode:
            raise CannotGoOnError(
                f"asked for an empty server in {self.folder}; {command[0]} failed:\n{made.stdout}{made.stderr}"
            )
        new.replace(self.data)

    def _launch(
        self, server: Server, port: int, opening: Path, password: str, root_password: str
    ) -> subprocess.Popen[bytes]:
        opening.touch(0o600)
        opening.write_text(opening_statements(password, root_password), "utf-8")
        command = [
            server.program,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--pid-file={self._pid_file}",
            f"--bind-address={LOCALHOST}",
            f"--port={port}",
            "--socket=server.sock",  # in the data: a whole path could be longer than sockets may be named
            "--loose-mysqlx=OFF",
            f"--init-file={opening}",
            *OPTIONS,
            *as_user(),
        ]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=os.name != "nt"
            )

    def _wait_for(self, port: int) -> None:
        last = time.monotonic() + START_SECONDS
        while greeting(port) is None or self.pid() is None:
            if self._process is not None and self._process.poll() is not None:
                raise CannotGoOnError(f"asked to start a server on port {port}; it ended; {self._words()}")
            if time.monotonic() > last:
                raise CannotGoOnError(
                    f"asked to start a server on port {port}; no answer after {START_SECONDS} s; {self._words()}"
                )
            time.sleep(POLL_SECONDS)

    def _words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:] if self._log.exists() else []
        return "\n".join([f"{self._log} says last:", *lines])


def opening_statements(password: str, root_password: str) -> str:
    """What a server does before it listens: a line a statement. The passwords hold no character that SQL knows."""
    grants = [line for line in GRANTS.read_text("utf-8").splitlines() if line and not line.startswith("--")]
    lines = [
        f"CREATE USER IF NOT EXISTS 'openingbell'@'%' IDENTIFIED BY '{password}';",
        f"ALTER USER 'openingbell'@'%' IDENTIFIED BY '{password}';",
        *grants,
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{root_password}';",
    ]
    return "".join(f"{line}\n" for line in lines)


def as_user() -> list[str]:
    """What a server wants to hear when it is root who starts it: that this is meant."""
    return ["--user=root"] if os.name != "nt" and os.geteuid() == 0 else []


def command_of(pid: int) -> str:
    """The command line of a process, empty when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    else:
        command = [shutil.which("ps") or "ps", "-ww", "-o", "args=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, check=False, errors="replace").stdout


def is_taken(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        socket.create_connection((LOCALHOST, port), 1.0).close()
    except OSError:
        return False
    return True


def require_free(port: int) -> None:
    """Refuse a port on which something listens."""
    if is_taken(port):
        raise CannotGoOnError(
            f"asked to start a server on port {port}; something else listens there; set another MYSQL_PORT in .env, or "
            "use that server: its address is all that WAREHOUSE_URL needs"
        )
