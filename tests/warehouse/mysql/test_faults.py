"""What happens when a real server fails: retried where that helps, told where it does not, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from openingbell import tables
from openingbell.clock import Clock, SystemClock, VirtualClock
from openingbell.config import Settings
from openingbell.errors import TransactionLost, WarehouseError, WarehouseLocked
from openingbell.landing import Landing
from openingbell.load import stage as load
from openingbell.load.stage import Loaded
from openingbell.warehouse.connect import address_of, connect, databases_of, grants_of
from openingbell.warehouse.migrations import TODAY
from openingbell.warehouse.mysql import faults, statements
from openingbell.warehouse.mysql.transaction import MySQLWriter
from openingbell.warehouse.mysql.warehouse import MySQLWarehouse
from openingbell.warehouse.mysql.wire import Wire
from openingbell.warehouse.protocol import Warehouse, Writer
from openingbell.warehouse.transact import transact
from openingbell.warehouse.upgrade import plan_of
from tests.load.test_stage import land, later, wall
from tests.server import Server, running
from tests.warehouse.earlier import make_earlier
from tests.warehouse.mysql.servers import at

NOW = datetime(2026, 2, 15, 22, tzinfo=UTC)
PASSWORD = "a-password-of-the-tests"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that only this module's tests trouble: it loses nothing that it committed, and has little room for keys."""
    with running("--innodb-flush-log-at-trx-commit=1", "--innodb-temp-data-file-path=ibtmp1:12M") as made:
        yield made


@pytest.fixture
def root(server: Server) -> Iterator[Wire]:
    found = Wire(address_of(at(server.url)), statements.session(1))
    yield found
    found.close()


def warehouse_at(url: str, clock: Clock | None = None, *, wait_seconds: float = 1, name: str = "t_faults") -> Warehouse:
    settings = at(url, name, warehouse_wait_seconds=wait_seconds)
    return connect(settings, Path(), clock or SystemClock())


@pytest.fixture
def warehouse(server: Server) -> Iterator[Warehouse]:
    made = warehouse_at(server.url)
    made.setup()
    yield made
    with made.write() as writer:
        writer.clear(tables.MADE_WITH)


@pytest.fixture
def worker(server: Server, root: Wire, warehouse: Warehouse) -> str:
    """The URL of a user who has what the grants give, and no more."""
    url = server.url.replace("root", f"worker:{PASSWORD}")
    for statement in grants_of(at(url, "t_faults")):
        root.run(statement.replace("choose a password", PASSWORD))
    return url


def rows(*names: str, value: str = "1") -> pl.DataFrame:
    return pl.DataFrame({"name": names, "value": [value] * len(names)}, schema=tables.MADE_WITH.schema)


def names_in(warehouse: Warehouse) -> list[str]:
    with warehouse.read() as reader:
        return sorted(reader.read(tables.MADE_WITH)["name"])


def connections(root: Wire) -> list[int]:
    """Those of our program but for `root` itself."""
    own = root.frame("SELECT CONNECTION_ID() AS id").item()
    found = root.frame("SELECT id FROM information_schema.processlist WHERE command <> 'Daemon' ORDER BY id")
    return [one for one in found.to_series() if one != own]


def kill_all(root: Wire) -> None:
    """End every other connection, as an administrator or a network does."""
    for one in connections(root):
        root.run(f"KILL {one}")


def failing_once(fault: Callable[[], None], tries: list[int]) -> Callable[[Writer], int]:
    """Work that appends a row; in its first try the fault happens behind it."""

    def work(writer: Writer) -> int:
        tries.append(len(tries))
        writer.append(tables.MADE_WITH, rows(f"try {len(tries)}"))
        if len(tries) == 1:
            fault()
        return writer.count(tables.MADE_WITH)

    return work


def test_a_wrong_password_is_told_without_it(server: Server, worker: str) -> None:
    wrong = warehouse_at(worker.replace(PASSWORD, "another-password"), VirtualClock(NOW), wait_seconds=60)
    with pytest.raises(WarehouseError, match=r"Access denied for user 'worker'.*correct WAREHOUSE_URL") as caught:
        wrong.exists()
    assert "another-password" not in str(caught.value)
    assert not isinstance(caught.value, WarehouseLocked | TransactionLost)


