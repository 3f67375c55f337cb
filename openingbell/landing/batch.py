"""Answers on their way into one landed file: each is safe from the end of the process as soon as it is added.

A batch writes every answer behind the others into a `.part` file: a line of JSON about it, and its lines as they will
land. When it lands, file and manifest are written and the part goes. What a process leaves behind when it is killed,
the next one lands: only the calls that were in flight are asked again. A power cut may take the last lines as well, and
they are asked again too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from openingbell.errors import RecordError
from openingbell.landing.lines import Lines
from openingbell.landing.manifests import Ask, Manifest, decode_ask, encode_ask

SUFFIX = ".part"


@dataclass(frozen=True)
class Header:
    """What the answers of a batch have in common."""

    feed: str
    source: str
    bar_interval: str
    basis: str
    final_delay_seconds: float

    @property
    def final_delay(self) -> timedelta:
        """How long after a bar's end an answer must be received for the bar to be final."""
        return timedelta(seconds=self.final_delay_seconds)


@dataclass(frozen=True)
class Part:
    """One answer: its place in the batch, what was asked, and its rows."""

    place: int
    ask: Ask
    rows: Lines


class Batch:
    """A batch under `root`; `land` is what writes the landed file of header and parts."""

    def __init__(self, root: Path, header: Header, land: Callable[[Header, list[Part]], Manifest]) -> None:
        self._header = header
        self._land = land
        self._parts: list[Part] = []
        self._path = root / header.feed / f"{uuid4().hex}{SUFFIX}"
        self._file: FileIO | None = None

    def add(self, part: Part) -> None:
        """Keep an answer.

        Raises:
            RecordError: the disk does not take it; what was added before is kept.
        """
        header = "" if self._file else f"{json.dumps(asdict(self._header))}\n"
        rows = part.rows
        facts = {"place": part.place, "names": rows.names, "count": rows.count, "bytes": len(rows.text)}
        about = f'{json.dumps(facts)[:-1]}, "ask": {encode_ask(part.ask)}}}\n'
        lines = (header + about).encode("utf-8") + rows.text
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab", buffering=0)  # a full disk is told now, and not again at the end
            _append(self._file, lines)
        except OSError as error:
            raise RecordError(
                f"asked to write {self._path} ({len(lines):,} bytes); the disk says: {error.strerror or error}; the "
                "answers before it are kept; make room or choose another OPENINGBELL_HOME, then run again: only what "
                "is missing is asked"
            ) from error
        self._parts.append(part)

    def land(self) -> Manifest | None:
        """Land what was added, in the order of the places; None when nothing was.

        Raises:
            RecordError: the disk does not take it; the part stays, and the next run lands it.
        """
        self.close()
        if not self._parts:
            return None
        manifest = self._land(self._header, sorted(self._parts, key=lambda part: part.place))
        with suppress(OSError):  # who cannot remove it now does so in the next sweep, which knows that it has landed
            self._path.unlink(missing_ok=True)
        return manifest

    def close(self) -> None:
        """Let go of the part."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _append(file: FileIO, content: bytes) -> None:
    """Write all of it, or nothing: a disk that is full takes a piece, and no answer may stand behind half a line."""
    begin = file.tell()
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        with suppress(OSError):
            file.truncate(begin)
        raise


def read_part(path: Path) -> tuple[Header, list[Part]] | None:
    """What a killed process left of a batch, in the order of the places; None when that is nothing.

    What is not whole was in flight.
    """
    header: Header | None = None
    parts: list[Part] = []
    with path.open("rb") as file:
        for line in iter(file.readline, b""):
            try:
                facts = json.loads(line)
                if header is None:
                    header = Header(**facts)
                else:
                    parts.append(_part(facts, file.read(facts["bytes"])))
            except (ValueError, KeyError, TypeError):
                break
    return (header, sorted(parts, key=lambda part: part.place)) if header and parts else None


def _part(facts: Mapping[str, Any], text: bytes) -> Part:
    if len(text) != facts["bytes"]:
        raise ValueError(f"asked for {facts['bytes']:,} bytes; found {len(text):,}")
    return Part(facts["place"], decode_ask(facts["ask"]), Lines(tuple(facts["names"]), facts["count"], text))
