"""The coverage of a home as it stands at this moment, also while a worker is at work or before there is a warehouse."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from openingbell import coverage, tables
from openingbell.context import Pipeline
from openingbell.errors import WarehouseLocked
from openingbell.landing import Record
from openingbell.operations.home import Home
from openingbell.operations.lock import owner_of
from openingbell.universe import Universe
from openingbell.wants import check_feeds

MEMBER = ("asset_class", "symbol", "bar_interval")


@dataclass(frozen=True)
class CoverageView:
    """Rows of the table `coverage`, and what must be known to read them, in words."""

    rows: pl.DataFrame
    notes: tuple[str, ...] = ()


def coverage_of(home: Home, pipeline: Pipeline, feeds: Sequence[str] = ()) -> CoverageView:
    """The coverage of the pipeline's range and symbols, of some feeds; none named means all.

    While another process holds the warehouse nobody can say what of the landed files is in it; they count as loaded
    then. Manifests that cannot be read are told and left out.

    Raises:
        SymbolError: a symbol is not in the universe.
        RangeError: there is no such feed.
    """
    check_feeds(feeds)
    universe = pipeline.wide_universe.narrowed(pipeline.symbols)
    record, unreadable = pipeline.landing.survey()
    known = _known(home, pipeline, record)
    rows = coverage.fold(
        universe,
        record,
        known.loaded,
        pipeline.clock.now(),
        pipeline.settings,
        first=pipeline.first,
        last=pipeline.last,
        quarantined=coverage.quarantined_by_session(known.quarantine),
    )
    notes = [known.note] if known.note else []
    if unreadable:
        notes.append(f"{len(unreadable):,} manifests cannot be read and are left out, the first: {unreadable[0]}")
    return CoverageView(_of_feeds(rows, universe, feeds) if feeds else rows, tuple(notes))


def holes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not complete."""
    return rows.filter(pl.col("state") != "complete")


def _of_feeds(rows: pl.DataFrame, universe: Universe, feeds: Collection[str]) -> pl.DataFrame:
    """The rows of some feeds, chosen last: what one feed has says something about the holes of another."""
    members = [(m.asset_class, m.symbol, m.bar_interval) for m in universe.members if m.feed.name in feeds]
    chosen = pl.DataFrame(members, schema=dict.fromkeys(MEMBER, pl.String), orient="row")
    return rows.join(chosen, on=MEMBER, how="semi", maintain_order="left")


@dataclass(frozen=True)
class _Known:
    """What the warehouse says: the landed files that it holds, what is in quarantine, and what is to be said of it."""

    loaded: list[str]
    quarantine: pl.DataFrame
    note: str = ""


def _known(home: Home, pipeline: Pipeline, record: Record) -> _Known:
    nothing = tables.QUARANTINE.empty()
    if not pipeline.warehouse.exists():
        return _Known([], nothing, "there is no warehouse yet: what has landed is pending")
    try:
        with pipeline.warehouse.read() as reader:
            loads = reader.read(tables.LOADS, columns=["load_id"])
            return _Known(loads["load_id"].to_list(), reader.read(tables.QUARANTINE))
    except WarehouseLocked:
        holder = owner_of(home.root) or "another process"
        note = f"the warehouse is held ({holder}): what has landed counts as loaded"
        return _Known(record.files["load_id"].to_list(), nothing, note)
