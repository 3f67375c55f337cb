"""The warehouse as it was: what had been answered by a moment, under today's code and settings.

Nothing is stored for it. The raw rows that had been received by then go into a second, empty warehouse, and the same
stage runs there that fills the first one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import polars as pl

from openingbell import tables
from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.errors import TooEarly
from openingbell.tables import Table
from openingbell.transform import stage
from openingbell.universe import Universe
from openingbell.warehouse.protocol import Reader, Warehouse

RAW_TABLES = tables.of_layers(tables.RAW)
BATCH_SYMBOLS = 50


def recreate(
    past: Warehouse,
    warehouse: Warehouse,
    moment: datetime,
    universe: Universe,
    clock: Clock,
    settings: Settings,
    *,
    symbols: Collection[str] | None = None,
) -> None:
    """Fill the empty warehouse `past` with what `warehouse` held at `moment`.

    Args:
        past: where to.
        warehouse: whose raw rows.
        moment: with a zone; rows of later answers do not count.
        universe: see `stage.run`.
        clock: see `stage.run`.
        settings: see `stage.run`.
        symbols: only these, and what has no symbol; None for all. Breadth is then theirs alone.

    Raises:
        TooEarly: nothing had been answered by then.
        WarehouseError: there is no warehouse.
    """
    if warehouse.exists():
        warehouse.setup()  # it may be of an earlier version
    past.setup()
    with warehouse.read() as reader, past.write() as writer:
        _require_begun(reader, moment)
        loads: set[str] = set()
        for table in RAW_TABLES:
            for rows in _known_by(reader, table, moment, symbols):
                writer.append(table, rows)
                loads.update(rows["load_id"].unique())
        known = reader.read(tables.LOADS).filter(pl.col("load_id").is_in(loads))
        writer.append(tables.LOADS, known.with_columns(transformed_at=pl.lit(None, pl.Datetime("us"))))
    stage.run(past, universe, clock, settings)


def _known_by(
    reader: Reader, table: Table, moment: datetime, symbols: Collection[str] | None
) -> Iterator[pl.DataFrame]:
    """The rows of a raw table by then, in bounded portions."""
    if "symbol" not in table.names:
        yield reader.read(table, extracted_by=moment)
        return
    wanted = sorted(symbols) if symbols is not None else sorted(reader.spans(table)["symbol"].unique())
    for start in range(0, len(wanted), BATCH_SYMBOLS):
        yield reader.read(table, symbols=wanted[start : start + BATCH_SYMBOLS], extracted_by=moment)


def _require_begun(reader: Reader, moment: datetime) -> None:
    begun = [bounds[0] for table in RAW_TABLES if (bounds := reader.bounds(table, by="extracted_at"))]
    first = min((one for one in begun if isinstance(one, datetime)), default=None)
    if first is None or moment.replace(tzinfo=None) < first:
        found = "nothing is loaded yet" if first is None else f"the first answer was received at {first.isoformat()}Z"
        raise TooEarly(
            f"asked for what was known as of {moment.isoformat()}; {found}; a warehouse knows nothing of the time "
            "before; ask for a later moment, or with `until` for today's knowledge of the time before it"
        )
