"""A longer history: recorded as a wish, then worked on in slices until nothing of it is due.

It can be stopped at any moment: what a full record lacks is known from the record itself, so the next run goes on where
this one was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from openingbell import coverage
from openingbell.errors import RangeError, WorkerBusy
from openingbell.extract.budget import Budget
from openingbell.extract.forecast import Forecast
from openingbell.extract.stage import Wanted
from openingbell.operations import home as homes
from openingbell.operations.entry import Wish, check_range, entered
from openingbell.operations.outlook import outlook_of, require_budget
from openingbell.operations.worker import EXTRACT, LOAD, QUALITY, TRANSFORM, Ran, Worker, at_work
from openingbell.pipeline import budget_of
from openingbell.progress import Progress
from openingbell.wants import Want, check_feeds, read_wants, record_want

SLICE = timedelta(minutes=10)
"""Time after which what was extracted is loaded."""
OLDEST = date(1962, 1, 2)
"""The vendor's oldest daily bars; before it there is nothing to ask for."""


@dataclass(frozen=True)
class Backfilled:
    """What came of it: all slices as one run, or who does it instead."""

    ran: Ran | None = None
    left_to: str = ""


def run(
    wish: Wish,
    *,
    feeds: tuple[str, ...],
    beyond_budget: bool,
    progress: Callable[[str], Progress],
    stop: Callable[[], bool],
    tell: Callable[[Forecast, Budget], None],
) -> Backfilled:
    """Record what the wish asks for (`first`, `symbols`) of some feeds, and work on all that is recorded.

    Without `first` nothing new is recorded. Before anything is sent, `tell` is told what it will cost and what the plan
    leaves. When another worker is at work in the home it is left to that one.

    Raises:
        RangeError: a day before all history, or a feed without bars.
        BudgetExceeded: it takes more than the plan allows today, and `beyond_budget` was not said.
        OpeningbellError: a stage failed.
    """
    check_feeds(feeds)
    if wish.first is not None and wish.first < OLDEST:
        raise RangeError(
            f"asked to backfill from {wish.first}; the vendor's oldest bars are of {OLDEST}; choose that day or a later"
        )
    with entered(replace(wish, first=None, symbols=())) as (home, pipeline):
        check_range(wish.first, None, pipeline.clock.now())
        pipeline.universe.narrowed(wish.symbols)
        wants = read_wants(home.root)
        if wish.first is not None:
            want = Want(wish.first, tuple(sorted(wish.symbols)), tuple(sorted(feeds)), pipeline.clock.now())
            wants = [*wants, want]
        outlook = outlook_of(replace(pipeline, wants=tuple(wants)))
        if not beyond_budget:
            require_budget(pipeline, outlook)
        homes.claim(home, pipeline.clock)
        if wish.first is not None:
            record_want(home.root, want)
        tell(outlook, budget_of(pipeline))
    try:
        home_wish = Wish(source=wish.source, home=wish.home, clock=pipeline.clock)
        with at_work(home_wish, "bell backfill", asks=True, stop=stop) as worker:
            return Backfilled(_as_one(work(worker, progress, stop)))
    except WorkerBusy as busy:
        return Backfilled(left_to=busy.owner)


def _as_one(runs: Sequence[Ran]) -> Ran | None:
    """Runs as one: all jobs, and of each stage what its last run left out."""
    if not runs:
        return None
    outcomes = {stage: outcome for run in runs for stage, outcome in run.outcomes.items()}
    return replace(runs[-1], jobs=tuple(job for run in runs for job in run.jobs), outcomes=outcomes)


def work(
    worker: Worker,
    progress: Callable[[str], Progress],
    stop: Callable[[], bool],
    until: datetime | None = None,
) -> list[Ran]:
    """Work on what was asked for in slices, until nothing of it is due, `stop` says so, or it is `until`.

    `stop` is what the worker ends by as well: what has landed then is loaded by the next run.
    """
    clock = worker.pipeline.clock
    runs: list[Ran] = []
    while not stop() and (until is None or clock.now() < until):
        end = clock.now() + SLICE if until is None else min(clock.now() + SLICE, until)
        sliced = worker.stopping(lambda end=end: stop() or clock.now() >= end)  # type: ignore[misc]
        ran = sliced.run((EXTRACT, LOAD), progress, wanted=Wanted(backfill=True))
        runs.append(ran)
        if stop() or not ran.outcomes[EXTRACT].details["cut_short"]:
            break
    if runs:
        runs.append(worker.run((TRANSFORM, QUALITY), progress))
    return runs


def is_due(worker: Worker) -> bool:
    """Whether anything of what backfills want can be asked for now."""
    pipeline = worker.pipeline
    if not pipeline.wants or not budget_of(pipeline).calls_left(0, 0):
        return False
    record, now = pipeline.landing.record(), pipeline.clock.now()
    return bool(coverage.due(pipeline.wide_universe, record, now, pipeline.settings))
