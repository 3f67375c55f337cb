"""The record: what lands is read back exactly, what is broken is refused, and what is interrupted was never there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openingbell.errors import RecordError
from openingbell.landing import MISFIT, Ask, Landing, Manifest, Outcome, asks_of, write_durably
from tests.running import KILLED

NOON = datetime(2019, 2, 15, 17, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "symbol": ["^GSPC", "^GSPC", "BRK-B"],
        "date": ["2019-02-15 09:30:00"] * 3,
        "close": ["2760.24", None, ""],
        "note": ['a "b", c', "línea\nzwei\r\n三", " ^ "],
    }
)
CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "^GSPC", '"', '""', ",", "\n", "\r", "\r\n", " ", "null", "NaN", "-0.0", "1e-300", "é漢🙂", "\x00", "﻿"]
)  # fmt: skip
posix = pytest.mark.skipif(os.name == "nt", reason="resource limits are POSIX")


def ask(symbol: str = "^GSPC", *, at: datetime = NOON, **changes: Any) -> Ask:
    """An answer about one session."""
    day = date(2019, 2, 15)
    facts: dict[str, Any] = {
        "symbol": symbol, "asset_class": "index", "calendar": "XNYS", "first": day, "last": day, "covered_first": day,
        "covered_last": day, "answered_at": at, "status": 200, "outcome": Outcome.ANSWERED, "rows": 3, "bytes": 120,
        "bars": {day: 2},
    }  # fmt: skip
    return Ask(**(facts | changes))


def land(landing: Landing, rows: pl.DataFrame = ROWS, *asks: Ask, feed: str = "indexes") -> Manifest:
    """Land rows as the extract stage does."""
    return landing.write(
        feed, rows, asks or (ask(),), source="live FMP", bar_interval="5min", basis="vendor",
        final_delay=timedelta(seconds=120.5),
    )  # fmt: skip


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "data_extracts")


def files(landing: Landing) -> list[str]:
    """Every file under the record, by its path from there."""
    return sorted(path.relative_to(landing.root).as_posix() for path in landing.root.rglob("*") if path.is_file())


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8))
@example([(None, None, None)])
@example([("", "", "")])
@example([(None, "", '"'), ("", None, "\r")])
def test_rows_are_read_back_exactly_as_they_landed(cells: list[tuple[str | None, str | None, str | None]]) -> None:
    rows = pl.DataFrame(cells, schema={"symbol": pl.String, "a": pl.String, "b": pl.String}, orient="row")
    with tempfile.TemporaryDirectory() as folder:
        manifest = land(Landing(Path(folder)), rows)
        assert Landing(Path(folder)).read(manifest).equals(rows, null_equal=True)


@pytest.mark.parametrize("line", ["^DJI,2019", "^DJI,2019,1.5,note,more"], ids=["too short", "too long"])
def test_a_line_that_does_not_fit_the_header_is_a_row_all_the_same(landing: Landing, line: str) -> None:
    manifest = land(landing, ROWS.head(1))
    path = landing.root / "indexes" / str(manifest.file)
    content = path.read_bytes() + line.encode("utf-8") + b"\n"
    path.write_bytes(content)
    rows = landing.read(replace(manifest, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), rows=2))
    assert rows[MISFIT].to_list() == [None, line]
    assert rows.head(1).drop(MISFIT).equals(ROWS.head(1))


def test_many_rows_with_line_breaks_inside_come_back_in_their_order(landing: Landing) -> None:
    rows = pl.DataFrame(
        {"symbol": [str(n) for n in range(50_000)], "note": ['a\n"b"' if n % 7 else None for n in range(50_000)]}
    )
    assert landing.read(land(landing, rows)).equals(rows, null_equal=True)


def test_a_manifest_says_all_that_is_known_of_its_file(landing: Landing) -> None:
    manifest = land(landing, ROWS, ask("A", at=NOON - timedelta(minutes=1)), ask("B"))
    content = (landing.root / "indexes" / f"{manifest.load_id}.csv").read_bytes()
    assert manifest == Manifest(
        load_id="20190215T170000000000Z-indexes-000",
        feed="indexes",
        source="live FMP",
        bar_interval="5min",
        basis="vendor",
        final_delay_seconds=120.5,
        extracted_at=NOON,
        file="20190215T170000000000Z-indexes-000.csv",
        rows=3,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        asks=(ask("A", at=NOON - timedelta(minutes=1)), ask("B")),
    )
    assert manifest.final_delay == timedelta(seconds=120.5)


def test_a_manifest_is_read_back_as_it_was_written(landing: Landing) -> None:
    written = land(landing, ROWS, ask(), ask("XYZ", outcome=Outcome.RESTRICTED, status=402, rows=0, bars={}))
    assert Landing(landing.root).manifests() == [written]


def test_an_answer_without_rows_leaves_a_manifest_and_no_file(landing: Landing) -> None:
    manifest = land(landing, pl.DataFrame(), ask(rows=0, bars={}))
    assert (manifest.file, manifest.rows, manifest.bytes) == (None, 0, 0)
    assert files(landing) == [f"indexes/{manifest.load_id}.json"]
    assert landing.read(manifest).is_empty()


def test_the_file_is_plain_text_that_any_tool_reads(landing: Landing) -> None:
    manifest = land(landing, ROWS.head(1))
    assert (landing.root / "indexes" / str(manifest.file)).read_text("utf-8") == (
        'symbol,date,close,note\n^GSPC,2019-02-15 09:30:00,2760.24,"a ""b"", c"\n'
    )


def test_files_load_in_the_order_in_which_they_were_extracted_whatever_their_feed(landing: Landing) -> None:
    moments = [NOON + timedelta(seconds=n) for n in (5, 1, 3, 1)]
    for feed, moment in zip(("stocks", "bonds", "eod", "stocks"), moments, strict=True):
        land(landing, ROWS, ask(at=moment), feed=feed)
    again = Landing(landing.root).manifests()
    assert [(m.extracted_at, m.feed) for m in again] == sorted((m.extracted_at, m.feed) for m in again)
    assert again == landing.manifests()


def test_ids_are_unique_when_the_clock_stands_still_and_rise_when_it_moves(landing: Landing) -> None:
    still = [land(landing).load_id for _ in range(20)]
    later = land(landing, ROWS, ask(at=NOON + timedelta(microseconds=1))).load_id
    assert still == sorted(set(still))
    assert later > still[-1]
    assert len(landing.manifests()) == 21


def test_another_record_of_the_same_folder_takes_no_id_twice(landing: Landing) -> None:
    assert land(landing).load_id != land(Landing(landing.root)).load_id
    assert len(landing.manifests()) == 2


def test_a_changed_file_is_refused_and_the_way_out_works(landing: Landing) -> None:
    manifest = land(landing)
    path = landing.root / "indexes" / str(manifest.file)
    path.write_bytes(path.read_bytes().replace(b"2760.24", b"2760.25"))
    with pytest.raises(RecordError, match=r"its SHA-256 is .*, the manifest says .*move file and manifest away"):
        landing.read(manifest)
    path.unlink()
    path.with_suffix(".json").unlink()
    assert landing.manifests() == []


def test_a_missing_file_is_refused_by_name(landing: Landing) -> None:
    manifest = land(landing)
    (landing.root / "indexes" / str(manifest.file)).unlink()
    with pytest.raises(RecordError, match=rf"{manifest.load_id}\.csv, named by its manifest; found No such file"):
        landing.read(manifest)


def broken(change: Callable[[dict[str, Any]], object]) -> str:
    """The text of a manifest with something wrong in it."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = land(Landing(Path(folder)))
        facts = json.loads((Path(folder) / "indexes" / f"{manifest.load_id}.json").read_text("utf-8"))
    change(facts)
    return json.dumps(facts)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "[]", "3", '"text"', "{}", '{"asks": 3}', '{"asks": [1]}',
        broken(lambda facts: facts.pop("sha256")),
        broken(lambda facts: facts.update(colour="red")),
        broken(lambda facts: facts.update(extracted_at="yesterday")),
        broken(lambda facts: facts.update(extracted_at=5)),
        broken(lambda facts: facts["asks"][0].update(outcome="lost")),
        broken(lambda facts: facts["asks"][0].update(bars=[1])),
        broken(lambda facts: facts["asks"][0].update(first="2019-02-30")),
        broken(lambda facts: facts["asks"][0].pop("rows")),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_understood_is_refused_by_name(landing: Landing, text: str) -> None:
    path = landing.root / "stocks" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    with pytest.raises(
        RecordError, match=r"the manifest .*x\.json; it cannot be understood .*restore it from a backup"
    ):
        landing.manifests()


