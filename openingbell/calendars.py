"""The sessions of the exchanges, as pandas_market_calendars knows them, ten years at once.

pandas and the library take a process longer to import than most of its work takes. What the library says is therefore
kept in the user's cache, under the versions of everything that it follows from; without a cache it is asked each time.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs
import polars as pl

from openingbell.errors import RangeError

SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "open_utc": pl.Datetime("us", "UTC"),
        "close_utc": pl.Datetime("us", "UTC"),
        "closes_early": pl.Boolean(),
    }
)
SOURCES = ("pandas_market_calendars", "exchange_calendars", "pandas", "tzdata")
FILE_NAME = re.compile(r"\w+")
ONE_AT_A_TIME = threading.Lock()
"""The library silences warnings of pandas, which two threads cannot do at once."""


@lru_cache(maxsize=256)
def decade(calendar: str, number: int) -> pl.DataFrame:
    """The sessions of the ten years from `10 * number` on, oldest first.

    Returns:
        One row a session: session (Date), open_utc and close_utc (Datetime µs UTC), closes_early (Boolean, it closes
        before the usual hour of its time).

    Raises:
        RangeError: the library has no calendar of that name.
    """
    with ONE_AT_A_TIME:
        return kept(calendar, number, folder())


@lru_cache(maxsize=1)
def folder() -> Path:
    """Where sessions are kept: a folder of its own for each combination of versions."""
    return platformdirs.user_cache_path("openingbell", appauthor=False) / "calendars" / "-".join(map(_version, SOURCES))


def kept(calendar: str, number: int, place: Path) -> pl.DataFrame:
    """`decade`, read from a folder where it is there, else asked of the library and kept."""
    if not FILE_NAME.fullmatch(calendar):
        return asked(calendar, number)
    path = place / f"{calendar}-{number}0s.arrow"
    with suppress(OSError, pl.exceptions.PolarsError):
        found = pl.read_ipc(path)
        if found.schema == SCHEMA:
            return found
    made = asked(calendar, number)
    with suppress(OSError):
        _keep(made, path)
    return made


def asked(calendar: str, number: int) -> pl.DataFrame:
    """`decade`, asked of the library."""
    import pandas_market_calendars as market_calendars  # noqa: PLC0415  pandas is heavy: only when it has to be asked

    try:
        source = market_calendars.get_calendar(calendar)
    except RuntimeError as error:
        raise RangeError(
            f"asked for the calendar {calendar!r}; there is none of that name; use one of pandas_market_calendars, "
            "such as XNYS, SIFMA_US, CMEGlobex_GC, or CBOE_VIX"
        ) from error
    table = source.schedule(f"{10 * number}-01-01", f"{10 * number + 9}-12-31")
    return pl.DataFrame(
        {
            "session": [moment.date() for moment in table.index],
            "open_utc": [moment.to_pydatetime() for moment in table["market_open"]],
            "close_utc": [moment.to_pydatetime() for moment in table["market_close"]],
            "closes_early": table.index.isin(source.early_closes(table).index).tolist(),
        },
        schema=SCHEMA,
    )


def _keep(sessions: pl.DataFrame, path: Path) -> None:
    """Write a file so that whoever reads it finds it whole or not at all: several processes may make it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            sessions.write_ipc(file)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
