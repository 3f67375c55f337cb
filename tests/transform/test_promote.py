"""From raw versions to bars: derived columns, sessions, relative volume by definition, and the vendor's own bars."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import tables
from openingbell.feeds import COMMODITIES, INDEXES, STOCKS, Feed
from openingbell.sessions import schedule
from openingbell.tables import Table
from openingbell.transform.promote import BEFORE, promote, with_session

XNYS = "XNYS"
GOLD = "CMEGlobex_GC"
PRICES = ("open", "high", "low", "close", "volume")
ANSWERED = datetime(2024, 1, 1)
Bar = Mapping[str, object]


def bar(start: str, close: object = 10.0, volume: object = 100.0, **changes: object) -> Bar:
    """A raw 15-minute bar of X that is flat at `close`."""
    return {
        "load_id": "a",
        "source_row": 1,
        "symbol": "X",
        "date": datetime.fromisoformat(start),
        "bar_interval": "15min",
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": volume,
        "basis": "vendor",
        "extracted_at": ANSWERED,
        "conflicting": False,
        "split_factor": 1.0,
        **changes,
    }


def raw(*bars: Bar, table: Table = tables.STOCK_RAW) -> pl.DataFrame:
    """Current versions, as a reader gives them."""
    schema = {**table.schema, "conflicting": pl.Boolean(), "split_factor": pl.Float64()}
    return pl.DataFrame([[each[name] for name in schema] for each in bars], schema=schema, orient="row")


def promoted(*bars: Bar, feed: Feed = STOCKS, calendar: str = XNYS) -> pl.DataFrame:
    """The bars of 15 minutes, which also fit their table."""
    rows = raw(*bars)
    made = promote(rows, feed, dict.fromkeys(rows["symbol"].unique(), calendar), 15, "fold")
    tables.BY_NAME[feed.table].conform(made)
    return made.select(tables.BY_NAME[feed.table].names)


def column(made: pl.DataFrame, name: str) -> list[object]:
    return made[name].to_list()


def test_the_derived_columns_are_what_the_tables_say() -> None:
    """Computed by hand: 11 after 10, high 12, low 9."""
    made = promoted(
        bar("2019-02-11 09:30:00", 10.0), bar("2019-02-11 09:45:00", 11.0, open=10.5, high=12.0, low=9.0)
    ).row(1, named=True)
    assert made["price_change"] == 1.0
    assert made["price_change_pct"] == 10.0
    assert made["avg_price"] == pytest.approx(32 / 3, rel=1e-15)
    assert made["volatility"] == pytest.approx(300 / 11, rel=1e-15)
    assert made["date_utc"] == datetime(2019, 2, 11, 14, 45)
    assert made["session"] == date(2019, 2, 11)
    assert (made["data_quality_score"], made["dq_flags"]) == (100.0, "")


def test_a_change_is_against_the_bar_before_wherever_that_is() -> None:
    """Over a night, a weekend and a hole of months the bar before is still the bar before; it is each symbol's own."""
    made = promoted(
        bar("2019-02-11 15:45:00", 10.0),
        bar("2019-02-12 09:30:00", 12.0),
        bar("2019-02-15 15:45:00", 9.0),
        bar("2019-02-19 09:30:00", 18.0),
        bar("2019-06-03 10:00:00", 9.0),
        bar("2019-02-12 09:30:00", 50.0, symbol="Y"),
        bar("2019-02-12 09:45:00", 49.0, symbol="Y"),
    )
    assert column(made, "price_change") == [None, 2.0, -3.0, 9.0, -9.0, None, -1.0]
    assert column(made, "price_change_pct") == [None, 20.0, -25.0, 100.0, -50.0, None, -2.0]


def test_a_missing_close_leaves_two_changes_empty_and_a_close_of_zero_one_percentage() -> None:
    made = promoted(
        bar("2019-02-11 09:30:00", 10.0),
        bar("2019-02-11 09:45:00", None),
        bar("2019-02-11 10:00:00", 11.0),
        bar("2019-02-11 10:15:00", 0.0),
        bar("2019-02-11 10:30:00", 5.0),
        feed=COMMODITIES,
    )
    assert column(made, "price_change") == [None, None, None, -11.0, 5.0]
    assert column(made, "price_change_pct") == [None, None, None, -100.0, None]
    assert column(made, "avg_price") == [10.0, None, 11.0, 0.0, 5.0]
    assert column(made, "volatility") == [0.0, None, 0.0, None, 0.0]
    assert column(made, "dq_flags") == ["", "V2", "", "", ""]