@pytest.mark.parametrize("place", ["indexes/20200101T000000000000Z-indexes-000.json", "stocks/{load_id}.json"])
def test_a_manifest_that_is_not_at_its_place_is_refused(landing: Landing, place: str) -> None:
    manifest = land(landing)
    path = landing.root / place.format(load_id=manifest.load_id)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((landing.root / "indexes" / f"{manifest.load_id}.json").read_bytes())
    with pytest.raises(
        RecordError, match=rf"asked to read .*{path.name}; it says that it is indexes/{manifest.load_id}"
    ):
        Landing(landing.root).manifests()


def test_a_survey_gives_what_can_be_read_and_names_the_rest(landing: Landing) -> None:
    manifest = land(landing)
    (landing.root / "indexes" / "x.json").write_text("{", "utf-8")
    found, errors = landing.survey()
    assert found.files["load_id"].to_list() == [manifest.load_id]
    assert [type(error) for error in errors] == [RecordError]
    assert "x.json" in str(errors[0])


def test_an_empty_home_has_no_manifests(landing: Landing) -> None:
    assert landing.manifests() == []
    assert landing.sweep() == 0


def test_an_answer_that_cannot_be_read_is_kept_as_it_came_and_is_no_manifest(landing: Landing) -> None:
    path = landing.keep_unreadable("x.json", b"<html>\xff")
    assert path.read_bytes() == b"<html>\xff"
    assert landing.manifests() == []


