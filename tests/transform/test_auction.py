"""The closing auction: folded into the session's last bar, kept apart, or dropped."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from openingbell.config import AuctionPolicy
from openingbell.transform.auction import with_auction

LAST, CLOSE = "2024-01-03 15:45", "2024-01-03 16:00"
Facts = dict[str, object]


def bar(start: str, close: float | None, volume: float | None = 100.0, **changes: object) -> Facts:
    """A bar of X on a day that closes at 16:00 in New York, in winter."""
    at = datetime.fromisoformat(start)
    shown = {"symbol": "X", "date": at, "date_utc": at + timedelta(hours=5), "session": at.date(),
             "close_utc": datetime(at.year, at.month, at.day, 21), "open": close, "high": close, "low": close,
             "close": close, "volume": volume, "flags": [], "is_error": False}  # fmt: skip
    if start == CLOSE:
        shown["flags"] = ["V12"]
    return {**shown, **changes}


def result(policy: AuctionPolicy, *bars: Facts) -> list[tuple[object, ...]]:
    """Time, high, low, close, volume and flags of each bar that is left."""
    rows = pl.DataFrame(bars, schema_overrides={"flags": pl.List(pl.String), "volume": pl.Float64, "close": pl.Float64})
    made = with_auction(rows, policy)
    assert made.schema == rows.schema
    columns = (pl.col("date").dt.strftime("%H:%M"), "high", "low", "close", "volume", pl.col("flags").list.join(","))
    return made.sort("symbol", "date").select(columns).rows()


@pytest.mark.parametrize(("price", "high", "low"), [(12.0, 12.0, 10.0), (8.0, 10.0, 8.0), (10.0, 10.0, 10.0)])
def test_folded_in_it_is_the_session_s_close(price: float, high: float, low: float) -> None:
    """Its price may raise the high or lower the low, its volume is added, and the bar says so."""
    made = result("fold", bar("2024-01-03 15:30", 9.0), bar(LAST, 10.0), bar(CLOSE, price, 50.0))
    assert made == [("15:30", 9.0, 9.0, 9.0, 100.0, ""), ("15:45", high, low, price, 150.0, "V12F")]


@pytest.mark.parametrize(("volume", "auction", "total"), [(None, 50.0, 50.0), (100.0, None, 100.0), (None, None, None)])
def test_a_volume_that_is_missing_adds_nothing(
    volume: float | None, auction: float | None, total: float | None
) -> None:
    ((*_, found, _flags),) = result("fold", bar(LAST, 10.0, volume), bar(CLOSE, 10.0, auction))
    assert found == total


def test_kept_apart_it_is_named_and_dropped_it_is_gone() -> None:
    both = bar(LAST, 10.0), bar(CLOSE, 12.0, 50.0)
    last = ("15:45", 10.0, 10.0, 10.0, 100.0, "")
    assert result("keep", *both) == [last, ("16:00", 12.0, 12.0, 12.0, 50.0, "V12A")]
    assert result("drop", *both) == [last]


@pytest.mark.parametrize("policy", ["fold", "keep", "drop"])
def test_where_there_is_none_nothing_changes(policy: AuctionPolicy) -> None:
    """Nor where the day has no session: there is no close to start at."""
    rows = bar(LAST, 10.0), bar("2024-01-06 16:00", 10.0, close_utc=None)
    assert len(result(policy, *rows)) == 2
    assert result(policy, bar(LAST, 10.0)) == [("15:45", 10.0, 10.0, 10.0, 100.0, "")]


@pytest.mark.parametrize("wrong", [0, 1])
def test_one_that_fails_a_check_or_would_fold_into_one_stays_apart(wrong: int) -> None:
    both = [bar(LAST, 10.0), bar(CLOSE, 12.0)]
    both[wrong] |= {"is_error": True, "flags": ["V2"] if wrong == 0 else ["V2", "V12"]}
    assert [row[-1] for row in result("fold", *both)] == (["V2", "V12A"] if wrong == 0 else ["", "V2,V12A"])


def test_alone_in_its_session_it_stays_a_bar() -> None:
    """The bar of the day before, or of another symbol, is not its session's last."""
    others = bar("2024-01-02 15:45", 9.0), bar(LAST, 11.0, symbol="Y")
    made = result("fold", *others, bar(CLOSE, 12.0))
    assert [(row[0], row[-1]) for row in made] == [("15:45", ""), ("16:00", "V12A"), ("15:45", "")]


def test_bars_after_the_close_are_no_auction_and_take_none() -> None:
    made = result("fold", bar(LAST, 10.0), bar(CLOSE, 12.0), bar("2024-01-03 16:15", 13.0, flags=["V12"]))
    assert [(row[0], row[-1]) for row in made] == [("15:45", "V12F"), ("16:15", "V12")]


def test_a_half_day_closes_at_one() -> None:
    close = datetime(2024, 7, 3, 18)
    noon = bar("2024-07-03 12:45", 10.0, close_utc=close, date_utc=close - timedelta(minutes=15))
    made = result("fold", noon, bar("2024-07-03 13:00", 11.0, close_utc=close, date_utc=close, flags=["V12"]))
    assert made == [("12:45", 11.0, 10.0, 11.0, 200.0, "V12F")]
