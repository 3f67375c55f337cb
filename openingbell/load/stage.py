"""The stage: pending files, in the order in which they were extracted, into the raw warehouse. Where it takes several
transactions at once, files that have no bar in common go in side by side.

Pending is what has landed and is not in `loads`; a file's rows commit together with its `loads` row. A file that
arrives after younger ones is no special case for readers (see `versions`), but rows of younger files that said nothing
new then may say something new now: they are read again from the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl
import structlog

from openingbell import tables
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.feeds import FEEDS
from openingbell.landing import Landing, Record
from openingbell.load import bulk, spans
from openingbell.load.bulk import Bundle
from openingbell.load.lanes import in_lanes
from openingbell.load.shares import shares
from openingbell.progress import Progress
from openingbell.tables import Table
from openingbell.versions import has_duplicates, new_versions
from openingbell.warehouse import owner
from openingbell.warehouse.protocol import Warehouse, Writer
from openingbell.warehouse.transact import transact

log = structlog.get_logger()

NEXT_TO_DAYS = 2
"""Bars next to what was asked may come along."""


@dataclass(frozen=True)
class Loaded:
    """What the stage did. `failures` are files that could not be read or are not this home's; they stay pending."""

    files: int = 0
    rows: int = 0
    rows_new: int = 0
    rows_same: int = 0
    rows_repeated: int = 0
    rows_forming: int = 0
    rows_quarantined: int = 0
    failures: tuple[str, ...] = ()

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def run(
    landing: Landing,
    warehouse: Warehouse,
    clock: Clock,
    settings: Settings,
    *,
    source: str | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Load every pending file.

    Args:
        landing: the record.
        warehouse: where to.
        clock: says when.
        settings: how many rows go into one transaction.
        source: the home's, which the warehouse belongs to from then on; a file of another one is a failure. None takes
            any.
        progress: told how far it is.

    Raises:
        SourceError: the warehouse belongs to another source.
        WarehouseLocked: another process holds the warehouse; the files wait.
        RecordError: a manifest cannot be read.
    """
    warehouse.setup()
    claim = partial(owner.claim, source=source, place=warehouse.place) if source is not None else None
    record = landing.record()
    with warehouse.read() as reader:
        pending = record.files.join(reader.read(tables.LOADS), on="load_id", how="anti", maintain_order="left")
    is_ours = pl.lit(value=True) if source is None else pl.col("source") == source
    theirs = pending.filter(~is_ours).select("feed", "load_id", "source").iter_rows()
    total = Loaded(failures=tuple(_refused(feed, load_id, other, source) for feed, load_id, other in theirs))
    mine = pending.filter(is_ours)
    if mine.is_empty():
        return total

    def transfer(reading: list[Future[Bundle]]) -> Loaded:
        bundles = [future.result() for future in reading]
        return transact(warehouse, partial(_load, bundles, record, landing, clock.now(), claim))

    with warehouse.abreast() as lanes, ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        rows = settings.rows_per_transaction
        apart = [mine]
        if lanes > 1 and mine["rows"].sum() > rows // lanes:
            rows, apart = rows // lanes, shares(mine, record.asks)
            if claim is not None:
                transact(warehouse, claim)  # before several see at once that nobody has
        chains = [_parts(share, record.asks, landing, rows, pool) for share in apart]
        with closing(in_lanes(chains, transfer, min(lanes, len(chains)))) as ended:
            for done in ended:
                total += done
                log.info("files_loaded", files=done.files, rows_new=done.rows_new)
                if progress is not None:
                    progress("files", total.files + len(total.failures), len(pending))
    return total


def _refused(feed: str, load_id: str, other: str, source: str | None) -> str:
    """Why a file of another source is left alone."""
    reason = (
        f"asked to load {feed}/{load_id}; it holds data of {other}, this home those of "
        f"{source}; a home holds one source, so that simulated and real data never mix; move file and manifest to a "
        f"home of {other}, or away"
    )
    log.warning("file_of_another_source", load_id=load_id, reason=reason)
    return reason


def _parts(
    files: pl.DataFrame, asks: pl.DataFrame, landing: Landing, rows: int, pool: ThreadPoolExecutor
) -> Iterator[list[Future[Bundle]]]:
    """The files in parts of about `rows` rows, which are read and typed in the pool: the next while one is written."""
    ahead: list[Future[Bundle]] = []
    for part in bulk.runs(files, rows):
        of_part = _asks_of(part, asks)
        reading = [pool.submit(bulk.read, bundle, of_part, landing) for bundle in bulk.bundles(part)]
        if ahead:
            yield ahead
        ahead = reading
    if ahead:
        yield ahead


def _asks_of(files: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    return asks.join(files.select(pl.col("load_id").cast(pl.Categorical)), on="load_id", how="semi")


def _load(
    bundles: list[Bundle],
    record: Record,
    landing: Landing,
    now: datetime,
    claim: Callable[[Writer], None] | None,
    writer: Writer,
) -> Loaded:
    if claim is not None:
        claim(writer)
    loads = writer.read(tables.LOADS)
    wanted = pl.concat(bundle.files for bundle in bundles)
    done = loads.join(wanted, on="load_id", how="semi")
    if not done.is_empty():  # by a try before this one, whose answer was lost: it commits all files or none
        return _sum(done)
    total = Loaded(failures=tuple(reason for bundle in bundles for reason in bundle.unread))
    for table in dict.fromkeys(bundle.table for bundle in bundles):
        of_table = [bundle for bundle in bundles if bundle.table is table]
        files = pl.concat(bundle.files for bundle in of_table)
        late = _overtaken(files, table, record, loads)
        overtaken = [bulk.read(bundle, _asks_of(late, record.asks), landing) for bundle in bulk.bundles(late)]
        brought = _append([*of_table, *overtaken], table, writer)
        spans.note(brought, writer, again=bool(overtaken))
        fresh = brought.group_by("load_id").agg(pl.col("rows_new").sum())
        _amend(loads, overtaken, fresh, writer)
        counted = _counted(files, fresh)
        writer.append(tables.LOADS, _loads_rows(counted, now))
        writer.append(tables.QUARANTINE, pl.concat(bundle.quarantined for bundle in of_table))
        total += _sum(counted) + Loaded(failures=tuple(reason for bundle in overtaken for reason in bundle.unread))
    return total


def _append(bundles: list[Bundle], table: Table, writer: Writer) -> pl.DataFrame:
    """Append what the files say that is new; returns `spans.BROUGHT` of files that say any."""
    incoming = pl.concat(bundle.final for bundle in bundles)
    if incoming.is_empty():
        return spans.BROUGHT.to_frame()
    first, last = incoming[table.order].min(), incoming[table.order].max()
    symbols = incoming["symbol"].unique().to_list() if "symbol" in table.names else None
    within: dict[str, Any] = {"symbols": symbols, "first": _bound(first), "last": _bound(last)}
    bar = list(table.bar_key)
    stored = writer.read(table, **within)
    if has_duplicates(pl.concat([incoming.select(bar), stored.select(bar)]), bar):
        fresh = new_versions(incoming, stored, table)
    else:
        fresh = incoming  # nothing is stored of these bars, and none comes twice
    writer.append(table, fresh)
    return spans.brought(fresh, table)


def _bound(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no date")
    return value


def _overtaken(files: pl.DataFrame, table: Table, record: Record, loads: pl.DataFrame) -> pl.DataFrame:
    """The loaded files that are younger than the oldest of `files` and may hold versions of the same bars."""
    if files.is_empty():
        return record.files.clear()
    at, load_id = files.select("extracted_at", "load_id").sort("extracted_at", "load_id").row(0)
    of_table = [feed for feed in FEEDS if feed.raw_table == table.name]
    younger = record.files.filter(
        pl.col("feed").is_in([feed.name for feed in of_table]),
        (pl.col("extracted_at") > at) | ((pl.col("extracted_at") == at) & (pl.col("load_id") > load_id)),
    ).join(loads, on="load_id", how="semi", maintain_order="left")
    if younger.is_empty() or not all(feed.has_grid for feed in of_table):
        return younger  # an answer of facts without a grid may be of any day and symbol
    reach = (
        _asks_of(files, record.asks)
        .group_by("symbol")
        .agg(reach_first=pl.col("first").min(), reach_last=pl.col("last").max())
    )
    meeting = (
        _asks_of(younger, record.asks)
        .join(reach, on="symbol")
        .filter(
            pl.col("first").dt.offset_by(f"-{NEXT_TO_DAYS}d") <= pl.col("reach_last"),
            pl.col("reach_first") <= pl.col("last").dt.offset_by(f"{NEXT_TO_DAYS}d"),
        )
        .select(pl.col("load_id").cast(pl.String))
    )
    return younger.join(meeting, on="load_id", how="semi", maintain_order="left")


def _amend(loads: pl.DataFrame, overtaken: list[Bundle], fresh: pl.DataFrame, writer: Writer) -> None:
    """Correct the counts of files of which rows say something new after all, and have them transformed again."""
    read = [load_id for bundle in overtaken for load_id in bundle.files["load_id"]]
    touched = fresh.filter(pl.col("load_id").is_in(read)).rename({"rows_new": "more"})
    if touched.is_empty():
        return
    writer.replace(
        tables.LOADS,
        loads.join(touched, on="load_id").with_columns(
            rows_new=pl.col("rows_new") + pl.col("more"),
            rows_same=pl.col("rows_same") - pl.col("more"),
            transformed_at=pl.lit(None, pl.Datetime("us")),
        ),
    )


def _counted(files: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The files with `rows_new` and `rows_same` beside the other counts."""
    return files.join(fresh, on="load_id", how="left", maintain_order="left").with_columns(
        rows_new=pl.col("rows_new").fill_null(0), rows_same=pl.col("rows_final") - pl.col("rows_new").fill_null(0)
    )


def _loads_rows(counted: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return counted.with_columns(
        pl.col("extracted_at").dt.replace_time_zone(None),
        loaded_at=pl.lit(now.replace(tzinfo=None), pl.Datetime("us")),
        transformed_at=pl.lit(None, pl.Datetime("us")),
    ).select(tables.LOADS.names)


def _sum(counted: pl.DataFrame) -> Loaded:
    names = ("rows", "rows_new", "rows_same", "rows_repeated", "rows_forming", "rows_quarantined")
    return Loaded(len(counted), **counted.select(pl.col(names).sum()).row(0, named=True))
