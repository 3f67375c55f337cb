"""The stage: what is loaded and not yet transformed becomes analytics, in one transaction with its mark in `loads`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl
import structlog

from openingbell import feeds, sessions, tables
from openingbell.clock import Clock
from openingbell.feeds import BONDS, EOD, INTRADAY_FEEDS, Feed
from openingbell.tables import Table
from openingbell.transform.bonds import promote_bonds
from openingbell.transform.breadth import daily_aggregates
from openingbell.transform.daily import daily_bars
from openingbell.transform.indicators import indicators
from openingbell.transform.promote import promote
from openingbell.transform.reach import (
    DAILY,
    INDICATORS,
    PROMOTION,
    Changed,
    Reach,
    changed,
    read_from,
    read_usable,
    span_of,
    write_to,
)
from openingbell.transform.summary import market_summary
from openingbell.universe import Universe
from openingbell.warehouse.protocol import Warehouse, Writer

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Told what is counted, how many are done, and how many there are."""


@dataclass(frozen=True)
class Transformed:
    """What the stage did: rows written, by table."""

    loads: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows_written(self) -> int:
        """Rows written to all tables."""
        return sum(self.rows.values())


def run(
    warehouse: Warehouse, universe: Universe, clock: Clock, minutes: int, *, progress: Progress | None = None
) -> Transformed:
    """Transform every load that has not been.

    Args:
        warehouse: where raw and analytics tables are.
        universe: for the calendars of symbols that do not trade on their class's usual one.
        clock: for `transformed_at`.
        minutes: length of the analytics bars.

    Raises:
        WarehouseLocked: another process holds the warehouse.
    """
    warehouse.setup()
    with warehouse.write() as writer:
        loads = writer.read(tables.LOADS).filter(pl.col("transformed_at").is_null())
        if loads.is_empty():
            return Transformed()
        work = _Work(writer, universe, minutes, progress)
        work.run(loads)
        writer.replace(
            tables.LOADS, loads.with_columns(transformed_at=pl.lit(clock.now().replace(tzinfo=None), pl.Datetime("us")))
        )
    log.info("loads_transformed", loads=len(loads), rows=sum(work.rows.values()))
    return Transformed(len(loads), dict(work.rows))


