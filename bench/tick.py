"""A tick: one new bar of every symbol lands as CSV and becomes visible with indicators, scores and the day's tables.

For each size a warehouse is filled once (kept in --cache as long as the package does not change) and copied. Then the
bars of the next session land one after the other, a file with a bar for every symbol, and each is loaded and
transformed at once: in turns at all sizes, and in turns in this process, where imports and manifests are warm, and in a
process of its own, from start to exit. What was to become visible is counted after each.

Wanted: a tick at M costs at most 1.3 × a tick at S, in the process and as one.

    python bench/tick.py [--size S M] [--repeats 5]
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import NEXT, Market, market
from bench.measure import Run
from bench.ours import Ours, embedded
from bench.sizes import size_of
from openingbell import tables
from openingbell.feeds import STOCKS
from openingbell.warehouse.protocol import Warehouse

MOST_REPEATS = 12
"""A session has 26 bars: one to warm up, then one in the process and one for a process of its own each turn."""


class Ticking:
    """A home at one size, between two ticks. The warehouse holds what has landed before them."""

    def __init__(self, made: Market, folder: Path, warehouse: Warehouse) -> None:
        self.made = made
        self._extracts = folder / "data_extracts"
        shutil.copytree(made.extracts, self._extracts, copy_function=os.link)
        self._ours = Ours(self._extracts, warehouse, made.size.universe)
        self._waiting = sorted((made.ticks / STOCKS.name).glob("*.json"))
        self._ticks = 0

    def in_process(self) -> Run:
        """The next tick in this process."""
        return self._ticked(lambda: measure.timed(lambda: (self._ours.load(), self._ours.transform())))

    def _ticked(self, way: Callable[[], Run]) -> Run:
        """Land the next tick, run, and require that everything is visible."""
        manifest = self._waiting[self._ticks]
        for path in (manifest.with_suffix(".csv"), manifest):
            shutil.copy(path, self._extracts / STOCKS.name)
        self._ticks += 1
        run = way()
        self._require_visible()
        return run

    def _require_visible(self) -> None:
        symbols = self.made.size.symbols
        wanted = {
            tables.STOCK: self._ticks * symbols,
            tables.TECHNICAL_INDICATORS: self._ticks * symbols,
            tables.DAILY_BARS: symbols,
            tables.TECHNICAL_INDICATORS_DAILY: symbols,
            tables.DAILY_AGGREGATES: 1,
        }
        with self._ours.warehouse.read() as reader:
            found = {table: len(reader.read(table, first=NEXT, last=NEXT)) for table in wanted}
        if found != wanted:
            raise RuntimeError(f"tick {self._ticks} is not wholly visible: {[(t.name, n) for t, n in found.items()]}")


class Embedded(Ticking):
    """A home whose warehouse is a file: a copy of a filled one."""

    def __init__(self, made: Market, folder: Path) -> None:
        self._file = folder / "warehouse.duckdb"
        super().__init__(made, folder, embedded(self._file))
        shutil.copy(filled(made), self._file)

    def as_process(self) -> Run:
        """The next tick in a process of its own."""
        command = ("ours.py", self._extracts, self._file, self.made.size.symbols)
        return self._ticked(lambda: measure.run_script(*command))


def package_digest() -> str:
    """What tells one version of the package from another."""
    digest = hashlib.sha256()
    for path in sorted((measure.ROOT / "openingbell").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def filled(made: Market) -> Path:
    """A warehouse with everything that has landed; made when there is none of this version of the package."""
    warehouse = made.root / f"filled-{package_digest()}.duckdb"
    if not warehouse.exists():
        for old in made.root.glob("filled-*"):
            old.unlink()
        print(f"filling {warehouse}", file=sys.stderr, flush=True)
        aside = made.root / "filled-new.duckdb"
        measure.run_script("ours.py", made.extracts, aside, made.size.symbols)
        aside.rename(warehouse)
    return warehouse


def main() -> None:
    """Tick at each size and compare."""
    arguments = measure.parser(__doc__)
    arguments.add_argument(
        "--size", type=size_of, nargs="+", default=[size_of("S"), size_of("M")], help="sizes, the first is the measure"
    )
    asked = arguments.parse_args()
    if asked.repeats > MOST_REPEATS:
        arguments.error(f"--repeats is at most {MOST_REPEATS}: a session has no more bars")
    markets = [market(size, asked.cache) for size in asked.size]
    for made in markets:
        filled(made)
    with tempfile.TemporaryDirectory(dir=asked.cache) as folder:
        homes = {made.size.name: Embedded(made, Path(folder) / made.size.name) for made in markets}
        for home in homes.values():
            home.in_process()
        ways: dict[str, Callable[[], Run]] = {
            f"{name}, in the process": home.in_process for name, home in homes.items()
        }
        ways |= {f"{name}, as a process": home.as_process for name, home in homes.items()}
        runs = measure.interleaved(ways, asked.repeats)
    rows = [("tick", "seconds", "of these load", "transform", "peak")]
    for name, way in runs.items():
        parts = ("load_seconds", "transform_seconds")
        told = [f"{way.fact(part):.3f}" if part in way.runs[0].facts else "" for part in parts]
        rows.append((name, f"{way.seconds:.3f}", told[0], told[1], measure.megabytes(way.peak_bytes)))
    measure.show(f"a tick of {asked.size[0].symbols} bars", rows)
    small, large = (made.size.name for made in (markets[0], markets[-1]))
    for how in ("in the process", "as a process"):
        ratio = runs[f"{large}, {how}"].seconds / runs[f"{small}, {how}"].seconds
        measure.verdict(f"{large} / {small}, {how}", ratio, at_most=1.3)
    measure.verdict(f"seconds at {large} in the process", runs[f"{large}, in the process"].seconds, at_most=1)


if __name__ == "__main__":
    main()
