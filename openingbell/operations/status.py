"""What a home holds at the moment, as data: the terminal draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from openingbell import tables
from openingbell.clock import SystemClock
from openingbell.context import Pipeline, backlog
from openingbell.operations.home import Home
from openingbell.operations.jobs import RUNNING, last_quality_run
from openingbell.operations.lock import is_held, owner_of
from openingbell.tables import ANALYTICS, RAW
from openingbell.warehouse.protocol import Reader

NEWEST_JOBS = 8


@dataclass(frozen=True)
class Status:
    """Figures of a home; holes are None as long as no quality run has looked for them."""

    facts: Mapping[str, str]
    jobs: Sequence[Mapping[str, Any]] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    holes: Mapping[str, int] | None = None


def status_of(home: Home, pipeline: Pipeline) -> Status:
    """The status of a home; a worker may be at work in it, and manifests may be unreadable.

    Raises:
        WarehouseLocked: a worker holds the warehouse for longer than the settings wait.
    """
    record, unreadable = pipeline.landing.survey()
    files = record.files
    held = is_held(home.root)
    facts = {
        "home": str(home.root.resolve()),
        "source": str(home.source),
        "worker": (owner_of(home.root) or "at work") if held else "none",
        "warehouse": pipeline.warehouse.place,
        "landed": f"{len(files):,} files, {files['rows'].sum():,} rows, {int(files['bytes'].sum()) / 1e6:,.1f} MB",
    }
    if not isinstance(pipeline.clock, SystemClock):
        facts["clock"] = f"{pipeline.clock.now():%Y-%m-%d %H:%M:%S} UTC, the home's own"
    if unreadable:
        facts["unreadable"] = f"{len(unreadable):,} manifests, the first: {unreadable[0]}"
    if not pipeline.warehouse.exists():
        return Status({**facts, "pending": f"{len(files):,} files; the warehouse is not there yet"})
    with pipeline.warehouse.read() as reader:
        loads = reader.read(tables.LOADS)
        jobs = reader.read(tables.JOB_LOG).sort("job_id", descending=True)
        holes = reader.read(tables.COVERAGE).filter(pl.col("state") != "complete")
        rows = row_counts(reader)
    left = backlog(record, loads)
    facts["pending"] = f"{left.to_load:,} files to load, {left.to_transform:,} to transform"
    running = len(jobs.filter(pl.col("status") == RUNNING))
    if running and not held and not is_held(home.root):
        facts["abandoned"] = f"{running:,} jobs; their process ended before they did, the next run does what they left"
    checked = last_quality_run(jobs) is not None
    return Status(
        facts=facts,
        jobs=jobs.head(NEWEST_JOBS).to_dicts(),
        rows=rows,
        holes=dict(holes.group_by("state").len().sort("state").iter_rows()) if checked else None,
    )


def row_counts(reader: Reader) -> dict[str, int]:
    """Rows of every raw and analytics table."""
    return {table.name: reader.count(table) for table in tables.of_layers(RAW, ANALYTICS)}
