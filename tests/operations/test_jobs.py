from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.context import Outcome
from openingbell.errors import RecordError
from openingbell.operations.jobs import (
    ABANDONED,
    FAILED,
    PARTIAL,
    RUNNING,
    SUCCESS,
    JobLog,
    close_abandoned,
    last_quality_run,
)
from openingbell.warehouse.duckdb import DuckDBWarehouse
from tests.running import another_process_holding

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SECRET = "not-for-the-log"


class Bench:
    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(NOW)
        self.warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", clock=self.clock, wait_seconds=10)
        self.waiting = folder / "logs" / "jobs.waiting.json"
        self.jobs = self.another_process()

    def another_process(self) -> JobLog:
        unwaiting = DuckDBWarehouse(self.warehouse.path, clock=self.clock, wait_seconds=0)
        return JobLog(self.warehouse, self.clock, self.waiting, (SECRET,), unwaiting=unwaiting)

    def rows(self) -> list[dict[str, object]]:
        with self.warehouse.read() as reader:
            return reader.read(tables.JOB_LOG).sort("job_id").to_dicts()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_stage_that_does_its_work_is_a_success_with_its_figures(bench: Bench) -> None:
    def stage(job_id: str) -> Outcome:
        assert [row["status"] for row in bench.rows()] == [RUNNING]
        assert job_id.endswith("-csv-load")
        bench.clock.wait(2.5)
        return Outcome(7, {"files": 2})

    job, outcome = bench.jobs.run("csv-load", stage)
    (row,) = bench.rows()
    assert (row["status"], row["records_processed"], row["error_message"]) == (SUCCESS, 7, None)
    assert json.loads(str(row["details"])) == {"files": 2}
    assert row["finished_at"] == (NOW + timedelta(seconds=2.5)).replace(tzinfo=None)
    assert job.seconds == 2.5
    assert outcome.records == 7


def test_the_end_of_a_stage_is_written_with_the_begin_of_the_one_that_follows(bench: Bench) -> None:
    def statuses() -> list[object]:
        return [row["status"] for row in bench.rows()]

    def second(_: str) -> Outcome:
        assert statuses() == [SUCCESS, RUNNING]
        return Outcome(1)

    bench.jobs.run("extract", lambda _: Outcome(1), goes_on=True)
    assert statuses() == [RUNNING]
    bench.clock.wait(1)
    bench.jobs.run("csv-load", second, goes_on=True)
    assert statuses() == [SUCCESS, RUNNING]
    bench.jobs.settle()
    assert statuses() == [SUCCESS, SUCCESS]


def test_a_stage_that_fails_is_written_at_once_though_another_was_to_follow(bench: Bench) -> None:
    def stage(_: str) -> Outcome:
        raise RecordError("full")

    with pytest.raises(RecordError):
        bench.jobs.run("extract", stage, goes_on=True)
    assert [row["status"] for row in bench.rows()] == [FAILED]


def test_a_shortfall_makes_a_stage_partial(bench: Bench) -> None:
    job, _ = bench.jobs.run("extract", lambda _: Outcome(1, {}, "one request without an answer"))
    assert job.status == PARTIAL
    assert bench.rows()[0]["error_message"] == "one request without an answer"


def test_a_failure_is_logged_without_secrets_and_passed_on(bench: Bench) -> None:
    def stage(_: str) -> Outcome:
        raise RecordError(f"the disk says {SECRET}")

    with pytest.raises(RecordError):
        bench.jobs.run("extract", stage)
    (row,) = bench.rows()
    assert row["status"] == FAILED
    assert row["error_message"] == "the disk says [hidden]"


def test_an_interruption_is_logged_as_a_failure(bench: Bench) -> None:
    def stage(_: str) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.jobs.run("extract", stage)
    assert bench.rows()[0]["error_message"] == "interrupted"


def test_a_row_that_cannot_be_written_is_written_with_the_next(bench: Bench) -> None:
    bench.warehouse.setup()
    with another_process_holding(bench.warehouse.path):
        job, _ = bench.jobs.run("extract", lambda _: Outcome(3))
        assert job.status == SUCCESS
    bench.clock.wait(1)
    bench.jobs.run("csv-load", lambda _: Outcome(4))
    assert [(row["job_type"], row["status"]) for row in bench.rows()] == [("extract", SUCCESS), ("csv-load", SUCCESS)]
    assert not bench.waiting.exists()


