"""Daily bars: the official one, else the roll-up; returns that bridge no hole; and the vendor's own days."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell import tables
from openingbell.config import AuctionPolicy
from openingbell.feeds import BY_ASSET_CLASS, STOCKS
from openingbell.sessions import grid
from openingbell.tables import Table
from openingbell.transform.daily import daily_bars, with_previous_close
from openingbell.transform.promote import promote

XNYS, GOLD = "XNYS", "CMEGlobex_GC"
ANSWERED = datetime(2030, 1, 1)
PRICES = ("open", "high", "low", "close", "volume")
Row = Mapping[str, object]
NONE = tables.EOD_RAW.empty().with_columns(conflicting=pl.lit(value=False), split_factor=pl.lit(1.0))


def bar(start: str, close: object = 10.0, **changes: object) -> Row:
    """A bar of X as `stock_data` holds it, flat at `close`, 100 traded."""
    moment = datetime.fromisoformat(start)
    return {
        "symbol": "X",
        "date": moment,
        "session": moment.date(),
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 100,
        "avg_price": close,
        "split_factor": 1.0,
        "data_quality_score": 100.0,
        "dq_flags": "",
        **changes,
    }


BAR_SCHEMA = {
    "symbol": pl.String(),
    "date": pl.Datetime("us"),
    "session": pl.Date(),
    **dict.fromkeys(("open", "high", "low", "close"), pl.Float64()),
    "volume": pl.Int64(),
    "avg_price": pl.Float64(),
    "split_factor": pl.Float64(),
    "data_quality_score": pl.Float64(),
    "dq_flags": pl.String(),
}


def official(day: str, close: object = 20.0, **changes: object) -> Row:
    """An official daily bar of X, flat at `close`, 5000 traded."""
    return {
        "load_id": "e",
        "source_row": 1,
        "asset_class": "stock",
        "symbol": "X",
        "date": date.fromisoformat(day),
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 5000.0,
        "basis": "vendor",
        "extracted_at": ANSWERED,
        "conflicting": False,
        "split_factor": 1.0,
        **changes,
    }


def frame(rows: Sequence[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([[row[name] for name in schema] for row in rows], schema=schema, orient="row")


def days(
    bars: Sequence[Row] = (), officials: Sequence[Row] = (), asset_class: str = "stock", calendar: str = XNYS
) -> list[dict[str, object]]:
    """The daily bars, oldest first by symbol."""
    intraday = frame(bars, BAR_SCHEMA)
    daily = frame(officials, NONE.schema)
    symbols = {*intraday["symbol"], *daily["symbol"]}
    made = daily_bars(asset_class, intraday, daily, dict.fromkeys(symbols, calendar), 15)
    assert made.equals(tables.DAILY_BARS.conform(made).sort("symbol", "date"))
    return list(made.iter_rows(named=True))


def test_a_day_without_an_official_bar_is_rolled_up_from_its_bars() -> None:
    """First open, highest high, lowest low, last close, all volumes; vwap by hand: (9·100 + 12·300) / 400."""
    (day,) = days(
        [
            bar("2019-02-11 09:45:00", 12.0, high=13.0, volume=300),
            bar("2019-02-11 09:30:00", 9.0, low=8.0, volume=100),
        ]
    )
    assert [day[name] for name in PRICES] == [9.0, 13.0, 8.0, 12.0, 400]
    assert day["vwap"] == 11.25
    assert (day["close_source"], day["is_final"]) == ("bars", False)
    assert (day["bars_present"], day["bars_expected"]) == (2, 26)
    assert day["range_pct"] == pytest.approx(500 / 12, rel=1e-15)
    assert day["return_pct"] is None
    assert (day["data_quality_score"], day["dq_flags"]) == (100.0, "")


def test_the_official_bar_takes_the_place_of_the_roll_up() -> None:
    """Its prices, score and flags; bars and vwap stay those of the session."""
    (day,) = days(
        [bar("2019-02-11 09:30:00", 9.0, dq_flags="K2", data_quality_score=50.0)],
        [official("2019-02-11", 20.0, high=22.0, volume=None)],
    )
    assert [day[name] for name in PRICES] == [20.0, 22.0, 20.0, 20.0, None]
    assert (day["close_source"], day["is_final"]) == ("official", True)
    assert (day["vwap"], day["bars_present"]) == (9.0, 1)
    assert (day["data_quality_score"], day["dq_flags"]) == (90.0, "P15")


def test_an_official_bar_needs_no_other() -> None:
    (day,) = days([], [official("2019-02-11")])
    assert (day["close"], day["is_final"], day["vwap"], day["bars_present"]) == (20.0, True, None, 0)


@pytest.mark.parametrize(
    ("broken", "flags"),
    [
        ({"close": None}, "V2"),
        ({"high": 19.0, "low": 19.0}, "V4"),
        ({"low": 30.0}, "V4,V5"),
        ({"open": -20.0, "low": -20.0}, "V3"),
        ({"date": date(2019, 2, 18)}, "V12H"),
    ],
)
def test_a_broken_official_bar_is_shown_as_what_it_is_and_feeds_no_return(broken: Row, flags: str) -> None:
    facts = {"date": date(2019, 2, 19), **broken}
    made = days(
        [bar("2019-02-19 09:30:00", 9.0)],
        [official("2019-02-15"), official("2019-02-19", **facts), official("2019-02-20")],
    )
    wrong = next(day for day in made if day["date"] == facts["date"])
    assert (wrong["dq_flags"], wrong["data_quality_score"], wrong["close_source"]) == (flags, 20.0, "official")
    assert wrong["close"] == facts.get("close", 20.0)
    assert wrong["return_pct"] is None
    after = made[-1]
    assert after["date"] == date(2019, 2, 20)
    assert (after["return_pct"] is None) == (facts["date"] == date(2019, 2, 19))


def test_bars_with_an_error_are_left_out_of_the_roll_up_but_are_there() -> None:
    """bars_present counts what the warehouse holds."""
    (day,) = days(
        [
            bar("2019-02-11 09:30:00", 9.0),
            bar("2019-02-11 09:45:00", 99.0, dq_flags="V4", data_quality_score=20.0, volume=10_000),
        ]
    )
    assert [day[name] for name in PRICES] == [9.0, 9.0, 9.0, 9.0, 100]
    assert (day["vwap"], day["bars_present"], day["dq_flags"], day["data_quality_score"]) == (9.0, 2, "", 100.0)


def test_a_session_of_broken_bars_alone_has_no_day_unless_it_has_an_official_one() -> None:
    broken = bar("2019-02-11 09:30:00", dq_flags="V2", close=None)
    assert days([broken]) == []
    (day,) = days([broken], [official("2019-02-11")])
    assert (day["close"], day["bars_present"]) == (20.0, 1)


@pytest.mark.parametrize("flag", ["V10", "V12", "V12A", "V12H"])
def test_a_bar_that_no_full_record_has_is_not_among_those_present(flag: str) -> None:
    """A stray print must not stand in for a bar that is missing."""
    (day,) = days([bar("2019-02-11 09:30:00"), bar("2019-02-11 16:00:00", dq_flags=flag)])
    assert (day["bars_present"], day["bars_expected"]) == (1, 26)


@pytest.mark.parametrize(
    "flags", [["V12", "", "K2"], ["K2,P15", "V12", ""], ["", "", ""], ["T1", "V12,K2,T1", "K2"], ["", "P15"]]
)
def test_a_rolled_up_day_has_the_flags_of_its_bars_each_once(flags: list[str]) -> None:
    """Also where bars without flags lie between: no name is empty."""
    starts = [datetime(2019, 2, 11, 9, 30) + timedelta(minutes=15 * number) for number in range(len(flags))]
    (day,) = days([bar(str(start), dq_flags=each) for start, each in zip(starts, flags, strict=True)])
    order = ["V12", "K2", "P15", "T1"]
    fired = {name for each in flags for name in each.split(",")}
    assert day["dq_flags"] == ",".join(name for name in order if name in fired)


def test_the_score_of_a_rolled_up_day_is_the_mean_of_its_bars() -> None:
    bars = [bar("2019-02-11 09:30:00"), bar("2019-02-11 09:45:00", dq_flags="K2", data_quality_score=50.0)]
    assert days(bars)[0]["data_quality_score"] == 75.0


def test_a_day_without_a_volume_has_no_vwap_and_one_without_trades_a_volume_of_zero() -> None:
    (nothing,) = days([bar("2019-02-11 09:30:00", volume=None)])
    assert (nothing["volume"], nothing["vwap"]) == (None, None)
    (zero,) = days([bar("2019-02-11 09:30:00", volume=0)])
    assert (zero["volume"], zero["vwap"]) == (0, None)
    (part,) = days([bar("2019-02-11 09:30:00", volume=None), bar("2019-02-11 09:45:00", 12.0)])
    assert (part["volume"], part["vwap"]) == (100, 12.0)


def test_a_return_is_against_the_session_before_over_nights_weekends_and_holidays() -> None:
    """Friday, then Tuesday after Presidents' Day 2019-02-18; official and rolled-up days in one series."""
    made = days([bar("2019-02-14 15:45:00", 10.0), bar("2019-02-15 15:45:00", 12.0)], [official("2019-02-19", 9.0)])
    assert [day["return_pct"] for day in made] == [None, pytest.approx(20.0), pytest.approx(-25.0)]


