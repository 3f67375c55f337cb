"""What the stages of a home work with, and what they hand back.

It imports no stage, so that a look at a home is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from openingbell.clock import Clock
from openingbell.config import Settings
from openingbell.landing import Landing, Record
from openingbell.universe import Universe
from openingbell.wants import Want, widened
from openingbell.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Outcome:
    """What a stage did. `shortfall` says what was left out, in words; empty when nothing was.

    A `note` among the details is worth telling though nothing is amiss.
    """

    records: int
    details: Mapping[str, object] = field(default_factory=dict)
    shortfall: str = ""
    note: str = ""


class Listed(Protocol):
    """What is wanted, by what the record says at the moment at which it is asked for."""

    def now(self) -> Universe:
        """The universe."""
        ...

    def remarks(self) -> list[str]:
        """What is worth telling of its symbols."""
        ...


@dataclass(frozen=True)
class Pipeline:
    """Everything that the stages of one home work with.

    `universe` is what was `listed` when the home was entered, or after its newest extraction; without `listed` nothing
    that lands changes it.

    `as_of` is the moment at which quality judges, None for the moment at which it runs: after an extraction that is its
    beginning, so that a bar that became final since is not yet missed. `stop` says whether to come to an end,
    `wants` are the backfills that were asked for.
    """

    settings: Settings
    universe: Universe
    landing: Landing
    warehouse: Warehouse
    clock: Clock
    source: str
    reports: Path
    first: date | None = None
    last: date | None = None
    symbols: tuple[str, ...] = ()
    as_of: datetime | None = None
    stop: Callable[[], bool] = field(default=lambda: False)
    wants: tuple[Want, ...] = ()
    listed: Listed | None = None

    @property
    def universe_now(self) -> Universe:
        """The universe by what the record says now."""
        return self.universe if self.listed is None else self.listed.now()

    @property
    def wide_universe(self) -> Universe:
        """The universe with what backfills were asked for."""
        return widened(self.universe, self.wants)


@dataclass(frozen=True)
class Backlog:
    """What has landed and is not yet in the raw or in the analytics warehouse, in files."""

    to_load: int
    to_transform: int


def backlog(record: Record, loads: pl.DataFrame) -> Backlog:
    """What is left to do of landed files, given the rows of `loads`."""
    return Backlog(
        to_load=len(record.files.join(loads, on="load_id", how="anti")),
        to_transform=loads["transformed_at"].null_count(),
    )