@pytest.mark.parametrize("missing", ["open", "high", "low", "close"])
def test_each_column_is_null_exactly_when_what_it_needs_is_missing(missing: str) -> None:
    gap: dict[str, object] = {missing: None}
    made = promoted(bar("2019-02-11 09:30:00"), bar("2019-02-11 09:45:00", **gap)).row(1, named=True)
    prices = {"open", "high", "low", "close"}  # a bar that lacks one fails V2 and compares with nothing
    needs = {"avg_price": prices - {"open"}, "volatility": prices - {"open"}, "price_change": prices}
    assert {name for name in needs if made[name] is None} == {n for n, needed in needs.items() if missing in needed}
    assert made["dq_flags"] == "V2"


def test_rows_with_an_error_stay_visible() -> None:
    """A broken bar, one off the grid, one on a holiday and one after hours: all there, each with its score."""
    made = promoted(
        bar("2019-02-11 09:30:00", high=9.0, low=9.0),
        bar("2019-02-11 09:37:00"),
        bar("2019-02-18 09:30:00"),
        bar("2019-02-19 17:00:00"),
        bar("2019-02-19 17:15:00", -1.0),
    )
    assert column(made, "dq_flags") == ["V4", "V10", "V12H", "V12", "V3,V12"]
    assert column(made, "data_quality_score") == [20.0, 20.0, 20.0, 70.0, 20.0]
    assert column(made, "session")[2] == date(2019, 2, 18)


def test_a_bar_with_an_error_compares_with_nothing_and_nothing_with_it() -> None:
    made = promoted(
        bar("2019-02-11 09:30:00", 10.0),
        bar("2019-02-11 09:45:00", 11.0, high=9.0),
        bar("2019-02-11 10:00:00", 12.0),
        bar("2019-02-11 10:15:00", 15.0),
    )
    assert column(made, "price_change") == [None, None, None, 3.0]


@pytest.mark.parametrize("absurd", [1e308, -1e16, 1e-310, 1e-13])
def test_a_number_that_can_be_no_price_fails_and_poisons_nothing(absurd: float) -> None:
    made = promoted(
        bar("2019-02-11 09:30:00", 10.0), bar("2019-02-11 09:45:00", absurd), bar("2019-02-11 10:00:00", 1e12)
    )
    assert column(made, "dq_flags") == ["", "V2", ""]
    assert made.select(pl.col(pl.Float64).is_finite().all()).row(0) == (True,) * len(
        made.select(pl.col(pl.Float64)).columns
    )


def test_an_answer_that_contradicts_itself_is_marked_and_used() -> None:
    made = promoted(bar("2019-02-11 09:30:00", conflicting=True))
    assert made.row(0, named=True)["dq_flags"] == "K2"
    assert made.row(0, named=True)["data_quality_score"] == 50.0


def test_volumes_are_whole_and_sentinels_are_none() -> None:
    made = promoted(
        bar("2019-02-11 09:30:00", volume=99.6),
        bar("2019-02-11 09:45:00", volume=-1.0),
        bar("2019-02-11 10:00:00", volume=None),
        bar("2019-02-11 10:15:00", volume=0.0),
    )
    assert column(made, "volume") == [100, None, None, 0]
    assert column(made, "dq_flags") == ["", "V6S,P15", "P15", ""]


def test_an_index_needs_no_volume() -> None:
    made = promoted(bar("2019-02-11 09:30:00", volume=None), feed=INDEXES)
    assert column(made, "dq_flags") == [""]
    assert column(made, "volume") == [None]


def test_where_bars_of_two_lengths_meet_the_finer_ones_are_kept() -> None:
    made = promoted(
        bar("2019-02-11 09:30:00", 10.0),
        bar("2019-02-11 09:45:00", 10.0),
        *(bar(f"2019-02-11 09:{minute}:00", 20.0, bar_interval="5min") for minute in (45, 50, 55)),
    )
    assert column(made, "close") == [10.0, 20.0]
    assert column(made, "volume") == [100, 300]


