"""Where a database server comes from, with a docker on PATH that only notes what it is asked."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from scripts import database
from scripts.bootstrap import CannotGoOnError

EXAMPLE = "# a comment\nFMP_API_KEY=\nMYSQL_PASSWORD=\nMYSQL_ROOT_PASSWORD=\nMYSQL_PORT=\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository without a `.env`."""
    (tmp_path / ".env.example").write_text(EXAMPLE, "utf-8")
    return tmp_path


class Docker:
    """A docker that refuses some of its first words."""

    def __init__(self, folder: Path, *refused: str) -> None:
        folder.mkdir()
        self._calls = folder / "calls.txt"
        if os.name == "nt":
            lines = ["@echo off", f'echo %*>> "{self._calls}"', *(f'if "%1"=="{word}" exit /b 1' for word in refused)]
            (folder / "docker.cmd").write_text("\n".join([*lines, "exit /b 0"]), "utf-8")
            return
        lines = ["#!/bin/sh", f'echo "$*" >> "{self._calls}"', *(f'[ "$1" = {word} ] && exit 1' for word in refused)]
        (folder / "docker").write_text("\n".join([*lines, "exit 0\n"]), "utf-8")
        (folder / "docker").chmod(0o755)

    def asked(self) -> list[str]:
        return [line.strip() for line in self._calls.read_text("utf-8").splitlines()]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A docker that does everything."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return Docker(tmp_path / "bin")


def test_docker_starts_the_server_and_waits_for_its_health(root: Path, docker: Docker) -> None:
    assert database.main([], root) == 0
    assert docker.asked() == [
        "compose version",
        "info",
        f"compose --project-directory {root} up --detach --wait --wait-timeout 300 mysql",
    ]


def test_what_is_printed_is_a_line_for_env_and_holds_no_password(
    root: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert database.main([], root) == 0
    said = capsys.readouterr()
    line = said.out.splitlines()[-1]
    values = dotenv_values(root / ".env")
    for name in (database.PASSWORD, database.ROOT_PASSWORD):
        assert str(values[name]) not in said.out + said.err
    with (root / ".env").open("a", encoding="utf-8") as env:
        env.write(f"{line}\n")
    assert dotenv_values(root / ".env")["WAREHOUSE_URL"] == (
        f"mysql://openingbell:{values['MYSQL_PASSWORD']}@127.0.0.1:{values['MYSQL_PORT']}/openingbell"
    )


def test_a_second_start_changes_nothing_in_env(root: Path, docker: Docker) -> None:
    assert database.main([], root) == 0
    first = (root / ".env").read_text("utf-8")
    assert database.main([], root) == 0
    assert (root / ".env").read_text("utf-8") == first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_reads_an_env_that_was_made(root: Path, docker: Docker) -> None:
    assert database.main([], root) == 0
    assert stat.S_IMODE((root / ".env").stat().st_mode) == 0o600


def test_docker_stops_the_server(root: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    (root / ".env").write_text(EXAMPLE, "utf-8")
    assert database.main(["--stop"], root) == 0
    assert docker.asked()[-1] == f"compose --project-directory {root} stop mysql"
    assert capsys.readouterr().out == "stopped: the container mysql\n"


def test_nothing_is_stopped_where_nothing_was_started(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert database.main(["--stop"], root) == 0
    assert capsys.readouterr().out == "nothing was at work\n"


@pytest.mark.parametrize(
    ("refused", "words"),
    [("compose", "docker is there without its compose plug-in"), ("info", "its engine does not answer")],
)
def test_a_docker_that_cannot_work_is_told_with_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refused: str, words: str
) -> None:
    monkeypatch.setenv("PATH", str(root / "bin"))
    Docker(root / "bin", refused)
    assert database.main(["--with", "docker"], root) == 1
    said = capsys.readouterr()
    assert words in said.err
    assert "install Docker with its compose plug-in, or a server" in said.err
    assert said.out == ""
    assert not (root / ".env").exists()


def test_a_container_that_does_not_become_healthy_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(root / "bin"))
    Docker(root / "bin", "compose")
    with pytest.raises(CannotGoOnError, match=r"asked docker compose to up mysql; it failed; .*docker compose logs"):
        database.compose(root, "up", "mysql")


def test_without_docker_and_server_all_ways_are_told() -> None:
    told = database.explanation(None, "docker is not on PATH")
    assert told.startswith("asked for a database server; docker is not on PATH, and ")
    assert "the embedded warehouse needs no server" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "A=1\n"),
        ("A=\n", "A=1\n"),
        ("A=mine\n", "A=mine\n"),
        ("A='mine'\n", "A='mine'\n"),
        ("# A=\nB=2", "# A=\nB=2\nA=1\n"),
        ("A=\nB=2\n", "A=1\nB=2\n"),
    ],
)
def test_what_is_missing_is_chosen_and_what_is_there_stays(text: str, expected: str) -> None:
    assert database.completed(text, {"A": "1"}) == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("MYSQL_PASSWORD=a@b", "MYSQL_PASSWORD of .* holds more than letters"),
        ("MYSQL_ROOT_PASSWORD=it's", "MYSQL_ROOT_PASSWORD of .* holds more than letters"),
        ("MYSQL_PORT=many", "a port is a number from 1 to 65535"),
        ("MYSQL_PORT=70000", "a port is a number from 1 to 65535"),
    ],
)
def test_a_value_that_cannot_be_is_refused_without_showing_a_password(root: Path, line: str, words: str) -> None:
    (root / ".env").write_text(f"{line}\n", "utf-8")
    with pytest.raises(CannotGoOnError, match=words) as refused:
        database.access_of(root / ".env", root / ".env.example")
    assert not re.search(r"a@b|it's", str(refused.value))


@pytest.mark.parametrize(
    ("environment", "env", "expected"),
    [
        ({}, "", "."),
        ({}, "OPENINGBELL_HOME=there\n", "there"),
        ({"OPENINGBELL_HOME": "here"}, "OPENINGBELL_HOME=x\n", "here"),
    ],
)
def test_the_data_lie_in_the_home(root: Path, environment: dict[str, str], env: str, expected: str) -> None:
    (root / ".env").write_text(env, "utf-8")
    assert database.home_of(root, environment) == root / expected
