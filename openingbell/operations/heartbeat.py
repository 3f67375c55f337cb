"""A sign of life: what the worker of a home does, written so often that its silence means something."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from openingbell.errors import SourceError

FILE_NAME = "heartbeat.json"
EVERY = timedelta(minutes=1)
STALE = timedelta(minutes=5)
"""Silence after which a worker that says it is there is not believed."""
WORKING, IDLE, SLEEPING, STOPPED = "working", "idle", "sleeping", "stopped"


@dataclass(frozen=True)
class Beat:
    """One sign: `what` is done, and when the next event is. Moments are in ISO form; `machine_at` is the machine's, the
    others are the home's own.
    """

    state: str
    what: str
    next_at: str
    written_at: str
    machine_at: str
    pid: int

    def age(self, machine_now: datetime) -> timedelta:
        """How long ago it was, by the machine's clock."""
        return machine_now - datetime.fromisoformat(self.machine_at)


class Heartbeat:
    """The sign of life of one home's worker. Safe among threads; a disk that does not take it stops nothing."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE_NAME
        self._lock = threading.Lock()
        self._last: Beat | None = None

    def beat(self, state: str, what: str, *, now: datetime, machine_now: datetime, next_at: datetime | None) -> None:
        """Write one."""
        beat = Beat(
            state=state,
            what=what,
            next_at=next_at.isoformat() if next_at else "",
            written_at=now.isoformat(),
            machine_at=machine_now.isoformat(),
            pid=os.getpid(),
        )
        with self._lock:
            self._write(beat)

    def again(self, *, now: datetime, machine_now: datetime) -> None:
        """Say that what was said last still goes on, where that is a minute ago."""
        with self._lock:
            if self._last is not None and self._last.age(machine_now) >= EVERY:
                self._write(replace(self._last, written_at=now.isoformat(), machine_at=machine_now.isoformat()))

    def _write(self, beat: Beat) -> None:
        self._last = beat
        temporary = self._path.with_name(f"{FILE_NAME}.tmp")
        with suppress(OSError):
            temporary.write_text(json.dumps(asdict(beat)), "utf-8")
            temporary.replace(self._path)


def read_heartbeat(root: Path) -> Beat | None:
    """The newest sign of a home's worker, None where there never was one.

    Raises:
        SourceError: the file cannot be understood.
    """
    path = root / FILE_NAME
    try:
        return Beat(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(
            f"asked to read {path}; it cannot be understood ({error!r}); it is written anew each minute while "
            "`bell run` is at work; start that, or delete it"
        ) from error