@pytest.mark.parametrize(
    ("wall", "utc", "session"),
    [
        ("2019-03-08 16:45:00", "2019-03-08 21:45:00", date(2019, 3, 8)),  # Friday, winter time
        ("2019-03-10 18:00:00", "2019-03-10 22:00:00", date(2019, 3, 11)),  # Sunday, the first of summer time
        ("2019-03-11 16:45:00", "2019-03-11 20:45:00", date(2019, 3, 11)),
        ("2019-03-11 18:00:00", "2019-03-11 22:00:00", date(2019, 3, 12)),
        ("2019-11-01 16:45:00", "2019-11-01 20:45:00", date(2019, 11, 1)),  # Friday, summer time
        ("2019-11-03 18:00:00", "2019-11-03 23:00:00", date(2019, 11, 4)),  # Sunday, the first of winter time
    ],
)
def test_the_session_of_an_evening_is_the_next_day_in_both_halves_of_the_year(
    wall: str, utc: str, session: date
) -> None:
    """Gold opens at 18:00 New York: 23:00 UTC in winter and 22:00 in summer, and closes at 17:00."""
    made = promoted(bar(wall), feed=COMMODITIES, calendar=GOLD).row(0, named=True)
    assert made["date_utc"] == datetime.fromisoformat(utc)
    assert made["session"] == session
    assert made["dq_flags"] == ""


def test_an_evening_before_a_saturday_is_no_session() -> None:
    made = promoted(bar("2019-03-08 18:00:00"), feed=COMMODITIES, calendar=GOLD).row(0, named=True)
    assert (made["session"], made["dq_flags"]) == (date(2019, 3, 9), "V12H")


def test_evening_bars_of_five_minutes_make_the_first_bar_of_the_next_day_s_session() -> None:
    starts = ["2019-03-10 18:00:00", "2019-03-10 18:05:00", "2019-03-10 18:10:00"]
    made = promoted(*(bar(each, bar_interval="5min") for each in starts), feed=COMMODITIES, calendar=GOLD)
    assert made.select("date", "session", "volume").rows() == [
        (datetime(2019, 3, 10, 18), date(2019, 3, 11), 300),
    ]


@pytest.mark.parametrize("symbol", ["SPY", "GLD"])
def test_five_minute_bars_make_the_vendor_s_own_fifteen_minute_bars(symbol: str, shared_data: Path) -> None:
    """Five sessions of February 2019: 130 of 130 bars, prices and volume, exactly."""
    feed = INDEXES if symbol == "SPY" else COMMODITIES
    made = promote(replayed(shared_data, "5min", symbol), feed, {symbol: XNYS}, 15, "fold")
    vendor = promote(replayed(shared_data, "15min", symbol), feed, {symbol: XNYS}, 15, "fold")
    vendor = vendor.filter(pl.col("session") >= date(2019, 2, 11))
    assert len(made) == 130
    assert made.select("date", *PRICES).rows() == vendor.select("date", *PRICES).rows()
    assert set(made["dq_flags"]) == {""}


