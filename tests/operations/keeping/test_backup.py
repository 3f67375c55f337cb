"""A backup is a consistent state of the warehouse, whole or not at all, and any tool can read it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import BackupError, BackupNeeded, UsageError, WarehouseLocked
from openingbell.operations.keeping import backup as keeping
from openingbell.operations.keeping.folder import Backup, read_backup
from openingbell.warehouse.duckdb import DuckDBWarehouse
from openingbell.warehouse.migrations import TODAY
from openingbell.warehouse.protocol import Warehouse
from tests.operations.keeping.conftest import Make, contents, fill, silent
from tests.warehouse.earlier import NOON, some_rows

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def back_up(warehouse: Warehouse, folder: Path, progress: Any = silent, *, piece_rows: int = 100) -> Backup:
    return keeping.write(
        warehouse, folder, VirtualClock(NOW), source="demo 1", progress=progress, piece_rows=piece_rows
    )


def rows_of(backup: Backup) -> dict[str, pl.DataFrame]:
    """Every table of a backup, by key."""
    return {kept.table.name: pl.concat(backup.read(kept)).sort(kept.table.key) for kept in backup.tables}


def test_a_backup_holds_every_table_in_pieces_and_says_what_it_is(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    folder = tmp_path / "backups" / "today"
    told: list[tuple[str, int, int]] = []
    made = back_up(filled, folder, lambda *words: told.append(words), piece_rows=4)
    assert read_backup(folder) == made
    made.verify()
    assert rows_of(made).keys() == contents(filled).keys()
    assert all(rows_of(made)[name].equals(rows, null_equal=True) for name, rows in contents(filled).items())
    assert (made.made_at, made.source, made.version) == (NOW, "demo 1", TODAY.newest.number)
    assert made.rows == 7 * len(tables.TABLES)
    assert [file.rows for file in made.tables[0].files] == [4, 3]
    assert [one for one in told if one[0] == "loads"] == [("loads", 4, 7), ("loads", 7, 7)]


def test_the_manifest_has_the_hash_of_every_file_and_there_is_no_other(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b")
    manifest = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    named = [manifest["schema"], *(file for table in manifest["tables"] for file in table["files"])]
    found = {path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*") if path.is_file()}
    assert found == {file["path"] for file in named} | {"manifest.json"}
    for file in named:
        content = (made.folder / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_stranger_reads_it_without_this_program(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b")
    found = pl.read_parquet(made.folder / "raw" / "stock_data_raw" / "*.parquet")
    assert found.sort("source_row").equals(contents(filled)["stock_data_raw"].sort("source_row"), null_equal=True)
    described = json.loads((made.folder / "schema.json").read_text("utf-8"))["tables"][0]
    assert (described["name"], described["key"]) == ("stock_data_raw", ["load_id", "source_row"])
    assert [column["name"] for column in described["columns"]] == found.columns


def test_a_table_without_rows_is_in_it_with_its_columns(make: Make, tmp_path: Path) -> None:
    empty = make("duckdb", "empty")
    empty.setup()
    made = back_up(empty, tmp_path / "b")
    assert made.rows == 0
    for kept in made.tables:
        assert pl.concat(made.read(kept)).equals(tables.BY_NAME[kept.table.name].empty())


def test_what_is_written_meanwhile_waits_or_is_not_in_it(place: Callable[[str], Any], tmp_path: Path) -> None:
    """Half of the tables have been read when another connection writes to all of them."""
    source = place("source")
    fill(source)
    before = contents(source)

    def write_between(table: str, *_: int) -> None:
        if table == "daily_bars":
            with suppress(WarehouseLocked), place("source").write() as writer:
                for one in tables.TABLES:
                    writer.clear(one)

    assert all(
        rows.equals(before[name], null_equal=True)
        for name, rows in rows_of(back_up(source, tmp_path / "b", write_between)).items()
    )


def test_a_backup_that_was_broken_off_counts_for_nothing_and_the_next_takes_its_folder(
    filled: DuckDBWarehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "b"

    def give_up(table: str, *_: int) -> None:
        if table == "index_data_raw":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(filled, folder, give_up, piece_rows=1)
    (folder / "raw" / "stock_data_raw" / "0009.parquet.tmp").write_bytes(b"half")
    with pytest.raises(BackupError, match=r"there is no manifest\.json; it is written last"):
        read_backup(folder)
    made = back_up(filled, folder, piece_rows=100)
    made.verify()
    assert len([path for path in folder.rglob("*") if path.is_file()]) == len(tables.TABLES) + 2


def test_a_folder_that_holds_a_backup_or_something_else_is_refused(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b")
    with pytest.raises(UsageError, match="there is one already; a backup is never written over"):
        back_up(filled, tmp_path / "b")
    (tmp_path / "mine" / "raw").mkdir(parents=True)
    for name in ("raw/notes.txt", "raw/0001.parquet", "schema.json.bak"):
        (tmp_path / "mine" / name).write_text("mine", "utf-8")
        with pytest.raises(UsageError, match=r"it holds .*, which is no backup's"):
            back_up(filled, tmp_path / "mine")
        assert (tmp_path / "mine" / name).read_text("utf-8") == "mine"
        (tmp_path / "mine" / name).unlink()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="that is a file"):
        back_up(filled, tmp_path / "file")


def test_a_disk_that_takes_nothing_is_told_with_the_way_out(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        BackupError, match=r"0001\.parquet \([\d,]+ bytes\); the disk says: .*make room or choose another"
    ):
        back_up(filled, tmp_path / "file" / "b")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small backup, of which tests take copies."""
    from openingbell.operations.keeping.writing import Writing

    writing = Writing(tmp_path_factory.mktemp("whole") / "b")
    for table in tables.TABLES[:6]:
        writing.add(table, some_rows(table))
    version = TODAY.newest
    return writing.close(made_at=NOW, source="demo 1", version=version.number, version_name=version.name).folder


