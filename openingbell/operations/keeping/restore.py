"""`bell restore`: the warehouse of a home anew from a backup, verified first and filled beside the one in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from openingbell import tables
from openingbell.context import backlog
from openingbell.errors import BackupError, SourceError, WarehouseError, WarehouseLocked
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.entry import Wish, entered
from openingbell.operations.keeping.anew import anew, require_empty
from openingbell.operations.keeping.folder import Backup, read_backup
from openingbell.operations.lock import worker_lock
from openingbell.progress import Progress
from openingbell.tables import BY_NAME
from openingbell.warehouse.migrations import carried, plan
from openingbell.warehouse.pieces import require_all
from openingbell.warehouse.protocol import Reader, Warehouse
from openingbell.warehouse.upgrade import require_version


@dataclass(frozen=True)
class Restored:
    """What came of it, in rows. `set_aside` is where a damaged warehouse lies now; `left_out` are tables that this
    version has no more. Of landed files `to_load` are not in the warehouse; of those in it, `unlanded` are not there.
    """

    backup: Backup
    rows: int
    to_load: int
    unlanded: int
    left_out: tuple[str, ...] = ()
    set_aside: str = ""


def notes(done: Restored) -> list[str]:
    """What is worth telling of a restored warehouse, in words."""
    found = []
    if done.set_aside:
        found.append(f"the warehouse that was there was damaged and is set aside as {done.set_aside}")
    if done.left_out:
        found.append(f"this version has no more: {', '.join(done.left_out)}")
    if done.to_load:
        found.append(f"{done.to_load:,} landed files are not in it yet: run `bell csv-load` and `bell transform`")
    if done.unlanded:
        found.append(
            f"{done.unlanded:,} files that it was loaded from are not under data_extracts/: bring them back as well, "
            "or their sessions are asked again"
        )
    return found


def check(folder: Path, progress: Progress) -> Backup:
    """Verify a backup, and that this program can restore it; nothing is changed.

    Raises:
        BackupError: it is not whole.
        SchemaTooNew, WarehouseError: its tables are not those of a version of this program.
    """
    backup = read_backup(folder)
    require_version(backup.version, backup.version_name, f"the backup {folder}")
    plan(backup.layout, backup.version, place=f"of the backup {folder}")
    backup.verify(lambda done, files: progress("files", done, files))
    return backup


def run(wish: Wish, folder: Path, progress: Progress, *, over: bool) -> Restored:
    """Put what a backup holds into the place of the home's warehouse. A damaged one is set aside.

    Args:
        wish: which home.
        folder: where the backup is.
        progress: told the files that are verified, then the rows of each table.
        over: whether a warehouse that holds rows may be replaced.

    Raises:
        UsageError: the warehouse holds rows, or the home belongs to another source.
        BackupError: the backup is not whole.
        WorkerBusy: a worker is at work in the home.
        WarehouseError: the warehouse cannot be written.
    """
    with entered(wish) as (home, pipeline):
        backup = check(folder, progress)
        if backup.source != str(home.source):
            raise SourceError(
                f"asked to restore the backup {folder} into {home.root} of {home.source}; it is one of "
                f"{backup.source}; a home holds one source; choose another backup, or the home with --demo, --replay "
                "or OPENINGBELL_HOME"
            )
        with worker_lock(home.root, "bell restore", pipeline.clock.now()):
            warehouse = pipeline.warehouse
            set_aside = "" if over else _free(warehouse, folder)
            homes.claim(home, pipeline.clock)
            left_out = restore(backup, warehouse, progress)
            with warehouse.read() as reader:
                restored = _told(backup, reader, pipeline.landing)
            return replace(restored, left_out=left_out, set_aside=set_aside)


def _free(warehouse: Warehouse, folder: Path) -> str:
    """Make sure that the warehouse holds nothing; one that is damaged is set aside, and where to is returned."""
    try:
        require_empty(warehouse, asked=f"to restore the backup {folder}")
    except WarehouseLocked:
        raise
    except WarehouseError:
        if not warehouse.damage():
            raise
        return warehouse.set_aside()
    return ""


def restore(backup: Backup, warehouse: Warehouse, progress: Progress) -> tuple[str, ...]:
    """Fill a warehouse from a backup, which was verified, and put it into the place of `warehouse`.

    Returns:
        The tables of the backup that this version has no more.

    Raises:
        BackupError: a file is not what it was, or holds what its table cannot.
        WarehouseError: the warehouse cannot be written; the one that was there is as it was.
    """
    left_out = []
    with anew(warehouse) as second:
        for kept in backup.tables:
            table = BY_NAME.get(kept.table.name)
            if table is None:
                left_out.append(kept.table.name)
                continue
            done = 0
            for rows in backup.read(kept):
                try:
                    fitting = carried(rows, table)
                except ValueError as error:
                    raise BackupError(
                        f"asked to restore {table.name} from {backup.folder}; found: {error}; a backup holds what its "
                        "tables can; choose another backup"
                    ) from error
                with second.write() as writer:
                    writer.append(table, fitting)
                done += len(rows)
                progress(table.name, done, kept.rows)
        with second.read() as reader:
            for kept in backup.tables:
                if kept.table.name not in left_out:
                    require_all(kept.table, reader.count(BY_NAME[kept.table.name]), kept.rows)
    return tuple(left_out)


def _told(backup: Backup, reader: Reader, landing: Landing) -> Restored:
    """What is restored, beside what has landed."""
    record, _ = landing.survey()
    loads = reader.read(tables.LOADS)
    left = backlog(record, loads)
    unlanded = len(loads.join(record.files, on="load_id", how="anti"))
    rows = sum(kept.rows for kept in backup.tables if kept.table.name in BY_NAME)
    return Restored(backup, rows, left.to_load, unlanded)
