"""What a manifest says: which requests a landed file answers, and what each answer reached."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from openingbell.errors import RecordError
from openingbell.landing.files import read_whole

DAYS = ("first", "last", "covered_first", "covered_last")


class Outcome(StrEnum):
    """How a request ended, as far as the record keeps it."""

    ANSWERED = "answered"
    RESTRICTED = "restricted"  # the plan excludes it


@dataclass(frozen=True)
class Ask:
    """One request and what came of it.

    `first` and `last` are the asked sessions, `covered_first` and `covered_last` those that the answer really
    reaches. `bars` counts the bars that were final when the answer was received, by session. `calls` are the calls
    that it took, retries among them.
    """

    symbol: str
    asset_class: str
    calendar: str
    first: date
    last: date
    covered_first: date
    covered_last: date
    answered_at: datetime
    status: int
    outcome: Outcome
    rows: int
    bytes: int
    bars: dict[date, int] = field(default_factory=dict)
    calls: int = 1


@dataclass(frozen=True)
class Manifest:
    """What is known of one landed file. `file` is None when no answer in it had a row."""

    load_id: str
    feed: str
    source: str
    bar_interval: str
    basis: str
    final_delay_seconds: float
    extracted_at: datetime
    file: str | None
    rows: int
    bytes: int
    sha256: str
    asks: tuple[Ask, ...]

    @property
    def final_delay(self) -> timedelta:
        """How long after a bar's end an answer had to be received for the bar to be final."""
        return timedelta(seconds=self.final_delay_seconds)


def encode(manifest: Manifest) -> bytes:
    """The manifest as its file has it: a line a fact, and a line an ask."""
    facts = vars(manifest) | {"extracted_at": manifest.extracted_at.isoformat()}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in facts.items() if name != "asks"]
    asks = ",\n".join(map(encode_ask, manifest.asks))
    return ("{\n" + ",\n".join([*lines, f'"asks": [\n{asks}\n]']) + "\n}\n").encode("utf-8")


def encode_ask(ask: Ask) -> str:
    """An ask as JSON has it, in one line."""
    facts = {name: value for name, value in vars(ask).items() if name != "bars"}
    moments = {name: getattr(ask, name).isoformat() for name in (*DAYS, "answered_at")}
    return f'{json.dumps(facts | moments)[:-1]}, "bars": {_encoded_bars(tuple(ask.bars.items()))}}}'


@lru_cache(maxsize=64)
def _encoded_bars(bars: tuple[tuple[date, int], ...]) -> str:
    """Bars by session as JSON has them: most asks of a batch have the same."""
    return json.dumps({day.isoformat(): count for day, count in bars})


def decode_ask(facts: Mapping[str, Any]) -> Ask:
    """An ask from JSON.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    typed: dict[str, Any] = {name: date.fromisoformat(facts[name]) for name in DAYS}
    typed["answered_at"] = datetime.fromisoformat(facts["answered_at"])
    typed["outcome"] = Outcome(facts["outcome"])
    typed["bars"] = {date.fromisoformat(day): count for day, count in facts["bars"].items()}
    return Ask(**{**facts, **typed})


def read_manifest(root: Path, feed: str, load_id: str) -> Manifest:
    """A manifest of the record under `root`.

    Raises:
        RecordError: it cannot be understood, or is not where it says that it is.
    """
    path = f"{root}{os.sep}{feed}{os.sep}{load_id}.json"
    try:
        facts = json.loads(read_whole(path).decode("utf-8"))
        facts["asks"] = tuple(decode_ask(ask) for ask in facts["asks"])
        facts["extracted_at"] = datetime.fromisoformat(facts["extracted_at"])
        manifest = Manifest(**facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"asked to read the manifest {path}; it cannot be understood ({error}); restore it from a backup, or move "
            "it and its file away to have their sessions asked again"
        ) from error
    if (manifest.feed, manifest.load_id) != (feed, load_id):
        raise RecordError(
            f"asked to read the manifest {path}; it says that it is {manifest.feed}/{manifest.load_id}.json; a "
            "manifest stands in its feed's folder under its own name, so that no file counts twice; put it back "
            "there, or move it away"
        )
    return manifest


def asks_of(manifests: Iterable[Manifest]) -> Iterator[tuple[Manifest, Ask]]:
    """Every ask with its manifest."""
    for manifest in manifests:
        for ask in manifest.asks:
            yield manifest, ask