def unlink(path: Path) -> None:
    path.unlink()


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [unlink, halve, flip])
@pytest.mark.parametrize("name", ["raw/eod_data_raw/0001.parquet", "schema.json", "manifest.json"])
def test_a_file_that_is_missing_half_or_changed_is_named(
    whole: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    copied = shutil.copytree(whole, tmp_path / "b")
    damage(copied / name)
    with pytest.raises(BackupError, match=f"{Path(name).name}"):
        read_backup(copied).verify()


def test_of_many_damaged_files_three_are_named_and_the_others_counted(whole: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(whole, tmp_path / "b")
    for number, path in enumerate(sorted(copied.rglob("*.parquet"))):
        (unlink, halve, flip)[number % 3](path)
    with pytest.raises(BackupError) as caught:
        read_backup(copied).verify()
    assert str(caught.value).count("0001.parquet") == 3
    assert str(caught.value).endswith("; and 3 more")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "made_at": 5}', "\x00"])
def test_a_manifest_that_cannot_be_understood_is_refused_by_name(whole: Path, tmp_path: Path, text: str) -> None:
    copied = shutil.copytree(whole, tmp_path / "b")
    (copied / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(BackupError, match=r"manifest\.json; it cannot be understood"):
        read_backup(copied)


def job(at: datetime) -> pl.DataFrame:
    """A job that began at a moment and did not end."""
    facts = {"job_id": "x", "job_type": "load", "status": "RUNNING", "started_at": at.replace(tzinfo=None)}
    return pl.DataFrame([{**facts, "records_processed": 0, "details": "{}"}], schema=tables.JOB_LOG.schema)


def test_only_a_whole_backup_of_all_that_was_written_makes_up_for_a_loss(make: Make, tmp_path: Path) -> None:
    filled = make("duckdb", "mine")
    fill(filled)
    folder = back_up(filled, tmp_path / "b").folder
    keeping.require_backup(folder, filled)
    with filled.write() as writer:
        writer.append(tables.JOB_LOG, job(NOW - timedelta(days=1)))
    with pytest.raises(BackupNeeded, match=r"it holds 189 rows, the warehouse 190, .*a backup must be newer"):
        keeping.require_backup(folder, filled)
    folder = back_up(filled, tmp_path / "c").folder
    keeping.require_backup(folder, filled)
    with filled.write() as writer:
        writer.replace(tables.JOB_LOG, job(NOW))
    with pytest.raises(BackupNeeded, match=r"last written at 2026-11-28T12:00:00; a backup must be newer"):
        keeping.require_backup(folder, filled)
    flip(next(folder.rglob("*.parquet")))
    with pytest.raises(BackupError, match="SHA-256"):
        keeping.require_backup(folder, filled)


def test_a_warehouse_that_was_never_written_to_has_no_newest_write(make: Make) -> None:
    empty = make("duckdb", "empty")
    empty.setup()
    with empty.read() as reader:
        assert keeping.newest_write(reader) is None
    with empty.write() as writer:
        writer.append(tables.LOADS, some_rows(tables.LOADS))
    with empty.read() as reader:
        assert keeping.newest_write(reader) == NOON + timedelta(days=2)