def test_sweeping_removes_what_interrupted_writes_left_and_nothing_else(landing: Landing) -> None:
    land(landing)
    before = files(landing)
    (landing.root / "indexes" / "y.csv.tmp").write_bytes(b"half")
    (landing.root / "indexes" / "y.json.tmp").write_bytes(b"half")
    assert landing.sweep() == 0  # nothing of them was an answer
    assert files(landing) == before
    assert landing.sweep() == 0


def test_asks_are_told_with_their_manifest(landing: Landing) -> None:
    one, two = land(landing, ROWS, ask("A"), ask("B")), land(landing, ROWS, ask("C"))
    assert [(manifest.load_id, a.symbol) for manifest, a in asks_of([one, two])] == [
        (one.load_id, "A"), (one.load_id, "B"), (two.load_id, "C"),
    ]  # fmt: skip


def test_a_write_replaces_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_durably(path, b"long content")
    write_durably(path, b"short")
    assert path.read_bytes() == b"short"
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match=r"asked to write .*x \(1,000 bytes\); the disk says: .*OPENINGBELL_HOME"):
        write_durably(tmp_path / "file" / "x", b"1" * 1_000)


def in_another_process(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that knows this module's names and `landing`, a record in `folder`."""
    repository = Path(__file__).resolve().parent.parent
    names = "from tests.landing.test_place import *\nfrom tests.running import KILL\n"
    head = f"{names}landing = Landing(Path({str(folder)!r}))\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", head + program],
        check=False,
        cwd=repository,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=120,
    )


@posix
@pytest.mark.parametrize(
    ("limit", "rows"), [(3_000, 10_000), (600, 1)], ids=["the file does not fit", "the manifest does not fit"]
)
def test_a_disk_that_is_full_keeps_nothing_of_the_write(tmp_path: Path, limit: int, rows: int) -> None:
    """A limit on the size of files stands for the full disk: the system refuses the write in its middle."""
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    land(landing, pl.concat([ROWS.head(1)] * {rows}))
except RecordError as error:
    print(error)
"""
    done = in_another_process(program, tmp_path)
    assert "the disk says: File too large; nothing of it was kept; make room" in done.stdout, done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_process_killed_at_any_step_of_a_write_leaves_all_of_it_or_nothing_that_counts(
    tmp_path: Path, step: int
) -> None:
    """The steps: the file is flushed, then renamed; the manifest is flushed, then renamed."""
    program = f"""
steps = iter(range(1, 5))
real = Path.replace
def die_at_a_rename(self, target):
    if next(steps) == {step}: os.kill(os.getpid(), KILL)
    moved = real(self, target)
    if next(steps) == {step}: os.kill(os.getpid(), KILL)
    return moved
Path.replace = die_at_a_rename
land(landing)
"""
    done = in_another_process(program, tmp_path)
    assert done.returncode == KILLED, done.stderr
    after = Landing(tmp_path)
    counted = after.manifests()
    assert len(counted) == (step == 4)
    assert all(after.read(manifest).equals(ROWS, null_equal=True) for manifest in counted)
    after.sweep()
    assert not list(tmp_path.rglob("*.tmp"))
    assert after.read(land(after)).equals(ROWS, null_equal=True)
    assert len(Landing(tmp_path).manifests()) == len(counted) + 1
