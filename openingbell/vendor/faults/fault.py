"""Faults as they are described: what is to go wrong, for which requests and when. Nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from openingbell.errors import UsageError
from openingbell.vendor.faults.kind import Asking, Value
from openingbell.vendor.faults.kinds import KINDS, SPLIT
from openingbell.vendor.source import MINUTES
from openingbell.vendor.splits import PlayedSplit, parse_split

PATHS: tuple[str, ...] = (
    *(f"historical-chart/{bar_interval}" for bar_interval in MINUTES),
    "historical-price-eod/full",
    "treasury-rates",
    "splits",
    "dividends",
    "splits-calendar",
    "dividends-calendar",
)
"""The names of the vendor's endpoints, behind /stable/."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITED = {"start": "from", "end": "to"}


@dataclass(frozen=True)
class Fault:
    """One fault. It meets the requests that fit everything which is given here; without anything it meets them all.

    symbols, paths: of these symbols, to these endpoints (`PATHS`); empty means all.
    probability: of each request that fits, from 0 to 1.
    start, end: moments with a zone on the vendor's clock, the end excluded; `from` and `to` in a file.
    every_seconds, for_seconds: in the first `for_seconds` of every `every_seconds`, counted from `start`, or from
        1970-01-01 in UTC without one: 3600 begins at each full hour.
    times: no more than so many requests, in the order in which they come.
    values: the parameters of the kind; those that are not given have their defaults.

    Raises:
        ValueError: what was found and what is allowed.
    """

    kind: str
    symbols: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    probability: float = 1.0
    start: datetime | None = None
    end: datetime | None = None
    every_seconds: float | None = None
    for_seconds: float | None = None
    times: int | None = None
    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise ValueError(f"the kind is {self.kind!r}; {', '.join(KINDS)} are allowed")
        known = {parameter.name: parameter for parameter in kind.parameters}
        if unknown := [name for name in (*self._given(), *self.values) if name not in (*kind.keys, *known)]:
            keys = ", ".join((*known, *kind.keys))
            raise ValueError(f"{self.kind} has no {', '.join(unknown)}; {keys} are allowed")
        values = {name: one.require(self.values.get(name, one.default)) for name, one in known.items()}
        object.__setattr__(self, "values", values)
        self._require_filters()
        self._require_schedule()
        if self.kind == SPLIT:
            _ = self.splits

    @property
    def splits(self) -> tuple[PlayedSplit, ...]:
        """The splits that it plays: none unless it is a `split`."""
        if self.kind != SPLIT:
            return ()
        if not self.symbols:
            raise ValueError("a split names no symbols; at least one is needed")
        rest = f"{self.values['on']},{self.values['ratio']},{self.values['manner']}"
        try:
            return tuple(parse_split(f"{symbol},{rest}") for symbol in self.symbols)
        except UsageError as error:
            found = str(error).split("; ")[1]
            raise ValueError(
                f"a split says {rest}; {found}; YYYY-MM-DD, NUMERATOR:DENOMINATOR and a manner are allowed"
            ) from error

    def meets(self, asking: Asking) -> bool:
        """Whether a request is of those that it is for, chance and number of times apart."""
        if (self.symbols and asking.symbol not in self.symbols) or (self.paths and asking.path not in self.paths):
            return False
        if (self.start and asking.now < self.start) or (self.end and asking.now >= self.end):
            return False
        if self.every_seconds is None or self.for_seconds is None:
            return True
        gone = asking.now - (self.start or EPOCH)
        return gone % timedelta(seconds=self.every_seconds) < timedelta(seconds=self.for_seconds)

    def _given(self) -> list[str]:
        """The common keys that are not as they are without being given, as a file calls them."""
        ordinary = type(self).__dataclass_fields__
        names = ("probability", "start", "end", "every_seconds", "for_seconds", "times")
        changed = [name for name in names if getattr(self, name) != ordinary[name].default]
        lists = [name for name in ("symbols", "paths") if getattr(self, name)]
        return lists + [UNITED.get(name, name) for name in changed]

    def _require_filters(self) -> None:
        if unknown := [path for path in self.paths if path not in PATHS]:
            raise ValueError(f"paths has {', '.join(unknown)}; {', '.join(PATHS)} are allowed")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability is {self.probability:g}; 0 to 1 is allowed")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is {self.times}; a whole number from 1 is allowed")

    def _require_schedule(self) -> None:
        for name, moment in (("from", self.start), ("to", self.end)):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} is {moment.isoformat()} without a zone; a moment with one is allowed")
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"from {self.start.isoformat()} is not before to {self.end.isoformat()}; it must be")
        if (self.every_seconds is None) != (self.for_seconds is None):
            raise ValueError("every_seconds and for_seconds are not both there; both or neither are allowed")
        if self.every_seconds is None or self.for_seconds is None or 0 < self.for_seconds < self.every_seconds:
            return
        raise ValueError(
            f"for_seconds is {self.for_seconds:g} of every_seconds {self.every_seconds:g}; "
            "more than 0 and less than every_seconds is allowed"
        )


@dataclass(frozen=True)
class Faults:
    """Faults and the seed of their chance. The same faults, seed and requests give the same answers.

    Raises:
        ValueError: a fault is there twice.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        for number, fault in enumerate(self.faults, 1):
            if fault in self.faults[: number - 1]:
                raise ValueError(f"fault {number} ({fault.kind}) is there before; each fault once is allowed")

    @property
    def splits(self) -> tuple[PlayedSplit, ...]:
        """The splits that the market is to play: give them to `open_source`."""
        return tuple(split for fault in self.faults for split in fault.splits)
