"""`bell` that kills itself after its n-th durable write (0: never), and writes down what each was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openingbell import cli, wants
from openingbell.landing import files, place
from openingbell.landing.batch import SUFFIX, Batch, Part
from openingbell.operations import home
from openingbell.reporting import stage as reporting
from openingbell.warehouse.duckdb import DuckDBWarehouse, DuckDBWriter
from tests.running import KILL

KILL_AFTER = int(sys.argv.pop(1))
LOG = Path(os.environ["WRITES_LOG"])

write_durably, write, add = files.write_durably, DuckDBWarehouse.write, Batch.add


def happened(what: str) -> None:
    with LOG.open("a", encoding="utf-8") as file:
        file.write(f"{what}\n")
    if len(LOG.read_text("utf-8").split()) == KILL_AFTER:
        os.kill(os.getpid(), KILL)


def counted_file(path: Path, content: bytes) -> None:
    write_durably(path, content)
    happened("home.json" if path.name == "home.json" else path.suffix)


@contextmanager
def counted_commit(self: DuckDBWarehouse) -> Iterator[DuckDBWriter]:
    with write(self) as writer:
        yield writer
    happened("commit")


def counted_answer(self: Batch, part: Part) -> None:
    add(self, part)
    happened(SUFFIX)


for module in (place, home, reporting, wants):
    module.write_durably = counted_file  # type: ignore[attr-defined]
Batch.add = counted_answer  # type: ignore[method-assign]
DuckDBWarehouse.write = counted_commit  # type: ignore[method-assign]
cli.main()
