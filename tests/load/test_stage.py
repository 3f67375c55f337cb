"""The stage over a real record and a real warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.errors import RecordError
from openingbell.landing import Ask, Landing, Manifest, Outcome, compress
from openingbell.load import stage
from openingbell.load.stage import Loaded
from openingbell.tables import Table
from openingbell.versions import collapsed
from openingbell.warehouse.duckdb import DuckDBWarehouse, DuckDBWriter
from tests.forgetful import Forgetful

START = datetime(2024, 5, 10, 13, 30, tzinfo=UTC)  # 09:30 in New York
DAY = date(2024, 5, 10)
DELAY = timedelta(minutes=2)
NUMBERS = ("open", "low", "high", "close", "volume")
Row = tuple[str, str, str]
"""Symbol, wall clock, and the text of all prices."""


class Bench:
    """A record and a warehouse that counts its transactions."""

    def __init__(self, folder: Path, **changed: object) -> None:
        self.clock = VirtualClock(START + timedelta(days=1))
        self.landing = Landing(folder / "data_extracts")
        self.warehouse = Counting(folder / "warehouse.duckdb", clock=self.clock, wait_seconds=0)
        self.settings = Settings.model_validate(changed)

    def land(self, at: datetime, *rows: Row, feed: str = "stocks") -> Manifest:
        """A file whose answers were received at `at`."""
        return land(self.landing, at, rows, feed=feed)

    def load(self) -> Loaded:
        done = stage.run(Landing(self.landing.root), self.warehouse, self.clock, self.settings)
        assert done.rows == (
            done.rows_new + done.rows_same + done.rows_repeated + done.rows_forming + done.rows_quarantined
        )
        return done

    def rows(self, table: Table) -> pl.DataFrame:
        with self.warehouse.read() as reader:
            return reader.read(table).sort(table.key)

    def current(self, table: Table = tables.STOCK_RAW) -> pl.DataFrame:
        with self.warehouse.read() as reader:
            return reader.latest(table)


class Counting(DuckDBWarehouse):
    """Counts the transactions that write."""

    transactions = 0

    @contextmanager
    def write(self) -> Iterator[DuckDBWriter]:
        self.transactions += 1
        with super().write() as writer:
            yield writer


def land(landing: Landing, at: datetime, rows: Sequence[Row], *, feed: str = "stocks") -> Manifest:
    symbols = list(dict.fromkeys(symbol for symbol, _, _ in rows)) or ["AAPL"]
    asks = tuple(
        Ask(symbol, "stock", "XNYS", DAY, DAY, DAY, DAY, at, 200, Outcome.ANSWERED, len(rows), 0) for symbol in symbols
    )
    text = pl.DataFrame(
        [(symbol, at.isoformat(), wall, *[value] * len(NUMBERS)) for symbol, wall, value in rows],
        schema=dict.fromkeys(("symbol", "answered_at", "date", *NUMBERS), pl.String),
        orient="row",
    )
    return landing.write(
        feed, text, asks, source="test", bar_interval="15min" if feed == "stocks" else "1day", basis="vendor",
        final_delay=DELAY,
    )  # fmt: skip


def wall(minutes: int) -> str:
    return f"{datetime.fromisoformat('2024-05-10T09:30') + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"


def later(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_compressed_files_load_as_the_others_do(tmp_path: Path) -> None:
    plain, packed = Bench(tmp_path / "plain"), Bench(tmp_path / "packed")
    for at in (plain, packed):
        for minute in (60, 75):
            at.land(later(minute), ("AAPL", wall(minute - 60), "1"), ("MSFT", wall(0), f"{minute}"))
    assert compress(packed.landing, later(70)).files == 1
    assert packed.load() == plain.load() == Loaded(files=2, rows=4, rows_new=4)
    assert packed.rows(tables.STOCK_RAW).equals(plain.rows(tables.STOCK_RAW), null_equal=True)


def test_a_file_loads_once_with_its_row_in_loads(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    landed = at.land(later(60), ("AAPL", wall(0), "1"), ("AAPL", wall(15), "2"))
    assert at.load() == Loaded(files=1, rows=2, rows_new=2)
    (row,) = at.rows(tables.LOADS).rows(named=True)
    assert (row["load_id"], row["sha256"], row["rows"], row["rows_new"]) == (landed.load_id, landed.sha256, 2, 2)
    assert row["loaded_at"] == at.clock.now().replace(tzinfo=None)
    assert row["transformed_at"] is None
    assert at.rows(tables.STOCK_RAW)["source_row"].to_list() == [1, 2]


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"), ("AAPL", wall(0), "x"))
    at.load()
    before = [at.rows(table) for table in (tables.STOCK_RAW, tables.LOADS, tables.QUARANTINE)]
    at.clock.wait(60)
    assert at.load() == Loaded()
    after = [at.rows(table) for table in (tables.STOCK_RAW, tables.LOADS, tables.QUARANTINE)]
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_a_forming_bar_is_left_and_comes_when_it_is_read_again(tmp_path: Path) -> None:
    """A quiet bar that is read unchanged after its end is made final by that, not passed over as known."""
    at = Bench(tmp_path)
    at.land(later(20), ("AAPL", wall(0), "1"), ("AAPL", wall(15), "2"))
    assert at.load() == Loaded(files=1, rows=2, rows_new=1, rows_forming=1)
    assert at.current()["close"].to_list() == [1.0]
    at.land(later(40), ("AAPL", wall(0), "1"), ("AAPL", wall(15), "2"))
    assert at.load() == Loaded(files=1, rows=2, rows_new=1, rows_same=1)
    assert at.current()["close"].to_list() == [1.0, 2.0]


def test_a_correction_is_a_version_and_history_stays(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    for minutes, value in ((60, "1"), (70, "2"), (80, "2"), (90, "1")):
        at.land(later(minutes), ("AAPL", wall(0), value))
    assert at.load() == Loaded(files=4, rows=4, rows_new=3, rows_same=1)
    assert at.rows(tables.STOCK_RAW)["close"].to_list() == [1.0, 2.0, 1.0]
    assert at.current()["close"].to_list() == [1.0]
    with at.warehouse.read() as reader:
        then = reader.latest(tables.STOCK_RAW, as_of=later(75))
    assert then["close"].to_list() == [2.0]


def test_windows_that_overlap_say_nothing_twice(tmp_path: Path) -> None:
    """The bars that two answers share are stored once."""
    at = Bench(tmp_path)
    at.land(later(60), *(("AAPL", wall(15 * n), f"{n}") for n in range(3)))
    at.land(later(90), *(("AAPL", wall(15 * n), f"{n}") for n in range(1, 5)))
    assert at.load() == Loaded(files=2, rows=7, rows_new=5, rows_same=2)
    assert at.rows(tables.STOCK_RAW).select(tables.STOCK_RAW.bar_key).is_duplicated().sum() == 0


def test_equal_rows_are_counted_as_repeated_and_contradicting_ones_are_told(tmp_path: Path) -> None:
    """K1 and K2: the last word of an answer counts, and that it contradicted itself is known."""
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"), ("AAPL", wall(0), "1"), ("AAPL", wall(15), "5"), ("AAPL", wall(15), "6"))
    assert at.load() == Loaded(files=1, rows=4, rows_new=3, rows_repeated=1)
    assert at.current().select("close", "conflicting").rows() == [(1.0, False), (6.0, True)]


def test_what_cannot_be_typed_is_in_quarantine_with_its_file(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    landed = at.land(later(60), ("AAPL", wall(0), "1"), ("AAPL", "soon", "2"), ("AAPL", wall(15), "x"))
    assert at.load() == Loaded(files=1, rows=3, rows_new=1, rows_quarantined=2)
    rows = at.rows(tables.QUARANTINE)
    assert rows["load_id"].to_list() == [landed.load_id] * 2
    assert rows["source_row"].to_list() == [2, 3]


def test_a_file_without_rows_is_loaded_as_well(tmp_path: Path) -> None:
    """That the vendor had nothing is known, and not asked of the record again."""
    at = Bench(tmp_path)
    at.land(later(60))
    assert at.load() == Loaded(files=1)
    assert at.load() == Loaded()


def test_files_that_do_not_fit_their_hash_are_named_and_the_others_load(tmp_path: Path) -> None:
    """They stay pending: once the file is restored it loads."""
    at = Bench(tmp_path)
    spoilt = at.land(later(60), ("AAPL", wall(0), "1"))
    lost = at.land(later(61), ("MSFT", wall(0), "1"))
    at.land(later(62), ("TSLA", wall(0), "1"))
    assert spoilt.file is not None
    assert lost.file is not None
    folder = at.landing.root / "stocks"
    well = (folder / spoilt.file).read_bytes()
    (folder / spoilt.file).write_bytes(well.replace(b"AAPL", b"AAPX"))
    kept = (folder / lost.file).rename(folder / "elsewhere")
    done = at.load()
    assert (done.files, done.rows_new, len(done.failures)) == (1, 1, 2)
    assert spoilt.file in done.failures[0]
    assert "SHA-256" in done.failures[0]
    assert lost.file in done.failures[1]
    assert "backup" in done.failures[1]
    assert at.rows(tables.LOADS).height == 1
    (folder / spoilt.file).write_bytes(well)
    kept.rename(folder / lost.file)
    assert at.load() == Loaded(files=2, rows=2, rows_new=2)
    assert at.current()["symbol"].to_list() == ["AAPL", "MSFT", "TSLA"]


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"))
    (at.landing.root / "stocks" / "bad.json").write_text('{"load_id": 1}')
    with pytest.raises(RecordError, match=r"manifest .*bad\.json"):
        at.load()


@pytest.mark.parametrize(("undone", "unheard"), [(1, 0), (0, 1), (1, 1)])
def test_a_load_whose_answer_was_lost_is_looked_up_and_told_as_what_it_did(
    tmp_path: Path, undone: int, unheard: int
) -> None:
    """Two files, a transaction each; the first is lost, before or after its commit."""
    at = Bench(tmp_path, rows_per_transaction=1)
    at.land(later(60), ("AAPL", wall(0), "1"), ("AAPL", wall(15), "2"))
    at.land(later(61), ("AAPL", wall(15), "2"), ("AAPL", wall(30), "3"))
    forgetful = Forgetful(at.warehouse.path, clock=at.clock, wait_seconds=0)
    forgetful.undone, forgetful.unheard = undone, unheard
    done = stage.run(at.landing, forgetful, at.clock, at.settings)
    assert done == Loaded(files=2, rows=4, rows_new=3, rows_same=1)
    assert len(at.rows(tables.LOADS)) == 2
    assert at.rows(tables.STOCK_RAW)["close"].to_list() == [1.0, 2.0, 3.0]
    assert at.load() == Loaded()


@pytest.mark.parametrize(("rows", "transactions"), [(1, 6), (2, 6), (4, 3), (5, 3), (12, 1), (500_000, 1)])
def test_a_transaction_holds_about_as_many_rows_as_allowed(tmp_path: Path, rows: int, transactions: int) -> None:
    """One file at the least, whole files always."""
    at = Bench(tmp_path, rows_per_transaction=rows)
    for n in range(6):
        at.land(later(60 + n), ("AAPL", wall(15 * n), "1"), ("MSFT", wall(15 * n), "1"))
    at.warehouse.setup()
    assert at.load().files == 6
    assert at.warehouse.transactions == transactions


def test_a_transaction_that_fails_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Rows and their row in `loads` commit together; what came before stays, the rest is loaded by the next run."""

    class Failing(Counting):
        @contextmanager
        def write(self) -> Iterator[DuckDBWriter]:
            with super().write() as writer:
                yield writer
                if self.transactions == 2:
                    raise KeyboardInterrupt

    at = Bench(tmp_path, rows_per_transaction=1)
    for n in range(3):
        at.land(later(60 + n), ("AAPL", wall(15 * n), "1"))
    well = at.warehouse
    at.warehouse = Failing(well.path, clock=at.clock, wait_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        at.load()
    at.warehouse = well
    assert (at.rows(tables.LOADS).height, at.rows(tables.STOCK_RAW).height) == (1, 1)
    assert at.load().files == 2
    assert (at.rows(tables.LOADS).height, at.rows(tables.STOCK_RAW).height) == (3, 3)


def test_a_late_file_makes_versions_of_what_had_said_nothing_new(tmp_path: Path) -> None:
    """Loaded 1 then 1; a 2 arrives that was extracted between them: the second 1 is a version after all."""
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"))
    between = at.land(later(70), ("AAPL", wall(0), "2"))
    newest = at.land(later(80), ("AAPL", wall(0), "1"))
    hidden = hide(at.landing, between)
    at.load()
    assert at.rows(tables.STOCK_RAW).height == 1
    with at.warehouse.write() as writer:
        done = writer.read(tables.LOADS).with_columns(transformed_at=pl.lit(datetime.fromisoformat("2024-05-11")))
        writer.replace(tables.LOADS, done)
        writer.clear(tables.PENDING_SPANS)
    show(hidden)
    assert at.load() == Loaded(files=1, rows=1, rows_new=1)
    assert at.rows(tables.STOCK_RAW)["close"].to_list() == [1.0, 2.0, 1.0]
    assert at.current()["close"].to_list() == [1.0]
    loads = {row["load_id"]: row for row in at.rows(tables.LOADS).rows(named=True)}
    assert (loads[newest.load_id]["rows_new"], loads[newest.load_id]["rows_same"]) == (1, 0)
    assert loads[newest.load_id]["transformed_at"] is None, "what follows from it is to be computed again"
    assert [row["transformed_at"] is None for row in loads.values()] == [False, True, True]
    assert at.rows(tables.PENDING_SPANS)["load_id"].to_list() == [between.load_id, newest.load_id]


def hide(landing: Landing, manifest: Manifest) -> list[tuple[Path, Path]]:
    """Take a file out of the record, as one that has not arrived yet; gives what puts it back."""
    places = list((landing.root / manifest.feed).glob(f"{manifest.load_id}.*"))
    return [(path.rename(path.with_suffix(path.suffix + ".away")), path) for path in places]


def show(hidden: Iterable[tuple[Path, Path]]) -> None:
    for away, place in hidden:
        away.rename(place)


SYMBOLS = ("AAPL", "MSFT")
files_of_rows = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(SYMBOLS),
            st.sampled_from([wall(0), wall(15), wall(30), wall(345), "soon"]),
            st.sampled_from(["1", "2", "3", "x", "NaN"]),
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=10)
@given(files=files_of_rows, minutes=st.lists(st.integers(15, 60), min_size=5, max_size=5, unique=True))
def test_counts_always_add_up(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Row]], minutes: list[int]
) -> None:
    """rows = new + same + repeated + forming + quarantined, for each file and in sum, and new ones are stored."""
    at = Bench(tmp_path_factory.mktemp("counts"), rows_per_transaction=6)
    for rows, minute in zip(files, sorted(minutes), strict=False):
        at.land(later(minute), *rows)
    done = at.load()
    loads = at.rows(tables.LOADS)
    parts = ("rows_new", "rows_same", "rows_repeated", "rows_forming", "rows_quarantined")
    assert loads.filter(pl.sum_horizontal(parts) != pl.col("rows")).is_empty()
    assert all((loads[name] >= 0).all() for name in parts)
    assert done.rows == loads["rows"].sum() == sum(map(len, files))
    assert done.rows_new == loads["rows_new"].sum() == at.rows(tables.STOCK_RAW).height
    assert done.rows_quarantined == at.rows(tables.QUARANTINE).height