def test_a_row_that_cannot_be_written_is_written_by_a_later_process(bench: Bench) -> None:
    bench.warehouse.setup()
    with another_process_holding(bench.warehouse.path):
        bench.jobs.run("extract", lambda _: Outcome(3, {"note": SECRET}, f"left out {SECRET}"))
    assert SECRET not in bench.waiting.read_text("utf-8")
    bench.clock.wait(1)
    bench.another_process().run("csv-load", lambda _: Outcome(4))
    first, second = bench.rows()
    assert (first["job_type"], first["status"], first["records_processed"]) == ("extract", PARTIAL, 3)
    assert first["error_message"] == "left out [hidden]"
    assert second["job_type"] == "csv-load"
    assert not bench.waiting.exists()


def test_a_waiting_row_whose_process_died_is_closed(bench: Bench) -> None:
    bench.warehouse.setup()

    left = b""

    def stage(_: str) -> Outcome:
        nonlocal left
        left = bench.waiting.read_bytes()
        return Outcome(1)

    with another_process_holding(bench.warehouse.path):
        bench.jobs.run("extract", stage)
    bench.waiting.write_bytes(left)  # as it was when the process was killed
    bench.clock.wait(1)
    bench.another_process().run("csv-load", lambda _: Outcome(4))
    assert [(row["status"], row["error_message"]) for row in bench.rows()] == [(FAILED, ABANDONED), (SUCCESS, None)]


def test_the_warehouse_is_waited_for_once_in_a_run(bench: Bench) -> None:
    bench.warehouse.setup()
    with another_process_holding(bench.warehouse.path):
        for stage in ("extract", "csv-load", "transform"):
            bench.jobs.run(stage, lambda _: Outcome(1))
    assert timedelta(seconds=10) <= bench.clock.now() - NOW < timedelta(seconds=11)


def test_a_file_of_waiting_rows_that_is_damaged_stops_nothing(bench: Bench) -> None:
    bench.waiting.parent.mkdir()
    bench.waiting.write_text('[{"job_id"', "utf-8")
    bench.another_process().run("extract", lambda _: Outcome(3))
    assert [row["status"] for row in bench.rows()] == [SUCCESS]


def test_jobs_whose_process_died_are_closed(bench: Bench) -> None:
    bench.warehouse.setup()
    started = NOW.replace(tzinfo=None)
    dead = {
        "job_id": "1", "job_type": "extract", "status": RUNNING, "started_at": started, "finished_at": None,
        "records_processed": 0, "error_message": None, "details": "{}",
    }  # fmt: skip
    with bench.warehouse.write() as writer:
        writer.append(tables.JOB_LOG, pl.DataFrame([dead], schema=tables.JOB_LOG.schema))
    assert close_abandoned(bench.warehouse, NOW) == 1
    (row,) = bench.rows()
    assert (row["status"], row["finished_at"]) == (FAILED, started)
    assert close_abandoned(bench.warehouse, NOW) == 0


def test_there_is_nothing_to_close_without_a_warehouse(bench: Bench) -> None:
    assert close_abandoned(bench.warehouse, NOW) == 0
    assert not bench.warehouse.exists()


def test_the_newest_finished_quality_run_is_found(bench: Bench) -> None:
    for day in (1, 2):
        details = {"now": NOW.isoformat(), "first": f"2026-11-0{day}", "last": "2026-11-24"}
        bench.jobs.run("quality", lambda _, details=details: Outcome(1, details))  # type: ignore[misc]
        bench.clock.wait(60)
    with pytest.raises(RecordError):
        bench.jobs.run("quality", lambda _: _fail())
    with bench.warehouse.read() as reader:
        run = last_quality_run(reader.read(tables.JOB_LOG))
    assert run is not None
    assert (run.now, str(run.first)) == (NOW, "2026-11-02")


def _fail() -> Outcome:
    raise RecordError("no")
