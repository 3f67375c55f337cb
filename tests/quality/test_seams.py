"""Opening gaps like a split that nobody told of are named, and actions that are of no use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell import tables
from openingbell.quality.seams import RATIOS, gaps, useless_actions
from openingbell.tables import QUALITY_LOG

MONDAY = date(2024, 5, 6)
NO_ACTIONS = tables.CORPORATE_ACTIONS.empty()


def days_of(closes: Sequence[float], opens: Sequence[float] | None = None, *, symbol: str = "AAPL") -> pl.DataFrame:
    """One bar a session; by default each opens where the one before closed."""
    starts = [closes[0], *closes[:-1]] if opens is None else opens
    days = [MONDAY + timedelta(days=place) for place in range(len(closes))]
    return pl.DataFrame(
        {
            "symbol": symbol,
            "date": [datetime.combine(day, time(9, 30)) for day in days],
            "session": days,
            "open": starts,
            "close": closes,
            "volume": [1000] * len(closes),
            "dq_flags": "",
        },
        schema_overrides={"volume": pl.Int64, "open": pl.Float64, "close": pl.Float64},
    )


def action(
    state: str, *, symbol: str = "AAPL", day: int = 1, ratio: tuple[float | None, float | None] = (4.0, 1.0)
) -> pl.DataFrame:
    row = {
        "symbol": symbol, "ex_date": MONDAY + timedelta(days=day), "kind": "split", "numerator": ratio[0],
        "denominator": ratio[1], "amount": None, "state": state, "vendor_adjusted_at": None, "load_id": "x",
        "source_row": 1,
    }  # fmt: skip
    return pl.DataFrame([row], schema=tables.CORPORATE_ACTIONS.schema)


def found(bars: pl.DataFrame, actions: pl.DataFrame = NO_ACTIONS) -> list[tuple[str, date, str]]:
    return list(gaps("stock_data", bars, actions).select("symbol", "date", "severity").iter_rows())


@pytest.mark.parametrize(("name", "ratio"), RATIOS.items())
def test_every_ratio_is_named_as_far_as_three_percent_from_it(name: str, ratio: float) -> None:
    for off in (0.972, 1.0, 1.028):
        named = gaps("stock_data", days_of([100.0, 100.0], [100.0, 100.0 / (ratio * off)]), NO_ACTIONS)
        assert named["message"].str.contains(f"a split of {name};").to_list() == [True]
        assert named["status"].to_list() == ["FAIL"]
    for off in (0.965, 1.036):
        assert found(days_of([100.0, 100.0], [100.0, 100.0 / (ratio * off)])) == []


@given(st.lists(st.floats(-0.25, 0.25), min_size=1, max_size=30))
def test_genuine_moves_of_a_quarter_are_no_split(moves: list[float]) -> None:
    closes = [100.0]
    for move in moves:
        closes.append(closes[-1] * (1 + move))
    assert found(days_of(closes[:-1] or closes, [closes[0], *closes[1:-1]])) == []


def test_a_gap_of_which_a_split_is_known_is_information() -> None:
    bars = days_of([100.0, 25.0], [100.0, 25.0])
    assert found(bars) == [("AAPL", MONDAY + timedelta(days=1), "error")]
    assert found(bars, action("contradicted")) == [("AAPL", MONDAY + timedelta(days=1), "information")]
    assert found(bars, action("applied", symbol="MSFT")) == [("AAPL", MONDAY + timedelta(days=1), "error")]
    assert found(bars, action("applied", day=0)) == [("AAPL", MONDAY + timedelta(days=1), "error")]


def test_volume_is_told_and_decides_nothing() -> None:
    quiet = days_of([100.0, 25.0], [100.0, 25.0])
    silent = quiet.with_columns(volume=pl.lit(None, pl.Int64))
    assert "volume 1.0 times that" in gaps("stock_data", quiet, NO_ACTIONS)["message"][0]
    assert "volume ? times that" in gaps("stock_data", silent, NO_ACTIONS)["message"][0]


def test_symbols_are_apart_and_broken_bars_compare_with_nothing() -> None:
    other = days_of([25.0, 25.0], symbol="MSFT")
    assert found(pl.concat([days_of([100.0, 100.0]), other])) == []
    broken = days_of([100.0, 25.0], [100.0, 25.0]).with_columns(
        dq_flags=pl.when(pl.col("session") == MONDAY).then(pl.lit("V4")).otherwise(pl.lit(""))
    )
    assert found(broken) == []


def test_a_session_opens_with_its_first_bar_and_closes_with_its_last() -> None:
    first, second = days_of([100.0, 400.0]), days_of([100.0, 400.0])
    later = second.with_columns(pl.col("date") + timedelta(minutes=15), open=pl.col("close"))
    assert found(pl.concat([later, first.with_columns(open=pl.lit(100.0))])) == []


def test_nothing_is_found_in_nothing_and_prices_of_zero_have_no_ratio() -> None:
    empty = gaps("stock_data", days_of([1.0]).clear(), NO_ACTIONS)
    assert empty.is_empty()
    assert empty.columns == [name for name in QUALITY_LOG.names if name != "run_id"]
    assert found(days_of([0.0, 1.0, -1.0], [0.0, 0.0, 1.0])) == []


def test_actions_without_a_ratio_or_against_the_prices_are_named() -> None:
    actions = pl.concat(
        [
            action("invalid", ratio=(1.0, 0.0)),
            action("contradicted", symbol="MSFT"),
            action("applied", symbol="TSLA"),
            action("invalid", symbol="NFLX", ratio=(None, 1.0)),
        ]
    )
    named = useless_actions(actions)
    assert dict(named.select("symbol", "message").iter_rows()) == {
        "AAPL": "the split 1.0:0.0 is no ratio; it is not applied",
        "MSFT": "the split 4.0:1.0 is not seen in the prices; it is not applied",
        "NFLX": "the split ?:1.0 is no ratio; it is not applied",
    }
    assert set(named["status"]) == {"FAIL"}


def test_on_bars_as_traded_exactly_the_three_splits_are_named(shared_data: Path) -> None:
    """AAPL 4:1, TSLA 5:1 and 3:1 in six years; nothing for NFLX, which fell by a third overnight twice."""
    parts = [
        pl.read_csv(shared_data / "history" / "15min" / f"{symbol}.csv.gz", try_parse_dates=True).select(
            pl.lit(symbol).alias("symbol"),
            pl.col("date").cast(pl.Datetime("us")),
            pl.col("date").cast(pl.Date).alias("session"),
            pl.col("open", "close", "volume").cast(pl.Float64),
            pl.lit("").alias("dq_flags"),
        )
        for symbol in ("AAPL", "TSLA", "NFLX")
    ]
    assert sorted(found(pl.concat(parts))) == [
        ("AAPL", date(2020, 8, 31), "error"),
        ("TSLA", date(2020, 8, 31), "error"),
        ("TSLA", date(2022, 8, 25), "error"),
    ]
