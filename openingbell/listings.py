"""What has become of symbols: renamed, delisted, unknown; and who was a member of an index, and when. Pure.

A symbol can be given to another company later: META was a fund before Facebook took it. So a change of name or a
delisting is followed only where the vendor does not say, after it, that the symbol trades.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from openingbell.feeds import (
    CONSTITUENT_CHANGES,
    CONSTITUENTS,
    DELISTED,
    NEW_SYMBOL_CHANGE,
    PROFILE,
    SYMBOL_CHANGE,
)
from openingbell.sessions import NEW_YORK
from openingbell.tables import INDEX_CONSTITUENTS

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rename:
    """A symbol that goes on under another one, and since when."""

    symbol: str
    becomes: str
    on: date


@dataclass(frozen=True)
class Standing:
    """What the vendor says of a symbol itself: whether it trades, None where the vendor does not know it."""

    day: date
    is_active: bool | None


@dataclass(frozen=True)
class Listings:
    """What is known of symbols by some facts. `standings` are the newest, by symbol."""

    renames: Mapping[str, tuple[Rename, ...]] = field(default_factory=dict)
    delistings: Mapping[str, date] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)

    def renamed(self, symbol: str) -> Rename | None:
        """How a symbol goes on: the oldest change after which it was not seen to trade under the old one."""
        return next((one for one in self.renames.get(symbol, ()) if self._is_gone_since(symbol, one.on)), None)

    def followed(self, symbol: str) -> tuple[Rename, ...]:
        """The changes from a symbol to the one under which it trades now, in their order."""
        chain: list[Rename] = []
        while (change := self.renamed(chain[-1].becomes if chain else symbol)) is not None:
            if change.becomes in {symbol, *(one.becomes for one in chain)}:
                break
            chain.append(change)
        return tuple(chain)

    def last_day(self, symbol: str) -> date | None:
        """The day after which a symbol does not trade; None while it does, as far as is known. Where the vendor tells
        no day it is the one on which it last said that it does not.
        """
        day = self.delistings.get(symbol)
        if day is not None and self._is_gone_since(symbol, day):
            return day
        standing = self.standings.get(symbol)
        return standing.day if standing is not None and standing.is_active is False else None

    def _is_gone_since(self, symbol: str, day: date) -> bool:
        standing = self.standings.get(symbol)
        if standing is None:
            return False
        return standing.day <= day or not standing.is_active


def listings_of(facts: pl.DataFrame, unknown: Mapping[str, date] | None = None) -> Listings:
    """What some facts say of symbols.

    Args:
        facts: rows of `reference_data_raw`, in any order.
        unknown: symbols of which the vendor was asked for a profile and had none, and when.
    """
    renames: dict[str, list[Rename]] = {}
    told = pl.col("kind").is_in([SYMBOL_CHANGE.name, NEW_SYMBOL_CHANGE.name])
    changes = facts.filter(told, pl.col("other_symbol").is_not_null())
    for symbol, becomes, on in changes.select("symbol", "other_symbol", "date").unique().sort("date").iter_rows():
        renames.setdefault(symbol, []).append(Rename(symbol, becomes, on))
    delisted = facts.filter(pl.col("kind") == DELISTED.name).group_by("symbol").agg(pl.col("date").max())
    of_profiles = facts.filter(pl.col("kind") == PROFILE.name).select(
        "symbol", _day_said(), "is_active", "extracted_at"
    )
    profiles = of_profiles.sort("extracted_at").group_by("symbol").last()
    standings = {
        symbol: Standing(day, is_active)
        for symbol, day, is_active in profiles.select(
            "symbol", "said", pl.col("is_active").fill_null(value=True)
        ).iter_rows()
    }
    for symbol, day in (unknown or {}).items():
        if symbol not in standings or standings[symbol].day < day:
            standings[symbol] = Standing(day, None)
    return Listings({symbol: tuple(found) for symbol, found in renames.items()}, dict(delisted.iter_rows()), standings)


def membership(facts: pl.DataFrame) -> pl.DataFrame:
    """Who was a member of which index, and when: the table `index_constituents`.

    A change that the vendor tells says the day. Who is in a list and not in a later one, and of whom no change tells,
    was a member until the day of the last list that has it.

    Args:
        facts: rows of `reference_data_raw`, in any order.
    """
    rows: list[tuple[str, str, date, date | None]] = []
    for index, feed in CONSTITUENTS.items():
        listed = facts.filter(pl.col("kind") == feed.name).with_columns(_day_said())
        changes = facts.filter(pl.col("kind") == CONSTITUENT_CHANGES[index].name)
        joined, left = _changes(changes)
        oldest = min((day for days in (*joined.values(), *left.values()) for day in days), default=None)
        newest = listed["date"].max()
        of_lists = listed.select(first=pl.col("said").min(), newest=pl.col("said").max()).row(0)
        seen = {
            symbol: (first, of_lists[1] if month == newest else last, since)
            for symbol, first, last, month, since in listed.sort("extracted_at")
            .group_by("symbol")
            .agg(
                pl.col("said").min(),
                last=pl.col("said").max(),
                month=pl.col("date").max(),
                since=pl.col("since").last(),
            )
            .iter_rows()
        }
        for symbol in sorted({*seen, *joined, *left}):
            first_seen, last_seen, since = seen.get(symbol, (None, None, None))
            begins = joined.get(symbol, []) or [day for day in (since,) if day is not None]
            ends = left.get(symbol, [])
            spells = _spells(begins, ends, unknown=oldest or first_seen)
            rows += [(index, symbol, *spell) for spell in _agreeing(spells, (first_seen, last_seen), of_lists)]
    return pl.DataFrame(rows, schema=INDEX_CONSTITUENTS.schema, orient="row").unique(
        list(INDEX_CONSTITUENTS.key), keep="last", maintain_order=True
    )


def _day_said() -> pl.Expr:
    """The day in New York on which the vendor said it."""
    moment = pl.col("extracted_at").dt.replace_time_zone("UTC").dt.convert_time_zone(str(NEW_YORK))
    return moment.dt.date().alias("said")


def _changes(changes: pl.DataFrame) -> tuple[dict[str, list[date]], dict[str, list[date]]]:
    """The days on which symbols joined, and the days from which on they were members no more, oldest first."""
    joined: dict[str, set[date]] = {}
    left: dict[str, set[date]] = {}
    for symbol, name, other, day in changes.select("symbol", "name", "other_symbol", "date").iter_rows():
        if name is not None and symbol != other:
            joined.setdefault(symbol, set()).add(day)
        if other is not None:
            left.setdefault(other, set()).add(day)
    return {s: sorted(days) for s, days in joined.items()}, {s: sorted(days) for s, days in left.items()}


def _spells(begins: list[date], ends: list[date], *, unknown: date | None) -> list[tuple[date, date | None]]:
    """Times of membership: of each end the last begin before it, `unknown` where there is none; an open one behind."""
    spells: list[tuple[date, date | None]] = []
    before = date.min
    for end in ends:
        begin = max((day for day in begins if before <= day < end), default=unknown)
        if begin is not None:
            spells.append((min(begin, end - ONE_DAY), end - ONE_DAY))
        before = end
    after = [day for day in begins if day >= before]
    return [*spells, (min(after), None)] if after else spells


def _agreeing(
    spells: list[tuple[date, date | None]],
    seen: tuple[date | None, date | None],
    lists: tuple[date | None, date | None],
) -> list[tuple[date, date | None]]:
    """The times, agreeing with the lists: open while the newest list has the symbol, and else not. `seen` are the first
    and the last list that has it, `lists` those of all.
    """
    first_seen, last_seen = seen
    first_list, newest = lists
    is_open = bool(spells) and spells[-1][1] is None
    if last_seen is not None and first_seen is not None and last_seen == newest:
        closed = spells[-1][1] if spells else None
        return spells if is_open else [*spells, (max(first_seen, (closed or date.min) + ONE_DAY), None)]
    if not is_open or first_list is None or newest is None or spells[-1][0] > newest:
        return spells
    begin = spells[-1][0]
    return [*spells[:-1], (begin, max(begin, last_seen or first_list - ONE_DAY))]


def members_since(membership: pl.DataFrame, index: str) -> dict[str, date | None]:
    """Every symbol that ever was a member of an index, with its last day as one, None while it is."""
    of_index = membership.filter(pl.col("index_name") == index).sort("first_day")
    return dict(of_index.group_by("symbol", maintain_order=True).last().select("symbol", "last_day").iter_rows())
