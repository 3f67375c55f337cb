from __future__ import annotations

from pathlib import Path

import polars as pl

from openingbell import tables
from tests.running import SMALL_UNIVERSE, Bell

NOW = ("--now", "2026-11-24T22:00:00-05:00")


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
