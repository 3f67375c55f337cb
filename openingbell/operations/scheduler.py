"""The loop of `bell run`: does what the timetable says in time, works on backfills between, and else sleeps.

Nothing depends on an event being met: what it would have brought is a hole, and the next event brings it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog

from openingbell import sessions
from openingbell.clock import Clock, SystemClock
from openingbell.config import Settings
from openingbell.errors import KeyRefused, OpeningbellError, SettingsError
from openingbell.feeds import BAR_FEEDS
from openingbell.operations.heartbeat import EVERY, IDLE, SLEEPING, STOPPED, WORKING, Heartbeat
from openingbell.operations.stopping import Stop
from openingbell.operations.timetable import Doing, Event, events
from openingbell.universe import Universe

log = structlog.get_logger()

PIECE_SECONDS = 1.0
"""A wait is made of pieces, so that a stop ends it, and so that a machine that was asleep notices."""
IDLE_AGAIN = timedelta(minutes=5)
"""Time after which it is looked again whether there is something to backfill."""
MARGIN = timedelta(seconds=5)
"""Before an event nothing else is begun."""
WORTH_TELLING = timedelta(minutes=20)


class Work(Protocol):
    """What is done at events."""

    def tick(self, feeds: Collection[str]) -> None:
        """Bring what has become final of some feeds."""
        ...

    def close(self, session: date) -> None:
        """End a day."""
        ...

    def night(self) -> None:
        """Read known bars again."""
        ...

    def week(self, session: date) -> None:
        """End the week that a session is the last of."""
        ...

    def idle(self, until: datetime) -> bool:
        """Work on backfills until a moment; False when there is nothing to do."""
        ...


def run_forever(
    work: Work,
    known: Callable[[], tuple[Universe, Settings]],
    clock: Clock,
    stop: Stop,
    heartbeat: Heartbeat,
    tell: Callable[[str], None],
) -> None:
    """Do what is to be done until `stop` is set: first all that is due now, then each event in its time.

    An event may teach which symbols there are, or how late the vendor is: what comes behind it follows from what is
    `known` then.

    Raises:
        KeyRefused, SettingsError: nobody will mend it meanwhile.
    """
    loop = _Loop(work, clock, stop, heartbeat, tell)
    now = clock.now()
    loop.do(Event(now, Doing.TICK, now.date(), tuple(sorted(feed.name for feed in BAR_FEEDS))))
    followed = known()
    ahead = events(*followed, now)
    event = next(ahead)
    while not stop.is_set():
        loop.wait_for(event)
        late = []
        while event.at <= clock.now():
            late.append(event)
            event = next(ahead)
        for one in merged(late):
            if not stop.is_set():
                loop.do(one)
        if late and (newer := known()) != followed:
            followed = newer
            ahead = events(*followed, late[-1].at)
            event = next(ahead)
    loop.beat(STOPPED, "stopped", None)
    tell("stopped")


def merged(late: Collection[Event]) -> list[Event]:
    """Events whose time has come, all TICKs among them as one: what several would have brought, one brings as well."""
    ticks = [event for event in late if event.doing is Doing.TICK]
    others = [event for event in late if event.doing is not Doing.TICK]
    if not ticks:
        return others
    feeds = sorted({feed for tick in ticks for feed in tick.feeds})
    return [Event(ticks[-1].at, Doing.TICK, ticks[-1].session, tuple(feeds)), *others]


@dataclass(frozen=True)
class _Loop:
    work: Work
    clock: Clock
    stop: Stop
    heartbeat: Heartbeat
    tell: Callable[[str], None]

    def do(self, event: Event) -> None:
        """Do what an event asks for; what fails is told, and the next event tries again."""
        self.beat(WORKING, event.doing.name, None)
        log.info("event", doing=event.doing.name, at=event.at.isoformat(), feeds=event.feeds)
        try:
            match event.doing:
                case Doing.TICK:
                    self.work.tick(event.feeds)
                case Doing.CLOSE:
                    self.work.close(event.session)
                case Doing.WEEKLY:
                    self.work.week(event.session)
                case Doing.NIGHT:
                    self.work.night()
        except (KeyRefused, SettingsError):
            raise
        except OpeningbellError as error:
            log.warning("event_failed", doing=event.doing.name, reason=str(error))
            self.tell(f"{event.doing.name} failed: {error}")

    def wait_for(self, event: Event) -> None:
        """Come back at the time of an event, or when it is to stop; work on backfills meanwhile."""
        self._tell_when(event)
        begun = beaten = looked = datetime.min.replace(tzinfo=event.at.tzinfo)
        while not self.stop.is_set() and (now := self.clock.now()) < event.at:
            if now - looked >= IDLE_AGAIN and event.at - now > MARGIN:
                looked = now
                self.beat(IDLE, "backfill", event.at)
                if self._idle(event.at - MARGIN):
                    looked = begun
                    continue
                beaten = begun
            if now - beaten >= EVERY:
                beaten = now
                self.beat(SLEEPING, "", event.at)
            self.clock.wait(min(PIECE_SECONDS, (event.at - now).total_seconds()))

    def beat(self, state: str, what: str, next_at: datetime | None) -> None:
        """Give a sign of life."""
        machine_now = SystemClock().now()
        self.heartbeat.beat(state, what, now=self.clock.now(), machine_now=machine_now, next_at=next_at)

    def _idle(self, until: datetime) -> bool:
        try:
            return self.work.idle(until)
        except (KeyRefused, SettingsError):
            raise
        except OpeningbellError as error:
            log.warning("backfill_failed", reason=str(error))
            self.tell(f"backfill failed: {error}")
            return False

    def _tell_when(self, event: Event) -> None:
        if event.at - self.clock.now() < WORTH_TELLING:
            return
        local = event.at.astimezone(sessions.NEW_YORK)
        what = f"for {', '.join(event.feeds)}" if event.feeds else f"for the {event.doing.name}"
        self.tell(
            f"markets are closed; sleeping until {local:%a %Y-%m-%d %H:%M} New York ({event.at:%H:%M} UTC), {what}"
        )
