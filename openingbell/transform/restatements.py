"""What the vendor changed after it was final: consecutive versions of a bar, side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from openingbell.quality.rows import PRICES
from openingbell.splits import Split
from openingbell.tables import RESTATEMENTS, Table
from openingbell.transform.basis import SAME
from openingbell.versions import collapsed, has_duplicates

CORRECTION, BASIS = "correction", "basis"


def restatements(
    versions: pl.DataFrame, table: Table, asset_class: str, bar_interval: str, splits: Mapping[str, Sequence[Split]]
) -> pl.DataFrame:
    """The table `restatements` for the bars in `versions`.

    Args:
        versions: all versions of a raw table's bars.
        table: the raw table.
        asset_class: theirs.
        bar_interval: theirs where the table has no column of that name.
        splits: by symbol, to tell a change of basis from a correction.

    Returns:
        One row for every answer that changed a bar which was there before; oldest first.
    """
    bar = list(table.bar_key)
    if not has_duplicates(versions, bar):
        return RESTATEMENTS.empty()
    told = collapsed(versions, table).unique([*bar, "extracted_at"], keep="last", maintain_order=True)
    before = {name: pl.col(name).shift().over(bar).alias(f"{name}_before") for name in (*PRICES, "volume")}
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in before)
    numbered = told.with_columns(*before.values(), number=pl.int_range(pl.len()).over(bar))
    pairs = numbered.filter((pl.col("number") > 0) & differs)  # an answer may contradict itself and end as before
    changes = [
        pl.when(pl.col(f"{name}_before") != 0).then((pl.col(name) / pl.col(f"{name}_before") - 1).abs() * 100)
        for name in PRICES
    ]
    facts = pairs.with_columns(
        date=pl.col("date").cast(pl.Datetime("us")),
        session=pl.col("date").cast(pl.Date),
        ratio=pl.when(pl.col("close") != 0).then(pl.col("close_before") / pl.col("close")),
        largest_change_pct=pl.max_horizontal(changes),
        close_after="close",
        volume_after="volume",
        asset_class=pl.lit(asset_class),
        bar_interval=pl.col("bar_interval") if "bar_interval" in told.columns else pl.lit(bar_interval),
    )
    kinds = [
        BASIS if _is_factor(ratio, [s for s in splits.get(symbol, ()) if s.ex_date > session]) else CORRECTION
        for symbol, session, ratio in facts.select("symbol", "session", "ratio").iter_rows()
    ]
    return RESTATEMENTS.conform(facts.with_columns(kind=pl.Series(kinds, dtype=pl.String))).sort(RESTATEMENTS.key)


def _is_factor(ratio: float | None, splits: Sequence[Split]) -> bool:
    """Whether prices changed by the factor of neighbouring splits, either way."""
    if ratio is None or ratio <= 0:
        return False
    ordered: list[tuple[date, float]] = sorted((split.ex_date, float(np.log(split.factor))) for split in splits)
    sums = [
        sum(factor for _, factor in ordered[first:last]) for first, last in combinations(range(len(ordered) + 1), 2)
    ]
    size = abs(float(np.log(ratio)))
    return size > SAME and any(abs(size - abs(one)) <= SAME for one in sums)
