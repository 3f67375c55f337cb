"""The table `instruments`: what every symbol is, since when it has bars, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from openingbell.feeds import COMMODITIES_LIST, INDEX_LIST, PROFILE
from openingbell.listings import listings_of
from openingbell.tables import INSTRUMENTS

SAID = ("name", "exchange", "currency", "sector", "listed_on")
SESSIONS = ("first_session", "last_session")


def instruments(classes: Mapping[str, str], facts: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The table.

    Args:
        classes: asset class by symbol of the universe.
        facts: rows of `reference_data_raw`, in any order.
        spans: asset_class, symbol, first and last (Date) of the symbols that have daily bars.
    """
    rows = _symbols(classes, spans)
    told = pl.col("kind").is_in([PROFILE.name, INDEX_LIST.name, COMMODITIES_LIST.name])
    said = (
        facts.filter(told, pl.col("symbol").is_in(rows["symbol"].implode()))
        .rename({"since": "listed_on"})
        .sort("extracted_at", "load_id", "source_row")
        .group_by("symbol")
        .agg(pl.col(*SAID, "kind", "is_active").last())
    )
    known = set(said["symbol"])
    # a profile is asked for before bars are: who is in the universe and has none is unknown to the vendor
    listings = listings_of(facts, {symbol: date.max for symbol in rows["symbol"] if symbol not in known})
    renames = {s: found for s in rows["symbol"] if s not in classes and (found := listings.renamed(s)) is not None}
    ends = {s: listings.delistings[s] for s in rows["symbol"] if s in listings.delistings and listings.last_day(s)}
    is_gone = pl.col("symbol").is_in([*renames, *ends])
    return INSTRUMENTS.conform(
        rows.join(said, on="symbol", how="left", maintain_order="left").with_columns(
            _by_symbol(rows, "delisted_on", ends, pl.Date()),
            _by_symbol(rows, "renamed_to", {s: one.becomes for s, one in renames.items()}, pl.String()),
            _by_symbol(rows, "renamed_on", {s: one.on for s, one in renames.items()}, pl.Date()),
            active=pl.when(is_gone)
            .then(pl.lit(value=False))
            .when(pl.col("kind") == PROFILE.name)
            .then("is_active")
            .when(pl.col("kind").is_not_null())
            .then(pl.lit(value=True)),
        )
    ).sort("symbol")


def with_sessions(stored: pl.DataFrame, classes: Mapping[str, str], spans: pl.DataFrame) -> pl.DataFrame:
    """The table as it is stored with newer sessions, and with symbols of which nothing is said yet.

    Args:
        stored: rows of the table.
        classes: asset class by symbol of the universe.
        spans: asset_class, symbol, first and last (Date) of the symbols that have daily bars.
    """
    rows = _symbols(classes, spans)
    joined = rows.join(stored.drop("asset_class", *SESSIONS), on="symbol", how="left", maintain_order="left")
    return INSTRUMENTS.conform(joined).sort("symbol")


def without_doubles(days: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Daily bars without those of an old symbol on days on which its new one counts too: a company counts once.

    Args:
        days: rows of `daily_bars`.
        instruments: rows of the table.
    """
    renamed = instruments.filter(pl.col("renamed_to").is_not_null()).select("symbol", "renamed_to")
    if renamed.is_empty():
        return days
    twice = days.join(renamed, on="symbol").join(
        days.filter(pl.col("return_pct").is_not_null()).select(pl.col("symbol").alias("renamed_to"), "date"),
        on=["renamed_to", "date"],
    )
    return days.join(twice.select("symbol", "date"), on=["symbol", "date"], how="anti", maintain_order="left")


def _symbols(classes: Mapping[str, str], spans: pl.DataFrame) -> pl.DataFrame:
    """Every symbol with its asset class and its first and last session."""
    universe = pl.DataFrame(list(classes.items()), schema={"symbol": pl.String, "asset_class": pl.String}, orient="row")
    others = spans.select("symbol", "asset_class").join(universe, on="symbol", how="anti")
    bounds = spans.group_by("symbol").agg(first_session=pl.col("first").min(), last_session=pl.col("last").max())
    return pl.concat([universe, others.unique("symbol")]).join(bounds, on="symbol", how="left", maintain_order="left")


def _by_symbol(rows: pl.DataFrame, name: str, values: Mapping[str, object], dtype: pl.DataType) -> pl.Series:
    return pl.Series(name, [values.get(symbol) for symbol in rows["symbol"]], dtype=dtype)
