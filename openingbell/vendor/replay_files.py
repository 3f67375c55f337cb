"""Reading the files of a replay folder as text, so that every number leaves the vendor as it is spelled in the file.

It owns file names, headers and dates; what of it is known at a moment is `replay`'s matter.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from openingbell.errors import SourceError
from openingbell.vendor.source import (
    BAR_COLUMNS,
    DAY_COLUMNS,
    DERIVED_DAY_COLUMNS,
    DIVIDEND_COLUMNS,
    MINUTES,
    RATE_COLUMNS,
    SPLIT_COLUMNS,
    empty,
)

SUFFIXES = (".csv", ".csv.gz")
FOLDERS: tuple[str, ...] = (*MINUTES, "eod", "splits", "dividends", "treasury")
TREASURY_FILE = "treasury/treasury-rates.json"


class ReplayFiles:
    """The files of one folder; each is read when first asked for and again when it has changed on disk.

    Raises:
        SourceError: `folder` holds none of the sub-folders that a replay folder may have.
    """

    def __init__(self, folder: Path) -> None:
        if not any((folder / name).is_dir() for name in FOLDERS):
            raise SourceError(
                f"asked to replay {folder}; it has none of the folders {', '.join(FOLDERS)}; a replay folder holds at "
                "least one of them; see docs/replay.md"
            )
        self._folder = folder
        self._read: dict[Path, tuple[tuple[int, int], pl.DataFrame]] = {}

    def symbols(self) -> set[str]:
        """Every symbol that has a file."""
        names = {
            p.name for name in FOLDERS if name != "treasury" for p in self._folder.glob(f"{name}/*") if p.is_file()
        }
        return {name.removesuffix(".gz").removesuffix(".csv").removesuffix(".json") for name in names}

    def bars(self, bar_interval: str, symbol: str) -> pl.DataFrame:
        """Bars as text under `BAR_COLUMNS`; `date` is Datetime µs."""
        return self._table(bar_interval, symbol, BAR_COLUMNS, with_time=True)

    def days(self, symbol: str) -> pl.DataFrame:
        """Daily bars as text under `DAY_COLUMNS` and `DERIVED_DAY_COLUMNS`; `date` is Date."""
        return self._table("eod", symbol, (*DAY_COLUMNS, *DERIVED_DAY_COLUMNS), with_time=False)

    def treasury(self) -> pl.DataFrame:
        """Yields as text under `RATE_COLUMNS`; the file may be named in universe.toml as `file` of `[bonds]`."""
        path = self._folder / "universe.toml"
        facts = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
        name = facts.get("bonds", {}).get("file", TREASURY_FILE)
        return self._cached(self._folder / str(name), lambda p: _read_json(p, RATE_COLUMNS), RATE_COLUMNS)

    def splits(self, symbol: str) -> pl.DataFrame:
        """Splits under `SPLIT_COLUMNS`."""
        return self._actions("splits", symbol, SPLIT_COLUMNS)

    def dividends(self, symbol: str) -> pl.DataFrame:
        """Dividends under `DIVIDEND_COLUMNS`."""
        return self._actions("dividends", symbol, DIVIDEND_COLUMNS)

    def _table(self, name: str, symbol: str, columns: tuple[str, ...], *, with_time: bool) -> pl.DataFrame:
        paths = [self._folder / name / f"{symbol}{suffix}" for suffix in SUFFIXES]
        path = next((p for p in paths if p.is_file()), paths[0])
        return self._cached(path, lambda p: _read_csv(p, columns, with_time=with_time), columns)

    def _actions(self, name: str, symbol: str, columns: tuple[str, ...]) -> pl.DataFrame:
        return self._cached(self._folder / name / f"{symbol}.json", lambda p: _read_json(p, columns), columns)

    def _cached(self, path: Path, read: Callable[[Path], pl.DataFrame], columns: tuple[str, ...]) -> pl.DataFrame:
        if not path.is_file() or not path.resolve().is_relative_to(self._folder.resolve()):
            return empty(columns)  # also a symbol such as ../../secret: it has no file here
        state = path.stat()
        version = (state.st_mtime_ns, state.st_size)
        kept = self._read.get(path)
        if kept is None or kept[0] != version:
            kept = (version, read(path))
            self._read[path] = kept
        return kept[1]


def _read_csv(path: Path, columns: tuple[str, ...], *, with_time: bool) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"asked to replay {path}; it is no readable CSV file: {error}") from error
    return _typed(path, frame, columns, with_time=with_time)


def _read_json(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        rows: Any = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)
    except (ValueError, OSError) as error:
        raise SourceError(f"asked to replay {path}; it is no readable JSON file: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"asked to replay {path}; it holds something else than a list of objects; write [{{...}}]")
    if not rows:
        return empty(columns)
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in rows[0]}, strict=False)
    return _typed(path, frame, columns, with_time=False)


def _typed(path: Path, frame: pl.DataFrame, columns: tuple[str, ...], *, with_time: bool) -> pl.DataFrame:
    required = [name for name in ("date", "open", "low", "high", "close") if name in columns]
    if missing := [name for name in required if name not in frame.columns]:
        raise SourceError(
            f"asked to replay {path}; it has no column {', '.join(missing)}; the columns are {', '.join(columns)}"
        )
    for name in columns:
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    text = frame.select(pl.col(name).cast(pl.String) for name in columns)
    stamp = "%Y-%m-%d %H:%M:%S" if with_time else "%Y-%m-%d"
    moment = pl.col("date").str.to_datetime(stamp, time_unit="us", strict=False)
    parsed = text.with_columns(moment if with_time else moment.dt.date())
    wrong = text.filter(parsed["date"].is_null())["date"].to_list()
    if wrong:
        raise SourceError(
            f"asked to replay {path}; {len(wrong)} rows have a date such as {wrong[0]!r}; a bar's date is its start on "
            f"the New York clock, written {stamp}; rewrite those rows"
        )
    return parsed
