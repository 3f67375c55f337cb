"""Longer bars from shorter ones: real answers, half days, changes of the clock, broken bars, and nothing lost."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell.quality.checks import BY_ID, Severity
from openingbell.sessions import grid, new_york, schedule
from openingbell.transform.resample import resample

GOLD = "CMEGlobex_GC"
STOCKS = "XNYS"
SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "session": pl.Date(),
        **dict.fromkeys(("date", "date_utc", "open_utc", "close_utc"), pl.Datetime("us")),
        **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64()),
        "flags": pl.List(pl.String()),
        "is_error": pl.Boolean(),
        "load_id": pl.String(),
        "source_row": pl.Int64(),
        "extracted_at": pl.Datetime("us"),
    }
)
OPENS, CLOSES = datetime(2019, 2, 11, 14, 30), datetime(2019, 2, 11, 21, 0)


def bar(minute: float, *flags: str, price: float = 10.0, **changes: object) -> dict[str, object]:
    """A 5-minute bar that starts `minute` minutes after the open of 2019-02-11."""
    start = OPENS + timedelta(minutes=minute)
    facts: dict[str, object] = {
        "symbol": "SPY",
        "session": date(2019, 2, 11),
        "date": start - timedelta(hours=5),
        "date_utc": start,
        "open_utc": OPENS,
        "close_utc": CLOSES,
        "open": price,
        "high": price + 2,
        "low": price - 2,
        "close": price + 1,
        "volume": 100.0,
        "flags": list(flags),
        "is_error": any(BY_ID[name].severity is Severity.ERROR for name in flags),
        "load_id": "a",
        "source_row": round(minute),
        "extracted_at": datetime(2019, 2, 12),
    }
    return {**facts, **changes}


def frame(*bars: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([list(each.values()) for each in bars], schema=SCHEMA, orient="row")


def made(*bars: dict[str, object], minutes: int = 15, source_minutes: int = 5) -> list[dict[str, object]]:
    return resample(frame(*bars), minutes, source_minutes).to_dicts()


def session_bars(calendar: str, first: date, last: date, *, minutes: int = 5) -> pl.DataFrame:
    """A full record of sound bars, of which every price is the bar's number and every volume 1."""
    days = schedule(calendar, first, last).select("session", "open_utc", "close_utc")
    number = pl.int_range(pl.len()).cast(pl.Float64)
    return (
        grid(calendar, f"{minutes}min", first, last)
        .join(days, on="session")
        .with_columns(pl.col("date_utc", "open_utc", "close_utc").dt.replace_time_zone(None))
        .select(
            "session",
            "date",
            "date_utc",
            "open_utc",
            "close_utc",
            symbol=pl.lit("X"),
            **dict.fromkeys(("open", "high", "low", "close"), number),
            volume=pl.lit(1.0),
            flags=pl.lit([], dtype=pl.List(pl.String)),
            is_error=pl.lit(value=False),
            load_id=pl.lit("a"),
            source_row=pl.int_range(pl.len()),
            extracted_at=pl.lit(datetime(2030, 1, 1)),
        )
        .select(*SCHEMA)
    )


def vendor_bars(path: Path) -> pl.DataFrame:
    """A vendor's file of stock bars with what the stages before would have added."""
    raw = pl.read_csv(path, try_parse_dates=True).with_columns(pl.col("volume").cast(pl.Float64))
    days = schedule(STOCKS, date(2019, 1, 1), date(2019, 3, 1)).select("session", "open_utc", "close_utc")
    return (
        raw.with_columns(session=pl.col("date").dt.date(), source_row=pl.int_range(1, pl.len() + 1))
        .join(days, on="session", how="left", maintain_order="left")
        .with_columns(pl.col("open_utc", "close_utc").dt.replace_time_zone(None))
        .with_columns(
            date_utc=pl.col("date").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None),
            symbol=pl.lit(path.stem),
            flags=pl.lit([], dtype=pl.List(pl.String)),
            is_error=pl.lit(value=False),
            load_id=pl.lit("a"),
            extracted_at=pl.lit(datetime(2030, 1, 1)),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    )  # fmt: skip


@pytest.mark.parametrize("symbol", ["SPY", "GLD"])
def test_five_minute_bars_give_the_vendors_own_fifteen_minute_bars(shared_data: Path, symbol: str) -> None:
    """130 of 130 bars of five sessions, volume included; the vendor's file is newest first."""
    ours = resample(vendor_bars(shared_data / "replay" / "5min" / f"{symbol}.csv"), 15, 5)
    vendors = vendor_bars(shared_data / "replay" / "15min" / f"{symbol}.csv").sort("date").tail(130)
    columns = ["symbol", "session", "date", "date_utc", "open", "high", "low", "close", "volume", "flags"]
    assert len(ours) == 130
    assert_frame_equal(ours.select(columns), vendors.select(columns), check_exact=True)


