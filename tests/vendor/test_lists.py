"""What the simulated vendor says about instruments, in the vendor's own names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from openingbell.feeds import CONSTITUENTS, REFERENCE_FEEDS
from openingbell.listings import Rename
from openingbell.load.reference import NAMES
from openingbell.vendor.happenings import NOTHING, Delisting, Happenings, IndexChange
from openingbell.vendor.lists import JOINED, PATHS, SIMULATED_CONSTITUENTS, rows

ON = date(2026, 3, 11)
BEFORE, AFTER = date(2026, 3, 10), date(2026, 3, 12)
CLASSES = {"AAPL": "stock", "MSFT": "stock", "FB": "stock", "OLD": "stock", "^GSPC": "index", "GCUSD": "commodity"}
HAPPENINGS = Happenings(
    renames=(Rename("FB", "META", ON),),
    delistings=(Delisting("OLD", ON),),
    index_changes=(IndexChange("sp500", ON, joins="OLD", leaves="AAPL"),),
)


def said(path: str, today: date, symbol: str | None = None) -> list[dict[str, object]]:
    return rows(path, symbol, CLASSES, HAPPENINGS, today)


def test_every_answer_has_the_names_that_are_read() -> None:
    changes = tuple(IndexChange(index, ON, joins="OLD", leaves="AAPL") for index in CONSTITUENTS)
    happenings = replace(HAPPENINGS, index_changes=changes)
    for feed in REFERENCE_FEEDS:
        found = rows(feed.path, "AAPL" if feed.path == "profile" else None, CLASSES, happenings, AFTER)
        assert found, feed.name
        assert set(NAMES[feed.name].values()) <= set(found[0]), feed.name
    assert set(PATHS) == {feed.path for feed in REFERENCE_FEEDS}


@pytest.mark.parametrize(
    ("symbol", "today", "active"),
    [("AAPL", ON, [True]), ("FB", BEFORE, [True]), ("FB", ON, []), ("META", BEFORE, []), ("META", ON, [True]),
     ("OLD", ON, [True]), ("OLD", AFTER, [False]), ("^GSPC", ON, []), ("NOPE", ON, [])],
)  # fmt: skip
def test_a_profile_is_there_for_stocks_under_the_symbol_of_the_day(
    symbol: str, today: date, active: list[bool]
) -> None:
    found = said("profile", today, symbol)
    assert [row["isActivelyTrading"] for row in found] == active
    assert all(row["symbol"] == symbol for row in found)


def test_changes_and_ends_are_told_on_their_day_and_not_before() -> None:
    assert said("symbol-change", BEFORE) == said("delisted-companies", ON) == []
    (change,) = said("symbol-change", ON)
    assert (change["oldSymbol"], change["newSymbol"], change["date"]) == ("FB", "META", "2026-03-11")
    (end,) = said("delisted-companies", AFTER)
    assert (end["symbol"], end["delistedDate"]) == ("OLD", "2026-03-11")


def test_an_index_has_the_simulated_companies_that_the_market_knows() -> None:
    before = {row["symbol"]: row["dateFirstAdded"] for row in said("sp500-constituent", BEFORE)}
    assert before == dict.fromkeys([symbol for symbol in SIMULATED_CONSTITUENTS if symbol in CLASSES], JOINED)
    after = {row["symbol"]: row["dateFirstAdded"] for row in said("sp500-constituent", ON)}
    assert after == {**{symbol: day for symbol, day in before.items() if symbol != "AAPL"}, "OLD": "2026-03-11"}
    (change,) = said("historical-sp500-constituent", ON)
    assert (change["symbol"], change["removedTicker"], change["date"]) == ("OLD", "AAPL", "2026-03-11")
    assert said("historical-nasdaq-constituent", ON) == []


def test_lists_are_of_their_class() -> None:
    assert [row["symbol"] for row in said("index-list", ON)] == ["^GSPC"]
    assert [row["symbol"] for row in said("commodities-list", ON)] == ["GCUSD"]


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(ValueError, match="no endpoint of instruments is quote"):
        rows("quote", None, CLASSES, NOTHING, ON)
