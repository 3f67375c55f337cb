"""What every warehouse does, whatever its engine. A further engine is one more entry in `ENGINES`.

A run shows what each engine did at its end.
"""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import hashlib
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import tables
from openingbell.clock import SystemClock, VirtualClock
from openingbell.config import Settings
from openingbell.errors import BackupNeeded, QueryError, SchemaTooNew, WarehouseError
from openingbell.tables import Table
from openingbell.tables.history import Version
from openingbell.warehouse import protocol
from openingbell.warehouse.connect import connect
from openingbell.warehouse.duckdb import DuckDBReader, DuckDBWarehouse, DuckDBWriter
from openingbell.warehouse.migrations import TODAY, Schema
from openingbell.warehouse.mysql.transaction import MySQLReader, MySQLWriter
from openingbell.warehouse.mysql.warehouse import MySQLWarehouse
from openingbell.warehouse.protocol import Reader, Warehouse, Writer
from openingbell.warehouse.upgrade import bring_up, plan_of
from tests.server import URL
from tests.warehouse.earlier import make_earlier

NOW = datetime(2019, 2, 15, 22, tzinfo=UTC)
posix = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")


def duckdb_at(folder: Path) -> DuckDBWarehouse:
    """A DuckDB warehouse in this folder."""
    return DuckDBWarehouse(folder / "warehouse.duckdb", clock=VirtualClock(NOW), wait_seconds=1)


def mysql_at(folder: Path) -> Warehouse:
    """A warehouse on the tests' server."""
    name = "t_one" if folder.name == "one" else "t" + hashlib.sha1(str(folder).encode()).hexdigest()[:16]
    return connect(Settings(warehouse_url=os.environ[URL] + name), folder, SystemClock())