def test_a_server_that_is_not_there_is_waited_for_and_then_told() -> None:
    clock = VirtualClock(NOW)
    with pytest.raises(WarehouseError, match=r"Can't connect.*what has landed waits.*start the server"):
        warehouse_at("mysql://bell@127.0.0.1:9/", clock, wait_seconds=3).setup()
    assert (clock.now() - NOW).total_seconds() == pytest.approx(3, abs=0.2)


def test_a_missing_database_and_no_right_to_make_it_are_told_with_the_grants(worker: str) -> None:
    with pytest.raises(WarehouseError, match=r"Access denied .* to database 'other_raw'.*`bell setup --print-grants`"):
        warehouse_at(worker, name="other").setup()


def test_a_connection_that_breaks_in_a_transaction_undoes_it_and_it_is_done_again(
    warehouse: Warehouse, root: Wire
) -> None:
    tries: list[int] = []
    with capture_logs() as logs:
        assert transact(warehouse, failing_once(lambda: kill_all(root), tries)) == 1
    assert names_in(warehouse) == ["try 2"]
    assert [one["tries"] for one in logs if one["event"] == "transaction_repeated"] == [1]


def test_a_server_that_dies_and_comes_back_has_what_was_committed_and_the_rest_is_done_again(
    server: Server, warehouse: Warehouse
) -> None:
    patient = warehouse_at(server.url, wait_seconds=60)
    transact(patient, lambda writer: writer.append(tables.MADE_WITH, rows("before")))

    def restart() -> None:
        server.kill()
        server.start()

    tries: list[int] = []
    assert transact(patient, failing_once(restart, tries)) == 2
    assert names_in(warehouse) == ["before", "try 2"]


@pytest.mark.parametrize("done", [1, 12, None], ids=["after the first step", "in the middle", "before it is recorded"])
def test_a_migration_in_which_the_server_dies_is_finished_by_the_next(server: Server, done: int | None) -> None:
    """Each step is done when it is: there are no transactions of them here."""
    old = warehouse_at(server.url, wait_seconds=60, name="t_earlier")
    written = make_earlier(old, 1)

    def begin(writer: Writer) -> None:
        writer.migrate(plan_of(writer, old.place).steps[:done])
        server.kill()
        server.start()
        writer.count(tables.LOADS)

    with pytest.raises(TransactionLost), old.write() as writer:
        begin(writer)
    with old.read() as reader:
        left = plan_of(reader, old.place)
    assert (bool(left.steps), left.has) == ((True, 1) if done else (False, TODAY.newest.number))
    warehouse_at(server.url, name="t_earlier").setup()
    with old.read() as reader:
        assert plan_of(reader, old.place).is_empty
        for name, rows in written.items():
            found = reader.read(tables.BY_NAME[name]).select(rows.columns).sort(tables.BY_NAME[name].key)
            assert found.equals(rows, null_equal=True), name
    old.delete()


class Dying(MySQLWarehouse):
    """Its server dies before the next `times` commits, and comes back."""

    server: Server
    times = 0

    @contextmanager
    def write(self) -> Iterator[MySQLWriter]:
        with super().write() as writer:
            yield writer
            if self.times:
                self.times -= 1
                self.server.kill()
                self.server.start()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """Two landed files, of which each load takes one after the other."""
    found = Landing(tmp_path / "data_extracts")
    land(found, later(60), [("AAPL", wall(0), "1"), ("AAPL", wall(15), "2")])
    land(found, later(61), [("AAPL", wall(15), "2"), ("AAPL", wall(30), "3")])
    return found


ONE_BY_ONE = Settings(rows_per_transaction=1)
BOTH_FILES = Loaded(files=2, rows=4, rows_new=3, rows_same=1)


