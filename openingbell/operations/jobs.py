"""Jobs: a stage run as one row of `elt_job_log`, with its outcome, its error and its seconds.

The log is kept in the warehouse. A stage that needs none (extract) runs also while another process holds it: its row is
then kept in a file of the home and written with the next one, be it by another process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import structlog

from openingbell import tables
from openingbell.clock import Clock
from openingbell.context import Outcome
from openingbell.errors import OpeningbellError, RecordError, Stopped, WarehouseError
from openingbell.landing import write_durably
from openingbell.secrets import hide
from openingbell.warehouse.protocol import Warehouse

log = structlog.get_logger()

RUNNING, SUCCESS, PARTIAL, FAILED = "RUNNING", "SUCCESS", "PARTIAL", "FAILED"
WAITING_NAME = "jobs.waiting.json"
ABANDONED = "the process ended before the stage did; the next run does what it left"


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
    """Runs stages and writes their rows; rows that could not be written yet are kept for the next time.

    Only the worker may have one. `waiting` is the file of those rows. `unwaiting` is the same warehouse without its
    patience: once the warehouse was not to be had, every further row of the run would wait in vain.
    """

    def __init__(
        self, warehouse: Warehouse, clock: Clock, waiting: Path, secrets: tuple[str, ...] = (), *, unwaiting: Warehouse
    ) -> None:
        self._patient = self._warehouse = warehouse
        self._unwaiting = unwaiting
        self._clock = clock
        self._waiting = waiting
        self._secrets = secrets
        self._newest = datetime.min.replace(tzinfo=UTC)
        self._unwritten = {job.job_id: job for job in _read_waiting(waiting, clock.now())}
        self._is_owed = False

    def run(self, job_type: str, stage: Callable[[str], Outcome], *, goes_on: bool = False) -> tuple[Job, Outcome]:
        """Run `stage`, which is given the job's id; its errors pass through, logged.

        With `goes_on` another stage follows at once: that this one is done is written together with the other's begin,
        or by `settle`.

        Returns:
            The finished job and the stage's outcome.
        """
        started = self._clock.now()
        job_id = self._free_id(started, job_type)
        running = Job(job_id, job_type, RUNNING, started)
        self._unwritten[job_id] = running
        self._write()
        with structlog.contextvars.bound_contextvars(job_id=job_id):
            log.info("stage_started", stage=job_type)
            try:
                outcome = stage(job_id)
            except BaseException as error:
                status = PARTIAL if isinstance(error, Stopped) else FAILED
                self._finish(running, status, error_message=_in_words(error))
                raise
            status = PARTIAL if outcome.shortfall else SUCCESS
            return self._finish(
                running,
                status,
                records_processed=outcome.records,
                error_message=outcome.shortfall or None,
                details=json.dumps(dict(outcome.details), default=str),
                goes_on=goes_on,
            ), outcome

    def settle(self) -> None:
        """Write the end of a stage that no other followed."""
        if self._is_owed:
            self._write()

    def _free_id(self, started: datetime, job_type: str) -> str:
        """An id that rises with time: two jobs of one kind may begin in one microsecond."""
        moment = max(started, self._newest + timedelta(microseconds=1))
        self._newest = moment
        return f"{moment:%Y%m%dT%H%M%S%f}Z-{job_type}"

    def _finish(
        self,
        job: Job,
        status: str,
        *,
        records_processed: int = 0,
        error_message: str | None = None,
        details: str = "{}",
        goes_on: bool = False,
    ) -> Job:
        done = Job(
            job.job_id,
            job.job_type,
            status,
            job.started_at,
            self._clock.now(),
            records_processed,
            error_message and hide(error_message, self._secrets),
            hide(details, self._secrets),
        )
        self._unwritten[done.job_id] = done
        self._is_owed = True
        if not goes_on:
            self._write()
        log.info("stage_finished", stage=job.job_type, status=status, seconds=done.seconds, records=records_processed)
        return done

    def _write(self) -> None:
        self._is_owed = False
        try:
            self._warehouse.setup()
            with self._warehouse.write() as writer:
                writer.replace(tables.JOB_LOG, _frame(list(self._unwritten.values())))
        except WarehouseError as error:
            log.warning("job_log_waits", reason=str(error))
            self._warehouse = self._unwaiting
            self._keep()
        else:
            self._warehouse = self._patient
            self._unwritten.clear()
            self._waiting.unlink(missing_ok=True)

    def _keep(self) -> None:
        """Put the unwritten rows where a later process finds them."""
        try:
            write_durably(
                self._waiting, json.dumps([asdict(j) for j in self._unwritten.values()], default=str).encode()
            )
        except RecordError as error:
            log.warning("job_log_lost", reason=str(error))


def _read_waiting(path: Path, now: datetime) -> list[Job]:
    """The rows that an earlier process could not write; one that says RUNNING died with it."""
    try:
        jobs = [_job_of(facts) for facts in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("waiting_jobs_unreadable", path=str(path), reason=repr(error))
        return []
    return [
        replace(job, status=FAILED, finished_at=now, error_message=ABANDONED) if job.status == RUNNING else job
        for job in jobs
    ]


def _job_of(facts: dict[str, Any]) -> Job:
    finished = facts["finished_at"]
    moments = {
        "started_at": datetime.fromisoformat(facts["started_at"]),
        "finished_at": datetime.fromisoformat(finished) if finished else None,
    }
    return Job(**(facts | moments))


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
                error_message=pl.lit(ABANDONED),
            ),
        )
    return len(dead)


@dataclass(frozen=True)
class QualityRun:
    """A finished quality run: when it began, what it looked at, and as of when (`now`)."""

    run_id: str
    started_at: datetime
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
        row["started_at"],
        datetime.fromisoformat(facts["now"]),
        date.fromisoformat(facts["first"]),
        date.fromisoformat(facts["last"]),
    )


def _in_words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
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
