"""What is DuckDB's own: its file, its lock, its statements, and what its SQL may reach."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from structlog.testing import capture_logs

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import QueryError, WarehouseError, WarehouseLocked
from openingbell.warehouse.duckdb import DuckDBWarehouse, create_statement
from openingbell.warehouse.migrations import Drop, Remove, Step
from tests.running import HOLDER

NOW = datetime(2019, 2, 15, 22, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def warehouse(tmp_path: Path, clock: VirtualClock) -> DuckDBWarehouse:
    made = DuckDBWarehouse(tmp_path / "warehouse.duckdb", clock=clock, wait_seconds=10)
    made.setup()
    return made


@contextmanager
def held_elsewhere(path: Path) -> Iterator[int]:
    """Another process has the file open for writing; its id is given."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.communicate("")


def test_the_statements_that_create_tables_are_these() -> None:
    """A change here changes what is on every user's disk: say so in the changelog, and give it a version."""
    assert create_statement(tables.QUARANTINE) == (
        'CREATE TABLE operations.quarantine ("load_id" VARCHAR NOT NULL, "source_row" BIGINT NOT NULL, '
        '"feed" VARCHAR NOT NULL, "text" VARCHAR NOT NULL, "reasons" VARCHAR NOT NULL)'
    )
    assert create_statement(tables.STOCK_RAW) == (
        'CREATE TABLE raw.stock_data_raw ("load_id" VARCHAR NOT NULL, "source_row" BIGINT NOT NULL, '
        '"symbol" VARCHAR NOT NULL, "date" TIMESTAMP NOT NULL, "bar_interval" VARCHAR NOT NULL, "open" DOUBLE, '
        '"high" DOUBLE, "low" DOUBLE, "close" DOUBLE, "volume" DOUBLE, "basis" VARCHAR NOT NULL, '
        '"extracted_at" TIMESTAMP NOT NULL)'
    )
    assert create_statement(tables.DAILY_AGGREGATES) == (
        'CREATE TABLE analytics.daily_aggregates ("date" DATE NOT NULL, "total_stocks" BIGINT NOT NULL, '
        '"advancing_stocks" BIGINT NOT NULL, "declining_stocks" BIGINT NOT NULL, "unchanged_stocks" BIGINT NOT NULL, '
        '"market_breadth" DOUBLE, "advance_decline_ratio" DOUBLE, "avg_volume" DOUBLE, "total_volume" BIGINT NOT NULL, '
        '"up_volume" BIGINT NOT NULL, "down_volume" BIGINT NOT NULL, "new_highs" BIGINT, "new_lows" BIGINT, '
        '"pct_above_sma_50" DOUBLE, "pct_above_sma_200" DOUBLE, "mcclellan_oscillator" DOUBLE, "trin" DOUBLE, '
        '"is_final" BOOLEAN NOT NULL)'
    )


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
def test_what_is_created_is_what_was_declared(warehouse: DuckDBWarehouse, table: tables.Table) -> None:
    found = warehouse.query(
        "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_schema = ? AND table_name = ? "
        "ORDER BY ordinal_position",
        [table.layer, table.name],
    )
    assert found.rows() == [(column.name, "YES" if column.null else "NO") for column in table.columns]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE raw.stock_data_raw DROP COLUMN basis",
        "ALTER TABLE analytics.daily_bars DROP COLUMN is_final",
        "ALTER TABLE analytics.stock_data ADD COLUMN mine INTEGER",
        "ALTER TABLE analytics.stock_data RENAME split_factor TO factor",
        "ALTER TABLE analytics.daily_bars ALTER close TYPE FLOAT",
        "ALTER TABLE operations.loads RENAME rows TO lines",
    ],
)
def test_tables_of_another_version_are_refused_with_the_way_out(
    warehouse: DuckDBWarehouse, clock: VirtualClock, change: str
) -> None:
    with duckdb.connect(warehouse.path) as connection:
        connection.execute(change).fetchall()
        connection.execute("DROP TABLE operations.made_with").fetchall()
    again = DuckDBWarehouse(warehouse.path, clock=clock, wait_seconds=10)
    with pytest.raises(WarehouseError, match=r"its table \w+ has the columns .*, this version needs .*`bell rebuild`"):
        again.setup()
    with duckdb.connect(warehouse.path) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert ("made_with",) not in names  # what is refused is refused before anything is added