@pytest.mark.parametrize("times", [1, 2])
def test_a_load_in_which_the_server_is_restarted_loads_all_once(server: Server, landing: Landing, times: int) -> None:
    settings = at(server.url, "t_load")
    dying = Dying(address_of(settings), databases_of(settings), clock=SystemClock(), wait_seconds=60)
    dying.setup()
    dying.server, dying.times = server, times
    assert load.run(landing, dying, VirtualClock(NOW), ONE_BY_ONE) == BOTH_FILES
    with dying.read() as reader:
        assert reader.read(tables.STOCK_RAW).sort("date")["close"].to_list() == [1.0, 2.0, 3.0]
        assert reader.count(tables.LOADS) == 2
    dying.delete()


def test_while_the_server_is_away_what_has_landed_waits_and_is_loaded_afterwards(
    server: Server, landing: Landing
) -> None:
    mine = warehouse_at(server.url, VirtualClock(NOW), wait_seconds=2, name="t_load")
    mine.setup()
    server.kill()
    with pytest.raises(WarehouseError, match=r"Can't connect.*what has landed waits"):
        load.run(landing, mine, VirtualClock(NOW), ONE_BY_ONE)
    server.start()
    assert load.run(landing, mine, VirtualClock(NOW), ONE_BY_ONE) == BOTH_FILES
    mine.delete()


def test_a_transaction_that_is_lost_every_time_is_told(warehouse: Warehouse, root: Wire) -> None:
    tries = []

    def work(writer: Writer) -> None:
        tries.append(1)
        kill_all(root)
        writer.append(tables.MADE_WITH, rows("never"))

    with pytest.raises(TransactionLost, match=r"the transaction is undone; .*what has landed waits"):
        transact(warehouse, work)
    assert len(tries) == 3
    assert names_in(warehouse) == []


def test_who_loses_a_deadlock_does_it_again(server: Server, warehouse: Warehouse, root: Wire) -> None:
    """The other transaction has changed more: it is ours that the server undoes."""
    transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("a", "b")))
    table = databases_of(at(server.url, "t_faults")).dialect.table(tables.MADE_WITH)
    other = Wire(address_of(at(server.url)), statements.session(30))
    other.run("START TRANSACTION")
    many = ", ".join(f"('z{n}', '')" for n in range(200))
    other.run(f"INSERT INTO {table} VALUES {many}")
    other.run(f"UPDATE {table} SET value = 'other' WHERE name = 'b'")
    waiting = threading.Thread(target=lambda: other.run(f"UPDATE {table} SET value = 'other' WHERE name = 'a'"))
    tries: list[int] = []

    def work(writer: Writer) -> None:
        tries.append(1)
        if len(tries) > 1:  # the other one has what it waited for, and lets go
            waiting.join()
            other.run("ROLLBACK")
        writer.replace(tables.MADE_WITH, rows("a", value="ours"))
        if len(tries) == 1:
            waiting.start()
            while waiting.is_alive() and not _waiting(root):
                pass
        writer.replace(tables.MADE_WITH, rows("b", value="ours"))

    transact(warehouse_at(server.url, wait_seconds=30), work)
    other.close()
    assert len(tries) == 2
    with warehouse.read() as reader:
        assert reader.read(tables.MADE_WITH).sort("name").rows() == [("a", "ours"), ("b", "ours")]


def _waiting(root: Wire) -> int:
    """How many statements wait for a row. `innodb_trx` would not tell: who looks often is shown the same again."""
    return int(root.frame("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")["Value"].item())


def test_rows_that_others_hold_are_waited_for_and_then_told(server: Server, warehouse: Warehouse, root: Wire) -> None:
    transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("held")))
    table = databases_of(at(server.url, "t_faults")).dialect.table(tables.MADE_WITH)
    root.run("START TRANSACTION")
    root.frame(f"SELECT * FROM {table} FOR UPDATE")
    with pytest.raises(WarehouseLocked, match=r"Lock wait timeout.*others hold these rows; .*warehouse_wait_seconds"):
        transact(warehouse, lambda writer: writer.replace(tables.MADE_WITH, rows("held", value="2")))
    root.run("ROLLBACK")
    with warehouse.read() as reader:
        assert reader.read(tables.MADE_WITH)["value"].to_list() == ["1"]


