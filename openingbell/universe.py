"""The universe: which symbols of which feed are wanted, on which calendar, on which price basis, for which sessions.

It comes from the settings (live and demo) or from a replay folder's `universe.toml`; everything after it does not
care which.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from openingbell import feeds
from openingbell.errors import SourceError, SymbolError
from openingbell.feeds import (
    BONDS,
    BY_NAME,
    COMMODITIES_LIST,
    CONSTITUENT_CHANGES,
    CONSTITUENTS,
    DELISTED,
    DIVIDENDS,
    DIVIDENDS_CALENDAR,
    EOD,
    INDEX_LIST,
    INTRADAY_FEEDS,
    NEW_SYMBOL_CHANGE,
    PROFILE,
    SPLITS,
    SPLITS_CALENDAR,
    STOCKS,
    SYMBOL_CHANGE,
    TREASURY,
    WHOLE_MARKET,
    Feed,
    Kind,
)

VENDOR_BASIS = "vendor"
"""Prices as the vendor gives them by default: adjusted for the splits it knew when it answered."""


SHOWN = 60
"""Symbols that a message names, of a universe of thousands."""
SECTION_KEYS = {"basis", "bar_interval", "calendar", "file", "first", "last", "symbols"}
"""What a section of universe.toml may set; those at its top hold for every section."""


@dataclass(frozen=True)
class Member:
    """One symbol in one feed. `first` and `last` bound its wanted sessions; None leaves that side open. `since` is the
    day from which on a backfill wants it, beside what is wanted anyway. `formerly` are the symbols under which it is
    still asked for: those that were renamed to it. `names` are the symbols that an answer about instruments is to have.
    """

    feed: Feed
    symbol: str
    asset_class: str
    calendar: str
    bar_interval: str
    basis: str = VENDOR_BASIS
    first: date | None = None
    last: date | None = None
    since: date | None = None
    formerly: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def is_among(self, symbols: Collection[str]) -> bool:
        """Whether it is meant by one of some symbols."""
        return self.symbol in symbols or any(symbol in symbols for symbol in self.formerly)


@dataclass(frozen=True)
class Universe:
    """All wanted members, ordered by feed and symbol as they were given."""

    members: tuple[Member, ...]

    def of(self, feed: Feed) -> tuple[Member, ...]:
        """The members of one feed."""
        return tuple(member for member in self.members if member.feed is feed)

    def without(self, kind: Kind) -> Universe:
        """The part of it that is of other kinds of feeds."""
        return Universe(tuple(member for member in self.members if member.feed.kind is not kind))

    def calendars(self, asset_class: str) -> dict[str, str]:
        """Calendar by symbol of one asset class."""
        return {m.symbol: m.calendar for m in self.members if m.asset_class == asset_class and m.feed.has_grid}

    def last_session(self) -> date | None:
        """The newest bound of any member, or None when the universe is open-ended."""
        bounds = [member.last for member in self.members if member.last is not None]
        return max(bounds, default=None)

    def narrowed(self, symbols: Sequence[str] = (), first: date | None = None, last: date | None = None) -> Universe:
        """The part of it that was asked for; no symbols means all. What is asked for the whole market is of no symbol,
        and one that was renamed is also meant by its former symbols. Dates bound bars and yields; corporate actions
        and instruments are known up to today, whatever bars are asked for.

        Raises:
            SymbolError: a symbol is not in the universe.
        """
        of_symbols = [member for member in self.members if not member.feed.whole_market]
        known = {member.symbol for member in of_symbols}
        if unknown := sorted(set(symbols) - known - {symbol for member in of_symbols for symbol in member.formerly}):
            more = f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
            raise SymbolError(
                f"asked for {', '.join(unknown)}; the universe holds {', '.join(sorted(known)[:SHOWN])}{more}; "
                "choose among those, or add the symbol to the settings"
            )
        chosen = [member for member in of_symbols if member.is_among(symbols)] if symbols else self.members
        return Universe(tuple(_bounded(m, first, last) for m in chosen))


def _require_distinct(members: Sequence[Member]) -> None:
    """A symbol in two feeds of bars would be two things under one name."""
    classes: dict[str, str] = {}
    for member in members:
        if classes.setdefault(member.symbol, member.asset_class) != member.asset_class:
            raise SymbolError(
                f"asked for {member.symbol} as {classes[member.symbol]} and as {member.asset_class}; a symbol belongs "
                "to one asset class; leave one out"
            )


def _bounded(member: Member, first: date | None, last: date | None) -> Member:
    if not member.feed.has_grid:
        return member
    lows = [bound for bound in (member.first, first) if bound is not None]
    highs = [bound for bound in (member.last, last) if bound is not None]
    return replace(member, first=max(lows, default=None), last=min(highs, default=None))


def from_symbols(
    stocks: Iterable[str],
    indexes: Iterable[str],
    commodities: Iterable[str],
    *,
    constituents: Sequence[str] = (),
    last: Mapping[str, date] | None = None,
    formerly: Mapping[str, tuple[str, ...]] | None = None,
) -> Universe:
    """The universe of live FMP and of the demo: lists of instruments, intraday bars, official daily bars of all, and
    the yield curve.

    Args:
        stocks: symbols.
        indexes: symbols.
        commodities: symbols.
        constituents: indexes whose members are to be known, by the names of `feeds.CONSTITUENTS`.
        last: the last wanted session of symbols that trade no more, or are wanted no more.
        formerly: the symbols under which renamed ones are asked for.
    """
    ends, names = last or {}, formerly or {}
    members: list[Member] = []
    for feed, symbols in zip(INTRADAY_FEEDS, (stocks, indexes, commodities), strict=True):
        members += [
            replace(
                _member(feed, symbol),
                calendar=feeds.calendar_of(feed.asset_class, symbol),
                last=ends.get(symbol),
                formerly=names.get(symbol, ()),
            )
            for symbol in symbols
        ]
    _require_distinct(members)
    daily = [replace(m, feed=EOD, bar_interval=EOD.bar_interval) for m in members]
    bonds = _member(BONDS, TREASURY)
    return Universe((*_actions(members), *members, bonds, *daily, *_reference(members, constituents)))


def _member(feed: Feed, symbol: str) -> Member:
    return Member(feed, symbol, feed.asset_class, feed.calendar, feed.bar_interval)


def _reference(members: Sequence[Member], constituents: Sequence[str]) -> list[Member]:
    """What says which symbols there are: of the indexes that were named, and of the members' kinds."""
    classes = {member.asset_class for member in members} | ({STOCKS.asset_class} if constituents else set())
    lists = [feed for name in constituents for feed in (CONSTITUENTS[name], CONSTITUENT_CHANGES[name])]
    lists += [feed for feed in (SYMBOL_CHANGE, NEW_SYMBOL_CHANGE, DELISTED) if feed.asset_class in classes]
    catalogues = [
        replace(
            _member(feed, WHOLE_MARKET), names=tuple(m.symbol for m in members if m.asset_class == feed.asset_class)
        )
        for feed in (INDEX_LIST, COMMODITIES_LIST)
        if feed.asset_class in classes
    ]
    profiles = [
        replace(_member(PROFILE, stock.symbol), formerly=stock.formerly, names=(stock.symbol,))
        for stock in members
        if stock.feed is STOCKS
    ]
    return [*(_member(feed, WHOLE_MARKET) for feed in lists), *catalogues, *profiles]


