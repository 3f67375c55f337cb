"""Breadth: symbols are counted, never bars, and the counts add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
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


def levels(*rows: tuple[str, date, float | None, float | None, float | None, float | None]) -> pl.DataFrame:
    """Daily indicators: symbol, date, sma_50, sma_200, high_252, low_252."""
    numbers = dict.fromkeys(("sma_50", "sma_200", "high_252", "low_252"), pl.Float64())
    return pl.DataFrame(rows, schema={"symbol": pl.String(), "date": pl.Date(), **numbers}, orient="row")


NONE = DAILY_AGGREGATES.empty()


def made(rows: pl.DataFrame, indicators: pl.DataFrame | None = None, before: pl.DataFrame = NONE) -> pl.DataFrame:
    return daily_aggregates(rows, levels() if indicators is None else indicators, before)


def counted(*facts: Fact) -> dict[str, object]:
    return made(stocks(*facts)).row(0, named=True)


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
        "new_highs": None,
        "new_lows": None,
        "pct_above_sma_50": None,
        "pct_above_sma_200": None,
        "mcclellan_oscillator": None,
        "trin": (4 / 2) / (400 / 50),
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
    found = made(rows)
    assert found.select("date", "total_stocks", "total_volume").rows() == [(MONDAY, 2, 50), (TUESDAY, 1, 10)]


def test_symbols_are_counted_however_many_bars_they_have() -> None:
    one = stocks((1.0, 10, True), (-1.0, 10, True))
    many = one.with_columns(bars_present=pl.Series([26, 1]))
    assert made(many).equals(made(one))


def test_nothing_gives_nothing() -> None:
    assert made(DAILY_BARS.empty()).equals(NONE)


def test_trin_is_the_ratio_of_ratios() -> None:
    """Arms: 3 up on 900, 1 down on 100 is (3/1) / (900/100) = 1/3; without a faller or a volume there is none."""
    assert counted(*[(1.0, 300, True)] * 3, (-1.0, 100, True))["trin"] == pytest.approx(1 / 3)
    assert counted((1.0, 300, True))["trin"] is None
    assert counted((1.0, 0, True), (-1.0, 100, True))["trin"] is None
    assert counted((1.0, 300, True), (-1.0, None, True))["trin"] is None
    assert counted((0.0, 300, True), (-1.0, 100, True))["trin"] is None


def test_shares_above_averages_and_new_extremes_are_of_the_stocks_that_have_them() -> None:
    """Four stocks close at 10 between 9 and 11; what a stock lacks it does not count for."""
    rows = stocks(*[(1.0, 1, True)] * 4).with_columns(close=10.0, high=11.0, low=9.0)
    found = made(
        rows,
        levels(
            ("S0", MONDAY, 9.0, 12.0, 11.0, 5.0),
            ("S1", MONDAY, 10.0, None, 12.0, 9.0),
            ("S2", MONDAY, 9.5, None, None, None),
            ("S3", TUESDAY, 1.0, 1.0, 11.0, 9.0),
        ),
    ).row(0, named=True)
    assert found["pct_above_sma_50"] == pytest.approx(200 / 3)  # an average that equals the close is not below it
    assert found["pct_above_sma_200"] == 0.0
    assert (found["new_highs"], found["new_lows"]) == (1, 1)


def test_a_bar_with_an_error_is_neither_a_new_high_nor_above_anything() -> None:
    rows = stocks((1.0, 1, True)).with_columns(close=10.0, high=11.0, low=9.0, dq_flags=pl.lit("V4"))
    assert made(rows, levels(("S0", MONDAY, 9.0, 9.0, 11.0, 9.0))).is_empty()


def days_of(nets: Sequence[tuple[int, int]], first: date = MONDAY) -> pl.DataFrame:
    """Days on which so many stocks rose and fell."""
    return pl.concat(
        stocks(*[(1.0, 1, True)] * up, *[(-1.0, 1, True)] * down, (0.0, 1, True), day=first + timedelta(days=number))
        for number, (up, down) in enumerate(nets)
    )


def test_the_mcclellan_oscillator_by_hand() -> None:
    """Its means begin with the plain means of their first 19 and 39 days, then take a tenth and a twentieth a day.

    30 days at +1000/2 (three up, one down), then ten at -500: the first 19 have the mean 500; so the fast mean is 500
    through day 30 and 500·0.9ⁿ - 500·(1 - 0.9ⁿ) n days on; the slow one is (30·500 - 9·500) / 39 on day 39, and moves
    by a twentieth to day 40.
    """
    found = made(days_of([(3, 1)] * 30 + [(1, 3)] * 10))["mcclellan_oscillator"].to_list()
    assert found[:38] == [None] * 38
    slow = (30 * 500 - 9 * 500) / 39
    assert found[38] == pytest.approx(500 * (2 * 0.9**9 - 1) - slow, rel=1e-12)
    assert found[39] == pytest.approx(500 * (2 * 0.9**10 - 1) - (slow + (-500 - slow) / 20), rel=1e-12)


def test_days_on_which_nothing_moved_are_no_days_of_the_oscillator() -> None:
    moved = [(3, 1), (1, 2), (2, 1)] * 15
    still = moved[:20] + [(0, 0)] * 3 + moved[20:]
    found, wanted = (made(days_of(each))["mcclellan_oscillator"].to_list() for each in (still, moved))
    assert found[20:23] == [None] * 3
    assert found[:20] + found[23:] == wanted
    assert set(made(days_of([(0, 0)] * 50))["mcclellan_oscillator"]) == {None}


@pytest.mark.parametrize("known", [1, 19, 38, 39, 45])
def test_the_oscillator_goes_on_from_the_days_before(known: int) -> None:
    """Given in two parts, the days are what they are in one."""
    rows = days_of([(3, 1), (1, 2), (2, 1), (0, 4)] * 12)
    whole = made(rows)
    parted = pl.col("date") < whole["date"][known]
    later = made(rows.filter(~parted), before=whole)
    assert later.equals(whole.filter(~parted))


FACT = st.tuples(
    st.one_of(st.none(), st.just(0.0), st.floats(-99, 900)),
    st.one_of(st.none(), st.integers(0, 10**12)),
    st.booleans(),
)


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
