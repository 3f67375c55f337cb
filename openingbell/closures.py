"""Closures and halts that the calendars do not know: a file of the home says them until the library does.

    [[closed]]                      # no session at all
    day = 2026-12-01
    reason = "national day of mourning"

    [[early_close]]                 # New York time
    day = 2026-12-03
    close = "13:00"
    calendars = ["XNYS", "SIFMA_US"]
    reason = "snow"

    [[halt]]                        # one symbol, on `day` or from `first` to `last`; of each session all, or a part
    symbol = "NVDA"
    day = 2026-12-02
    from = "10:05"
    to = "10:50"
    reason = "news pending"

`calendars` are those of stocks where they are not named; `"all"` stands for every one. A calendar that follows another
(`openingbell.sessions.FOLLOWERS`) closes with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openingbell import sessions
from openingbell.errors import RangeError, SettingsError
from openingbell.feeds import FEEDS, STOCKS

FILE_NAME = "closures.toml"
ALL = "all"
"""What stands for every calendar."""
USUAL = (STOCKS.calendar,)
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "closed": (("day", "reason"), ("calendars",)),
    "early_close": (("day", "close", "reason"), ("calendars",)),
    "halt": (("symbol", "reason"), ("day", "first", "last", "from", "to")),
}
"""By section: what an entry must say, and what it may say."""


@dataclass(frozen=True)
class Amendment:
    """What is different on a day for the markets of `calendars`."""

    day: date
    calendars: tuple[str, ...]
    reason: str

    def names(self, calendar: str) -> bool:
        """Whether it is said of this calendar itself."""
        return calendar in self.calendars or (ALL in self.calendars and calendar not in sessions.FOLLOWERS)


@dataclass(frozen=True)
class Closed(Amendment):
    """There is no session."""


@dataclass(frozen=True)
class EarlyClose(Amendment):
    """A session that closes at `close`, New York wall clock. Where it would close earlier anyway it still does."""

    close: time


@dataclass(frozen=True)
class Halt:
    """Trading of one symbol was halted in the sessions from `first` to `last`: for their whole length, or in each from
    `begin` to `end` (New York wall clock; None: from its open, to its close).
    """

    symbol: str
    first: date
    last: date
    begin: time | None
    end: time | None
    reason: str


@dataclass(frozen=True)
class Closures:
    """All that a file says, in its order."""

    closed: tuple[Closed, ...] = ()
    early_closes: tuple[EarlyClose, ...] = ()
    halts: tuple[Halt, ...] = ()


def read_closures(path: Path, *, required: bool = False) -> Closures:
    """What the file says; nothing where there is none and none is required.

    Raises:
        SettingsError: the file cannot be read, or says what cannot be: an unknown key, no date, a session that there is
            not anyway, one day of one calendar twice.
    """
    try:
        sections = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if not required:
            return Closures()
        raise SettingsError(
            f"the setting closures_file names {path}; there is no such file; correct the path or unset the setting"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"the closures file {path} cannot be read: {error}; correct it or move it away") from None
    if odd := sorted(set(sections) - set(KEYS)):
        raise SettingsError(
            f"the closures file {path} has {', '.join(odd)}; there is no such section; allowed are "
            f"{', '.join(f'[[{name}]]' for name in KEYS)}; correct the name"
        )
    entries = {name: list(_entries(path, name, sections.get(name, []))) for name in KEYS}
    found = Closures(
        closed=tuple(Closed(one.day("day"), one.calendars(), one.text("reason")) for one in entries["closed"]),
        early_closes=tuple(
            EarlyClose(one.day("day"), one.calendars(), one.text("reason"), one.time("close"))
            for one in entries["early_close"]
        ),
        halts=tuple(_halt(one) for one in entries["halt"]),
    )
    _require_sessions(path, found)
    return found


@dataclass(frozen=True)
class _Entry:
    """One entry of the file; `where` names it in messages."""

    where: str
    facts: Mapping[str, Any]

    def refuse(self, name: str, problem: str, allowed: str) -> SettingsError:
        """The error about one of its facts."""
        return SettingsError(f"{self.where} gives {name} = {self.facts[name]!r}; {problem}; {allowed}; correct it")

    def text(self, name: str) -> str:
        value = self.facts[name]
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(name, "that is no text", "words in quotes are allowed")
        return value.strip()

    def day(self, name: str) -> date:
        value = self.facts[name]
        try:
            found = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if not isinstance(found, date) or isinstance(found, datetime):
            raise self.refuse(name, "that is no date", "a session is written YYYY-MM-DD")
        return found

    def time(self, name: str) -> time:
        value = self.facts[name]
        try:
            found = time.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if not isinstance(found, time) or found.tzinfo or found.second or found.microsecond:
            raise self.refuse(name, "that is no time of day", "a New York time is written HH:MM")
        return found

    def calendars(self) -> tuple[str, ...]:
        value = self.facts.get("calendars", USUAL)
        names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
        if not names or not all(isinstance(name, str) for name in names):
            raise self.refuse("calendars", "those are no calendars", f"a list of names is allowed, or {ALL!r}")
        for name in names:
            try:
                sessions.published(name, date(2000, 1, 3), date(2000, 1, 3)) if name != ALL else None
            except RangeError as error:
                raise self.refuse("calendars", str(error), f"{ALL!r} is allowed as well") from error
        return names


def _entries(path: Path, section: str, entries: object) -> Iterable[_Entry]:
    if not isinstance(entries, list):
        raise SettingsError(
            f"the closures file {path} writes [{section}]; it holds one entry; allowed is a list of them; write "
            f"[[{section}]]"
        )
    must, may = KEYS[section]
    for number, facts in enumerate(entries, 1):
        where = f"the closures file {path}, entry {number} of [[{section}]],"
        allowed = f"allowed are {', '.join((*must, *may))}"
        if odd := sorted(set(facts) - {*must, *may}):
            raise SettingsError(f"{where} gives {', '.join(odd)}; there is no such fact; {allowed}; correct the name")
        if lacking := [name for name in must if name not in facts]:
            raise SettingsError(f"{where} lacks {', '.join(lacking)}; it must be said; {allowed}; add it")
        yield _Entry(where, facts)


def _halt(entry: _Entry) -> Halt:
    given = {"day", "first", "last"} & set(entry.facts)
    if given not in ({"day"}, {"first", "last"}):
        raise SettingsError(
            f"{entry.where} gives {', '.join(sorted(given)) or 'no day'}; that is no span of sessions; allowed is day, "
            "or first and last; give one of the two"
        )
    first, last = (entry.day("day"),) * 2 if "day" in given else (entry.day("first"), entry.day("last"))
    if first > last:
        raise entry.refuse("first", f"last = {last} lies before it", "first to last is allowed")
    begin, end = (entry.time(name) if name in entry.facts else None for name in ("from", "to"))
    if begin and end and begin >= end:
        raise entry.refuse("from", f"to = {end:%H:%M} is not after it", "times of one day are allowed, one halt each")
    return Halt(entry.text("symbol"), first, last, begin, end, entry.text("reason"))


def _require_sessions(path: Path, closures: Closures) -> None:
    """Refuse what changes nothing: most often a slip of the pen, else the library knows by now."""
    told: set[tuple[str, date]] = set()
    for one in (*closures.closed, *closures.early_closes):
        twice = [name for name in one.calendars if (name, one.day) in told]
        told |= {(name, one.day) for name in one.calendars}
        if twice:
            raise SettingsError(
                f"the closures file {path} names {one.day} of {', '.join(twice)} twice; a day is closed or closes "
                "early, once for each calendar; leave one out"
            )
        concerned = {feed.calendar for feed in FEEDS} if ALL in one.calendars else one.calendars
        days = [sessions.published(name, one.day, one.day) for name in concerned]
        if not any(map(len, days)):
            raise SettingsError(
                f"the closures file {path} names {one.day} ({one.reason}); {', '.join(one.calendars)} has no session "
                "that day anyway; a session is allowed; correct the day or leave the entry out"
            )
        if isinstance(one, EarlyClose):
            _require_inside(path, one, [row for frame in days for row in frame.iter_rows(named=True)])


def _require_inside(path: Path, one: EarlyClose, hours: Iterable[Mapping[str, Any]]) -> None:
    moment = datetime.combine(one.day, one.close)
    if not any(row["open"] < moment < row["close"] for row in hours):
        spans = ", ".join(sorted({f"{row['open']:%H:%M} to {row['close']:%H:%M}" for row in hours}))
        raise SettingsError(
            f"the closures file {path} closes {one.day} ({one.reason}) at {one.close:%H:%M}; that is no early close; "
            f"the session runs from {spans} New York time; a time inside is allowed; correct it or leave the entry out"
        )
