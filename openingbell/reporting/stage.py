"""The stage: the report of one period, from the warehouse into a file. Rerunning it puts the same bytes in the same
place as long as the warehouse says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog

from openingbell.landing import write_durably
from openingbell.reporting.figures import figures
from openingbell.reporting.period import Period
from openingbell.reporting.render import render
from openingbell.warehouse.protocol import Warehouse

log = structlog.get_logger()


@dataclass(frozen=True)
class Reported:
    """What the stage did: the file, and the rows of raw and analytics tables that it tells of."""

    path: Path
    rows: int


def run(warehouse: Warehouse, folder: Path, period: Period) -> Reported:
    """Write the report of `period` into `folder`, in the place of the one before.

    Raises:
        WarehouseError: there is no warehouse, or it cannot be read.
        RecordError: the disk does not take the file.
    """
    with warehouse.read() as reader:
        found = figures(reader, period)
    path = folder / f"report-{period.label}.md"
    write_durably(path, render(found).encode("utf-8"))
    log.info("report_written", period=period.label, rows=found.rows)
    return Reported(path, found.rows)
