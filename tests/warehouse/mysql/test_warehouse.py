"""What is the server's own: its databases, who may do what in them, and what a warehouse leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from openingbell import tables
from openingbell.clock import SystemClock, VirtualClock
from openingbell.errors import QueryError, WarehouseError, WarehouseLocked
from openingbell.tables import ANALYTICS, OPERATIONS, RAW
from openingbell.warehouse.connect import address_of, connect, databases_of, grants_of
from openingbell.warehouse.migrations import TODAY
from openingbell.warehouse.mysql import statements
from openingbell.warehouse.mysql.grants import READER, WORKER_RIGHTS
from openingbell.warehouse.mysql.wire import Wire
from openingbell.warehouse.protocol import Warehouse
from openingbell.warehouse.transact import transact
from tests.warehouse.mysql.servers import at
from tests.warehouse.test_conformance import rows, stock

NAME = "t_own"
PASSWORD = "a-password-of-the-tests"


@pytest.fixture
def root(server_url: str) -> Iterator[Wire]:
    found = Wire(address_of(at(server_url)), statements.session(1))
    yield found
    found.close()


def warehouse_at(url: str, **settings: object) -> Warehouse:
    return connect(at(url, **{"name": NAME, "warehouse_wait_seconds": 1, **settings}), Path(), SystemClock())  # type: ignore[arg-type]


@pytest.fixture
def warehouse(server_url: str, root: Wire) -> Iterator[Warehouse]:
    made = warehouse_at(server_url)
    made.delete()
    made.setup()
    yield made
    for behind in ("", statements.REBUILD, statements.BROKEN):
        for name in databases_of(at(server_url, NAME)).beside(behind).names.values():
            root.run(f"DROP DATABASE IF EXISTS {name}")


def test_each_layer_has_its_database_and_each_table_lies_there_as_declared(warehouse: Warehouse, root: Wire) -> None:
    found = root.frame(
        "SELECT table_schema AS s, table_name AS t, column_name AS c, is_nullable AS n, ordinal_position AS p FROM "
        f"information_schema.columns WHERE table_schema LIKE '{NAME}\\_%'"
    )
    expected = sorted(
        (f"{NAME}_{table.layer}", table.name, place, column.name, "YES" if column.null else "NO")
        for table in TODAY.tables
        for place, column in enumerate(table.columns, 1)
    )
    assert sorted(found.select("s", "t", "p", "c", "n").rows()) == expected


def test_databases_can_be_named_one_by_one(server_url: str, root: Wire) -> None:
    named = warehouse_at(server_url, raw_database="t_dw1", analytics_database="t_dw2", operations_database="t_ops")
    named.setup()
    assert {"t_dw1", "t_dw2", "t_ops"} <= set(root.frame("SHOW DATABASES").to_series())
    assert named.query("SELECT COUNT(*) AS n FROM stock_data, stock_data_raw, loads").item() == 0
    named.delete()
    assert not {"t_dw1", "t_dw2", "t_ops"} & set(root.frame("SHOW DATABASES").to_series())


def test_a_session_is_strict_in_utc_and_reads_names_in_double_quotes(warehouse: Warehouse) -> None:
    found = warehouse.query("SELECT @@sql_mode AS mode, @@time_zone AS zone, @@character_set_connection AS letters")
    mode, zone, letters = found.row(0)
    assert {"STRICT_ALL_TABLES", "ANSI_QUOTES"} <= set(mode.split(","))
    assert (zone, letters) == ("+00:00", "utf8mb4")


def test_raw_tables_have_a_partition_for_each_year_when_that_is_asked_for(server_url: str, root: Wire) -> None:
    """From 2000 to ten years ahead, one for all before and one for all after."""
    settings = at(server_url, "t_years", raw_partitions_by_year=True)
    made = connect(settings, Path(), VirtualClock(datetime(1993, 2, 15, tzinfo=UTC)))
    made.setup()
    days = [datetime(year, 6, 1) for year in (1999, 2000, 2003, 2035)]  # noqa: DTZ001
    bars = rows(*(stock(minute=place, date=day) for place, day in enumerate(days)))
    transact(made, lambda writer: writer.append(tables.STOCK_RAW, bars))
    found = root.frame(
        "SELECT partition_name AS name FROM information_schema.partitions WHERE table_schema = 't_years_raw' AND "
        "table_name = 'stock_data_raw' ORDER BY partition_ordinal_position"
    )["name"].to_list()
    assert found == ["before_2000", "of_2000", "of_2001", "of_2002", "of_2003", "later"]
    counts = {
        name: root.frame(f"SELECT COUNT(*) AS n FROM t_years_raw.stock_data_raw PARTITION ({name})").item()
        for name in found
    }
    assert counts == {"before_2000": 1, "of_2000": 1, "of_2001": 0, "of_2002": 0, "of_2003": 1, "later": 1}
    with made.read() as reader:
        assert len(reader.read(tables.STOCK_RAW, symbols=["AAPL"], first=days[1], last=days[2])) == 2
    made.delete()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t_own_raw.stock_data_raw DROP COLUMN basis",
        "ALTER TABLE t_own_analytics.stock_data ADD COLUMN mine INTEGER",
        "ALTER TABLE t_own_analytics.daily_bars MODIFY close FLOAT",
        "ALTER TABLE t_own_operations.loads DROP COLUMN sha256",
    ],
)
def test_tables_of_another_version_are_refused_with_the_way_out(
    warehouse: Warehouse, root: Wire, server_url: str, change: str
) -> None:
    root.run(change)
    root.run("DROP TABLE t_own_operations.made_with")
    with pytest.raises(WarehouseError, match=r"its table \w+ has the columns .*, this version needs .*`bell rebuild`"):
        warehouse_at(server_url).setup()
    assert "made_with" not in set(root.frame("SHOW TABLES FROM t_own_operations").to_series())


def test_what_is_missing_is_added_and_told_and_what_is_there_stays(
    warehouse: Warehouse, root: Wire, server_url: str
) -> None:
    transact(warehouse, lambda writer: writer.append(tables.STOCK_RAW, rows(stock())))
    root.run("DROP TABLE t_own_operations.made_with")
    root.run("ALTER TABLE t_own_raw.stock_data_raw DROP COLUMN volume")
    again = warehouse_at(server_url)
    with capture_logs() as logs:
        again.setup()
        again.setup()
    (told,) = [one["steps"] for one in logs if one["event"] == "warehouse_migrated"]
    assert told == ["add stock_data_raw.volume", "create made_with"]
    with again.read() as reader:
        assert reader.read(tables.STOCK_RAW).equals(rows(stock()))


def test_indexes_that_an_earlier_version_made_go_with_the_migration(
    warehouse: Warehouse, root: Wire, server_url: str
) -> None:
    """Also where it was interrupted before: the version is recorded last."""
    transact(warehouse, lambda writer: writer.append(tables.STOCK_RAW, rows(stock())))
    root.run("ALTER TABLE t_own_raw.stock_data_raw ADD INDEX by_load (load_id)")
    root.run("ALTER TABLE t_own_analytics.stock_data DROP INDEX by_time")
    root.run(f"UPDATE t_own_operations.schema_versions SET version = {TODAY.newest.number - 1}")
    warehouse_at(server_url).setup()
    found = root.frame(statements.indexes_there(["t_own_raw", "t_own_analytics"])).rows()
    of_stocks = sorted(row for row in found if row[1].startswith("stock_data"))
    assert of_stocks == [("t_own_analytics", "stock_data", "by_time")]
    assert [index for place, _, index in found if place == "t_own_raw"] == []
    with warehouse_at(server_url).read() as reader:
        assert reader.count(tables.STOCK_RAW) == 1


def test_deleting_leaves_what_others_keep_beside_it(warehouse: Warehouse, root: Wire) -> None:
    root.run("CREATE TABLE t_own_raw.theirs (a INT)")
    warehouse.delete()
    assert not warehouse.exists()
    assert root.frame("SHOW TABLES FROM t_own_raw").to_series().to_list() == ["theirs"]
    assert "t_own_analytics" not in set(root.frame("SHOW DATABASES").to_series())


def test_a_warehouse_is_set_aside_whole_and_a_second_one_keeps_out_of_its_way(warehouse: Warehouse, root: Wire) -> None:
    assert warehouse.damage() == ""
    for turn in range(2):
        transact(warehouse, lambda writer, turn=turn: writer.append(tables.STOCK_RAW, rows(stock(close=turn))))  # type: ignore[misc]
        assert warehouse.set_aside() == "t_own_raw_broken, t_own_analytics_broken, t_own_operations_broken"
        assert not warehouse.exists()
        warehouse.setup()
    for name, close in (("stock_data_raw", 0.0), ("stock_data_raw_2", 1.0)):
        assert root.frame(f"SELECT close FROM t_own_raw_broken.{name}")["close"].to_list() == [close]


def test_who_reads_for_long_is_not_pushed_aside_by_a_rebuild(warehouse: Warehouse, server_url: str) -> None:
    transact(warehouse, lambda writer: writer.append(tables.STOCK_RAW, rows(stock())))
    second = warehouse.beside()
    second.setup()
    with warehouse.read() as reader:
        assert reader.count(tables.STOCK_RAW) == 1
        with pytest.raises(WarehouseLocked, match="others hold these rows"):
            second.take_place_of(warehouse)
        assert reader.count(tables.STOCK_RAW) == 1
    second.take_place_of(warehouse)
    with warehouse.read() as reader:
        assert reader.count(tables.STOCK_RAW) == 0
    assert not second.exists()


def granted(root: Wire, settings_url: str) -> tuple[str, str]:
    """The URLs of a worker and a reader who have what the grants give."""
    worker = settings_url.replace("root", f"t_worker:{PASSWORD}")
    for statement in grants_of(at(worker, NAME)):
        root.run(statement.replace("choose a password", PASSWORD).rstrip(";"))
    return worker, settings_url.replace("root", f"{READER}:{PASSWORD}")


@pytest.fixture
def users(root: Wire, server_url: str) -> Iterator[tuple[str, str]]:
    if "root@" not in server_url:
        pytest.skip("the server's user is not root: its URL cannot be made one of another user")
    yield granted(root, server_url)
    for user in ("t_worker", READER):
        root.run(f"DROP USER '{user}'@'%'")


def everything(worker: str) -> None:
    """All that a worker ever does."""
    mine = warehouse_at(worker)
    mine.setup()
    transact(mine, lambda writer: writer.clear(tables.STOCK_RAW))
    transact(mine, lambda writer: writer.append(tables.STOCK_RAW, rows(stock())))
    transact(mine, lambda writer: writer.replace(tables.STOCK_RAW, rows(stock(close=2.0))))
    transact(mine, lambda writer: writer.clear(tables.STOCK_RAW))
    assert mine.query("SELECT COUNT(*) AS n FROM stock_data_raw").item() == 0
    assert mine.damage() == ""
    second = mine.beside()
    second.delete()
    second.setup()
    second.take_place_of(mine)
    mine.set_aside()
    mine.setup()
    mine.delete()


def test_a_worker_can_do_all_with_its_grants_and_nothing_with_one_less(
    warehouse: Warehouse, root: Wire, users: tuple[str, str]
) -> None:
    worker, _ = users
    warehouse.delete()
    everything(worker)
    names = [name for behind in ("", statements.REBUILD, statements.BROKEN) for name in
             databases_of(at(worker, NAME)).beside(behind).names.values()]  # fmt: skip
    for right in WORKER_RIGHTS:
        for change, preposition in (("REVOKE", "FROM"), ("GRANT", "TO")):
            for name in names:
                escaped = name.replace("_", "\\_")
                root.run(f"{change} {right} ON `{escaped}`.* {preposition} 't_worker'@'%'")
            if change == "REVOKE":
                with pytest.raises(WarehouseError, match=r"there is none yet|denied .*`bell setup --print-grants`"):
                    everything(worker)
    everything(worker)


def test_a_reader_reads_everything_and_changes_nothing(
    warehouse: Warehouse, root: Wire, users: tuple[str, str]
) -> None:
    transact(warehouse, lambda writer: writer.append(tables.STOCK_RAW, rows(stock())))
    _, reader = users
    mine = warehouse_at(reader)
    assert mine.exists()
    mine.setup()  # nothing is missing
    with mine.read() as found:
        for table in tables.TABLES:
            found.read(table)
    assert mine.query("SELECT close FROM stock_data_raw").item() == 1.0
    with pytest.raises(QueryError):
        mine.query("SELECT * FROM mysql.user")
    for change in (
        lambda writer: writer.append(tables.STOCK_RAW, rows(stock("B", 1))),
        lambda writer: writer.clear(tables.STOCK_RAW),
        lambda writer: writer.remove(tables.STOCK_RAW, rows(stock()).select("symbol")),
    ):
        with pytest.raises(WarehouseError, match=r"denied .*`bell setup --print-grants`"):
            transact(mine, change)
    with pytest.raises(WarehouseError, match="denied"):
        mine.delete()
    assert warehouse.query("SELECT COUNT(*) AS n FROM stock_data_raw").item() == 1


def test_the_grants_name_each_database_and_nothing_else() -> None:
    found = grants_of(at("mysql://bell:secret-password@db/", "dw"))
    assert found[0] == "CREATE USER IF NOT EXISTS 'bell'@'%' IDENTIFIED BY 'choose a password';"
    places = [text.split(" ON ")[1].split(" TO ") for text in found if text.startswith("GRANT")]
    layers = (RAW, ANALYTICS, OPERATIONS)
    assert [place for place, user in places if "bell" in user and "reader" not in user] == [
        f"`dw\\_{layer}{behind}`.*" for behind in ("", "\\_rebuild", "\\_broken") for layer in layers
    ]
    assert [place for place, user in places if "reader" in user] == [f"`dw\\_{layer}`.*" for layer in layers]
    assert "secret-password" not in "".join(found)
