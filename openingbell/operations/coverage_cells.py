"""Coverage put together: what a cell of the heat map shows, and what stands below it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from openingbell.feeds import BY_ASSET_CLASS
from openingbell.sessions import DAILY

COMPLETE = "complete"
WORST_FIRST = (
    "quarantined", "not asked", "pending", "empty", "restricted", "halted", "before history", "before listing",
    COMPLETE,
)  # fmt: skip
"""States by how much there is to do about them. One that is not known here is worse than all: somebody should look."""
GROUP = ("asset_class", "bar_interval")


CLASSES = tuple(BY_ASSET_CLASS)


@dataclass(frozen=True)
class Totals:
    """What rows of coverage come to; `states` counts the rows of each state, the worst first."""

    symbols: int
    sessions: int
    bars_expected: int
    bars_present: int
    states: Mapping[str, int]

    @property
    def share(self) -> float:
        """Share of the expected bars that are present, 0 to 1; 1 where none is expected."""
        return self.bars_present / self.bars_expected if self.bars_expected else 1.0


def by_group(rows: pl.DataFrame) -> list[tuple[tuple[str, str], pl.DataFrame]]:
    """Rows of the table `coverage` by asset class and interval: in the order of the feeds, daily bars last."""
    groups = {(str(name), str(interval)): group for (name, interval), group in rows.group_by(GROUP)}
    return sorted(groups.items(), key=lambda one: (one[0][1] == DAILY, _place(one[0][0]), one[0]))


def _place(asset_class: str) -> int:
    return CLASSES.index(asset_class) if asset_class in CLASSES else len(CLASSES)


def cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The sessions of each asset class and interval, all symbols together.

    Args:
        rows: of the table `coverage`.

    Returns:
        One row a session, sorted: asset_class, bar_interval, session (Date), bars_expected and bars_present (Int64),
        share (Float64, 0 to 1, of the bars present) and state (the worst of its symbols).
    """
    expected, present = pl.col("bars_expected"), pl.col("bars_present")
    return (
        rows.with_columns(rank=rank(pl.col("state")))
        .group_by(*GROUP, "session")
        .agg(expected.sum(), present.sum(), pl.col("state").sort_by("rank", "state").first())
        .with_columns(share=pl.when(expected > 0).then(present / expected).otherwise(1.0))
        .select(*GROUP, "session", "bars_expected", "bars_present", "share", "state")
        .sort(*GROUP, "session")
    )


def totals(rows: pl.DataFrame) -> Totals:
    """What rows of the table `coverage` come to."""
    counted = rows.group_by("state").len().sort(rank(pl.col("state")), "state")
    return Totals(
        symbols=rows["symbol"].n_unique(),
        sessions=rows["session"].n_unique(),
        bars_expected=int(rows["bars_expected"].sum()),
        bars_present=int(rows["bars_present"].sum()),
        states=dict(counted.iter_rows()),
    )


def rank(state: pl.Expr) -> pl.Expr:
    """The place of a state, the worst first."""
    places = {name: place for place, name in enumerate(WORST_FIRST)}
    return state.replace_strict(places, default=-1, return_dtype=pl.Int64)
