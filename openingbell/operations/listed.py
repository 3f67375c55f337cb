"""The universe of a home: what the settings name, and what the record says has become of it.

It needs no warehouse: what the vendor said about instruments is read from the record, as the universe says what is to
be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from openingbell import universe as universes
from openingbell.config import SYMBOL, Settings
from openingbell.feeds import (
    COMMODITIES,
    CONSTITUENT_CHANGES,
    CONSTITUENTS,
    DELISTED,
    EOD,
    INDEXES,
    NEW_SYMBOL_CHANGE,
    PROFILE,
    REFERENCE_FEEDS,
    STOCKS,
    SYMBOL_CHANGE,
    Kind,
)
from openingbell.landing import Landing, Record
from openingbell.listings import Rename, listings_of, members_since, membership
from openingbell.load import bulk
from openingbell.operations.home import REPLAY, Source
from openingbell.sessions import NEW_YORK
from openingbell.tables import REFERENCE_RAW
from openingbell.universe import Universe
from openingbell.vendor.lists import SIMULATED_CONSTITUENTS

CHANGES = tuple(feed.name for feed in (SYMBOL_CHANGE, NEW_SYMBOL_CHANGE, DELISTED))
OF_INDEXES = tuple(feed.name for feed in (*CONSTITUENTS.values(), *CONSTITUENT_CHANGES.values()))
OF_INSTRUMENTS = tuple(feed.name for feed in REFERENCE_FEEDS)
WITH_BARS = tuple(feed.name for feed in (STOCKS, INDEXES, COMMODITIES, EOD))


@dataclass(frozen=True)
class _Known:
    """What the record says at one moment."""

    stocks: dict[str, tuple[Rename, ...]]
    last: dict[str, date]
    universe: Universe


@dataclass
class HomeUniverse:
    """The universe of a source with some settings and a record, as of the moment at which it is asked for."""

    source: Source
    settings: Settings
    landing: Landing
    _facts: pl.DataFrame = field(default_factory=REFERENCE_RAW.empty)
    _seen: set[str] = field(default_factory=set)
    _kept: tuple[pl.Series, _Known] | None = None

    def now(self) -> Universe:
        """The universe. Symbols that were renamed are there under their new ones, and those that trade no more have
        their last day. Of an index's former members each has its last day as one.

        Raises:
            SourceError: a replay folder that is none.
            SymbolError: a symbol in two feeds.
        """
        if self.source.kind == REPLAY:
            return universes.read_replay(Path(self.source.place))
        return self._known(self._record()).universe

    def remarks(self) -> list[str]:
        """What is worth telling of it: unknown symbols, lists that are outside the plan or not there yet, new names,
        ends.
        """
        if self.source.kind == REPLAY:
            return []
        record = self._record()
        known = self._known(record)
        renamed = [
            f"{symbol} is {chain[-1].becomes} since {chain[-1].on}" for symbol, chain in known.stocks.items() if chain
        ]
        ended = [
            f"{symbol} does not trade since {known.last[symbol]}"
            for symbol in self.settings.named_stocks
            if symbol in known.last
        ]
        missing = [words for name in self.settings.constituents if (words := _missing(name, record.asks))]
        unknown = self._unknown(record, known)
        return [
            *([f"the vendor does not know {', '.join(unknown)}: correct the settings"] if unknown else []),
            *missing,
            *renamed,
            *ended,
        ]

    def _record(self) -> Record:
        return self.landing.survey()[0]

    def _unknown(self, record: Record, known: _Known) -> list[str]:
        """The symbols of the settings that the vendor has no word of: neither a profile or a place in its list, nor a
        single bar, though it was asked for them.
        """
        bars = record.asks.filter(~pl.col("restricted"), pl.col("feed").is_in(WITH_BARS))
        rows = dict(bars.group_by(pl.col("symbol").cast(pl.String)).agg(pl.col("rows").sum()).iter_rows())
        silent = _without_profile(record.asks)
        found = [symbol for symbol in self.settings.named_stocks if symbol in silent and rows.get(symbol) == 0]
        for member in known.universe.members:
            if member.feed.whole_market and member.names:
                listed = set(self._of(record, (member.feed.name,), newest=True)["symbol"])
                found += [
                    symbol for symbol in member.names if listed and symbol not in listed and rows.get(symbol) == 0
                ]
        return found

    def _known(self, record: Record) -> _Known:
        """What the record says, put together anew only when something about instruments has landed."""
        landed = record.files.filter(pl.col("feed").is_in(OF_INSTRUMENTS))["load_id"]
        if self._kept is None or not self._kept[0].equals(landed):
            self._kept = landed, self._put_together(record)
        return self._kept[1]

    def _put_together(self, record: Record) -> _Known:
        settings = self.settings
        members = membership(self._of(record, OF_INDEXES if settings.constituents else ()))
        ends: dict[str, date | None] = {}
        for index in settings.constituents:
            ends |= {
                symbol: end
                for symbol, end in members_since(members, index).items()
                if ends.get(symbol, date.min) is not None and re.fullmatch(SYMBOL, symbol)
            }
        ends |= dict.fromkeys(settings.named_stocks)
        facts = pl.concat([self._of(record, CHANGES), self._profiles(record)])
        listings = listings_of(facts, _without_profile(record.asks))
        stocks = {symbol: listings.followed(symbol) if end is None else () for symbol, end in ends.items()}
        last = {symbol: end for symbol, end in ends.items() if end is not None}
        for symbol, chain in stocks.items():
            now = chain[-1].becomes if chain else symbol
            if now not in last and (end := listings.last_day(now)) is not None:
                last[now] = end
        return _Known(stocks, last, self._universe(stocks, last))

    def _universe(self, stocks: Mapping[str, Sequence[Rename]], last: Mapping[str, date]) -> Universe:
        settings, formerly = self.settings, _with_former_symbols(stocks)
        universe = universes.from_symbols(
            formerly,
            settings.indexes,
            settings.commodities,
            constituents=settings.constituents,
            last=last,
            formerly=formerly,
        )
        limits = settings.limits
        return universe if limits is None or limits.intraday else universe.without(Kind.INTRADAY)

    def _profiles(self, record: Record) -> pl.DataFrame:
        """The newest profile of each symbol that has one, with others of their files."""
        newest = (
            record.asks.filter(pl.col("feed") == PROFILE.name, pl.col("rows") > 0)
            .sort("answered_at")
            .group_by("symbol")
            .agg(pl.col("load_id").last())
        )
        return self._read(record, newest["load_id"].cast(pl.String).unique().sort().to_list())

    def _of(self, record: Record, feeds: Collection[str], *, newest: bool = False) -> pl.DataFrame:
        """What the landed files of some feeds say, or the newest of them."""
        files = record.files.filter(pl.col("feed").is_in(list(feeds)), pl.col("has_rows"))
        return self._read(record, (files.tail(1) if newest else files)["load_id"].to_list())

    def _read(self, record: Record, load_ids: Collection[str]) -> pl.DataFrame:
        """The facts of landed files, each read once; one that is not as it landed has none: loading tells of it."""
        unread = record.files.filter(pl.col("load_id").is_in(set(load_ids) - self._seen))
        for part in bulk.bundles(unread):
            self._facts = pl.concat([self._facts, bulk.read(part, record.asks, self.landing).final])
        self._seen |= set(load_ids)
        return self._facts.filter(pl.col("load_id").is_in(list(load_ids)))


def _without_profile(asks: pl.DataFrame) -> dict[str, date]:
    """The symbols of which the newest answer was no profile, with the day of that answer in New York."""
    newest = (
        asks.filter(pl.col("feed") == PROFILE.name, ~pl.col("restricted"))
        .sort("answered_at")
        .group_by(pl.col("symbol").cast(pl.String))
        .agg(pl.col("rows").last(), pl.col("answered_at").last())
        .filter(pl.col("rows") == 0)
    )
    days = newest["answered_at"].dt.convert_time_zone(str(NEW_YORK)).dt.date()
    return dict(zip(newest["symbol"], days, strict=True))


def _missing(index: str, asks: pl.DataFrame) -> str:
    """Why nobody knows the members of an index, in words; empty where they are known."""
    answers = asks.filter(pl.col("feed") == CONSTITUENTS[index].name)["restricted"]
    if answers.is_empty():
        return f"the members of {index} are not known yet: the next run asks for the list first, and then for them"
    if answers.all():
        return f"the list of {index} is outside the plan, and with it its stocks: name them one by one"
    return ""


def _with_former_symbols(chains: Mapping[str, Sequence[Rename]]) -> dict[str, tuple[str, ...]]:
    """The symbols of today, each with those that it had before and that are no symbol of today."""
    found: dict[str, tuple[str, ...]] = {}
    for symbol, chain in chains.items():
        *former, today = (symbol, *(change.becomes for change in chain))
        found[today] = (*found.get(today, ()), *former)
    return {today: tuple(name for name in former if name not in found) for today, former in found.items()}


def simulated(settings: Settings) -> Universe:
    """The symbols of the simulated market: those of the settings, and the members of its indexes where one is named."""
    members = SIMULATED_CONSTITUENTS if settings.constituents else ()
    stocks = dict.fromkeys([*settings.named_stocks, *members])
    return universes.from_symbols(stocks, settings.indexes, settings.commodities)
