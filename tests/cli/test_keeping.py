"""`bell backup`, `restore`, `copy`, `tidy` and `setup --backup` as their users type them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from openingbell import tables
from openingbell.cli import app
from openingbell.clock import SystemClock
from openingbell.config import Settings
from openingbell.errors import BackupNeeded, UsageError
from openingbell.landing import Landing
from openingbell.tables.history import VERSIONS
from openingbell.warehouse.connect import connect
from openingbell.warehouse.duckdb import DuckDBWarehouse
from tests.landing.test_place import ROWS, ask, land
from tests.operations.keeping.conftest import contents, same
from tests.running import SMALL_UNIVERSE
from tests.warehouse.earlier import some_rows

Say = Callable[..., tuple[str, str]]


@pytest.fixture
def bell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a verb in this process, in a home under `tmp_path`, and gives what it said, to both streams."""
    monkeypatch.chdir(tmp_path)
    for name, value in {**SMALL_UNIVERSE, "OPENINGBELL_HOME": "home", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> tuple[str, str]:
        assert (app(list(words), standalone_mode=False) or 0) == code
        said = capsys.readouterr()
        return said.out, said.err

    return run


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = DuckDBWarehouse(tmp_path / "home" / "warehouse.duckdb", clock=SystemClock(), wait_seconds=0)
    with made.kept_open(), made.write() as writer:
        for table in tables.TABLES:
            writer.append(table, some_rows(table))
    return made


def test_a_home_is_backed_up_lost_and_restored(bell: Say, warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    before = contents(warehouse)
    rows = 3 * len(tables.TABLES)
    said, _ = bell("backup", "--to", "kept", "--demo")
    assert said.startswith(f"backed up {rows} rows of {len(tables.TABLES)} tables into kept, ")
    assert "the landed files under data_extracts/ are not in it" in said
    shutil.rmtree(tmp_path / "home")
    whole, _ = bell("restore", "--from", "kept", "--verify")
    assert whole.startswith("the backup kept of 20")
    assert f"tables of version {VERSIONS[-1].number} is whole: {rows} rows of {len(tables.TABLES)} tables" in whole
    assert not (tmp_path / "home").exists()
    said, _ = bell("restore", "--from", "kept", "--demo")
    assert said.startswith(f"restored {rows} rows of {len(tables.TABLES)} tables as of 20")
    assert "3 files that it was loaded from are not under data_extracts/" in said
    assert same(contents(warehouse), before)
    with pytest.raises(UsageError, match="say --replace"):
        bell("restore", "--from", "kept")
    bell("restore", "--from", "kept", "--replace")


def test_a_warehouse_is_copied_and_each_table_told(bell: Say, warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    lines = bell("copy", "--to", "duckdb:///other.duckdb", "--demo")[0].splitlines()
    assert lines[0].split() == ["table", "rows", "copy", "only", "here", "only", "copy"]
    assert [line.split() for line in lines[1:] if line.strip()] == [
        [table.name, "3", "3", "0", "0", "equal"] for table in tables.TABLES
    ]
    other = DuckDBWarehouse(tmp_path / "other.duckdb", clock=SystemClock(), wait_seconds=0)
    assert same(contents(other), contents(warehouse))


def test_a_warehouse_moves_to_a_server_and_back_and_is_restored_there(
    bell: Say, warehouse: DuckDBWarehouse, tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied, used there, backed up, destroyed, restored, and copied back: not a value differs."""
    url = f"{server_url}t_moved"
    on_server = connect(Settings(warehouse_url=url), tmp_path, SystemClock())
    equal = [[table.name, "3", "3", "0", "0", "equal"] for table in tables.TABLES]
    try:
        said, _ = bell("copy", "--to", url, "--demo")
        assert [line.split() for line in said.splitlines()[1:] if line.strip()] == equal
        monkeypatch.setenv("WAREHOUSE_URL", url)
        assert bell("setup")[0].endswith(f"is ready, its tables of version {VERSIONS[-1].number}\n")
        with pytest.raises(UsageError, match="to itself; a copy has another place"):
            bell("copy", "--to", url)
        bell("backup", "--to", "kept")
        on_server.delete()
        assert bell("restore", "--from", "kept")[0].startswith(f"restored {3 * len(tables.TABLES)} rows")
        said, _ = bell("copy", "--to", "duckdb:///back.duckdb")
        assert [line.split() for line in said.splitlines()[1:] if line.strip()] == equal
    finally:
        on_server.delete()
    back = DuckDBWarehouse(tmp_path / "back.duckdb", clock=SystemClock(), wait_seconds=0)
    assert same(contents(back), contents(warehouse))


def test_setup_says_the_version_and_takes_only_a_backup_of_now(bell: Say, warehouse: DuckDBWarehouse) -> None:
    ready = f"is ready, its tables of version {VERSIONS[-1].number}\n"
    assert bell("setup", "--demo")[0].endswith(ready)
    bell("backup", "--to", "kept")
    assert bell("setup", "--backup", "kept")[0].endswith(ready)
    with warehouse.write() as writer:
        writer.clear(tables.LOADS)
    with pytest.raises(BackupNeeded, match="a backup must be newer than all that was written"):
        bell("setup", "--backup", "kept")


def test_old_landed_files_are_compressed_and_what_cannot_be_is_left_out(bell: Say, tmp_path: Path) -> None:
    assert bell("tidy", "--demo") == ("compressed 0 landed files from 0.0 to 0.0 MB\n", "")
    landing = Landing(tmp_path / "home" / "data_extracts")
    long_ago = SystemClock().now() - timedelta(days=91)
    old, wrong = (land(landing, ROWS, ask(at=long_ago - timedelta(days=n))) for n in range(2))
    (landing.root / "indexes" / str(wrong.file)).write_text("changed", "utf-8")
    said, complained = bell("tidy", "--demo", code=3)
    assert said.startswith("compressed 1 landed files from 0.0 to 0.0 MB")
    assert f"{wrong.file}; its SHA-256 is" in complained
    assert landing.read(old).equals(ROWS, null_equal=True)
