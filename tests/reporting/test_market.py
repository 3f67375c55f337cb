"""Changes, breadth, movers and yields of hand-made rows against hand-made answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from openingbell.feeds import TENORS
from openingbell.reporting.figures import Figures
from openingbell.reporting.market import Performance, movers


def about(value: float) -> Any:
    """Equal to `value` but for the last digits."""
    return pytest.approx(value)


def by_symbol(rows: tuple[Performance, ...]) -> dict[str, Performance]:
    return {row.symbol: row for row in rows}


def test_a_week_is_measured_against_the_last_session_before_it(week: Figures) -> None:
    found = by_symbol(week.indexes)["^GSPC"]
    assert (found.before_day, found.before, found.before_is_final) == (date(2019, 2, 8), 2500.0, True)
    assert (found.first_close, found.close_day, found.close) == (2510.0, date(2019, 2, 15), 2550.0)
    assert (found.change, found.change_pct) == (50.0, about(2.0))
    assert (found.low, found.high) == (2490.0, 2551.0)
    assert found.is_final is False


def test_a_day_is_measured_against_the_session_before(friday: Figures) -> None:
    found = by_symbol(friday.indexes)["^GSPC"]
    assert (found.before_day, found.before) == (date(2019, 2, 14), 2525.0)
    assert (found.change, found.change_pct) == (25.0, about(0.990099))


def test_the_volatility_index_stands_apart(week: Figures) -> None:
    assert [row.symbol for row in week.indexes] == ["^GSPC", "^RUT"]
    assert week.volatility is not None
    assert (week.volatility.close, week.volatility.change) == (14.91, about(-0.81))


def test_a_hole_is_shown_and_not_bridged(week: Figures, friday: Figures) -> None:
    gone = by_symbol(week.indexes)["^RUT"]
    assert (gone.before, gone.close, gone.change, gone.is_final) == (1500.0, None, None, None)
    assert friday.volatility is not None  # without a bar on the 14th, when the S&P 500 has one
    assert (friday.volatility.close, friday.volatility.before, friday.volatility.change) == (14.91, None, None)


def test_a_percentage_of_a_negative_price_is_not_known(week: Figures) -> None:
    oil = by_symbol(week.commodities)["CLUSD"]
    assert (oil.before, oil.close, oil.change, oil.change_pct) == (-2.0, 1.0, 3.0, None)


def test_a_missing_volume_is_not_0(week: Figures) -> None:
    found = by_symbol(week.commodities)
    assert (found["CLUSD"].volume, found["GCUSD"].volume) == (10, None)
    assert (found["GCUSD"].before, found["GCUSD"].change_pct) == (None, None)


def test_movers_use_no_broken_bar_and_compare_the_same_days(week: Figures) -> None:
    (best,), (worst,) = week.movers.top, week.movers.bottom
    assert (best.symbol, best.change_pct, best.volume) == ("AAA", about(10.0), 1_234_567)
    assert (worst.symbol, worst.change_pct, worst.volume) == ("BBB", about(-4.0), 1_000)
    assert best.first_close == 110.0  # the bar of the 14th failed V4
    assert best.low == 110.0
    assert (week.movers.ranked, week.movers.unranked) == (2, 2)  # CCC has none before, DDD none on Friday


def test_a_broken_bar_is_no_close_to_compare_with(friday: Figures) -> None:
    assert [row.symbol for row in friday.movers.top] == ["BBB"]
    assert friday.movers.top[0].change_pct == about(20.0)
    assert (friday.movers.bottom, friday.movers.unranked) == ((), 3)


def moved(symbol: str, pct: float | None, day: int = 15) -> Performance:
    friday = date(2019, 2, day)
    return Performance(
        symbol, friday - timedelta(days=1), 1.0, True, 1.0, friday, 1.0, 1.0, 1.0, None, pct, pct, True
    )  # fmt: skip


def test_five_of_each_and_nobody_twice() -> None:
    found = movers([moved(f"S{n:02}", float(n)) for n in range(12)])
    assert [row.symbol for row in found.top] == ["S11", "S10", "S09", "S08", "S07"]
    assert [row.symbol for row in found.bottom] == ["S00", "S01", "S02", "S03", "S04"]
    few = movers([moved("A", 1.0), moved("B", 2.0), moved("C", 3.0)])
    assert [row.symbol for row in (*few.top, *few.bottom)] == ["C", "B", "A"]


def test_equal_changes_are_ordered_by_symbol() -> None:
    assert [row.symbol for row in movers([moved("B", 1.0), moved("A", 1.0), moved("C", 1.0)]).top] == ["A", "B"]


def test_no_stock_is_nobody() -> None:
    found = movers([moved("A", None)])
    assert (found.top, found.bottom, found.ranked, found.unranked) == ((), (), 0, 1)
    assert movers([]).unranked == 0


def test_breadth_by_day_oldest_first(week: Figures, friday: Figures) -> None:
    assert [day.day for day in week.breadth] == [date(2019, 2, 14), date(2019, 2, 15)]
    first, last = week.breadth
    assert (first.total, first.advancing, first.declining, first.unchanged) == (3, 2, 1, 0)
    assert (first.breadth, first.ratio) == (about(1 / 3), 2.0)
    assert (first.up_volume, first.down_volume, first.total_volume, first.is_final) == (5, 1_000, 1_005, True)
    assert (last.ratio, last.is_final) == (None, False)
    assert friday.breadth == (last,)


def test_the_curve_beside_the_one_before_the_period(week: Figures) -> None:
    curve = week.curve
    assert curve is not None
    assert (curve.day, curve.before_day) == (date(2019, 2, 14), date(2019, 2, 8))  # the 15th failed V2
    assert [tenor.name for tenor in curve.tenors] == list(TENORS)
    tenors = {tenor.name: tenor for tenor in curve.tenors}
    assert (tenors["year10"].value, tenors["year10"].before) == (2.66, 2.63)
    assert tenors["year10"].change_bp == about(3.0)
    assert (tenors["month3"].value, tenors["month3"].change_bp) == (0.0, about(-243.0))
    assert (tenors["year20"].value, tenors["year20"].before, tenors["year20"].change_bp) == (2.9, None, None)
    assert (tenors["year30"].value, tenors["year30"].change_bp) == (None, None)
    steep, spread = curve.slopes
    assert (steep.name, steep.value, steep.change_bp) == ("yield_curve_slope", 0.16, about(-2.0))
    assert (spread.name, spread.value, spread.change_bp) == ("term_spread", 2.66, about(246.0))


def test_a_period_without_a_curve_shows_the_newest_alone(friday: Figures) -> None:
    assert friday.curve is not None
    assert (friday.curve.day, friday.curve.before_day) == (date(2019, 2, 14), None)
    assert all(tenor.before is None and tenor.change_bp is None for tenor in friday.curve.tenors)
