"""`bell run` as a process: it works at once, gives signs of life, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openingbell import tables
from openingbell.operations.heartbeat import read_heartbeat
from tests.running import REPOSITORY, SMALL_UNIVERSE, Bell

SATURDAY = "2026-11-21T12:00:00-05:00"
WINDOWS = os.name == "nt"
SIGNALS = ["CTRL_BREAK_EVENT"] if WINDOWS else ["SIGTERM", "SIGINT"]
"""What one process can send another alone: on Windows it needs a group of its own, and hears no Ctrl-C in it."""


def started(bell: Bell) -> subprocess.Popen[str]:
    """`bell run` in a home, its words line by line."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENINGBELL_")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-u", "-m", "openingbell", "run", "--demo", "--now", SATURDAY],
        cwd=bell.home.parent,
        env={**inherited, **bell.environment, "PYTHONPATH": str(REPOSITORY), "OPENINGBELL_HOME": str(bell.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


@pytest.mark.parametrize("name", SIGNALS)
def test_it_does_what_is_due_sleeps_and_ends_well_when_asked(tmp_path: Path, name: str) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    with started(bell) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == (
            "markets are closed; sleeping until Sun 2026-11-22 18:17 New York (23:17 UTC), for commodities\n"
        )
        beat = read_heartbeat(bell.home)
        assert beat is not None
        assert WINDOWS or beat.pid == process.pid  # there a virtual environment's Python starts another
        busy = bell.run("extract", "--demo", code=1).stderr
        assert "bell run (process" in busy
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out == "stopped\n"
    ended = read_heartbeat(bell.home)
    assert ended is not None
    assert ended.state == "stopped"
    assert bell.rows(tables.STOCK)["symbol"].n_unique() == 2
    assert "RUNNING" not in bell.rows(tables.JOB_LOG)["status"].to_list()
