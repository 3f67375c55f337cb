"""Whose data a warehouse holds. It belongs to one source, as a home does: simulated and real data never mix, though
several homes may name one place. The first load records the source beside what the analytics were made with.
"""

from __future__ import annotations

import json

import polars as pl

from openingbell.errors import SourceError
from openingbell.tables import MADE_WITH
from openingbell.warehouse.protocol import Reader, Writer

SOURCE = "source"
"""The name of its row in `made_with`."""


def require_own(reader: Reader, source: str, place: str) -> bool:
    """Refuse a warehouse of another source; whether this one is recorded. One of an earlier version may record none.

    Args:
        reader: of the warehouse.
        source: the home's.
        place: the warehouse, as messages call it.

    Raises:
        SourceError: it holds data of another source.
    """
    return (MADE_WITH.layer, MADE_WITH.name) in reader.layout() and _is_recorded(reader, source, place)


def claim(writer: Writer, source: str, place: str) -> None:
    """Record the source where none is, in a warehouse that has this version's tables.

    Raises:
        SourceError: there is another.
    """
    if not _is_recorded(writer, source, place):
        writer.append(MADE_WITH, pl.DataFrame([(SOURCE, json.dumps(source))], schema=MADE_WITH.schema, orient="row"))


def _is_recorded(reader: Reader, source: str, place: str) -> bool:
    found = reader.read(MADE_WITH).filter(pl.col("name") == SOURCE)["value"].to_list()
    recorded = json.loads(found[0]) if found else source
    if recorded != source:
        raise SourceError(
            f"asked to use the warehouse {place} for {source}; it holds data of {recorded}; a warehouse holds one "
            "source, so that simulated and real data never mix; name another in WAREHOUSE_URL, on a server by another "
            "path behind the address"
        )
    return bool(found)
