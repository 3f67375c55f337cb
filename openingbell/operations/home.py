"""A home: the folder of one source's record, warehouse, logs and reports. It belongs to that source for ever.

A live home belongs to one vendor's address as well, from the moment at which something of it has landed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from openingbell.clock import Clock, ShiftedClock, SystemClock
from openingbell.config import Settings
from openingbell.errors import RangeError, SourceError
from openingbell.landing import write_durably
from openingbell.sessions import NEW_YORK
from openingbell.universe import Universe

FILE_NAME = "home.json"
LIVE, DEMO, REPLAY = "fmp", "demo", "replay"
OWN_HOMES = Path("homes")


@dataclass(frozen=True)
class Source:
    """Where a home's data come from: `place` is the seed of a demo, the folder of a replay, nothing for live FMP."""

    kind: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".rstrip()


@dataclass(frozen=True)
class Home:
    """A home that has been entered."""

    root: Path
    source: Source

    @property
    def extracts(self) -> Path:
        """The record."""
        return self.root / "data_extracts"

    @property
    def reports(self) -> Path:
        """Rendered reports."""
        return self.root / "reports"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"


def enter(asked: Source | None, root: Path | None) -> Home:
    """The home to work in: `root`, else the source's own under homes/, else the working folder.

    Args:
        asked: the source that was asked for; None takes the one that the home has, live FMP when it has none.
        root: the folder that was asked for.

    Raises:
        SourceError: the home belongs to another source.
    """
    if root is None:
        root = Path.cwd() if asked is None or asked.kind == LIVE else OWN_HOMES / _own_name(asked)
    recorded = _recorded(root)
    source = asked or recorded or Source(LIVE)
    if recorded is not None and recorded != source:
        raise SourceError(
            f"asked to use {root} for {source}; it belongs to {recorded}; a home holds one source, so that simulated "
            "and real data never mix; choose another folder with OPENINGBELL_HOME"
        )
    return Home(root, source)


def claim(home: Home, clock: Clock) -> None:
    """Record the home's source at its first use, and where the home's own clock stands beside the machine's.

    Raises:
        RecordError: the disk does not take it.
    """
    recorded = _facts(home.root)
    if recorded is None or isinstance(clock, ShiftedClock):
        own = clock.now().isoformat() if isinstance(clock, ShiftedClock) else ""
        facts = {**asdict(home.source), "now": own, "machine": SystemClock().now().isoformat()}
        _record(home.root, (recorded or {}) | facts)


def bind(home: Home, base_url: str, *, landed: bool) -> None:
    """Record the address that a live home, which was claimed, asks; it is empty where it is the default.

    Args:
        home: the home; one of another source has no address.
        base_url: the address that is to be asked now.
        landed: whether something has landed; until then another address can be taken.

    Raises:
        SourceError: what has landed came from another address.
        RecordError: the disk does not take it.
    """
    facts = _facts(home.root)
    if home.source.kind != LIVE or facts is None:
        return
    default = str(Settings.model_fields["base_url"].default)
    asked = "" if base_url.rstrip("/") == default else base_url.rstrip("/")
    recorded = facts.get("base_url")
    if landed and recorded is not None and recorded != asked:
        raise SourceError(
            f"asked to extract from {asked or default} into {home.root}; what landed there came from "
            f"{recorded or default}; a home holds one vendor's data; set OPENINGBELL_BASE_URL as it was, or choose "
            "another folder with OPENINGBELL_HOME"
        )
    if recorded != asked:
        _record(home.root, facts | {"base_url": asked})


def clock_of(home: Home, universe: Universe, now: datetime | None) -> Clock:
    """The home's clock. It never runs backwards, because what was extracted later must be later.

    Live data live on the machine's clock. A replay begins at the midnight after its last session, a demo at the
    machine's time, both at `now` when it is given; from the first use on their clock runs at the machine's pace.

    Raises:
        RangeError: `now` lies before the moment that the home's clock has reached, or the home is live.
    """
    machine = SystemClock()
    reached = _reached(home, machine.now())
    if now is not None:
        if home.source.kind == LIVE:
            raise RangeError(f"asked for --now {now.isoformat()}; live data have the machine's time; leave --now out")
        if reached is not None and now < reached:
            raise RangeError(
                f"asked for --now {now.isoformat()}; the clock of {home.root} has reached {reached.isoformat()} and "
                "never runs backwards; choose a later moment or another OPENINGBELL_HOME"
            )
        return ShiftedClock(now)
    if reached is not None:
        return ShiftedClock(reached) if _has_own_clock(home) else machine
    last = universe.last_session()
    if home.source.kind == REPLAY and last is not None:
        midnight = datetime.combine(last + timedelta(days=1), time(), NEW_YORK)
        return ShiftedClock(midnight)
    return machine


def _reached(home: Home, machine_now: datetime) -> datetime | None:
    """Where the clock of a home that was used stands by now; None for one that was not, and for a live one."""
    facts = _facts(home.root)
    if home.source.kind == LIVE or facts is None:
        return None
    if not _has_own_clock(home):
        return machine_now
    return datetime.fromisoformat(facts["now"]) + (machine_now - datetime.fromisoformat(facts["machine"]))


def _has_own_clock(home: Home) -> bool:
    """Whether the home was used on another clock than the machine's."""
    facts = _facts(home.root)
    return facts is not None and bool(facts["now"])


def _own_name(source: Source) -> str:
    return DEMO if source.kind == DEMO else f"{REPLAY}-{Path(source.place).name}"


def _recorded(root: Path) -> Source | None:
    facts = _facts(root)
    return None if facts is None else Source(facts["kind"], facts["place"])


def _record(root: Path, facts: dict[str, str]) -> None:
    write_durably(root / FILE_NAME, json.dumps(facts).encode("utf-8"))


def _facts(root: Path) -> dict[str, str] | None:
    path = root / FILE_NAME
    try:
        facts: dict[str, str] = json.loads(path.read_text("utf-8"))
        address = {"base_url": facts["base_url"]} if "base_url" in facts else {}
        return {name: facts[name] for name in ("kind", "place", "now", "machine")} | address
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(
            f"asked to use {root}; its {FILE_NAME} cannot be understood ({error!r}); it says which source the home "
            "belongs to; restore it from a backup"
        ) from error