def test_a_bucket_is_first_highest_lowest_last_and_sum() -> None:
    [only] = made(bar(10, price=30.0, load_id="c"), bar(0, price=10.0), bar(5, price=20.0, low=1.0, high=99.0))
    assert only == {
        **bar(0),
        "open": 10.0,
        "high": 99.0,
        "low": 1.0,
        "close": 31.0,
        "volume": 300.0,
        "load_id": "c",
        "source_row": 10,
    }


def test_the_same_length_goes_through_untouched() -> None:
    bars = frame(bar(7, "V10"), bar(0))
    assert resample(bars, 5, 5) is bars


@pytest.mark.parametrize(("minutes", "source_minutes"), [(15, 10), (5, 15)])
def test_lengths_that_do_not_fit_are_refused(minutes: int, source_minutes: int) -> None:
    with pytest.raises(ValueError, match="a multiple is needed"):
        resample(frame(bar(0)), minutes, source_minutes)


def test_no_bars_give_no_bars() -> None:
    assert dict(resample(frame(), 15, 5).schema) == SCHEMA


def test_symbols_do_not_mix_and_come_in_order() -> None:
    rows = made(bar(15, symbol="B"), bar(0, symbol="B"), bar(0, symbol="A"))
    assert [(row["symbol"], row["source_row"]) for row in rows] == [("A", 0), ("B", 0), ("B", 15)]


def test_the_end_of_the_bar_follows_where_it_is_given() -> None:
    bars = frame(bar(0), bar(5), bar(10)).with_columns(end_utc=pl.col("date_utc") + timedelta(minutes=5))
    assert resample(bars, 15, 5)["end_utc"].to_list() == [OPENS + timedelta(minutes=15)]


def test_missing_prices_and_volumes_do_not_become_the_bars() -> None:
    gap: dict[str, Any] = {"open": None, "high": None, "low": None, "close": None, "volume": None}
    [row] = made(bar(0, "V2", **gap), bar(5, "V2", price=20.0, close=None, volume=7.0), bar(10, "V2", **gap))
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (20.0, 22.0, 18.0, None, 7.0)
    [row] = made(*(bar(minute, "P15", volume=None) for minute in (0, 5, 10)))
    assert (row["volume"], row["flags"]) == (None, ["P15"])


def test_flags_are_united_in_the_order_of_the_catalogue() -> None:
    [row] = made(bar(0, "P15"), bar(5, "V11", "K2"), bar(10, "P15"))
    assert row["flags"] == ["V11", "K2", "P15"]
    assert row["is_error"] is False


def test_a_bucket_of_fewer_bars_than_fit_says_so() -> None:
    assert [row["flags"] for row in made(bar(0), bar(10), bar(15), bar(20), bar(25))] == [["T1"], []]


def test_a_broken_bar_is_left_out_where_a_good_one_is_there() -> None:
    """Neither its prices nor its volume nor its provenance are in the bucket, but that it was there is told."""
    [row] = made(bar(0), bar(5), bar(10, "V4", price=1000.0, volume=1e9))
    assert (row["open"], row["high"], row["close"], row["volume"]) == (10.0, 12.0, 11.0, 200.0)
    assert (row["flags"], row["is_error"], row["source_row"]) == (["T1", "T1X"], False, 5)


def test_a_bar_off_the_grid_does_not_touch_a_bucket_that_is_complete() -> None:
    [row] = made(bar(0), bar(5), bar(7, "V10", price=1000.0), bar(10))
    assert (row["high"], row["volume"], row["flags"], row["is_error"]) == (12.0, 300.0, ["T1X"], False)


def test_a_bucket_of_nothing_but_broken_bars_is_shown_as_an_error() -> None:
    [row] = made(bar(0, "V4", price=50.0), bar(5, "V5", "P15", price=60.0))
    assert (row["open"], row["close"], row["is_error"]) == (50.0, 61.0, True)
    assert row["flags"] == ["V4", "V5", "P15", "T1"]


def test_bars_out_of_hours_have_buckets_of_the_wall_clock() -> None:
    """Before the open, at the close and after it; nobody knows how many there should be, so none is missing."""
    rows = made(bar(-3, "V12"), bar(0), bar(5), bar(10), bar(390, "V12"), bar(402, "V12"), bar(405, "V12"))
    assert [(row["date"], row["volume"], row["flags"]) for row in rows] == [
        (datetime(2019, 2, 11, 9, 15), 100.0, ["V12"]),
        (datetime(2019, 2, 11, 9, 30), 300.0, []),
        (datetime(2019, 2, 11, 16, 0), 200.0, ["V12"]),
        (datetime(2019, 2, 11, 16, 15), 100.0, ["V12"]),
    ]


def test_a_day_without_a_session_is_shown_on_the_wall_clock() -> None:
    holiday: dict[str, Any] = {"open_utc": None, "close_utc": None}
    rows = made(bar(0, "V12H", **holiday), bar(17, "V12H", **holiday))
    assert [(row["date"], row["date_utc"], row["is_error"]) for row in rows] == [
        (datetime(2019, 2, 11, 9, 30), OPENS, True),
        (datetime(2019, 2, 11, 9, 45), OPENS + timedelta(minutes=15), True),
    ]


