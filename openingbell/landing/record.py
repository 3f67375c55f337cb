"""The record in columns: what all manifests say, for who folds years of them at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, chain
from typing import Any

import polars as pl
import pyarrow as pa

from openingbell.landing.manifests import Ask, Manifest, Outcome, asks_of

MOMENT = pl.Datetime("us", "UTC")
BARS = pl.List(pl.UInt16())
FILES = pl.Schema(
    {
        "load_id": pl.String(),
        "feed": pl.String(),
        "source": pl.String(),
        "bar_interval": pl.String(),
        "basis": pl.String(),
        "final_delay": pl.Duration("us"),
        "extracted_at": MOMENT,
        "has_rows": pl.Boolean(),
        "rows": pl.Int64(),
        "bytes": pl.Int64(),
        "sha256": pl.String(),
    }
)
"""One row a manifest."""
ASKS = pl.Schema(
    {
        "feed": pl.Categorical(),
        "symbol": pl.Categorical(),
        "asset_class": pl.Categorical(),
        "calendar": pl.Categorical(),
        "load_id": pl.Categorical(),
        "first": pl.Date(),
        "last": pl.Date(),
        "covered_first": pl.Date(),
        "covered_last": pl.Date(),
        "answered_at": MOMENT,
        "restricted": pl.Boolean(),
        "rows": pl.UInt32(),
        "bytes": pl.UInt32(),
        "calls": pl.UInt16(),
        "bars": BARS,
    }
)
"""One row an ask. `bars` has the final bars of each calendar day from `covered_first` to `covered_last`, and is empty
where no answer has any: what ten thousand symbols were asked in twenty years takes some 300 MB so.
"""


@dataclass(frozen=True)
class Record:
    """All that has landed: `files` in the order in which they load (extracted_at, load_id), and their `asks`."""

    files: pl.DataFrame
    asks: pl.DataFrame


def record_of(manifests: Iterable[Manifest]) -> Record:
    """The record of some manifests."""
    known = list(manifests)
    files = _columns((_file(manifest) for manifest in known), FILES)
    asks = _columns((_ask(manifest, ask) for manifest, ask in asks_of(known)), ASKS)
    return Record(files.sort("extracted_at", "load_id"), asks)


def _columns(rows: Iterable[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    """A frame of rows. Column by column it is made in a third of the time."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pl.DataFrame(
        [
            _lists(name, column) if dtype == BARS else pl.Series(name, column, dtype)
            for (name, dtype), column in zip(schema.items(), columns, strict=True)
        ]
    )


def _lists(name: str, lists: Sequence[Sequence[int]]) -> pl.Series:
    """A column of lists. Made of one array it takes a tenth of the time."""
    bounds = pa.array(accumulate(map(len, lists), initial=0), pa.int64())
    return pl.Series(name, pa.LargeListArray.from_arrays(bounds, pa.array(chain.from_iterable(lists), pa.uint16())))


def _file(manifest: Manifest) -> tuple[object, ...]:
    return (
        manifest.load_id,
        manifest.feed,
        manifest.source,
        manifest.bar_interval,
        manifest.basis,
        manifest.final_delay,
        manifest.extracted_at,
        manifest.file is not None,
        manifest.rows,
        manifest.bytes,
        manifest.sha256,
    )


def _ask(manifest: Manifest, ask: Ask) -> tuple[object, ...]:
    days = (ask.covered_last - ask.covered_first).days + 1
    bars = [ask.bars.get(ask.covered_first + timedelta(days=day), 0) for day in range(days)] if ask.bars else []
    return (
        manifest.feed,
        ask.symbol,
        ask.asset_class,
        ask.calendar,
        manifest.load_id,
        ask.first,
        ask.last,
        ask.covered_first,
        ask.covered_last,
        ask.answered_at,
        ask.outcome is Outcome.RESTRICTED,
        ask.rows,
        ask.bytes,
        ask.calls,
        bars,
    )
