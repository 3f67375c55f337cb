"""Every indicator against published sheets, against bare TA-Lib, and against itself."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell.indicators import CATALOGUE, CONVERGED_AT, CUMULATIVE, WARM_UP, Indicator, indicators
from openingbell.indicators.catalogue import ALL
from openingbell.tables import TECHNICAL_INDICATORS, TECHNICAL_INDICATORS_DAILY
from tests.indicators.frames import DAILY, INTRADAY, OUTPUTS, PRICES, bars, read_bars, walk

BOTH = pytest.mark.parametrize("daily", [False, True], ids=["intraday", "daily"])
DIALECTS = pytest.mark.parametrize("dialect", ["standard", "talib"])
REMEMBERED = tuple(name for name in INTRADAY if name not in CUMULATIVE)
"""What a tail of the warm-up gives as the whole history does."""


def values_of(*, daily: bool) -> tuple[str, ...]:
    return DAILY if daily else INTRADAY


@BOTH
def test_every_row_of_the_published_sheet(shared_data: Path, daily: bool) -> None:
    """502 days of SPY, computed in a spreadsheet: the same nulls, and values within 1e-9."""
    path = shared_data / "answers" / "spy_daily_502.csv"
    sheet = pl.read_csv(path, infer_schema_length=None)
    ours = indicators(read_bars(path), daily=daily)
    published = {"sma_20": "sma20", "bb_middle": "sma20", "ema_12": "ema12", "ema_26": "ema26", "macd_line": "macd",
                 "macd_signal": "macd_signal", "macd_histogram": "macd_hist", "rsi_14": "rsi14",
                 "bb_upper": "bb_upper", "bb_lower": "bb_lower", "atr_14": "atr14", "adx_14": "adx14",
                 "plus_di_14": "plus_di", "minus_di_14": "minus_di", "stoch_k": "stoch_k", "stoch_d": "stoch_d",
                 "obv": "obv"}  # fmt: skip
    for name, column in published.items():
        assert ours[name].is_null().to_list() == sheet[column].is_null().to_list(), name
        for mine, theirs in zip(ours[name].drop_nulls(), sheet[column].drop_nulls(), strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-9), name
    upper, lower, middle = sheet["bb_upper"], sheet["bb_lower"], sheet["sma20"]
    width, position = (upper - lower) / middle * 100, (sheet["close"] - lower) / (upper - lower)
    for name, expected in (("bb_width", width), ("bb_position", position)):
        for mine, theirs in zip(ours[name], expected, strict=True):
            assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-9, abs=1e-9)), name


def test_the_dialect_of_ta_lib_is_that_of_its_own_functions(shared_data: Path) -> None:
    """Over 502 days of SPY: the same nulls, and values within 1e-9; what has no function there stays as it is."""
    days = read_bars(shared_data / "answers" / "spy_daily_502.csv")
    ours, standard = indicators(days, daily=True, dialect="talib"), indicators(days, daily=True)
    open_, high, low, close, volume = (
        days[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")
    )
    assert len(open_) == 502
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    k, d = talib.STOCH(high, low, close, fastk_period=14, slowk_period=3, slowd_period=3)  # plain means by default
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    theirs = {
        "macd_line": line, "macd_signal": signal, "macd_histogram": histogram, "stoch_k": k, "stoch_d": d,
        "adx_14": talib.ADX(high, low, close, 14), "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "minus_di_14": talib.MINUS_DI(high, low, close, 14), "obv": talib.OBV(close, volume),
        "sma_20": talib.SMA(close, 20), "sma_50": talib.SMA(close, 50), "sma_200": talib.SMA(close, 200),
        "ema_12": talib.EMA(close, 12), "ema_26": talib.EMA(close, 26), "rsi_14": talib.RSI(close, 14),
        "bb_upper": upper, "bb_middle": middle, "bb_lower": lower, "atr_14": talib.ATR(high, low, close, 14),
        "roc_10": talib.ROC(close, 10), "high_252": talib.MAX(high, 252), "low_252": talib.MIN(low, 252),
    }  # fmt: skip
    for name, values in theirs.items():
        mine = ours[name].to_numpy()
        assert np.isnan(mine).tolist() == np.isnan(values).tolist(), name
        assert mine[~np.isnan(mine)].tolist() == pytest.approx(values[~np.isnan(values)].tolist(), rel=1e-9), name
    others = [name for name in DAILY if name not in theirs]
    assert others == ["bb_width", "bb_position", "realized_vol_20"]
    assert_frame_equal(ours.select(others), standard.select(others), check_exact=True)
    differ = {name for name in DAILY if not ours[name].equals(standard[name], null_equal=True)}
    assert differ == {name for name in theirs if name.startswith(("macd", "adx", "plus", "minus"))} | {"stoch_k", "obv"}


@BOTH
def test_the_columns_are_the_tables(daily: bool) -> None:
    table = TECHNICAL_INDICATORS_DAILY if daily else TECHNICAL_INDICATORS
    day = pl.Date if daily else pl.Datetime("us")
    for frame in (bars(walk(30)), bars([]), bars([1.0, None, math.nan], usable=[False, True, True])):
        days = pl.date(2020, 1, 1) + pl.duration(days=pl.int_range(pl.len()))
        ours = indicators(frame.with_columns(date=days.cast(day)), daily=daily)
        assert dict(ours.schema) == dict(table.schema)
        table.conform(ours)


@BOTH
@DIALECTS
def test_extras_that_are_not_chosen_are_null_and_change_nothing(daily: bool, dialect: str) -> None:
    frame = bars(walk(300))
    every = indicators(frame, daily=daily, dialect=dialect)
    none = indicators(frame, extras=(), daily=daily, dialect=dialect)
    some = indicators(frame, extras=["obv", "adx", "vwap"], daily=daily, dialect=dialect)
    assert none.schema == some.schema == every.schema
    for entry in CATALOGUE:
        for name in (output.name for output in entry.outputs if output.name in every.columns):
            assert none[name].null_count() == (every[name].null_count() if entry.core else 300), name
            chosen = entry.core or entry.name in {"obv", "adx", "vwap"}
            assert some[name].equals(every[name], null_equal=True) if chosen else some[name].null_count() == 300, name


def test_an_unknown_extra_or_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match=r"asked for the indicators obvv, rsi; allowed are atr, adx"):
        indicators(bars(walk(3)), extras=["rsi", "obv", "obvv"])
    with pytest.raises(ValueError, match="asked for the dialect metastock; allowed are standard, talib"):
        indicators(bars(walk(3)), dialect="metastock")


@BOTH
def test_the_first_value_of_each_indicator_is_where_the_catalogue_says(daily: bool) -> None:
    ours = indicators(bars(walk(300)), daily=daily)
    names = values_of(daily=daily)
    assert {name: ours[name].null_count() + 1 for name in names} == {name: OUTPUTS[name].first_bar for name in names}


@DIALECTS
@pytest.mark.parametrize("count", range(36))
def test_a_short_series_has_what_its_length_allows(count: int, dialect: str) -> None:
    ours = indicators(bars(walk(count)), dialect=dialect)
    assert len(ours) == count
    later = {"macd_line": 34, "stoch_k": 18} if dialect == "talib" else {}
    for name in INTRADAY:
        assert ours[name].count() == max(count - later.get(name, OUTPUTS[name].first_bar) + 1, 0), name


def last(closes: Sequence[float | None], *, spread: float = 0.002) -> dict[str, float | None]:
    return indicators(bars(closes, spread=spread)).select(INTRADAY).row(-1, named=True)


@pytest.mark.parametrize("level", [0.0001, 0.1, 123.457, 1e12, -37.63, 0.0])
def test_a_price_that_never_moves(level: float) -> None:
    row = last([level] * 300, spread=0.0)
    for name in (
        "vwap_session",
        "sma_20",
        "sma_50",
        "sma_200",
        "ema_12",
        "ema_26",
        "bb_upper",
        "bb_middle",
        "bb_lower",
    ):
        assert row[name] == pytest.approx(level, rel=1e-12)
    assert row["macd_line"] == pytest.approx(0, abs=abs(level) * 1e-12)
    assert row["bb_upper"] == row["bb_lower"]
    assert row["bb_width"] == (0.0 if level else None)
    assert row["bb_position"] is None
    assert row["rsi_14"] is row["plus_di_14"] is row["minus_di_14"] is row["stoch_k"] is row["stoch_d"] is None
    assert (row["adx_14"], row["obv"]) == (0.0, 0.0)
    assert row["atr_14"] == 0.0
    assert row["roc_10"] == (0.0 if level else None)
    assert row["realized_vol_20"] == (0.0 if level > 0 else None)


def test_negative_prices_have_indicators() -> None:
    """As in a mirror: up is down. The bands of a negative price have a negative width, as the definition says."""
    row, mirrored = last([-price for price in walk(300)]), last(walk(300))
    twins = {"bb_upper": "bb_lower", "bb_lower": "bb_upper", "plus_di_14": "minus_di_14", "minus_di_14": "plus_di_14"}
    same = ("atr_14", "adx_14", "plus_di_14", "minus_di_14", "roc_10")
    for name in (*(name for name in PRICES if name in INTRADAY and name not in same), "bb_width", "obv"):
        assert row[name] == pytest.approx(-(mirrored[twins.get(name, name)] or 0), rel=1e-12), name
    for name in same:
        assert row[name] == pytest.approx(mirrored[twins.get(name, name)], rel=1e-9), name
    for name in ("rsi_14", "stoch_k", "stoch_d"):
        assert row[name] == pytest.approx(100 - (mirrored[name] or 0)), name
    assert row["realized_vol_20"] is None


@pytest.mark.parametrize(("symbol", "step"), [("AAPL", 37), ("TSLA", 601), ("NFLX", 601)])
def test_a_tail_of_the_warm_up_gives_the_last_row_of_the_whole_history(
    shared_data: Path, symbol: str, step: int
) -> None:
    """Six years of 15-minute bars with unadjusted splits: equal to the last bit, so within 1e-9 all the more."""
    history = read_bars(shared_data / "history" / "15min" / f"{symbol}.csv.gz")
    whole = indicators(history)
    ends = range(WARM_UP, len(history) + 1, step)
    tails = pl.concat(history.slice(end - WARM_UP, WARM_UP).with_columns(symbol=pl.lit(f"{end:06}")) for end in ends)
    newest = indicators(tails)[WARM_UP - 1 :: WARM_UP].with_columns(symbol=pl.lit("X"))
    assert len(newest) == len(ends)
    columns = ["date", "close", *REMEMBERED, "bars_used", "converged"]
    assert_frame_equal(newest.select(columns), whole[[end - 1 for end in ends]].select(columns), check_exact=True)


@pytest.mark.parametrize("entry", [entry for entry in CATALOGUE if entry.reach < ALL], ids=lambda entry: entry.name)
def test_a_tail_of_the_reach_gives_the_last_row_of_the_whole_history(entry: Indicator) -> None:
    """To the last bit for windows and for what forgets; a window a bar shorter would not do."""
    history = bars(walk(2400, step=0.003))
    daily = "intraday" not in entry.where
    names = [output.name for output in entry.outputs]
    whole = indicators(history, daily=daily).select(names)
    for end in range(1300, 2400, 53):
        tail = indicators(history.slice(end - entry.reach, entry.reach), daily=daily).select(names)
        assert_frame_equal(tail[-1], whole[end - 1], check_exact=True)


def test_what_adds_up_for_ever_is_known_from_the_first_bar_alone() -> None:
    history = bars(walk(1500))
    tail = indicators(history[-WARM_UP:])
    assert CUMULATIVE == ("obv",)
    assert tail["obv"][-1] != indicators(history)["obv"][-1]


@DIALECTS
def test_a_tail_of_real_bars_is_enough_in_both_dialects(shared_data: Path, dialect: str) -> None:
    history = read_bars(shared_data / "history" / "15min" / "TSLA.csv.gz")[:6000]
    whole = indicators(history, dialect=dialect).select(REMEMBERED)
    for end in range(WARM_UP, 6000, 499):
        tail = indicators(history.slice(end - WARM_UP, WARM_UP), dialect=dialect).select(REMEMBERED)
        assert_frame_equal(tail[-1], whole[end - 1], rel_tol=1e-12, abs_tol=0)


@pytest.mark.parametrize("still", [490, 505, 980, 1200])
def test_a_tail_is_enough_even_after_a_price_stood_still(still: int) -> None:
    """Also the other way: a tail that begins inside the stretch must not know less than the whole history."""
    moving = walk(300, seed=4)
    history = bars([*moving, *[moving[-1]] * still, *walk(60, seed=5, start=moving[-1])], spread=0.0)
    whole = indicators(history).drop(CUMULATIVE)
    for end in range(WARM_UP, len(history) + 1, 7):
        tail = indicators(history.slice(end - WARM_UP, WARM_UP)).drop(CUMULATIVE)
        assert_frame_equal(tail[-1], whole[end - 1], rel_tol=1e-9, abs_tol=1e-9)


def test_bars_used_counts_usable_bars_up_to_the_warm_up() -> None:
    closes: list[float | None] = [*walk(WARM_UP + 50)]
    closes[3] = None
    usable = [place != 5 for place in range(len(closes))]
    ours = indicators(bars(closes, usable=usable))
    assert ours["bars_used"][:8].to_list() == [1, 2, 3, 3, 4, 4, 5, 6]
    assert ours["bars_used"][-1] == ours["bars_used"].max() == WARM_UP
    assert ours["bars_used"][WARM_UP + 1] == WARM_UP
    assert ours["bars_used"][WARM_UP] == WARM_UP - 1
    assert ours["converged"].arg_true()[0] == CONVERGED_AT + 1


def test_series_do_not_run_into_each_other() -> None:
    one, two, three = bars(walk(60), symbol="A"), bars([None, None], symbol="B"), bars(walk(90, seed=2), symbol="C")
    four = bars(walk(40, seed=3), symbol="C", asset="index")
    together = indicators(pl.concat([one, two, three, four]))
    assert_frame_equal(together, pl.concat([indicators(each) for each in (one, two, three, four)]))


@pytest.mark.parametrize(
    "disordered",
    [
        pl.concat([bars([1.0], symbol="A"), bars([1.0], symbol="B"), bars([1.0], symbol="A")]),
        bars([1.0, 2.0]).reverse(),
        pl.concat([bars([1.0]), bars([1.0])]),
    ],
    ids=["split", "newest-first", "repeated"],
)
def test_bars_out_of_order_are_refused(disordered: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="out of order"):
        indicators(disordered)


CLOSE = st.one_of(
    st.floats(0.01, 1e5), st.floats(-1e12, 1e12).map(lambda price: round(price, 2)), st.sampled_from([1.0, 100.0])
)


def is_clean(frame: pl.DataFrame) -> bool:
    return frame.select(pl.all_horizontal(pl.col(pl.Float64).is_finite().all())).item() or False


@BOTH
@DIALECTS
@given(st.lists(CLOSE, max_size=60), st.integers(0, 300), st.integers(0, 2**32))
def test_a_skipped_bar_is_as_if_it_were_not_there(
    daily: bool, dialect: str, special: list[float], count: int, seed: int
) -> None:
    """Null, NaN, infinite and unusable bars are rows without indicators; the others are those of the series without."""
    closes = [*walk(count, seed=seed), *special]
    whole = bars(closes)
    chance = random.Random(seed)
    rows: list[float | None] = []
    usable: list[bool] = []
    of: list[int] = []
    for place, close in enumerate(closes):
        while chance.random() < 0.2:
            nothing, use = chance.choice([(None, True), (math.nan, True), (math.inf, True), (5.0, False)])
            rows.append(nothing)
            usable.append(use)
            of.append(place)
        rows.append(close)
        usable.append(True)
        of.append(place)
    kept = [use and row is not None and math.isfinite(row) for row, use in zip(rows, usable, strict=True)]
    sessions, volumes = (whole[name].gather(of).to_list() for name in ("session", "volume"))
    holed = bars(rows, usable=usable, sessions=sessions, volumes=volumes)
    ours = indicators(holed, daily=daily, dialect=dialect)
    names = values_of(daily=daily)
    assert is_clean(ours.select(names))
    expected = indicators(whole, daily=daily, dialect=dialect)
    assert_frame_equal(ours.filter(kept).drop("date"), expected.drop("date"), check_exact=True)
    skipped = ours.filter(pl.Series(kept, dtype=pl.Boolean).not_())
    assert sum(skipped.select(names).null_count().row(0)) == len(names) * len(skipped)


@BOTH
def test_a_bar_without_high_or_low_is_skipped_by_what_needs_them_alone(daily: bool) -> None:
    """Usable bars have all four prices; one that has not spoils nothing, neither itself nor what follows."""
    whole = bars(walk(400))
    row = pl.int_range(pl.len())
    holed = whole.with_columns(
        high=pl.when(row == 300).then(None).otherwise("high"), low=pl.when(row == 310).then(math.inf).otherwise("low")
    )
    ours, without = indicators(holed, daily=daily), indicators(whole.filter(~row.is_in([300, 310])), daily=daily)
    for entry in CATALOGUE:
        for name in (output.name for output in entry.outputs if output.name in ours.columns):
            if "high" in entry.inputs:
                assert ours[name][300] is ours[name][310] is None
                assert ours.filter(~row.is_in([300, 310]))[name].equals(without[name], null_equal=True), name
            else:
                assert ours[name].equals(indicators(whole, daily=daily)[name], null_equal=True), name


@pytest.mark.parametrize("count", [1, 5, 40])
@BOTH
def test_bars_without_any_price_have_rows_without_values(count: int, daily: bool) -> None:
    ours = indicators(bars([None] * count), daily=daily)
    assert ours.select("close", *values_of(daily=daily)).null_count().row(0) == (count,) * (
        1 + len(values_of(daily=daily))
    )
    assert ours["bars_used"].to_list() == [0] * count


@pytest.mark.parametrize("level", [1e12, -1e12])
def test_very_large_prices_have_indicators_as_precise_as_small_ones(level: float) -> None:
    small, large = indicators(bars(walk(300))), indicators(bars([price * level for price in walk(300)]))
    for name in ("sma_20", "ema_26", "bb_upper" if level > 0 else "bb_lower"):
        twin = "bb_upper" if name.startswith("bb") else name
        assert large[name][-1] == pytest.approx(small[twin][-1] * level, rel=1e-12)
    assert large["atr_14"][-1] == pytest.approx(small["atr_14"][-1] * abs(level), rel=1e-9)


@given(st.lists(CLOSE, max_size=80), st.integers(0, 2**32), st.data())
def test_nothing_looks_ahead(special: list[float], seed: int, data: st.DataObject) -> None:
    closes = [*walk(220, seed=seed), *special]
    count = data.draw(st.integers(0, len(closes)))
    for daily in (False, True):
        whole = indicators(bars(closes), daily=daily)
        assert_frame_equal(indicators(bars(closes[:count]), daily=daily), whole[:count], check_exact=True)


@given(
    st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60), st.integers(0, 2**32), st.sampled_from([0.5, 2.0, 64.0])
)
def test_twice_the_price_is_twice_the_indicators(special: list[float], seed: int, factor: float) -> None:
    """Powers of two are exact; ratios and RSI stay."""
    closes = [*walk(220, seed=seed), *special]
    for daily in (False, True):
        scaled = indicators(bars([close * factor for close in closes]), daily=daily)
        prices = [name for name in PRICES if name in scaled.columns]
        expected = indicators(bars(closes), daily=daily).with_columns(pl.col("close", *prices) * factor)
        assert_frame_equal(scaled, expected, rel_tol=1e-12, abs_tol=1e-12)


@given(st.lists(CLOSE, min_size=21, max_size=120))
def test_values_hold_together(closes: list[float]) -> None:
    """Bands lie about their middle and are as wide as two population deviations say."""
    ours = indicators(bars(closes))
    assert is_clean(ours.select(INTRADAY))
    assert ours.select((pl.col("bb_upper") >= pl.col("bb_lower")).all()).item()
    for name in ("rsi_14", "stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14"):
        assert ours[name].drop_nulls().is_between(0, 100 + 1e-9).all(), name
    assert (ours["atr_14"].drop_nulls() >= 0).all()
    window = closes[-20:]
    mean = math.fsum(window) / 20
    deviation = math.sqrt(math.fsum((close - mean) ** 2 for close in window) / 20)
    size = max(abs(close) for close in window)
    row = ours.row(-1, named=True)
    assert row["bb_upper"] == pytest.approx(mean + 2 * deviation, rel=1e-12, abs=size * 1e-13)
    assert row["bb_lower"] == pytest.approx(mean - 2 * deviation, rel=1e-12, abs=size * 1e-13)
    if min(window) == max(window):
        assert row["bb_upper"] == row["bb_lower"]


def test_what_was_computed_stays_whatever_is_computed_next() -> None:
    """The arrays in which it is computed are used again, the columns are not."""
    first = indicators(bars([100.0 + place for place in range(300)]))
    kept = first.clone()
    indicators(bars([5.0] * 300))
    assert_frame_equal(first, kept)
