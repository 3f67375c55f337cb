"""Compressed files are the same record: read by everybody, proved by their manifest, never the only copy too soon."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell.errors import RecordError
from openingbell.landing import Landing, Manifest, compress
from tests.landing.test_place import NOON, ROWS, ask, files, land


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "data_extracts")


def path_of(landing: Landing, manifest: Manifest) -> Path:
    return landing.root / manifest.feed / str(manifest.file)


def packed_of(landing: Landing, manifest: Manifest) -> Path:
    return Path(f"{path_of(landing, manifest)}.gz")


def test_only_older_files_are_compressed_and_all_are_read_as_they_landed(landing: Landing) -> None:
    rows = pl.concat([ROWS] * 200)
    old, new = land(landing, rows), land(landing, ROWS, ask(at=NOON + timedelta(days=1)))
    land(landing, pl.DataFrame(), ask(at=NOON - timedelta(days=1), rows=0, bars={}))
    content = path_of(landing, old).read_bytes()
    done = compress(landing, NOON + timedelta(seconds=1))
    assert (done.files, done.bytes_before, done.failed) == (1, len(content), ())
    assert done.bytes_after == packed_of(landing, old).stat().st_size < len(content) / 10
    assert [path_of(landing, one).exists() for one in (old, new)] == [False, True]
    for record in (landing, Landing(landing.root)):
        assert record.content(old) == content
        assert record.read(old).equals(rows, null_equal=True)
        assert next(record.contents(record.record().files.filter("has_rows"))) == content
        assert record.damaged().is_empty()
    assert compress(landing, NOON + timedelta(seconds=1)).files == 0


def test_any_tool_reads_a_compressed_file(landing: Landing) -> None:
    manifest = land(landing)
    compress(landing, NOON + timedelta(days=1))
    assert gzip.decompress(packed_of(landing, manifest).read_bytes()).startswith(b"symbol,date,close,note\n^GSPC,")
    assert len(pl.read_csv(packed_of(landing, manifest), infer_schema=False)) == 3


def test_the_oldest_go_first_and_a_stop_is_heard(landing: Landing) -> None:
    landed = [land(landing, ROWS, ask(at=NOON + timedelta(minutes=minute))) for minute in (2, 0, 1)]
    later = NOON + timedelta(days=1)
    assert compress(landing, later, stop=lambda: True).files == 0
    assert compress(landing, later, most=2).files == 2
    assert [path_of(landing, one).exists() for one in landed] == [True, False, False]


@pytest.mark.parametrize("left", ["whole", "half", "nothing in it", "another content"])
def test_what_a_crash_left_beside_a_file_harms_nothing(landing: Landing, left: str) -> None:
    """It dies behind the rename at the latest, and power may go: the compressed file is whole, or it does not count."""
    manifest = land(landing)
    content = path_of(landing, manifest).read_bytes()
    whole = gzip.compress(content)
    packed = packed_of(landing, manifest)
    packed.write_bytes(
        {"whole": whole, "half": whole[: len(whole) // 2], "nothing in it": b""}.get(left, gzip.compress(b"x"))
    )
    assert landing.content(manifest) == content
    assert landing.damaged().is_empty()
    assert compress(landing, NOON + timedelta(days=1)).files == 1
    assert not path_of(landing, manifest).exists()
    assert landing.content(manifest) == content


def test_a_temporary_file_that_a_crash_left_is_swept(landing: Landing) -> None:
    manifest = land(landing)
    packed_of(landing, manifest).with_name(f"{manifest.load_id}.csv.gz.tmp").write_bytes(b"half")
    landing.sweep()
    assert files(landing) == [f"indexes/{manifest.load_id}{ending}" for ending in (".csv", ".json")]


def test_a_file_that_is_not_what_landed_stays_as_it_is_and_is_told(landing: Landing) -> None:
    wrong, right = land(landing), land(landing)
    path_of(landing, wrong).write_bytes(b"changed")
    done = compress(landing, NOON + timedelta(days=1))
    assert done.files == 1
    assert [f"{wrong.file}; its SHA-256 is" in problem for problem in done.failed] == [True]
    assert path_of(landing, wrong).read_bytes() == b"changed"
    assert not packed_of(landing, wrong).exists()
    assert not path_of(landing, right).exists()


def test_a_file_that_was_damaged_beside_its_whole_compressed_one_is_read_from_there(landing: Landing) -> None:
    manifest = land(landing)
    content = path_of(landing, manifest).read_bytes()
    packed_of(landing, manifest).write_bytes(gzip.compress(content))
    path_of(landing, manifest).write_bytes(b"changed")
    assert landing.content(manifest) == content
    assert compress(landing, NOON + timedelta(days=1)).files == 1
    assert landing.content(manifest) == content


@pytest.mark.parametrize("damage", ["cut off", "changed", "empty", "no gzip"])
def test_a_compressed_file_that_is_damaged_is_named(landing: Landing, damage: str) -> None:
    manifest = land(landing)
    compress(landing, NOON + timedelta(days=1))
    packed = packed_of(landing, manifest)
    whole = packed.read_bytes()
    other = gzip.compress(b"symbol\nA\n")
    packed.write_bytes({"cut off": whole[:-9], "changed": other, "empty": b""}.get(damage, b"symbol,date\n"))
    with pytest.raises(RecordError, match=rf"{manifest.load_id}\.csv\.gz; "):
        landing.read(manifest)
    (found,) = landing.contents(landing.record().files)
    assert isinstance(found, RecordError)
    assert landing.damaged()["load_id"].to_list() == [manifest.load_id]


def test_where_nothing_can_be_written_no_file_goes(landing: Landing) -> None:
    manifest = land(landing)
    packed_of(landing, manifest).with_name(f"{manifest.file}.gz.tmp").mkdir()
    with pytest.raises(RecordError, match="the disk says"):
        compress(landing, NOON + timedelta(days=1))
    assert path_of(landing, manifest).exists()
    assert landing.read(manifest).equals(ROWS, null_equal=True)
