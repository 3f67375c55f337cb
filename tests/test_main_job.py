"""The main job from end to end: real bars by replay, a simulated market by demo, each in a real process."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from tests.running import SMALL_UNIVERSE, Bell

EXPECTED_ROWS = {
    tables.STOCK: 3_900,
    tables.INDEX: 260,
    tables.COMMODITY: 260,
    tables.BOND: 30,
    tables.DAILY_BARS: 9 * 283,
    tables.TECHNICAL_INDICATORS: 3_900 + 260 + 260,
}
WITHOUT_EVENTS = (tables.ACTIONS_RAW, tables.CORPORATE_ACTIONS, tables.RESTATEMENTS, tables.INDEX_CONSTITUENTS)
"""Tables of what the demo has not: dividends, splits, changed bars, an index whose members are wanted."""
PROMISED_QUERIES = (
    "SELECT * FROM stock_data_raw LIMIT 5;",
    (
        "SELECT symbol, date, close, price_change_pct, volatility, data_quality_score "
        "FROM stock_data ORDER BY date DESC LIMIT 10;"
    ),
    (
        "SELECT symbol, date, close, sma_20, rsi_14, macd_line FROM technical_indicators "
        "WHERE symbol = 'AAPL' ORDER BY date DESC LIMIT 5;"
    ),
    "SELECT * FROM market_summary ORDER BY date DESC LIMIT 3;",
)


@pytest.fixture(scope="module")
def replayed(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Bell:
    """A home that one `full` run filled from real bars."""
    bell = Bell(tmp_path_factory.mktemp("replay") / "home", {})
    bell.run("full", "--replay", str(shared_data / "replay"))
    return bell


def vendor_bars(folder: Path, symbol: str) -> pl.DataFrame:
    """The vendor's own 15-minute bars of the sessions that the replay has 5-minute bars for."""
    bars = pl.read_csv(folder / "replay" / "15min" / f"{symbol}.csv", schema_overrides={"volume": pl.Int64})
    dated = bars.with_columns(pl.col("date").str.to_datetime(time_unit="us"))
    return dated.filter(pl.col("date") >= pl.datetime(2019, 2, 11)).sort("date")


def test_every_table_holds_the_rows_that_the_replay_has(replayed: Bell) -> None:
    assert {table.name: len(replayed.rows(table)) for table in EXPECTED_ROWS} == {
        table.name: rows for table, rows in EXPECTED_ROWS.items()
    }


def test_the_replay_has_no_holes(replayed: Bell) -> None:
    assert replayed.rows(tables.COVERAGE)["state"].unique().to_list() == ["complete"]


@pytest.mark.parametrize(("symbol", "table"), [("SPY", tables.INDEX), ("GLD", tables.COMMODITY)])
def test_bars_made_from_five_minutes_equal_the_vendors_own(
    replayed: Bell, shared_data: Path, symbol: str, table: tables.Table
) -> None:
    theirs = vendor_bars(shared_data, symbol)
    ours = replayed.rows(table).filter(pl.col("symbol") == symbol).sort("date").select(theirs.columns)
    assert len(ours) == 130
    assert ours.equals(theirs)


@pytest.mark.parametrize("query", PROMISED_QUERIES)
def test_the_promised_queries_work_as_typed(replayed: Bell, query: str) -> None:
    answer = json.loads(replayed.run("sql", query, "--format", "json").stdout)
    assert len(answer) == int(query.rstrip(";").rsplit(" ", 1)[1])
    assert replayed.run("sql", query).stdout.strip()


def test_a_query_writes_csv_for_programs(replayed: Bell) -> None:
    out = replayed.run("sql", "SELECT count(*) AS n FROM stock_data_raw", "--format", "csv").stdout
    assert out == "n\n3900\n"


def test_each_indicator_row_can_be_followed_back_to_file_and_line(replayed: Bell) -> None:
    row = replayed.rows(tables.STOCK).filter(pl.col("symbol") == "TSLA").sort("date").row(-1, named=True)
    lines = (replayed.home / "data_extracts" / "stocks" / f"{row['load_id']}.csv").read_text("utf-8").splitlines()
    assert lines[row["source_row"]].startswith("TSLA,")
    assert str(row["date"]) in lines[row["source_row"]]


