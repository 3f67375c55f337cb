"""A transaction is done again when it was lost, and no more often than it makes sense."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import TransactionLost, WarehouseError
from openingbell.warehouse.protocol import Writer
from openingbell.warehouse.transact import transact
from tests.forgetful import Forgetful

NOW = datetime(2019, 2, 15, 22, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Forgetful:
    made = Forgetful(tmp_path / "w.duckdb", clock=VirtualClock(NOW), wait_seconds=0)
    made.setup()
    return made


def count(writer: Writer) -> int:
    """How many rows there are with the one that is added."""
    number = writer.count(tables.MADE_WITH)
    writer.append(tables.MADE_WITH, pl.DataFrame({"name": [f"{number}"], "value": [""]}))
    return number + 1


@pytest.mark.parametrize(("undone", "unheard", "rows"), [(0, 0, 1), (1, 0, 1), (2, 0, 1), (0, 1, 2), (1, 1, 2)])
def test_what_was_lost_is_done_again_and_sees_what_was_committed(
    warehouse: Forgetful, undone: int, unheard: int, rows: int
) -> None:
    warehouse.undone, warehouse.unheard = undone, unheard
    with capture_logs() as logs:
        assert transact(warehouse, count) == rows
    assert [one["tries"] for one in logs] == list(range(1, undone + unheard + 1))
    with warehouse.read() as reader:
        assert reader.count(tables.MADE_WITH) == rows


def test_what_is_lost_every_time_is_an_error(warehouse: Forgetful) -> None:
    warehouse.undone = 9
    with pytest.raises(TransactionLost, match="before the commit"):
        transact(warehouse, count)
    assert warehouse.undone == 6


@pytest.mark.parametrize("error", [WarehouseError("full"), ValueError("wrong"), KeyboardInterrupt()])
def test_any_other_error_is_not_tried_again(warehouse: Forgetful, error: BaseException) -> None:
    tries = []

    def work(writer: Writer) -> None:
        tries.append(writer)
        raise error

    with pytest.raises(type(error)):
        transact(warehouse, work)
    assert len(tries) == 1