def test_a_return_over_a_hole_is_null() -> None:
    made = days([], [official("2019-02-11", 10.0), official("2019-02-13", 20.0), official("2019-02-14", 30.0)])
    assert [day["return_pct"] for day in made] == [None, None, pytest.approx(50.0)]


def test_returns_are_each_symbol_s_own() -> None:
    other = {"symbol": "Y"}
    made = days([], [official("2019-02-11", 10.0), official("2019-02-12", 20.0, **other), official("2019-02-12", 11.0)])
    assert [(day["symbol"], day["return_pct"]) for day in made] == [
        ("X", None),
        ("X", pytest.approx(10.0)),
        ("Y", None),
    ]


def test_a_close_of_zero_gives_no_return_and_no_range() -> None:
    officials = [
        official("2019-02-11", 0.0, asset_class="commodity"),
        official("2019-02-12", 5.0, asset_class="commodity"),
        official("2019-02-13", 0.0, asset_class="commodity"),
    ]
    made = days([], officials, "commodity", XNYS)
    assert [day["return_pct"] for day in made] == [None, None, -100.0]
    assert [day["range_pct"] for day in made] == [None, 0.0, None]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2019-02-11", 26),
        ("2019-07-03", 14),  # the market closed at 13:00 on these
        ("2019-11-29", 14),
        ("2019-12-24", 14),
        ("2019-02-18", 0),  # Presidents' Day
        ("2019-02-16", 0),  # Saturday
    ],
)
def test_bars_expected_are_the_calendar_s(day: str, expected: int) -> None:
    assert days([], [official(day)])[0]["bars_expected"] == expected


