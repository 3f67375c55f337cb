"""What `bell plan` takes for ten thousand symbols over twenty years: seconds and the largest resident set.

Two homes, each planned in a process of its own, from start to exit, imports included:

    landed  everything has landed until the evening before: 20 years of 15-minute bars and official days, splits,
            dividends and profiles, a manifest for every hundred answers, and the index that an extraction keeps beside
            them; it is the next morning, and a backfill of the 20 years is still wanted
    empty   nothing has landed, and the 20 years are wanted

The manifests are those that an extraction writes, made from the plan of the empty home; the landed CSV itself is not
made, because no plan reads it. `--without-index` measures the first start after the index is lost as well: every
manifest is read, and the index is written. The home is made once and kept in --cache: some minutes and 2 GB.

Wanted: seconds, not minutes (here: at most 60 each), under 1 GiB.

    python bench/planning.py [--symbols 10000] [--years 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import SOURCE
from bench.measure import Run
from openingbell import coverage, sessions
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.extract.plan import Request, plan
from openingbell.landing import Ask, Landing, Manifest, Outcome
from openingbell.landing.manifests import encode
from openingbell.landing.record import ASKS, FILES, Record
from openingbell.operations.outlook import outlook_of
from openingbell.universe import Universe, from_symbols
from openingbell.wants import Want, widened
from openingbell.warehouse.duckdb import DuckDBWarehouse

EVENING = datetime(2025, 12, 31, 3, tzinfo=UTC)
"""When the first answer was received: after the night's work of 2025-12-30 had begun, so that no sweep is due."""
MORNING = datetime(2025, 12, 31, 15, 31, tzinfo=UTC)
"""An hour into the next session."""
BETWEEN_BATCHES = timedelta(milliseconds=100)
INDEX = ".index"
MADE = "made-1"
"""The mark of a home that is there whole. Its number rises when what is made changes."""
AT_MOST_SECONDS = 60
GIB = 2**30


def universe_of(symbols: int) -> Universe:
    """What is wanted of so many symbols."""
    return from_symbols([f"S{number:05d}" for number in range(symbols)], (), ())


def want_of(years: int) -> Want:
    """The backfill."""
    return Want(date(EVENING.year - years, 1, 1), (), (), EVENING)


def batches(symbols: int, years: int) -> Iterator[list[Request]]:
    """Everything that a home of nothing asks until the evening."""
    universe = widened(universe_of(symbols), [want_of(years)])
    nothing = Record(FILES.to_frame(), ASKS.to_frame())
    due = coverage.due(universe, nothing, EVENING, Settings.model_validate({}), search=False)
    yield from plan(due)


def landed(symbols: int, years: int, folder: Path, processes: int | None = None) -> Path:
    """The home in which everything has landed; made when it is not there."""
    root = folder / f"planning-{symbols}x{years}"
    if not (root / MADE).exists():
        shutil.rmtree(root, ignore_errors=True)
        print(f"landing {root}", file=sys.stderr, flush=True)
        parts = processes or os.cpu_count() or 1
        land = partial(_land, root / "data_extracts", symbols, years, parts)
        if parts == 1:
            land(0)
        else:
            with ProcessPoolExecutor(parts, mp_context=multiprocessing.get_context("spawn")) as pool:
                list(pool.map(land, range(parts)))
        Landing(root / "data_extracts").survey()
        (root / MADE).touch()
    return root


def _land(extracts: Path, symbols: int, years: int, parts: int, part: int) -> None:
    """Write one of some parts of the manifests."""
    for number, batch in enumerate(batches(symbols, years)):
        if number % parts == part:
            manifest = _manifest(batch, EVENING + number * BETWEEN_BATCHES)
            folder = extracts / manifest.feed
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{manifest.load_id}.json").write_bytes(encode(manifest))


def _manifest(batch: list[Request], at: datetime) -> Manifest:
    member = batch[0].member
    asks = tuple(_answered(request, at) for request in batch)
    load_id = f"{at:%Y%m%dT%H%M%S%f}Z-{member.feed.name}-000"
    delay = Settings.model_validate({}).final_delay(member.feed)
    rows = sum(ask.rows for ask in asks)
    return Manifest(load_id, member.feed.name, SOURCE, member.bar_interval, member.basis, delay.total_seconds(), at,
                    f"{load_id}.csv", rows, 75 * rows, f"{0:064x}", asks)  # fmt: skip


