"""The market on one line a day: changes, sentiment, the newest curve, and nulls where something is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from openingbell.tables import BOND, DAILY_AGGREGATES, DAILY_BARS, MARKET_SUMMARY, Table
from openingbell.transform.summary import market_summary

FRIDAY, TUESDAY, WEDNESDAY = date(2019, 2, 15), date(2019, 2, 19), date(2019, 2, 20)
"""Two sessions with Presidents' Day between them, and the next."""
PLAIN: dict[pl.DataType, object] = {
    pl.String(): "", pl.Int64(): 0, pl.Float64(): 100.0, pl.Boolean(): True, pl.Date(): FRIDAY,
}  # fmt: skip


def frame(table: Table, rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """Rows of `table`: what a row leaves out is null where it may be."""
    plain = {column.name: None if column.null else PLAIN[column.dtype] for column in table.columns}
    return table.conform(pl.DataFrame([{**plain, **row} for row in rows], schema=table.schema))


def index(symbol: str, day: date, close: float | None, **more: object) -> dict[str, object]:
    return {"asset_class": "index", "symbol": symbol, "date": day, "close": close, **more}


def curve(day: date, ten: float | None = 2.66, slope: float | None = 0.14, **more: object) -> dict[str, object]:
    return {"date": day, "year10": ten, "yield_curve_slope": slope, "load_id": "a", "source_row": 1, **more}


def breadth(day: date, value: float | None = 0.5, *, final: bool = True) -> dict[str, object]:
    return {"date": day, "market_breadth": value, "is_final": final}


def summary(
    indexes: Sequence[dict[str, object]] = (),
    breadths: Sequence[dict[str, object]] = (),
    curves: Sequence[dict[str, object]] = (),
) -> list[dict[str, object]]:
    bars = frame(DAILY_BARS, indexes)
    calendars = dict.fromkeys(bars["symbol"].unique(), "XNYS")
    made = market_summary(bars, frame(DAILY_AGGREGATES, breadths), frame(BOND, curves), calendars)
    return list(made.iter_rows(named=True))


def test_a_line_by_hand() -> None:
    line = summary(
        [
            index("^GSPC", FRIDAY, 2000.0),
            index("^GSPC", TUESDAY, 2010.0),
            index("^DJI", TUESDAY, 25_000.0),
            index("^VIX", TUESDAY, 14.88),
        ],
        [breadth(TUESDAY, 0.25)],
        [curve(FRIDAY)],
    )[-1]
    assert line == {
        "date": TUESDAY,
        "sp500_close": 2010.0,
        "sp500_change": 10.0,
        "sp500_change_pct": 0.5,
        "dow_close": 25_000.0,
        "dow_change": None,
        "dow_change_pct": None,
        "nasdaq_close": None,
        "nasdaq_change": None,
        "nasdaq_change_pct": None,
        "market_sentiment": "bullish",
        "volatility_index": 14.88,
        "yield_10y": 2.66,
        "yield_curve_slope": 0.14,
        "yield_date": FRIDAY,
        "market_breadth": 0.25,
        "is_final": True,
    }


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (1.0, "bullish"),
        (6 / 30, "bullish"),
        (0.2, "bullish"),
        (0.1999, "neutral"),
        (0.0, "neutral"),
        (-0.1999, "neutral"),
        (-0.2, "bearish"),
        (-5 / 25, "bearish"),
        (-1.0, "bearish"),
        (None, None),
    ],
)
def test_sentiment_has_its_borders_at_a_fifth(value: float | None, word: str | None) -> None:
    line = summary(breadths=[breadth(FRIDAY, value)])[0]
    assert (line["market_sentiment"], line["market_breadth"]) == (word, value)


def test_a_change_is_against_the_session_before_and_bridges_no_hole() -> None:
    """Tuesday follows Friday; without Tuesday, Wednesday follows nothing."""
    lines = summary([index("^GSPC", FRIDAY, 100.0), index("^GSPC", WEDNESDAY, 110.0)])
    assert [line["sp500_change"] for line in lines] == [None, None]
    lines = summary([index("^IXIC", day, close) for day, close in ((FRIDAY, 100.0), (TUESDAY, 90.0))])
    assert (lines[1]["nasdaq_change"], lines[1]["nasdaq_change_pct"]) == (-10.0, -10.0)


def test_a_broken_day_gives_no_change() -> None:
    lines = summary([index("^GSPC", FRIDAY, 100.0, dq_flags="V4"), index("^GSPC", TUESDAY, 110.0)])
    assert [(line["date"], line["sp500_close"], line["sp500_change"]) for line in lines] == [(TUESDAY, 110.0, None)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], None),
        ([WEDNESDAY], None),
        ([date(2019, 1, 2)], date(2019, 1, 2)),
        ([date(2019, 2, 14), FRIDAY], FRIDAY),
        ([FRIDAY, date(2019, 2, 18), WEDNESDAY], date(2019, 2, 18)),
        ([TUESDAY, FRIDAY], TUESDAY),
    ],
)
def test_the_curve_is_the_newest_of_the_day_or_before(days: list[date], expected: date | None) -> None:
    """Bonds trade on days on which stocks do not, and the other way round."""
    line = summary([index("^GSPC", TUESDAY, 1.0)], curves=[curve(day, ten=float(day.day)) for day in days])[0]
    assert line["yield_date"] == expected
    assert line["yield_10y"] == (None if expected is None else float(expected.day))


def test_a_day_without_a_single_tenor_is_no_curve() -> None:
    """The line keeps the curve before it and says of which day it is."""
    nothing = curve(TUESDAY, None, None, dq_flags="V2")
    line = summary([index("^GSPC", TUESDAY, 1.0)], curves=[curve(FRIDAY), nothing])[0]
    assert (line["yield_date"], line["yield_10y"], line["yield_curve_slope"]) == (FRIDAY, 2.66, 0.14)


def test_a_curve_may_lack_the_tenor_of_its_slope() -> None:
    line = summary([index("^GSPC", TUESDAY, 1.0)], curves=[curve(FRIDAY, slope=None)])[0]
    assert (line["yield_date"], line["yield_10y"], line["yield_curve_slope"]) == (FRIDAY, 2.66, None)


@pytest.mark.parametrize(
    ("index_final", "stocks_final", "expected"),
    [(True, True, True), (False, True, False), (True, False, False), (None, True, True), (True, None, True)],
)
def test_a_line_is_final_when_all_that_it_rests_on_is(
    index_final: bool | None, stocks_final: bool | None, expected: bool
) -> None:
    indexes = [] if index_final is None else [index("^GSPC", FRIDAY, 1.0, is_final=index_final)]
    stocks = [] if stocks_final is None else [breadth(FRIDAY, final=stocks_final)]
    assert [line["is_final"] for line in summary(indexes, stocks)] == [expected]


def test_every_day_with_a_stock_or_an_index_that_is_shown_has_one_line() -> None:
    lines = summary(
        [
            index("^GSPC", TUESDAY, 1.0),
            index("^VIX", TUESDAY, 1.0),
            index("^VIX", WEDNESDAY, 1.0),
            index("^RUT", date(2019, 2, 21), 1.0),
        ],
        [breadth(FRIDAY), breadth(TUESDAY)],
    )
    assert [line["date"] for line in lines] == [FRIDAY, TUESDAY, WEDNESDAY]
    assert [line["market_breadth"] for line in lines] == [0.5, 0.5, None]


def test_nothing_gives_nothing() -> None:
    made = market_summary(DAILY_BARS.empty(), DAILY_AGGREGATES.empty(), BOND.empty(), {})
    assert made.equals(MARKET_SUMMARY.empty())
