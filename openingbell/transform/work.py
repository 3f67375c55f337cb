"""One transaction's work: from what is new in the raw tables to every table that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from openingbell import sessions, tables
from openingbell.config import Settings
from openingbell.feeds import EOD, INDEXES, INTRADAY_FEEDS, STOCKS, Feed
from openingbell.indicators import indicators
from openingbell.listings import membership
from openingbell.progress import Progress
from openingbell.tables import Table
from openingbell.transform.actions import corporate_actions
from openingbell.transform.basis import Evidence, on_one_basis
from openingbell.transform.bonds import promote_bonds
from openingbell.transform.breadth import daily_aggregates
from openingbell.transform.cumulative import carried_on
from openingbell.transform.daily import ROLLED_UP, daily_bars
from openingbell.transform.instruments import instruments, with_sessions, without_doubles
from openingbell.transform.news import News
from openingbell.transform.promote import BEFORE, promote
from openingbell.transform.put import put
from openingbell.transform.reach import (
    BARS,
    DAILY,
    DAY,
    PROMOTION,
    Changed,
    changes,
    read_around,
    session_of,
    span_of,
    with_usable,
)
from openingbell.transform.restatements import restatements
from openingbell.transform.summary import market_summary
from openingbell.universe import Universe
from openingbell.versions import in_order
from openingbell.warehouse.protocol import Writer

OF_MARKET = (STOCKS, INDEXES)
"""The feeds whose days breadth and summary rest on, beside yields."""
Frames = tuple[pl.DataFrame, ...]
BAR_COLUMNS = ("symbol", "date", "session", "open", "high", "low", "close", "volume", "dq_flags")


@dataclass(frozen=True)
class _Made:
    """What a change makes of 15-minute or daily bars, before it is written. `indicators` are those of the bars and of
    what is stored around them.
    """

    asset_class: str
    change: Changed
    table: Table
    bars: pl.DataFrame
    restated: pl.DataFrame
    indicators: pl.DataFrame

    @property
    def is_daily(self) -> bool:
        """Whether they are daily bars."""
        return self.table is tables.DAILY_BARS


class Work:
    """One transaction's work.

    `brought` says what is to be followed, see `News`. Where it is all there is, nothing that is stored is of use, and
    is removed.
    """

    def __init__(
        self,
        writer: Writer,
        universe: Universe,
        brought: pl.DataFrame | None,
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self._writer = writer
        self._settings = settings
        self._minutes = settings.interval_minutes
        self._progress = progress
        self._from_nothing = brought is None
        self._news = News(writer, universe, brought, self._minutes)
        self._evidence: list[Evidence] = []
        self.rows: Counter[str] = Counter()

    def run(self) -> None:
        """Follow what is new through all derivations."""
        if self._from_nothing:
            for table in tables.of_layers(tables.ANALYTICS):
                self._writer.clear(table)
        days: list[date] = []
        for feed in INTRADAY_FEEDS:
            self._bars(feed)
            begins = self._days(feed)
            days += begins if feed in OF_MARKET else []
        self._corporate_actions()
        days += self._bonds()
        self._instruments()
        if days:
            self._market(min(days))

    def _told(self, what: str, waiting: Iterable[Changed]) -> Iterator[Changed]:
        """The changes, one after the other, with word of how many symbols are done."""
        waiting = list(waiting)
        symbols = sum(len(change.symbols) for change in waiting)
        done = 0
        for change in waiting:
            yield change
            done += len(change.symbols)
            if self._progress is not None:
                self._progress(what, done, symbols)

    def _follow(
        self,
        waiting: Iterator[Changed],
        read: Callable[[Changed], Frames],
        make: Callable[[Changed, Frames], _Made],
    ) -> None:
        """Read, make and write each change. From nothing, one is written while the next is made: then nothing that is
        made rests on what is being written.
        """
        if not self._from_nothing:
            for change in waiting:
                self._write(make(change, read(change)))
            return
        with ThreadPoolExecutor(1) as pool:
            made: _Made | None = None
            writing: Future[None] | None = None
            for change in waiting:
                if writing is not None:
                    writing.result()  # one at a time asks the warehouse
                frames = read(change)
                if made is not None:
                    writing = pool.submit(self._write, made)
                made = make(change, frames)
            if writing is not None:
                writing.result()
            if made is not None:
                self._write(made)

    def _write(self, made: _Made) -> None:
        self._put(made.table, made.bars, made.asset_class, made.change)
        self._put_restated(made)
        self._put_indicators(made.asset_class, made.table, made.indicators, made.change)

    def _bars(self, feed: Feed) -> None:
        """15-minute bars of a feed, and what follows from them alone."""
        raw_table, table = tables.BY_NAME[feed.raw_table], tables.BY_NAME[feed.table]

        def read(change: Changed) -> Frames:
            evening = self._news.evening(feed.asset_class, pl.Series(change.symbols))
            versions = read_around(self._writer, raw_table, change, PROMOTION, evening=evening, ahead=True)
            return versions, self._around(table, change)

        def make(change: Changed, frames: Frames) -> _Made:
            versions, around = frames
            before = around.filter(pl.col("session") < change.first).select(BEFORE)
            current = self._on_one_basis(versions.filter(pl.col("session") >= change.first), raw_table)
            bars = promote(
                current,
                feed,
                self._news.calendars(feed.asset_class, current["symbol"], before["symbol"]),
                self._minutes,
                self._settings.auction_print,
                before=before,
                newest=self._newest(feed, change),
            )
            restated = self._restated(versions, raw_table, feed.asset_class, feed.bar_interval)
            computed = self._indicators(feed.asset_class, table, _within(around, bars, change))
            return _Made(feed.asset_class, change, table, bars, restated, computed)

        self._follow(self._told(feed.name, changes(self._news.bars(feed), feed.asset_class)), read, make)

    def _newest(self, feed: Feed, change: Changed) -> pl.DataFrame | None:
        """The last raw bars, where a bar at the end of what is read might be taken for one that is still being made."""
        if self._from_nothing or sessions.minutes_of(feed.bar_interval) == self._minutes:
            return None
        spans = self._writer.spans(tables.BY_NAME[feed.raw_table], symbols=change.symbols)
        return spans.select("symbol", newest="last")

    def _on_one_basis(self, versions: pl.DataFrame, table: Table) -> pl.DataFrame:
        news = self._news
        current, evidence = on_one_basis(versions.select(table.names), table, news.splits, news.last_sessions)
        self._evidence += evidence
        return current

    def _around(self, table: Table, change: Changed) -> pl.DataFrame:
        """Stored bars on which the change's bars and their indicators rest, and which rest on it."""
        asked = replace(change, symbols=()) if self._from_nothing else change
        return read_around(self._writer, table, asked, BARS, columns=[n for n in BAR_COLUMNS if n in table.names])

    def _indicators(self, asset_class: str, source: Table, bars: pl.DataFrame) -> pl.DataFrame:
        return indicators(
            bars.with_columns(asset_class=pl.lit(asset_class)),
            extras=self._settings.extra_indicators,
            dialect=self._settings.indicator_dialect,
            daily=source is tables.DAILY_BARS,
        ).with_columns(bars["session"])

    def _put_indicators(self, asset_class: str, source: Table, computed: pl.DataFrame, change: Changed) -> None:
        """Write the indicators of a change; where sums carry on beyond it, those of further bars as well."""
        target = tables.TECHNICAL_INDICATORS_DAILY if source is tables.DAILY_BARS else tables.TECHNICAL_INDICATORS
        onward: list[Changed] = []
        if not self._from_nothing:
            computed, onward = carried_on(self._writer, target, computed, change)
        self._put(target, computed, asset_class, change)
        for further in onward:
            bars = in_order(self._around(source, further), ("symbol", "date"))
            self._put_indicators(asset_class, source, self._indicators(asset_class, source, bars), further)

    def _days(self, feed: Feed) -> list[date]:
        """Daily bars of a feed, and what follows from them alone; returns where the changes begin."""
        margin = span_of(DAILY.sessions)
        begins: list[date] = []

        def read(change: Changed) -> Frames:
            begins.append(change.first)
            first, last = change.first - margin, change.last + margin
            bars = self._writer.read(
                tables.BY_NAME[feed.table], columns=ROLLED_UP, symbols=change.symbols, first=first - DAY, last=last
            )
            return (
                bars.filter(pl.col("session").is_between(first, last)),
                self._writer.read(tables.EOD_RAW, symbols=change.symbols, first=first, last=last),
                self._around(tables.DAILY_BARS, change),
            )

        def make(change: Changed, frames: Frames) -> _Made:
            bars, versions, around = frames
            official = self._on_one_basis(versions, tables.EOD_RAW)
            calendars = self._news.calendars(feed.asset_class, bars["symbol"], official["symbol"])
            rows = daily_bars(feed.asset_class, bars, official, calendars, self._minutes)
            days = rows.with_columns(session=pl.col("date"))
            restated = self._restated(versions, tables.EOD_RAW, feed.asset_class, EOD.bar_interval)
            computed = self._indicators(feed.asset_class, tables.DAILY_BARS, _within(around, days, change))
            return _Made(feed.asset_class, change, tables.DAILY_BARS, days, restated, computed)

        self._follow(self._told(f"{feed.name} by day", changes(self._news.days(feed), feed.asset_class)), read, make)
        return begins

    def _restated(self, versions: pl.DataFrame, table: Table, asset_class: str, bar_interval: str) -> pl.DataFrame:
        return restatements(versions.select(table.names), table, asset_class, bar_interval, self._news.splits)

    def _put_restated(self, made: _Made) -> None:
        if made.restated.is_empty() and self._from_nothing:
            return
        change = made.change
        first = change.first - DAY  # a session may begin on the evening before
        of_days = pl.col("bar_interval") == EOD.bar_interval
        of_change = pl.col("date").dt.date().is_between(first, change.last) & (of_days if made.is_daily else ~of_days)
        stored = self._writer.read(tables.RESTATEMENTS, symbols=change.symbols, first=first, last=change.last)
        found, stored = made.restated.filter(of_change), stored.filter(of_change)
        self._store(tables.RESTATEMENTS, found, stored)

    def _corporate_actions(self) -> None:
        weighed = self._news.resplit | {one.split.symbol for one in self._evidence}
        symbols = self._news.acted | weighed
        if not symbols:
            return
        # a dividend alone weighs no split anew: what is known of those stays
        shown = pl.col("symbol").is_in(weighed) | (pl.col("symbol").is_in(symbols) & (pl.col("kind") != "split"))
        rows = corporate_actions(self._news.actions.filter(shown), self._evidence, self._news.last_sessions)
        stored = self._writer.read(tables.CORPORATE_ACTIONS, symbols=symbols).filter(shown)
        self._store(tables.CORPORATE_ACTIONS, rows, stored)

    def _instruments(self) -> None:
        """What the symbols are, and the times of membership in indexes: made anew when the vendor said something new
        of them, else with newer sessions.
        """
        stored = self._writer.read(tables.INSTRUMENTS)
        spans = self._writer.spans(tables.DAILY_BARS)
        spans = spans.join(self._classes(spans["symbol"], stored), on="symbol")
        if self._news.has_facts:
            facts = self._writer.read(tables.REFERENCE_RAW)
            self._store(tables.INSTRUMENTS, instruments(self._news.classes, facts, spans), stored)
            members = self._writer.read(tables.INDEX_CONSTITUENTS)
            self._store(tables.INDEX_CONSTITUENTS, membership(facts), members)
        else:
            self._store(tables.INSTRUMENTS, with_sessions(stored, self._news.classes, spans), stored)

    def _classes(self, symbols: pl.Series, stored: pl.DataFrame) -> pl.DataFrame:
        """The asset class of symbols that have daily bars: as it is stored, else as their bars have it."""
        names = ("symbol", "asset_class")
        others = set(symbols) - set(stored["symbol"])
        found = (
            self._writer.spans(tables.DAILY_BARS, symbols=sorted(others), by_class=True) if others else stored.clear()
        )
        return pl.concat([stored.select(names), found.select(names).unique("symbol", keep="any")])

    def _bonds(self) -> list[date]:
        days = self._news.yields
        if days is None:
            return []
        first, last = days
        curves = promote_bonds(self._writer.latest(tables.BOND_RAW, first=first, last=last))
        stored = self._writer.read(tables.BOND, first=first, last=last)
        self._store(tables.BOND, curves, stored)
        return [first]

    def _market(self, first: date) -> None:
        """Breadth and summary from `first` to the end: a row a day costs little."""
        rows = self._writer.read(tables.DAILY_BARS, first=first - span_of(DAILY.sessions))
        rows = without_doubles(rows, self._writer.read(tables.INSTRUMENTS))
        stocks = rows.filter(pl.col("asset_class") == STOCKS.asset_class)
        indexes = rows.filter(pl.col("asset_class") == INDEXES.asset_class)
        levels = self._writer.read(
            tables.TECHNICAL_INDICATORS_DAILY,
            columns=("symbol", "date", "sma_50", "sma_200", "high_252", "low_252"),
            symbols=stocks["symbol"].unique().to_list(),
            first=first,
        )
        stored = self._writer.read(tables.DAILY_AGGREGATES)
        since = pl.col("date") >= first
        aggregates = daily_aggregates(stocks.filter(since), levels, stored.filter(~since))
        self._store(tables.DAILY_AGGREGATES, aggregates, stored.filter(since))
        calendars = self._news.calendars(INDEXES.asset_class, indexes["symbol"])
        summary = market_summary(indexes, aggregates, self._writer.read(tables.BOND), calendars).filter(since)
        before = self._writer.read(tables.MARKET_SUMMARY, first=first)
        self._store(tables.MARKET_SUMMARY, summary, before)

    def _put(self, table: Table, rows: pl.DataFrame, asset_class: str, change: Changed) -> None:
        """Write `rows`, which have `session`: for each symbol all that the table is to hold from the change's first
        session to its last, or to the last of the rows where that is later. Rows of earlier sessions are context.
        """
        rows = rows.filter(pl.col("session") >= change.first)
        if self._from_nothing:
            self._store(table, rows, table.empty())
            return
        is_daily = table.schema[table.order] == pl.Date
        last = max([change.last, *rows["session"].unique()])
        evening = [] if is_daily else self._news.evening(asset_class, pl.Series(change.symbols))
        first = change.first - DAY if evening else change.first
        stored = self._writer.read(table, symbols=change.symbols, first=first, last=last)
        if "session" not in stored.columns:
            stored = stored.with_columns(session=session_of(evening))
        within = stored.filter(_gives_way(stored, rows, change))
        self._store(table, rows, within.select(table.names))

    def _store(self, table: Table, rows: pl.DataFrame, stored: pl.DataFrame) -> None:
        if written := len(put(self._writer, table, rows, stored)):
            self.rows[table.name] += written


def _within(around: pl.DataFrame, made: pl.DataFrame, change: Changed) -> pl.DataFrame:
    """The bars that were made among those around them, as they will be stored, in order."""
    made = with_usable(made).select(around.columns).filter(pl.col("session") >= change.first)
    if around.is_empty():
        return made
    return in_order(pl.concat([around.filter(~_gives_way(around, made, change)), made]), ("symbol", "date"))


def _gives_way(stored: pl.DataFrame, made: pl.DataFrame, change: Changed) -> pl.Series:
    """Whether each stored row does: of each symbol those from the change's first session to its last, or to the last of
    what was made where that is later.
    """
    ends = made.group_by("symbol").agg(end=pl.col("session").max())
    until = stored.select("symbol", "session").join(ends, on="symbol", how="left", maintain_order="left")
    end = pl.max_horizontal("end", pl.lit(change.last))
    return until.select(pl.col("session").is_between(change.first, end)).to_series()
