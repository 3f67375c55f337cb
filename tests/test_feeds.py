"""The facts about each feed fit together, and fit what the vendor and the markets are known to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openingbell import feeds, sessions, tables
from openingbell.extract.plan import AHEAD, LATE
from openingbell.feeds import (
    BAR_FEEDS,
    BONDS,
    COMMODITIES,
    EOD,
    FEEDS,
    INDEXES,
    REFERENCE_FEEDS,
    STOCKS,
    TENORS,
    Feed,
    Kind,
    calendar_of,
)

BY_NAME = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


@BY_NAME
def test_a_feed_has_its_raw_and_its_analytics_table(feed: Feed) -> None:
    raw, table = tables.BY_NAME[feed.raw_table], tables.BY_NAME[feed.table]
    assert (raw.layer, raw.versioned, table.layer) == (tables.RAW, True, tables.ANALYTICS)


@BY_NAME
def test_a_feed_has_an_interval_and_a_calendar_that_sessions_know(feed: Feed) -> None:
    assert feed.bar_interval in {*sessions.MINUTES, sessions.DAILY}
    assert (feed.bar_interval == sessions.DAILY) == (feed.kind is not Kind.INTRADAY)
    assert sessions.opens_in_the_evening(feed.calendar) == (feed is COMMODITIES)


@BY_NAME
def test_the_path_of_an_intraday_feed_names_its_interval(feed: Feed) -> None:
    assert feed.path.endswith(feed.bar_interval) == (feed.kind is Kind.INTRADAY)


def test_names_are_found_by_name_and_asset_class() -> None:
    assert list(feeds.BY_NAME.values()) == list(FEEDS)
    assert set(feeds.BY_ASSET_CLASS) == {"stock", "index", "commodity", "bond"}
    assert all(feeds.BY_ASSET_CLASS[feed.asset_class] is feed for feed in BAR_FEEDS if feed is not EOD)


def test_actions_are_asked_before_the_bars_whose_meaning_they_change() -> None:
    kinds = [feed.kind for feed in FEEDS if not feed.has_grid]
    assert kinds == [Kind.REFERENCE] * len(REFERENCE_FEEDS) + [Kind.ACTIONS] * 4
    assert list(FEEDS[len(kinds) :]) == list(BAR_FEEDS)


def test_actions_come_by_symbol_and_for_the_whole_market_into_one_table() -> None:
    actions = [feed for feed in FEEDS if feed.kind is Kind.ACTIONS]
    assert {(feed.name, feed.path, feed.whole_market) for feed in actions} == {
        ("splits", "splits", False),
        ("dividends", "dividends", False),
        ("splits_calendar", "splits-calendar", True),
        ("dividends_calendar", "dividends-calendar", True),
    }
    assert {(feed.raw_table, feed.table, feed.calendar) for feed in actions} == {
        ("corporate_actions_raw", "corporate_actions", "XNYS")
    }
    assert not any(feed.whole_market for feed in BAR_FEEDS)


def test_the_span_of_a_calendar_s_request_comes_whole() -> None:
    """The vendor gives 90 days; what is asked also reaches back for the late and ahead for the early."""
    longest = max(feed.window_days for feed in FEEDS if feed.whole_market)
    assert timedelta(days=longest) + LATE + AHEAD <= timedelta(days=90)


def test_what_can_be_negative_may_be() -> None:
    """Oil settled at -37.63 on 2020-04-20 and bills have yielded less than nothing; shares cannot."""
    assert {feed.name for feed in FEEDS if not feed.prices_positive} == {"commodities", "bonds"}


def test_an_index_has_no_volume_to_miss() -> None:
    assert {feed.name for feed in FEEDS if not feed.volume_expected} == {"indexes"}


def test_yields_are_final_later_than_bars() -> None:
    assert BONDS.final_after == timedelta(hours=2)
    assert STOCKS.final_after == INDEXES.final_after == timedelta(0)


def test_the_tenors_are_the_twelve_of_the_treasury_in_order_of_length() -> None:
    months = [int(name.strip("monthyear")) * (12 if name.startswith("year") else 1) for name in TENORS]
    assert months == [1, 2, 3, 6, 12, 24, 36, 60, 84, 120, 240, 360]


@pytest.mark.parametrize(
    ("asset_class", "symbol", "calendar"),
    [
        ("commodity", "GCUSD", "CMEGlobex_GC"),
        ("commodity", "CLUSD", "CMEGlobex_CL"),
        ("commodity", "ZZUSD", "CMEGlobex_EnergyAndMetals"),
        ("stock", "AAPL", "XNYS"),
        ("index", "^GSPC", "XNYS"),
        ("index", "^VIX", "CBOE_VIX"),
        ("bond", "TREASURY", "SIFMA_US"),
    ],
)
def test_a_symbol_has_its_own_calendar_else_its_feeds(asset_class: str, symbol: str, calendar: str) -> None:
    assert calendar_of(asset_class, symbol) == calendar