def test_a_full_session_of_gold_is_23_hours() -> None:
    facts = {"symbol": "GCUSD", "asset_class": "commodity"}
    made = days([], [official("2019-02-12", **facts)], "commodity", GOLD)
    assert made[0]["bars_expected"] == 92


def test_evening_bars_belong_to_the_session_that_they_name() -> None:
    evening = bar("2019-02-10 18:00:00", 9.0, session=date(2019, 2, 11), symbol="GCUSD")
    (day,) = days([evening, bar("2019-02-11 16:45:00", 12.0, symbol="GCUSD")], (), "commodity", GOLD)
    assert (day["date"], day["open"], day["close"], day["bars_present"]) == (date(2019, 2, 11), 9.0, 12.0, 2)


def test_nothing_gives_nothing() -> None:
    assert days() == []


def test_the_previous_close_is_that_of_a_usable_bar_of_the_session_before() -> None:
    rows = pl.DataFrame(
        {
            "symbol": ["X"] * 5,
            "date": [date(2019, 2, day) for day in (14, 15, 16, 19, 20)],
            "close": [1.0, 2.0, 3.0, 4.0, 5.0],
            "dq_flags": ["", "P15", "V12H", "V4", ""],
        }
    )
    found = with_previous_close(rows, {"X": XNYS})
    assert found["previous_close"].to_list() == [None, 1.0, None, None, None]