def _actions(members: Sequence[Member]) -> list[Member]:
    """The corporate actions of the stocks among the members: each one's history, and the calendars of all."""
    stocks = [member for member in members if member.feed is STOCKS]
    of_each = [
        replace(_member(feed, m.symbol), last=m.last, formerly=m.formerly)
        for feed in (SPLITS, DIVIDENDS)
        for m in stocks
    ]
    newest = None if any(m.last is None for m in stocks) else max((m.last for m in stocks if m.last), default=None)
    of_all = [replace(_member(feed, WHOLE_MARKET), last=newest) for feed in (SPLITS_CALENDAR, DIVIDENDS_CALENDAR)]
    return [*of_each, *(of_all if stocks else [])]


def read_replay(folder: Path) -> Universe:
    """The universe of a replay folder, as its `universe.toml` says.

    Raises:
        SourceError: the folder or its universe.toml is missing or does not hold what it must.
    """
    path = folder / "universe.toml"
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(
            f"asked to replay {folder}; there is no universe.toml in it; a replay folder holds universe.toml beside "
            "15min/, 5min/, eod/ and treasury/; see docs/replay.md"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"asked to replay {folder}; universe.toml cannot be read: {error}") from error
    sections = {name: value for name, value in facts.items() if isinstance(value, dict)}
    allowed = [name for name, feed in BY_NAME.items() if feed.has_grid]
    if unknown := sorted(set(sections) - set(allowed)):
        raise SourceError(
            f"asked to replay {folder}; universe.toml has the sections {', '.join(unknown)}; allowed are "
            f"{', '.join(allowed)}; splits and dividends are played wherever the folder has them"
        )
    for name, section in (("", {k: v for k, v in facts.items() if k not in sections}), *sections.items()):
        if odd := sorted(set(section) - SECTION_KEYS):
            where = f"in [{name}]" if name else "at the top"
            raise SourceError(
                f"asked to replay {folder}; universe.toml sets {', '.join(odd)} {where}; "
                f"allowed are {', '.join(sorted(SECTION_KEYS))}; correct the name"
            )
    intraday = [m for f in INTRADAY_FEEDS if f.name in sections for m in _replayed(f, sections[f.name], facts)]
    _require_distinct(intraday)
    members = list(intraday)
    if BONDS.name in sections:
        bounds = _bounds(sections[BONDS.name], facts)
        members.append(replace(_member(BONDS, TREASURY), first=bounds[0], last=bounds[1]))
    if EOD.name in sections:
        first, last = _bounds(sections[EOD.name], facts)
        wanted = sections[EOD.name].get("symbols")
        members += [
            replace(
                m,
                feed=EOD,
                bar_interval=EOD.bar_interval,
                basis=sections[EOD.name].get("basis", m.basis),
                first=first,
                last=last,
            )
            for m in intraday
            if wanted is None or m.symbol in wanted
        ]
    if any((folder / feed.name).is_dir() for feed in (SPLITS, DIVIDENDS)):
        members = [*_actions(intraday), *members]
    if not members:
        raise SourceError(f"asked to replay {folder}; universe.toml names no symbol; give [stocks] symbols = [...]")
    return Universe(tuple(members))


def _replayed(feed: Feed, section: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Member]:
    first, last = _bounds(section, facts)
    symbols = section.get("symbols", [])
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise SourceError(
            f"universe.toml gives [{feed.name}] symbols = {symbols!r}; allowed is a list of texts, such as ['AAPL']"
        )
    return [
        Member(
            feed,
            symbol,
            feed.asset_class,
            section.get("calendar", feeds.calendar_of(feed.asset_class, symbol)),
            section.get("bar_interval", feed.bar_interval),
            section.get("basis", VENDOR_BASIS),
            first,
            last,
        )
        for symbol in dict.fromkeys(symbols)
    ]


def _bounds(section: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[date, date]:
    bounds = []
    for name in ("first", "last"):
        text = section.get(name, facts.get(name))
        try:
            bounds.append(text if isinstance(text, date) else date.fromisoformat(str(text)))
        except ValueError as error:
            raise SourceError(
                f"universe.toml gives {name} = {text!r}; a session is written YYYY-MM-DD, in the section or at the top"
            ) from error
    return bounds[0], bounds[1]


def is_daily(member: Member) -> bool:
    """Whether a member has one row a session."""
    return member.feed.kind is not Kind.INTRADAY