def declared(warehouse: DuckDBWarehouse) -> set[tuple[object, ...]]:
    """Every column of the file with its type and whether it may be null."""
    found = warehouse.query(
        "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema != 'main'"
    )
    return set(found.iter_rows())


def test_a_file_that_lacks_something_is_completed_once_and_keeps_its_rows(
    warehouse: DuckDBWarehouse, clock: VirtualClock
) -> None:
    whole = declared(warehouse)
    with warehouse.write() as writer:
        writer.append(tables.STOCK_RAW, raw_bar(1))
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("ALTER TABLE raw.stock_data_raw DROP COLUMN volume").fetchall()
        connection.execute("DROP TABLE operations.made_with").fetchall()
    for expected in ([["add stock_data_raw.volume", "create made_with"]], []):
        again = DuckDBWarehouse(warehouse.path, clock=clock, wait_seconds=10)
        with capture_logs() as logs:
            again.setup()
            again.setup()
        assert [log["steps"] for log in logs] == expected
    assert declared(warehouse) == whole
    with warehouse.read() as reader:
        expected_row = raw_bar(1).with_columns(volume=pl.lit(None, pl.Float64))
        assert reader.read(tables.STOCK_RAW).equals(expected_row, null_equal=True)


def test_a_migration_is_one_transaction(warehouse: DuckDBWarehouse) -> None:
    before = declared(warehouse)
    steps: list[Step] = [Drop(tables.STOCK_RAW, "volume"), Remove(tables.LOADS), Drop(tables.STOCK_RAW, "nothing")]
    with pytest.raises(WarehouseError, match="nothing"), warehouse.write() as writer:
        writer.migrate(steps)
    assert declared(warehouse) == before
    with warehouse.write() as writer:
        writer.migrate(steps[:2])
    assert declared(warehouse) < before


def raw_bar(number: int) -> pl.DataFrame:
    """A raw row with a value in every column."""
    values: dict[pl.DataType, object] = {
        pl.String(): "x", pl.Float64(): number / 3, pl.Int64(): number, pl.Datetime("us"): NOW.replace(tzinfo=None),
    }  # fmt: skip
    row = {column.name: values[column.dtype] for column in tables.STOCK_RAW.columns}
    return pl.DataFrame([row], schema=tables.STOCK_RAW.schema)


def test_a_file_that_another_process_holds_is_not_completed_and_can_be_later(
    warehouse: DuckDBWarehouse, clock: VirtualClock
) -> None:
    whole = declared(warehouse)
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("DROP TABLE operations.made_with").fetchall()
    again = DuckDBWarehouse(warehouse.path, clock=clock, wait_seconds=1)
    with held_elsewhere(warehouse.path), pytest.raises(WarehouseLocked):
        again.setup()
    again.setup()
    assert declared(again) == whole


@pytest.mark.parametrize(("megabytes", "said"), [(128, "122.0 MiB"), (2_048, "1.9 GiB")])
def test_the_engine_uses_no_more_memory_than_it_was_given(
    tmp_path: Path, clock: VirtualClock, megabytes: int, said: str
) -> None:
    made = DuckDBWarehouse(tmp_path / "small.duckdb", clock=clock, wait_seconds=1, memory_mb=megabytes)
    made.setup()
    assert made.query("SELECT current_setting('memory_limit') AS held")["held"].to_list() == [said]


def test_a_table_of_one_s_own_disturbs_nobody(warehouse: DuckDBWarehouse, clock: VirtualClock) -> None:
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("CREATE TABLE main.stock_data (mine INTEGER)").fetchall()
    DuckDBWarehouse(warehouse.path, clock=clock, wait_seconds=10).setup()
    assert "close" in warehouse.query("SELECT * FROM stock_data").columns


