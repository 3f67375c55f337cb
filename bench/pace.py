"""The pace of an extraction beside the permitted one: calls over real HTTP to a vendor that takes its time to answer.

The look-alike runs in a process of its own and answers after 100 to 300 ms (its fault `slow`, seeded). The real stage
asks it for one window of every symbol of a made-up market, under a plan of so many calls a minute, and lands the
answers: what is measured is the whole stage, from before the client is made until the last file has landed.

The permitted pace is what the limit allows at best: the calls at the limit's distance, and the last one answered after
the vendor's mean time. All of it cannot be reached: Openingbell keeps calls 1 % further apart than the limit asks for,
because they may reach the vendor closer together than they were sent. `of sending` leaves out what comes before the
first request and after the last one.

That the limit is kept is counted where calls are sent, and in the vendor's own log of requests: the most in any 60
seconds. Where a cycle is shorter than that, a longer one is run for it, with a tenth more calls than the limit.

Wanted: at least 97 % of the permitted pace on 500 calls at 250, 750 and 3,000 a minute, and no call over the limit.

    python bench/pace.py [--limit 250 750 3000] [--calls 500] [--sessions 1]
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import polars as pl
import structlog
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import SOURCE
from bench.sizes import LAST, NOW, Size
from openingbell.clock import Clock, ShiftedClock, SystemClock
from openingbell.config import Settings
from openingbell.extract import stage
from openingbell.extract.fmp import FmpClient
from openingbell.feeds import STOCKS
from openingbell.landing import Landing
from openingbell.universe import Universe
from openingbell.vendor.faults import Fault, Faults
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor

LATENCY = (0.1, 0.3)
"""Seconds that an answer takes at the least and at the most."""
MINUTE = timedelta(seconds=60)
MORE = "more"
DIFFERENT = 50
"""Symbols that have bars of their own."""


@dataclass(frozen=True)
class Cycle:
    """One cycle: seconds of the stage, when each call was sent, and when it reached the vendor."""

    seconds: float
    sent: tuple[datetime, ...]
    arrivals: tuple[datetime, ...]

    def share(self, limit: int) -> float:
        """The share of the permitted pace that the whole stage reached."""
        return ((len(self.arrivals) - 1) * 60 / limit + sum(LATENCY) / 2) / self.seconds

    def share_of_sending(self, limit: int) -> float:
        """The share that the requests reached, from the first to the last."""
        taken = (max(self.arrivals) - min(self.arrivals)).total_seconds()
        return (len(self.arrivals) - 1) * 60 / limit / taken


def most_in(window: timedelta, moments: Iterable[datetime]) -> int:
    """The most of the moments that lie in any `window`."""
    ordered = sorted(moments)
    begin = most = 0
    for place, moment in enumerate(ordered):
        while moment - ordered[begin] >= window:
            begin += 1
        most = max(most, place - begin + 1)
    return most


def wanted(size: Size) -> Universe:
    """The windows of a cycle: one of each symbol."""
    return Universe(tuple(replace(m, first=size.first, last=LAST) for m in size.universe.of(STOCKS)))


class Known(SimulatedMarket):
    """A market whose bars were made before they are asked for, and of which some symbols share theirs: making them must
    not be what is measured.
    """

    def __init__(self, size: Size) -> None:
        super().__init__(size.universe)
        self._made = [
            super(Known, self).intraday(symbol, STOCKS.bar_interval, first=size.first, last=LAST, now=NOW)
            for symbol in size.names[:DIFFERENT]
        ]

    def intraday(self, symbol: str, bar_interval: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """The bars of the one window that is asked for."""
        del bar_interval, first, last, now
        return self._made[int(symbol[1:]) % DIFFERENT]


def vendor(size: Size, latency: tuple[float, float] = LATENCY) -> RunningVendor:
    """A vendor of a market who takes his time."""
    slow = Fault("slow", values={"least": latency[0], "most": latency[1]})
    return RunningVendor(Known(size), ShiftedClock(NOW), faults=Faults((slow,), seed=1))


def _serve(size: Size, pipe: Connection) -> None:
    """Be the vendor, in a process of its own: its address goes out, then for each word its log so far."""
    with vendor(size) as running:
        pipe.send(running.url)
        while pipe.recv() == MORE:
            pipe.send([asked.moment for asked in running.requests.all()])
            running.requests.clear()


@contextmanager
def other_process(size: Size) -> Iterator[Connection]:
    """The vendor in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(size, there))
    process.start()
    try:
        yield here
    finally:
        here.send("end")
        process.join()


