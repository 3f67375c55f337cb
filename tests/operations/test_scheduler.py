"""The loop, with a clock that moves when it is waited on and a work that writes down what it was asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.errors import KeyRefused, VendorError
from openingbell.operations.heartbeat import Heartbeat, read_heartbeat
from openingbell.operations.scheduler import merged, run_forever
from openingbell.operations.stopping import Stop
from openingbell.operations.timetable import Doing, Event, events
from openingbell.universe import Universe, from_symbols

UNIVERSE = from_symbols(["AAPL"], ["^VIX"], ["GCUSD"])
SETTINGS = Settings()
BEGIN = datetime(2026, 11, 24, 14, tzinfo=UTC)


class Work:
    """What was done and when; `takes` seconds each, and `fails` with an error at the n-th thing."""

    def __init__(self, clock: VirtualClock, end: datetime, stop: Stop, takes: float = 0) -> None:
        self.done: list[tuple[str, datetime, object]] = []
        self.fails: dict[int, Exception] = {}
        self.backlog = 0
        self._clock, self._end, self._stop, self._takes = clock, end, stop, takes

    def _did(self, what: str, detail: object) -> None:
        self.done.append((what, self._clock.now(), detail))
        self._clock.wait(self._takes)
        if self._clock.now() >= self._end:
            self._stop.set()
        if error := self.fails.get(len(self.done)):
            raise error

    def tick(self, feeds: Collection[str]) -> None:
        self._did("TICK", tuple(feeds))

    def close(self, session: date) -> None:
        self._did("CLOSE", session)

    def night(self) -> None:
        self._did("NIGHT", None)

    def week(self, session: date) -> None:
        self._did("WEEKLY", session)

    def idle(self, until: datetime) -> bool:
        if not self.backlog:
            return False
        self.backlog -= 1
        self._clock.wait(min(60.0, (until - self._clock.now()).total_seconds()))
        self.done.append(("idle", self._clock.now(), None))
        return True


def live(
    folder: Path, days: float, *, takes: float = 0, fails: dict[int, Exception] | None = None, backlog: int = 0
) -> tuple[Work, list[str]]:
    """Run the loop until the first thing that is done after so many days."""
    clock, stop = VirtualClock(BEGIN), Stop()
    told: list[str] = []
    work = Work(clock, BEGIN + timedelta(days=days), stop, takes)
    work.fails, work.backlog = fails or {}, backlog
    run_forever(work, lambda: (UNIVERSE, SETTINGS), clock, stop, Heartbeat(folder), told.append)
    return work, told


def test_everything_due_is_done_at_once_and_then_each_event_in_its_time(tmp_path: Path) -> None:
    work, _ = live(tmp_path, 4)
    first, *others = work.done
    assert first == ("TICK", BEGIN, ("bonds", "commodities", "eod", "indexes", "stocks"))
    expected = list(takewhile(lambda event: event.at <= others[-1][1], events(UNIVERSE, SETTINGS, BEGIN)))
    assert [(what, at) for what, at, _ in others] == [(event.doing.name, event.at) for event in expected]
    assert {what for what, _, _ in others} == {"TICK", "CLOSE", "WEEKLY", "NIGHT"}


def test_what_becomes_known_moves_what_comes_behind_it(tmp_path: Path) -> None:
    """At first no stock is known, as where an index is the universe: the first event brings them. After two ticks it is
    known that they come ten minutes later.
    """
    clock, stop = VirtualClock(BEGIN), Stop()
    work = Work(clock, BEGIN + timedelta(minutes=80), stop)

    def ticks() -> list[timedelta]:
        """When stocks were asked for, but for the first event."""
        return [at - BEGIN for _, at, detail in work.done[1:] if isinstance(detail, tuple) and "stocks" in detail]

    def known() -> tuple[Universe, Settings]:
        universe = UNIVERSE if work.done else from_symbols([], ["^VIX"], [])
        return universe, SETTINGS.knowing({"stocks": 660.0} if len(ticks()) > 1 else {})

    run_forever(work, known, clock, stop, Heartbeat(tmp_path), lambda _: None)
    assert ticks() == [timedelta(minutes=minute) for minute in (30 + 17, 30 + 32, 30 + 30 + 12, 30 + 45 + 12)]


def test_work_that_takes_long_merges_the_ticks_that_it_missed_and_loses_no_other_event(tmp_path: Path) -> None:
    quick, _ = live(tmp_path, 3)
    slow, _ = live(tmp_path, 3, takes=40 * 60)
    assert len([1 for what, _, _ in slow.done if what == "TICK"]) < len(
        [1 for what, _, _ in quick.done if what == "TICK"]
    )
    for kind in ("CLOSE", "NIGHT", "WEEKLY"):
        wanted = [detail for what, _, detail in quick.done if what == kind]
        assert [detail for what, _, detail in slow.done if what == kind][: len(wanted)] == wanted


def test_late_ticks_become_one_with_all_their_feeds() -> None:
    day = date(2026, 11, 24)
    ticks = [
        Event(BEGIN + timedelta(minutes=15 * n), Doing.TICK, day, (feed,)) for n, feed in enumerate(["a", "b", "a"])
    ]
    close = Event(BEGIN, Doing.CLOSE, day)
    assert merged([ticks[0], close, ticks[1], ticks[2]]) == [Event(ticks[2].at, Doing.TICK, day, ("a", "b")), close]


def test_what_fails_is_told_and_the_next_event_tries_again(tmp_path: Path) -> None:
    work, told = live(tmp_path, 0.2, fails={2: VendorError("no answer")})
    assert len(work.done) > 3
    assert "TICK failed: no answer" in told


def test_a_refused_key_ends_it(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        live(tmp_path, 1, fails={2: KeyRefused("no")})


def test_what_was_not_foreseen_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        live(tmp_path, 1, fails={2: ZeroDivisionError()})


def test_backfills_are_worked_on_between_events_and_never_late_for_one(tmp_path: Path) -> None:
    work, _ = live(tmp_path, 0.5, backlog=20)
    assert [what for what, _, _ in work.done].count("idle") == 20
    ticks = [at for what, at, _ in work.done[1:] if what == "TICK"]
    assert ticks == [
        event.at
        for event in takewhile(lambda e: e.at <= ticks[-1], events(UNIVERSE, SETTINGS, BEGIN))
        if event.doing is Doing.TICK
    ]


def test_with_markets_closed_it_says_until_when_it_sleeps(tmp_path: Path) -> None:
    _, told = live(tmp_path, 5)
    assert any(
        words == "markets are closed; sleeping until Sun 2026-11-29 18:17 New York (23:17 UTC), for commodities"
        for words in told
    )


def test_a_stop_ends_it_and_leaves_its_last_sign(tmp_path: Path) -> None:
    _, told = live(tmp_path, 0.1)
    beat = read_heartbeat(tmp_path)
    assert beat is not None
    assert beat.state == "stopped"
    assert told[-1] == "stopped"
