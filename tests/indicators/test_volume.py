"""On-balance volume and session VWAP, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from openingbell.indicators import indicators
from tests.indicators.frames import START, bars, walk


def test_obv_adds_what_rose_and_takes_what_fell() -> None:
    """Equal closes count nothing, a bar without a volume has none, and the first bar with a volume begins at 0."""
    closes = [10.0, 11.0, 11.0, 12.0, 11.5, 13.0, 12.0]
    volumes = [None, 500, 70, 100, 30, None, 9]
    assert indicators(bars(closes, volumes=volumes))["obv"].to_list() == [None, 0, 0, 100, 70, None, 61]
    talib = indicators(bars(closes, volumes=volumes), dialect="talib")
    assert talib["obv"].to_list() == [None, 500, 500, 600, 570, None, 561]


def test_obv_compares_with_the_usable_bar_before() -> None:
    frame = bars([10.0, 50.0, 11.0], usable=[True, False, True], volumes=[5, 6, 7])
    assert indicators(frame)["obv"].to_list() == [0, None, 7]


@pytest.mark.parametrize("dialect", ["standard", "talib"])
def test_without_any_volume_there_is_no_obv_and_no_vwap(dialect: str) -> None:
    ours = indicators(bars(walk(30), volumes=[None] * 30), dialect=dialect)
    assert ours["obv"].null_count() == ours["vwap_session"].null_count() == 30


def test_vwap_is_by_session_and_weighs_by_volume() -> None:
    """Half days are shorter; without a volume so far there is none; a bar without one carries the session's on."""
    days = [START.date() + timedelta(days=number) for number in (0, 0, 0, 1, 1, 2, 2, 2, 2)]
    closes = [10.0, 12.0, 20.0, 30.0, 40.0, 5.0, 6.0, 7.0, 8.0]
    volumes = [1, 3, None, 2, 2, 0, None, 4, 4]
    ours = indicators(bars(closes, sessions=days, volumes=volumes, spread=0.0))
    assert ours["vwap_session"].to_list() == [10, 11.5, 11.5, 30, 35, None, None, 7, 7.5]


def test_vwap_takes_the_mean_of_high_low_and_close() -> None:
    frame = bars([10.0, 10.0], volumes=[1, 1]).with_columns(high=pl.Series([13.0, 16.0]), low=pl.Series([10.0, 7.0]))
    assert indicators(frame)["vwap_session"].to_list() == [11, 11]


def test_vwap_knows_nothing_of_other_sessions() -> None:
    """Bit for bit: the sums of a session begin with it, whatever was before."""
    sessions = [date(2020, 1, 1) + timedelta(days=place // 26) for place in range(26 * 40)]
    frame = bars(walk(26 * 40), sessions=sessions, volumes=[place * 7919 % 1_000_003 for place in range(26 * 40)])
    whole = indicators(frame)["vwap_session"]
    for day in range(0, 40, 7):
        assert indicators(frame[day * 26 : day * 26 + 26])["vwap_session"].to_list() == whole[day * 26 :][:26].to_list()
