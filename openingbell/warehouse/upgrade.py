"""The version of a warehouse's tables: refusing a newer one, bringing an older one up, recording what it has.

What is to be done `migrations` says. Where an engine can, the steps and their record are one transaction; where it
cannot, what an interruption left is found and done by the next.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from openingbell.errors import BackupNeeded, SchemaTooNew
from openingbell.tables import SCHEMA_VERSIONS, Layout
from openingbell.warehouse.migrations import TODAY, Plan, Schema, plan
from openingbell.warehouse.protocol import Reader, Warehouse, Writer

log = structlog.get_logger()


def plan_of(reader: Reader, place: str, schema: Schema = TODAY) -> Plan:
    """What is to be done with a warehouse.

    Raises:
        SchemaTooNew, WarehouseError: see `plan`.
    """
    layout = reader.layout()
    return plan(layout, _recorded(reader, layout, place, schema), schema, place=place)


def require_known(reader: Reader, place: str) -> None:
    """Refuse a warehouse of a newer program.

    Raises:
        SchemaTooNew: it is.
    """
    _recorded(reader, reader.layout(), place, TODAY)


def _recorded(reader: Reader, layout: Layout, place: str, schema: Schema) -> int | None:
    """The recorded version, which is one that this program knows."""
    if (SCHEMA_VERSIONS.layer, SCHEMA_VERSIONS.name) not in layout:
        return None
    rows = reader.read(SCHEMA_VERSIONS, columns=["version", "name"]).sort("version")
    if rows.is_empty():
        return None
    number, name = rows.row(-1)
    require_version(number, name, f"the warehouse {place}", schema)
    return int(number)


def require_version(number: int, name: str, what: str, schema: Schema = TODAY) -> None:
    """Refuse a newer version of the tables than this program knows.

    Raises:
        SchemaTooNew: it is newer.
    """
    newest = schema.newest
    if number > newest.number:
        raise SchemaTooNew(
            f"asked to use {what}; its tables are of version {number} ({name}), made by a newer program; this "
            f"one knows versions up to {newest.number} ({newest.name}); install the program that made it, or "
            "another warehouse"
        )


def bring_up(warehouse: Warehouse, now: datetime, schema: Schema = TODAY, *, losing: bool) -> None:
    """Give a warehouse the tables of this program, and record so.

    Args:
        warehouse: with its layers, with or without tables.
        now: the moment that is recorded.
        schema: what is needed.
        losing: whether steps that lose something may be taken: who has a backup says so.

    Raises:
        BackupNeeded: there are such steps, and `losing` is not said.
        SchemaTooNew, WarehouseError: see `plan`.
    """
    if warehouse.exists():
        with warehouse.read() as reader:
            if plan_of(reader, warehouse.place, schema).is_empty:
                return
    with warehouse.write() as writer:
        found = plan_of(writer, warehouse.place, schema)  # what another process has done meanwhile is done
        if found.losing and not losing:
            raise BackupNeeded(
                f"asked to bring the warehouse {warehouse.place} from version {found.has} of the tables to "
                f"{schema.newest.number} ({schema.newest.name}); that is to {', '.join(found.losing)}, which cannot "
                "be had back; it needs a backup that is newer than all that was written; make one with `bell backup "
                "--to FOLDER`, then say `bell setup --backup FOLDER`"
            )
        _take(writer, found, now)
    if found.has:
        log.info("warehouse_migrated", steps=[str(step) for step in found.steps], version=schema.newest.number)


def create(writer: Writer, now: datetime) -> None:
    """Make the tables of this program where there are none, and record their version, as of `now`."""
    _take(writer, plan({}, None, place=""), now)


def _take(writer: Writer, found: Plan, now: datetime) -> None:
    writer.migrate(found.steps)
    writer.append(SCHEMA_VERSIONS, found.record(now))
