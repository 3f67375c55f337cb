"""The floor under the cold path: DuckDB reads the landed CSV and writes the columns that Openingbell writes, no more.

Nothing is computed, checked or compared. A column that the CSV does not have is a copy of the close, divided by a
number of its own, so that it has all its digits, as computed numbers have; a copy of the volume, or a constant, where
ours most often is one. Types are given, insertion order is not kept, there are no keys and no constraints: the quickest
shape that was found. Tables and columns are those of `openingbell.tables` and follow their changes.

    python bench/floor.py DATA_EXTRACTS DATABASE
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import duckdb
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from openingbell import tables
from openingbell.feeds import EOD, STOCKS
from openingbell.tables import Column, Table
from openingbell.warehouse.duckdb import SQL_TYPES

OF_BARS = (tables.STOCK_RAW, tables.STOCK, tables.TECHNICAL_INDICATORS)
"""One row a bar."""
OF_DAYS = (tables.EOD_RAW, tables.DAILY_BARS, tables.TECHNICAL_INDICATORS_DAILY)
"""One row a symbol and day."""
OF_MARKET = (tables.DAILY_AGGREGATES, tables.MARKET_SUMMARY)
"""One row a day."""
FILLED = OF_BARS + OF_DAYS + OF_MARKET

PRICES = ("open", "high", "low", "close")
CONSTANT = {"data_quality_score", "split_factor"}
"""Columns that nearly always hold the same."""
STAMPS = {STOCKS.name: "TIMESTAMP", EOD.name: "DATE"}


def main() -> None:
    """Write everything once and tell how long it took."""
    arguments = argparse.ArgumentParser(description="Read the CSV and write tables of the same columns.")
    arguments.add_argument("extracts", type=Path)
    arguments.add_argument("database", type=Path)
    asked = arguments.parse_args()
    begun = time.perf_counter()
    write_all(asked.extracts, asked.database)
    measure.tell(work_seconds=time.perf_counter() - begun, database_bytes=asked.database.stat().st_size)


def write_all(extracts: Path, database: Path) -> None:
    """Fill the tables of `FILLED` in a new database."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET TimeZone = 'UTC'")
        for layer in dict.fromkeys(table.layer for table in FILLED):
            connection.execute(f"CREATE SCHEMA {layer}")
        for feed, of_feed in ((STOCKS, OF_BARS), (EOD, OF_DAYS)):
            raw, *others = of_feed
            _write(connection, raw, _csv(extracts, feed.name))
            for table in others:
                _write(connection, table, f"{raw.layer}.{raw.name}")
        days = "(SELECT date, sum(close) AS close, sum(volume) AS volume FROM raw.eod_data_raw GROUP BY date)"
        for table in OF_MARKET:
            _write(connection, table, days, given=("date",))


def _csv(extracts: Path, feed: str) -> str:
    with next((extracts / feed).glob("*.csv")).open(encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    types = {"symbol": "VARCHAR", "answered_at": "TIMESTAMP", "date": STAMPS[feed]}
    columns = ", ".join(f"'{name}': '{types.get(name, 'DOUBLE')}'" for name in header)
    return f"read_csv('{extracts / feed / '*.csv'}', header = true, auto_detect = false, columns = {{{columns}}})"


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    *,
    given: tuple[str, ...] = ("symbol", "date", *PRICES, "volume"),
) -> None:
    columns = ", ".join(f'"{column.name}" {SQL_TYPES[column.dtype]}' for column in table.columns)
    connection.execute(f"CREATE TABLE {table.layer}.{table.name} ({columns})")
    values = ", ".join(
        f"CAST({column.name if column.name in given else _stand_in(column, place)} AS {SQL_TYPES[column.dtype]})"
        for place, column in enumerate(table.columns)
    )
    connection.execute(f"INSERT INTO {table.layer}.{table.name} SELECT {values} FROM {source}")


def _stand_in(column: Column, place: int) -> str:
    """What stands for a value that would have to be computed."""
    if column.name in CONSTANT:
        return "100.0"
    match column.dtype:
        case pl.Float64():
            return f"close / {place + 3.1}"
        case pl.Int64():
            return "volume"
        case pl.Boolean():
            return "true"
        case pl.Date() | pl.Datetime():
            return "date"
        case _:
            return "'official'"


if __name__ == "__main__":
    main()
