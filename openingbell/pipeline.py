"""The flow, top to bottom: extract, load, transform, quality, report. Each function is one stage of one home.

    vendor → data_extracts/ → raw warehouse → analytics warehouse → findings, reports

A stage can be run by itself and run again: it does what is left to do. What it did comes back as an `Outcome`, which is
what the job log keeps.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import structlog

from openingbell import tables
from openingbell.context import Outcome, Pipeline, backlog
from openingbell.errors import WarehouseError
from openingbell.extract import budget
from openingbell.extract import stage as extraction
from openingbell.extract.budget import Budget
from openingbell.extract.fmp import CLOCK_TOLERANCE, FmpClient
from openingbell.extract.stage import Wanted
from openingbell.load import stage as loading
from openingbell.progress import Progress
from openingbell.quality import stage as quality_control
from openingbell.reporting import stage as reporting
from openingbell.reporting.period import Period
from openingbell.transform import stage as transformation
from openingbell.universe import Universe

log = structlog.get_logger()


def extract(pipeline: Pipeline, progress: Progress | None = None, wanted: Wanted | None = None) -> Outcome:
    """Ask the vendor for what is due and land the answers; also for what is missing when the run is narrowed to it.

    `wanted` narrows what is asked for further.
    """
    widened = wanted is not None and wanted.backfill

    def universe() -> Universe:
        now = pipeline.universe if pipeline.symbols else pipeline.universe_now
        wide = replace(pipeline, universe=now).wide_universe if widened else now
        return wide.narrowed(pipeline.symbols, pipeline.first, pipeline.last)

    narrowed = pipeline.symbols or pipeline.first or pipeline.last
    pipeline.landing.sweep()
    with FmpClient(pipeline.settings, pipeline.clock, stop=pipeline.stop) as client:
        done = extraction.run(
            universe,
            pipeline.landing,
            client,
            pipeline.clock,
            pipeline.settings,
            source=pipeline.source,
            wanted=wanted or Wanted(again=bool(narrowed)),
            budget=budget_of(pipeline),
            stop=pipeline.stop,
            progress=progress,
        )
    failed = [f"{failure.symbol} ({failure.feed}): {failure.message}" for failure in done.failures]
    nothing = "nothing was due" + (" of what was asked for" if narrowed else "")
    outside = [f"outside the plan: {', '.join(sorted(done.restricted))}"] if done.restricted else []
    remarks = pipeline.listed.remarks() if pipeline.listed else []
    notes = [*outside, *_late(client), *remarks] if done.requests or done.stopped else [nothing]
    return Outcome(
        done.rows,
        asdict(done),
        shortfall="" if done.cut_short else done.stopped or _list("requests without an answer", failed),
        note="; ".join(notes),
    )


def _late(client: FmpClient) -> list[str]:
    """That our clock is behind the vendor's, where it is: no harm to the data, but everything comes late."""
    behind = -(client.skew or timedelta(0))
    if behind <= CLOCK_TOLERANCE:
        return []
    log.warning("clock_behind", seconds=behind.total_seconds())
    told = f"this machine's clock is {behind.total_seconds():,.0f} s behind the vendor's"
    return [f"{told}, and bars are taken for final so much later; set it, best by NTP"]


def budget_of(pipeline: Pipeline) -> Budget:
    """What the plan still allows, by what the record says was used."""
    plan = pipeline.settings.limits
    if plan is None:
        return Budget()
    use = budget.used(pipeline.landing.record().asks, pipeline.clock.now())
    return budget.left(use, calls_per_day=plan.calls_per_day, bytes_per_30_days=plan.bytes_per_30_days)


def load(pipeline: Pipeline, progress: Progress | None = None) -> Outcome:
    """Bring landed files into the raw warehouse."""
    done = loading.run(
        pipeline.landing,
        pipeline.warehouse,
        pipeline.clock,
        pipeline.settings,
        source=pipeline.source,
        progress=progress,
    )
    forming = [f"{done.rows_forming:,} rows were still forming and stay in their files"] if done.rows_forming else []
    return Outcome(
        done.rows_new,
        asdict(done),
        shortfall=_list("files that cannot be read", list(done.failures)),
        note="; ".join([*forming, *pipeline.warehouse.remarks()]),
    )


def transform(pipeline: Pipeline, progress: Progress | None = None) -> Outcome:
    """Bring what is new in the raw warehouse into the analytics warehouse."""
    done = transformation.run(
        pipeline.warehouse, pipeline.universe, pipeline.clock, pipeline.settings, progress=progress
    )
    note = "settings, definitions or the tables changed: all analytics were made anew" if done.anew else ""
    return Outcome(done.rows_written, asdict(done), note=note)


def quality(pipeline: Pipeline, run_id: str) -> Outcome:
    """Run the checks that need a whole set; findings of severity error are a shortfall."""
    done = quality_control.run(
        pipeline.warehouse,
        pipeline.wide_universe,
        pipeline.landing.record(),
        pipeline.as_of or pipeline.clock.now(),
        pipeline.settings,
        run_id=run_id,
        damaged=pipeline.landing.damaged(),
        first=pipeline.first,
        last=pipeline.last,
    )
    shortfall = f"{done.failed} findings of severity error, see data_quality_log" if done.failed else ""
    return Outcome(
        done.sessions_checked, asdict(done), shortfall, note=f"sessions {done.first} to {done.last} were checked"
    )


def report(pipeline: Pipeline, period: Period) -> Outcome:
    """Render the figures of a day or a week; landed files that are not in them are a shortfall.

    Raises:
        WarehouseError: the warehouse holds none of the landed files, or cannot be read.
        RecordError: the disk does not take the report.
    """
    record, unreadable = pipeline.landing.survey()
    with pipeline.warehouse.read() as reader:
        left = backlog(record, reader.read(tables.LOADS))
    if left.to_load and left.to_load == len(record.files):
        raise WarehouseError(
            f"asked to report on {period.label}; the warehouse {pipeline.warehouse.place} holds none of the "
            f"{left.to_load:,} landed files; a report tells what the warehouse holds; load them with `bell csv-load` "
            "and `bell transform`, or with `bell full`"
        )
    done = reporting.run(pipeline.warehouse, pipeline.reports, period)
    unloaded = left.to_load + len(unreadable)
    shortfall = [
        *([f"{unloaded:,} landed files are not loaded, run `bell csv-load`"] if unloaded else []),
        *([f"{left.to_transform:,} loads are not transformed, run `bell transform`"] if left.to_transform else []),
    ]
    return Outcome(1, {"path": str(done.path), "period": period.label}, "; ".join(shortfall))


def _list(what: str, items: list[str]) -> str:
    """Items in words, the first three of them."""
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return f"{len(items)} {what}: {'; '.join(items[:3])}{more}" if items else ""
