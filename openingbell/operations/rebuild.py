"""Rebuild: a second warehouse from the landed files alone, and the comparison of the two, table by table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from openingbell import pipeline as flow
from openingbell import tables
from openingbell.context import Pipeline
from openingbell.errors import RecordError, UsageError, WarehouseError
from openingbell.operations.entry import Wish, entered
from openingbell.operations.home import Home
from openingbell.operations.jobs import QualityRun, last_quality_run
from openingbell.operations.lock import worker_lock
from openingbell.quality import stage as quality_control
from openingbell.tables import Table
from openingbell.versions import collapsed
from openingbell.warehouse import owner
from openingbell.warehouse.connect import connect
from openingbell.warehouse.protocol import Warehouse

HISTORIES = (tables.JOB_LOG,)
"""What happened, not what follows from the files: there is nothing to compare."""
OF_QUALITY = (tables.COVERAGE, tables.QUALITY_LOG)
"""What the quality run makes: as of its moment."""
ORDER_OF_ARRIVAL = ("loaded_at", "transformed_at", "rows_new", "rows_same")
"""Columns of `loads` that depend on when and in which order files arrived; rows_new + rows_same does not."""


@dataclass(frozen=True)
class Difference:
    """One table in two warehouses: rows of each, and rows that only one of them has."""

    table: str
    rows: int
    rebuilt_rows: int
    only_first: int
    only_rebuilt: int

    @property
    def equal(self) -> bool:
        """Whether both say the same."""
        return not self.only_first and not self.only_rebuilt

    def __add__(self, other: Difference) -> Difference:
        """Of other rows of the same table as well."""
        return Difference(
            self.table,
            self.rows + other.rows,
            self.rebuilt_rows + other.rebuilt_rows,
            self.only_first + other.only_first,
            self.only_rebuilt + other.only_rebuilt,
        )


@dataclass(frozen=True)
class Rebuilt:
    """What came of a rebuild. `set_aside` is where a damaged first warehouse lies now, which nothing compares with."""

    differences: Sequence[Difference]
    set_aside: str = ""


def run(wish: Wish, *, verify: bool) -> Rebuilt:
    """Build the warehouse of a home anew and compare the two.

    With `verify` the first one stays as it is and the second goes; else the second takes its place, with the first
    one's job log. A damaged first one is set aside.

    Raises:
        UsageError: nothing has landed, or the first one holds data of another source.
        WarehouseError: with `verify`, the first one is damaged or not there.
        WorkerBusy: a worker is at work in the home.
        RecordError: a landed file cannot be read.
    """
    with entered(wish) as (home, pipeline):
        if pipeline.landing.record().files.is_empty():
            raise UsageError(
                f"asked to rebuild the warehouse of {home.root}; nothing has landed there; a warehouse is built from "
                "landed files; land some with `bell full`, or choose another OPENINGBELL_HOME"
            )
        with worker_lock(home.root, "bell rebuild", pipeline.clock.now()):
            return _run(home, pipeline, verify=verify)


def _run(home: Home, pipeline: Pipeline, *, verify: bool) -> Rebuilt:
    first = connect(pipeline.settings, home.root, pipeline.clock)
    damage = first.damage()
    usable = first if first.exists() and not damage else None
    if verify and usable is None:
        raise WarehouseError(
            f"asked to compare with the warehouse {first.place}; found: {damage or 'there is none'}; only a whole one "
            "can be compared; run `bell rebuild`: it sets a damaged one aside and builds anew from the landed files"
        )
    if usable is not None:
        with usable.read() as reader:
            owner.require_own(reader, pipeline.source, usable.place)
    second = first.beside()
    second.delete()
    rebuild(replace(pipeline, warehouse=second), usable)
    differences = compare(usable, second) if usable else []
    if verify:
        second.delete()
        return Rebuilt(differences)
    if usable:
        _carry_over(usable, second)
    set_aside = first.set_aside() if damage else ""
    second.take_place_of(first)
    return Rebuilt(differences, set_aside)


def _carry_over(first: Warehouse, second: Warehouse) -> None:
    """The job log is a history: it cannot be rebuilt and is taken along."""
    with first.read() as reader, second.write() as writer:
        for table in HISTORIES:
            writer.append(table, reader.read(table))


def rebuild(pipeline: Pipeline, first: Warehouse | None) -> None:
    """Fill `pipeline.warehouse`, which is empty, from the landed files.

    Quality is run as the newest quality run of `first` was, so that its findings can be compared.

    Args:
        pipeline: of the home, with the warehouse to fill.
        first: the home's own warehouse, whose newest quality run is repeated; None when there is none to read.
    """
    loaded = flow.load(pipeline)
    if loaded.shortfall:
        raise RecordError(f"asked to rebuild from the landed files; {loaded.shortfall}")
    flow.transform(pipeline)
    run = _quality_run(first) if first else None
    if run is not None:
        quality_control.run(
            pipeline.warehouse,
            pipeline.universe,
            pipeline.landing.record(),
            run.now,
            pipeline.settings,
            run_id=run.run_id,
            first=run.first,
            last=run.last,
        )


def compare(first: Warehouse, second: Warehouse) -> list[Difference]:
    """Every table that follows from the files, compared row by row and value by value; those of the quality run only
    while it is of what the warehouse holds now.
    """
    run = _quality_run(first)
    with first.read() as one, second.read() as other:
        return [
            difference(table, _comparable(one.read(table), table, run), _comparable(other.read(table), table, run))
            for table in tables.TABLES
            if table not in HISTORIES and (run is not None or table not in OF_QUALITY)
        ]


def _quality_run(warehouse: Warehouse) -> QualityRun | None:
    """The newest quality run, if nothing was loaded or transformed since."""
    with warehouse.read() as reader:
        run = last_quality_run(reader.read(tables.JOB_LOG))
        loads = reader.read(tables.LOADS)
    if run is None:
        return None
    loaded, transformed = (pl.col(name) <= run.started_at for name in ("loaded_at", "transformed_at"))
    is_older = loaded & transformed.fill_null(value=False)
    return run if loads.select(is_older.all()).item() else None


def _comparable(rows: pl.DataFrame, table: Table, run: QualityRun | None) -> pl.DataFrame:
    """The rows that must be equal whatever the order in which files arrived."""
    if table.versioned:
        return collapsed(rows, table)
    if table is tables.LOADS:
        return rows.with_columns(rows_good=pl.col("rows_new") + pl.col("rows_same")).drop(ORDER_OF_ARRIVAL)
    if table is tables.QUALITY_LOG:
        return rows.filter(pl.col("run_id") == (run.run_id if run else ""))
    return rows


def difference(table: Table, one: pl.DataFrame, other: pl.DataFrame) -> Difference:
    """Rows of a table in two warehouses, compared value by value; their order says nothing."""
    if one.equals(other, null_equal=True) or _in_some_order(one).equals(_in_some_order(other), null_equal=True):
        return Difference(table.name, len(one), len(other), 0, 0)
    return Difference(table.name, len(one), len(other), _only(one, other), _only(other, one))


def _in_some_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in an order that follows from their values: that equal ones are equal is then seen at once. Where two that
    differ have one hash it may not be seen; then they are counted.
    """
    return rows[rows.hash_rows().arg_sort()]


def _only(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """Rows of `one` that `other` lacks; equal rows are counted, not only looked for."""
    columns: Sequence[str] = one.columns
    counts = one.group_by(columns).len()
    missing = counts.join(other.group_by(columns).len(), on=columns, how="left", nulls_equal=True).select(
        (pl.col("len").cast(pl.Int64) - pl.col("len_right").fill_null(0).cast(pl.Int64)).clip(lower_bound=0).sum()
    )
    return int(missing.item())
