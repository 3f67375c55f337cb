"""Breadth: symbols are counted, never bars, and the counts add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.tables import DAILY_AGGREGATES, DAILY_BARS
from openingbell.transform.breadth import daily_aggregates

MONDAY, TUESDAY = date(2019, 2, 11), date(2019, 2, 12)
Fact = tuple[float | None, int | None, bool]


def stocks(*facts: Fact, day: date = MONDAY) -> pl.DataFrame:
    """One daily bar for each (return_pct, volume, is_final)."""
    defaults = {c.name: None for c in DAILY_BARS.columns if c.null}
    rows = [
        {
            **defaults,
            "asset_class": "stock",
            "symbol": f"S{number}",
            "date": day,
            "return_pct": change,
            "volume": volume,
            "close_source": "bars",
            "bars_present": 26,
            "bars_expected": 26,
            "is_final": final,
            "data_quality_score": 100.0,
            "dq_flags": "",
        }
        for number, (change, volume, final) in enumerate(facts)
    ]
    return DAILY_BARS.conform(pl.DataFrame(rows, schema=DAILY_BARS.schema))


def counted(*facts: Fact) -> dict[str, object]:
    return daily_aggregates(stocks(*facts)).row(0, named=True)


def test_a_day_by_hand() -> None:
    """Four rise, two fall, one stays, one has no close before: breadth 2/7."""
    day = counted(*[(1.0, 100, True)] * 4, (-1.0, 50, True), (-2.0, None, True), (0.0, 30, True), (None, 1000, True))
    assert day == {
        "date": MONDAY,
        "total_stocks": 7,
        "advancing_stocks": 4,
        "declining_stocks": 2,
        "unchanged_stocks": 1,
        "market_breadth": 2 / 7,
        "advance_decline_ratio": 2.0,
        "avg_volume": 1480 / 7,
        "total_volume": 1480,
        "up_volume": 400,
        "down_volume": 50,
        "is_final": True,
    }


def test_a_day_on_which_no_stock_counts_has_counts_of_zero_and_no_breadth() -> None:
    day = counted((None, None, True), (None, None, True))
    zero = ("total_stocks", "advancing_stocks", "declining_stocks", "unchanged_stocks")
    assert [day[name] for name in (*zero, "total_volume", "up_volume", "down_volume")] == [0] * 7
    assert [day[name] for name in ("market_breadth", "advance_decline_ratio", "avg_volume")] == [None] * 3


def test_no_ratio_without_decliners() -> None:
    assert counted((1.0, 1, True), (0.0, 1, True))["advance_decline_ratio"] is None
    assert counted((-1.0, 1, True), (0.0, 1, True))["advance_decline_ratio"] == 0.0


@pytest.mark.parametrize(("finals", "expected"), [([True, True], True), ([True, False], False), ([False], False)])
def test_a_day_is_final_when_every_stock_s_bar_is(finals: Sequence[bool], expected: bool) -> None:
    assert counted(*[(1.0, 1, final) for final in finals])["is_final"] is expected


def test_days_are_apart_and_in_order() -> None:
    rows = pl.concat([stocks((1.0, 10, True), day=TUESDAY), stocks((-1.0, 20, True), (1.0, 30, True), day=MONDAY)])
    made = daily_aggregates(rows)
    assert made.select("date", "total_stocks", "total_volume").rows() == [(MONDAY, 2, 50), (TUESDAY, 1, 10)]


def test_symbols_are_counted_however_many_bars_they_have() -> None:
    one = stocks((1.0, 10, True), (-1.0, 10, True))
    many = one.with_columns(bars_present=pl.Series([26, 1]))
    assert daily_aggregates(many).equals(daily_aggregates(one))


def test_nothing_gives_nothing() -> None:
    assert daily_aggregates(DAILY_BARS.empty()).equals(DAILY_AGGREGATES.empty())


FACT = st.tuples(
    st.one_of(st.none(), st.just(0.0), st.floats(-99, 900)),
    st.one_of(st.none(), st.integers(0, 10**12)),
    st.booleans(),
)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(FACT, min_size=1, max_size=20))
def test_the_counts_add_up(facts: list[Fact]) -> None:
    """advancing + declining + unchanged = total (R6); every other figure is its definition."""
    day = counted(*facts)
    ups = [volume for change, volume, _ in facts if change is not None and change > 0]
    downs = [volume for change, volume, _ in facts if change is not None and change < 0]
    total = sum(change is not None for change, _, _ in facts)
    volumes = [volume for _, volume, _ in facts if volume is not None]
    assert (day["advancing_stocks"], day["declining_stocks"], day["total_stocks"]) == (len(ups), len(downs), total)
    assert day["unchanged_stocks"] == total - len(ups) - len(downs)
    assert day["market_breadth"] == ((len(ups) - len(downs)) / total if total else None)
    assert day["advance_decline_ratio"] == (len(ups) / len(downs) if downs else None)
    assert day["total_volume"] == sum(volumes)
    assert day["avg_volume"] == (pytest.approx(sum(volumes) / len(volumes)) if volumes else None)
    assert day["up_volume"] == sum(volume for volume in ups if volume is not None)
    assert day["down_volume"] == sum(volume for volume in downs if volume is not None)
    assert day["is_final"] == all(final for _, _, final in facts)
