"""One run of Openingbell's load and transform over a record: the child that cold.py and tick.py measure.

python bench/ours.py DATA_EXTRACTS WAREHOUSE SYMBOLS
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.sizes import NOW, Size
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.landing import Landing
from openingbell.load import stage as loading
from openingbell.transform import stage as transformation
from openingbell.universe import Universe
from openingbell.warehouse.duckdb import DuckDBWarehouse
from openingbell.warehouse.protocol import Warehouse


class Ours:
    """A record and a warehouse of it."""

    def __init__(self, extracts: Path, warehouse: Warehouse, universe: Universe) -> None:
        self.clock = VirtualClock(NOW)
        self.landing = Landing(extracts)
        self.warehouse = warehouse
        self.settings = Settings.model_validate({})
        self.universe = universe

    def load(self) -> int:
        """Load what is pending; rows that are new.

        Raises:
            RuntimeError: a row was not taken: what is measured is not what was meant.
        """
        done = loading.run(self.landing, self.warehouse, self.clock, self.settings)
        if done.failures or done.rows_quarantined or done.rows_new != done.rows:
            raise RuntimeError(f"asked to load {done.rows:,} new rows; found {done}")
        return done.rows_new

    def transform(self) -> int:
        """Transform what is loaded; rows written."""
        return transformation.run(self.warehouse, self.universe, self.clock, self.settings).rows_written


def embedded(path: Path) -> DuckDBWarehouse:
    """The warehouse in a file."""
    return DuckDBWarehouse(path, clock=VirtualClock(NOW), wait_seconds=0)


def main() -> None:
    """Load and transform once, and tell how long each took."""
    arguments = argparse.ArgumentParser(description="Load and transform once.")
    arguments.add_argument("extracts", type=Path)
    arguments.add_argument("warehouse", type=Path)
    arguments.add_argument("symbols", type=int)
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    ours = Ours(asked.extracts, embedded(asked.warehouse), Size("", asked.symbols, 0).universe)
    begun = time.perf_counter()
    ours.load()
    loaded = time.perf_counter()
    ours.transform()
    transformed = time.perf_counter()
    measure.tell(
        load_seconds=loaded - begun,
        transform_seconds=transformed - loaded,
        warehouse_bytes=asked.warehouse.stat().st_size,
    )


if __name__ == "__main__":
    main()
