"""Entering a home: from what was asked for on the command line to what its stages work with. Nothing runs yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from openingbell import sessions
from openingbell.clock import Clock
from openingbell.closures import FILE_NAME as CLOSURES_NAME
from openingbell.closures import Closures, read_closures
from openingbell.config import Settings
from openingbell.context import Pipeline
from openingbell.environment import read_settings
from openingbell.errors import RangeError
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.home import Home, Source
from openingbell.operations.listed import HomeUniverse
from openingbell.operations.logs import logging_to
from openingbell.operations.vendor_report.learned import read_learned, seconds_of
from openingbell.wants import read_wants
from openingbell.warehouse.connect import connect


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line; tests give a `clock` as well."""

    source: Source | None = None
    home: Path | None = None
    now: datetime | None = None
    first: date | None = None
    last: date | None = None
    symbols: tuple[str, ...] = ()
    day: str | None = None
    week: str | None = None
    beyond_budget: bool = False
    clock: Clock | None = None


@contextmanager
def entered(wish: Wish) -> Iterator[tuple[Home, Pipeline]]:
    """The home and the pipeline of a wish, with logging on and the home's closures in force. Nothing is written but the
    log.

    Raises:
        UsageError: a home of another source, a setting, a closure, a range or a symbol that cannot be.
    """
    home = homes.enter(wish.source, wish.home)
    settings = read_settings(home.root).knowing(seconds_of(read_learned(home.root)))
    landing = Landing(home.extracts)
    listed = HomeUniverse(home.source, settings, landing)
    universe = listed.now()
    clock = wish.clock or homes.clock_of(home, universe, wish.now)
    check_range(wish.first, wish.last, clock.now())
    universe.narrowed(wish.symbols)
    pipeline = Pipeline(
        settings=settings,
        listed=listed,
        universe=universe,
        landing=landing,
        warehouse=connect(settings, home.root, clock),
        clock=clock,
        source=str(home.source),
        reports=home.reports,
        first=wish.first,
        last=wish.last,
        symbols=wish.symbols,
        wants=tuple(read_wants(home.root)),
    )
    with sessions.amended(closures_of(home.root, settings)), logging_to(home.logs, settings):
        yield home, pipeline


def closures_of(root: Path, settings: Settings) -> Closures:
    """The closures of a home: of the file that is set, beside the home's own where it is relative, else closures.toml.

    Raises:
        SettingsError: what the file says cannot be, or the one that is set is not there.
    """
    named = settings.closures_file
    return read_closures(root / Path(named or CLOSURES_NAME).expanduser(), required=bool(named))


def check_range(first: date | None, last: date | None, now: datetime) -> None:
    """Refuse dates that are reversed or in the future.

    Raises:
        RangeError: so they are.
    """
    today = now.astimezone(sessions.NEW_YORK).date()
    for name, day in (("--from", first), ("--to", last)):
        if day is not None and day > today:
            raise RangeError(
                f"asked for {name} {day}; today is {today} in New York; the future has no bars; choose an earlier day"
            )
    if first is not None and last is not None and first > last:
        raise RangeError(f"asked for --from {first} --to {last}; the range is reversed; exchange the two")
