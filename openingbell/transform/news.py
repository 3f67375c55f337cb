"""What is new in the raw tables, and over which sessions it is to be followed up."""

from __future__ import annotations

from datetime import date

import polars as pl

from openingbell import feeds, sessions, tables
from openingbell.feeds import BONDS, EOD, SPLITS, SPLITS_CALENDAR, STOCKS, Feed, Kind
from openingbell.splits import Split, splits_of
from openingbell.transform.reach import DAY, PROMOTION, Reach, changes, read_around, session_of, span_of
from openingbell.universe import Universe
from openingbell.warehouse.protocol import Reader

SPANS = pl.Schema({"symbol": pl.String(), "first": pl.Date(), "last": pl.Date()})
MARGIN = span_of(PROMOTION.sessions) + DAY
"""Before the first new bar: so far back bars are read to make those that are new."""


class News:
    """What is new: `brought` says where it lies, as `pending_spans` does, with `feed` beside; None means all there is.

    `actions` are the current corporate actions of the universe's stocks, `acted` the symbols of which some are new,
    `resplit` those of which splits are, `splits` the splits by symbol, `last_sessions` the last session of the data of
    each symbol that has splits.
    """

    def __init__(self, reader: Reader, universe: Universe, brought: pl.DataFrame | None, minutes: int) -> None:
        self._reader = reader
        self._universe = universe
        self._brought = brought
        if brought is not None:
            ends = (pl.col("first").min(), pl.col("last").max())
            self._brought = brought.group_by("feed", "asset_class", "symbol").agg(ends)
        self._minutes = minutes
        stocks = {member.symbol for member in universe.members if member.asset_class == STOCKS.asset_class}
        self.actions = reader.latest(tables.ACTIONS_RAW).filter(pl.col("symbol").is_in(stocks))
        self.acted = self._named_by(*(feed for feed in feeds.FEEDS if feed.kind is Kind.ACTIONS))
        self.resplit = self._named_by(SPLITS, SPLITS_CALENDAR)
        self.splits: dict[str, list[Split]] = {}
        for split in splits_of(self.actions):
            self.splits.setdefault(split.symbol, []).append(split)
        self.last_sessions = self._last_sessions()
        official = self._spans(EOD).with_columns(pl.col("first", "last").cast(pl.Date))
        self._bars = {feed.name: self._bar_spans(feed) for feed in feeds.INTRADAY_FEEDS}
        self._days = {
            feed.name: official.filter(pl.col("asset_class") == feed.asset_class).select(SPANS.names())
            for feed in feeds.INTRADAY_FEEDS
        }
        self._follow_splits()

    def bars(self, feed: Feed) -> pl.DataFrame:
        """The sessions of which bars are to be made anew: symbol, first and last, one row a symbol."""
        return self._bars[feed.name]

    def days(self, feed: Feed) -> pl.DataFrame:
        """The sessions of which daily bars are, for new bars or new official days."""
        return _union(self._bars[feed.name], self._days[feed.name])

    @property
    def has_facts(self) -> bool:
        """Whether something new was said about instruments."""
        return not self._spans(*feeds.REFERENCE_FEEDS).is_empty()

    @property
    def classes(self) -> dict[str, str]:
        """Asset class of every symbol of the universe that has bars."""
        return {m.symbol: m.asset_class for m in self._universe.members if m.feed.kind in (Kind.INTRADAY, Kind.DAILY)}

    @property
    def yields(self) -> tuple[date, date] | None:
        """The first and the last day of which yields are new."""
        if self._brought is None:
            return self._reader.bounds(tables.BOND_RAW)
        ends = self._brought.filter(pl.col("feed") == BONDS.name)
        first, last = ends.select(pl.col("first").min().dt.date(), pl.col("last").max().dt.date()).row(0)
        return None if first is None else (first, last)

    def evening(self, asset_class: str, symbols: pl.Series) -> list[str]:
        """The symbols whose sessions open on the evening before."""
        calendars = self.calendars(asset_class, symbols)
        return [symbol for symbol, calendar in calendars.items() if sessions.opens_in_the_evening(calendar)]

    def calendars(self, asset_class: str, *symbols: pl.Series) -> dict[str, str]:
        """Calendar of every symbol."""
        known = self._universe.calendars(asset_class)
        distinct = {symbol for series in symbols for symbol in series.unique()}
        return {symbol: known.get(symbol, feeds.calendar_of(asset_class, symbol)) for symbol in sorted(distinct)}

    def _named_by(self, *actions: Feed) -> set[str]:
        """The universe's stocks of which these feeds brought something."""
        return set(self._spans(*actions)["symbol"]) & set(self.actions["symbol"])

    def _last_sessions(self) -> dict[str, date]:
        lasts: dict[str, date] = {}
        for feed in (STOCKS, EOD) if self.splits else ():
            spans = self._reader.spans(tables.BY_NAME[feed.raw_table], symbols=list(self.splits))
            for symbol, last in spans.select("symbol", pl.col("last").cast(pl.Date)).iter_rows():
                lasts[symbol] = max(last, lasts.get(symbol, last))
        return lasts

    def _spans(self, *of: Feed) -> pl.DataFrame:
        """Where the new rows of feeds of one table lie: symbol, first and last, and asset_class where it is said; one
        row for each of these, class and symbol.
        """
        if self._brought is None:
            return self._reader.spans(tables.BY_NAME[of[0].raw_table], by_class=True)
        return self._brought.filter(pl.col("feed").is_in([feed.name for feed in of]))

    def _bar_spans(self, feed: Feed) -> pl.DataFrame:
        """Sessions from the first to the last new bar of each symbol."""
        spans = self._spans(feed)
        if spans.is_empty():
            return SPANS.to_frame()
        evening = self.evening(feed.asset_class, spans["symbol"])
        first, last = (
            spans.select("symbol", date=name).select("symbol", session_of(evening).alias(name))
            for name in ("first", "last")
        )
        return self._with_unsettled(feed, first.join(last, on="symbol"), evening)

    def _with_unsettled(self, feed: Feed, spans: pl.DataFrame, evening: list[str]) -> pl.DataFrame:
        """Spans that begin with the session before, whose last bar may have waited for a later one."""
        if sessions.minutes_of(feed.bar_interval) == self._minutes or self._brought is None:
            return spans
        parts = [SPANS.to_frame()]
        for change in changes(spans, feed.asset_class):
            table, columns = tables.BY_NAME[feed.raw_table], ("symbol", "date")
            rows = read_around(self._reader, table, change, Reach(bars=1), columns=columns, evening=evening)
            before = rows.filter(pl.col("session") < change.first).group_by("symbol").agg(pl.col("session").max())
            parts.append(
                spans.filter(pl.col("symbol").is_in(change.symbols))
                .join(before, on="symbol", how="left")
                .with_columns(first=pl.coalesce("session", "first"))
                .select(SPANS.names())
            )
        return pl.concat(parts)

    def _follow_splits(self) -> None:
        """Widen the spans to the whole history of each symbol whose basis may change: a split is new or taken back,
        what is to be read reaches to before one that has taken effect, or new bars may be the first after it.
        """
        if self._brought is None:
            return
        concerned = set(self.resplit)
        for symbol, first in self.days(STOCKS).select("symbol", "first").iter_rows():
            last = self.last_sessions.get(symbol)
            if last and any(first - MARGIN < split.ex_date <= last for split in self.splits[symbol]):
                concerned.add(symbol)
        both = ((self._bars, STOCKS), (self._days, EOD))
        for spans, feed in both:
            concerned |= self._behind_a_hole(spans[STOCKS.name], feed)
        if not concerned:
            return
        for spans, feed in both:
            whole = self._reader.spans(tables.BY_NAME[feed.raw_table], symbols=sorted(concerned))
            spans[STOCKS.name] = _union(
                spans[STOCKS.name], whole.select("symbol", pl.col("first", "last").cast(pl.Date))
            )

    def _behind_a_hole(self, spans: pl.DataFrame, feed: Feed) -> set[str]:
        """The symbols with splits that have no bar shortly before the new ones."""
        spans = spans.filter(pl.col("symbol").is_in(list(self.splits)))
        if spans.is_empty():
            return set()
        first, last = spans.select(first=pl.col("first").min() - MARGIN, last=pl.col("first").max()).row(0)
        rows = self._reader.read(
            tables.BY_NAME[feed.raw_table],
            columns=("symbol", "date"),
            symbols=spans["symbol"].to_list(),
            first=first,
            last=last,
        )
        near = rows.select("symbol", day=pl.col("date").cast(pl.Date)).join(spans, on="symbol")
        before = near.filter(pl.col("day").is_between(pl.col("first") - MARGIN, pl.col("first"), closed="left"))
        return set(spans["symbol"]) - set(before["symbol"])


def _union(*spans: pl.DataFrame) -> pl.DataFrame:
    """One span a symbol, over all of its spans."""
    return (
        pl.concat([frame.select(SPANS.names()) for frame in spans])
        .group_by("symbol")
        .agg(pl.col("first").min(), pl.col("last").max())
    )
