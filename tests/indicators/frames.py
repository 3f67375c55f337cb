"""Bars to compute indicators of, and columns by kind, taken from the catalogue."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import gzip
import math
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from openingbell.indicators import CATALOGUE, Output, columns_of
from openingbell.indicators.catalogue import PRICE

START = datetime(2020, 1, 1)
SESSION_BARS = 26
OUTPUTS: dict[str, Output] = {output.name: output for entry in CATALOGUE for output in entry.outputs}
INTRADAY = tuple(output.name for output in columns_of(daily=False))
DAILY = tuple(output.name for output in columns_of(daily=True))
PRICES = tuple(name for name, output in OUTPUTS.items() if output.unit == PRICE)
"""Columns that are twice as large when the price is."""
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "asset_class": pl.String, "symbol": pl.String, "date": pl.Datetime("us"), "session": pl.Date, "open": pl.Float64,
    "high": pl.Float64, "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64, "usable": pl.Boolean,
}  # fmt: skip


def bars(
    closes: Sequence[float | None], *, symbol: str = "X", usable: Sequence[bool] | None = None, asset: str = "stock",
    spread: float = 0.002, sessions: Sequence[date] | None = None, volumes: Sequence[int | None] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Bars of these closes, each from a `spread` (a share of it) below its close to one above."""
    count = range(len(closes))
    reach = [None if close is None else abs(close) * spread for close in closes]
    columns: dict[str, Sequence[object]] = {
        "asset_class": [asset] * len(closes),
        "symbol": [symbol] * len(closes),
        "date": [START + timedelta(minutes=15 * place) for place in count],
        "session": sessions or [START.date() + timedelta(days=place // SESSION_BARS) for place in count],
        "open": list(closes),
        "high": [None if c is None or r is None else c + r for c, r in zip(closes, reach, strict=True)],
        "low": [None if c is None or r is None else c - r for c, r in zip(closes, reach, strict=True)],
        "close": list(closes),
        "volume": volumes or [1000 + place % 7 for place in count],
        "usable": [True] * len(closes) if usable is None else list(usable),
    }
    return pl.DataFrame(columns, schema=SCHEMA)


def walk(count: int, *, seed: int = 7, start: float = 100.0, step: float = 0.01) -> list[float]:
    """A price path that never stands still."""
    chance = random.Random(seed)
    closes = [start]
    while len(closes) < count:
        closes.append(closes[-1] * math.exp(chance.gauss(0, step)))
    return closes[:count]


def read_closes(path: Path) -> list[float]:
    """The closes of a CSV file, oldest first."""
    return [float(close) for close in _read(path)["close"]]


def read_bars(path: Path) -> pl.DataFrame:
    """The bars of a CSV file, oldest first, all usable."""
    frame = _read(path)
    return frame.select(
        pl.lit("stock").alias("asset_class"),
        pl.lit("X").alias("symbol"),
        pl.col("date").cast(pl.Datetime("us")),
        pl.col("date").cast(pl.Date).alias("session"),
        pl.col("open", "high", "low", "close").cast(pl.Float64),
        pl.col("volume").cast(pl.Int64),
        pl.lit(value=True).alias("usable"),
    )


def _read(path: Path) -> pl.DataFrame:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return pl.read_csv(content, try_parse_dates=True, infer_schema_length=None).sort("date")
