"""The sign of life: written whole, read back, and its age."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openingbell.errors import SourceError
from openingbell.operations.heartbeat import FILE_NAME, SLEEPING, Heartbeat, read_heartbeat

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def test_a_sign_is_read_back_with_its_age(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat(SLEEPING, "", now=NOW, machine_now=NOW, next_at=NOW + timedelta(minutes=2))
    beat = read_heartbeat(tmp_path)
    assert beat is not None
    assert (beat.state, beat.pid, beat.next_at) == (SLEEPING, os.getpid(), "2026-11-24T15:02:00+00:00")
    assert beat.age(NOW + timedelta(seconds=90)) == timedelta(seconds=90)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_what_still_goes_on_is_said_again_after_a_minute(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path)
    heart.again(now=NOW, machine_now=NOW)
    assert read_heartbeat(tmp_path) is None
    heart.beat(SLEEPING, "x", now=NOW, machine_now=NOW, next_at=NOW + timedelta(minutes=9))
    first = read_heartbeat(tmp_path)
    assert first is not None
    heart.again(now=NOW, machine_now=NOW + timedelta(seconds=59))
    assert read_heartbeat(tmp_path) == first
    later = NOW + timedelta(seconds=60)
    heart.again(now=later, machine_now=later)
    assert read_heartbeat(tmp_path) == replace(first, written_at=later.isoformat(), machine_at=later.isoformat())


def test_where_there_never_was_a_worker_there_is_none(tmp_path: Path) -> None:
    assert read_heartbeat(tmp_path) is None


def test_a_disk_that_does_not_take_it_stops_nothing(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "not there").beat(SLEEPING, "", now=NOW, machine_now=NOW, next_at=None)


def test_one_that_cannot_be_understood_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("[]")
    with pytest.raises(SourceError, match="written anew each minute"):
        read_heartbeat(tmp_path)
