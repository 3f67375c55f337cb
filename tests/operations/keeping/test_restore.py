"""What was destroyed comes back from a backup, whatever version made it, and nothing that is there is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import BackupError, SchemaTooNew, SourceError, UsageError
from openingbell.landing import Ask, Landing, Outcome
from openingbell.operations import home as homes
from openingbell.operations.entry import Wish
from openingbell.operations.home import Source
from openingbell.operations.keeping import restore as restoring
from openingbell.operations.keeping.writing import Writing
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse
from openingbell.warehouse.migrations import TODAY
from tests.operations.keeping.conftest import Make, contents, fill, same, silent
from tests.operations.keeping.test_backup import NOW, back_up, flip
from tests.warehouse.earlier import make_earlier, some_rows


def test_a_warehouse_that_was_destroyed_comes_back_in_every_value(place: Callable[[str], Any], tmp_path: Path) -> None:
    lost = place("lost")
    fill(lost)
    before = contents(lost)
    backup = back_up(lost, tmp_path / "b")
    lost.delete()
    assert restoring.restore(backup, lost, silent) == ()
    assert same(contents(lost), before)
    assert not lost.beside().exists()


def test_a_backup_of_the_first_version_comes_back_as_of_this_one(place: Callable[[str], Any], tmp_path: Path) -> None:
    old = place("old")
    written = make_earlier(old, 1)
    backup = back_up(old, tmp_path / "b")
    assert backup.version == 1
    new = place("new")
    restoring.restore(restoring.check(backup.folder, silent), new, silent)
    with new.read() as reader:
        assert reader.layout() == {(table.layer, table.name): table.types for table in TODAY.tables}
    for table, found in zip(tables.TABLES, contents(new).values(), strict=True):
        before = written.get(table.name, table.empty())
        assert found.select(before.columns).equals(before.sort(table.key), null_equal=True), table.name
        assert all(found[name].null_count() == len(found) for name in set(table.names) - set(before.columns))


def written(
    folder: Path, *rows: tuple[Table, pl.DataFrame], version: int = TODAY.newest.number, source: str = "demo 1"
) -> Path:
    """A backup of these rows."""
    writing = Writing(folder)
    for table, frame in rows:
        writing.add(table, frame)
    return writing.close(made_at=NOW, source=source, version=version, version_name="bars of the moon").folder


def test_a_backup_of_a_newer_program_is_refused_by_name(tmp_path: Path) -> None:
    folder = written(tmp_path / "b", version=TODAY.newest.number + 1)
    words = (
        rf"the backup .*b; its tables are of version {TODAY.newest.number + 1} \(bars of the moon\), made by a newer"
    )
    with pytest.raises(SchemaTooNew, match=words):
        restoring.check(folder, silent)


def test_what_fails_in_its_middle_changes_nothing(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    before = contents(filled)
    wrong = some_rows(tables.LOADS).with_columns(feed=pl.lit(None, pl.String))
    folder = written(tmp_path / "b", (tables.STOCK_RAW, some_rows(tables.STOCK_RAW)), (tables.LOADS, wrong))
    with pytest.raises(BackupError, match=r"asked to restore loads from .*b; found: loads allows no nulls in feed"):
        restoring.restore(restoring.check(folder, silent), filled, silent)
    assert same(contents(filled), before)
    assert not filled.beside().exists()


def wish(tmp_path: Path) -> Wish:
    return Wish(Source(homes.DEMO, "1"), tmp_path / "home", clock=VirtualClock(NOW))


def home_warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "home" / "warehouse.duckdb", clock=VirtualClock(NOW), wait_seconds=0)


def test_a_home_gets_its_warehouse_back_and_is_told_what_does_not_fit_it(tmp_path: Path) -> None:
    """The home was lost as a whole: the backup's files were landed elsewhere, and one has landed since."""
    day = datetime(2019, 2, 15, 22, tzinfo=UTC)
    ask = Ask("A", "stock", "XNYS", day.date(), day.date(), day.date(), day.date(), day, 200, Outcome.ANSWERED, 1, 9)
    rows = pl.DataFrame({"symbol": ["A"]})
    Landing(tmp_path / "home" / "data_extracts").write(
        "stocks", rows, (ask,), source="demo 1", bar_interval="15min", basis="vendor", final_delay=timedelta(0)
    )
    loads = some_rows(tables.LOADS)
    folder = written(tmp_path / "b", (tables.LOADS, loads))
    done = restoring.run(wish(tmp_path), folder, silent, over=False)
    assert (done.rows, done.to_load, done.unlanded) == (3, 1, 3)
    assert [note[:40] for note in restoring.notes(done)] == [
        "1 landed files are not in it yet: run `b", "3 files that it was loaded from are not ",
    ]  # fmt: skip
    assert homes.enter(None, tmp_path / "home").source == Source(homes.DEMO, "1")
    assert contents(home_warehouse(tmp_path))["loads"].equals(loads, null_equal=True)


def test_rows_that_are_there_are_replaced_only_for_who_says_so(tmp_path: Path) -> None:
    made = home_warehouse(tmp_path)
    made.setup()
    folder = written(tmp_path / "b", (tables.LOADS, some_rows(tables.LOADS)))
    restoring.run(wish(tmp_path), folder, silent, over=False)  # without rows it is free
    with pytest.raises(
        UsageError, match=r"to restore the backup .*; the warehouse .* holds 3 rows, 3 of them in loads"
    ):
        restoring.run(wish(tmp_path), folder, silent, over=False)
    other = written(tmp_path / "c", (tables.LOADS, some_rows(tables.LOADS, 2)))
    restoring.run(wish(tmp_path), other, silent, over=True)
    assert len(contents(made)["loads"]) == 2


def test_a_backup_of_another_source_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "b", source="fmp")
    with pytest.raises(SourceError, match=r"of demo 1; it is one of fmp; a home holds one source"):
        restoring.run(wish(tmp_path), folder, silent, over=True)
    assert not home_warehouse(tmp_path).exists()


def test_a_damaged_backup_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    folder = written(tmp_path / "b", (tables.LOADS, some_rows(tables.LOADS)))
    flip(next(folder.rglob("*.parquet")))
    with pytest.raises(BackupError, match="SHA-256"):
        restoring.run(wish(tmp_path), folder, silent, over=True)
    assert not home_warehouse(tmp_path).exists()


def test_a_damaged_warehouse_is_set_aside(tmp_path: Path) -> None:
    made = home_warehouse(tmp_path)
    made.path.parent.mkdir()
    made.path.write_bytes(b"no warehouse" * 10_000)
    folder = written(tmp_path / "b", (tables.LOADS, some_rows(tables.LOADS)))
    done = restoring.run(wish(tmp_path), folder, silent, over=False)
    assert Path(done.set_aside).read_bytes() == b"no warehouse" * 10_000
    assert restoring.notes(done)[0].endswith(f"is set aside as {done.set_aside}")
    assert len(contents(made)["loads"]) == 3


def test_a_table_that_this_version_has_no_more_is_left_out_and_told(make: Make, tmp_path: Path) -> None:
    new = make("duckdb", "new")
    gone = Table("raw", "gone", ("source_row",), "", tables.LOADS.columns[:1], order="load_id")
    folder = written(tmp_path / "b", (gone, some_rows(gone)), (tables.LOADS, some_rows(tables.LOADS)))
    assert restoring.restore(restoring.check(folder, silent), new, silent) == ("gone",)
    assert len(contents(new)["loads"]) == 3
