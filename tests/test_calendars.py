"""The sessions of the library, and that they are kept and found again."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest

from openingbell import calendars
from openingbell.errors import RangeError

LOOK = "import sys; from openingbell import calendars; calendars.decade('XNYS', 202); print('pandas' in sys.modules)"


def pandas_was_needed() -> str:
    done = subprocess.run([sys.executable, "-c", LOOK], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_ten_years_of_sessions_are_those_of_the_exchange() -> None:
    days = calendars.asked("XNYS", 202)
    assert days.schema == calendars.SCHEMA
    assert (days["session"][0], days["session"][-1]) == (date(2020, 1, 2), date(2029, 12, 31))
    black_friday = days.row(by_predicate=pl.col("session") == date(2026, 11, 27), named=True)
    assert black_friday["close_utc"] == datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert black_friday["closes_early"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the place of the user's caches cannot be set")
def test_what_was_asked_once_is_found_by_another_process_without_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert pandas_was_needed() == "True"
    assert pandas_was_needed() == "False"


def test_what_is_kept_is_what_was_asked(tmp_path: Path) -> None:
    asked = calendars.kept("SIFMA_US", 201, tmp_path)
    (file,) = tmp_path.iterdir()
    assert pl.read_ipc(file).equals(asked)
    assert calendars.kept("SIFMA_US", 201, tmp_path).equals(asked)


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0 and nothing more", b"not Arrow at all" * 100])
def test_a_file_that_cannot_be_read_is_made_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "XNYS-2020s.arrow"
    path.write_bytes(content)
    assert calendars.kept("XNYS", 202, tmp_path).equals(calendars.asked("XNYS", 202))
    assert pl.read_ipc(path).height > 2_500


def test_a_half_file_is_made_again(tmp_path: Path) -> None:
    asked = calendars.kept("XNYS", 202, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:5_000])
    assert calendars.kept("XNYS", 202, tmp_path).equals(asked)


def test_without_a_place_to_keep_them_they_are_asked(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    assert calendars.kept("XNYS", 202, nowhere).equals(calendars.asked("XNYS", 202))


@pytest.mark.parametrize("name", ["XNYZ", "../XNYS", ""])
def test_an_unknown_calendar_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RangeError, match="there is none of that name"):
        calendars.kept(name, 202, tmp_path / "inside")
    assert list(tmp_path.rglob("*")) == []


def test_other_versions_keep_theirs_elsewhere() -> None:
    assert version("pandas_market_calendars") in calendars.folder().name
