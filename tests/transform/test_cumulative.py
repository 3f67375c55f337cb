"""What adds up from the first bar on: a part that is made anew carries on from what is stored."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from openingbell.tables import BOND, TECHNICAL_INDICATORS, Table
from openingbell.transform.cumulative import carried_on
from openingbell.transform.reach import Changed
from openingbell.warehouse.protocol import Reader

FIRST = date(2024, 1, 1)
SUMS = {"symbol": pl.String(), "date": pl.Datetime("us"), "obv": pl.Float64()}


def series(values: Sequence[float | None], start: int = 0) -> pl.DataFrame:
    """One bar of X a day from day `start` on."""
    days = [FIRST + timedelta(days=start + number) for number in range(len(values))]
    moments = [datetime(day.year, day.month, day.day, 10) for day in days]
    rows = [("X", moment, value) for moment, value in zip(moments, values, strict=True)]
    return pl.DataFrame(rows, schema=SUMS, orient="row")


class Stored:
    """A reader of one table of sums."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows

    def read(
        self,
        table: Table,
        *,
        columns: Sequence[str] | None = None,
        symbols: Sequence[str] = (),
        first: date | None = None,
        last: date | None = None,
    ) -> pl.DataFrame:
        """See `protocol.Reader`."""
        day = pl.col("date").dt.date()
        lower = (first.date() if isinstance(first, datetime) else first) or date.min
        upper = (last.date() if isinstance(last, datetime) else last) or date.max
        return self._rows.filter(day.is_between(lower, upper)).select(columns or self._rows.columns)

    def spans(self, table: Table, *, symbols: Sequence[str] = ()) -> pl.DataFrame:
        """See `protocol.Reader`."""
        return self._rows.group_by("symbol").agg(first=pl.col("date").min(), last=pl.col("date").max())


def carry(
    stored: pl.DataFrame, computed: pl.DataFrame, change: tuple[int, int]
) -> tuple[list[float | None], list[Changed]]:
    """The sums of the part, and what goes on beyond it."""
    reader: Reader = Stored(stored)  # type: ignore[assignment]  # the two questions that `carried_on` asks
    first, last = (FIRST + timedelta(days=day) for day in change)
    rows = computed.with_columns(session=pl.col("date").dt.date())
    found, onward = carried_on(reader, TECHNICAL_INDICATORS, rows, Changed(("X",), first, last))
    return found["obv"].to_list(), onward


WHOLE = series([0.0, 10.0, 30.0, 20.0, 25.0, 45.0])


def test_a_part_begins_with_the_stored_value_of_the_bar_before_the_change() -> None:
    """By itself it begins at 0; the stored sums before the change lift it by 10."""
    assert carry(WHOLE, series([0.0, 20.0, 10.0, 15.0, 35.0], 1), (3, 3)) == ([10.0, 30.0, 20.0, 25.0, 45.0], [])


def test_a_changed_sum_goes_on_to_the_end() -> None:
    """The last bar of the part is no longer what is stored, and there are bars behind it."""
    values, onward = carry(WHOLE, series([0.0, 25.0, 30.0], 2), (3, 3))
    assert values == [30.0, 55.0, 60.0]
    assert onward == [Changed(("X",), FIRST + timedelta(days=3), FIRST + timedelta(days=5))]


def test_a_changed_sum_at_the_end_goes_nowhere() -> None:
    assert carry(WHOLE, series([0.0, 25.0, 30.0, 31.0], 2), (3, 3))[1] == []


def test_a_part_without_a_value_before_the_change_is_made_from_the_first_bar_on() -> None:
    stored = series([0.0, 10.0, None, 20.0])
    values, onward = carry(stored, series([None, 7.0], 2), (3, 3))
    assert values == [None, 7.0]
    assert onward == [Changed(("X",), FIRST, FIRST + timedelta(days=3))]


def test_the_first_bar_of_all_needs_no_other() -> None:
    assert carry(series([]), series([0.0, 5.0]), (0, 1)) == ([0.0, 5.0], [])
    assert carry(WHOLE, series([0.0, 10.0, 30.0, 20.0, 25.0, 45.0]), (0, 0)) == (WHOLE["obv"].to_list(), [])


@pytest.mark.parametrize(("beyond", "goes_on"), [(99.0, True), (None, False)])
def test_behind_bars_without_a_value_the_next_one_may_come_later(beyond: float | None, goes_on: bool) -> None:
    values, onward = carry(series([0.0, 10.0, None, None, beyond]), series([0.0, 11.0, None, None]), (1, 1))
    assert values == [0.0, 11.0, None, None]
    assert bool(onward) is goes_on


def test_a_table_without_sums_and_a_part_without_rows_have_nothing_to_carry_on() -> None:
    assert carry(WHOLE, series([]), (3, 3)) == ([], [])
    rows = series([1.0])
    change = Changed(("X",), FIRST, FIRST)
    reader: Reader = Stored(WHOLE)  # type: ignore[assignment]
    assert carried_on(reader, BOND, rows, change) == (rows, [])
