"""A table in pieces: together they are the whole table, and none is larger than it must be."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell import tables
from openingbell.errors import WarehouseError
from openingbell.warehouse.pieces import Piece, cut, require_all

FIRST = date(2019, 2, 15)


def days(counts: dict[int, int]) -> pl.DataFrame:
    """So many rows so many days after the first."""
    rows = [(FIRST + timedelta(days=day), count) for day, count in sorted(counts.items())]
    return pl.DataFrame(rows, schema={"day": pl.Date, "rows": pl.Int64}, orient="row")


def test_days_are_put_together_as_long_as_they_fit() -> None:
    assert [(p.first, p.last) for p in cut(days({0: 4, 1: 4, 9: 2, 10: 1, 400: 30, 401: 1}), 10)] == [
        (FIRST, date(2019, 2, 24)),
        (date(2019, 2, 25), date(2019, 2, 25)),
        (date(2020, 3, 21), date(2020, 3, 21)),
        (date(2020, 3, 22), date(2020, 3, 22)),
    ]


def test_a_table_without_rows_has_no_pieces() -> None:
    assert cut(days({}), 10) == []


@examples(deadline=None, max_examples=30)
@given(st.dictionaries(st.integers(0, 60), st.integers(1, 40)), st.integers(1, 100))
def test_every_day_is_in_one_piece_and_pieces_are_no_larger_than_allowed(counts: dict[int, int], most: int) -> None:
    found = cut(days(counts), most)
    in_order = sorted(counts.items())
    held = [{day: n for day, n in in_order if _is_in(FIRST + timedelta(days=day), piece)} for piece in found]
    assert sorted(day for part in held for day in part) == sorted(counts)
    assert all(sum(part.values()) <= most or len(part) == 1 for part in held)
    sizes = [sum(part.values()) for part in held]
    assert all(one + next(iter(part.values())) > most for one, part in zip(sizes, held[1:], strict=False))


def _is_in(day: date, piece: Piece) -> bool:
    assert piece.first is not None
    assert piece.last is not None
    return piece.first <= day <= piece.last


@pytest.mark.parametrize("found", [2, 4])
def test_a_table_that_was_not_read_once_and_whole_is_refused(found: int) -> None:
    require_all(tables.LOADS, 3, 3)
    with pytest.raises(WarehouseError, match=rf"all 3 rows of loads; found {found}; nothing may be left out"):
        require_all(tables.LOADS, found, 3)