@settings(max_examples=10)
@given(
    files=files_of_rows, order=st.permutations(range(5)), rounds=st.integers(1, 5), chunk=st.sampled_from([1, 9, 99])
)
def test_the_order_of_arrival_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Row]], order: list[int], rounds: int, chunk: int
) -> None:
    """Late and out of order, in any number of runs: the same current rows and the same history as in order."""
    first = Bench(tmp_path_factory.mktemp("in_order"))
    for n, rows in enumerate(files):
        first.land(later(60 + 10 * n), *rows)
    first.load()
    second = Bench(tmp_path_factory.mktemp("late"), rows_per_transaction=chunk)
    landed = [second.land(later(60 + 10 * n), *rows) for n, rows in enumerate(files)]
    away = {n: hide(second.landing, manifest) for n, manifest in enumerate(landed)}
    arrivals = [n for n in order if n in away]
    for group in groups(arrivals, rounds):
        for n in group:
            show(away[n])
        second.load()
    assert second.current().equals(first.current())
    history = [collapsed(bench.rows(tables.STOCK_RAW), tables.STOCK_RAW) for bench in (first, second)]
    assert history[0].equals(history[1])
    for bench in (first, second):  # nothing is transformed yet: every row waits
        lying = bench.rows(tables.STOCK_RAW).group_by("load_id", "symbol")
        spans = lying.agg(first=pl.col("date").min(), last=pl.col("date").max()).sort("load_id", "symbol")
        assert bench.rows(tables.PENDING_SPANS).drop("asset_class").equals(spans)
    for moment in (65, 75, 85):
        states = []
        for bench in (first, second):
            with bench.warehouse.read() as reader:
                states.append(reader.latest(tables.STOCK_RAW, as_of=later(moment)))
        assert states[0].equals(states[1])
    assert second.load() == Loaded()