def replayed(shared_data: Path, interval: str, symbol: str) -> pl.DataFrame:
    """The bars of a replay file as current raw versions."""
    text = pl.read_csv(shared_data / "replay" / interval / f"{symbol}.csv", infer_schema=False)
    return text.select(
        pl.lit("a").alias("load_id"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("source_row"),
        pl.lit(symbol).alias("symbol"),
        pl.col("date").str.to_datetime(time_unit="us"),
        pl.lit(interval).alias("bar_interval"),
        *(pl.col(name).cast(pl.Float64) for name in PRICES),
        pl.lit("vendor").alias("basis"),
        pl.lit(ANSWERED).alias("extracted_at"),
        pl.lit(value=False).alias("conflicting"),
        pl.lit(1.0).alias("split_factor"),
    )


SESSIONS: list[date] = schedule(XNYS, date(2019, 11, 1), date(2020, 1, 10))["session"].to_list()
"""48 sessions with Thanksgiving, two half days (2019-11-29 and 12-24), Christmas and New Year."""
HALF_DAYS = {date(2019, 11, 29), date(2019, 12, 24)}
SLOTS = ("09:30", "12:45", "13:00", "15:45")


def day_bars(volumes: Sequence[float | None], days: Sequence[date] = SESSIONS, slot: str = "09:30") -> list[Bar]:
    return [bar(f"{day} {slot}:00", volume=volume) for day, volume in zip(days, volumes, strict=False)]


def test_the_usual_volume_needs_five_and_takes_twenty_sessions_before() -> None:
    """1, 2, 3 … : the 6th has a mean of 1…5, the 21st of 1…20, the 22nd of 2…21."""
    made = promoted(*day_bars([float(number) for number in range(1, 25)]))
    relative = made["relative_volume"].to_list()
    assert relative[:5] == [None] * 5
    assert relative[5] == 6 / 3
    assert relative[20] == 21 / 10.5
    assert relative[21] == 22 / 11.5


def test_sessions_are_the_calendar_s_whether_or_not_they_have_a_bar() -> None:
    """Five bars, then a hole: 20 sessions after the first, all five are in reach; a session later four are."""
    days = [*SESSIONS[:5], SESSIONS[20], SESSIONS[21]]
    assert promoted(*day_bars([10.0] * 6, days[:6]))["relative_volume"].to_list()[-1] == 1.0
    late = [*days[:5], days[6]]
    assert promoted(*day_bars([10.0] * 6, late))["relative_volume"].to_list()[-1] is None


def test_a_half_day_counts_for_the_slots_that_it_has() -> None:
    """On 2019-11-29 the market closed at 13:00: the day is one of the 20 sessions, and has no bar of 13:00 to give."""
    first = SESSIONS.index(date(2019, 11, 29)) - 5
    days = SESSIONS[first : first + 7]
    noon = promoted(*day_bars([10.0] * 5 + [40.0, 30.0], days, "12:45"))["relative_volume"].to_list()
    assert noon[5:] == [4.0, 2.0]
    after = promoted(*day_bars([10.0] * 5 + [30.0], [*days[:5], days[6]], "13:00"))["relative_volume"].to_list()
    assert after[5] == 3.0


def test_no_relative_volume_without_a_volume_with_a_mean_of_zero_or_without_a_session() -> None:
    assert promoted(*day_bars([10.0] * 5 + [None]))["relative_volume"].to_list()[-1] is None
    assert promoted(*day_bars([0.0] * 5 + [7.0]))["relative_volume"].to_list()[-1] is None
    assert promoted(*day_bars([10.0] * 5 + [0.0]))["relative_volume"].to_list()[-1] == 0.0
    thanksgiving = [*day_bars([10.0] * 10), bar("2019-11-28 09:30:00")]
    holiday = promoted(*thanksgiving).filter(pl.col("session") == date(2019, 11, 28))
    assert holiday["relative_volume"].to_list() == [None]


def test_slots_are_counted_from_the_open_and_so_survive_the_change_of_the_clock() -> None:
    """18:00 New York is the first slot of gold in winter and in summer."""
    days: list[date] = schedule(GOLD, date(2019, 3, 1), date(2019, 3, 15))["session"].to_list()
    evenings = [bar(f"{day - timedelta(days=1)} 18:00:00", volume=10.0 + number) for number, day in enumerate(days)]
    made = promoted(*evenings, feed=COMMODITIES, calendar=GOLD)
    assert len({start.time() for start in made["date_utc"]}) == 2
    assert made["relative_volume"].null_count() == 5
    assert made["relative_volume"].to_list()[5] == 15 / 12


def reference(volumes: Mapping[tuple[str, int, str], float | None]) -> dict[tuple[str, int, str], float | None]:
    """Relative volume by its definition: symbol, number of the session and slot to the ratio."""
    found: dict[tuple[str, int, str], float | None] = {}
    for (symbol, number, slot), volume in volumes.items():
        before = [volumes.get((symbol, earlier, slot)) for earlier in range(number - 20, number)]
        known = [each for each in before if each is not None]
        mean = math.fsum(known) / len(known) if len(known) >= 5 else 0.0
        found[symbol, number, slot] = None if volume is None or mean == 0 else volume / mean
    return found


VOLUME = st.one_of(st.none(), st.integers(0, 3).map(float), st.integers(0, 10**9).map(float))
KEYS = [
    (symbol, number, slot)
    for symbol in ("X", "Y")
    for number, day in enumerate(SESSIONS)
    for slot in SLOTS
    if not (day in HALF_DAYS and slot >= "13:00")
]


@settings(max_examples=40)  # a busy machine is no fault
@given(st.integers(0, 10**9), st.sampled_from([0.2, 0.5, 0.95, 1.0]), st.lists(VOLUME, min_size=1, max_size=8))
def test_relative_volume_is_its_definition(seed: int, density: float, pool: list[float | None]) -> None:
    """Whatever bars there are: the same nulls and the same ratios as the definition written out longhand."""
    chance = random.Random(seed)
    kept = [key for key in KEYS if chance.random() < density] or KEYS[:1]
    volumes = {key: chance.choice(pool) for key in kept}
    made = promoted(
        *(
            bar(f"{SESSIONS[number]} {slot}:00", volume=volume, symbol=symbol)
            for (symbol, number, slot), volume in volumes.items()
        )
    )
    expected = reference(volumes)
    assert len(made) == len(expected)
    for row in made.iter_rows(named=True):
        key = row["symbol"], SESSIONS.index(row["session"]), f"{row['date']:%H:%M}"
        wanted = expected[key]
        assert row["relative_volume"] == (None if wanted is None else pytest.approx(wanted, rel=1e-12))


@settings(max_examples=40)
@given(st.integers(0, 10**9), st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 30))
def test_bars_that_were_made_before_stand_for_their_raw_rows(seed: int, density: float, begin: int) -> None:
    """Whatever is wrong with some of them, and also where volumes have fractions, as those before a split."""
    chance = random.Random(seed)
    odd: list[dict[str, object]] = [{}, {"close": None}, {"high": 1.0}, {"volume": None}, {"conflicting": True}]
    everything: list[Bar] = [
        {**bar(f"{day} {slot}:00", 10.0 + chance.random(), chance.random() * 99, symbol=symbol), **chance.choice(odd)}
        for symbol in ("X", "Y")
        for day in [*SESSIONS[:30], date(2019, 11, 28)]
        for slot in SLOTS
        if chance.random() < density
    ]
    everything.append(bar(f"{SESSIONS[begin]} 10:00:00"))
    rows = raw(*everything)
    calendars = {"X": XNYS, "Y": XNYS}
    whole = promote(rows, STOCKS, calendars, 15, "fold").select(tables.STOCK.names)
    cut = SESSIONS[begin]
    late = promote(
        rows.filter(pl.col("date").dt.date() >= cut),
        STOCKS,
        calendars,
        15,
        "fold",
        before=whole.filter(pl.col("session") < cut).select(BEFORE).sample(fraction=1.0, shuffle=True, seed=seed),
    )
    assert late.select(tables.STOCK.names).equals(whole.filter(pl.col("session") >= cut), null_equal=True)


