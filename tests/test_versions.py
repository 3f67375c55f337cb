"""Versions of a bar: which rows are kept, which one counts, and that the order of arrival changes nothing."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import tables, versions
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.landing import Ask, Landing, Manifest, Outcome
from openingbell.load import stage
from openingbell.tables import STOCK_RAW
from openingbell.warehouse.duckdb import DuckDBReader, DuckDBWarehouse, DuckDBWriter, create_statement

DAY = date(2019, 2, 15)
EVENING = datetime(2019, 2, 15, 22, tzinfo=UTC)
SETTINGS = Settings(rows_per_transaction=1)
LAST = ("load_id", "source_row")


@dataclass(frozen=True)
class File:
    """A file extracted some minutes after the close, and its rows: which bar of the day, and its close."""

    minute: int
    rows: tuple[tuple[int, str | None], ...]


def history(*files: tuple[str | None, ...]) -> list[File]:
    """Files that speak of the first bar, one a minute."""
    return [File(minute, tuple((0, close) for close in closes)) for minute, closes in enumerate(files)]


BARS = st.sampled_from([0, 0, 0, 1])
ROWS = st.lists(st.tuples(BARS, st.sampled_from(["1.0", "2.0", None])), max_size=4).map(tuple)
FILES = st.lists(st.builds(File, st.integers(0, 3), ROWS), min_size=1, max_size=5)


class InMemory(DuckDBWarehouse):
    """A warehouse that is gone with its connection: the same SQL without a file."""

    def __init__(self) -> None:
        super().__init__(Path("none"), clock=VirtualClock(EVENING), wait_seconds=0)
        self.connection = duckdb.connect()
        for layer in ("raw", "analytics", "operations"):
            self.connection.execute(f"CREATE SCHEMA {layer}").fetchall()
        for table in tables.TABLES:
            self.connection.execute(create_statement(table)).fetchall()

    def setup(self, *, losing: bool = False) -> None:
        """Nothing to do."""

    def clear(self) -> None:
        """Forget every row that loading writes."""
        for name in ("raw.stock_data_raw", "operations.loads", "operations.quarantine"):
            self.connection.execute(f"DELETE FROM {name}").fetchall()

    @contextmanager
    def read(self) -> Iterator[DuckDBReader]:
        yield DuckDBReader(self.connection)

    @contextmanager
    def write(self) -> Iterator[DuckDBWriter]:
        self.connection.begin()
        yield DuckDBWriter(self.connection)
        self.connection.commit()


@pytest.fixture(scope="module")
def memory() -> Iterator[InMemory]:
    warehouse = InMemory()
    yield warehouse
    warehouse.connection.close()


def land(landing: Landing, file: File) -> Manifest:
    """Land a file of AAPL bars as the extract stage does."""
    at = EVENING + timedelta(minutes=file.minute)
    rows = pl.DataFrame(
        {
            "symbol": ["AAPL"] * len(file.rows),
            "answered_at": [at.isoformat()] * len(file.rows),
            "date": [f"2019-02-15 09:{30 + 15 * bar}:00" for bar, _ in file.rows],
            "close": [close for _, close in file.rows],
        },
        schema=dict.fromkeys(("symbol", "answered_at", "date", "close"), pl.String),
    )
    ask = Ask("AAPL", "stock", "XNYS", DAY, DAY, DAY, DAY, at, 200, Outcome.ANSWERED, len(rows), 1, {DAY: len(rows)})
    return landing.write(
        "stocks", rows, (ask,), source="test", bar_interval="15min", basis="vendor", final_delay=timedelta(minutes=2)
    )


def arrive(landed: Landing, order: Sequence[Manifest], home: Path, warehouse: InMemory) -> None:
    """Files reach a home one by one, each followed by a load."""
    (home / "stocks").mkdir(parents=True)
    landing = Landing(home)
    for manifest in order:
        for name in filter(None, (manifest.file, f"{manifest.load_id}.json")):
            shutil.copy(landed.root / "stocks" / name, home / "stocks" / name)
        stage.run(landing, warehouse, VirtualClock(EVENING), SETTINGS)


def answers(warehouse: InMemory, moments: Sequence[datetime]) -> list[pl.DataFrame]:
    """The current rows, and those as of each moment."""
    with warehouse.read() as reader:
        return [reader.latest(STOCK_RAW, as_of=moment) for moment in (None, *moments)]


@examples(max_examples=40)
@given(FILES, st.permutations(range(5)))
@example(history(("1.0",), ("2.0",), ("1.0",)), [0, 2, 1])
@example(history(("1.0",), ("2.0",), ("1.0",)), [2, 1, 0])
@example(history(("1.0",), ("1.0", "2.0")), [1, 0])
@example(history(("1.0", "2.0"), ("2.0",)), [1, 0])
@example(history((None,), ("1.0",), (None,), ("1.0",)), [3, 2, 0, 1])
def test_whatever_the_order_of_arrival_the_answers_are_those_of_the_order_of_extraction(
    memory: InMemory, files: list[File], places: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landed = Landing(Path(folder) / "landed")
        for file in files:
            land(landed, file)
        in_order = landed.manifests()
        moments = [EVENING + timedelta(minutes=minute) for minute in range(-1, 5)]
        memory.clear()
        arrive(landed, in_order, Path(folder) / "one", memory)
        expected = answers(memory, moments)
        shuffled = [in_order[place] for place in places if place < len(in_order)]
        memory.clear()
        arrive(landed, shuffled, Path(folder) / "other", memory)
        for one, other in zip(expected, answers(memory, moments), strict=True):
            assert one.equals(other, null_equal=True), f"{one}\n{other}"


@examples(max_examples=30)
@given(FILES)
def test_one_load_of_all_files_gives_the_answers_of_a_load_a_file(memory: InMemory, files: list[File]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landed = Landing(Path(folder) / "landed")
        for file in files:
            land(landed, file)
        memory.clear()
        arrive(landed, landed.manifests(), Path(folder) / "one", memory)
        expected = answers(memory, [EVENING])
        memory.clear()
        stage.run(landed, memory, VirtualClock(EVENING), Settings())
        assert all(a.equals(b, null_equal=True) for a, b in zip(expected, answers(memory, [EVENING]), strict=True))


@examples(max_examples=30)
@given(FILES)
def test_loading_twice_changes_nothing(memory: InMemory, files: list[File]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landed = Landing(Path(folder))
        for file in files:
            land(landed, file)
        memory.clear()
        stage.run(landed, memory, VirtualClock(EVENING), SETTINGS)
        with memory.read() as reader:
            before = [reader.read(table).sort(table.key) for table in (STOCK_RAW, tables.LOADS)]
        assert stage.run(Landing(Path(folder)), memory, VirtualClock(EVENING), SETTINGS) == stage.Loaded()
        with memory.read() as reader:
            after = [reader.read(table).sort(table.key) for table in (STOCK_RAW, tables.LOADS)]
        assert all(a.equals(b, null_equal=True) for a, b in zip(before, after, strict=True))


@examples(max_examples=30)
@given(FILES)
def test_the_current_row_is_the_last_word_of_the_newest_file_that_has_the_bar(
    memory: InMemory, files: list[File]
) -> None:
    """Said without versions: take all rows in the order of extraction, and let each overwrite what was there."""
    with tempfile.TemporaryDirectory() as folder:
        landed = Landing(Path(folder))
        by_id = {land(landed, file).load_id: file for file in files}
        memory.clear()
        stage.run(landed, memory, VirtualClock(EVENING), SETTINGS)
        last_word: dict[int, float | None] = {}
        for manifest in landed.manifests():
            for bar, close in by_id[manifest.load_id].rows:
                last_word[bar] = None if close is None else float(close)
        found = answers(memory, [])[0]
        assert dict(zip(found["date"].dt.minute() // 15 - 2, found["close"], strict=True)) == last_word


def version(close: float | None, minute: int, row: int = 1, load: str = "") -> dict[str, object]:
    """A raw row of one bar."""
    return {
        "load_id": load or f"file-{minute:03d}",
        "source_row": row,
        "symbol": "AAPL",
        "date": datetime(2019, 2, 15, 9, 30),
        "bar_interval": "15min",
        **dict.fromkeys(("open", "high", "low", "volume"), None),
        "close": close,
        "basis": "vendor",
        "extracted_at": datetime(2019, 2, 15, 22, minute),
    }


def raw(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows as a frame of the raw table."""
    return pl.DataFrame(list(rows), schema=STOCK_RAW.schema)


