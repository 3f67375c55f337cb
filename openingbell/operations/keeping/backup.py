"""`bell backup`: a consistent state of a home's warehouse, into a folder of its own, whoever is at work.

It also says whether a backup holds all that a warehouse does, which is what a migration that loses something asks for.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from openingbell import tables
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import BackupNeeded
from openingbell.operations.entry import Wish, entered
from openingbell.operations.keeping.folder import Backup, read_backup
from openingbell.operations.keeping.writing import Writing
from openingbell.progress import Progress
from openingbell.tables.history import VERSIONS
from openingbell.warehouse.connect import connect
from openingbell.warehouse.migrations import stored_tables
from openingbell.warehouse.pieces import PIECE_ROWS, Piece, pieces_of, require_all, rows_held
from openingbell.warehouse.protocol import Reader, Warehouse
from openingbell.warehouse.upgrade import plan_of

PATIENCE_SECONDS = 3_600.0
"""A worker may be busy for long, and who makes a backup has time."""


def run(wish: Wish, folder: Path, progress: Progress) -> Backup:
    """Write a backup of the home's warehouse.

    Args:
        wish: which home.
        folder: where to; not there, empty, or of a backup that was not finished.
        progress: told the rows of each table.

    Raises:
        UsageError: the folder is not free.
        BackupError: the disk does not take it.
        WarehouseError: there is no warehouse, it cannot be read, or it is no version's.
    """
    with entered(wish) as (home, pipeline):
        warehouse = connect(patient(pipeline.settings), home.root, pipeline.clock)
        return write(warehouse, folder, pipeline.clock, source=str(home.source), progress=progress)


def patient(settings: Settings) -> Settings:
    """The settings of who can wait until a worker lets go."""
    return settings.model_copy(
        update={"warehouse_wait_seconds": max(settings.warehouse_wait_seconds, PATIENCE_SECONDS)}
    )


def write(
    warehouse: Warehouse, folder: Path, clock: Clock, *, source: str, progress: Progress, piece_rows: int = PIECE_ROWS
) -> Backup:
    """Write a backup of a warehouse, also of one of an earlier version; see `run`."""
    writing = Writing(folder)
    made_at = clock.now()  # what is written from now on may be in it, and counts as newer
    with warehouse.read() as reader:
        version = plan_of(reader, warehouse.place).has
        for table in stored_tables(reader.layout()):
            done, rows = 0, reader.count(table)
            for piece in pieces_of(reader, table, piece_rows) or [Piece()]:
                found = piece.read(reader, table)
                writing.add(table, found)
                done += len(found)
                progress(table.name, done, rows)
            require_all(table, done, rows)
    return writing.close(made_at=made_at, source=source, version=version, version_name=_name_of(version))


def _name_of(version: int) -> str:
    return next(one.name for one in VERSIONS if one.number == version)


def require_backup(folder: Path, warehouse: Warehouse) -> None:
    """Refuse a backup that is not whole, or does not hold all that a warehouse does.

    Raises:
        BackupError: it is not whole.
        BackupNeeded: it does not hold all.
    """
    backup = read_backup(folder)
    backup.verify()
    with warehouse.read() as reader:
        held = rows_held(reader)
        newest = newest_write(reader)
    kept = {one.table.name: one.rows for one in backup.tables}
    is_newer = newest is None or newest < backup.made_at.replace(tzinfo=None)
    if kept != held or not is_newer:
        raise BackupNeeded(
            f"asked to change the tables of {warehouse.place} under the backup {folder}, made at "
            f"{backup.made_at.isoformat()}; it holds {backup.rows:,} rows, the warehouse {sum(held.values()):,}, last "
            f"written at {newest.isoformat() if newest else 'a moment that it does not tell'}; a backup must be newer "
            "than all that was written; make one now with `bell backup`, while no worker is at work"
        )


def newest_write(reader: Reader) -> datetime | None:
    """When something was last written, by the books (UTC, without a zone); None when nothing was."""
    loads = reader.read(tables.LOADS, columns=["loaded_at", "transformed_at"])
    jobs = reader.read(tables.JOB_LOG, columns=["started_at", "finished_at"])
    found = [frame[name].max() for frame in (loads, jobs) for name in frame.columns]
    return max((moment for moment in found if isinstance(moment, datetime)), default=None)
