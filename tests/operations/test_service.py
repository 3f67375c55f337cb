"""`bell run`: it works at once, gives signs of life, and ends when it is asked to; and what it knows at each event."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.feeds import COMMODITIES, STOCKS
from openingbell.operations.entry import Wish
from openingbell.operations.heartbeat import Heartbeat, read_heartbeat
from openingbell.operations.home import Source
from openingbell.operations.service import Service
from openingbell.operations.stopping import Stop
from openingbell.operations.vendor_report.learned import FILE_NAME, Learned, write_learned
from openingbell.operations.worker import at_work
from tests.operations.test_listed import scene
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


def test_what_was_learned_holds_from_the_next_event_on_and_does_no_harm_when_it_is_damaged(tmp_path: Path) -> None:
    now = datetime(2026, 11, 24, 15, tzinfo=UTC)
    wish = Wish(source=Source("demo", "1"), home=tmp_path / "home", clock=VirtualClock(now))
    with at_work(wish, "bell run", asks=False) as worker:
        service = Service(worker, Stop(), Heartbeat(tmp_path))
        universe, before = service.known()
        assert universe == worker.pipeline.universe
        write_learned(worker.home.root, {"stocks": Learned(300.0, 200, 3, 240.0, 300.0, now)})
        _, learned = service.known()
        assert learned != before
        assert learned.feed_delay(STOCKS) == 300
        (worker.home.root / FILE_NAME).write_text("{", "utf-8")
        assert service.known() == (universe, before)
        assert service.idle(now) is False


def test_facts_are_asked_for_with_the_ticks_of_stocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path, monkeypatch) as at, at_work(at.wish, "bell run", asks=True) as worker:
        service = Service(worker, Stop(), Heartbeat(tmp_path))
        service.tick([COMMODITIES.name])
        assert {one.symbol for one in at.asked()} == {"GCUSD"}
        service.tick([STOCKS.name])
        facts = {member.feed.path for member in worker.pipeline.universe_now.members if not member.feed.has_grid}
        assert {one.path for one in at.asked()} == {STOCKS.path, *facts}
