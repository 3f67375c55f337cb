from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
import pytest

from openingbell.feeds import BY_NAME, REFERENCE_FEEDS, WHOLE_MARKET, Feed
from openingbell.landing import Ask, Manifest, Outcome
from openingbell.load.reference import NAMES
from openingbell.load.typing import Typed, type_rows
from openingbell.tables import REFERENCE_RAW

AT = datetime.fromisoformat("2026-11-01T03:30:00+00:00")
"""In New York it is still October."""
DAY = AT.date()


def typed(feed: Feed, *rows: Mapping[str, str | None], asked: str = WHOLE_MARKET) -> Typed:
    text = pl.DataFrame([{"symbol": asked, "answered_at": AT.isoformat(), **row} for row in rows])
    ask = Ask(asked, "stock", "XNYS", DAY, DAY, DAY, DAY, AT, 200, Outcome.ANSWERED, len(rows), 1)
    manifest = Manifest("a", feed.name, "fmp", "1day", "vendor", 0.0, AT, "a.csv", len(rows), 1, "x", (ask,))
    return type_rows(text, manifest)


def only(feed: str, row: Mapping[str, str | None], asked: str = WHOLE_MARKET) -> dict[str, object]:
    found = typed(BY_NAME[feed], row, asked=asked)
    assert found.quarantined.is_empty(), found.quarantined.to_dicts()
    facts = found.final.row(0, named=True)
    return {name: value for name, value in facts.items() if value is not None and name not in PROVENANCE}


PROVENANCE = ("load_id", "source_row", "extracted_at")


def test_every_feed_of_instruments_has_names() -> None:
    assert set(NAMES) == {feed.name for feed in REFERENCE_FEEDS}
    ours = {name for names in NAMES.values() for name in names}
    assert ours <= set(REFERENCE_RAW.names)


def test_a_profile() -> None:
    row = {"companyName": "Apple Inc.", "exchange": "NASDAQ", "currency": "USD", "sector": "Technology",
           "ipoDate": "1980-12-12", "isActivelyTrading": "true", "description": "…"}  # fmt: skip
    assert only("profile", row, asked="AAPL") == {
        "symbol": "AAPL", "kind": "profile", "date": date(2026, 10, 1), "name": "Apple Inc.", "exchange": "NASDAQ",
        "currency": "USD", "sector": "Technology", "since": date(1980, 12, 12), "is_active": True,
    }  # fmt: skip


def test_a_new_symbol() -> None:
    row = {"date": "2022-06-09", "companyName": "Meta Platforms, Inc.", "oldSymbol": "FB", "newSymbol": "META"}
    for feed in ("symbol_change", "new_symbol_change"):
        assert only(feed, row) == {
            "symbol": "FB", "kind": feed, "date": date(2022, 6, 9), "name": "Meta Platforms, Inc.",
            "other_symbol": "META",
        }  # fmt: skip


def test_a_delisting() -> None:
    row = {"symbol": "ALJJ", "companyName": "ALJ", "exchange": "NASDAQ", "ipoDate": "2016-05-12",
           "delistedDate": "2022-06-21"}  # fmt: skip
    assert only("delisted_companies", row) == {
        "symbol": "ALJJ", "kind": "delisted_companies", "date": date(2022, 6, 21), "name": "ALJ",
        "exchange": "NASDAQ", "since": date(2016, 5, 12),
    }  # fmt: skip


@pytest.mark.parametrize(("since", "wanted"), [("1957-03-04", date(1957, 3, 4)), ("", None), ("unknown", None)])
def test_a_member_of_an_index(since: str, wanted: date | None) -> None:
    row = {"symbol": "MMM", "name": "3M", "sector": "Industrials", "dateFirstAdded": since}
    assert only("sp500_constituent", row).get("since") == wanted


def test_a_change_of_an_index_in_which_nobody_joined_is_of_who_left() -> None:
    row = {"symbol": "", "addedSecurity": "", "removedTicker": "SBNY", "date": "2023-03-15"}
    assert only("historical_sp500_constituent", row) == {
        "symbol": "SBNY", "kind": "historical_sp500_constituent", "date": date(2023, 3, 15), "other_symbol": "SBNY",
    }  # fmt: skip


def test_what_names_no_symbol_or_no_day_goes_to_quarantine() -> None:
    found = typed(BY_NAME["symbol_change"], {"oldSymbol": None, "newSymbol": "B", "date": "2022-06-09"},
                  {"oldSymbol": "A", "newSymbol": "B", "date": "soon"})  # fmt: skip
    assert found.final.is_empty()
    assert found.quarantined["source_row"].to_list() == [1, 2]
