from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import SystemClock, VirtualClock
from openingbell.errors import SourceError
from openingbell.landing import Ask, Landing, Outcome
from openingbell.operations import home as homes
from openingbell.operations import worker
from openingbell.operations.entry import Wish
from openingbell.operations.home import Home, Source
from openingbell.operations.lock import OWNER_NAME
from openingbell.operations.stopping import Stop
from openingbell.progress import Progress
from tests.running import Bell

NOW = datetime(2019, 2, 16, tzinfo=UTC)
DAY = date(2019, 2, 15)
ELSEWHERE = "http://127.0.0.1:1"


class Seen(Exception):
    """Ends a run as soon as the lock was looked at."""


def silent(_: str) -> Progress:
    return lambda *_: None


@pytest.mark.parametrize(("stages", "command"), [(worker.FULL, "bell full"), (("csv-load",), "bell csv-load")])
def test_the_lock_says_what_was_typed_and_since_when_on_the_machines_clock(
    tmp_path: Path, stages: tuple[str, ...], command: str
) -> None:
    facts = {}

    def look(_: str) -> Progress:
        facts.update(json.loads((tmp_path / OWNER_NAME).read_text("utf-8")))
        raise Seen

    with pytest.raises(Seen):
        worker.run(Wish(Source(homes.DEMO, "1"), tmp_path, clock=VirtualClock(NOW)), stages, look)
    assert facts["command"] == command
    assert SystemClock().now() - datetime.fromisoformat(facts["since"]) < timedelta(minutes=1)


def test_another_address_is_refused_where_something_landed_and_only_by_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, Source(homes.LIVE))
    homes.claim(home, SystemClock())
    homes.bind(home, "https://financialmodelingprep.com/stable", landed=False)
    ask = Ask("AAPL", "stock", "XNYS", DAY, DAY, DAY, DAY, NOW, 200, Outcome.ANSWERED, 0, 0)
    Landing(home.extracts).write(
        "stocks", pl.DataFrame(), (ask,), source="fmp", bar_interval="15min", basis="vendor", final_delay=timedelta()
    )
    monkeypatch.setenv("OPENINGBELL_BASE_URL", ELSEWHERE)
    monkeypatch.setenv("FMP_API_KEY", "no-key-at-all")
    for stages in ((worker.EXTRACT,), worker.FULL):
        with pytest.raises(SourceError, match=f"asked to extract from {ELSEWHERE} .*what landed there came from https"):
            worker.run(Wish(home=tmp_path), stages, silent)
    assert worker.run(Wish(home=tmp_path), (worker.LOAD,), silent).jobs[0].status == "SUCCESS"


def test_a_bar_that_becomes_final_while_the_run_goes_on_is_no_hole_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not yet to be had when the run asked is the next run's."""
    for name in ("INDEXES", "COMMODITIES"):
        monkeypatch.setenv(f"OPENINGBELL_{name}", " ")
    monkeypatch.setenv("OPENINGBELL_STOCKS", "AAPL")
    monkeypatch.setenv("OPENINGBELL_FIRST_RUN_SESSIONS", "2")
    monkeypatch.setenv("OPENINGBELL_FIRST_RUN_DAILY_SESSIONS", "3")
    clock = VirtualClock(datetime(2026, 11, 24, 16, tzinfo=UTC))

    def slow(stage: str) -> Progress:
        clock.wait(3_600 if stage == worker.QUALITY else 0)
        return lambda *_: None

    wish = Wish(Source(homes.DEMO, "1"), tmp_path, clock=clock)
    ran = worker.run(wish, worker.FULL, slow)
    assert ran.outcomes[worker.QUALITY].details["holes"] == {}
    alone = worker.run(wish, (worker.QUALITY,), slow)
    assert alone.outcomes[worker.QUALITY].details["holes"] == {"not asked": 1}


@pytest.mark.parametrize("begun", [worker.EXTRACT, worker.LOAD, worker.TRANSFORM])
def test_a_worker_that_is_to_end_gives_up_what_is_under_way_and_the_next_run_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    """It is stopped in the midst of a stage: no further one is begun, and nothing of it is lost or doubled."""
    for name in ("INDEXES", "COMMODITIES"):
        monkeypatch.setenv(f"OPENINGBELL_{name}", " ")
    monkeypatch.setenv("OPENINGBELL_STOCKS", "AAPL")
    monkeypatch.setenv("OPENINGBELL_FIRST_RUN_SESSIONS", "2")
    monkeypatch.setenv("OPENINGBELL_FIRST_RUN_DAILY_SESSIONS", "3")
    wish = Wish(Source(homes.DEMO, "1"), tmp_path, clock=VirtualClock(datetime(2026, 11, 24, 16, tzinfo=UTC)))
    stages = (worker.EXTRACT, worker.LOAD, worker.TRANSFORM)
    stop = Stop()

    def stopping(stage: str) -> Progress:
        return lambda *_: stop.set() if stage == begun else None

    with worker.at_work(wish, "bell run", asks=True, stop=stop.is_set) as at_work:
        ran = at_work.run(stages, stopping)
        assert at_work.run(stages, stopping).jobs == ()
    whole = stages[: max(1, stages.index(begun))]  # an extraction ends by itself, with what has come
    assert tuple(job.job_type for job in ran.jobs) == whole
    log = {row["job_type"]: row for row in Bell(tmp_path, {}).rows(tables.JOB_LOG).iter_rows(named=True)}
    assert list(log) == list(stages[: stages.index(begun) + 1])
    if begun != worker.EXTRACT:
        assert (log[begun]["status"], log[begun]["error_message"]) == ("PARTIAL", worker.STOPPED)
    worker.run(wish, stages, silent)
    Bell(tmp_path, {}).require_unique_keys()
    assert len(Bell(tmp_path, {}).rows(tables.STOCK)) == 26 + 5
    assert len(Bell(tmp_path, {}).rows(tables.DAILY_BARS)) == 3
