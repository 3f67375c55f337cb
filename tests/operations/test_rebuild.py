from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from tests.running import SMALL_UNIVERSE, Bell, another_process_holding

NOW = ("--now", "2026-11-21T12:00:00-05:00")
"""A Saturday: however long a test takes, no bar becomes final meanwhile."""


def test_a_rebuild_finds_every_table_that_was_tampered_with(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    touched = {tables.STOCK: "close", tables.TECHNICAL_INDICATORS: "rsi_14", tables.MARKET_SUMMARY: "yield_10y"}
    with bell.warehouse.write() as writer:
        for table, column in touched.items():
            row = writer.read(table).sort(table.key).tail(1)
            writer.replace(table, row.with_columns(pl.col(column) + 1e-9))
    out = bell.run("rebuild", "--verify", code=3).stdout
    assert {line.split()[0] for line in out.splitlines() if "differs" in line} == {t.name for t in touched}
    bell.run("rebuild", code=3)
    assert "differs" not in bell.run("rebuild", "--verify").stdout


def test_a_rebuild_keeps_the_job_log_and_leaves_no_second_warehouse(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    jobs = bell.rows(tables.JOB_LOG)
    bell.run("rebuild")
    assert bell.rows(tables.JOB_LOG).sort("job_id").equals(jobs.sort("job_id"))
    assert [path.name for path in bell.home.glob("*.duckdb*")] == ["warehouse.duckdb"]


def test_a_home_that_lost_its_warehouse_gets_it_back(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    before = bell.contents()
    bell.warehouse.delete()
    bell.run("rebuild")
    bell.run("quality", "--demo")
    assert all(rows.equals(before[name]) for name, rows in bell.contents().items())


def test_a_changed_file_is_named_and_the_first_warehouse_stays(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    before = bell.contents()
    file = next((bell.home / "data_extracts" / "stocks").glob("*.csv"))
    file.write_bytes(file.read_bytes().replace(b"AAPL", b"AAPM", 1))
    assert file.name in bell.run("rebuild", code=1).stderr
    assert all(rows.equals(before[name]) for name, rows in bell.contents().items())


@pytest.fixture
def filled(tmp_path_factory: pytest.TempPathFactory) -> Bell:
    bell = Bell(tmp_path_factory.mktemp("rebuild") / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    return bell


def damage(path: Path) -> bytes:
    """Flip bits all over the file behind its headers; gives what the file holds then."""
    content = bytearray(path.read_bytes())
    content[4_096 * 3 :: 97] = bytes(byte ^ 0xFF for byte in content[4_096 * 3 :: 97])
    path.write_bytes(content)
    return bytes(content)


def test_a_damaged_warehouse_is_set_aside_and_built_anew(filled: Bell) -> None:
    before = filled.contents()
    broken = damage(filled.warehouse.path)
    assert "run `bell rebuild`" in filled.run("sql", "SUMMARIZE stock_data_raw", code=1).stderr
    refused = filled.run("rebuild", "--verify", code=1).stderr
    assert "only a whole one can be compared; run `bell rebuild`" in refused
    assert filled.warehouse.path.read_bytes() == broken
    aside = filled.home / "warehouse.duckdb.broken"
    assert not aside.exists()
    out = filled.run("rebuild").stdout
    assert f"is set aside as {aside}; a new one was built from the landed files" in out
    assert aside.read_bytes() == broken
    filled.run("quality")
    assert all(rows.equals(before[name]) for name, rows in filled.contents().items())


def test_a_warehouse_that_another_process_holds_is_not_taken_for_damaged(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", {**SMALL_UNIVERSE, "OPENINGBELL_WAREHOUSE_WAIT_SECONDS": "0"})
    bell.run("full", "--demo", *NOW)
    with another_process_holding(bell.warehouse.path):
        assert "holds it and did not let go" in bell.run("rebuild", code=1).stderr
    assert [path.name for path in bell.home.glob("*.duckdb*")] == ["warehouse.duckdb"]


@pytest.mark.parametrize("words", [(), ("--verify",)])
def test_where_nothing_has_landed_nothing_is_rebuilt(tmp_path: Path, words: tuple[str, ...]) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    assert "nothing has landed there; a warehouse is built from landed" in bell.run("rebuild", *words, code=2).stderr
    assert not bell.home.exists()


def test_without_a_warehouse_there_is_nothing_to_compare_with(filled: Bell) -> None:
    filled.warehouse.delete()
    assert "found: there is none; " in filled.run("rebuild", "--verify", code=1).stderr
    assert not filled.warehouse.exists()
    assert "one was built from the landed files" in filled.run("rebuild").stdout


def test_findings_of_a_quality_run_before_the_newest_load_are_not_compared(tmp_path: Path) -> None:
    """They are true of what was there then; everything else is compared as ever."""
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", "--now", "2026-11-24T12:00:00-05:00")
    for stage in ("extract", "csv-load", "transform"):
        bell.run(stage, "--now", "2026-11-24T22:00:00-05:00") if stage == "extract" else bell.run(stage)
    out = bell.run("rebuild", "--verify").stdout
    assert "differs" not in out
    assert "stock_data_raw" in out
    assert "coverage" not in out
    bell.run("quality")
    assert "coverage" in bell.run("rebuild", "--verify").stdout
