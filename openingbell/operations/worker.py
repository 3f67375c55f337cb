"""The worker of a home: enters it, takes the lock, starts the look-alike where the source is one, and runs stages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import SecretStr

from openingbell import pipeline as flow
from openingbell.clock import ShiftedClock, SystemClock
from openingbell.context import Outcome, Pipeline
from openingbell.environment import read_settings
from openingbell.errors import Stopped, UsageError, WarehouseError
from openingbell.extract.fmp import require_key
from openingbell.extract.stage import Wanted
from openingbell.operations import home as homes
from openingbell.operations import listed
from openingbell.operations.entry import Wish, entered
from openingbell.operations.home import Home, Source
from openingbell.operations.jobs import WAITING_NAME, Job, JobLog, close_abandoned
from openingbell.operations.lock import worker_lock
from openingbell.operations.logs import secrets_of
from openingbell.operations.outlook import outlook_of, require_budget
from openingbell.progress import Progress
from openingbell.reporting import period as periods
from openingbell.reporting.period import Period
from openingbell.universe import Universe, read_replay
from openingbell.vendor.faults import Faults
from openingbell.vendor.running import RunningVendor, open_source, serve
from openingbell.vendor.source import Source as VendorSource
from openingbell.vendor.splits import PlayedSplit
from openingbell.wants import Want
from openingbell.warehouse import owner
from openingbell.warehouse.connect import connect

log = structlog.get_logger()

EXTRACT, LOAD, TRANSFORM, QUALITY, REPORT = "extract", "csv-load", "transform", "quality", "report"
FULL = (EXTRACT, LOAD, TRANSFORM, QUALITY, REPORT)
STOPPED = "stopped as asked; the next run does the rest"
LOOKALIKE_KEY = "look-alike"
"""The vendor in a box accepts any key; this one is no secret."""


@dataclass(frozen=True)
class Ran:
    """What a run did, stage by stage."""

    home: Home
    pipeline: Pipeline
    jobs: tuple[Job, ...]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether something was left out, or the quality gate closed."""
        return any(outcome.shortfall for outcome in self.outcomes.values())


@dataclass(frozen=True)
class Worker:
    """Who holds the lock of a home. `pipeline` is the home's, `pointed` the same with the look-alike's address where
    the source is one. When `ending` says so, no further stage is begun.
    """

    home: Home
    pipeline: Pipeline
    pointed: Pipeline
    jobs: JobLog
    period: Period
    ending: Callable[[], bool]

    def stopping(self, stop: Callable[[], bool]) -> Worker:
        """The same worker, with another word on when its stages are to come to an end."""
        return replace(self, pointed=replace(self.pointed, stop=stop))

    def wanting(self, wants: tuple[Want, ...]) -> Worker:
        """The same worker, with the universe of now and other backfills to work on."""
        universe = self.pipeline.universe_now
        return replace(
            self,
            pipeline=replace(self.pipeline, wants=wants, universe=universe),
            pointed=replace(self.pointed, wants=wants, universe=universe),
        )

    def run(
        self,
        stages: tuple[str, ...],
        progress: Callable[[str], Progress],
        *,
        period: Period | None = None,
        wanted: Wanted | None = None,
    ) -> Ran:
        """Run stages one after the other, as long as it is not to end; quality judges as of the beginning of an
        extraction before it.

        Args:
            stages: names of stages, in order.
            progress: given a stage's name, what it is to tell its progress to.
            period: what to report; None for what the wish says.
            wanted: what to ask the vendor for; None for what is due.

        Raises:
            OpeningbellError: a stage failed; those before it are done and logged.
        """
        pipeline = self.pointed
        reported = period or self.period
        done: list[Job] = []
        outcomes: dict[str, Outcome] = {}
        with ExitStack() as stack:
            stack.callback(self.jobs.settle)
            for stage in stages:
                if self.ending():
                    break
                if stage == LOAD:  # others can read while an extraction waits for its answers
                    with suppress(WarehouseError):
                        stack.enter_context(pipeline.warehouse.kept_open())
                told = self._ending_with(progress(stage)) if stage in (LOAD, TRANSFORM) else progress(stage)
                try:
                    work = _stage(stage, pipeline, reported, told, wanted)
                    job, outcome = self.jobs.run(stage, work, goes_on=stage != stages[-1])
                except Stopped:
                    break
                done.append(job)
                outcomes[stage] = outcome
                if stage == EXTRACT:
                    pipeline = replace(pipeline, as_of=job.started_at, universe=pipeline.universe_now)
        return Ran(self.home, self.pipeline, tuple(done), outcomes)

    def _ending_with(self, progress: Progress) -> Progress:
        """The progress of a stage of transactions, which gives the one up that is under way when it is to end. An
        extraction ends by itself.
        """

        def tell(what: str, done: int, planned: int) -> None:
            progress(what, done, planned)
            if self.ending():
                raise Stopped(STOPPED)

        return tell


