"""The public way to the data: `openingbell.open()`, then bars, indicators, daily tables, as Polars frames.

Every question opens the warehouse, reads and closes it again, so that nobody keeps the worker waiting. A frame is one
call away from pandas (`.to_pandas()`) and Arrow (`.to_arrow()`).

Two moments can be given, and they are not the same. `as_of=T` gives what was known at T: the versions and corporate
actions that had been received by then. It is free of look-ahead. `until=T` gives what is known today about the bars
that had ended by T: corrections and splits since are in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from openingbell import tables
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.environment import home_from_environment, read_settings
from openingbell.errors import RangeError, SymbolError
from openingbell.feeds import INTRADAY_FEEDS
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.listed import HomeUniverse
from openingbell.sessions import session_of
from openingbell.tables import Table
from openingbell.transform.ended import ended_by
from openingbell.universe import Member, Universe
from openingbell.warehouse.connect import connect, connect_at
from openingbell.warehouse.protocol import Warehouse

Symbols = str | Sequence[str]


@dataclass(frozen=True)
class Market:
    """The data of one home. Dates bound sessions, both included; moments need a zone."""

    settings: Settings
    universe: Universe
    warehouse: Warehouse
    clock: Clock

    def bars(
        self,
        symbols: Symbols,
        *,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """15-minute bars: the columns of `stock_data` behind asset_class, oldest first by symbol.

        Args:
            symbols: one or several, of any asset class.
            first: first session.
            last: last session.
            as_of: what was known then.
            until: only bars that had ended by then.

        Raises:
            SymbolError: a symbol is not in the universe.
            RangeError: a moment without a zone.
            TooEarly: nothing was known at `as_of`.
            WarehouseError: there is no warehouse, or it is held for too long.
        """
        wanted = _listed(symbols)
        found = []
        self._require_known(wanted)
        with self._known(as_of, wanted) as warehouse:
            for feed in INTRADAY_FEEDS:
                of_class = [symbol for symbol in wanted if self._members[symbol].asset_class == feed.asset_class]
                if of_class:
                    rows = self._read(warehouse, tables.BY_NAME[feed.table], of_class, first, last, until)
                    found.append(rows.select(pl.lit(feed.asset_class).alias("asset_class"), pl.all()))
        return pl.concat(found)

    def indicators(
        self,
        symbols: Symbols,
        *,
        daily: bool = False,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """Indicators of 15-minute or daily bars: the columns of `technical_indicators` or `technical_indicators_daily`.

        Arguments and errors are those of `bars`.
        """
        table = tables.TECHNICAL_INDICATORS_DAILY if daily else tables.TECHNICAL_INDICATORS
        return self._rows(table, _listed(symbols), first, last, as_of, until)

    def daily_bars(
        self,
        symbols: Symbols,
        *,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """Daily bars: the columns of `daily_bars`. Arguments and errors are those of `bars`."""
        return self._rows(tables.DAILY_BARS, _listed(symbols), first, last, as_of, until)

    def table(
        self,
        name: str,
        *,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """A whole analytics table by name, such as `daily_aggregates`, `market_summary`, `bond_data`, `restatements`.

        The other arguments and errors are those of `bars`.

        Raises:
            RangeError: there is no such table, or days are asked of one that has none, `instruments`.
        """
        allowed = [table.name for table in tables.of_layers(tables.ANALYTICS)]
        if name not in allowed:
            raise RangeError(
                f"asked for the table {name!r}; there is none of that name; choose from {', '.join(allowed)}"
            )
        table = tables.BY_NAME[name]
        if not table.is_dated and (first or last):
            raise RangeError(
                f"asked for the table {name!r} of some days; its rows are of no day; leave `first` and `last` out"
            )
        return self._rows(table, None, first, last, as_of, until)

    def restatements(self, symbols: Symbols, *, first: date | None = None, last: date | None = None) -> pl.DataFrame:
        """What the vendor changed of final bars: the columns of `restatements`. Errors are those of `bars`."""
        return self._rows(tables.RESTATEMENTS, _listed(symbols), first, last, None, None)

    def sql(self, query: str, *, as_of: datetime | None = None, symbols: Symbols | None = None) -> pl.DataFrame:
        """The answer to a query that reads; with `as_of` of what was known then.

        Args:
            query: one statement; table names need no layer.
            as_of: what was known then; all of it is computed anew, which takes its time.
            symbols: with `as_of`, only these: quicker, but breadth and summary are theirs alone.

        Raises:
            QueryError: the SQL is wrong, or wants to write.
            TooEarly: nothing was known at `as_of`.
        """
        with self._known(as_of, None if symbols is None else _listed(symbols)) as warehouse:
            return warehouse.query(query)

    def _rows(
        self,
        table: Table,
        symbols: Sequence[str] | None,
        first: date | None,
        last: date | None,
        as_of: datetime | None,
        until: datetime | None,
    ) -> pl.DataFrame:
        self._require_known(symbols or ())
        with self._known(as_of, symbols) as warehouse:
            return self._read(warehouse, table, symbols, first, last, until)

    def _read(
        self,
        warehouse: Warehouse,
        table: Table,
        symbols: Sequence[str] | None,
        first: date | None,
        last: date | None,
        until: datetime | None,
    ) -> pl.DataFrame:
        day = timedelta(days=1)  # a session may begin on the evening before
        with warehouse.read() as reader:
            rows = reader.read(table, symbols=symbols, first=first - day if first else None, last=last)
        session = session_of(table)
        kept = rows.filter(
            pl.lit(value=True) if first is None else session >= first,
            pl.lit(value=True) if last is None else session <= last,
        )
        if until is not None:
            calendars = {symbol: member.calendar for symbol, member in self._members.items()}
            kept = ended_by(kept, table, _moment(until, "until"), calendars, self.settings.interval_minutes)
        return kept.sort(table.key)

    @contextmanager
    def _known(self, as_of: datetime | None, symbols: Sequence[str] | None) -> Iterator[Warehouse]:
        """The warehouse, or the one that there was at a moment."""
        if as_of is None:
            yield self.warehouse
            return
        from openingbell.transform import past  # noqa: PLC0415  most questions are about today

        moment = _moment(as_of, "as_of")
        with tempfile.TemporaryDirectory(prefix="openingbell-") as folder:
            then = connect_at(Path(folder) / "past.duckdb", self.settings, self.clock)
            past.recreate(then, self.warehouse, moment, self.universe, self.clock, self.settings, symbols=symbols)
            yield then

    @cached_property
    def _members(self) -> dict[str, Member]:
        """The members that have bars, by symbol."""
        return {member.symbol: member for member in self.universe.members if member.feed in INTRADAY_FEEDS}

    def _require_known(self, symbols: Sequence[str]) -> None:
        if unknown := [symbol for symbol in symbols if symbol not in self._members]:
            raise SymbolError(
                f"asked for {', '.join(unknown)}; the universe holds {', '.join(sorted(self._members))}; choose among "
                "those, or add the symbol to the settings"
            )


def open_market(home: Path | str | None = None) -> Market:
    """The data of a home: `home`, else what OPENINGBELL_HOME names, else the working folder.

    Raises:
        UsageError: the home's source or a setting cannot be understood.
    """
    root = Path(home) if home is not None else home_from_environment()
    entered = homes.enter(None, root)
    settings = read_settings(entered.root)
    universe = HomeUniverse(entered.source, settings, Landing(entered.extracts)).now()
    clock = homes.clock_of(entered, universe, None)
    return Market(settings, universe, connect(settings, entered.root, clock), clock)


def _listed(symbols: Symbols) -> list[str]:
    return [symbols] if isinstance(symbols, str) else list(symbols)


def _moment(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise RangeError(
            f"asked for {name}={moment.isoformat()}; it has no zone; a moment without one could be hours away; give it "
            "one, such as tzinfo=UTC"
        )
    return moment.astimezone(UTC)
