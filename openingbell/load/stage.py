"""The stage: pending files, in the order in which they were extracted, into the raw warehouse.

Pending is what has landed and is not in `loads`; a file's rows commit together with its `loads` row. A file that
arrives after younger ones is no special case for readers (see `versions`), but rows of younger files that said nothing
new then may say something new now: they are read again from the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import structlog

from openingbell import tables
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import RecordError
from openingbell.feeds import FEEDS, Kind
from openingbell.landing import Ask, Landing, Manifest
from openingbell.load.typing import Typed, type_rows
from openingbell.progress import Progress
from openingbell.versions import has_duplicates, new_versions
from openingbell.warehouse.protocol import Warehouse, Writer

log = structlog.get_logger()

NEXT_TO = timedelta(days=2)


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


@dataclass(frozen=True)
class _File:
    manifest: Manifest
    typed: Typed


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
        source: the home's; a file of another one is a failure. None takes any.
        progress: told how far it is.

    Raises:
        WarehouseLocked: another process holds the warehouse; the files wait.
        RecordError: a manifest cannot be read.
    """
    warehouse.setup()
    manifests = landing.manifests()
    with warehouse.read() as reader:
        loaded = set(reader.read(tables.LOADS)["load_id"])
    pending = [manifest for manifest in manifests if manifest.load_id not in loaded]
    ours = [manifest for manifest in pending if source in (None, manifest.source)]
    theirs = [manifest for manifest in pending if source not in (None, manifest.source)]
    total = Loaded(failures=tuple(_refused(manifest, source) for manifest in theirs))
    for files, unread in _read_ahead(_chunks(ours, settings.rows_per_transaction), landing):
        with warehouse.write() as writer:
            done = _load(files, manifests, landing, writer, clock.now()) + Loaded(failures=tuple(unread))
        total += done
        log.info("files_loaded", files=done.files, rows_new=done.rows_new)
        if progress is not None:
            progress("files", total.files + len(total.failures), len(pending))
    return total


def _refused(manifest: Manifest, source: str | None) -> str:
    """Why a file of another source is left alone."""
    reason = (
        f"asked to load {manifest.feed}/{manifest.load_id}; it holds data of {manifest.source}, this home those of "
        f"{source}; a home holds one source, so that simulated and real data never mix; move file and manifest to a "
        f"home of {manifest.source}, or away"
    )
    log.warning("file_of_another_source", load_id=manifest.load_id, reason=reason)
    return reason


def _chunks(manifests: Iterable[Manifest], rows: int) -> Iterator[list[Manifest]]:
    """Runs of manifests with about `rows` rows together, one manifest at the least."""
    chunk: list[Manifest] = []
    held = 0
    for manifest in manifests:
        if chunk and held + manifest.rows > rows:
            yield chunk
            chunk, held = [], 0
        chunk.append(manifest)
        held += manifest.rows
    if chunk:
        yield chunk


def _read_ahead(chunks: Iterable[list[Manifest]], landing: Landing) -> Iterator[tuple[list[_File], list[str]]]:
    """What `_read` makes of each chunk; the next one is read while the one before is written."""
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        ahead: list[Future[_File | str]] = []
        for chunk in chunks:
            reading = [pool.submit(_read_one, manifest, landing) for manifest in chunk]
            if ahead:
                yield _sorted_out(future.result() for future in ahead)
            ahead = reading
        if ahead:
            yield _sorted_out(future.result() for future in ahead)


def _load(files: list[_File], manifests: list[Manifest], landing: Landing, writer: Writer, now: datetime) -> Loaded:
    loads = writer.read(tables.LOADS)
    total = Loaded()
    for table in dict.fromkeys(file.typed.table.name for file in files):
        of_table = [file for file in files if file.typed.table.name == table]
        overtaken, unread = _read(_overtaken(of_table, manifests, loads), landing)
        total += Loaded(failures=tuple(unread))
        fresh = _append(of_table + overtaken, writer)
        _amend(loads, overtaken, fresh, writer)
        counted = [(file, _counts(file, fresh.get(file.manifest.load_id, 0))) for file in of_table]
        writer.append(tables.LOADS, pl.concat(_loads_row(file, counts, now) for file, counts in counted))
        writer.append(tables.QUARANTINE, pl.concat(file.typed.quarantined for file in of_table))
        total += sum((counts for _, counts in counted), Loaded())
    return total


def _read(manifests: Iterable[Manifest], landing: Landing) -> tuple[list[_File], list[str]]:
    """Files, and why others cannot be read."""
    return _sorted_out(_read_one(manifest, landing) for manifest in manifests)


