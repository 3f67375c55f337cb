"""What `bell --help` and `bell status` spend on imports, and whether they import what they do not need.

Each verb runs in turns with the bare interpreter; the share is the sum of `python -X importtime` over the wall clock of
the same process. Needless is what the verb has no use for: heavy packages before anything was asked of them.

    python bench/imports.py [--repeats 5]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import market
from bench.measure import Run
from bench.sizes import size_of

LINE = re.compile(r"^import time:\s+(?P<self>\d+) \|\s+\d+ \|\s+(?P<name>\S+)", re.MULTILINE)
"""A line of -X importtime: microseconds in the module itself, with what it imported, and its name."""
SHOWN = 6

VENDOR = ("httpx", "starlette", "uvicorn")
CALENDARS = ("pandas", "pandas_market_calendars", "exchange_calendars")
NEEDLESS = {
    "--help": ("duckdb", "jinja2", "numpy", "polars", "pyarrow", "pydantic", "talib", *VENDOR, *CALENDARS),
    "status": ("jinja2", "talib", *VENDOR, *CALENDARS),
}


def modules_of(report: str) -> dict[str, int]:
    """Microseconds by module of a report of -X importtime."""
    return {match["name"]: int(match["self"]) for match in LINE.finditer(report)}


def main() -> None:
    """Run the verbs and tell where their time goes."""
    asked = measure.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = market(size_of("tiny"), asked.cache)
        shutil.copytree(made.extracts, home / "data_extracts")
        measure.run_script("ours.py", home / "data_extracts", home / "warehouse.duckdb", made.size.symbols)
        ways: dict[str, Callable[[], Run]] = {
            "bare interpreter": lambda: _run(home, "-c", "pass")[0],
            "--help": lambda: _run(home, "-m", "openingbell", "--help")[0],
            "status": lambda: _run(home, "-m", "openingbell", "status")[0],
        }
        runs = measure.interleaved(ways, asked.repeats)
        modules = {verb: _run(home, "-X", "importtime", "-m", "openingbell", verb)[1] for verb in NEEDLESS}
        traced = {
            verb: measure.Runs(tuple(_run(home, "-X", "importtime", "-m", "openingbell", verb)[0] for _ in range(3)))
            for verb in NEEDLESS
        }
    bare = runs["bare interpreter"].seconds
    measure.show(
        "start", [("process", "seconds", "× bare interpreter")]
        + [(name, f"{way.seconds:.3f}", f"{way.seconds / bare:.1f}") for name, way in runs.items()]
    )  # fmt: skip
    for verb, found in modules.items():
        _show_verb(verb, found, traced[verb].fact("import_seconds") / traced[verb].seconds)


def _show_verb(verb: str, found: dict[str, int], share: float) -> None:
    packages: Counter[str] = Counter()
    for name, microseconds in found.items():
        packages[name.split(".")[0]] += microseconds
    total = packages.total()
    measure.show(
        f"bell {verb}: {share:.0%} of the time in imports, {len(found)} modules",
        [("package", "ms", "share")]
        + [(name, f"{spent / 1000:.1f}", f"{spent / total:.0%}") for name, spent in packages.most_common(SHOWN)],
    )
    needless = [name for name in NEEDLESS[verb] if name in packages]
    print(f"  {'MISS' if needless else 'ok  '}  needless imports: {', '.join(needless) or 'none'}")


def _run(home: Path, *arguments: str) -> tuple[Run, dict[str, int]]:
    """One process, and the microseconds of its modules when it was asked for them.

    Raises:
        subprocess.CalledProcessError: the verb failed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENINGBELL_")}
    environment = kept | {"OPENINGBELL_HOME": str(home), "PYTHONPATH": str(measure.ROOT)}
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=home, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    seconds = time.perf_counter() - begun
    modules = modules_of(done.stderr)
    return Run(seconds, facts={"import_seconds": sum(modules.values()) / 1e6}), modules


if __name__ == "__main__":
    main()
