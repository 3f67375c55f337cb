"""What a home holds at the moment, as data: the terminal draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from openingbell import tables
from openingbell.operations.home import Home
from openingbell.operations.lock import is_held, owner_of
from openingbell.operations.summary import row_counts
from openingbell.pipeline import Pipeline

NEWEST_JOBS = 8


@dataclass(frozen=True)
class Status:
    """Figures of a home."""

    facts: Mapping[str, str]
    jobs: Sequence[Mapping[str, Any]] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    holes: Mapping[str, int] = field(default_factory=dict)


def status_of(home: Home, pipeline: Pipeline) -> Status:
    """The status of a home; a worker may be at work in it.

    Raises:
        WarehouseLocked: a worker holds the warehouse for longer than the settings wait.
    """
    manifests = pipeline.landing.manifests()
    facts = {
        "home": str(home.root.resolve()),
        "source": str(home.source),
        "worker": (owner_of(home.root) or "at work") if is_held(home.root) else "none",
        "warehouse": pipeline.warehouse.place,
        "landed": f"{len(manifests):,} files, {sum(m.rows for m in manifests):,} rows, "
        f"{sum(m.bytes for m in manifests) / 1e6:,.1f} MB",
    }
    if not pipeline.warehouse.exists():
        return Status({**facts, "pending": f"{len(manifests):,} files; the warehouse is not there yet"})
    with pipeline.warehouse.read() as reader:
        loads = reader.read(tables.LOADS)
        jobs = reader.read(tables.JOB_LOG).sort("job_id", descending=True).head(NEWEST_JOBS)
        holes = reader.read(tables.COVERAGE).filter(pl.col("state") != "complete")
        rows = row_counts(reader)
    waiting = len(manifests) - len(loads)
    untransformed = loads["transformed_at"].null_count()
    return Status(
        facts={**facts, "pending": f"{waiting:,} files to load, {untransformed:,} to transform"},
        jobs=jobs.to_dicts(),
        rows=rows,
        holes=dict(holes.group_by("state").len().sort("state").iter_rows()),
    )
