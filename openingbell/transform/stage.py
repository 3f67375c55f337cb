"""The stage: what is loaded and not yet transformed becomes analytics, in one transaction with its mark in `loads`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from openingbell import sessions, tables
from openingbell.clock import Clock
from openingbell.closures import Closures
from openingbell.config import Settings
from openingbell.progress import Progress
from openingbell.transform.work import Work
from openingbell.universe import Universe
from openingbell.warehouse.owner import SOURCE
from openingbell.warehouse.protocol import Warehouse, Writer
from openingbell.warehouse.transact import transact

SHAPING = ("auction_print", "extra_indicators", "indicator_dialect", "interval_minutes")
"""Settings on which the analytics tables depend."""
DEFINITIONS = 3
"""To be raised when a definition changes: every warehouse then makes its analytics anew."""


@dataclass(frozen=True)
class Transformed:
    """What the stage did: rows written, by table. `anew` says whether all was made anew: settings or definitions had
    changed, or what is new was loaded by an earlier version, which did not note where it lies.
    """

    loads: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    anew: bool = False

    @property
    def rows_written(self) -> int:
        """Rows written to all tables."""
        return sum(self.rows.values())


def run(
    warehouse: Warehouse, universe: Universe, clock: Clock, settings: Settings, *, progress: Progress | None = None
) -> Transformed:
    """Transform every load that has not been; all of them when settings or definitions changed since.

    Args:
        warehouse: where raw and analytics tables are.
        universe: for the calendars of symbols that do not trade on their class's usual one.
        clock: for `transformed_at`.
        settings: those of `SHAPING`.
        progress: told how far it is.

    Raises:
        WarehouseLocked: another process holds the warehouse.
    """
    warehouse.setup()
    tried: list[Transformed] = []

    def transform(writer: Writer) -> Transformed:
        loads = writer.read(tables.LOADS)
        waiting = loads.filter(pl.col("transformed_at").is_null())
        spans = writer.read(tables.PENDING_SPANS)
        is_noted = waiting.filter(pl.col("rows_new") > 0).join(spans, on="load_id", how="anti").is_empty()
        anew = _made_otherwise(writer, settings, loads) or not (is_noted or len(waiting) == len(loads))
        pending = loads if anew else waiting
        if pending.is_empty():  # nothing is left to do, or a try was committed though its answer was lost
            return tried[-1] if tried else Transformed()
        brought = spans.join(pending.select("load_id", "feed"), on="load_id") if len(pending) < len(loads) else None
        work = Work(writer, universe, brought, settings, progress)
        work.run()
        now = pl.lit(clock.now().replace(tzinfo=None), pl.Datetime("us"))
        writer.clear(tables.PENDING_SPANS)
        writer.replace(tables.LOADS, pending.with_columns(transformed_at=now))
        tried.append(Transformed(len(pending), dict(work.rows), anew))
        return tried[-1]

    return transact(warehouse, transform)


def _made_otherwise(writer: Writer, settings: Settings, loads: pl.DataFrame) -> bool:
    """Whether the analytics tables were made with other settings or definitions; records today's."""
    columns = {table.name: table.names for table in tables.of_layers(tables.ANALYTICS)}
    shaping = {name: getattr(settings, name) for name in SHAPING}
    closures = sessions.in_force()
    facts = {
        **shaping,
        "columns": columns,
        "definitions": DEFINITIONS,
        "closures": str(closures) if closures and closures != Closures() else "",
    }
    today = pl.DataFrame(
        [(name, json.dumps(value)) for name, value in sorted(facts.items())],
        schema=tables.MADE_WITH.schema,
        orient="row",
    )
    recorded = writer.read(tables.MADE_WITH).filter(pl.col("name") != SOURCE).sort("name")
    if recorded.equals(today):
        return False
    writer.remove(tables.MADE_WITH, recorded.select("name"))
    writer.append(tables.MADE_WITH, today)
    return loads["transformed_at"].count() > 0