class _Work:
    """One transaction's work: from changed raw keys to every table that follows."""

    def __init__(self, writer: Writer, universe: Universe, minutes: int, progress: Progress | None) -> None:
        self._writer = writer
        self._progress = progress
        self._universe = universe
        self._minutes = minutes
        self.rows: Counter[str] = Counter()

    def run(self, loads: pl.DataFrame) -> None:
        """Follow the rows of `loads` through all derivations."""
        official = self._changed_keys(EOD, loads)
        days: list[date] = []
        for feed in INTRADAY_FEEDS:
            keys = self._with_unsettled(feed, self._changed_keys(feed, loads))
            for change in self._told(feed.name, changed(keys)):
                self._bars(feed, change)
            of_class = official.filter(pl.col("asset_class") == feed.asset_class).select("symbol", "session")
            both = pl.concat([keys.select("symbol", "session"), of_class]).unique()
            for change in self._told(f"{feed.name} by day", changed(both)):
                days.append(change.first)
                self._days(feed, change)
        days += self._bonds(loads)
        if days:
            self._market(min(days))

    def _told(self, what: str, changes: Iterable[Changed]) -> Iterator[Changed]:
        """The changes, one after the other, with word of how many symbols are done."""
        waiting = list(changes)
        symbols = sum(len(change.symbols) for change in waiting)
        done = 0
        for change in waiting:
            yield change
            done += len(change.symbols)
            if self._progress is not None:
                self._progress(what, done, symbols)

    def _changed_keys(self, feed: Feed, loads: pl.DataFrame) -> pl.DataFrame:
        """Distinct (asset_class, symbol, session) of new raw rows."""
        ids = loads.filter((pl.col("feed") == feed.name) & (pl.col("rows_new") > 0))["load_id"].to_list()
        rows = self._writer.read(tables.BY_NAME[feed.raw_table], loads=ids)
        if feed is EOD:
            return rows.select("asset_class", "symbol", session="date").unique()
        calendars = self._calendars(feed.asset_class, rows)
        evening = [symbol for symbol, calendar in calendars.items() if sessions.opens_in_the_evening(calendar)]
        day = (
            pl.when(pl.col("symbol").is_in(evening))
            .then(sessions.trading_day(pl.col("date"), feeds.COMMODITIES.calendar))
            .otherwise(pl.col("date").dt.date())
        )
        return rows.select(pl.lit(feed.asset_class).alias("asset_class"), "symbol", session=day).unique()

    def _with_unsettled(self, feed: Feed, keys: pl.DataFrame) -> pl.DataFrame:
        """Changed keys and the sessions just before them, whose last bar may have waited for a later one."""
        if sessions.minutes_of(feed.bar_interval) == self._minutes or keys.is_empty():
            return keys
        before = [keys]
        for change in changed(keys):
            day = read_from(self._writer, tables.BY_NAME[feed.raw_table], change, Reach(bars=1))
            before.append(
                keys.filter(pl.col("symbol").is_in(change.symbols)).with_columns(session=pl.lit(day)).unique()
            )
        return pl.concat(before).unique()

    def _bars(self, feed: Feed, change: Changed) -> None:
        raw_table, table = tables.BY_NAME[feed.raw_table], tables.BY_NAME[feed.table]
        first = read_from(self._writer, raw_table, change, PROMOTION)
        last = write_to(self._writer, raw_table, change, PROMOTION)
        raw = self._writer.latest(raw_table, symbols=change.symbols, first=first, last=last)
        bars = promote(raw, feed, self._calendars(feed.asset_class, raw), self._minutes)
        self._write(table, bars.filter(pl.col("session") >= change.first))
        self._indicators(feed.asset_class, table, tables.TECHNICAL_INDICATORS, change)

    def _indicators(self, asset_class: str, source: Table, target: Table, change: Changed) -> None:
        rows = read_usable(self._writer, source, change, INDICATORS)
        if "asset_class" in rows.columns:
            rows = rows.filter(pl.col("asset_class") == asset_class)
        computed = indicators(rows.with_columns(asset_class=pl.lit(asset_class)))
        self._write(target, computed.filter(rows["session"] >= change.first))

    def _days(self, feed: Feed, change: Changed) -> None:
        first, last = change.first - span_of(DAILY.sessions), change.last + span_of(DAILY.sessions)
        bars = self._writer.read(
            tables.BY_NAME[feed.table],
            symbols=change.symbols,
            first=first - timedelta(days=1),
            last=last + timedelta(days=1),
        ).filter(pl.col("session").is_between(first, last))
        official = self._writer.latest(tables.EOD_RAW, symbols=change.symbols, first=first, last=last).filter(
            pl.col("asset_class") == feed.asset_class
        )
        calendars = self._calendars(feed.asset_class, bars, official)
        rows = daily_bars(feed.asset_class, bars, official, calendars, self._minutes)
        stored = self._writer.read(tables.DAILY_BARS, symbols=change.symbols, first=change.first, last=last).filter(
            pl.col("asset_class") == feed.asset_class
        )
        for table in (tables.DAILY_BARS, tables.TECHNICAL_INDICATORS_DAILY):
            self._writer.remove(table, stored.select(table.key))  # a day that lost its last sound bar has no row
        self._write(tables.DAILY_BARS, rows.filter(pl.col("date") >= change.first))
        self._indicators(feed.asset_class, tables.DAILY_BARS, tables.TECHNICAL_INDICATORS_DAILY, change)

    def _bonds(self, loads: pl.DataFrame) -> list[date]:
        ids = loads.filter(pl.col("feed") == BONDS.name)["load_id"].to_list()
        days: list[date] = self._writer.read(tables.BOND_RAW, loads=ids)["date"].unique().to_list()
        if not days:
            return []
        raw = self._writer.latest(tables.BOND_RAW, first=min(days), last=max(days))
        self._write(tables.BOND, promote_bonds(raw))
        return [min(days)]

    def _market(self, first: date) -> None:
        """Breadth and summary from `first` to the end: a row a day costs little."""
        margin = span_of(DAILY.sessions)
        rows = self._writer.read(tables.DAILY_BARS, first=first - margin)
        stocks = rows.filter(pl.col("asset_class") == feeds.STOCKS.asset_class)
        indexes = rows.filter(pl.col("asset_class") == feeds.INDEXES.asset_class)
        for table in (tables.DAILY_AGGREGATES, tables.MARKET_SUMMARY):
            self._writer.remove(table, self._writer.read(table, first=first).select(table.key))
        aggregates = daily_aggregates(stocks)
        self._write(tables.DAILY_AGGREGATES, aggregates.filter(pl.col("date") >= first))
        curves = self._writer.read(tables.BOND)
        calendars = self._calendars(feeds.INDEXES.asset_class, indexes)
        summary = market_summary(indexes, aggregates, curves, calendars)
        self._write(tables.MARKET_SUMMARY, summary.filter(pl.col("date") >= first))

    def _calendars(self, asset_class: str, *frames: pl.DataFrame) -> dict[str, str]:
        """Calendar of every symbol in the frames."""
        known = self._universe.calendars(asset_class)
        symbols = {symbol for frame in frames for symbol in frame["symbol"].unique()}
        return {symbol: known.get(symbol, feeds.calendar_of(asset_class, symbol)) for symbol in sorted(symbols)}

    def _write(self, table: Table, rows: pl.DataFrame) -> None:
        self._writer.replace(table, rows)
        self.rows[table.name] += len(rows)
