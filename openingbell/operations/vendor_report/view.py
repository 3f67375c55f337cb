"""What the record and the warehouse of a home say of its vendor, read and put together; and what is learned from it.

Only what was answered in the last weeks is looked at, and how late bars were is judged by as many symbols as have so
many landed rows, so that it stays quick beside years of record and ten thousand symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl
import structlog

from openingbell import tables
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.errors import RecordError, WarehouseLocked
from openingbell.feeds import BAR_FEEDS, BONDS, Feed, Kind
from openingbell.landing import Landing, Record
from openingbell.landing.files import read_together
from openingbell.operations.coverage_view import MEMBER, coverage_of
from openingbell.operations.home import Home
from openingbell.operations.lock import owner_of
from openingbell.operations.vendor_report import learning, revisions
from openingbell.operations.vendor_report.lateness import ROWS, bracket, intervals, telling, watchers
from openingbell.operations.vendor_report.learned import Learned, read_learned, recalled, write_learned
from openingbell.warehouse.protocol import Reader

log = structlog.get_logger()

WINDOW = timedelta(days=30)
MOST_ROWS = 1_000_000
"""Landed rows of a feed that are read: a few seconds, and what thirty days of a hundred stocks come to."""
FILES_AT_ONCE = 500
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
SET, LEARNED, DEFAULT = "set", "learned", "default"

DELAYS = pl.Schema(
    {"feed": pl.String(), "bars": pl.Int64(), "sessions": pl.Int64(), "late": pl.Int64()}
    | {f"{name}_{side}": pl.Int64() for name in SHARES for side in ("over", "at_most")}
    | {"feed_delay": pl.Float64(), "said_by": pl.String()}
)
"""One row a feed. `bars` are those that say something, `late` those of them that the first answer after their end had
not; a share of the bars came later than `_over` seconds after their end and no later than `_at_most`.
"""
REVISIONS = pl.Schema({"feed": pl.String(), **revisions.RATES})
HOLES = pl.Schema({"feed": pl.String(), "state": pl.String(), "bars_expected": pl.Int64(), "bars_lacking": pl.Int64()})
"""One row a feed and state of its sessions; the expected bars are those of all sessions of the feed."""
FIGURES = pl.Schema(
    {
        "feed": pl.String(),
        "figure": pl.String(),
        "of": pl.String(),
        "over": pl.Float64(),
        "value": pl.Float64(),
        "unit": pl.String(),
        "bars": pl.Int64(),
        "of_bars": pl.Int64(),
    }
)


@dataclass(frozen=True)
class VendorReport:
    """How the vendor behaved from `first` on: `DELAYS`, `REVISIONS`, `HOLES`, and what must be known to read them."""

    first: date
    delays: pl.DataFrame
    revisions: pl.DataFrame
    holes: pl.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> pl.DataFrame:
        """All of it, a figure a row."""
        percent = (pl.col("bars") / pl.col("of_bars") * 100).alias("value")
        delays = [
            self.delays.select(
                "feed", figure=pl.lit("delay"), of=pl.lit(name), over=f"{name}_over", value=f"{name}_at_most",
                unit=pl.lit("seconds"), of_bars="bars",
            )
            for name in SHARES
        ]  # fmt: skip
        shares = [
            self.delays.select("feed", figure=pl.lit("late"), of=pl.lit("first answer"), bars="late", of_bars="bars"),
            self.revisions.select("feed", figure=pl.lit("revised"), of="age", bars="changed", of_bars="read_again"),
            self.holes.select("feed", figure=pl.lit("holes"), of="state", bars="bars_lacking", of_bars="bars_expected"),
        ]
        taken = self.delays.select(
            "feed", figure=pl.lit("feed delay"), of="said_by", value="feed_delay", unit=pl.lit("seconds")
        )
        rated = [share.with_columns(percent, unit=pl.lit("percent")) for share in shares]
        frames = [FIGURES.to_frame(), *delays, *rated, taken]
        names = [frame.with_columns(pl.col(name).cast(FIGURES[name]) for name in frame.columns) for frame in frames]
        return pl.concat(names, how="diagonal").select(FIGURES.names()).sort("feed", maintain_order=True)


def report_of(home: Home, pipeline: Pipeline, feeds: Sequence[str] = ()) -> VendorReport:
    """How the vendor behaved in the last thirty days, of some feeds; none named means all that the universe has.

    While another process holds the warehouse nothing is said of revisions.

    Raises:
        RangeError: there is no such feed of bars or yields.
    """
    now = pipeline.clock.now()
    begin = now - WINDOW
    coverage = coverage_of(home, replace(pipeline, first=begin.date()), feeds)
    record, _ = pipeline.landing.survey()
    chosen = [feed for feed in BAR_FEEDS if pipeline.universe.of(feed) and (not feeds or feed.name in feeds)]
    notes = list(coverage.notes)
    learned = read_learned(home.root)
    seen = []
    for feed in chosen:
        found, unread = intervals_of(pipeline.landing, record, feed, begin)
        seen.append(_delays(found, feed, pipeline.settings, is_learned=feed.name in learned))
        notes += [f"{len(unread):,} files of {feed.name} cannot be read, the first: {unread[0]}"] if unread else []
    changed = [REVISIONS.to_frame()]
    if pipeline.warehouse.exists():
        try:
            with pipeline.warehouse.read() as reader:
                changed += [_revisions(reader, record, feed, begin) for feed in chosen]
        except WarehouseLocked:
            changed = [REVISIONS.to_frame()]
            holder = owner_of(home.root) or "another process"
            notes.append(f"the warehouse is held ({holder}): nothing can be said of revisions, ask again later")
    return VendorReport(
        first=begin.date(),
        delays=pl.concat([DELAYS.to_frame(), *seen]),
        revisions=pl.concat(changed),
        holes=_holes(coverage.rows, pipeline),
        notes=tuple(notes),
    )


def learn(home: Home, pipeline: Pipeline) -> dict[str, Learned]:
    """Learn the vendor's delay from the last thirty days and keep it in the home; nothing while it is set.

    Returns:
        What was learned now, by name of feed.

    Raises:
        RecordError: the disk does not take it.
    """
    if pipeline.settings.feed_delay_seconds is not None:
        return {}
    record, _ = pipeline.landing.survey()
    now = pipeline.clock.now()
    new: dict[str, Learned] = {}
    for feed in BAR_FEEDS:
        found, _ = intervals_of(pipeline.landing, record, feed, now - WINDOW)
        usual = learning.usual(found)
        if usual is not None:
            known = telling(found)
            seconds = learning.learned_seconds(pipeline.settings.feed_delay(feed), usual)
            new[feed.name] = Learned(
                seconds, len(known), known["session"].n_unique(), usual.over, usual.at_most, now
            )  # fmt: skip
            log.info("feed_delay_learned", feed=feed.name, seconds=seconds, bars=len(known))
    if new:
        write_learned(home.root, recalled(home.root) | new)
    return new


def intervals_of(landing: Landing, record: Record, feed: Feed, begin: datetime) -> tuple[pl.DataFrame, list[str]]:
    """When the bars of a feed came that ended from `begin` on, of its symbols or as many as the limit allows; and what
    is wrong with files that cannot be read.
    """
    recent = record.files.filter((pl.col("feed") == feed.name) & (pl.col("extracted_at") >= begin))
    watching = _of_some_symbols(watchers(_asks_of(record, recent)))
    symbols = watching["symbol"].unique()
    files = recent.filter(pl.col("has_rows") & pl.col("load_id").is_in(watching["load_id"].unique().implode()))
    unread: dict[str, str] = {}
    rows = pl.concat([ROWS.to_frame(), *_rows(landing, files, feed, symbols, unread)])
    read = watching.filter(~pl.col("load_id").is_in(list(unread)))
    return intervals(read, rows, feed, begin), list(unread.values())


def _of_some_symbols(watching: pl.DataFrame) -> pl.DataFrame:
    """The answers about as many symbols as the limit allows, first those that were asked first."""
    symbols = watching.group_by("symbol").agg(pl.col("rows").cast(pl.Int64).sum(), pl.col("answered_at").min())
    chosen = symbols.sort("answered_at", "symbol").filter(pl.col("rows").cum_sum() <= MOST_ROWS)
    return watching.join(chosen, on="symbol", how="semi", maintain_order="left")


def _rows(
    landing: Landing, files: pl.DataFrame, feed: Feed, symbols: pl.Series, unread: dict[str, str]
) -> Iterator[pl.DataFrame]:
    """Which bars of some symbols landed files hold."""
    for part in files.iter_slices(FILES_AT_ONCE):
        contents: list[bytes] = []
        places: list[int] = []
        for place, found in enumerate(landing.contents(part)):
            if isinstance(found, RecordError):
                unread[part["load_id"][place]] = str(found)
            else:
                contents.append(found)
                places.append(place)
        good = part[places]
        for together in read_together(contents, good["rows"].to_list()):
            if {"symbol", "date"} <= set(together.rows.columns):
                ids = good["load_id"].gather(list(together.places))
                yield _typed(together.rows, ids, together.lengths, feed, symbols)


def _typed(text: pl.DataFrame, ids: pl.Series, lengths: Sequence[int], feed: Feed, symbols: pl.Series) -> pl.DataFrame:
    date_ = pl.col("date").str.strip_chars()
    if feed.kind is Kind.INTRADAY:
        start = date_.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    else:
        start = date_.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    places = pl.DataFrame({"load_id": ids, "length": lengths}).select(pl.col("load_id").repeat_by("length").explode())
    return (
        text.select("symbol", "date", places["load_id"])
        .filter(pl.col("symbol").is_in(symbols.implode()))
        .select("load_id", "symbol", date=start)
        .filter(pl.col("date").is_not_null())
    )


def _asks_of(record: Record, files: pl.DataFrame) -> pl.DataFrame:
    """The asks of some files, with what holds for the whole file."""
    facts = files.select(pl.col("load_id").cast(pl.Categorical), "bar_interval", "final_delay")
    return record.asks.join(facts, on="load_id")


def _delays(found: pl.DataFrame, feed: Feed, settings: Settings, *, is_learned: bool) -> pl.DataFrame:
    known = telling(found)
    own = int(feed.final_after.total_seconds())
    sides: dict[str, int | None] = {}
    for name, share in SHARES.items():
        one = bracket(known, share)
        sides[f"{name}_over"] = (one.over + own if one.over else 0) if one else None
        sides[f"{name}_at_most"] = one.at_most + own if one else None
    is_set = settings.feed_delay_seconds is not None
    row = {
        "feed": feed.name,
        "bars": len(known),
        "sessions": known["session"].n_unique(),
        "late": len(known.filter(pl.col("over") > 0)),
        **sides,
        "feed_delay": settings.feed_delay(feed),
        "said_by": SET if is_set else LEARNED if is_learned else DEFAULT,
    }
    return pl.DataFrame([row], schema=DELAYS)


def _revisions(reader: Reader, record: Record, feed: Feed, begin: datetime) -> pl.DataFrame:
    files = record.files.filter(pl.col("feed") == feed.name)
    asks = _asks_of(record, files.filter(pl.col("extracted_at") >= begin))
    if asks.is_empty():
        return REVISIONS.to_frame()
    before = _asks_of(record, files.filter(pl.col("extracted_at") < begin)).filter(~pl.col("restricted"))
    known_from = dict(before.group_by(pl.col("symbol").cast(pl.String)).agg(pl.col("covered_first").min()).iter_rows())
    changed = _changed(reader, feed).filter(pl.col("extracted_at") >= begin)
    return revisions.rates(asks, known_from, changed, feed).select(pl.lit(feed.name).alias("feed"), pl.all())


def _changed(reader: Reader, feed: Feed) -> pl.DataFrame:
    """What the warehouse knows that the vendor changed of a feed."""
    if feed is BONDS:
        return revisions.corrected_yields(reader.read(tables.BOND_RAW))
    columns = ("asset_class", "symbol", "bar_interval", "date", "extracted_at", "kind")
    return revisions.corrections(reader.read(tables.RESTATEMENTS, columns=columns), feed)


def _holes(rows: pl.DataFrame, pipeline: Pipeline) -> pl.DataFrame:
    members = [
        (m.asset_class, m.symbol, m.bar_interval, m.feed.name)
        for m in pipeline.wide_universe.members
        if m.feed.has_grid
    ]
    feeds = pl.DataFrame(members, schema=dict.fromkeys((*MEMBER, "feed"), pl.String), orient="row")
    lacking = pl.col("bars_expected") - pl.col("bars_present")
    counted = (
        rows.join(feeds, on=MEMBER)
        .with_columns(bars_lacking=lacking, whole=pl.col("bars_expected").sum().over("feed"))
        .group_by("feed", "state")
        .agg(bars_expected=pl.col("whole").first(), bars_lacking=pl.col("bars_lacking").sum())
    )
    order = pl.DataFrame({"feed": [feed.name for feed in BAR_FEEDS]}).with_row_index("place")
    return (
        counted.join(order, on="feed")
        .sort("place", -pl.col("bars_lacking"), "state")
        .select(pl.col(name).cast(dtype) for name, dtype in HOLES.items())
    )
