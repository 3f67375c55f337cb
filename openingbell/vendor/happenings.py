"""What happens to the instruments of the simulated market: new symbols, delistings, changes of indexes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from openingbell.listings import Rename

NOBODY = ""


@dataclass(frozen=True)
class Delisting:
    """A symbol that trades for the last time on a day."""

    symbol: str
    on: date


@dataclass(frozen=True)
class IndexChange:
    """From a day on one symbol is a member of an index in place of another; one of the two may be nobody ('')."""

    index: str
    on: date
    joins: str
    leaves: str


@dataclass(frozen=True)
class Happenings:
    """Everything that happens. The vendor tells of it on its day, and not before."""

    renames: tuple[Rename, ...] = ()
    delistings: tuple[Delisting, ...] = ()
    index_changes: tuple[IndexChange, ...] = ()

    def as_known(self, symbol: str, last: date, today: date) -> tuple[str, date]:
        """Under which symbol the market has what the vendor shows as `symbol` today, and its last day, at most `last`.

        From its day on a new symbol has all history, and the old one none; '' where there is nothing to show.
        """
        for one in self.renames:
            if symbol == one.becomes:
                return (one.symbol, last) if today >= one.on else (NOBODY, last)
            if symbol == one.symbol and today >= one.on:
                return NOBODY, last
        ends = [one.on for one in self.delistings if one.symbol == symbol]
        return symbol, min([last, *ends])

    def is_gone(self, symbol: str, today: date) -> bool:
        """Whether a symbol trades no more."""
        return any(one.symbol == symbol and today > one.on for one in self.delistings)

    def members(self, index: str, first: tuple[str, ...], today: date) -> list[str]:
        """The members of an index today, of which `first` were members before all changes."""
        members = list(first)
        for change in sorted(self.index_changes, key=lambda one: one.on):
            if change.index == index and change.on <= today:
                members = [symbol for symbol in members if symbol != change.leaves]
                members += [change.joins] if change.joins else []
        return members


NOTHING = Happenings()
