"""What the simulated vendor says about instruments: profiles, lists, changes, members of indexes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from openingbell.feeds import (
    COMMODITIES_LIST,
    CONSTITUENT_CHANGES,
    CONSTITUENTS,
    DELISTED,
    INDEX_LIST,
    PROFILE,
    REFERENCE_FEEDS,
    SYMBOL_CHANGE,
)
from openingbell.vendor.happenings import NOBODY, Happenings
from openingbell.vendor.profiles import PROFILES

Row = dict[str, object]

PATHS = tuple(dict.fromkeys(feed.path for feed in REFERENCE_FEEDS))
PROFILE_PATH = PROFILE.path
NO_COMPANIES = ("", "metals", "fuels")
SIMULATED_CONSTITUENTS = tuple(symbol for symbol, profile in PROFILES.items() if profile.sector not in NO_COMPANIES)
"""The first members of every simulated index, as far as the market knows them."""
FOUNDED, JOINED = "1990-01-02", "2000-01-03"
"""Every simulated company is listed and a member of its index since then."""


def rows(path: str, symbol: str | None, classes: Mapping[str, str], happenings: Happenings, today: date) -> list[Row]:
    """The rows of an endpoint today.

    Args:
        path: one of `PATHS`.
        symbol: what a profile is asked of; None of all else.
        classes: asset class by symbol of the market.
        happenings: what happens to them.
        today: the day in New York.
    """
    if path == PROFILE.path:
        return _profile(symbol or "", classes, happenings, today)
    if path in (INDEX_LIST.path, COMMODITIES_LIST.path):
        asset_class = "index" if path == INDEX_LIST.path else "commodity"
        exchange = "INDEX" if asset_class == "index" else None
        return [
            {"symbol": name, "name": f"{name} (simulated)", "exchange": exchange, "currency": "USD"}
            for name, of in classes.items()
            if of == asset_class
        ]
    if path == SYMBOL_CHANGE.path:
        told = [one for one in happenings.renames if one.on <= today]
        return [
            {"date": f"{one.on}", "companyName": _name(one.becomes), "oldSymbol": one.symbol, "newSymbol": one.becomes}
            for one in sorted(told, key=lambda one: one.on, reverse=True)
        ]
    if path == DELISTED.path:
        gone = [one for one in happenings.delistings if one.on < today]
        return [
            {"symbol": one.symbol, "companyName": _name(one.symbol), "exchange": "NYSE", "ipoDate": FOUNDED,
             "delistedDate": f"{one.on}"}
            for one in sorted(gone, key=lambda one: one.on, reverse=True)
        ]  # fmt: skip
    for index, feed in CONSTITUENTS.items():
        if path == feed.path:
            return _members(index, classes, happenings, today)
        if path == CONSTITUENT_CHANGES[index].path:
            return _changes(index, happenings, today)
    raise ValueError(f"no endpoint of instruments is {path}")


def _profile(symbol: str, classes: Mapping[str, str], happenings: Happenings, today: date) -> list[Row]:
    known, _ = happenings.as_known(symbol, today, today)
    if known == NOBODY or classes.get(known) != "stock":
        return []
    return [
        {
            "symbol": symbol,
            "companyName": _name(symbol),
            "currency": "USD",
            "exchangeFullName": "Simulated Stock Exchange",
            "exchange": "NYSE",
            "sector": _sector(known),
            "ipoDate": FOUNDED,
            "isEtf": False,
            "isActivelyTrading": not happenings.is_gone(symbol, today),
        }
    ]


def _members(index: str, classes: Mapping[str, str], happenings: Happenings, today: date) -> list[Row]:
    first = tuple(symbol for symbol in SIMULATED_CONSTITUENTS if symbol in classes)
    return [
        {
            "symbol": symbol,
            "name": _name(symbol),
            "sector": _sector(symbol),
            "dateFirstAdded": _joined(symbol, index, happenings, today),
        }
        for symbol in happenings.members(index, first, today)
    ]


def _changes(index: str, happenings: Happenings, today: date) -> list[Row]:
    told = [one for one in happenings.index_changes if one.index == index and one.on <= today]
    return [
        {
            "dateAdded": f"{one.on:%B %d, %Y}",
            "addedSecurity": _name(one.joins) if one.joins else "",
            "removedTicker": one.leaves,
            "removedSecurity": _name(one.leaves) if one.leaves else "",
            "date": f"{one.on}",
            "symbol": one.joins or one.leaves,
            "reason": "Market capitalization change.",
        }
        for one in sorted(told, key=lambda one: one.on, reverse=True)
    ]


def _joined(symbol: str, index: str, happenings: Happenings, today: date) -> str:
    days = [one.on for one in happenings.index_changes if (one.index, one.joins) == (index, symbol) and one.on <= today]
    return f"{max(days)}" if days else JOINED


def _name(symbol: str) -> str:
    return f"{symbol} (simulated)"


def _sector(symbol: str) -> str:
    profile = PROFILES.get(symbol)
    return profile.sector.title() if profile else ""
