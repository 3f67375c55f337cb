"""Running `bell` as its users do: a real process in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from openingbell import tables
from openingbell.clock import SystemClock
from openingbell.tables import RAW, Table
from openingbell.warehouse.duckdb import DuckDBWarehouse

REPOSITORY = Path(__file__).resolve().parent.parent
SMALL_UNIVERSE = {
    "OPENINGBELL_STOCKS": "AAPL MSFT",
    "OPENINGBELL_INDEXES": "^GSPC",
    "OPENINGBELL_COMMODITIES": "GCUSD",
    "OPENINGBELL_FIRST_RUN_SESSIONS": "8",
    "OPENINGBELL_FIRST_RUN_DAILY_SESSIONS": "30",
}
NOT_FROM_FILES = {"load_id", "source_row", "extracted_at", "asked_times", "last_asked_at"}
"""Columns that say when and by which file something came: they differ between two runs that ask at other moments."""


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Ends a process without a word: for `os.kill` on Windows SIGTERM is TerminateProcess."""
KILLED = int(KILL) if os.name == "nt" else -int(KILL)
"""The exit code of a process that was ended so."""


@dataclass(frozen=True)
class Bell:
    """A home, and how to run `bell` in it."""

    home: Path
    environment: Mapping[str, str]

    def run(self, *words: str, code: int = 0, script: str = "-m openingbell") -> subprocess.CompletedProcess[str]:
        """Run it to its end and require the exit code."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("OPENINGBELL_") and name not in {"FMP_API_KEY", "API_KEY", "WAREHOUSE_URL"}
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", *script.split(), *words],
            check=False,
            cwd=self.home.parent,
            env={
                **inherited,
                "PYTHONPATH": str(REPOSITORY),
                "COLUMNS": "200",
                "OPENINGBELL_HOME": str(self.home),
                **self.environment,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """Its warehouse."""
        return DuckDBWarehouse(self.home / "warehouse.duckdb", clock=SystemClock(), wait_seconds=5)

    def rows(self, table: Table) -> pl.DataFrame:
        """All rows of a table."""
        with self.warehouse.read() as reader:
            return reader.read(table)

    def contents(self) -> dict[str, pl.DataFrame]:
        """Every raw and analytics table and the coverage, without what depends on the moment of the run."""
        return {
            table.name: _settled(self.rows(table))
            for table in tables.TABLES
            if table.layer != tables.OPERATIONS or table is tables.COVERAGE
        }

    def require_unique_keys(self) -> None:
        """No table holds a key twice, and no raw table says the same of a bar twice."""
        for table in tables.TABLES:
            rows = self.rows(table)
            assert rows.select(table.key).is_duplicated().sum() == 0, table.name
            if table.layer == RAW:
                said = rows.select(*table.bar_key, *table.values)
                assert said.is_duplicated().sum() == 0, table.name


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    kept = rows.drop(NOT_FROM_FILES & set(rows.columns))
    return kept.sort(kept.columns)


HOLDER = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); print(os.getpid(), flush=True); sys.stdin.read()"
"""It says its own id: on Windows that of a virtual environment's Python is another's, which starts it."""


@contextmanager
def another_process_holding(path: Path) -> Iterator[int]:
    """Another process has the DuckDB file open for writing while the block runs; gives its id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        yield int(holder.stdout.readline())
        holder.stdin.close()
