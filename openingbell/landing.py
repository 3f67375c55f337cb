"""data_extracts/ as a place: landed files and their manifests. This is the record; everything else can be rebuilt.

A landed file is written whole, flushed to the disk and renamed into place; its manifest follows the same way and is
what makes it count. A crash between the two leaves a file that nobody reads. Nothing is ever moved or changed.

    data_extracts/<feed>/<load_id>.csv     the vendor's fields as text, with `symbol` and `answered_at` in front
    data_extracts/<feed>/<load_id>.json    the manifest
    data_extracts/unreadable/              answers that could not be read at all, as they came
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl

from openingbell.errors import RecordError

MISFIT = "(line)"
"""The column that holds a whole line when its fields do not fit the header; the line's other columns are null."""


class Outcome(StrEnum):
    """How a request ended, as far as the record keeps it."""

    ANSWERED = "answered"
    RESTRICTED = "restricted"  # the plan excludes it


@dataclass(frozen=True)
class Ask:
    """One request and what came of it.

    `first` and `last` are the asked sessions, `covered_first` and `covered_last` those that the answer really
    reaches. `bars` counts the bars that were final when the answer was received, by session.
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


class Landing:
    """The record of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifests: dict[Path, Manifest] = {}

    def write(
        self,
        feed: str,
        rows: pl.DataFrame,
        asks: tuple[Ask, ...],
        *,
        source: str,
        bar_interval: str,
        basis: str,
        final_delay: timedelta,
    ) -> Manifest:
        """Land the rows (all columns text) of `asks`: first the file, then the manifest.

        Raises:
            RecordError: the disk does not take it; nothing half-written is left behind.
        """
        folder = self.root / feed
        extracted_at = max(ask.answered_at for ask in asks)
        load_id = self._free_id(folder, feed, extracted_at)
        content = rows.write_csv().encode("utf-8") if len(rows) else b""
        manifest = Manifest(
            load_id=load_id,
            feed=feed,
            source=source,
            bar_interval=bar_interval,
            basis=basis,
            final_delay_seconds=final_delay.total_seconds(),
            extracted_at=extracted_at,
            file=f"{load_id}.csv" if len(rows) else None,
            rows=len(rows),
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            asks=asks,
        )
        if manifest.file is not None:
            write_durably(folder / manifest.file, content)
        path = folder / f"{load_id}.json"
        try:
            write_durably(path, json.dumps(_plain(asdict(manifest)), indent=1).encode("utf-8"))
        except RecordError:
            for half in (path, folder / f"{load_id}.csv"):
                half.unlink(missing_ok=True)
            raise
        self._manifests[path] = manifest
        return manifest

    def keep_unreadable(self, name: str, body: bytes) -> Path:
        """Keep an answer that could not be read, as it came; the newest of a name wins."""
        path = self.root / "unreadable" / name
        write_durably(path, body)
        return path

    def manifests(self) -> list[Manifest]:
        """Every manifest, in the order in which files load: (extracted_at, load_id).

        Raises:
            RecordError: a manifest cannot be read, or does not stand at its place.
        """
        found, errors = self.survey()
        if errors:
            raise errors[0]
        return found

    def survey(self) -> tuple[list[Manifest], list[RecordError]]:
        """Every manifest that can be read, in the order in which files load, and what is wrong with the others."""
        paths = [path for path in sorted(self.root.glob("*/*.json")) if path.parent.name != "unreadable"]
        found: dict[Path, Manifest] = {}
        errors: list[RecordError] = []
        for path in paths:
            try:
                found[path] = self._manifests.get(path) or _read_manifest(path)
            except RecordError as error:
                errors.append(error)
        self._manifests = found
        return sorted(found.values(), key=lambda m: (m.extracted_at, m.load_id)), errors

    def read(self, manifest: Manifest) -> pl.DataFrame:
        """The rows of a landed file, every column text, null where the vendor gave null.

        A line that does not fit the header is a row all the same: it stands in the column `MISFIT`.

        Raises:
            RecordError: the file is missing or is not the one that was landed.
        """
        if manifest.file is None:
            return pl.DataFrame()
        path = self.root / manifest.feed / manifest.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RecordError(
                f"asked to read {path}, named by its manifest; found {error.strerror}; restore the file from a backup"
            ) from error
        found = hashlib.sha256(content).hexdigest()
        if found != manifest.sha256:
            raise RecordError(
                f"asked to read {path}; its SHA-256 is {found[:12]}…, the manifest says {manifest.sha256[:12]}…: the "
                "file was changed after it landed; restore it from a backup, or move file and manifest away to have "
                "their sessions asked again"
            )
        return _rows(content, manifest.rows)

    def damaged(self) -> list[Manifest]:
        """The manifests whose file is not there, or not of the size that landed: a look that costs little."""
        return [m for m in self.manifests() if m.file and _size(self.root / m.feed / m.file) != m.bytes]

    def sweep(self) -> int:
        """Remove what interrupted writes left behind; returns how many files. Only the worker may call it."""
        leftovers = list(self.root.glob("*/*.tmp"))
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)

    def _free_id(self, folder: Path, feed: str, extracted_at: datetime) -> str:
        for number in range(1_000):
            load_id = f"{extracted_at:%Y%m%dT%H%M%S%f}Z-{feed}-{number:03d}"
            if not (folder / f"{load_id}.json").exists():
                return load_id
        raise RecordError(f"a thousand files of {feed} landed in one microsecond; found the clock standing still")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is either there whole or not at all, also after a power cut.

    Raises:
        RecordError: the disk does not take it.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise RecordError(
            f"asked to write {path} ({len(content):,} bytes); the disk says: {error.strerror or error}; nothing of it "
            "was kept; make room or choose another OPENINGBELL_HOME, then run again: only what is missing is asked"
        ) from error


