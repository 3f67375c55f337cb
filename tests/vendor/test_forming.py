from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from openingbell.vendor.forming import Row, opened, roll_up

START = datetime(2019, 2, 15, 9, 30)  # noqa: DTZ001  wall clock


def at(minute: int, second: int = 0) -> datetime:
    return START.replace(minute=minute, second=second)


FINE = pl.DataFrame(
    {
        "date": [at(32), at(31), at(30)],
        "open": ["9.50", "10.2", "10"],
        "low": ["9", "9.90", "9.99"],
        "high": ["11", "10.20", "10.5"],
        "close": ["9.1", "9.9", "10.1"],
        "volume": ["300", "20", "1"],
    }
)


@pytest.mark.parametrize(
    ("wall", "open_", "high", "low", "close", "volume"),
    [
        (at(30), "10", "10", "10", "10", "0"),
        (at(30, 59), "10", "10", "10", "10", "0"),
        (at(31), "10", "10.5", "9.99", "10.2", "1"),
        (at(32), "10", "10.5", "9.50", "9.50", "21"),
        (at(33), "10", "11", "9", "9.1", "321"),
    ],
)
def test_a_forming_bar_holds_what_was_known(
    wall: datetime, open_: str, high: str, low: str, close: str, volume: str
) -> None:
    bar = roll_up(FINE, 1, start=START, wall=wall)
    assert bar == {"date": START, "open": open_, "high": high, "low": low, "close": close, "volume": volume}


def test_nothing_is_known_of_a_bar_that_has_not_begun() -> None:
    assert roll_up(FINE, 1, start=START, wall=at(29)) is None
    assert roll_up(FINE.clear(), 1, start=START, wall=at(31)) is None


def test_without_finer_bars_only_the_open_is_known() -> None:
    bar: Row = {"date": START, "open": "10", "low": "9", "high": "11", "close": "9.5", "volume": "1001"}
    assert opened(bar, elapsed=0.5) == {**bar, "low": "10", "high": "10", "close": "10", "volume": "500"}
    assert opened({**bar, "volume": None}, elapsed=0.5)["volume"] is None