@contextmanager
def at_work(wish: Wish, command: str, *, asks: bool, stop: Callable[[], bool] = lambda: False) -> Iterator[Worker]:
    """Be the worker of the wish's home while the block runs.

    Args:
        wish: what was asked for.
        command: what the lock says of who holds it.
        asks: whether the vendor will be asked.
        stop: says whether to come to an end: a stage that can does, and no further one is begun.

    Raises:
        WorkerBusy: another worker is in the home.
        SourceError: what has landed in a live home came from another address than the settings', or the warehouse
            holds data of another source.
        SettingsError: the vendor is to be asked, and there is no key.
    """
    with entered(wish) as (home, made), ExitStack() as stack:
        pipeline = replace(made, stop=stop)
        period = _period(wish, pipeline.clock.now())
        is_live = home.source.kind == homes.LIVE
        if asks and is_live:
            require_key(pipeline.settings)
        stack.enter_context(worker_lock(home.root, command, SystemClock().now()))
        homes.claim(home, pipeline.clock)
        if asks:
            landed = len(pipeline.landing.survey()[0].files) > 0
            homes.bind(home, pipeline.settings.base_url, landed=landed)
        _look_at_warehouse(pipeline)
        pointed = pipeline if is_live or not asks else stack.enter_context(_with_lookalike(home.source, pipeline))
        at_once = pipeline.settings.model_copy(update={"warehouse_wait_seconds": 0.0})
        jobs = JobLog(
            pipeline.warehouse,
            pipeline.clock,
            home.logs / WAITING_NAME,
            secrets_of(pipeline.settings),
            unwaiting=connect(at_once, home.root, pipeline.clock),
        )
        yield Worker(home, pipeline, pointed, jobs, period, stop)


def run(wish: Wish, stages: tuple[str, ...], progress: Callable[[str], Progress]) -> Ran:
    """Run stages one after the other under the worker's lock.

    Args:
        wish: what was asked for.
        stages: names of stages, in order.
        progress: given a stage's name, what it is to tell its progress to.

    Raises:
        BudgetExceeded: it takes more than the plan allows today, and the wish does not go beyond it.
        OpeningbellError: the home cannot be worked in, or a stage failed; those before it are done and logged.
    """
    command = "full" if stages == FULL else " ".join(stages)
    with at_work(wish, f"bell {command}", asks=EXTRACT in stages) as worker:
        pipeline = worker.pointed
        if EXTRACT in stages and pipeline.settings.limits is not None and not wish.beyond_budget:
            require_budget(pipeline, outlook_of(pipeline, backfill=False))
        return worker.run(stages, progress)


def _period(wish: Wish, now: datetime) -> Period:
    """The period to report: what was asked for, else the newest session."""
    if wish.day and wish.week:
        raise UsageError(
            f"asked for --day {wish.day} and --week {wish.week}; a report is about one of the two; leave one out"
        )
    if wish.day:
        return periods.parse_day(wish.day, now=now)
    return periods.parse_week(wish.week, now=now) if wish.week else periods.latest(now)


def _stage(
    name: str, pipeline: Pipeline, period: Period, progress: Progress, wanted: Wanted | None
) -> Callable[[str], Outcome]:
    match name:
        case "extract":
            return lambda _: flow.extract(pipeline, progress, wanted)
        case "csv-load":
            return lambda _: flow.load(pipeline, progress)
        case "transform":
            return lambda _: flow.transform(pipeline, progress)
        case "quality":
            return lambda job_id: flow.quality(pipeline, job_id)
        case _:
            return lambda _: flow.report(pipeline, period)


def _look_at_warehouse(pipeline: Pipeline) -> None:
    """Refuse one of another source, and close the jobs of a worker that died. What cannot be read now is looked at by
    the first load.
    """
    warehouse = pipeline.warehouse
    try:
        if warehouse.exists():
            with warehouse.read() as reader:
                owner.require_own(reader, pipeline.source, warehouse.place)
        if abandoned := close_abandoned(warehouse, pipeline.clock.now()):
            log.warning("jobs_abandoned", jobs=abandoned)
    except WarehouseError as error:
        log.warning("job_log_waits", reason=str(error))


@contextmanager
def _with_lookalike(source: Source, pipeline: Pipeline) -> Iterator[Pipeline]:
    """The pipeline pointed at a look-alike that lives as long as the block, at the same moment."""
    is_demo = source.kind == homes.DEMO
    universe = listed.simulated(pipeline.settings) if is_demo else pipeline.universe
    with RunningVendor(vendor_source(source, universe), pipeline.clock) as vendor:
        pointed = pipeline.settings.model_copy(
            update={
                "base_url": vendor.url,
                "api_key": SecretStr(LOOKALIKE_KEY),
                "pause_between_calls_seconds": 0.0,
                "pause_between_batches_seconds": 0.0,
            }
        )
        yield replace(pipeline, settings=pointed)


def serve_vendor(
    wish: Wish,
    *,
    port: int,
    keys: Collection[str] | None,
    restricted: Collection[str],
    on_ready: Callable[[str], None],
    splits: Sequence[PlayedSplit] = (),
    faults: Faults | None = None,
) -> None:
    """Be the vendor that the wish names and play `splits` and `faults`, until Ctrl-C. It needs no home and leaves
    nothing behind.
    """
    source = wish.source or Source(homes.DEMO, "1")
    settings = read_settings(wish.home or Path.cwd())
    universe = listed.simulated(settings) if source.kind == homes.DEMO else read_replay(Path(source.place))
    clock = ShiftedClock(wish.now) if wish.now else homes.clock_of(Home(Path(), source), universe, None)
    answers = vendor_source(source, universe, [*splits, *(faults.splits if faults else ())])
    serve(answers, clock, port=port, keys=keys, restricted=restricted, faults=faults, on_ready=on_ready)


def vendor_source(source: Source, universe: Universe, splits: Sequence[PlayedSplit] = ()) -> VendorSource:
    """What the look-alike answers from."""
    if source.kind == homes.REPLAY:
        return open_source(universe, replay=Path(source.place), splits=splits)
    return open_source(universe, seed=int(source.place), splits=splits)
