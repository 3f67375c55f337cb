"""Files that have nothing to do with each other: neither can say a version of a bar that the other has. Pure."""

from __future__ import annotations

import numpy as np
import polars as pl

from openingbell.feeds import FEEDS

RAW_TABLES = {feed.name: feed.raw_table for feed in FEEDS}
ON_GRID = [feed.name for feed in FEEDS if feed.has_grid]


def shares(files: pl.DataFrame, asks: pl.DataFrame) -> list[pl.DataFrame]:
    """Files in shares: what may have bars in common is in one share, in the order in which it was.

    Files of one raw table have in common the symbols that both asked for; those of a feed without a grid all, since an
    answer of it may be of any symbol.

    Args:
        files: as the record has them.
        asks: at least theirs, as the record has them.

    Returns:
        The shares, that with the most rows first.
    """
    asked = files.select(pl.col("load_id").cast(pl.Categorical)).with_row_index("file").join(asks, on="load_id")
    feed = pl.col("feed").cast(pl.String)
    links = asked.select(
        "file",
        table=feed.replace_strict(RAW_TABLES),
        symbol=pl.when(feed.is_in(ON_GRID)).then(pl.col("symbol").cast(pl.String)),
    )
    subjects = links.select("table", "symbol").unique().with_row_index("subject")
    links = links.join(subjects, on=["table", "symbol"], nulls_equal=True)
    numbers = _connected(links["file"].to_numpy(), links["subject"].to_numpy(), len(files), len(subjects))
    parts = files.with_columns(share=pl.Series(numbers)).partition_by("share", include_key=False, maintain_order=True)
    return sorted(parts, key=lambda part: part["rows"].sum(), reverse=True)


def _connected(ends: np.ndarray, others: np.ndarray, count: int, count_others: int) -> np.ndarray:
    """For each of `count` things the number of the first one that is linked to it, over whatever others."""
    first = np.arange(count)
    while True:
        of_others = np.full(count_others, count)
        np.minimum.at(of_others, others, first[ends])
        least = first.copy()
        np.minimum.at(least, ends, of_others[others])
        if np.array_equal(least, first):
            return first
        first = least
