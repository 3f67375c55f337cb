"""What was learned of the vendor's delay: `learned.json` in the home. Deleted, it is learned anew from the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import structlog

from openingbell.errors import SourceError
from openingbell.landing import write_durably
from openingbell.operations.vendor_report.learning import LONGEST_SECONDS

log = structlog.get_logger()

FILE_NAME = "learned.json"


@dataclass(frozen=True)
class Learned:
    """The delay of a feed in seconds, the bars and sessions that it rests on, between which ages in seconds the
    vendor's own delay was then known to lie, and when it was learned (UTC).
    """

    seconds: float
    bars: int
    sessions: int
    over_seconds: float
    at_most_seconds: float
    learned_at: datetime


def read_learned(root: Path) -> dict[str, Learned]:
    """What was learned in a home, by name of feed.

    Raises:
        SourceError: the file cannot be understood.
    """
    path = root / FILE_NAME
    try:
        return {str(feed): _learned(facts) for feed, facts in json.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(
            f"asked to read {path}, which says how late the vendor is; it cannot be understood ({error!r}); allowed is "
            f"what `bell run` writes, with delays of 0 to {LONGEST_SECONDS:,} seconds; delete it: it is learned anew"
        ) from error


def recalled(root: Path) -> dict[str, Learned]:
    """The same for the worker that stays: nothing where the file cannot be understood. A night writes it anew."""
    try:
        return read_learned(root)
    except SourceError as error:
        log.warning("learned_not_understood", reason=str(error))
        return {}


def write_learned(root: Path, learned: Mapping[str, Learned]) -> None:
    """Keep what was learned, in place of what was there.

    Raises:
        RecordError: the disk does not take it.
    """
    plain = {feed: {**asdict(one), "learned_at": one.learned_at.isoformat()} for feed, one in learned.items()}
    write_durably(root / FILE_NAME, json.dumps(plain, indent=1).encode("utf-8"))


def seconds_of(learned: Mapping[str, Learned]) -> dict[str, float]:
    """The delays alone, as settings take them."""
    return {feed: one.seconds for feed, one in learned.items()}


def _learned(facts: Mapping[str, object]) -> Learned:
    typed = Learned(**{**facts, "learned_at": datetime.fromisoformat(str(facts["learned_at"]))})  # type: ignore[arg-type]
    if not 0 <= typed.seconds <= LONGEST_SECONDS:
        raise ValueError(f"a delay of {typed.seconds} seconds")
    return typed