def test_a_wall_clock_time_that_never_was_is_kept_in_its_place() -> None:
    _, row = made(bar(0), bar(0, "V12", date=datetime(2019, 3, 10, 2, 20), date_utc=None))
    assert (row["date"], row["date_utc"], row["flags"]) == (datetime(2019, 3, 10, 2, 15), None, ["V12"])


def test_a_close_off_the_grid_ends_the_last_bucket() -> None:
    """It is complete with what the session allows, and a bar after the close does not get in under its label."""
    early: dict[str, Any] = {"close_utc": OPENS + timedelta(minutes=25)}
    rows = made(*(bar(minute, **early) for minute in (0, 5, 10, 15, 20)), bar(25, "V12", price=1000.0, **early))
    assert [(row["date"], row["volume"], row["flags"]) for row in rows] == [
        (datetime(2019, 2, 11, 9, 30), 300.0, []),
        (datetime(2019, 2, 11, 9, 45), 200.0, ["T1X"]),
    ]


def test_buckets_count_from_an_open_that_is_off_the_clocks_grid() -> None:
    late: dict[str, Any] = {"open_utc": OPENS + timedelta(minutes=5)}
    rows = made(*(bar(minute, **late) for minute in (5, 10, 15, 20, 25, 30)))
    assert [(row["date"], row["flags"]) for row in rows] == [
        (datetime(2019, 2, 11, 9, 35), []),
        (datetime(2019, 2, 11, 9, 50), []),
    ]


@pytest.mark.parametrize(
    ("calendar", "first", "last", "bars"),
    [
        pytest.param(STOCKS, date(2019, 7, 2), date(2019, 7, 5), 26 + 14 + 26, id="half-day"),
        pytest.param(STOCKS, date(2019, 11, 1), date(2019, 11, 4), 52, id="stocks-autumn"),
        pytest.param(GOLD, date(2019, 10, 30), date(2019, 11, 6), 6 * 92, id="gold-autumn"),
        pytest.param(GOLD, date(2019, 3, 6), date(2019, 3, 13), 6 * 92, id="gold-spring"),
    ],
)
@pytest.mark.parametrize("minutes", [15, 30])
def test_a_full_record_gives_the_calendars_own_grid(
    calendar: str, first: date, last: date, bars: int, minutes: int
) -> None:
    """Every bucket is whole, on half days and across both changes of the clock."""
    days = resample(session_bars(calendar, first, last), minutes, 5)
    expected = grid(calendar, f"{minutes}min", first, last)
    assert len(days) == bars * 15 // minutes
    assert days["date"].to_list() == expected["date"].to_list()
    assert days["date_utc"].to_list() == expected["date_utc"].dt.replace_time_zone(None).to_list()
    assert days["session"].to_list() == expected["session"].to_list()
    assert days["flags"].list.len().sum() == 0
    assert days["volume"].unique().to_list() == [minutes / 5]


def test_gold_opens_at_six_in_the_evening_on_both_sides_of_a_change_of_the_clock() -> None:
    for first, last in ((date(2019, 3, 8), date(2019, 3, 11)), (date(2019, 11, 1), date(2019, 11, 4))):
        days = resample(session_bars(GOLD, first, last), 15, 5).group_by("session").agg(pl.col("date").min())
        assert {moment.hour for moment in days["date"]} == {18}


KINDS = st.sampled_from([(), (), (), ("P15",), ("V11",), ("V4",), ("V10",), ("V2",)])


@given(
    st.dictionaries(
        st.integers(-30, 430), st.tuples(KINDS, st.floats(1, 100), st.one_of(st.none(), st.integers(0, 99)))
    )
)
def test_every_good_bar_is_in_exactly_one_bucket(days: dict[int, tuple[tuple[str, ...], float, int | None]]) -> None:
    """Volumes of what is shown add up, ranges hold, labels are unique, and errors are told apart by their flags."""
    bars = frame(
        *(
            bar(minute, *flags, price=price, volume=None if volume is None else float(volume))
            for minute, (flags, price, volume) in days.items()
        )
    )
    buckets = resample(bars, 15, 5)
    assert_frame_equal(buckets, buckets.unique(["symbol", "date"]).sort("symbol", "date"))
    assert_frame_equal(resample(bars.reverse(), 15, 5), buckets)
    good = bars.filter(~pl.col("is_error"))
    shown = buckets.filter(~pl.col("is_error"))
    assert shown["volume"].sum() == good["volume"].sum()
    assert shown["high"].max() == good["high"].max()
    assert shown["low"].min() == good["low"].min()
    label = new_york(pl.col("date_utc")).alias("label")
    assert buckets.select(label).to_series().to_list() == buckets["date"].to_list()
    for row in buckets.iter_rows(named=True):
        assert row["is_error"] == any(BY_ID[name].severity is Severity.ERROR for name in row["flags"])
        assert row["flags"] == [name for name in BY_ID if name in row["flags"]]
        assert row["date"].minute % 15 == 0