def test_a_file_held_by_another_process_is_waited_for_and_then_the_process_is_named(
    warehouse: DuckDBWarehouse, clock: VirtualClock
) -> None:
    with held_elsewhere(warehouse.path) as process:
        words = rf"PID {process}\) holds it and did not let go within 10 s; what has landed waits for the next run"
        with pytest.raises(WarehouseLocked, match=words), warehouse.read():
            pass
        assert 10 <= (clock.now() - NOW).total_seconds() < 10.5
        with pytest.raises(WarehouseLocked), warehouse.write():
            pass
    with warehouse.write() as writer:
        assert writer.count(tables.STOCK) == 0


def test_a_file_that_is_let_go_while_one_waits_is_opened(warehouse: DuckDBWarehouse) -> None:
    class LettingGo(VirtualClock):
        """Ends the other process at the third look."""

        looks = 0

        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            self.looks += 1
            if self.looks == 3:
                holder.__exit__(None, None, None)

    clock = LettingGo(NOW)
    holder = held_elsewhere(warehouse.path)
    holder.__enter__()
    with DuckDBWarehouse(warehouse.path, clock=clock, wait_seconds=10).read() as reader:
        assert reader.count(tables.STOCK) == 0
    assert clock.looks == 3


def test_reading_in_the_middle_of_a_write_of_the_same_process_is_locked_too(warehouse: DuckDBWarehouse) -> None:
    words = "other work in this process holds it"
    with warehouse.write(), pytest.raises(WarehouseLocked, match=words), warehouse.read():
        pass
    with warehouse.read(), pytest.raises(WarehouseLocked, match=words), warehouse.write():
        pass
    with warehouse.read() as reader:
        assert reader.count(tables.STOCK) == 0


@pytest.mark.parametrize("name", ["warehouse.duckdb", "a block of locks.duckdb"])
@pytest.mark.parametrize("content", [b"", b"hello" * 10_000])
def test_a_file_that_is_no_warehouse_is_said_at_once(
    tmp_path: Path, clock: VirtualClock, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    other = DuckDBWarehouse(tmp_path / name, clock=clock, wait_seconds=10)
    with pytest.raises(WarehouseError, match="not a valid DuckDB database file") as caught:
        other.setup()
    assert not isinstance(caught.value, WarehouseLocked)
    assert clock.now() == NOW


def test_a_damaged_file_is_said_at_once(warehouse: DuckDBWarehouse, clock: VirtualClock) -> None:
    content = bytearray(warehouse.path.read_bytes())
    content[4_096 * 3 :: 97] = bytes(byte ^ 0xFF for byte in content[4_096 * 3 :: 97])
    warehouse.path.write_bytes(content)
    words = r"Corrupt database file.*; a warehouse is a whole DuckDB file; run `bell rebuild`: it sets this one aside"
    with pytest.raises(WarehouseError, match=words) as caught, warehouse.read():
        pass
    assert "Corrupt database file" in warehouse.damage()
    assert not isinstance(caught.value, WarehouseLocked)
    assert clock.now() == NOW


@pytest.mark.parametrize(
    "sql",
    [
        "COPY loads TO '{file}'",
        "ATTACH '{file}' AS other",
        "EXPORT DATABASE '{file}'",
        "IMPORT DATABASE '{file}'",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('{file}')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "SET VARIABLE a = 1",
        "RESET search_path",
        "PRAGMA version",
        "CALL pragma_version()",
        "USE raw",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "PREPARE a AS SELECT 1",
        "CREATE MACRO f() AS 1",
        "EXPLAIN ANALYZE DELETE FROM loads",
    ],
)
def test_a_query_reaches_nothing_but_the_tables(warehouse: DuckDBWarehouse, tmp_path: Path, sql: str) -> None:
    file = tmp_path / "other"
    file.write_text("secret\n", "utf-8")
    before = hashlib.sha256(warehouse.path.read_bytes()).digest()
    with pytest.raises(QueryError):
        warehouse.query(sql.format(file=file))
    assert file.read_text("utf-8") == "secret\n"
    assert hashlib.sha256(warehouse.path.read_bytes()).digest() == before


def test_a_query_does_not_see_the_variables_of_the_program(warehouse: DuckDBWarehouse) -> None:
    mine = pl.DataFrame({"a": [1]})
    with pytest.raises(QueryError, match="mine does not exist"):
        warehouse.query("SELECT * FROM mine")
    assert len(mine) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a", "SELECT 1;", "-- why\nSELECT 1", "WITH x AS (SELECT 1) SELECT * FROM x", "FROM loads",
        "VALUES (1)", "SHOW TABLES", "DESCRIBE stock_data", "SUMMARIZE loads", "EXPLAIN SELECT 1",
        "PIVOT loads ON feed",
    ],
)  # fmt: skip
def test_whatever_reads_is_allowed(warehouse: DuckDBWarehouse, sql: str) -> None:
    assert isinstance(warehouse.query(sql), pl.DataFrame)