def test_writers_take_turns_and_who_writes_is_told(server: Server, warehouse: Warehouse) -> None:
    other = warehouse_at(server.url, VirtualClock(NOW), wait_seconds=2)
    with warehouse.write() as writer:
        writer.append(tables.MADE_WITH, rows("one"))
        with pytest.raises(WarehouseLocked, match=r"connection \d+ of the server is writing"), other.write():
            pass
        assert names_in(other) == []  # who reads waits for nobody
    transact(other, lambda writer: writer.append(tables.MADE_WITH, rows("two")))
    assert names_in(warehouse) == ["one", "two"]


def test_a_warehouse_that_is_kept_open_keeps_its_turn_and_survives_its_connection(
    server: Server, warehouse: Warehouse, root: Wire
) -> None:
    other = warehouse_at(server.url, VirtualClock(NOW), wait_seconds=0)
    with warehouse.kept_open():
        transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("one")))
        with pytest.raises(WarehouseLocked), other.write():
            pass
        kill_all(root)
        transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("two")))
    transact(other, lambda writer: writer.append(tables.MADE_WITH, rows("three")))
    assert names_in(warehouse) == ["one", "three", "two"]


def test_while_several_threads_write_nobody_else_does(server: Server, warehouse: Warehouse) -> None:
    other = warehouse_at(server.url, VirtualClock(NOW), wait_seconds=0)
    with warehouse.abreast() as lanes:
        assert lanes > 1
        with warehouse.write() as one, warehouse.write() as two:
            one.append(tables.MADE_WITH, rows("one"))
            two.append(tables.MADE_WITH, rows("two"))
            with pytest.raises(WarehouseLocked), other.write():
                pass
        assert names_in(other) == ["one", "two"]
    transact(other, lambda writer: writer.append(tables.MADE_WITH, rows("three")))


def test_threads_that_lose_their_connections_take_turns_and_all_is_written(
    server: Server, warehouse: Warehouse, root: Wire
) -> None:
    other = warehouse_at(server.url, VirtualClock(NOW), wait_seconds=0)
    with warehouse.abreast() as lanes:
        together, tries = threading.Barrier(lanes, lambda: kill_all(root)), list[str]()

        def work(name: str, writer: Writer) -> None:
            tries.append(name)
            writer.append(tables.MADE_WITH, rows(name))
            if tries.count(name) == 1:
                together.wait(60)
                writer.count(tables.MADE_WITH)

        names = [f"lane {lane}" for lane in range(lanes)]
        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(lambda name: transact(warehouse, partial(work, name)), names))
    assert sorted(tries) == sorted(names * 2)
    assert names_in(warehouse) == names
    transact(other, lambda writer: writer.append(tables.MADE_WITH, rows("later")))


def test_a_server_that_takes_no_writes_says_so(worker: str, warehouse: Warehouse, root: Wire) -> None:
    mine = warehouse_at(worker)
    root.run("SET GLOBAL read_only = ON")
    try:
        with pytest.raises(WarehouseError, match=r"read-only.*make it writable, or name another"):
            transact(mine, lambda writer: writer.append(tables.MADE_WITH, rows("x")))
        assert names_in(mine) == []
    finally:
        root.run("SET GLOBAL read_only = OFF")
    transact(mine, lambda writer: writer.append(tables.MADE_WITH, rows("x")))
    assert names_in(mine) == ["x"]