def test_each_symbol_is_placed_on_its_own_calendar() -> None:
    """In one frame, in its order: Presidents' Day is none for New York, and Sunday evening is gold's Monday."""
    starts = [datetime(2019, 2, 18, 10), datetime(2019, 2, 10, 18), datetime(2019, 2, 19, 10)]
    rows = pl.DataFrame({"symbol": ["X", "GCUSD", "X"], "date": starts})
    placed = with_session(rows, {"X": XNYS, "GCUSD": GOLD})
    assert placed.select("symbol", "date").equals(rows)
    assert placed["session"].to_list() == [date(2019, 2, 18), date(2019, 2, 11), date(2019, 2, 19)]
    assert placed["close_utc"].is_null().to_list() == [True, False, False]


def test_a_bar_of_few_parts_is_settled_by_a_later_one_that_is_not_given() -> None:
    rows = raw(bar("2019-02-11 09:30:00", bar_interval="5min"))
    calendars = {"X": XNYS}
    assert promote(rows, INDEXES, calendars, 15, "fold").is_empty()
    for start, count in ((datetime(2019, 2, 11, 9, 30), 0), (datetime(2019, 2, 11, 9, 45), 1)):
        newest = pl.DataFrame({"symbol": ["X"], "newest": [start]})
        assert len(promote(rows, INDEXES, calendars, 15, "fold", newest=newest)) == count
