"""Kill `bell run` and `bell backfill` without warning at random moments, and prove that nothing is lost or doubled.

Two homes of the same simulated market begin on the same Saturday, so that nothing becomes final meanwhile. One is left
in peace; of the other every process is killed, until at last one may end. Then every raw and analytics table and the
coverage of both must be equal, no key may stand twice, and nothing may be asked more often than the kills explain.

    python scripts/soak.py --kills 100
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from openingbell import tables  # noqa: E402
from openingbell.clock import SystemClock  # noqa: E402
from openingbell.landing import Landing  # noqa: E402
from openingbell.warehouse.duckdb import DuckDBWarehouse  # noqa: E402

NOW = "2026-11-21T12:00:00-05:00"
"""A Saturday: markets are closed, commodities too."""
SINCE = "2012-01-03"
"""So much is to be asked that the kills do not run out of work."""
SETTINGS = {
    "OPENINGBELL_STOCKS": "AAPL MSFT",
    "OPENINGBELL_INDEXES": "^GSPC",
    "OPENINGBELL_COMMODITIES": "GCUSD",
    "OPENINGBELL_FIRST_RUN_SESSIONS": "8",
    "OPENINGBELL_FIRST_RUN_DAILY_SESSIONS": "30",
    "OPENINGBELL_REVISION_SESSIONS": "0",
    "OPENINGBELL_REVISION_SAMPLE": "0",
}
IN_FLIGHT = 16
"""Requests that may be under way at once, two for each thread, and so be repeated after a kill."""
NOT_FROM_FILES = {"load_id", "source_row", "extracted_at", "asked_times", "last_asked_at", "excuse"}


def bell(home: Path, *words: str) -> subprocess.Popen[str]:
    """A process in a home."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENINGBELL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "openingbell", *words],
        cwd=home.parent,
        env={**inherited, **SETTINGS, "PYTHONPATH": str(ROOT), "OPENINGBELL_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def to_the_end(home: Path, *words: str) -> str:
    """Run `bell` to its end, which must be a good one."""
    process = bell(home, *words)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"bell {' '.join(words)} ended with {process.returncode}:\n{said}")
    return said


def contents(home: Path) -> dict[str, pl.DataFrame]:
    """What the tables say, without what depends on when something was asked."""
    with DuckDBWarehouse(home / "warehouse.duckdb", clock=SystemClock(), wait_seconds=10).read() as reader:
        frames = {t.name: reader.read(t) for t in (*tables.of_layers(tables.RAW, tables.ANALYTICS), tables.COVERAGE)}
    kept = {name: frame.drop(NOT_FROM_FILES & set(frame.columns)) for name, frame in frames.items()}
    return {name: frame.sort(frame.columns) for name, frame in kept.items()}


def calls(home: Path) -> int:
    """Requests that the record holds answers of."""
    return len(Landing(home / "data_extracts").record().asks)


def doubled(home: Path) -> list[str]:
    """Tables in which a key stands twice, or a raw bar says the same twice."""
    found = []
    with DuckDBWarehouse(home / "warehouse.duckdb", clock=SystemClock(), wait_seconds=10).read() as reader:
        for table in tables.TABLES:
            rows = reader.read(table)
            if rows.select(table.key).is_duplicated().any() or (
                table.layer == tables.RAW and rows.select(*table.bar_key, *table.values).is_duplicated().any()
            ):
                found.append(table.name)
    return found


def main() -> None:
    """Kill, compare, and say what came of it."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument(
        "--longest", type=float, default=9.0, help="seconds after which a process is killed at the latest"
    )
    given = asked.parse_args()
    chance = random.Random(given.seed)  # noqa: S311  no secret hangs on it
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        peace, war = Path(folder) / "peace" / "home", Path(folder) / "war" / "home"
        for home in (peace, war):
            home.parent.mkdir()
        to_the_end(peace, "full", "--demo", "--now", NOW)
        to_the_end(peace, "backfill", "--demo", "--from", SINCE)
        begun, killed = time.monotonic(), 0
        for number in count(1):
            if killed == given.kills:
                break
            verb = "run" if number % 2 else "backfill"
            words = [verb, "--demo", *(["--now", NOW] if number == 1 else [])]
            words += ["--from", SINCE] if verb == "backfill" else []
            process = bell(war, *words)
            seconds = chance.uniform(0.3, given.longest)
            try:
                process.communicate(timeout=seconds)
                how = f"ended by itself with {process.returncode}"
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                killed += 1
                how = f"killed after {seconds:.1f} s"
            print(f"{number:>4} bell {verb:<8} {how}; {calls(war):,} answers landed", flush=True)
        to_the_end(war, "backfill", "--demo", "--from", SINCE)
        to_the_end(war, "full", "--demo")
        to_the_end(peace, "full", "--demo")
        left, right = contents(peace), contents(war)
        wrong = [name for name, frame in left.items() if not frame.equals(right[name])]
        twice = doubled(war)
        print(
            f"{killed} kills in {time.monotonic() - begun:,.0f} s; {calls(peace):,} answers in peace, "
            f"{calls(war):,} in war"
        )
        print(f"tables that differ: {', '.join(wrong) or 'none'}; tables with doubles: {', '.join(twice) or 'none'}")
        if wrong or twice or calls(war) > calls(peace) + IN_FLIGHT * killed:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
