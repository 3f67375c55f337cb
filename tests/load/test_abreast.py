"""The stage where several transactions go at once: on a server, with files that have no bar in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count, repeat
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.landing import Landing
from openingbell.load import stage
from openingbell.load.stage import Loaded
from openingbell.warehouse.connect import address_of, databases_of
from openingbell.warehouse.mysql.transaction import MySQLWriter
from openingbell.warehouse.mysql.warehouse import MySQLWarehouse
from tests.load.test_stage import START, Bench, land, later, wall

SYMBOLS = ("AAPL", "MSFT", "IBM")
SETTINGS = Settings(rows_per_transaction=3)
NOW = START + timedelta(days=1)


class Meeting(MySQLWarehouse):
    """Counting from where `numbers` begins, its transactions 1 and 2 wait for each other, so that neither ends before
    both are begun. `killed` ends the process where one of them has written and not committed, and another has.
    """

    killed = False
    numbers: Iterator[int] = repeat(0)

    def __init__(self, url: str, name: str) -> None:
        settings = Settings.model_validate({"warehouse_url": f"{url}{name}"})
        super().__init__(address_of(settings), databases_of(settings), clock=VirtualClock(NOW), wait_seconds=60)
        self._together, self._committed = threading.Barrier(2), threading.Event()

    @contextmanager
    def write(self) -> Iterator[MySQLWriter]:
        number = next(self.numbers)
        with super().write() as writer:
            yield writer
            if number in {1, 2}:
                self._together.wait(60)
            if number == 2 and self.killed:
                self._committed.wait(60)
                os.kill(os.getpid(), signal.SIGKILL)
        if number == 1:
            self._committed.set()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """Twelve files: of each symbol a bar that is corrected twice, and one file of them that says nothing new."""
    found = Landing(tmp_path / "data_extracts")
    for minute, close in enumerate(("1", "2", "2", "3")):
        for symbol in SYMBOLS:
            land(found, later(60 + minute), [(symbol, wall(0), close), (symbol, wall(15), "1")])
    return found


LOADED = Loaded(files=12, rows=24, rows_new=12, rows_same=12)


def run(landing: Landing, warehouse: MySQLWarehouse) -> Loaded:
    return stage.run(landing, warehouse, VirtualClock(NOW), SETTINGS, source="test")


def expected(folder: Path, landing: Landing) -> dict[str, pl.DataFrame]:
    """The tables as one transaction after the other fills them."""
    at = Bench(folder, rows_per_transaction=3)
    assert stage.run(landing, at.warehouse, VirtualClock(NOW), SETTINGS, source="test") == LOADED
    return {table.name: at.rows(table) for table in tables.of_layers(tables.RAW, tables.OPERATIONS)}


def require_same(warehouse: MySQLWarehouse, wanted: dict[str, pl.DataFrame]) -> None:
    with warehouse.read() as reader:
        for name, rows in wanted.items():
            if name != tables.SCHEMA_VERSIONS.name:  # when each was made
                table = tables.BY_NAME[name]
                assert reader.read(table).sort(table.key).equals(rows, null_equal=True), name


def test_files_without_a_common_symbol_load_at_once_and_fill_the_same_tables(
    server_url: str, tmp_path: Path, landing: Landing
) -> None:
    met = Meeting(server_url, "t_abreast")
    met.setup()
    met.numbers = count()  # the first one records whose the warehouse is
    assert run(landing, met) == LOADED
    require_same(met, expected(tmp_path, landing))
    assert run(landing, met) == Loaded()
    met.delete()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_killed_between_two_transactions_the_next_load_completes_it(
    server_url: str, tmp_path: Path, landing: Landing
) -> None:
    Meeting(server_url, "t_killed").setup()
    program = (
        "from tests.load.test_abreast import *\n"
        f"met = Meeting({server_url!r}, 't_killed'); met.killed, met.numbers = True, count()\n"
        f"run(Landing(Path({str(landing.root)!r})), met)\n"
    )
    repository = Path(__file__).resolve().parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), *filter(None, sys.path)])}
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=repository, env=environment, capture_output=True, timeout=120
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    after = Meeting(server_url, "t_killed")
    with after.read() as reader:
        there = reader.count(tables.LOADS)
    assert 0 < there < LOADED.files
    assert run(landing, after).files == LOADED.files - there
    require_same(after, expected(tmp_path, landing))
    after.delete()
