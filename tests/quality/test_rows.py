"""The checks of one bar: each fires on its fault, on nothing else, and no row is lost."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell.quality.checks import BY_ID, Severity
from openingbell.quality.rows import check_rows

SESSION = date(2019, 2, 11)
OPENS, CLOSES = datetime(2019, 2, 11, 14, 30), datetime(2019, 2, 11, 21, 0)
RECEIVED = datetime(2019, 2, 12, 3, 0)
NEW_YORK_LAG = timedelta(hours=5)

Bar = dict[str, object]


def bar(*, start: datetime | None = OPENS, minutes: int = 15, **changes: object) -> Bar:
    """A sound bar but for `changes`."""
    facts: Bar = {
        "symbol": "AAPL",
        "date": None if start is None else start - NEW_YORK_LAG,
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 1000.0,
        "extracted_at": RECEIVED,
        "session": SESSION,
        "date_utc": start,
        "end_utc": None if start is None else start + timedelta(minutes=minutes),
        "open_utc": OPENS,
        "close_utc": CLOSES,
        "conflicting": False,
        "split_factor": 1.0,
        "load_id": "20190212T030000-1",
    }
    return {**facts, **changes}


SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "date": pl.Datetime("us"),
        **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64()),
        "extracted_at": pl.Datetime("us"),
        "session": pl.Date(),
        **dict.fromkeys(("date_utc", "end_utc", "open_utc", "close_utc"), pl.Datetime("us")),
        "conflicting": pl.Boolean(),
        "split_factor": pl.Float64(),
        "load_id": pl.String(),
    }
)


def frame(*bars: Bar) -> pl.DataFrame:
    return pl.DataFrame([list(each.values()) for each in bars], schema=SCHEMA, orient="row")


def checked(
    *bars: Bar, prices_positive: bool = True, volume_expected: bool = True, minutes: int | None = 15
) -> pl.DataFrame:
    return check_rows(frame(*bars), prices_positive=prices_positive, volume_expected=volume_expected, minutes=minutes)


def flags(each: Bar, *, prices_positive: bool = True, volume_expected: bool = True, minutes: int | None = 15) -> str:
    rows = checked(each, prices_positive=prices_positive, volume_expected=volume_expected, minutes=minutes)
    return ",".join(rows["flags"].item())


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param(bar(), "", id="sound"),
        pytest.param(bar(close=None), "V2", id="no-close"),
        pytest.param(bar(open=math.nan), "V2", id="nan"),
        pytest.param(bar(high=math.inf), "V2", id="infinite"),
        pytest.param(bar(low=-math.inf), "V2", id="minus-infinite-is-missing-not-negative"),
        pytest.param(bar(low=0.0), "V3", id="zero"),
        pytest.param(bar(open=None, low=-1.0), "V2,V3", id="negative-and-missing"),
        pytest.param(bar(open=12.1), "V4", id="open-above-high"),
        pytest.param(bar(close=12.1), "V4", id="close-above-high"),
        pytest.param(bar(low=12.1, open=12.1, close=12.1), "V4,V5", id="low-above-high"),
        pytest.param(bar(high=12.0, close=12.0 * (1 + 0.9e-6)), "", id="high-within-tolerance"),
        pytest.param(bar(high=12.0, close=12.0 * (1 + 1.1e-6)), "V4", id="high-beyond-tolerance"),
        pytest.param(bar(open=8.9), "V5", id="open-below-low"),
        pytest.param(bar(close=8.9), "V5", id="close-below-low"),
        pytest.param(bar(low=9.0, close=9.0 * (1 - 0.9e-6)), "", id="low-within-tolerance"),
        pytest.param(bar(low=9.0, close=9.0 * (1 - 1.1e-6)), "V5", id="low-beyond-tolerance"),
        pytest.param(bar(low=12.1), "V4,V5", id="low-above-high-alone"),
        pytest.param(bar(high=None), "V2", id="missing-high-breaks-no-bound"),
        pytest.param(bar(open=None, high=10.5), "V2", id="missing-open-breaks-no-high-bound"),
        pytest.param(bar(open=None, low=11.5), "V2", id="missing-open-breaks-no-low-bound"),
        pytest.param(bar(volume=0.0), "", id="volume-zero"),
        pytest.param(bar(volume=-2.0), "V6,P15", id="volume-negative"),
        pytest.param(bar(volume=1e12), "V6,P15", id="volume-huge"),
        pytest.param(bar(volume=9.99e11), "", id="volume-large"),
        pytest.param(bar(volume=-math.inf), "V6,P15", id="volume-minus-infinite"),
        pytest.param(bar(volume=-1.0), "V6S,P15", id="volume-minus-one"),
        pytest.param(bar(volume=1e100), "V6S,P15", id="volume-1e100"),
        pytest.param(bar(volume=math.nan), "V6S,P15", id="volume-nan"),
        pytest.param(bar(volume=math.inf), "V6S,P15", id="volume-infinite"),
        pytest.param(bar(volume=None), "P15", id="volume-missing"),
        pytest.param(bar(start=OPENS + timedelta(minutes=5)), "V10", id="off-grid"),
        pytest.param(bar(start=OPENS + timedelta(seconds=1)), "V10", id="off-grid-by-a-second"),
        pytest.param(bar(start=OPENS + timedelta(minutes=45)), "", id="on-grid"),
        pytest.param(bar(start=OPENS - timedelta(minutes=15)), "V12", id="before-the-open"),
        pytest.param(bar(start=OPENS - timedelta(minutes=20)), "V10,V12", id="before-the-open-off-grid"),
        pytest.param(bar(start=CLOSES), "V12", id="at-the-close"),
        pytest.param(bar(start=CLOSES - timedelta(minutes=15)), "", id="last-of-the-session"),
        pytest.param(bar(start=datetime(2019, 2, 11, 18), close_utc=datetime(2019, 2, 11, 18)), "V12", id="half-day"),
        pytest.param(bar(open_utc=None, close_utc=None), "V12H", id="holiday"),
        pytest.param(bar(open_utc=None, close_utc=None, start=datetime(2019, 2, 11, 15, 7)), "V12H", id="holiday-grid"),
        pytest.param(bar(start=None), "V12", id="a-wall-clock-time-that-never-was"),
        pytest.param(bar(extracted_at=OPENS + timedelta(minutes=14)), "", id="received-60-s-early"),
        pytest.param(bar(extracted_at=OPENS + timedelta(minutes=13, seconds=59)), "V11", id="still-forming"),
        pytest.param(bar(conflicting=True), "K2", id="conflicting"),
        pytest.param(bar(split_factor=None), "B1", id="basis-unknown"),
        pytest.param(bar(split_factor=0.1), "", id="basis-known"),
        pytest.param(bar(split_factor=None, conflicting=True, volume=None), "K2,B1,P15", id="basis-unknown-and-more"),
        pytest.param(bar(conflicting=True, volume=-1.0, high=10.5, start=CLOSES), "V4,V6S,V12,K2,P15", id="many"),
    ],
)
def test_what_fires(each: Bar, expected: str) -> None:
    assert flags(each) == expected


def test_prices_below_zero_are_prices_where_the_feed_says_so() -> None:
    """Oil settled at −37.63: the tolerance goes with the size of the close, not with its sign."""
    oil = bar(open=-30.0, high=-20.0, low=-40.0, close=-37.63)
    assert flags(oil, prices_positive=False) == ""
    assert flags(oil) == "V3"
    assert flags(bar(open=-30.0, high=-20.0, low=-30.0, close=-37.63), prices_positive=False) == "V5"


def test_a_feed_without_volumes_is_not_blamed_for_it() -> None:
    assert flags(bar(volume=None), volume_expected=False) == ""
    assert flags(bar(volume=-1.0), volume_expected=False) == "V6S"


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (bar(start=datetime(2019, 2, 11, 5)), ""),
        (bar(start=datetime(2019, 2, 11, 5), open_utc=None, close_utc=None), "V12H"),
        (bar(start=datetime(2019, 2, 11, 5), end_utc=CLOSES, extracted_at=OPENS), "V11"),
        (bar(start=datetime(2019, 2, 11, 5), split_factor=None), "B1"),
    ],
)
def test_a_daily_bar_starts_at_midnight_and_only_needs_a_session(each: Bar, expected: str) -> None:
    assert flags(each, minutes=None) == expected


def test_daily_bars_may_be_named_by_a_date() -> None:
    daily = frame(bar()).with_columns(pl.col("date").dt.date())
    marked = check_rows(daily, prices_positive=True, volume_expected=True, minutes=None)
    assert marked["date"].dtype == pl.Date
    assert marked["flags"].to_list() == [[]]


def test_what_is_no_number_is_cleaned_and_nothing_else_is_touched() -> None:
    rows = checked(
        bar(open=math.nan, high=math.inf, volume=-1.0),
        bar(volume=-7.0),
        bar(volume=1e100),
        bar(low=-5.0, volume=3.5),
    )
    assert rows["open"].to_list() == [None, 10.0, 10.0, 10.0]
    assert rows["high"].to_list() == [None, 12.0, 12.0, 12.0]
    assert rows["low"].to_list() == [9.0, 9.0, 9.0, -5.0]
    assert rows["volume"].to_list() == [None, None, None, 3.5]
    assert_frame_equal(
        rows.drop("open", "high", "low", "close", "volume", "flags", "is_error"),
        frame(bar(), bar(), bar(), bar()).drop("open", "high", "low", "close", "volume"),
    )


def test_an_empty_frame_has_the_same_columns() -> None:
    rows = check_rows(frame(), prices_positive=True, volume_expected=True, minutes=15)
    assert dict(rows.schema) == {**SCHEMA, "flags": pl.List(pl.String), "is_error": pl.Boolean}


PRICE = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(1, 100))


@given(st.lists(st.tuples(PRICE, PRICE, PRICE, PRICE, PRICE, st.booleans(), st.integers(-99, 999)), max_size=20))
def test_no_row_is_lost_moved_or_left_with_something_that_is_no_number(rows: list[tuple[object, ...]]) -> None:
    bars = [
        bar(
            start=OPENS + timedelta(minutes=int(str(minute))),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            conflicting=conflicting,
            load_id=str(place),
        )
        for place, (opened, high, low, close, volume, conflicting, minute) in enumerate(rows)
    ]
    marked = check_rows(frame(*bars), prices_positive=True, volume_expected=True, minutes=15)
    assert marked["load_id"].to_list() == [str(place) for place in range(len(rows))]
    for row in marked.iter_rows(named=True):
        assert row["is_error"] == any(BY_ID[name].severity is Severity.ERROR for name in row["flags"])
        assert row["flags"] == [name for name in BY_ID if name in row["flags"]]
        assert all(row[name] is None or math.isfinite(row[name]) for name in ("open", "high", "low", "close", "volume"))


def daily(path: Path, columns: dict[str, str], session: pl.Expr) -> pl.DataFrame:
    """A vendor's daily file as the checks want it, every day having a session."""
    raw = pl.read_csv(path, infer_schema=False)
    return raw.select(
        symbol=pl.lit("X"),
        date=session,
        **{name: pl.col(column).cast(pl.Float64, strict=False) for name, column in columns.items()},
        volume=pl.lit(None, pl.Float64),
        extracted_at=pl.lit(datetime(2030, 1, 1)),
        session=session,
        date_utc=session.cast(pl.Datetime("us")),
        end_utc=session.cast(pl.Datetime("us")) + timedelta(hours=21),
        open_utc=session.cast(pl.Datetime("us")) + timedelta(hours=14),
        close_utc=session.cast(pl.Datetime("us")) + timedelta(hours=21),
        conflicting=pl.lit(value=False),
        split_factor=pl.lit(1.0),
    )


def test_the_known_faults_of_a_public_history_are_found_and_no_others(shared_data: Path) -> None:
    """36 years of VIX hold 47 days whose open or close lies outside the day's range."""
    columns = {"open": "OPEN", "high": "HIGH", "low": "LOW", "close": "CLOSE"}
    bars = daily(shared_data / "dirty" / "vix-daily.csv", columns, pl.col("DATE").str.to_date())
    marked = check_rows(bars, prices_positive=True, volume_expected=False, minutes=None)
    assert marked["is_error"].sum() == 47
    assert set(marked.explode("flags")["flags"].drop_nulls()) == {"V4", "V5"}


def test_the_day_on_which_oil_cost_less_than_nothing_is_sound(shared_data: Path) -> None:
    columns = dict.fromkeys(("open", "high", "low", "close"), "Price")
    bars = daily(shared_data / "dirty" / "wti-daily.csv", columns, pl.col("Date").str.to_date())
    asked = check_rows(bars, prices_positive=False, volume_expected=False, minutes=None)
    strict = check_rows(bars, prices_positive=True, volume_expected=False, minutes=None)
    assert asked["is_error"].sum() == 0
    assert strict.filter("is_error").select("date", "flags").rows() == [(date(2020, 4, 20), ["V3"])]