def _read_one(manifest: Manifest, landing: Landing) -> _File | str:
    try:
        return _File(manifest, type_rows(landing.read(manifest), manifest))
    except RecordError as error:
        log.warning("file_unreadable", load_id=manifest.load_id, reason=str(error))
        return str(error)


def _sorted_out(found: Iterable[_File | str]) -> tuple[list[_File], list[str]]:
    every = list(found)
    return [one for one in every if isinstance(one, _File)], [one for one in every if isinstance(one, str)]


def _append(files: list[_File], writer: Writer) -> dict[str, int]:
    """Append what the files say that is new; returns the number of rows by load_id."""
    table = files[0].typed.table
    incoming = pl.concat(file.typed.final for file in files)
    if incoming.is_empty():
        return {}
    first, last = incoming[table.order].min(), incoming[table.order].max()
    symbols = incoming["symbol"].unique().to_list() if "symbol" in table.names else None
    within: dict[str, Any] = {"symbols": symbols, "first": _bound(first), "last": _bound(last)}
    bar = list(table.bar_key)
    if has_duplicates(pl.concat([incoming.select(bar), writer.read(table, columns=bar, **within)]), bar):
        fresh = new_versions(incoming, writer.read(table, **within), table)
    else:
        fresh = incoming  # nothing is stored of these bars, and none comes twice
    writer.append(table, fresh)
    return dict(fresh.group_by("load_id").len().iter_rows())


def _bound(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no date")
    return value


def _overtaken(files: list[_File], manifests: list[Manifest], loads: pl.DataFrame) -> list[Manifest]:
    """The loaded files that are younger than the oldest of `files` and may hold versions of the same bars."""
    oldest = min((file.manifest.extracted_at, file.manifest.load_id) for file in files)
    of_table = [feed for feed in FEEDS if feed.raw_table == files[0].typed.table.name]
    loaded = set(loads.filter(pl.col("feed").is_in([feed.name for feed in of_table]))["load_id"])
    meets_all = any(feed.kind is Kind.ACTIONS for feed in of_table)  # an answer may be of any day and symbol
    reach: dict[str, tuple[date, date]] = {}
    for file in files:
        for ask in file.manifest.asks:
            first, last = reach.get(ask.symbol, (ask.first, ask.last))
            reach[ask.symbol] = min(first, ask.first), max(last, ask.last)
    return [
        manifest
        for manifest in manifests
        if manifest.load_id in loaded
        and (manifest.extracted_at, manifest.load_id) > oldest
        and (meets_all or any(_meets(ask, reach.get(ask.symbol)) for ask in manifest.asks))
    ]


def _meets(ask: Ask, reach: tuple[date, date] | None) -> bool:
    """Whether an answer may hold bars of these sessions; those next to what was asked may come along."""
    return reach is not None and ask.first - NEXT_TO <= reach[1] and reach[0] <= ask.last + NEXT_TO


def _amend(loads: pl.DataFrame, overtaken: list[_File], fresh: dict[str, int], writer: Writer) -> None:
    """Correct the counts of files of which rows say something new after all, and have them transformed again."""
    touched = [file.manifest.load_id for file in overtaken if file.manifest.load_id in fresh]
    if not touched:
        return
    more = pl.col("load_id").replace_strict(fresh, default=0, return_dtype=pl.Int64)
    writer.replace(
        tables.LOADS,
        loads.filter(pl.col("load_id").is_in(touched)).with_columns(
            rows_new=pl.col("rows_new") + more,
            rows_same=pl.col("rows_same") - more,
            transformed_at=pl.lit(None, pl.Datetime("us")),
        ),
    )


def _loads_row(file: _File, counts: Loaded, now: datetime) -> pl.DataFrame:
    row = {
        "load_id": file.manifest.load_id,
        "feed": file.manifest.feed,
        "sha256": file.manifest.sha256,
        "extracted_at": file.manifest.extracted_at.replace(tzinfo=None),
        "rows": counts.rows,
        "rows_new": counts.rows_new,
        "rows_same": counts.rows_same,
        "rows_repeated": counts.rows_repeated,
        "rows_forming": counts.rows_forming,
        "rows_quarantined": counts.rows_quarantined,
        "loaded_at": now.replace(tzinfo=None),
        "transformed_at": None,
    }
    return pl.DataFrame([row], schema=tables.LOADS.schema)


def _counts(file: _File, rows_new: int) -> Loaded:
    typed = file.typed
    return Loaded(
        files=1,
        rows=file.manifest.rows,
        rows_new=rows_new,
        rows_same=len(typed.final) - rows_new,
        rows_repeated=typed.repeated,
        rows_forming=typed.forming,
        rows_quarantined=len(typed.quarantined),
    )
