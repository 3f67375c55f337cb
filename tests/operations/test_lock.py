from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell.errors import RecordError, WorkerBusy
from openingbell.operations.lock import LOCK_NAME, OWNER_NAME, is_held, owner_of, worker_lock

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
HOLDER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from openingbell.operations.lock import worker_lock
with worker_lock(Path(sys.argv[1]), "bell backfill", datetime(2026, 11, 24, tzinfo=UTC)):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_held_inside_its_block_and_free_after_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with worker_lock(tmp_path, "bell full", NOW):
        assert is_held(tmp_path)
        assert (
            owner_of(tmp_path)
            == f"bell full (process {os.getpid()} on {socket.gethostname()}, since {NOW.isoformat()})"
        )
    assert not is_held(tmp_path)
    assert owner_of(tmp_path) is None


def test_the_lock_is_free_after_a_block_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), worker_lock(tmp_path, "bell full", NOW):
        raise ZeroDivisionError
    assert not is_held(tmp_path)


def test_a_second_worker_is_told_who_the_first_is_and_a_dead_one_is_none(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        with (
            pytest.raises(WorkerBusy, match=rf"bell backfill \(process {pid} ") as refused,
            worker_lock(tmp_path, "bell full", NOW),
        ):
            pytest.fail("two workers in one home")
        assert f"process {pid}" in refused.value.owner
        holder.kill()
        holder.wait()
    with worker_lock(tmp_path, "bell full", NOW):
        assert is_held(tmp_path)


@pytest.mark.parametrize("name", [LOCK_NAME, OWNER_NAME])
def test_a_home_that_takes_no_lock_is_told_in_words(tmp_path: Path, name: str) -> None:
    """A folder in the place of the file stands for a disk that is only read."""
    (tmp_path / name).mkdir()
    words = (
        r"asked to run bell full in .*; the disk says: .*; .* allows `bell status` and .*; make it writable, or choose"
    )
    with pytest.raises(RecordError, match=words), worker_lock(tmp_path, "bell full", NOW):
        pytest.fail("a worker without a lock")
    assert not is_held(tmp_path)


def test_a_home_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="the disk says"), worker_lock(tmp_path / "file", "bell full", NOW):
        pytest.fail("a worker without a home")


def test_looking_whether_the_lock_is_held_writes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