def test_a_file_that_can_be_read_or_is_held_or_is_not_there_is_not_damaged(
    warehouse: DuckDBWarehouse, tmp_path: Path, clock: VirtualClock
) -> None:
    assert warehouse.damage() == ""
    assert DuckDBWarehouse(tmp_path / "none.duckdb", clock=clock, wait_seconds=0).damage() == ""
    with held_elsewhere(warehouse.path), pytest.raises(WarehouseLocked):
        warehouse.damage()


def test_a_file_that_was_cut_off_is_damaged(warehouse: DuckDBWarehouse) -> None:
    warehouse.path.write_bytes(warehouse.path.read_bytes()[:20_000])
    assert "Could not read enough bytes" in warehouse.damage()


def test_files_set_aside_keep_out_of_each_other_s_way(warehouse: DuckDBWarehouse) -> None:
    names = []
    for _ in range(3):
        warehouse.path.touch()
        names.append(Path(warehouse.set_aside()).name)
    assert names == ["warehouse.duckdb.broken", "warehouse.duckdb.broken2", "warehouse.duckdb.broken3"]
    assert not warehouse.exists()


def test_intervals_are_given_as_text_under_their_names(warehouse: DuckDBWarehouse) -> None:
    frame = warehouse.query('SELECT INTERVAL 26 HOUR AS "a ""b", ? AS n, [INTERVAL 1 DAY] AS many', [7])
    assert frame.rows(named=True) == [{'a "b': "26:00:00", "n": 7, "many": "[1 day]"}]
    assert warehouse.query("SELECT loaded_at - extracted_at AS age FROM loads").columns == ["age"]


def test_what_to_do_about_wrong_sql_stands_on_a_line_of_its_own(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(QueryError) as caught:
        warehouse.query("SELECT FROM WHERE")
    *_, pointer, advice = str(caught.value).splitlines()
    assert pointer.endswith(";")
    assert advice.startswith("only statements that read are allowed, docs/tables.md lists the tables; correct")


@pytest.mark.parametrize(
    "error",
    [
        duckdb.InvalidInputException("Python exception occurred: KeyboardInterrupt: "),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        RuntimeError("Query interrupted"),
    ],
)
def test_an_interrupt_stays_one_whatever_the_engine_makes_of_it(warehouse: DuckDBWarehouse, error: Exception) -> None:
    with pytest.raises(KeyboardInterrupt), warehouse.write():
        raise error
    with pytest.raises(RuntimeError, match="other"), warehouse.read():
        raise RuntimeError("other")


def test_deleting_removes_the_log_too(warehouse: DuckDBWarehouse) -> None:
    log = warehouse.path.with_name("warehouse.duckdb.wal")
    log.write_bytes(b"")
    warehouse.delete()
    assert not log.exists()
    assert not warehouse.path.exists()


def test_nothing_is_left_beside_the_file_after_work(warehouse: DuckDBWarehouse) -> None:
    with warehouse.write() as writer:
        writer.append(tables.QUARANTINE, tables.QUARANTINE.empty())
    with warehouse.read():
        pass
    assert os.listdir(warehouse.path.parent) == ["warehouse.duckdb"]  # noqa: PTH208


def test_a_reader_cannot_write_to_the_file(warehouse: DuckDBWarehouse) -> None:
    with warehouse.read() as reader, pytest.raises(duckdb.Error, match="read-only"):
        reader._connection.execute("DELETE FROM operations.loads").fetchall()