@contextmanager
def set_globally(root: Wire, name: str, value: int, usual: int) -> Iterator[None]:
    root.run(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        root.run(f"SET GLOBAL {name} = {usual}")


EVERYTHING = pl.DataFrame(
    {
        "name": ["a", "b'\\", "tab\tline\n", "", "日経🙂", *(f"n{n}" for n in range(500))],
        "value": ["x" * 40, "\\N", "'", "\r\x1a", "%_", *(f"{n}" for n in range(500))],
    }
)


def test_where_files_are_forbidden_rows_go_in_by_insert_and_that_is_said_once(warehouse: Warehouse, root: Wire) -> None:
    with set_globally(root, "local_infile", 0, 1), capture_logs() as logs:
        assert warehouse.remarks() == []
        for _ in range(2):
            transact(warehouse, lambda writer: writer.replace(tables.MADE_WITH, EVERYTHING))
        with warehouse.read() as reader:
            assert reader.read(tables.MADE_WITH).sort("name").equals(EVERYTHING.sort("name"))
    assert warehouse.remarks() == [
        "the server forbids LOAD DATA LOCAL (local_infile): rows go in by INSERT, which takes several times as long"
    ]
    assert len([one for one in logs if one["event"] == "local_infile_forbidden"]) == 1


@pytest.mark.parametrize("files", [0, 1])
def test_a_short_packet_is_kept_to_whichever_way_rows_go(warehouse: Warehouse, root: Wire, files: int) -> None:
    with set_globally(root, "max_allowed_packet", 4_096, 1 << 24), set_globally(root, "local_infile", files, 1):
        transact(warehouse, lambda writer: writer.replace(tables.MADE_WITH, EVERYTHING))
        assert len(names_in(warehouse)) == len(EVERYTHING)


def test_a_row_that_is_longer_than_a_packet_is_told_with_what_to_raise(warehouse: Warehouse, root: Wire) -> None:
    with set_globally(root, "max_allowed_packet", 4_096, 1 << 24), set_globally(root, "local_infile", 0, 1):
        with pytest.raises(WarehouseError) as caught:
            transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("long", value="x" * 100_000)))
        assert "max_allowed_packet" in str(caught.value)
        assert names_in(warehouse) == []


def test_a_name_that_is_too_long_and_a_key_that_is_there_are_refused_whole(warehouse: Warehouse) -> None:
    """LOAD DATA would cut the one and leave out the other, with a warning."""
    transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("there")))
    for frame, said in ((rows("x" * 129), "Data truncated"), (rows("new", "there"), "Duplicate entry")):
        with pytest.raises(WarehouseError, match=said):
            transact(warehouse, lambda writer, frame=frame: writer.append(tables.MADE_WITH, frame))  # type: ignore[misc]
    assert names_in(warehouse) == ["there"]


def test_a_full_disk_of_the_server_is_told_and_what_was_there_stays(warehouse: Warehouse) -> None:
    """As near as it can be had: the server's file for temporary tables, in which keys are staged, may not grow."""
    transact(warehouse, lambda writer: writer.append(tables.MADE_WITH, rows("before")))
    keys = pl.DataFrame({"name": [f"{n:0128}" for n in range(200_000)]})
    with pytest.raises(WarehouseError, match=r"is full.*make room on the server"):
        transact(warehouse, lambda writer: writer.remove(tables.MADE_WITH, keys))
    assert names_in(warehouse) == ["before"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1045, WarehouseError, "correct WAREHOUSE_URL"),
        (1049, WarehouseError, "`bell setup`"),
        (2003, WarehouseError, "start the server"),
        (1142, WarehouseError, "--print-grants"),
        (2013, TransactionLost, "the connection broke"),
        (1213, TransactionLost, "others write to the same rows"),
        (1205, WarehouseLocked, "warehouse_wait_seconds"),
        (1290, WarehouseError, "make it writable"),
        (1021, WarehouseError, "make room"),
        (1153, WarehouseError, "max_allowed_packet"),
        (1, WarehouseError, "what has landed waits"),
    ],
)
def test_each_error_says_what_to_do(code: int, kind: type[WarehouseError], words: str) -> None:
    error = faults.error_of(code, "what it says", "mysql://me@host:1/x")
    assert type(error) is kind
    assert str(error).startswith(
        f"asked to use the warehouse mysql://me@host:1/x; the server says: what it says ({code})"
    )
    assert words in str(error)