def _rows(content: bytes, count: int) -> pl.DataFrame:
    """The rows of a CSV file of `count` rows. Polars is quick, but fills short lines up and stops at long ones."""
    try:
        frame = pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame()
    if len(frame) == count and content.count(b",") == (frame.width - 1) * (count + 1):
        return frame
    text = content.decode("utf-8", errors="replace")
    header, *lines = _fields(text, count) or [[]]
    if len(lines) == len(frame) == count and all(len(line) == len(header) for line in lines):
        return frame  # its quoted fields hold commas
    fitting = [line if len(line) == len(header) else [""] * len(header) for line in lines]
    misfits = [",".join(line) if len(line) != len(header) else None for line in lines]
    columns = {name: [line[place] or None for line in fitting] for place, name in enumerate(header)}
    return pl.DataFrame({**columns, MISFIT: misfits}, schema=dict.fromkeys([*columns, MISFIT], pl.String))


def _fields(text: str, count: int) -> list[list[str]]:
    """Header and lines in fields. Where a quote is out of place, each line is read by itself."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        lines = []
    return lines if len(lines) == count + 1 else [_fields_of(line) for line in text.removesuffix("\n").split("\n")]


def _fields_of(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return line.split(",")


def _flush_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: Any) -> Any:
    """Dates and keys as JSON has them."""
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _read_manifest(path: Path) -> Manifest:
    try:
        facts = json.loads(path.read_text("utf-8"))
        facts["asks"] = tuple(_read_ask(ask) for ask in facts["asks"])
        facts["extracted_at"] = datetime.fromisoformat(facts["extracted_at"])
        manifest = Manifest(**facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"asked to read the manifest {path}; it cannot be understood ({error}); restore it from a backup, or move "
            "it and its file away to have their sessions asked again"
        ) from error
    if (manifest.feed, manifest.load_id) != (path.parent.name, path.stem):
        raise RecordError(
            f"asked to read the manifest {path}; it says that it is {manifest.feed}/{manifest.load_id}.json; a "
            "manifest stands in its feed's folder under its own name, so that no file counts twice; put it back "
            "there, or move it away"
        )
    return manifest


def _read_ask(facts: dict[str, Any]) -> Ask:
    typed: dict[str, Any] = {
        name: date.fromisoformat(facts[name]) for name in ("first", "last", "covered_first", "covered_last")
    }
    typed["answered_at"] = datetime.fromisoformat(facts["answered_at"])
    typed["outcome"] = Outcome(facts["outcome"])
    typed["bars"] = {date.fromisoformat(day): count for day, count in facts["bars"].items()}
    return Ask(**(facts | typed))


def asks_of(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Ask]]:
    """Every ask with its manifest."""
    for manifest in manifests:
        for ask in manifest.asks:
            yield manifest, ask
