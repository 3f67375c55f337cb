"""`bell run`: the worker that stays. What it does at each event, on top of the stages; when, the scheduler says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import structlog

from openingbell import sessions
from openingbell.clock import SystemClock
from openingbell.closures import Closures
from openingbell.config import Settings
from openingbell.errors import SettingsError
from openingbell.extract.stage import Wanted
from openingbell.feeds import FEEDS, STOCKS
from openingbell.operations import backfill
from openingbell.operations.entry import Wish, closures_of
from openingbell.operations.heartbeat import Heartbeat
from openingbell.operations.keeping import tidying
from openingbell.operations.scheduler import run_forever
from openingbell.operations.stopping import Stop
from openingbell.operations.vendor_report import view
from openingbell.operations.vendor_report.learned import recalled, seconds_of
from openingbell.operations.worker import EXTRACT, FULL, LOAD, QUALITY, REPORT, TRANSFORM, Worker, at_work
from openingbell.progress import Progress
from openingbell.reporting import period as periods
from openingbell.universe import Universe
from openingbell.wants import read_wants

log = structlog.get_logger()

FACTS = frozenset(feed.name for feed in FEEDS if not feed.has_grid)
"""Due once a session of stocks at the most: the ticks of stocks ask for them, and each close."""


@dataclass(frozen=True)
class Service:
    """The work of one home's worker. What the home wants, what it has learned of the vendor and which closures hold is
    read anew for each event.
    """

    worker: Worker
    stop: Stop
    heartbeat: Heartbeat

    def tick(self, feeds: Collection[str]) -> None:
        """Bring the bars that have just become final into the warehouse, and whatever else of these feeds is due."""
        asked = frozenset(feeds) | (FACTS if STOCKS.name in feeds else frozenset())
        with self._now() as worker:
            worker.run((EXTRACT, LOAD, TRANSFORM), self._progress, wanted=Wanted(feeds=asked))

    def close(self, session: date) -> None:
        """The end of a day: all that is due, its checks, and its report."""
        with self._now() as worker:
            day = periods.parse_day(session.isoformat(), now=worker.pipeline.clock.now())
            worker.run(FULL, self._progress, period=day)

    def night(self) -> None:
        """Read the week and a sample of all history again, learn how late the vendor is, and compress old files."""
        with self._now() as worker:
            sample = worker.pipeline.settings.revision_sample
            worker.run((EXTRACT, LOAD, TRANSFORM, QUALITY), self._progress, wanted=Wanted(sample=sample))
            if not self.stop.is_set():
                view.learn(worker.home, worker.pipeline)
                tidying.tidy(worker.pipeline, most=tidying.FILES_A_NIGHT, stop=self.stop.is_set)

    def week(self, session: date) -> None:
        """The report of the week in which a session is."""
        with self._now() as worker:
            year, number, _ = session.isocalendar()
            week = periods.parse_week(f"{year}-W{number:02d}", now=worker.pipeline.clock.now())
            worker.run((REPORT,), self._progress, period=week)

    def idle(self, until: datetime) -> bool:
        """Work on what backfills want until `until`; False when there is nothing to do."""
        with self._now() as worker:
            return backfill.is_due(worker) and bool(backfill.work(worker, self._progress, self._is_over, until))

    def known(self) -> tuple[Universe, Settings]:
        """The universe, and the settings with what the home has learned of the vendor by now."""
        pipeline = self.worker.pipeline
        return pipeline.universe_now, pipeline.settings.knowing(seconds_of(recalled(self.worker.home.root)))

    @contextmanager
    def _now(self) -> Iterator[Worker]:
        """The worker with what holds now."""
        home, pipeline = self.worker.home, self.worker.pipeline
        with sessions.amended(_closures(home.root, pipeline.settings)):
            yield _knowing(self.worker.wanting(tuple(read_wants(home.root))).stopping(self._is_over))

    def _is_over(self) -> bool:
        """Whether to come to an end. Whoever asks is alive."""
        self._live()
        return self.stop.is_set()

    def _progress(self, _: str) -> Progress:
        """Nobody looks, so nothing is drawn: it is a sign of life."""
        return lambda *_: self._live()

    def _live(self) -> None:
        self.heartbeat.again(now=self.worker.pipeline.clock.now(), machine_now=SystemClock().now())


def _closures(root: Path, settings: Settings) -> Closures:
    """What the home says of closures now; while that cannot be, because somebody is writing it, what held before."""
    try:
        return closures_of(root, settings)
    except SettingsError as error:
        log.warning("closures_refused", reason=str(error))
        return sessions.in_force() or Closures()


def _knowing(worker: Worker) -> Worker:
    """The worker with what its home has learned of the vendor."""
    learned = seconds_of(recalled(worker.home.root))
    pipeline, pointed = (
        replace(one, settings=one.settings.knowing(learned)) for one in (worker.pipeline, worker.pointed)
    )
    return replace(worker, pipeline=pipeline, pointed=pointed)


def serve(wish: Wish, *, stop: Stop, tell: Callable[[str], None]) -> None:
    """Be the worker of the wish's home until `stop` is set.

    Args:
        wish: which home.
        stop: when it is set, a running stage ends at its next safe point.
        tell: told what is done and until when there is nothing to do, in words.

    Raises:
        WorkerBusy: another worker is in the home.
        KeyRefused, SettingsError: nobody will mend it meanwhile.
    """
    with at_work(wish, "bell run", asks=True, stop=stop.is_set) as worker:
        service = Service(worker, stop, Heartbeat(worker.home.root))
        run_forever(service, service.known, worker.pipeline.clock, stop, service.heartbeat, tell)