def groups(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def test_feeds_load_side_by_side(tmp_path: Path) -> None:
    """One transaction may hold files of several feeds; each goes to its own table."""
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"))
    at.land(later(24 * 60), ("AAPL", "2024-05-10", "2"), feed="eod")
    assert at.load() == Loaded(files=2, rows=2, rows_new=2)
    assert at.current()["close"].to_list() == [1.0]
    assert at.current(tables.EOD_RAW).select("asset_class", "symbol", "close").rows() == [("stock", "AAPL", 2.0)]


def test_two_symbols_of_one_file_may_have_been_answered_at_two_moments(tmp_path: Path) -> None:
    """Finality goes by the answer of the row, not by the newest of the file."""
    at = Bench(tmp_path)
    early, late = later(16), later(18)
    asks = tuple(
        Ask(symbol, "stock", "XNYS", DAY, DAY, DAY, DAY, moment, 200, Outcome.ANSWERED, 1, 0)
        for symbol, moment in (("AAPL", early), ("MSFT", late))
    )
    rows = pl.DataFrame(
        [("AAPL", early.isoformat(), wall(0), "1"), ("MSFT", late.isoformat(), wall(0), "1")],
        schema=dict.fromkeys(("symbol", "answered_at", "date", "close"), pl.String),
        orient="row",
    )
    at.landing.write("stocks", rows, asks, source="t", bar_interval="15min", basis="vendor", final_delay=DELAY)
    assert at.load() == Loaded(files=1, rows=2, rows_new=1, rows_forming=1)
    assert at.current()["symbol"].to_list() == ["MSFT"]


def test_the_warehouse_can_be_built_anew_from_the_record(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    for n in range(4):
        at.land(later(60 + n), *(("AAPL", wall(15 * k), str(n % 2)) for k in range(n + 1)))
        at.load()
    before = at.current()
    at.warehouse.delete()
    at.load()
    assert at.current().equals(before)


def test_what_is_loaded_does_not_depend_on_the_settings_of_the_day(tmp_path: Path) -> None:
    """The delay stands in the manifest: a changed setting does not make old bars forming."""
    at = Bench(tmp_path, feed_delay_seconds=86_400, settle_delay_seconds=86_400)
    at.land(later(60), ("AAPL", wall(0), "1"))
    assert at.load().rows_new == 1


def test_a_file_of_another_source_is_left_and_the_others_load(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"))
    theirs = at.land(later(61), ("MSFT", wall(0), "1"))
    path = at.landing.root / "stocks" / f"{theirs.load_id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"source": "demo 7"}))
    for loaded in (1, 0):
        done = stage.run(Landing(at.landing.root), at.warehouse, at.clock, at.settings, source="test")
        assert done.files == loaded
        (failure,) = done.failures
        assert failure.startswith(
            f"asked to load stocks/{theirs.load_id}; it holds data of demo 7, this home those of test"
        )
        assert failure.endswith("move file and manifest to a home of demo 7, or away")
    assert at.current()["symbol"].to_list() == ["AAPL"]


def test_a_manifest_says_the_same_after_a_round_trip(tmp_path: Path) -> None:
    """What load reads is what extract wrote."""
    at = Bench(tmp_path)
    written = at.land(later(60), ("AAPL", wall(0), "1"))
    assert Landing(at.landing.root).manifests() == [written]
    path = at.landing.root / "stocks" / f"{written.load_id}.json"
    assert json.loads(path.read_text())["asks"][0]["symbol"] == replace(written).asks[0].symbol


Action = tuple[str, str, str, str]
"""Symbol, ex-date, numerator and denominator as text."""


def land_splits(landing: Landing, at: datetime, *rows: Action, feed: str = "splits", asked: date = DAY) -> Manifest:
    """A file of splits whose answers were received at `at`."""
    symbols = ["ALL"] if feed == "splits_calendar" else list(dict.fromkeys(row[0] for row in rows))
    asks = tuple(Ask(s, "stock", "XNYS", asked, asked, asked, asked, at, 200, Outcome.ANSWERED, 1, 0) for s in symbols)
    text = pl.DataFrame(
        [(symbol, at.isoformat(), *rest) for symbol, *rest in rows],
        schema=dict.fromkeys(("symbol", "answered_at", "date", "numerator", "denominator"), pl.String),
        orient="row",
    )
    return landing.write(feed, text, asks, source="test", bar_interval="1day", basis="vendor", final_delay=timedelta(0))


def test_versions_of_an_action_come_from_all_feeds_that_tell_of_it(tmp_path: Path) -> None:
    """What says the same as the version before it is not written, whichever of the two said that."""
    at = Bench(tmp_path)
    split = ("AAPL", "2024-05-20", "4", "1")
    land_splits(at.landing, later(0), split, ("IBM", "2024-05-20", "2", "1"), feed="splits_calendar")
    land_splits(at.landing, later(1), split)
    assert (done := at.load()) == Loaded(files=2, rows=3, rows_new=2, rows_same=1), done
    land_splits(at.landing, later(2), ("AAPL", "2024-05-20", "5", "1"))
    land_splits(at.landing, later(3), ("AAPL", "2024-05-20", "5", "1"), feed="splits_calendar")
    assert at.load() == Loaded(files=2, rows=2, rows_new=1, rows_same=1)
    found = at.current(tables.ACTIONS_RAW)
    assert found.select("symbol", "numerator").rows() == [("AAPL", 5.0), ("IBM", 2.0)]
    assert not found["conflicting"].any()


@settings(max_examples=15)
@given(st.permutations(range(5)), st.integers(0, 4))
def test_the_order_in_which_files_of_two_feeds_arrive_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], together: int
) -> None:
    """Also when the later word only repeats what was there before a late file, and was asked for another month."""
    tellings = [
        (0, "splits", "4", DAY), (1, "splits_calendar", "5", DAY), (2, "splits", "4", date(2024, 8, 1)),
        (3, "splits_calendar", "4", date(2024, 8, 2)), (4, "splits", "6", DAY),
    ]  # fmt: skip
    at = Bench(tmp_path_factory.mktemp("order"))
    for place, number in enumerate(order):
        minute, feed, numerator, asked = tellings[number]
        land_splits(at.landing, later(minute), ("AAPL", "2024-05-20", numerator, "1"), feed=feed, asked=asked)
        if place >= together:
            at.load()
    at.load()
    versions = collapsed(at.rows(tables.ACTIONS_RAW), tables.ACTIONS_RAW)
    assert versions["numerator"].to_list() == [4.0, 5.0, 4.0, 6.0]
    assert versions["extracted_at"].to_list() == [later(n).replace(tzinfo=None) for n in (0, 1, 2, 4)]
