"""The benchmarks run, and compare what they say they compare. Speed itself is no test."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path

import duckdb
import polars as pl
import pytest

from bench import answers, floor, imports, kernel, measure, ours, pace, pandas_script, planning, small_files, tick
from bench.market import Market, market, read_bars
from bench.measure import Run
from bench.sizes import Size, size_of
from openingbell import tables
from openingbell.indicators import CATALOGUE, indicators


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return market(size_of("tiny"), tmp_path_factory.mktemp("markets"))


@pytest.fixture(scope="module")
def filled(made: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of ours."""
    path = tmp_path_factory.mktemp("filled") / "warehouse.duckdb"
    run = ours.Ours(made.extracts, ours.embedded(path), made.size.universe)
    assert run.load() == made.size.bars + made.size.symbols * made.size.sessions
    run.transform()
    return path


@pytest.fixture(scope="module")
def by_pandas(made: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the pandas script."""
    path = tmp_path_factory.mktemp("pandas") / "pandas.sqlite"
    pandas_script.run(made.extracts, path)
    return path


@pytest.fixture
def database(filled: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(filled), read_only=True) as connection:
        yield connection


def shape(connection: duckdb.DuckDBPyConnection, table: tables.Table) -> tuple[int, list[tuple[str, str]]]:
    """Rows, and columns with their types."""
    name = f"{table.layer}.{table.name}"
    columns = [(column[0], column[1]) for column in connection.execute(f"DESCRIBE {name}").fetchall()]
    (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,)
    return rows, columns


def test_the_market_loads_whole_and_every_session_is_complete(
    made: Market, database: duckdb.DuckDBPyConnection
) -> None:
    assert made.size.bars == 3 * (4 * 26 + 14)  # Christmas Eve is a half day
    assert shape(database, tables.QUARANTINE)[0] == 0
    lacking = database.execute(
        "SELECT count(*) FROM analytics.daily_bars WHERE bars_present != bars_expected"
    ).fetchone()
    assert lacking == (0,)
    flagged = database.execute("SELECT count(*) FROM analytics.stock_data WHERE data_quality_score < 100").fetchone()
    assert flagged == (0,)


def test_a_market_is_made_once_and_always_the_same(made: Market, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.root.rglob("*")}
    assert market(made.size, made.root.parent) == made
    assert {path: path.stat().st_mtime_ns for path in made.root.rglob("*")} == before
    again = market(made.size, tmp_path)
    for path in made.root.rglob("*.csv"):
        assert (again.root / path.relative_to(made.root)).read_bytes() == path.read_bytes()


def test_a_smaller_market_is_part_of_a_larger_one(made: Market, tmp_path: Path) -> None:
    fewer = read_bars(market(Size("", 2, 3), tmp_path))
    assert fewer.equals(read_bars(made).join(fewer.select("symbol", "date"), on=["symbol", "date"], how="semi"))


def test_the_floor_writes_the_rows_and_columns_of_ours(
    made: Market, database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    floor.write_all(made.extracts, tmp_path / "floor.duckdb")
    with duckdb.connect(str(tmp_path / "floor.duckdb")) as written:
        for table in floor.FILLED:
            assert shape(written, table) == shape(database, table), table.name
    others = [t for t in tables.TABLES if t not in floor.FILLED and t.layer != tables.OPERATIONS]
    rows = {t: shape(database, t)[0] for t in others}
    assert rows.pop(tables.INSTRUMENTS) == made.size.symbols  # one row a symbol weighs nothing
    assert [t.name for t, count in rows.items() if count] == []  # all else that we write is in the floor


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (tables.STOCK, ["price_change_pct", "avg_price", "volatility", "data_quality_score", "source_row"]),
        (
            tables.TECHNICAL_INDICATORS,
            ["sma_50", "bb_upper", "bb_position", "stoch_d", "obv", "vwap_session", "roc_10"],
        ),
        (tables.DAILY_BARS, ["close", "volume", "vwap", "return_pct", "range_pct", "bars_present"]),
        (tables.DAILY_AGGREGATES, ["total_stocks", "advancing_stocks", "up_volume", "market_breadth"]),
    ],
)
def test_the_pandas_script_does_the_same_job(
    database: duckdb.DuckDBPyConnection, by_pandas: Path, table: tables.Table, columns: list[str]
) -> None:
    order = ", ".join(name for name in ("symbol", "date") if name in table.names)
    query = f"SELECT {', '.join(columns)} FROM {{}}{table.name} ORDER BY {order}"
    with closing(sqlite3.connect(by_pandas)) as connection:
        theirs = connection.execute(query.format("")).fetchall()
    of_ours = database.execute(query.format(f"{table.layer}.")).fetchall()
    assert len(theirs) == len(of_ours) > 0
    for place, name in enumerate(columns):
        values, expected = ([nan if row[place] is None else row[place] for row in rows] for rows in (theirs, of_ours))
        assert values == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_a_tick_becomes_visible(made: Market, monkeypatch: pytest.MonkeyPatch, filled: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(tick, "filled", lambda _: filled)
    home = tick.Embedded(made, tmp_path)
    assert [home.in_process().seconds > 0 for _ in range(2)] == [True, True]


def test_ours_takes_what_bare_ta_lib_takes(made: Market) -> None:
    (batch,) = kernel.batches_of(read_bars(made))
    arrays, bounds = kernel.arrays_of(batch)
    assert bounds == [0, 118, 236, 354]
    assert kernel.BARE.keys() < {entry.name for entry in CATALOGUE}
    theirs = kernel.BARE["rsi"]({name: array[: bounds[1]] for name, array in arrays.items()})
    assert indicators(batch)["rsi_14"].fill_null(float("nan")).to_numpy()[: bounds[1]] == pytest.approx(
        theirs, nan_ok=True
    )


@pytest.mark.parametrize("shape", list(answers.SHAPES))
def test_all_ways_land_the_same_answers(shape: str, tmp_path: Path) -> None:
    given = answers.answers(shape, symbols=3)
    rows = sum(body.count(b'"open"') for body in given.bodies.values())
    texts = {name: way(given, tmp_path / name).read_text("utf-8") for name, way in answers.WAYS.items()}
    assert texts["ours"].count("\n") == 1 + rows > 3 * 26
    assert texts["stage"] == texts["kept"] == texts["ours"]
    spelled_anew, kept = (pl.read_csv(io.StringIO(texts[name])) for name in ("script", "kept"))
    assert spelled_anew.cast(kept.schema).equals(kept)
    assert answers.landed(answers.kept, given).seconds > 0


def test_a_cycle_asks_a_slow_vendor_once_for_every_symbol(tmp_path: Path) -> None:
    size = Size("", 5, 2)
    with pace.vendor(size, latency=(0.0, 0.01)) as vendor:
        seconds, sent = pace.extract(pace.wanted(size), vendor.url, 60_000, tmp_path)
        asked = vendor.requests.all()
    assert sorted(one.symbol for one in asked) == size.names
    assert {one.fault for one in asked} == {"slow"}
    assert len(sent) == len(asked)
    assert seconds > 0


def test_calls_are_counted_in_every_window() -> None:
    begin = datetime(2026, 1, 2, tzinfo=UTC)
    moments = tuple(begin + timedelta(seconds=second) for second in (0, 1, 1.5, 3, 3.9, 4))
    cycle = pace.Cycle(2.0, moments, moments)
    assert [pace.most_in(timedelta(seconds=width), moments) for width in (0.05, 1, 3, 60)] == [1, 2, 4, 6]
    assert cycle.share(150) == pytest.approx((5 * 0.4 + 0.2) / 2)
    assert cycle.share_of_sending(150) == pytest.approx(5 * 0.4 / 4)
    assert [pace.lengths(500, limit) for limit in (250, 750)] == [(500,), (500, 825)]


def test_a_home_of_nothing_plans_what_the_landed_one_holds(tmp_path: Path) -> None:
    """The next morning only the day that runs is due, and what is asked each day."""
    full = planning.landed(2, 1, tmp_path, processes=1)
    nothing = planning.plan_of(tmp_path / "nothing", 2, 1, is_landed=False)
    landed = planning.plan_of(full, 2, 1, is_landed=True)
    assert nothing["asks"] == landed["errors"] == 0
    assert landed["asks"] == nothing["calls"] > 2 * 13
    whole_market = ["new_symbol_change", "delisted_companies", "splits_calendar", "dividends_calendar"]
    assert landed["calls"] == 2 + len(whole_market)


def test_small_files_hold_the_rows_of_the_one(tmp_path: Path) -> None:
    for small, files in ((True, 3 * 26), (False, 1)):
        root = small_files.landed(3, 1, tmp_path, small=small)
        assert len(list(root.glob("data_extracts/*/*.csv"))) == files
        assert small_files.load(root, 3 * 26).seconds > 0


def test_ways_take_turns_and_the_median_counts() -> None:
    told = iter([3.0, 10.0, 1.0, 10.0, 2.0, 10.0])
    turns: list[str] = []

    def way(name: str) -> Run:
        turns.append(name)
        return Run(next(told), peak_bytes=len(turns))

    runs = measure.interleaved({"a": lambda: way("a"), "b": lambda: way("b")}, 3)
    assert turns == ["a", "b", "a", "b", "a", "b"]
    assert (runs["a"].seconds, runs["b"].seconds, runs["b"].peak_bytes) == (2.0, 10.0, 6)


def test_a_child_tells_its_figures_and_its_peak(made: Market, tmp_path: Path) -> None:
    run = measure.run_script("floor.py", made.extracts, tmp_path / "floor.duckdb")
    assert run.seconds > run.facts["work_seconds"] > 0
    assert 10 * 2**20 < run.peak_bytes < 2**30


def test_a_report_of_imports_is_read() -> None:
    report = (
        "import time: self [us] | cumulative | imported package\nimport time:       187 |        300 |   polars.x\n"
    )
    assert imports.modules_of(report) == {"polars.x": 187}
