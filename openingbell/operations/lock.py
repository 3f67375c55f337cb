"""One worker per home: whoever extracts, loads or transforms holds the lock, and its file says who that is."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import filelock

from openingbell.errors import RecordError, WorkerBusy

LOCK_NAME = "worker.lock"
OWNER_NAME = "worker.json"
"""Beside the lock and not in it: taking the lock empties its file."""


@contextmanager
def worker_lock(root: Path, command: str, now: datetime) -> Iterator[None]:
    """Be the home's worker. The system lets go when the process dies, however it dies.

    Raises:
        WorkerBusy: another process is; the message names it.
        RecordError: the home cannot be written to.
    """
    lock = filelock.FileLock(root / LOCK_NAME)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        owner = owner_of(root) or "another process"
        raise WorkerBusy(
            f"asked to run {command} in {root}; {owner} is at work there; one worker at a time; wait until it is done, "
            "or stop it",
            owner=owner,
        ) from None
    except OSError as error:
        raise _unwritable(root, command, error) from error
    try:
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": now.isoformat()}
        try:
            (root / OWNER_NAME).write_text(json.dumps(facts), "utf-8")
        except OSError as error:
            raise _unwritable(root, command, error) from error
        yield
    finally:
        with suppress(OSError):
            (root / OWNER_NAME).unlink(missing_ok=True)
        lock.release()


def _unwritable(root: Path, command: str, error: OSError) -> RecordError:
    return RecordError(
        f"asked to run {command} in {root}; the disk says: {error.strerror or error}; a home that is only read allows "
        "`bell status` and `bell sql`; make it writable, or choose another OPENINGBELL_HOME"
    )


def owner_of(root: Path) -> str | None:
    """Who holds the lock, in words, or None when nobody says so."""
    try:
        facts = json.loads((root / OWNER_NAME).read_text("utf-8"))
        return f"{facts['command']} (process {facts['pid']} on {facts['host']}, since {facts['since']})"
    except (OSError, ValueError, KeyError):
        return None


def is_held(root: Path) -> bool:
    """Whether a worker is at work."""
    if not (root / LOCK_NAME).exists():
        return False
    lock = filelock.FileLock(root / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except OSError:  # a home that is only read: whoever is at work says so
        return owner_of(root) is not None
    lock.release()
    return False
