from __future__ import annotations

import math
import re
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell import tables
from openingbell.operations.coverage_cells import WORST_FIRST, by_group, cells, rank, totals

DAY = date(2026, 11, 23)
Row = tuple[str, str, date, int, int, str]


def rows(*given: Row, asset_class: str = "stock") -> pl.DataFrame:
    """Rows of coverage: symbol, interval, session, bars expected and present, state."""
    frame = pl.DataFrame(
        given, schema=["symbol", "bar_interval", "session", "bars_expected", "bars_present", "state"], orient="row"
    )
    nothing = {"excuse": pl.lit(None), "asked_times": pl.lit(1), "last_asked_at": pl.lit(None)}
    return tables.COVERAGE.conform(frame.with_columns(asset_class=pl.lit(asset_class), **nothing))


def test_a_cell_is_a_session_of_all_symbols_with_the_worst_of_their_states() -> None:
    frame = rows(
        ("AAPL", "15min", DAY, 26, 26, "complete"),
        ("MSFT", "15min", DAY, 26, 13, "empty"),
        ("NVDA", "15min", DAY, 26, 0, "restricted"),
        ("AAPL", "15min", DAY + timedelta(days=1), 26, 26, "complete"),
        ("AAPL", "1day", DAY, 1, 0, "pending"),
    )
    assert cells(frame).rows() == [
        ("stock", "15min", DAY, 78, 39, 0.5, "empty"),
        ("stock", "15min", DAY + timedelta(days=1), 26, 26, 1.0, "complete"),
        ("stock", "1day", DAY, 1, 0, 0.0, "pending"),
    ]


def test_a_state_that_nobody_knows_is_worse_than_all() -> None:
    frame = rows(("AAPL", "15min", DAY, 26, 0, "lost"), ("MSFT", "15min", DAY, 26, 0, "quarantined"))
    assert cells(frame)["state"].to_list() == ["lost"]
    assert list(totals(frame).states) == ["lost", "quarantined"]


def test_the_states_that_the_table_describes_are_those_that_have_a_place() -> None:
    (described,) = [column.doc for column in tables.COVERAGE.columns if column.name == "state"]
    assert sorted(re.sub(r" \([^)]*\)", "", described).split(", ")) == sorted(WORST_FIRST)


def test_totals_count_what_is_there() -> None:
    frame = rows(
        ("AAPL", "15min", DAY, 26, 26, "complete"),
        ("AAPL", "15min", DAY + timedelta(days=1), 14, 7, "empty"),
        ("MSFT", "15min", DAY, 26, 26, "complete"),
    )
    found = totals(frame)
    assert (found.symbols, found.sessions, found.bars_expected, found.bars_present) == (2, 2, 66, 59)
    assert found.states == {"empty": 1, "complete": 2}
    assert found.share == pytest.approx(59 / 66)


def test_of_nothing_nothing_lacks() -> None:
    found = totals(rows())
    assert (found.symbols, found.sessions, found.share, found.states) == (0, 0, 1.0, {})
    assert cells(rows()).is_empty()
    assert by_group(rows()) == []


def test_groups_come_in_the_order_of_the_feeds_and_daily_bars_last() -> None:
    frame = pl.concat(
        rows(("A", interval, DAY, 1, 1, "complete"), asset_class=name)
        for name, interval in (
            ("bond", "1day"), ("odd", "15min"), ("stock", "1day"), ("index", "5min"), ("stock", "15min"),
        )
    )  # fmt: skip
    assert [group for group, _ in by_group(frame)] == [
        ("stock", "15min"), ("index", "5min"), ("odd", "15min"), ("stock", "1day"), ("bond", "1day"),
    ]  # fmt: skip


COVERED = st.tuples(
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["15min", "1day"]),
    st.dates(date(2026, 1, 1), date(2026, 1, 9)),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([*WORST_FIRST, "unheard of"]),
).map(lambda row: (*row[:4], min(row[3], row[4]), row[5]))


@given(st.lists(COVERED, max_size=30, unique_by=lambda row: row[:3]))
def test_cells_lose_no_bar_and_name_a_state_that_is_there(given_rows: list[Row]) -> None:
    frame = rows(*given_rows)
    found = cells(frame)
    assert found["bars_expected"].sum() == frame["bars_expected"].sum()
    assert found["bars_present"].sum() == frame["bars_present"].sum()
    assert found.select("asset_class", "bar_interval", "session").is_unique().all()
    for cell in found.iter_rows(named=True):
        assert math.isfinite(cell["share"])
        assert 0 <= cell["share"] <= 1
        of_cell = frame.filter(pl.col("session") == cell["session"], pl.col("bar_interval") == cell["bar_interval"])
        worst = of_cell.select(rank(pl.col("state")).min()).item()
        assert pl.select(rank(pl.lit(cell["state"]))).item() == worst
        assert cell["state"] in of_cell["state"].to_list()
