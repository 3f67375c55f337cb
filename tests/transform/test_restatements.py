"""Restatements: which versions say what a bar's version before did not, and of which kind the change is."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
import pytest

from openingbell.splits import Split
from openingbell.tables import EOD_RAW, RESTATEMENTS, STOCK_RAW, Table
from openingbell.transform.restatements import restatements

FOUR = Split("X", date(2024, 1, 10), 4.0)
FIVE = Split("X", date(2024, 1, 20), 5.0)


def told(
    *prices: float | None, splits: Sequence[Split] = (), day: str = "2024-01-03 10:00", table: Table = STOCK_RAW
) -> pl.DataFrame:
    """What is told of a bar that had these closes, one an answer."""
    moment = datetime.fromisoformat(day)
    rows = [
        {
            "load_id": f"{number:02}", "source_row": 7, "asset_class": "stock", "symbol": "X", "bar_interval": "15min",
            "date": moment if table is STOCK_RAW else moment.date(), "open": 10.0, "high": price, "low": 10.0,
            "close": price, "volume": 100.0 + number, "basis": "vendor", "extracted_at": datetime(2024, 2, 1 + number),
        }
        for number, price in enumerate(prices)
    ]  # fmt: skip
    frame = pl.DataFrame(rows).select(pl.col(name).cast(dtype) for name, dtype in table.schema.items())
    return restatements(frame, table, "stock", "1day", {"X": splits})


def test_a_bar_that_nobody_changed_is_not_told() -> None:
    assert told(10.0).equals(RESTATEMENTS.empty())


def test_a_change_is_told_with_what_was_and_what_is() -> None:
    """By hand: 10 to 12.5, so that high and close rose by a quarter."""
    (row,) = told(10.0, 12.5).iter_rows(named=True)
    assert row == {
        "asset_class": "stock", "symbol": "X", "bar_interval": "15min", "date": datetime(2024, 1, 3, 10),
        "extracted_at": datetime(2024, 2, 2), "kind": "correction", "ratio": 0.8, "largest_change_pct": 25.0,
        "close_before": 10.0, "close_after": 12.5, "volume_before": 100.0, "volume_after": 101.0, "load_id": "01",
        "source_row": 7,
    }  # fmt: skip


def test_each_version_is_against_the_one_before() -> None:
    found = told(10.0, 20.0, 10.0)
    assert found["ratio"].to_list() == [0.5, 2.0]
    assert found["extracted_at"].is_sorted()


@pytest.mark.parametrize(
    ("before", "after", "splits", "kind"),
    [
        (40.0, 10.0, [FOUR], "basis"),
        (10.0, 40.0, [FOUR], "basis"),  # taken back
        (40.0, 10.1, [FOUR], "basis"),  # rounded
        (200.0, 10.0, [FOUR, FIVE], "basis"),
        (50.0, 10.0, [FOUR, FIVE], "basis"),
        (40.0, 10.0, [], "correction"),
        (30.0, 10.0, [FOUR], "correction"),
        (10.0, 10.05, [Split("X", FOUR.ex_date, 1.01)], "correction"),
        (-40.0, 10.0, [FOUR], "correction"),
    ],
)
def test_a_change_by_the_factor_of_splits_after_the_bar_is_one_of_basis(
    before: float, after: float, splits: list[Split], kind: str
) -> None:
    assert told(before, after, splits=splits)["kind"].to_list() == [kind]


def test_a_split_before_the_bar_explains_nothing() -> None:
    assert told(40.0, 10.0, splits=[FOUR], day="2024-01-10 10:00")["kind"].to_list() == ["correction"]


@pytest.mark.parametrize(
    ("before", "after", "ratio", "change"),
    [(None, 10.0, None, 0.0), (10.0, None, None, 0.0), (0.0, 10.0, 0.0, 0.0), (10.0, 0.0, None, 100.0)],
)
def test_what_is_missing_or_zero_gives_no_ratio(
    before: float | None, after: float | None, ratio: float | None, change: float
) -> None:
    (row,) = told(before, after).iter_rows(named=True)
    assert (row["ratio"], row["largest_change_pct"], row["kind"]) == (ratio, change, "correction")


def test_official_days_are_at_midnight() -> None:
    (row,) = told(10.0, 11.0, table=EOD_RAW).iter_rows(named=True)
    assert (row["bar_interval"], row["date"]) == ("1day", datetime(2024, 1, 3))
