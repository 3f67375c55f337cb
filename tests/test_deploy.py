"""The files that run it elsewhere: they can be read, and what they call exists."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from openingbell.cli import app
from tests.running import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
VERBS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}


def test_the_unit_of_systemd_stops_gracefully_and_starts_again() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "openingbell.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("bell run")
    assert (service["KillSignal"], service["Restart"]) == ("SIGTERM", "on-failure")
    assert service["ExecStartPre"].startswith("-")  # a worker that died is a failure there, and must be able to start


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "openingbell.service"
    text = (DEPLOY / "openingbell.service").read_text("utf-8")
    unit.write_text(re.sub(r"/\S+/bell\b", sys.executable, text), "utf-8")  # it must be there
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]  # others are about the machine
    assert (done.returncode, complaints) == (0, [])


def test_windows_runs_the_worker_without_an_end() -> None:
    task = ET.parse(DEPLOY / "openingbell-task.xml").getroot()
    names = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert task.findtext(".//t:Exec/t:Arguments", namespaces=names) == "run"
    assert task.findtext(".//t:ExecutionTimeLimit", namespaces=names) == "PT0S"
    principal, actions = task.find(".//t:Principal", names), task.find("t:Actions", names)
    assert principal is not None
    assert actions is not None
    assert principal.findtext("t:UserId", namespaces=names) == "S-1-5-19"  # also while nobody is logged on
    assert actions.get("Context") == principal.get("id")


def test_cron_needs_no_folder_that_the_first_run_has_yet_to_make() -> None:
    lines = (DEPLOY / "openingbell.cron").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if not line.startswith("#")]
    minutes, *others, command = line.split(maxsplit=5)
    assert (minutes, others) == ("2,17,32,47", ["*"] * 4)  # two minutes after the end of a bar it is final
    assert re.search(r">> [\w.]+ 2>&1$", command)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell script")
def test_the_command_of_the_container_is_a_shell_script() -> None:
    subprocess.run(["sh", "-n", str(DEPLOY / "bell.sh")], check=True)


def test_every_verb_that_they_call_exists() -> None:
    text = "".join(
        path.read_bytes().decode("utf-16" if path.suffix == ".xml" else "utf-8") for path in DEPLOY.iterdir()
    )
    called = set(re.findall(r"/bell ([a-z-]+)", text))
    assert {"run", "full", "doctor"} <= called
    assert called <= VERBS


def test_none_holds_a_key() -> None:
    for path in DEPLOY.iterdir():
        assert not re.search(rb"FMP_API_KEY=\S", path.read_bytes())
