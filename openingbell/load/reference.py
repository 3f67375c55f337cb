"""What the vendor says about instruments, by our names: each of its lists has names of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from openingbell.feeds import (
    COMMODITIES_LIST,
    CONSTITUENT_CHANGES,
    CONSTITUENTS,
    DELISTED,
    INDEX_LIST,
    NEW_SYMBOL_CHANGE,
    PROFILE,
    SYMBOL_CHANGE,
    Feed,
)
from openingbell.sessions import NEW_YORK

LISTED = {"symbol": "symbol", "name": "name", "exchange": "exchange", "currency": "currency"}
CHANGED = {"symbol": "oldSymbol", "other_symbol": "newSymbol", "date": "date", "name": "companyName"}
NAMES: dict[str, Mapping[str, str]] = {
    PROFILE.name: {
        "symbol": "symbol",
        "name": "companyName",
        "exchange": "exchange",
        "currency": "currency",
        "sector": "sector",
        "since": "ipoDate",
        "is_active": "isActivelyTrading",
    },
    INDEX_LIST.name: LISTED,
    COMMODITIES_LIST.name: LISTED,
    SYMBOL_CHANGE.name: CHANGED,
    NEW_SYMBOL_CHANGE.name: CHANGED,
    DELISTED.name: {
        "symbol": "symbol",
        "name": "companyName",
        "exchange": "exchange",
        "since": "ipoDate",
        "date": "delistedDate",
    },
    **{
        feed.name: {"symbol": "symbol", "name": "name", "sector": "sector", "since": "dateFirstAdded"}
        for feed in CONSTITUENTS.values()
    },
    **{
        feed.name: {"symbol": "symbol", "name": "addedSecurity", "other_symbol": "removedTicker", "date": "date"}
        for feed in CONSTITUENT_CHANGES.values()
    },
}
"""Our names and the vendor's, by feed."""
COLUMNS = ("symbol", "name", "exchange", "currency", "sector", "since", "is_active", "other_symbol", "date")
FLAGS = {"true": True, "false": False}


def by_our_names(text: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Rows of a feed of instruments, all columns text, with `COLUMNS` in place of the vendor's.

    What has no day of its own is of the first day of the month of its answer: it is asked for each month. Of a change
    of an index in which nobody joined the symbol is that of who left.
    """
    names = NAMES[feed.name]
    known = {ours: theirs for ours, theirs in names.items() if theirs in text.columns}
    said = text.select(
        (_filled(known[name]) if name in known else pl.lit(None, pl.String)).alias(name) for name in COLUMNS
    )
    if "date" not in names:
        said = said.with_columns(date=_month_of_answer(text))
    if feed in CONSTITUENT_CHANGES.values():
        said = said.with_columns(symbol=pl.coalesce("symbol", "other_symbol"))
    return text.select(pl.exclude(*COLUMNS)).hstack(said)


def typed_facts(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Rows by our names with `since` (Date) and `is_active` (Boolean) typed, null where they cannot be, and `kind`."""
    return rows.with_columns(
        pl.lit(feed.name).alias("kind"),
        pl.col("since").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False),
        pl.col("is_active").str.to_lowercase().replace_strict(FLAGS, default=None, return_dtype=pl.Boolean),
    )


def _filled(name: str) -> pl.Expr:
    """A text, null where it is blank."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


def _month_of_answer(text: pl.DataFrame) -> pl.Series:
    moments = text["answered_at"].str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
    )
    return moments.dt.convert_time_zone(str(NEW_YORK)).dt.date().dt.month_start().dt.to_string()