class Observed(FmpClient):
    """The client, and when it sent each call."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self.sent: list[datetime] = []

    def _send(self, path: str, parameters: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        self.sent.append(SystemClock().now())
        return super()._send(path, parameters)


def extract(universe: Universe, url: str, limit: int, folder: Path) -> tuple[float, list[datetime]]:
    """Ask for everything that is wanted and land it; seconds, and when each call was sent.

    Raises:
        RuntimeError: not every symbol was answered with rows, once.
    """
    settings = Settings.model_validate(
        {"api_key": SecretStr("bench"), "base_url": url, "calls_per_minute": limit, "revision_sessions": 0}
    )
    clock, landing = ShiftedClock(NOW), Landing(folder)
    found: list[stage.Extracted] = []
    sent: list[datetime] = []

    def work() -> None:
        with Observed(settings, clock) as client:
            found.append(stage.run(lambda: universe, landing, client, clock, settings, source=SOURCE))
            sent.extend(client.sent)

    seconds = measure.timed(work).seconds
    asks = [ask for manifest in landing.manifests() for ask in manifest.asks]
    symbols = sorted(ask.symbol for ask in asks if ask.rows)
    if symbols != sorted(member.symbol for member in universe.members) or found[0].requests != len(symbols):
        raise RuntimeError(f"asked for {len(universe.members)} symbols; found {found[0]}")
    return seconds, sent


def cycle(size: Size, limit: int) -> Cycle:
    """A cycle against a vendor in another process."""
    with other_process(size) as pipe, tempfile.TemporaryDirectory() as folder:
        url = pipe.recv()
        extract(wanted(replace(size, symbols=1)), url, limit, Path(folder) / "warm")
        pipe.send(MORE)
        pipe.recv()
        seconds, sent = extract(wanted(size), url, limit, Path(folder) / "measured")
        pipe.send(MORE)
        return Cycle(seconds, tuple(sent), tuple(pipe.recv()))


def lengths(calls: int, limit: int) -> Sequence[int]:
    """The calls of the cycles that are run: of one that lasts longer than a minute as well."""
    return (calls,) if calls > limit else (calls, limit + limit // 10)


def main() -> None:
    """Run the cycles at each limit, and compare."""
    arguments = measure.parser(__doc__)
    arguments.set_defaults(repeats=1)
    arguments.add_argument("--limit", type=int, nargs="+", default=[250, 750, 3_000], help="calls a minute")
    arguments.add_argument("--calls", type=int, default=500, help="calls of a cycle (default: %(default)s)")
    arguments.add_argument("--sessions", type=int, default=1, help="sessions of each answer (default: %(default)s)")
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    rows = [("a minute", "calls", "seconds", "permitted", "share", "of sending", "most sent in 60 s", "came")]
    verdicts: list[tuple[str, float, float | None, float | None]] = []
    for limit in asked.limit:
        for calls in lengths(asked.calls, limit):
            runs = [cycle(Size("", calls, asked.sessions), limit) for _ in range(asked.repeats)]
            one = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
            sent, came = (max(most_in(MINUTE, of_run) for of_run in side) for side in
                          ([run.sent for run in runs], [run.arrivals for run in runs]))  # fmt: skip
            shares = (one.share(limit), one.share_of_sending(limit))
            rows.append(
                (f"{limit:,}", f"{calls:,}", f"{one.seconds:.2f}", f"{one.seconds * shares[0]:.2f}",
                 f"{shares[0]:.1%}", f"{shares[1]:.1%}", f"{sent:,}", f"{came:,}")
            )  # fmt: skip
            if calls == asked.calls:
                verdicts.append((f"share of the permitted pace, {calls:,} calls at {limit:,}", shares[0], None, 0.97))
            verdicts.append(
                (f"most calls in 60 s / limit, {calls:,} calls at {limit:,}", max(sent, came) / limit, 1, None)
            )
            print(f"  {limit:,} a minute, {calls:,} calls: {one.seconds:.2f} s", file=sys.stderr, flush=True)
    measure.show(f"answers of {asked.sessions} sessions after {LATENCY[0]:g} to {LATENCY[1]:g} s", rows)
    for what, ratio, at_most, at_least in verdicts:
        measure.verdict(what, ratio, at_most=at_most, at_least=at_least)


if __name__ == "__main__":
    main()