ENGINES: dict[str, Callable[[Path], Any]] = {"duckdb": duckdb_at, "mysql": mysql_at}
"""How each engine's warehouse is had in a folder of its own."""
CLASSES = {
    "duckdb": (DuckDBReader, DuckDBWriter, DuckDBWarehouse),
    "mysql": (MySQLReader, MySQLWriter, MySQLWarehouse),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "mysql":
        monkeypatch.setenv(URL, request.getfixturevalue("server_url"))
    return str(request.param)


@pytest.fixture
def folder(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the engine's warehouse is that all tests share, one after the other: to make one takes its time."""
    return tmp_path_factory.getbasetemp() / engine / "one"


@pytest.fixture
def place(engine: str, folder: Path, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Makes warehouses of the engine, one a name; `one` is that which tests share."""
    made: dict[str, Any] = {}
    yield lambda name: made.setdefault(name, ENGINES[engine](folder if name == "one" else tmp_path / name))
    for name, warehouse in made.items():
        if name != "one":
            warehouse.delete()


@pytest.fixture
def warehouse(place: Callable[[str], Any]) -> Iterator[Warehouse]:
    made: Warehouse = place("one")
    made.setup()
    yield made
    with made.write() as writer:
        for table in tables.TABLES:
            if writer.count(table):
                writer.clear(table)


@contextmanager
def undone(warehouse: Warehouse) -> Iterator[Writer]:
    """A transaction that leaves nothing behind."""

    with pytest.raises(KeyboardInterrupt), warehouse.write() as writer:  # noqa: PT012
        yield writer
        raise KeyboardInterrupt


def stock(symbol: str = "AAPL", minute: int = 0, close: float | None = 1.0, **changes: object) -> dict[str, object]:
    """A raw row: a bar so many minutes after the open."""
    return {
        "load_id": "file-1",
        "source_row": minute + 1,
        "symbol": symbol,
        "date": datetime(2019, 2, 15, 9, 30) + timedelta(minutes=minute),
        "bar_interval": "15min",
        **dict.fromkeys(("open", "high", "low", "volume"), None),
        "close": close,
        "basis": "vendor",
        "extracted_at": datetime(2019, 2, 15, 22),
        **changes,
    }


def rows(*records: dict[str, object], table: Table = tables.STOCK_RAW) -> pl.DataFrame:
    """A frame of a table."""
    return pl.DataFrame(list(records), schema=table.schema)


def daily(symbol: str, *days: date) -> pl.DataFrame:
    """Daily bars of a symbol."""
    facts = dict.fromkeys(tables.DAILY_BARS.nullable)
    given_facts = {
        "asset_class": "stock", "close_source": "official", "bars_present": 0, "bars_expected": 26, "is_final": True,
        "data_quality_score": 100.0, "dq_flags": "",
    }  # fmt: skip
    return rows(*({**facts, **given_facts, "symbol": symbol, "date": day} for day in days), table=tables.DAILY_BARS)


def stored(warehouse: Warehouse, table: Table = tables.STOCK_RAW, **filters: Any) -> pl.DataFrame:
    """What a fresh reader finds, by key."""
    with warehouse.read() as reader:
        return reader.read(table, **filters).sort(table.key)


def write(warehouse: Warehouse, frame: pl.DataFrame, table: Table = tables.STOCK_RAW) -> None:
    """Append in a transaction of its own."""
    with warehouse.write() as writer:
        writer.append(table, frame)


@pytest.mark.parametrize(
    ("role", "which"), [(Reader, 0), (Writer, 1), (Warehouse, 2)], ids=["reader", "writer", "warehouse"]
)
def test_methods_have_the_names_arguments_and_defaults_of_the_protocol(engine: str, role: type, which: int) -> None:
    real = CLASSES[engine][which]
    for name, promised in inspect.getmembers(role, inspect.isfunction):
        if name.startswith("_"):
            continue
        found = inspect.signature(getattr(real, name)).parameters.values()
        expected = inspect.signature(promised).parameters.values()
        assert [(p.name, p.kind, p.default) for p in found] == [(p.name, p.kind, p.default) for p in expected], name


def test_every_method_of_the_protocol_says_what_it_does() -> None:
    for role in (protocol.Reader, protocol.Writer, protocol.Warehouse):
        assert all(inspect.getdoc(m) for n, m in inspect.getmembers(role, inspect.isfunction) if not n.startswith("_"))


def test_a_new_warehouse_holds_every_table_empty_and_typed(warehouse: Warehouse) -> None:
    with warehouse.read() as reader:
        for table in tables.TABLES:
            assert reader.read(table).equals(table.empty()), table.name
            assert reader.read(table).schema == table.schema
            assert reader.count(table) == 0


def test_setting_up_again_changes_nothing(warehouse: Warehouse, place: Callable[[str], Any]) -> None:
    write(warehouse, rows(stock()))
    warehouse.setup()
    place("one").setup()
    assert stored(warehouse).equals(rows(stock()))


def test_a_warehouse_exists_from_its_setup_to_its_deletion(place: Callable[[str], Any]) -> None:
    made: Warehouse = place("new")
    assert not made.exists()
    with pytest.raises(WarehouseError, match="there is none yet"), made.read():
        pass
    made.setup()
    assert made.exists()
    made.delete()
    assert not made.exists()
    made.delete()
    made.setup()
    assert stored(made).is_empty()


def test_a_warehouse_takes_the_place_of_another(place: Callable[[str], Any]) -> None:
    old, new = place("old"), place("new")
    for made, close in ((old, 1.0), (new, 2.0)):
        made.setup()
        write(made, rows(stock(close=close)))
    new.take_place_of(old)
    assert stored(old)["close"].to_list() == [2.0]
    assert not new.exists()


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
def test_every_type_of_every_table_comes_back_as_it_was(warehouse: Warehouse, table: Table) -> None:
    values: dict[pl.DataType, object] = {
        pl.String(): "x", pl.Float64(): 0.1, pl.Int64(): -3, pl.Boolean(): True, pl.Date(): date(1969, 12, 31),
        pl.Datetime("us"): datetime(2019, 2, 15, 9, 30, 0, 1),
    }  # fmt: skip
    full: dict[str, object] = {column.name: values[column.dtype] for column in table.columns}
    empty = {**full, **dict.fromkeys(table.nullable)}
    for record in (full, empty):
        with undone(warehouse) as writer:
            writer.append(table, rows(record, table=table))
            assert writer.read(table).equals(rows(record, table=table), null_equal=True)


TEXTS = ("it's\t\\\n", "é🔔", 'a "b", ?')


@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS, [str(n) for n in range(100)]], ids=["one", "few", "many"])
@pytest.mark.parametrize(
    "table", [tables.STOCK_RAW, tables.DAILY_BARS, tables.INSTRUMENTS], ids=lambda table: table.name
)
def test_many_rows_that_share_their_values_come_back_as_they_were(
    warehouse: Warehouse, table: Table, texts: Sequence[str]
) -> None:
    """An engine may be told once what many rows have in common."""
    values: dict[pl.DataType, object] = {
        pl.Float64(): -1e-300, pl.Int64(): -(2**63), pl.Boolean(): True, pl.Date(): date(1969, 12, 31),
        pl.Datetime("us"): datetime(2019, 2, 15, 9, 30),
    }  # fmt: skip
    number = pl.int_range(10_001)
    text = pl.Series(texts).gather([n % len(texts) for n in range(10_001)])
    told = text.to_frame("text").select(
        *(pl.lit(value, dtype).alias(str(dtype)) for dtype, value in values.items()), pl.col("text").alias("String")
    )
    full = told.select(pl.col(str(column.dtype)).alias(column.name) for column in table.columns)
    empty = full.with_columns(pl.lit(None, table.schema[name]).alias(name) for name in table.nullable)
    for frame in (full, empty):
        expected = table.conform(frame.with_columns(symbol=number.cast(pl.String)))
        with undone(warehouse) as writer:
            writer.append(table, expected)
            assert writer.read(table).sort("symbol").equals(expected.sort("symbol"), null_equal=True)


@pytest.mark.parametrize(
    "number", [0.0, -0.0, 1e-300, 5e-324, 1.7976931348623157e308, -37.63, 0.1 + 0.2, 2760.24, 1 / 3]
)
def test_prices_keep_all_their_64_bits(warehouse: Warehouse, engine: str, number: float) -> None:
    """But for the sign of zero, which MariaDB does not hold."""
    write(warehouse, rows(stock(close=number)))
    found = stored(warehouse)["close"].item()
    assert found == number if number == 0 and engine == "mysql" else found.hex() == number.hex()


@examples(max_examples=50)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=128),
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),
)
def test_any_value_comes_back_as_it_was(
    shared_warehouse: Warehouse, price: float, count: int, text: str, moment: datetime
) -> None:
    record = rows(stock(text, close=price, source_row=count, date=moment, load_id=text))
    with undone(shared_warehouse) as writer:
        writer.append(tables.STOCK_RAW, record)
        assert writer.read(tables.STOCK_RAW, symbols=[text], first=moment, last=moment).equals(record)


@pytest.fixture(scope="module", params=ENGINES)
def shared_warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "mysql":
            patch.setenv(URL, request.getfixturevalue("server_url"))
        made = ENGINES[request.param](tmp_path_factory.mktemp("shared") / "one")
        made.setup()
        yield made


@pytest.mark.parametrize(
    "text", ["^GSPC", "BRK-B", "L'Oréal", 'a "b"', "日経225", "🙂", "%_", "\\", "; DROP TABLE x", ""]
)
def test_text_is_told_apart_exactly(warehouse: Warehouse, text: str) -> None:
    write(warehouse, rows(stock(text), stock("other", 1), stock(text.upper() + "x", 2)))
    assert stored(warehouse, symbols=[text])["symbol"].to_list() == [text]


def test_capital_letters_are_other_letters(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock("AAPL"), stock("aapl", 1), stock("AAPL ", 2)))
    assert stored(warehouse, symbols=["AAPL"])["source_row"].to_list() == [1]


def test_volumes_beyond_32_and_53_bits_stay_whole(warehouse: Warehouse) -> None:
    record = dict.fromkeys(tables.STOCK.nullable) | {
        "symbol": "A", "date": datetime(2019, 2, 15), "date_utc": datetime(2019, 2, 15), "session": date(2019, 2, 15),
        "volume": 2**53 + 1, "split_factor": 1.0, "data_quality_score": 1.0, "dq_flags": "", "load_id": "x",
        "source_row": 1,
    }  # fmt: skip
    frame = rows({name: record[name] for name in tables.STOCK.names}, table=tables.STOCK)
    write(warehouse, frame, tables.STOCK)
    assert stored(warehouse, tables.STOCK)["volume"].item() == 2**53 + 1


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_with_its_column_and_nothing_is_written(
    warehouse: Warehouse, number: float
) -> None:
    with pytest.raises(ValueError, match="stock_data_raw allows no NaN and no infinity in close"):
        write(warehouse, rows(stock(), stock(minute=1, close=number)))
    assert stored(warehouse).is_empty()


def test_a_null_where_none_may_be_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="stock_data_raw allows no nulls in symbol"):
        write(warehouse, rows(stock(symbol=None)))  # type: ignore[arg-type]


def test_columns_are_matched_by_name_and_further_ones_left(warehouse: Warehouse) -> None:
    frame = rows(stock()).with_columns(extra=1)
    write(warehouse, frame.select(reversed(frame.columns)))
    assert stored(warehouse).equals(rows(stock()))


def test_appending_nothing_is_nothing(warehouse: Warehouse) -> None:
    with warehouse.write() as writer:
        writer.append(tables.STOCK_RAW, tables.STOCK_RAW.empty())
        writer.append(tables.STOCK_RAW, pl.DataFrame())
        writer.replace(tables.STOCK_RAW, tables.STOCK_RAW.empty())
        writer.remove(tables.STOCK_RAW, tables.STOCK_RAW.empty().select("symbol"))
    assert stored(warehouse).is_empty()


def test_replacing_puts_rows_in_the_place_of_those_with_the_same_key(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock(minute=0), stock(minute=1)))
    with warehouse.write() as writer:
        writer.replace(tables.STOCK_RAW, rows(stock(minute=1, close=5.0), stock(minute=2, close=6.0)))
    assert stored(warehouse)["close"].to_list() == [1.0, 5.0, 6.0]


def test_replacing_twice_changes_nothing(warehouse: Warehouse) -> None:
    frame = daily("AAPL", date(2019, 2, 14), date(2019, 2, 15))
    for _ in range(2):
        with warehouse.write() as writer:
            writer.replace(tables.DAILY_BARS, frame)
    assert stored(warehouse, tables.DAILY_BARS).equals(frame)


def test_removing_goes_by_the_columns_given(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock("A", 0), stock("A", 1), stock("B", 2), stock("B", 3)))
    with warehouse.write() as writer:
        writer.remove(tables.STOCK_RAW, pl.DataFrame({"symbol": ["A", "A", "Z"]}))
        assert writer.read(tables.STOCK_RAW)["symbol"].unique().to_list() == ["B"]
        writer.remove(tables.STOCK_RAW, rows(stock("B", 3)).select("symbol", "date"))
    assert stored(warehouse)["source_row"].to_list() == [3]


def test_a_writer_reads_what_it_wrote_and_others_do_not_yet(warehouse: Warehouse) -> None:
    with undone(warehouse) as writer:
        writer.append(tables.STOCK_RAW, rows(stock()))
        assert writer.count(tables.STOCK_RAW) == 1
    assert stored(warehouse).is_empty()


def test_rows_are_read_by_symbol_and_range(warehouse: Warehouse) -> None:
    write(
        warehouse,
        rows(
            stock("A", 0),
            stock("B", 1),
            stock("A", 2, load_id="file-2"),
            stock("A", 3, date=datetime(2019, 2, 15, 23, 59, 59, 999_999)),
            stock("A", 4, date=datetime(2019, 2, 16)),
            stock("A", 5, date=datetime(2019, 2, 14, 23, 59, 59, 999_999)),
        ),
    )

    def found(**filters: Any) -> list[int]:
        return stored(warehouse, **filters)["source_row"].sort().to_list()

    assert found() == [1, 2, 3, 4, 5, 6]
    assert found(symbols=["B"]) == [2]
    assert found(symbols=["A", "B", "Z"]) == [1, 2, 3, 4, 5, 6]
    assert found(symbols=[]) == []
    assert found(first=date(2019, 2, 15)) == [1, 2, 3, 4, 5]
    assert found(last=date(2019, 2, 15)) == [1, 2, 3, 4, 6]
    assert found(first=date(2019, 2, 15), last=date(2019, 2, 15)) == [1, 2, 3, 4]
    assert found(first=datetime(2019, 2, 15, 9, 31), last=datetime(2019, 2, 15, 9, 32)) == [2, 3]
    assert found(first=date(2019, 2, 16), last=date(2019, 2, 15)) == []
    assert found(symbols={"A"}, last=date(2019, 2, 14)) == [6]


def test_a_range_of_days_holds_both_ends(warehouse: Warehouse) -> None:
    days = [date(2019, 2, day) for day in (11, 12, 13, 14, 15)]
    write(warehouse, daily("A", *days), tables.DAILY_BARS)
    for first, last in ((days[1], days[3]), (datetime(2019, 2, 12), datetime(2019, 2, 14))):
        assert stored(warehouse, tables.DAILY_BARS, first=first, last=last)["date"].to_list() == days[1:4]


def test_a_read_can_be_of_some_columns(warehouse: Warehouse) -> None:
    """In the order asked for, with the types of the table, and filtered by columns that are not among them."""
    write(warehouse, rows(stock("A", 0, close=1.5), stock("B", 1, close=2.5)))
    with warehouse.read() as reader:
        found = reader.read(tables.STOCK_RAW, columns=["close", "date"], symbols=["B"])
        none = reader.read(tables.STOCK_RAW, columns=("symbol",), symbols=["Z"])
    assert found.rows() == [(2.5, datetime(2019, 2, 15, 9, 31))]
    assert found.schema == {name: tables.STOCK_RAW.schema[name] for name in ("close", "date")}
    assert (none.columns, len(none)) == (["symbol"], 0)


def test_a_read_can_leave_out_what_was_not_known_yet(warehouse: Warehouse) -> None:
    """All versions that had been received by then, that moment included, in whatever zone it is given."""
    late = datetime(2019, 2, 15, 23)
    write(warehouse, rows(stock(minute=0), stock(minute=1, extracted_at=late), stock(minute=2, extracted_at=late)))

    def found(by: datetime) -> list[int]:
        return stored(warehouse, extracted_by=by)["source_row"].to_list()

    assert found(late.replace(tzinfo=UTC)) == [1, 2, 3]
    assert found(late.replace(tzinfo=UTC) - timedelta(microseconds=1)) == [1]
    assert found(datetime(2019, 2, 16, 8, 0, tzinfo=timezone(timedelta(hours=9)))) == [1, 2, 3]
    assert found(datetime(2019, 2, 16, 7, 59, tzinfo=timezone(timedelta(hours=9)))) == [1]
    assert found(datetime(2019, 2, 15, 21, 59, tzinfo=UTC)) == []
    assert stored(warehouse, extracted_by=NOW, symbols=["Z"]).is_empty()


def test_a_read_by_a_moment_without_a_zone_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="needs a zone"), warehouse.read() as reader:
        reader.read(tables.STOCK_RAW, extracted_by=datetime(2019, 2, 15))


def test_spans_say_where_the_rows_of_each_symbol_begin_and_end(warehouse: Warehouse) -> None:
    write(
        warehouse,
        rows(stock("A", 3), stock("A", 0), stock("A", 7, load_id="file-2"), stock("B", 5), stock("B", 6, load_id="f")),
    )

    def found(**filters: Any) -> list[tuple[str, int, int]]:
        with warehouse.read() as reader:
            spans = reader.spans(tables.STOCK_RAW, **filters)
        assert spans.schema == {"symbol": pl.String(), "first": pl.Datetime("us"), "last": pl.Datetime("us")}
        opening = datetime(2019, 2, 15, 9, 30)
        minutes = [(s, *((day - opening).seconds // 60 for day in ends)) for s, *ends in spans.iter_rows()]
        return sorted(minutes)

    assert found() == [("A", 0, 7), ("B", 5, 6)]
    assert found(symbols=["B", "Z"]) == [("B", 5, 6)]
    assert found(symbols=[]) == found(symbols=["none"]) == []


def test_spans_tell_asset_classes_apart_where_that_is_asked_for(warehouse: Warehouse) -> None:
    """Behind the class stands the symbol; days stay days."""
    index = daily("A", date(2019, 2, 20)).with_columns(asset_class=pl.lit("index"))
    write(warehouse, pl.concat([daily("A", date(2019, 2, 14), date(2019, 2, 12)), index]), tables.DAILY_BARS)
    with warehouse.read() as reader:
        spans = reader.spans(tables.DAILY_BARS, by_class=True)
        assert reader.spans(tables.DAILY_BARS).rows() == [("A", date(2019, 2, 12), date(2019, 2, 20))]
    assert spans.columns == ["asset_class", "symbol", "first", "last"]
    assert sorted(spans.rows()) == [
        ("index", "A", date(2019, 2, 20), date(2019, 2, 20)),
        ("stock", "A", date(2019, 2, 12), date(2019, 2, 14)),
    ]


@pytest.mark.parametrize("table", [t for t in tables.TABLES if t.order in t.names], ids=lambda table: table.name)
def test_an_empty_table_has_no_bounds(warehouse: Warehouse, table: Table) -> None:
    with warehouse.read() as reader:
        assert reader.bounds(table) is None


def test_bounds_are_the_ends_of_a_whole_table_in_the_type_of_its_order(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock("A", 3), stock("B", 0), stock("A", 7)))
    write(warehouse, daily("A", date(2019, 2, 14), date(2019, 2, 12)), tables.DAILY_BARS)
    action = {"load_id": "x", "source_row": 1, "symbol": "A", "kind": "split", "extracted_at": datetime(2019, 2, 15)}
    actions = [{**action, **dict.fromkeys(tables.ACTIONS_RAW.nullable), "ex_date": date(2019, 2, n)} for n in (5, 3)]
    write(warehouse, rows(*actions, table=tables.ACTIONS_RAW), tables.ACTIONS_RAW)
    with warehouse.read() as reader:
        assert reader.bounds(tables.STOCK_RAW) == (datetime(2019, 2, 15, 9, 30), datetime(2019, 2, 15, 9, 37))
        assert reader.bounds(tables.DAILY_BARS) == (date(2019, 2, 12), date(2019, 2, 14))
        assert reader.bounds(tables.ACTIONS_RAW) == (date(2019, 2, 3), date(2019, 2, 5))


def test_clearing_empties_one_table_in_its_transaction(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock()))
    write(warehouse, daily("A", date(2019, 2, 15)), tables.DAILY_BARS)
    with undone(warehouse) as writer:
        writer.clear(tables.STOCK_RAW)
        assert writer.count(tables.STOCK_RAW) == 0
    assert len(stored(warehouse)) == 1
    with warehouse.write() as writer:
        writer.clear(tables.STOCK_RAW)
        writer.clear(tables.STOCK_RAW)
        writer.append(tables.STOCK_RAW, rows(stock(minute=1)))
    assert stored(warehouse)["source_row"].to_list() == [2]
    assert len(stored(warehouse, tables.DAILY_BARS)) == 1


def test_the_latest_rows_are_those_known_by_then(warehouse: Warehouse) -> None:
    write(
        warehouse,
        rows(
            stock(load_id="a", close=1.0, extracted_at=datetime(2019, 2, 15, 22)),
            stock(load_id="b", close=2.0, extracted_at=datetime(2019, 2, 15, 23)),
            stock("B", 1, load_id="b", extracted_at=datetime(2019, 2, 15, 23)),
        ),
    )

    def found(as_of: datetime | None, **filters: Any) -> list[float]:
        with warehouse.read() as reader:
            return reader.latest(tables.STOCK_RAW, as_of=as_of, **filters)["close"].to_list()

    assert found(None) == [2.0, 1.0]
    assert found(None, symbols=["A", "AAPL"]) == [2.0]
    assert found(None, last=datetime(2019, 2, 15, 9, 30)) == [2.0]
    assert found(datetime(2019, 2, 15, 23, tzinfo=UTC)) == [2.0, 1.0]
    assert found(datetime(2019, 2, 15, 22, 59, 59, 999_999, tzinfo=UTC)) == [1.0]
    assert found(datetime(2019, 2, 15, 21, 59, tzinfo=UTC)) == []
    assert found(datetime(2019, 2, 16, 7, 30, tzinfo=timezone(timedelta(hours=9)))) == [1.0]


def test_a_moment_without_a_zone_is_no_as_of(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="needs a zone"), warehouse.read() as reader:
        reader.latest(tables.STOCK_RAW, as_of=datetime(2019, 2, 15))


def test_a_block_that_raises_leaves_nothing_behind(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock()))
    with pytest.raises(RuntimeError, match="halfway"), warehouse.write() as writer:  # noqa: PT012
        writer.append(tables.STOCK_RAW, rows(stock(minute=1)))
        writer.remove(tables.STOCK_RAW, rows(stock()).select("symbol"))
        raise RuntimeError("halfway")
    assert stored(warehouse).equals(rows(stock()))


def test_a_transaction_commits_in_all_layers_or_in_none(warehouse: Warehouse) -> None:
    with undone(warehouse) as writer:
        writer.append(tables.STOCK_RAW, rows(stock()))
        writer.append(tables.DAILY_BARS, daily("A", date(2019, 2, 15)))
    assert stored(warehouse).is_empty()
    assert stored(warehouse, tables.DAILY_BARS).is_empty()


def test_so_many_write_at_once_as_a_warehouse_says(warehouse: Warehouse) -> None:
    """Each in its own transaction."""
    with warehouse.abreast() as lanes:
        together = threading.Barrier(lanes)

        def append(lane: int) -> None:
            with warehouse.write() as writer:
                together.wait(60)
                writer.append(tables.STOCK_RAW, rows(*(stock(f"S{lane}", minute) for minute in range(100))))
                assert writer.spans(tables.STOCK_RAW)["symbol"].to_list() == [f"S{lane}"]
                together.wait(60)

        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(append, range(lanes)))
    write(warehouse, rows(stock("later")))
    assert len(stored(warehouse)) == 100 * lanes + 1


def test_many_read_at_once(warehouse: Warehouse) -> None:
    write(warehouse, rows(*(stock(minute=minute) for minute in range(100))))
    together = threading.Barrier(6)

    def count(_: int) -> int:
        with warehouse.read() as reader:
            together.wait(60)
            return reader.count(tables.STOCK_RAW)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(count, range(6))) == [100] * 6


@posix
def test_a_process_killed_while_it_writes_leaves_the_old_state(warehouse: Warehouse, engine: str, folder: Path) -> None:
    write(warehouse, rows(stock()))
    program = (
        "import os, signal; from pathlib import Path; from tests.warehouse.test_conformance import *\n"
        f"with ENGINES[{engine!r}](Path({str(folder)!r})).write() as writer:\n"
        "    writer.remove(tables.STOCK_RAW, rows(stock()).select('symbol'))\n"
        "    writer.append(tables.STOCK_RAW, pl.concat([rows(stock('B', n)) for n in range(2_000)]))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    repository = Path(__file__).resolve().parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), *filter(None, sys.path)])}
    killed = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert stored(warehouse).equals(rows(stock()))
    write(warehouse, rows(stock("B", 1)))
    assert len(stored(warehouse)) == 2


def test_a_query_finds_tables_of_all_layers_without_naming_them(warehouse: Warehouse) -> None:
    for table in tables.TABLES:
        assert warehouse.query(f"SELECT * FROM {table.name}").columns == list(table.names)


def test_a_query_gives_a_typed_frame_and_takes_parameters(warehouse: Warehouse) -> None:
    write(warehouse, rows(stock("^GSPC", close=1.5), stock("A", 1)))
    found = warehouse.query("SELECT symbol, close FROM stock_data_raw WHERE symbol = ?", ["^GSPC"])
    assert found.equals(pl.DataFrame({"symbol": ["^GSPC"], "close": [1.5]}))
    injected = warehouse.query("SELECT symbol FROM stock_data_raw WHERE symbol = ?", ["' OR 1 = 1 --"])
    assert injected.is_empty()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE stock_data",
        "INSERT INTO quarantine VALUES ('a', 1, 'b', 'c', 'd')",
        "DELETE FROM stock_data_raw",
        "UPDATE stock_data_raw SET close = 0",
        "CREATE TABLE mine (a INTEGER)",
        "CREATE TEMPORARY TABLE mine (a INTEGER)",
        "ALTER TABLE stock_data ADD COLUMN mine INTEGER",
        "SELECT 1; DROP TABLE stock_data",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM stock_data",
        "SELECT * FROM nowhere",
        "SELEC 1",
        "",
        "  -- nothing\n",
    ],
)
def test_a_query_that_writes_or_is_wrong_is_refused_and_changes_nothing(warehouse: Warehouse, sql: str) -> None:
    write(warehouse, rows(stock()))
    with pytest.raises(QueryError, match=r"(?s)^asked for .*; the warehouse says: .*only statements that read"):
        warehouse.query(sql)
    assert stored(warehouse).equals(rows(stock()))
    warehouse.setup()


@pytest.fixture
def anew(engine: str, tmp_path: Path, place: Callable[[str], Any]) -> Callable[[], Any]:
    """Makes objects of one warehouse, which no other test has: each knows nothing of what the one before did to it."""
    place("changed").setup()
    return lambda: ENGINES[engine](tmp_path / "changed")


def days_of(warehouse: Warehouse, table: Table) -> pl.DataFrame:
    with warehouse.read() as reader:
        return reader.days(table)


def test_the_days_of_a_table_are_counted_in_order(warehouse: Warehouse) -> None:
    assert days_of(warehouse, tables.STOCK_RAW).schema == {"day": pl.Date(), "rows": pl.Int64()}
    write(warehouse, rows(stock("A", 60 * 24), stock("A", 3), stock("B", 3), stock("B", date=datetime(1969, 12, 31))))
    write(warehouse, daily("A", date(2019, 2, 14), date(2019, 2, 12)), tables.DAILY_BARS)
    assert days_of(warehouse, tables.STOCK_RAW).rows() == [
        (date(1969, 12, 31), 1), (date(2019, 2, 15), 2), (date(2019, 2, 16), 1),
    ]  # fmt: skip
    assert days_of(warehouse, tables.DAILY_BARS).rows() == [(date(2019, 2, 12), 1), (date(2019, 2, 14), 1)]


def layout_of(warehouse: Warehouse) -> dict[tuple[str, str], dict[str, str]]:
    with warehouse.read() as reader:
        return {place: dict(columns) for place, columns in reader.layout().items()}


def declared(found: Iterable[Table] = TODAY.tables) -> dict[tuple[str, str], dict[str, str]]:
    return {(table.layer, table.name): table.types for table in found}


RECORDED_SINCE = 5
"""The first version that warehouses record."""


def versions_of(warehouse: Warehouse) -> list[int]:
    """The recorded versions."""
    return stored(warehouse, tables.SCHEMA_VERSIONS)["version"].to_list()


def test_a_new_warehouse_has_the_tables_of_this_program_and_records_their_version(anew: Callable[[], Any]) -> None:
    assert layout_of(anew()) == declared()
    found = stored(anew(), tables.SCHEMA_VERSIONS)
    assert found.drop("applied_at").rows() == [(TODAY.newest.number, TODAY.newest.name)]


@pytest.mark.parametrize("version", [version.number for version in TODAY.versions[:-1]])
def test_a_warehouse_of_an_earlier_version_is_brought_up_and_keeps_its_rows(
    anew: Callable[[], Any], version: int
) -> None:
    """Null in what is new, and what is written afterwards stands beside them."""
    written = make_earlier(anew(), version)
    since = version if version >= RECORDED_SINCE else version + 1
    for _ in range(2):
        anew().setup()
        assert layout_of(anew()) == declared()
        assert versions_of(anew()) == list(range(since, TODAY.newest.number + 1))
    with anew().write() as writer:
        for table in tables.TABLES:
            found, before = writer.read(table), written.get(table.name, table.empty())
            assert found.select(before.columns).sort(table.key).equals(before, null_equal=True), table.name
            assert all(found[name].null_count() == len(found) for name in set(table.names) - set(before.columns))
        writer.append(tables.STOCK_RAW, rows(stock()))
        assert writer.count(tables.STOCK_RAW) == len(written["stock_data_raw"]) + 1


def test_a_migration_that_fails_is_done_by_the_next(anew: Callable[[], Any]) -> None:
    """Whether the engine undid what came before the failure or not."""
    make_earlier(anew(), 1)
    with anew().read() as reader:
        steps = plan_of(reader, "here").steps
    with pytest.raises(WarehouseError), anew().write() as writer:
        writer.migrate([*steps[: len(steps) // 2], steps[0]])
    assert layout_of(anew()) != declared()
    anew().setup()
    assert layout_of(anew()) == declared()
    assert versions_of(anew())[-1] == TODAY.newest.number


def test_a_newer_warehouse_is_refused_by_name_for_whatever_it_is_wanted(anew: Callable[[], Any]) -> None:
    newer = (TODAY.newest.number + 2, "bars of the moon", datetime(2030, 1, 1))
    frame = pl.DataFrame([newer], schema=tables.SCHEMA_VERSIONS.schema, orient="row")
    write(anew(), frame, tables.SCHEMA_VERSIONS)

    def read() -> None:
        with anew().read():
            pass

    words = rf"version {newer[0]} \(bars of the moon\), .*; this one knows versions up to {TODAY.newest.number} \("
    for use in (anew().setup, read, lambda: write(anew(), rows(stock())), lambda: anew().query("SELECT 1 AS a")):
        with pytest.raises(SchemaTooNew, match=words):
            use()


def test_what_a_version_takes_away_goes_only_for_who_has_a_backup(anew: Callable[[], Any]) -> None:
    write(anew(), rows(stock(close=1.5), stock(minute=1, close=2.0)))
    kept = tuple(
        replace(c, dtype=pl.String()) if c.name == "volume" else c for c in tables.STOCK_RAW.columns if c.name != "open"
    )
    narrower = replace(tables.STOCK_RAW, columns=kept)
    less = tuple(t for t in TODAY.tables if t not in (tables.STOCK_RAW, tables.RESTATEMENTS))
    number = TODAY.newest.number + 1
    lost = Version(number, "less", drops=("stock_data_raw.open", "restatements"), retypes=("stock_data_raw.volume",))
    later = Schema((narrower, *less), (*TODAY.versions, lost))
    words = "make stock_data_raw.volume text, drop stock_data_raw.open, drop restatements, which cannot be had back"
    with pytest.raises(BackupNeeded, match=words):
        bring_up(anew(), NOW, later, losing=False)
    assert layout_of(anew()) == declared()
    seen = anew()  # which has seen the version before, and so does not refuse the later one
    with seen.read() as reader:
        assert reader.count(tables.STOCK_RAW) == 2
    bring_up(seen, NOW, later, losing=True)
    with seen.read() as reader:
        assert reader.read(tables.SCHEMA_VERSIONS)["version"].max() == number
        assert reader.layout() == declared(later.tables)
        assert reader.read(narrower)["close"].sort().to_list() == [1.5, 2.0]
