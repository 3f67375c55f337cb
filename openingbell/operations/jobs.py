"""Jobs: a stage run as one row of `elt_job_log`, with its outcome, its error and its seconds.

The log is kept in the warehouse. A stage that needs none (extract) runs also while another process holds it: its row is
then written with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
import structlog

from openingbell import tables
from openingbell.clock import Clock
from openingbell.errors import OpeningbellError, WarehouseError
from openingbell.pipeline import Outcome
from openingbell.secrets import hide
from openingbell.warehouse.protocol import Warehouse

log = structlog.get_logger()

RUNNING, SUCCESS, PARTIAL, FAILED = "RUNNING", "SUCCESS", "PARTIAL", "FAILED"


@dataclass(frozen=True)
class Job:
    """One run of one stage, as the log keeps it."""

    job_id: str
    job_type: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    records_processed: int = 0
    error_message: str | None = None
    details: str = "{}"

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else 0.0


class JobLog:
    """Runs stages and writes their rows; rows that could not be written yet are kept for the next time."""

    def __init__(self, warehouse: Warehouse, clock: Clock, secrets: tuple[str, ...] = ()) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._secrets = secrets
        self._unwritten: dict[str, Job] = {}

    def run(self, job_type: str, stage: Callable[[str], Outcome]) -> tuple[Job, Outcome]:
        """Run `stage`, which is given the job's id; its errors pass through, logged.

        Returns:
            The finished job and the stage's outcome.
        """
        started = self._clock.now()
        job_id = f"{started:%Y%m%dT%H%M%S%f}Z-{job_type}"
        running = Job(job_id, job_type, RUNNING, started)
        self._write(running)
        with structlog.contextvars.bound_contextvars(job_id=job_id):
            log.info("stage_started", stage=job_type)
            try:
                outcome = stage(job_id)
            except BaseException as error:
                self._finish(running, FAILED, error_message=hide(_in_words(error), self._secrets))
                raise
            status = PARTIAL if outcome.shortfall else SUCCESS
            return self._finish(
                running,
                status,
                records_processed=outcome.records,
                error_message=outcome.shortfall or None,
                details=json.dumps(dict(outcome.details), default=str),
            ), outcome

    def _finish(
        self,
        job: Job,
        status: str,
        *,
        records_processed: int = 0,
        error_message: str | None = None,
        details: str = "{}",
    ) -> Job:
        done = Job(
            job.job_id,
            job.job_type,
            status,
            job.started_at,
            self._clock.now(),
            records_processed,
            error_message,
            details,
        )
        self._write(done)
        log.info("stage_finished", stage=job.job_type, status=status, seconds=done.seconds, records=records_processed)
        return done

    def _write(self, job: Job) -> None:
        self._unwritten[job.job_id] = job
        try:
            self._warehouse.setup()
            with self._warehouse.write() as writer:
                writer.replace(tables.JOB_LOG, _frame(list(self._unwritten.values())))
        except WarehouseError as error:
            log.warning("job_log_waits", reason=str(error))
        else:
            self._unwritten.clear()


def close_abandoned(warehouse: Warehouse, now: datetime) -> int:
    """Mark jobs as failed that still say RUNNING: their process died. Only the worker may call it; returns how many."""
    if not warehouse.exists():
        return 0
    with warehouse.write() as writer:
        dead = writer.read(tables.JOB_LOG).filter(pl.col("status") == RUNNING)
        writer.replace(
            tables.JOB_LOG,
            dead.with_columns(
                status=pl.lit(FAILED),
                finished_at=pl.lit(now.replace(tzinfo=None), pl.Datetime("us")),
                error_message=pl.lit("the process ended before the stage did; the next run does what it left"),
            ),
        )
    return len(dead)


@dataclass(frozen=True)
class QualityRun:
    """A finished quality run: what it looked at, and as of when."""

    run_id: str
    now: datetime
    first: date
    last: date


def last_quality_run(jobs: pl.DataFrame) -> QualityRun | None:
    """The newest finished quality run among rows of the log."""
    done = jobs.filter((pl.col("job_type") == "quality") & pl.col("status").is_in([SUCCESS, PARTIAL])).sort("job_id")
    if done.is_empty():
        return None
    row = done.row(-1, named=True)
    facts = json.loads(row["details"])
    return QualityRun(
        row["job_id"],
        datetime.fromisoformat(facts["now"]),
        date.fromisoformat(facts["first"]),
        date.fromisoformat(facts["last"]),
    )


def _in_words(error: BaseException) -> str:
    return str(error) if isinstance(error, OpeningbellError) else f"{type(error).__name__}: {error}".rstrip(": ")


def _frame(jobs: list[Job]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "job_id": job.job_id,
                "job_type": job.job_type,
                "status": job.status,
                "started_at": job.started_at.replace(tzinfo=None),
                "finished_at": job.finished_at.replace(tzinfo=None) if job.finished_at else None,
                "records_processed": job.records_processed,
                "error_message": job.error_message,
                "details": job.details,
            }
            for job in jobs
        ],
        schema=tables.JOB_LOG.schema,
    )