def kept(stored: pl.DataFrame, *incoming: dict[str, object]) -> list[object]:
    """The closes of the rows that are to be appended."""
    return versions.new_versions(raw(*incoming), stored, STOCK_RAW)["close"].to_list()


def test_a_row_that_says_the_same_is_not_kept() -> None:
    assert kept(raw(version(1.0, 0)), version(1.0, 1)) == []
    assert kept(raw(version(None, 0)), version(None, 1)) == []


def test_a_row_that_says_something_else_is_kept_also_when_it_is_null() -> None:
    assert kept(raw(version(1.0, 0)), version(2.0, 1)) == [2.0]
    assert kept(raw(version(1.0, 0)), version(None, 1)) == [None]
    assert kept(raw(version(None, 0)), version(0.0, 1)) == [0.0]


def test_going_back_to_an_older_value_is_a_version_of_its_own() -> None:
    assert kept(raw(), version(1.0, 0), version(2.0, 1), version(1.0, 2)) == [1.0, 2.0, 1.0]
    history = raw(version(1.0, 0), version(2.0, 1), version(1.0, 2))
    assert versions.current(history, STOCK_RAW)["extracted_at"].to_list() == [datetime(2019, 2, 15, 22, 2)]


def test_an_older_row_that_arrives_late_is_kept_beside_the_equal_younger_one_and_is_the_version() -> None:
    assert kept(raw(version(1.0, 5)), version(1.0, 0)) == [1.0]
    both = raw(version(1.0, 5), version(1.0, 0))
    assert versions.current(both, STOCK_RAW)["load_id"].to_list() == ["file-000"]
    assert versions.collapsed(both, STOCK_RAW)["load_id"].to_list() == ["file-000"]