def test_running_everything_again_changes_no_table(replayed: Bell, shared_data: Path) -> None:
    before = replayed.contents()
    landed = sorted(replayed.home.rglob("data_extracts/**/*"))
    replayed.run("full", "--replay", str(shared_data / "replay"))
    assert sorted(replayed.home.rglob("data_extracts/**/*")) == landed
    assert all(before[name].equals(rows) for name, rows in replayed.contents().items())


def test_the_stages_one_after_the_other_do_what_full_does(replayed: Bell, shared_data: Path, tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", {})
    for stage in ("extract", "csv-load", "transform", "quality"):
        bell.run(stage, "--replay", str(shared_data / "replay"))
    bell.run("report", "--week", "2019-W07")
    contents = bell.contents()
    assert all(rows.equals(contents[name]) for name, rows in replayed.contents().items())
    assert (bell.home / "reports" / "report-2019-W07.md").exists()


def test_a_rebuild_from_the_files_holds_after_files_came_late_and_out_of_order(
    shared_data: Path, tmp_path: Path
) -> None:
    bell = Bell(tmp_path / "home", {})
    bell.run("extract", "--replay", str(shared_data / "replay"), "--to", "2019-01-31")
    bell.run("extract")
    extracts, away = bell.home / "data_extracts", tmp_path / "away"
    manifests = sorted(extracts.glob("*/*.json"))
    late = [path for manifest in manifests[::2] for path in (manifest, manifest.with_suffix(".csv")) if path.exists()]
    for path in late:
        target = away / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    bell.run("csv-load")
    bell.run("transform")
    for path in sorted(late, key=lambda path: (path.parent.name, path.stem, path.suffix)):
        (away / path.parent.name / path.name).rename(path)
        if path.suffix == ".json":
            bell.run("csv-load")
    bell.run("transform")
    bell.run("quality")
    assert "differs" not in bell.run("rebuild", "--verify").stdout
    bell.require_unique_keys()
    before = bell.contents()
    bell.run("rebuild")
    assert all(rows.equals(before[name]) for name, rows in bell.contents().items())


def test_the_demo_fills_every_table_and_its_second_run_writes_no_raw_row(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    first = bell.run("full", "--demo", "--now", "2026-11-20T23:30:00-05:00")
    assert "holes      none" in first.stdout
    contents = bell.contents()
    assert {name for name, rows in contents.items() if rows.is_empty()} == {table.name for table in WITHOUT_EVENTS}
    bell.run("full", "--demo")
    assert all(rows.equals(contents[name]) for name, rows in bell.contents().items())
    bell.require_unique_keys()


def test_the_forming_bar_is_never_in_the_warehouse_and_is_there_once_it_is_final(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    newest = []
    for now in ("11:07:00", "11:16:05", "11:17:30", "13:20:00"):  # a half day: the session ends at 13:00
        bell.run("full", "--demo", "--now", f"2026-11-27T{now}-05:00")
        stocks = bell.rows(tables.STOCK_RAW).filter(pl.col("symbol") == "AAPL")
        newest.append(str(stocks["date"].max())[11:16])
    assert newest == ["10:45", "10:45", "11:00", "12:45"]
    assert len(bell.rows(tables.STOCK).filter(pl.col("date") >= pl.datetime(2026, 11, 27))) == 2 * 14
    bell.require_unique_keys()
    assert "differs" not in bell.run("rebuild", "--verify").stdout


def test_many_ticks_through_a_day_end_in_the_tables_of_few(tmp_path: Path) -> None:
    many, few = Bell(tmp_path / "many", SMALL_UNIVERSE), Bell(tmp_path / "few", SMALL_UNIVERSE)
    for now in ("10:03:00", "12:31:00", "16:40:00", "22:00:00"):
        many.run("full", "--demo", "--now", f"2026-11-24T{now}-05:00")
    for now in ("10:03:00", "22:00:00"):
        few.run("full", "--demo", "--now", f"2026-11-24T{now}-05:00")
    contents = few.contents()
    assert all(rows.equals(contents[name]) for name, rows in many.contents().items())