def folder_bars(shared_data: Path, folder: str, symbol: str, auction: AuctionPolicy = "fold") -> pl.DataFrame:
    """The 15-minute bars of a replay folder, promoted."""
    path = shared_data / folder / "15min" / f"{symbol}.csv"
    content = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
    rows = pl.read_csv(content, infer_schema=False).select(
        pl.lit("a").alias("load_id"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("source_row"),
        pl.lit(symbol).alias("symbol"),
        pl.col("date").str.to_datetime(time_unit="us"),
        pl.lit("15min").alias("bar_interval"),
        *(pl.col(name).cast(pl.Float64) for name in PRICES),
        pl.lit("raw").alias("basis"),
        pl.lit(ANSWERED).alias("extracted_at"),
        pl.lit(value=False).alias("conflicting"),
        pl.lit(1.0).alias("split_factor"),
    )
    return promote(rows, STOCKS, {symbol: XNYS}, 15, auction)


def vendor_days(path: Path, symbol: str, asset_class: str = "stock", columns: Sequence[str] = PRICES) -> pl.DataFrame:
    """A vendor's daily file as current official bars."""
    text = pl.read_csv(path, infer_schema=False).rename(str.lower)
    return text.select(
        pl.lit("e").alias("load_id"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("source_row"),
        pl.lit(asset_class).alias("asset_class"),
        pl.lit(symbol).alias("symbol"),
        pl.col("date").str.to_date(),
        *(
            pl.col(column).cast(pl.Float64).alias(name) if column else pl.lit(None, pl.Float64).alias(name)
            for name, column in zip(PRICES, columns, strict=True)
        ),
        pl.lit("vendor").alias("basis"),
        pl.lit(ANSWERED).alias("extracted_at"),
        pl.lit(value=False).alias("conflicting"),
        pl.lit(1.0).alias("split_factor"),
    ).select(NONE.columns)


@pytest.mark.parametrize("auction", ["fold", "keep"])
@pytest.mark.parametrize(("symbol", "count"), [("AAPL", 1662), ("TSLA", 1665)])
def test_fifteen_minute_bars_roll_up_to_the_vendor_s_own_days(
    symbol: str, count: int, auction: AuctionPolicy, shared_data: Path
) -> None:
    """Every day from 2017 to 2023, prices and volume, exactly, whether the bar of 16:00 is folded in or kept apart."""
    bars = folder_bars(shared_data, "history", symbol, auction)
    rolled = daily_bars("stock", bars, NONE, {symbol: XNYS}, 15)
    vendor = vendor_days(shared_data / "history" / "eod" / f"{symbol}.csv", symbol).sort("date")
    assert rolled.select("date", *PRICES).rows() == vendor.select("date", *PRICES).rows()
    assert len(rolled) == count
    told = rolled.filter(pl.col("dq_flags").str.contains({"fold": "V12F", "keep": "V12A"}[auction]))
    assert 60 < len(told) < 90


@pytest.mark.parametrize("symbol", ["AAPL", "TSLA"])
def test_without_the_closing_auction_some_days_are_not_the_vendor_s(symbol: str, shared_data: Path) -> None:
    """Exactly those that have one lose its volume, and most of them their close."""
    kept, dropped = (
        daily_bars("stock", folder_bars(shared_data, "history", symbol, policy), NONE, {symbol: XNYS}, 15)
        for policy in ("keep", "drop")
    )
    days = kept.filter(pl.col("dq_flags").str.contains("V12A"))["date"]
    both = kept.join(dropped, on="date", suffix="_dropped")
    assert len(both) == len(kept)
    less = both.filter(pl.col("volume") != pl.col("volume_dropped"))
    assert less["date"].to_list() == days.to_list()
    other = both.filter(pl.col("close") != pl.col("close_dropped"))
    assert set(other["date"]) <= set(days)
    assert 2 * len(other) > len(days)


def test_the_known_faults_of_an_official_history_are_found_and_no_others(shared_data: Path) -> None:
    """36 years of VIX hold 47 days whose open or close lies outside the day's range. Rows on days without a session of
    the exchange are named too (V12H).
    """
    columns = ("open", "high", "low", "close", "")
    vix = vendor_days(shared_data / "dirty" / "vix-daily.csv", "^VIX", "index", columns)
    made = daily_bars("index", frame((), BAR_SCHEMA), vix, {"^VIX": XNYS}, 15)
    assert len(made) == len(vix)
    broken = made.filter(pl.col("dq_flags").str.contains("V4|V5"))
    assert len(broken) == 47
    assert set(broken["data_quality_score"]) == {20.0}
    holidays = made.filter(pl.col("dq_flags").str.contains("V12H"))
    sessions = grid(XNYS, "1day", date(1990, 1, 1), date(2026, 12, 31))["session"].to_list()
    assert set(holidays["date"]) == set(vix["date"]) - set(sessions)
    assert set(made["dq_flags"]) <= {"", "V4", "V5", "V4,V5", "V12H"}


def test_the_day_on_which_oil_cost_less_than_nothing_is_a_sound_day(shared_data: Path) -> None:
    columns = ("price", "price", "price", "price", "")
    oil = vendor_days(shared_data / "dirty" / "wti-daily.csv", "CLUSD", "commodity", columns)
    made = daily_bars("commodity", frame((), BAR_SCHEMA), oil, {"CLUSD": XNYS}, 15)
    day = made.filter(pl.col("date") == date(2020, 4, 20)).row(0, named=True)
    assert day["close"] == -36.98
    assert (day["dq_flags"], day["data_quality_score"]) == ("P15", 90.0)
    assert day["return_pct"] == pytest.approx((-36.98 / 18.31 - 1) * 100, rel=1e-12)


def test_the_replay_s_days_are_official_and_its_bars_come_close(shared_data: Path) -> None:
    """The same session from two sources of the vendor's: closes cents apart, volumes short of the auctions."""
    bars = folder_bars(shared_data, "replay", "AAPL")
    daily = vendor_days(shared_data / "replay" / "eod" / "AAPL.csv", "AAPL")
    calendars = {"AAPL": XNYS}
    both = daily_bars("stock", bars, daily, calendars, 15)
    rolled = daily_bars("stock", bars, NONE, calendars, 15)
    assert (len(both), len(rolled)) == (283, 30)
    pair = both.join(rolled, on="date", suffix="_bars")
    assert set(pair["bars_present"]) == {26}
    assert pair.select(((pl.col("close") / pl.col("close_bars") - 1).abs() * 100).max()).item() < 0.3
    ratio = pair["volume_bars"] / pair["volume"]
    assert 0.8 < ratio.mean() < 1  # type: ignore[operator]
    vwap = pair.select(pl.col("vwap").is_between(pl.col("low_bars"), pl.col("high_bars")).all()).item()
    assert vwap is True


BARS = st.lists(
    st.tuples(
        st.integers(0, 77),
        st.integers(1, 50),
        st.integers(0, 5),
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(0, 10**6)),
        st.sampled_from(["", "", "", "V12", "K2", "V4", "V2,P15"]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda each: each[0],
)


@given(BARS)
def test_a_roll_up_is_what_its_sound_bars_say(rows: list[tuple[int, int, int, int, int | None, str]]) -> None:
    """Whatever bars three sessions have: prices, volumes, vwap and counts as written out longhand."""
    starts = grid(XNYS, "15min", date(2019, 2, 11), date(2019, 2, 13))["date"].to_list()
    bars = [
        bar(str(starts[slot]), float(price), high=float(price + up), low=float(price - down), volume=volume, dq_flags=f)
        for slot, price, up, down, volume, f in rows
    ]
    made = {day["date"]: day for day in days(bars)}
    for session in {start.date() for start in starts}:
        of_day = sorted((each for each in bars if each["session"] == session), key=lambda each: str(each["date"]))
        sound = [each for each in of_day if each["dq_flags"] in {"", "V12", "K2"}]
        assert (session in made) == bool(sound)
        if not sound:
            continue
        day = made[session]
        assert day["open"] == sound[0]["open"]
        assert day["close"] == sound[-1]["close"]
        assert day["high"] == max(float(str(each["high"])) for each in sound)
        assert day["low"] == min(float(str(each["low"])) for each in sound)
        assert day["bars_present"] == sum("V12" not in str(each["dq_flags"]) for each in of_day)
        traded = [
            (float(str(each["avg_price"])), int(str(each["volume"]))) for each in sound if each["volume"] is not None
        ]
        assert day["volume"] == (sum(volume for _, volume in traded) if traded else None)
        total = sum(volume for _, volume in traded)
        wanted = sum(price * volume for price, volume in traded) / total if total else None
        assert day["vwap"] == (None if wanted is None else pytest.approx(wanted, rel=1e-12))


def test_facts_of_the_classes_are_the_feeds() -> None:
    """An index may lack a volume, a commodity may cost nothing, a stock may neither."""
    for asset_class, flags in (("stock", "V3,P15"), ("index", "V3"), ("commodity", "P15")):
        row = official("2019-02-11", -1.0, volume=None, asset_class=asset_class)
        assert BY_ASSET_CLASS[asset_class].asset_class == asset_class
        assert days([], [row], asset_class)[0]["dq_flags"] == flags


def test_the_table_is_the_one_that_the_warehouse_has() -> None:
    table: Table = tables.DAILY_BARS
    made = daily_bars("stock", frame([bar("2019-02-11 09:30:00")], BAR_SCHEMA), NONE, {"X": XNYS}, 15)
    assert made.schema == table.schema