def test_what_is_stored_already_is_not_kept_again() -> None:
    rows = [version(1.0, 0), version(2.0, 1)]
    assert kept(raw(*rows), *rows) == []


def test_another_basis_is_something_new() -> None:
    assert kept(raw(version(1.0, 0)), {**version(1.0, 1), "basis": "raw"}) == [1.0]


def test_other_symbols_days_and_lengths_are_other_bars() -> None:
    others = [
        {**version(1.0, 1), "symbol": "MSFT", "source_row": 1},
        {**version(1.0, 1), "date": datetime(2019, 2, 15, 9, 45), "source_row": 2},
        {**version(1.0, 1), "bar_interval": "5min", "source_row": 3},
    ]
    assert len(kept(raw(version(1.0, 0)), *others)) == 3
    assert len(versions.current(raw(version(1.0, 0), *others), STOCK_RAW)) == 4


def test_an_answer_that_contradicts_itself_is_kept_whole_and_marked() -> None:
    twice = [version(1.0, 1, 1), version(2.0, 1, 2)]
    assert kept(raw(), *twice) == [1.0, 2.0]
    assert kept(raw(version(1.0, 0)), *twice) == [1.0, 2.0]
    found = versions.current(raw(version(1.0, 0), *twice), STOCK_RAW)
    assert found.select("close", "conflicting").rows() == [(2.0, True)]


def test_two_files_that_differ_do_not_contradict_themselves() -> None:
    found = versions.current(raw(version(1.0, 0), version(2.0, 1)), STOCK_RAW)
    assert found["conflicting"].to_list() == [False]


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, None]), st.integers(0, 9)), max_size=8))
def test_collapsing_keeps_the_first_of_each_run_and_does_it_once(rows: list[tuple[float | None, int]]) -> None:
    frame = raw(*(version(close, minute, row) for row, (close, minute) in enumerate(rows)))
    once = versions.collapsed(frame, STOCK_RAW)
    closes = frame.sort(versions.ORDER)["close"].to_list()
    runs = [close for n, close in enumerate(closes) if n == 0 or close != closes[n - 1]]
    assert once["close"].to_list() == runs
    assert versions.collapsed(once, STOCK_RAW).equals(once)


def test_no_rows_have_no_current_ones() -> None:
    found = versions.current(raw(), STOCK_RAW)
    assert found.is_empty()
    assert found.columns == [*STOCK_RAW.names, "conflicting"]


@pytest.mark.parametrize(
    ("symbols", "days"),
    [
        (["B", "A", "C"], [date(2024, 1, 2), date(2023, 1, 2)]),
        (["B"], [date(2024, 1, 2), date(2023, 1, 2), date(1969, 12, 31)]),
        ([f"S{number}" for number in range(2_000)], [date(2024, 1, 2), date(2023, 1, 2)]),
        (["B", "A"], [date(9999, 1, 1), date(1900, 1, 1)]),
    ],
    ids=["some", "one symbol", "too many to rank", "too far apart"],
)
def test_rows_are_put_in_order_as_a_sort_does_it(symbols: list[str], days: list[date]) -> None:
    moments = pl.DataFrame({"day": days}).with_columns(date=pl.col("day").cast(pl.Datetime("us")))
    rows = pl.DataFrame({"symbol": symbols}).join(moments, how="cross").sample(fraction=1.0, shuffle=True, seed=1)
    for moment in ("date", "day"):
        assert versions.in_order(rows, ("symbol", moment)).equals(rows.sort("symbol", moment))
