"""How the scripts of this folder measure: child processes, turns and medians. It knows nothing of what is measured.

A noisy machine is noisy for everybody: ways that are compared take turns inside one run, and of each the median
counts. What is told is the ratio of two medians; seconds stand beside it for orientation only.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(tempfile.gettempdir()) / "openingbell-bench"
"""Where made-up markets and filled warehouses are kept from one run to the next."""


@dataclass(frozen=True)
class Run:
    """One run of one way: wall-clock seconds, the largest resident set, and what a child told about itself."""

    seconds: float
    peak_bytes: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Runs:
    """All runs of one way."""

    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def peak_bytes(self) -> int:
        """The largest of all runs."""
        return max(run.peak_bytes for run in self.runs)

    def fact(self, name: str) -> float:
        """The median of a figure that the children told."""
        return statistics.median(run.facts[name] for run in self.runs)


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser of the options that all scripts share."""
    made = argparse.ArgumentParser(
        description=(description or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--cache", type=Path, default=CACHE, help=f"where markets are kept (default: {CACHE})")
    made.add_argument("--repeats", type=int, default=5, help="runs of each way (default: %(default)s)")
    return made


def timed(work: Callable[[], object]) -> Run:
    """One run in this process."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return Run(time.perf_counter() - begun)


def run_script(script: str, *arguments: object) -> Run:
    """One run of a script of this folder in a process of its own, from start to exit."""
    command = [sys.executable, str(ROOT / "bench" / script), *map(str, arguments)]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    seconds = time.perf_counter() - begun
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return Run(seconds, int(facts["peak_bytes"]), facts)


def tell(**facts: float) -> None:
    """In a child: hand figures to the process that measures. The last line of its output is read."""
    print(json.dumps({**facts, "peak_bytes": peak_bytes()}))


def peak_bytes() -> int:
    """The largest resident set of this process so far; 0 where the system does not say.

    Linux counts the pages of the process that started this one into `ru_maxrss`; VmHWM begins anew with the program.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text("utf-8")
        return int(dict(line.split(":", 1) for line in status.splitlines())["VmHWM"].split()[0]) * 1024
    elif sys.platform == "win32":  # noqa: RET505  type checkers know such branches
        return 0
    else:
        import resource  # noqa: PLC0415  Windows has none

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def interleaved(ways: Mapping[str, Callable[[], Run]], repeats: int) -> dict[str, Runs]:
    """Every way `repeats` times, in turns: A B C A B C …, so that a slow minute hits all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for turn in range(repeats):
        for name, way in ways.items():
            runs[name].append(way())
            print(f"  {turn + 1}/{repeats} {name}: {runs[name][-1].seconds:.3f} s", file=sys.stderr, flush=True)
    return {name: Runs(tuple(of_way)) for name, of_way in runs.items()}


def show(title: str, rows: Iterable[Sequence[str]]) -> None:
    """Rows of text as columns under a title; the first column to the left, the others to the right."""
    lines = [list(row) for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    print(f"\n{title}")
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())


def verdict(what: str, ratio: float, *, at_most: float | None = None, at_least: float | None = None) -> None:
    """A ratio beside what it has to be."""
    holds = (at_most is None or ratio <= at_most) and (at_least is None or ratio >= at_least)
    bound = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    print(f"  {'ok  ' if holds else 'MISS'}  {what}: {ratio:.3g} ({bound})")


def megabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**20:,.0f} MiB" if count else "?"