def _answered(request: Request, at: datetime) -> Ask:
    """A whole answer."""
    member, first, last = request.member, request.first, request.last
    bars = _expected(member.calendar, member.bar_interval, first, last) if member.feed.has_grid else {}
    rows = sum(bars.values()) or 1
    return Ask(member.symbol, member.asset_class, member.calendar, first, last, first, last, at, 200, Outcome.ANSWERED,
               rows, 150 * rows, bars)  # fmt: skip


@cache
def _expected(calendar: str, bar_interval: str, first: date, last: date) -> dict[date, int]:
    return dict(sessions.expected_bars(calendar, bar_interval, first, last).iter_rows())


def plan_of(root: Path, symbols: int, years: int, *, is_landed: bool) -> dict[str, float]:
    """Plan as `bell plan` does once it has entered the home; what was planned, and how long the parts took."""
    clock = VirtualClock(MORNING if is_landed else EVENING)
    landing = Landing(root / "data_extracts")
    pipeline = Pipeline(
        settings=Settings.model_validate({}),
        universe=universe_of(symbols),
        landing=landing,
        warehouse=DuckDBWarehouse(root / "warehouse.duckdb", clock=clock, wait_seconds=0),
        clock=clock,
        source=SOURCE,
        reports=root / "reports",
        wants=(want_of(years),),
    )
    begun = time.perf_counter()
    record, errors = landing.survey()
    surveyed = time.perf_counter()
    outlook = outlook_of(pipeline)
    return {
        "errors": len(errors),
        "asks": len(record.asks),
        "calls": outlook.calls,
        "survey_seconds": surveyed - begun,
        "plan_seconds": time.perf_counter() - surveyed,
    }


def planned(root: Path, symbols: int, years: int, *, is_landed: bool, with_index: bool = True) -> Run:
    """A plan in a process of its own."""
    if not with_index:
        shutil.rmtree(root / "data_extracts" / INDEX, ignore_errors=True)
    words = ["--landed"] if is_landed else []
    return measure.run_script("planning.py", "--plan", root, "--symbols", symbols, "--years", years, *words)


def main() -> None:
    """Plan both homes, and compare; or be the child that plans."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("--symbols", type=int, default=10_000, help="(default: %(default)s)")
    arguments.add_argument("--years", type=int, default=20, help="(default: %(default)s)")
    arguments.add_argument("--without-index", action="store_true", help="also the first start after it is lost")
    arguments.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--landed", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.plan:
        measure.tell(**plan_of(asked.plan, asked.symbols, asked.years, is_landed=asked.landed))
        return
    full = landed(asked.symbols, asked.years, asked.cache)
    empty = asked.cache / "planning-nothing"
    plan_landed = partial(planned, full, asked.symbols, asked.years, is_landed=True)
    plan_empty = partial(planned, empty, asked.symbols, asked.years, is_landed=False)
    ways: dict[str, Callable[[], Run]] = {"landed": plan_landed, "empty": plan_empty}
    runs = measure.interleaved(ways, asked.repeats)
    if asked.without_index:
        runs |= measure.interleaved({"without the index": partial(plan_landed, with_index=False)}, 1)
    measure.show(
        f"{asked.symbols:,} symbols, {asked.years} years",
        [("home", "asks", "calls planned", "seconds", "of these record", "plan", "peak")]
        + [
            (name, f"{way.fact('asks'):,.0f}", f"{way.fact('calls'):,.0f}", f"{way.seconds:.1f}",
             f"{way.fact('survey_seconds'):.1f}", f"{way.fact('plan_seconds'):.1f}", measure.megabytes(way.peak_bytes))
            for name, way in runs.items()
        ],
    )  # fmt: skip
    for name in ways:
        measure.verdict(f"{name}: seconds", runs[name].seconds, at_most=AT_MOST_SECONDS)
        measure.verdict(f"{name}: peak / 1 GiB", runs[name].peak_bytes / GIB, at_most=1)


if __name__ == "__main__":
    main()
