"""Indicators against a published sheet, against definitions written out longhand, and against themselves."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import gzip
import math
import random
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell.tables import INDICATOR_COLUMNS, TECHNICAL_INDICATORS
from openingbell.transform.indicators import CONVERGED_AT, WARM_UP, indicators

DOCS = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"
START = datetime(2020, 1, 1)
PRICES = ("sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "macd_line", "macd_signal", "macd_histogram",
          "bb_upper", "bb_middle", "bb_lower")  # fmt: skip
PURE = ("rsi_14", "bb_width", "bb_position")
VALUES = (*PRICES, *PURE)
FIRST_VALUE_AT = {
    "sma_20": 20, "sma_50": 50, "sma_200": 200, "ema_12": 12, "ema_26": 26, "macd_line": 26, "macd_signal": 34,
    "macd_histogram": 34, "rsi_14": 15, "bb_upper": 20, "bb_middle": 20, "bb_lower": 20, "bb_width": 20,
    "bb_position": 20,
}  # fmt: skip


def bars(
    closes: Sequence[float | None], *, symbol: str = "X", usable: Sequence[bool] | None = None, asset: str = "stock"
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "asset_class": [asset] * len(closes),
            "symbol": [symbol] * len(closes),
            "date": [START + timedelta(minutes=15 * place) for place in range(len(closes))],
            "close": list(closes),
            "usable": [True] * len(closes) if usable is None else list(usable),
        },
        schema={
            "asset_class": pl.String,
            "symbol": pl.String,
            "date": pl.Datetime("us"),
            "close": pl.Float64,
            "usable": pl.Boolean,
        },
    )


def walk(count: int, *, seed: int = 7, start: float = 100.0, step: float = 0.01) -> list[float]:
    """A price path that never stands still."""
    chance = random.Random(seed)
    closes = [start]
    while len(closes) < count:
        closes.append(closes[-1] * math.exp(chance.gauss(0, step)))
    return closes[:count]


def read_closes(path: Path) -> list[float]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    closes = pl.read_csv(content, try_parse_dates=True).sort("date")["close"].cast(pl.Float64)
    return [float(close) for close in closes]


def test_every_row_of_the_published_sheet(shared_data: Path) -> None:
    """502 days of SPY, computed in a spreadsheet: the same nulls, and values within 1e-9."""
    sheet = pl.read_csv(shared_data / "answers" / "spy_daily_502.csv", infer_schema_length=None)
    ours = indicators(bars(sheet["close"].to_list()))
    published = {"sma_20": "sma20", "bb_middle": "sma20", "ema_12": "ema12", "ema_26": "ema26", "macd_line": "macd",
                 "macd_signal": "macd_signal", "macd_histogram": "macd_hist", "rsi_14": "rsi14",
                 "bb_upper": "bb_upper", "bb_lower": "bb_lower"}  # fmt: skip
    for name, column in published.items():
        assert ours[name].is_null().to_list() == sheet[column].is_null().to_list(), name
        for mine, theirs in zip(ours[name].drop_nulls(), sheet[column].drop_nulls(), strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-9), name
    upper, lower, middle = sheet["bb_upper"], sheet["bb_lower"], sheet["sma20"]
    width, position = (upper - lower) / middle * 100, (sheet["close"] - lower) / (upper - lower)
    for name, expected in (("bb_width", width), ("bb_position", position)):
        for mine, theirs in zip(ours[name], expected, strict=True):
            assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-9, abs=1e-9)), name


def test_the_long_means_are_means(shared_data: Path) -> None:
    closes = read_closes(shared_data / "answers" / "sp500_daily_1999_2020.csv")[:1000]
    ours = indicators(bars(closes))
    for row in (199, 200, 731, 999):
        for name, count in (("sma_20", 20), ("sma_50", 50), ("sma_200", 200)):
            assert ours[name][row] == pytest.approx(math.fsum(closes[row - count + 1 : row + 1]) / count, rel=1e-14)


def test_the_columns_are_the_tables() -> None:
    assert dict(indicators(bars(walk(30))).schema) == dict(TECHNICAL_INDICATORS.schema)
    assert dict(indicators(bars([])).schema) == dict(TECHNICAL_INDICATORS.schema)
    TECHNICAL_INDICATORS.conform(indicators(bars([1.0, None, math.nan], usable=[False, True, True])))


def test_the_first_value_of_each_indicator_is_where_it_is_documented() -> None:
    ours = indicators(bars(walk(250)))
    assert {name: ours[name].null_count() + 1 for name in VALUES} == FIRST_VALUE_AT


@pytest.mark.parametrize("count", range(36))
def test_a_short_series_has_what_its_length_allows(count: int) -> None:
    ours = indicators(bars(walk(count)))
    assert len(ours) == count
    for name in VALUES:
        assert ours[name].count() == max(count - FIRST_VALUE_AT[name] + 1, 0), name


def last(closes: Sequence[float | None]) -> dict[str, float | None]:
    return indicators(bars(closes)).select(VALUES).row(-1, named=True)


@pytest.mark.parametrize("level", [0.0001, 0.1, 123.457, 1e12, -37.63, 0.0])
def test_a_price_that_never_moves(level: float) -> None:
    row = last([level] * 300)
    for name in ("sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "bb_upper", "bb_middle", "bb_lower"):
        assert row[name] == pytest.approx(level, rel=1e-12)
    assert row["macd_line"] == pytest.approx(0, abs=abs(level) * 1e-12)
    assert row["bb_upper"] == row["bb_lower"]
    assert row["bb_width"] == (0.0 if level else None)
    assert row["bb_position"] is None
    assert row["rsi_14"] is None


@pytest.mark.parametrize("level", [0.07, 97.31, 31_234.56, 1e9])
def test_bands_close_exactly_when_a_moving_price_stops(level: float) -> None:
    for seed in range(40):
        row = last([*walk(150, seed=seed, start=level * (seed + 1) / 7, step=0.05), *[level] * 20])
        assert (row["bb_width"], row["bb_position"]) == (0.0, None)
        assert row["bb_middle"] == pytest.approx(level, rel=1e-15)


def test_rsi_at_its_ends() -> None:
    """Only gains 100, only losses 0, nothing at all null; a price that stops keeps its RSI for less than 500 bars."""
    rising = [100.0 + step for step in range(40)]
    assert last(rising)["rsi_14"] == 100.0
    assert last(rising[::-1])["rsi_14"] == 0.0
    assert last([50.0] * 15)["rsi_14"] is None
    assert last([*rising[::-1], *[100.0] * 20])["rsi_14"] == 0.0
    assert last([*walk(40), *[100.0] * 500])["rsi_14"] is not None
    assert last([*walk(40), *[100.0] * 501])["rsi_14"] is None
    assert last([*walk(40), *[100.0] * 600, 99.0])["rsi_14"] == pytest.approx(0, abs=1e-9)


def test_negative_prices_have_indicators() -> None:
    """The bands of a negative price have a negative width, as the definition says."""
    row = last([-price for price in walk(300)])
    mirrored = last(walk(300))
    for name in PRICES:
        twin = {"bb_upper": "bb_lower", "bb_lower": "bb_upper"}.get(name, name)
        assert row[name] == pytest.approx(-(mirrored[twin] or 0), rel=1e-12)
    assert row["rsi_14"] == pytest.approx(100 - (mirrored["rsi_14"] or 0))
    assert row["bb_width"] == pytest.approx(-(mirrored["bb_width"] or 0))


@pytest.mark.parametrize(("symbol", "step"), [("AAPL", 37), ("TSLA", 601), ("NFLX", 601)])
def test_a_tail_of_the_warm_up_gives_the_last_row_of_the_whole_history(
    shared_data: Path, symbol: str, step: int
) -> None:
    """Six years of 15-minute bars with unadjusted splits: equal to the last bit, so within 1e-9 all the more."""
    history = bars(read_closes(shared_data / "history" / "15min" / f"{symbol}.csv.gz"))
    whole = indicators(history)
    ends = range(WARM_UP, len(history) + 1, step)
    tails = pl.concat(history.slice(end - WARM_UP, WARM_UP).with_columns(symbol=pl.lit(f"{end:06}")) for end in ends)
    newest = indicators(tails)[WARM_UP - 1 :: WARM_UP].with_columns(symbol=pl.lit("X"))
    assert len(newest) == len(ends)
    assert_frame_equal(newest, whole[[end - 1 for end in ends]], check_exact=True)


@pytest.mark.parametrize("still", [490, 505, 980, 1200])
def test_a_tail_is_enough_even_after_a_price_stood_still(still: int) -> None:
    """Also the other way: a tail that begins inside the stretch must not know less than the whole history."""
    moving = walk(300, seed=4)
    history = bars([*moving, *[moving[-1]] * still, *walk(60, seed=5, start=moving[-1])])
    whole = indicators(history)
    for end in range(WARM_UP, len(history) + 1, 7):
        tail = indicators(history.slice(end - WARM_UP, WARM_UP))
        assert_frame_equal(tail[-1], whole[end - 1], rel_tol=1e-9, abs_tol=1e-9)


def wilder(closes: Sequence[float], first: int) -> list[tuple[float, float]]:
    """Smoothed gains and losses of a series that begins at `first`, by bar from its seed on."""
    moves = [after - before for before, after in zip(closes[first:], closes[first + 1 :], strict=False)]
    gain = sum(max(move, 0.0) for move in moves[:14]) / 14
    loss = sum(max(-move, 0.0) for move in moves[:14]) / 14
    out = [(gain, loss)]
    for move in moves[14:]:
        gain, loss = (gain * 13 + max(move, 0.0)) / 14, (loss * 13 + max(-move, 0.0)) / 14
        out.append((gain, loss))
    return out


def test_converged_values_have_forgotten_their_seed(shared_data: Path) -> None:
    """At the first converged bar of a tail, what is left is at most 1e-4 of what the seeds were wrong by."""
    closes = read_closes(shared_data / "answers" / "sp500_daily_1999_2020.csv")
    whole = indicators(bars(closes))
    for first in range(500, 5000, 131):
        tail = indicators(bars(closes[first : first + CONVERGED_AT]))
        assert tail["converged"].to_list() == [False] * (CONVERGED_AT - 1) + [True]
        row = first + CONVERGED_AT - 1
        worst = {}
        for name, seeded_at in (("ema_12", 12), ("ema_26", 26), ("macd_signal", 34)):
            worst[name] = abs(tail[name][seeded_at - 1] - whole[name][first + seeded_at - 1])
            assert abs(tail[name][-1] - whole[name][row]) <= 1e-4 * max(worst.values()) * 1.001, name
        (gain, loss), (true_gain, true_loss) = wilder(closes, first)[0], wilder(closes, 0)[first]
        left = (abs(gain - true_gain) + abs(loss - true_loss)) * 1e-4
        now_gain, now_loss = wilder(closes, 0)[row - 14]
        bound = 100 * left / (now_gain + now_loss - left)
        assert abs(tail["rsi_14"][-1] - whole["rsi_14"][row]) <= bound
    for name in ("ema_12", "ema_26", "macd_signal", "rsi_14"):
        assert tail[name][-1] == pytest.approx(whole[name][row], rel=1e-3)


def test_convergence_is_not_promised_a_bar_too_late_or_too_early() -> None:
    """The seed's weight in the signal, measured by moving the closes of the seed alone, crosses 1e-4 there.

    Raising the first close by 26 raises the seed of ema_26 by 1 and, twelve bars later, that of ema_12 by 26 / 12,
    of which next to nothing is left after 140 bars.
    """
    closes = [1000.0] * 200
    lifted = [1026.0, *closes[1:]]
    left = [
        abs(a - b)
        for a, b in zip(indicators(bars(lifted))["macd_signal"], indicators(bars(closes))["macd_signal"], strict=True)
        if a is not None
    ]
    weights = dict(enumerate(left, start=34))
    assert weights[CONVERGED_AT] < 1e-4 <= weights[CONVERGED_AT - 1]
    assert CONVERGED_AT == 151


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
    return not frame.select(pl.any_horizontal(pl.col(VALUES).is_nan().any() | pl.col("close").is_nan().any())).item()


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(CLOSE, max_size=60), st.integers(0, 300), st.integers(0, 2**32))
def test_a_skipped_bar_is_as_if_it_were_not_there(special: list[float], count: int, seed: int) -> None:
    """Null, NaN, infinite and unusable bars are rows without indicators; the others are those of the series without."""
    closes = [*walk(count, seed=seed), *special]
    chance = random.Random(seed)
    rows: list[float | None] = []
    usable: list[bool] = []
    for close in closes:
        while chance.random() < 0.2:
            nothing, use = chance.choice([(None, True), (math.nan, True), (math.inf, True), (5.0, False)])
            rows.append(nothing)
            usable.append(use)
        rows.append(close)
        usable.append(True)
    kept = [use and row is not None and math.isfinite(row) for row, use in zip(rows, usable, strict=True)]
    ours = indicators(bars(rows, usable=usable))
    assert is_clean(ours)
    assert_frame_equal(ours.filter(kept).drop("date"), indicators(bars(closes)).drop("date"), check_exact=True)
    skipped = ours.filter(pl.Series(kept, dtype=pl.Boolean).not_())
    assert sum(skipped.select(VALUES).null_count().row(0)) == len(VALUES) * len(skipped)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(CLOSE, max_size=80), st.integers(0, 2**32), st.data())
def test_nothing_looks_ahead(special: list[float], seed: int, data: st.DataObject) -> None:
    closes = [*walk(220, seed=seed), *special]
    count = data.draw(st.integers(0, len(closes)))
    assert_frame_equal(indicators(bars(closes[:count])), indicators(bars(closes))[:count], check_exact=True)


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60), st.integers(0, 2**32), st.sampled_from([0.5, 2.0, 64.0])
)
def test_twice_the_price_is_twice_the_indicators(special: list[float], seed: int, factor: float) -> None:
    """Powers of two are exact; ratios and RSI stay."""
    closes = [*walk(220, seed=seed), *special]
    scaled = indicators(bars([close * factor for close in closes]))
    expected = indicators(bars(closes)).with_columns(pl.col("close", *PRICES) * factor)
    assert_frame_equal(scaled, expected, rel_tol=1e-12, abs_tol=1e-12)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(CLOSE, min_size=21, max_size=120))
def test_values_hold_together(closes: list[float]) -> None:
    """Bands lie about their middle and are as wide as two population deviations say."""
    ours = indicators(bars(closes))
    assert is_clean(ours)
    assert ours.select((pl.col("bb_upper") >= pl.col("bb_lower")).all()).item()
    assert ours["rsi_14"].drop_nulls().is_between(0, 100).all()
    window = closes[-20:]
    mean = math.fsum(window) / 20
    deviation = math.sqrt(math.fsum((close - mean) ** 2 for close in window) / 20)
    size = max(abs(close) for close in window)
    row = ours.row(-1, named=True)
    assert row["bb_upper"] == pytest.approx(mean + 2 * deviation, rel=1e-12, abs=size * 1e-13)
    assert row["bb_lower"] == pytest.approx(mean - 2 * deviation, rel=1e-12, abs=size * 1e-13)
    if min(window) == max(window):
        assert row["bb_upper"] == row["bb_lower"]


def test_the_documented_indicators_are_the_columns() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    rows = [re.findall(r"`(\w+)`", line)[0] for line in lines if line.startswith("| `")]
    assert rows == [column.name for column in INDICATOR_COLUMNS]


@pytest.mark.parametrize("name", VALUES)
def test_the_documented_warm_up_is_the_measured_one(name: str) -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    [row] = [line for line in lines if line.startswith(f"| `{name}`")]
    assert row.split("|")[4].strip() == str(FIRST_VALUE_AT[name])
