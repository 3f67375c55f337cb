"""JSON answers to landed CSV, beside the `json` and `csv` modules.

The answers are those of a simulated vendor to the questions that the planner asks, byte for byte as they come over the
wire, held in memory; asking is left out. Shapes, for a hundred symbols, that is one landed file:

    tick  15-minute bars of one session
    bars  15-minute bars of a whole window (20 sessions)
    week  5-minute bars of commodities, a whole window (5 days)
    days  official daily bars of fifteen years, ten fields each

    ours    what makes a landed file of an answer: understand it, put symbol and moment in front, keep it in the part,
            write file and manifest, flushed to the disk
    stage   the stage that extracts, but for the network: ours, and besides planning, threads, and for each answer how
            far it reaches and how many of its bars were final
    script  what `json` and `csv` are used like: `json.loads`, two more keys in each row, `csv.DictWriter`; one file,
            flushed to the disk the same way; no part, no manifest, nothing judged; numbers are spelled anew
    kept    the quickest that the two modules can do: numbers as they are spelled, lists instead of dicts

All but the script write the same lines, by a test, but for the moments of the answers; its numbers are the same.
Wanted: ours at least 4 x as quick as the script.

    python bench/answers.py [--shape bars week days] [--repeats 9]
"""

from __future__ import annotations

import csv
import io
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import SOURCE
from bench.measure import Run
from bench.sizes import LAST, NOW
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.extract import stage
from openingbell.extract.asking import Reply
from openingbell.extract.fmp import Answer
from openingbell.extract.parse import parse
from openingbell.extract.plan import Request
from openingbell.extract.reach import Reach
from openingbell.feeds import COMMODITIES, EOD, STOCKS, Feed
from openingbell.landing import Landing, write_durably
from openingbell.landing.batch import Part
from openingbell.universe import Member, Universe, from_symbols
from openingbell.vendor import dialect
from openingbell.vendor.market import SimulatedMarket

SYMBOLS = 100
DIFFERENT = 10
"""Symbols that have bars of their own."""
SHAPES: Mapping[str, tuple[Feed, date]] = {
    "tick": (STOCKS, LAST),
    "bars": (STOCKS, date(2025, 12, 2)),
    "week": (COMMODITIES, date(2025, 12, 26)),
    "days": (EOD, LAST - timedelta(days=EOD.window_days - 1)),
}
"""Feed and first session; the last one is always the same."""
AT_LEAST = 4.0


@dataclass(frozen=True)
class Answers:
    """What is asked, and the bodies by symbol."""

    members: tuple[Member, ...]
    bodies: Mapping[str, bytes]

    @property
    def requests(self) -> list[Request]:
        """The questions."""
        return [Request(m, m.first, m.last) for m in self.members if m.first and m.last]


def answers(shape: str, symbols: int = SYMBOLS) -> Answers:
    """The answers of a shape; some symbols share theirs."""
    feed, first = SHAPES[shape]
    names = [f"S{number:03d}" for number in range(symbols)]
    universe = from_symbols((), (), names) if feed is COMMODITIES else from_symbols(names, (), ())
    market = SimulatedMarket(universe)
    members = tuple(replace(member, first=first, last=LAST) for member in universe.of(feed))
    frames = []
    for member in members[:DIFFERENT]:
        window = {"first": date.fromisoformat(Request(member, first, LAST).parameters["from"]), "last": LAST}
        if feed is EOD:
            frames.append(market.daily(member.symbol, **window, now=NOW))
        else:
            frames.append(market.intraday(member.symbol, member.bar_interval, **window, now=NOW))
    bodies = {
        member.symbol: dialect.days_body(frames[n % DIFFERENT], member.symbol)
        if feed is EOD
        else dialect.bars_body(frames[n % DIFFERENT])
        for n, member in enumerate(members)
    }
    return Answers(members, bodies)


class Held:
    """In the client's place: answers from memory, understood as the client does."""

    def __init__(self, bodies: Mapping[str, bytes], clock: VirtualClock) -> None:
        self._bodies = bodies
        self._clock = clock
        self.calls = self.bytes = 0
        self.skew: timedelta | None = None

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """The answer to one question."""
        del path
        body = self._bodies[parameters["symbol"]]
        return Answer(parse(200, body, symbol=parameters["symbol"]), 200, len(body), self._clock.now())


