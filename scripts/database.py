"""A database server for the warehouse: Docker's where that is at work, else this machine's, else what to install.

Called by start_database.sh and start_database.ps1 through bootstrap.py. Passwords and the port stand in `.env` beside
docker-compose.yml; what is missing there is chosen and written into it once, and never shown.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.bootstrap import CannotGoOnError, tell  # noqa: E402
from scripts.local_server import LOCALHOST, LocalServer, find_server, is_taken  # noqa: E402

PASSWORD, ROOT_PASSWORD, PORT = "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_PORT"
USUAL_PORT = 3306
SAFE = re.compile(r"[A-Za-z0-9._~-]+")
"""What means the same in a URL, in SQL and in an environment file."""
LINE = re.compile(r"^(?P<name>[A-Za-z_]\w*)=(?P<value>.*)$", re.MULTILINE)
URL = "mysql://openingbell:${{MYSQL_PASSWORD}}@{host}:{port}/openingbell"
DOCKER, LOCAL = "docker", "local"
ENGINE_SECONDS = 30
HEALTHY_SECONDS = 300


@dataclass(frozen=True)
class Access:
    """How a server is reached."""

    port: int
    password: str
    root_password: str


def values_of(text: str) -> dict[str, str]:
    """The names of an environment file that have a value."""
    return {one["name"]: value for one in LINE.finditer(text) if (value := one["value"].strip().strip("'\""))}


def completed(text: str, chosen: Mapping[str, str]) -> str:
    """An environment file with a value for each of these names; one that is there stays."""
    missing = {name: value for name, value in chosen.items() if name not in values_of(text)}
    for name, value in missing.items():
        filled, times = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        text = filled if times else f"{text.rstrip()}\n{name}={value}\n".lstrip()
    return text


def access_of(env: Path, example: Path) -> Access:
    """Port and passwords of `.env`, which is made of the example when it is not there, and completed.

    Raises:
        CannotGoOnError: a value that cannot be.
    """
    text = (env if env.exists() else example).read_text("utf-8")
    chosen = {PASSWORD: secrets.token_urlsafe(24), ROOT_PASSWORD: secrets.token_urlsafe(24), PORT: str(free_port())}
    whole = completed(text, chosen)
    if whole != text or not env.exists():
        env.touch(0o600)  # nobody else reads the passwords of a file that is new
        env.write_text(whole, "utf-8")
        tell(f"wrote what was missing into {env}: {', '.join(name for name in chosen if name not in values_of(text))}")
    values = values_of(whole)
    for name in (PASSWORD, ROOT_PASSWORD):
        if not SAFE.fullmatch(values[name]):
            raise CannotGoOnError(
                f"asked to take {name} of {env}; it holds more than letters, digits and . _ ~ -; others mean something "
                "else in a URL or in SQL; choose one of these alone"
            )
    if not (values[PORT].isdecimal() and 0 < int(values[PORT]) < 65_536):
        raise CannotGoOnError(
            f"asked to take {PORT}={values[PORT]} of {env}; a port is a number from 1 to 65535; correct it"
        )
    return Access(int(values[PORT]), values[PASSWORD], values[ROOT_PASSWORD])


def free_port() -> int:
    """The usual port where nothing listens on it, else one that is free."""
    if not is_taken(USUAL_PORT):
        return USUAL_PORT
    with socket.socket() as listener:
        listener.bind((LOCALHOST, 0))
        return int(listener.getsockname()[1])


def docker_refusal() -> str | None:
    """Why Docker cannot be used here, None when it can."""
    if shutil.which("docker") is None:
        return "docker is not on PATH"
    if not docker_does("compose", "version"):
        return "docker is there without its compose plug-in"
    if not docker_does("info"):
        return "docker is there, but its engine does not answer"
    return None


def docker_does(*words: str) -> bool:
    """Whether docker does something well."""
    docker = shutil.which("docker") or "docker"
    try:
        done = subprocess.run([docker, *words], capture_output=True, timeout=ENGINE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def compose(root: Path, *words: str) -> None:
    """Let docker compose do something with the services of `root`.

    Raises:
        CannotGoOnError: it fails; it has said why.
    """
    docker = shutil.which("docker") or "docker"
    command = [docker, "compose", "--project-directory", str(root), *words]
    if subprocess.call(command):
        raise CannotGoOnError(
            f"asked docker compose to {words[0]} mysql; it failed; its words are above, and the server's behind "
            "`docker compose logs mysql`"
        )


def start(root: Path, home: Path, way: str | None) -> str:
    """Start a server in the way that is asked for, or the first that can be gone; say where it is.

    Raises:
        CannotGoOnError: no way can be gone, or the server does not start.
    """
    refusal = None if way == LOCAL else docker_refusal()
    server = None if way == DOCKER else find_server()
    if way != LOCAL and refusal is None:
        access = access_of(root / ".env", root / ".env.example")
        compose(root, "up", "--detach", "--wait", "--wait-timeout", str(HEALTHY_SECONDS), "mysql")
        return told(access, "in the container mysql")
    if server is None:
        raise CannotGoOnError(explanation(way, refusal))
    if refusal is not None and way is None:
        tell(f"{refusal}; taking the server of this machine, {server.program}")
    access = access_of(root / ".env", root / ".env.example")
    local = LocalServer(home / "database")
    started = local.start(server, access.port, access.password, access.root_password)
    return told(access, f"{'started' if started else 'was at work'}, its data are in {local.data}")


def told(access: Access, what: str) -> str:
    """What a user needs to know of a server that answers: no password among it."""
    url = URL.format(host=LOCALHOST, port=access.port)
    return (
        f"the server answers on {LOCALHOST}:{access.port} ({what})\n"
        f"to use it, put this line into .env, which holds the password as well:\nWAREHOUSE_URL={url}"
    )


def explanation(way: str | None, refusal: str | None) -> str:
    """What to install where nothing can be started."""
    ours = "Windows starts none by itself" if os.name == "nt" else "neither mariadbd nor mysqld is here"
    found = {DOCKER: refusal, LOCAL: ours}.get(way or "", f"{refusal}, and {ours}")
    return (
        f"asked for a database server; {found}; install Docker with its compose plug-in, or a server (Debian and "
        "Ubuntu: apt-get install mariadb-server; macOS: brew install mariadb), or set WAREHOUSE_URL to one elsewhere; "
        "without any of them leave WAREHOUSE_URL empty: the embedded warehouse needs no server"
    )


def stop(root: Path, home: Path, way: str | None) -> str:
    """Stop what was started; the data stay."""
    stopped = []
    if way != DOCKER and LocalServer(home / "database").stop():
        stopped.append("the server of this machine")
    if way != LOCAL and (root / ".env").exists() and docker_refusal() is None:
        compose(root, "stop", "mysql")
        stopped.append("the container mysql")
    return f"stopped: {' and '.join(stopped)}" if stopped else "nothing was at work"


def home_of(root: Path, environment: Mapping[str, str]) -> Path:
    """The home: OPENINGBELL_HOME of the environment or of `.env`, else the root."""
    env = root / ".env"
    named = environment.get("OPENINGBELL_HOME") or (
        values_of(env.read_text("utf-8")).get("OPENINGBELL_HOME") if env.exists() else None
    )
    return root / Path(named).expanduser() if named else root


def main(arguments: list[str], root: Path = ROOT) -> int:
    """The exit code: 0 done, 1 failed, 2 asked wrongly."""
    asked = argparse.ArgumentParser(prog="start_database", add_help=False)
    asked.add_argument("--with", dest="way", choices=(DOCKER, LOCAL))
    asked.add_argument("--stop", action="store_true")
    given = asked.parse_args(arguments)
    home = home_of(root, os.environ)
    try:
        print((stop if given.stop else start)(root, home, given.way))
    except (CannotGoOnError, OSError) as error:
        tell(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