def ours(given: Answers, folder: Path) -> Path:
    """Land the answers as the stage does once they are there; the landed file."""
    feed = given.members[0].feed
    batch = Landing(folder).batch(
        feed.name,
        source=SOURCE,
        bar_interval=given.members[0].bar_interval,
        basis=given.members[0].basis,
        final_delay=timedelta(0),
    )
    client = Held(given.bodies, VirtualClock(NOW))
    for place, request in enumerate(given.requests):
        reply = Reply(request, NOW, answer=client.get(request.path, request.parameters))
        batch.add(Part(place, reply.ask(Reach(request.first, None, {})), reply.stamped))
    batch.land()
    return only_file(folder)


def by_stage(given: Answers, folder: Path) -> Path:
    """Land the answers by the stage that extracts; the landed file.

    Raises:
        RuntimeError: not all of them landed in one file.
    """
    clock, landing = VirtualClock(NOW), Landing(folder)
    client: Any = Held(given.bodies, clock)
    settings = Settings.model_validate({"revision_sessions": 0})
    done = stage.run(lambda: Universe(given.members), landing, client, clock, settings, source=SOURCE)
    if (done.requests, done.files, len(done.failures)) != (len(given.members), 1, 0):
        raise RuntimeError(f"asked to land {len(given.members)} answers in one file; found {done}")
    return only_file(folder)


def only_file(folder: Path) -> Path:
    """The one landed file of a record."""
    (path,) = folder.glob("*/*.csv")
    return path


def by_script(given: Answers, folder: Path) -> Path:
    """Write the answers as the modules of Python are used; the file."""
    text = io.StringIO(newline="")
    writer = None
    for member in given.members:
        rows = json.loads(given.bodies[member.symbol])
        for row in rows:
            row["symbol"] = member.symbol
            row["answered_at"] = NOW.isoformat()
        if writer is None:
            names = ["symbol", "answered_at", *(name for name in rows[0] if name not in ("symbol", "answered_at"))]
            writer = csv.DictWriter(text, names, lineterminator="\n")
            writer.writeheader()
        writer.writerows(rows)
    path = folder / "answers.csv"
    write_durably(path, text.getvalue().encode("utf-8"))
    return path


def kept(given: Answers, folder: Path) -> Path:
    """Write the answers with the modules of Python, as quickly as they can; the file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for place, member in enumerate(given.members):
        rows = json.loads(given.bodies[member.symbol], parse_float=str, parse_int=str)
        front = [member.symbol, NOW.isoformat()]
        if place == 0:
            writer.writerow(["symbol", "answered_at", *(name for name in rows[0] if name != "symbol")])
        if "symbol" in rows[0]:
            for row in rows:
                del row["symbol"]
        writer.writerows(front + list(row.values()) for row in rows)
    path = folder / "answers.csv"
    write_durably(path, text.getvalue().encode("utf-8"))
    return path


def landed(way: Callable[[Answers, Path], Path], given: Answers) -> Run:
    """One run of a way, into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return measure.timed(lambda: way(given, Path(folder)))


WAYS: Mapping[str, Callable[[Answers, Path], Path]] = {
    "ours": ours,
    "stage": by_stage,
    "script": by_script,
    "kept": kept,
}


def compared(shapes: Sequence[str], repeats: int) -> None:
    """Measure all shapes, and show them."""
    rows = [("shape", "bytes an answer", *WAYS, "script / ours", "kept / ours", "script / stage")]
    ratios: list[tuple[str, float]] = []
    for shape in shapes:
        given = answers(shape)
        ways = {f"{shape}, {name}": partial(landed, way, given) for name, way in WAYS.items()}
        for way in ways.values():
            way()  # warm
        runs = measure.interleaved(ways, repeats)
        took = {name: runs[f"{shape}, {name}"].seconds for name in WAYS}
        size = sum(map(len, given.bodies.values())) // len(given.bodies)
        pairs = (("script", "ours"), ("kept", "ours"), ("script", "stage"))
        rows.append(
            (
                shape,
                f"{size:,}",
                *(f"{seconds:.3f}" for seconds in took.values()),
                *(f"{took[slow] / took[quick]:.2f}" for slow, quick in pairs),
            )
        )
        ratios.append((shape, took["script"] / took["ours"]))
    measure.show(f"{SYMBOLS} answers to one landed file, seconds", rows)
    for shape, ratio in ratios:
        measure.verdict(f"{shape}: script / ours", ratio, at_least=AT_LEAST)


def main() -> None:
    """Measure what was asked for."""
    arguments = measure.parser(__doc__)
    arguments.set_defaults(repeats=9)
    arguments.add_argument("--shape", nargs="+", choices=list(SHAPES), default=["bars", "week", "days"])
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    compared(asked.shape, asked.repeats)


if __name__ == "__main__":
    main()
