"""The record of one home: writing it, reading it, and what of it is there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from openingbell.errors import RecordError
from openingbell.landing.batch import SUFFIX, Batch, Header, Part, read_part
from openingbell.landing.files import read_rows, read_whole, write_durably
from openingbell.landing.index import Index
from openingbell.landing.lines import Lines, joined
from openingbell.landing.manifests import Ask, Manifest, encode, read_manifest
from openingbell.landing.record import Record


class Landing:
    """The record of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = Index(root)

    def batch(self, feed: str, *, source: str, bar_interval: str, basis: str, final_delay: timedelta) -> Batch:
        """A file to be, to which answers are added as they come."""
        return Batch(self.root, Header(feed, source, bar_interval, basis, final_delay.total_seconds()), self._land)

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
        """Land the rows (all columns text) of `asks`.

        Raises:
            RecordError: the disk does not take it; nothing half-written is left behind.
        """
        header = Header(feed, source, bar_interval, basis, final_delay.total_seconds())
        return self._write(header, Lines.of(rows), asks)

    def _write(self, header: Header, rows: Lines, asks: tuple[Ask, ...]) -> Manifest:
        """Land the rows of `asks`: first the file, then the manifest.

        Raises:
            RecordError: the disk does not take it; nothing half-written is left behind.
        """
        folder = self.root / header.feed
        extracted_at = max(ask.answered_at for ask in asks)
        load_id = self._free_id(folder, header.feed, extracted_at)
        content = rows.content
        manifest = Manifest(
            load_id=load_id,
            **asdict(header),
            extracted_at=extracted_at,
            file=f"{load_id}.csv" if rows.count else None,
            rows=rows.count,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            asks=asks,
        )
        if manifest.file is not None:
            write_durably(folder / manifest.file, content)
        path = folder / f"{load_id}.json"
        try:
            write_durably(path, encode(manifest))
        except RecordError:
            for half in (path, folder / f"{load_id}.csv"):
                half.unlink(missing_ok=True)
            raise
        self._index.add(manifest)
        return manifest

    def keep_unreadable(self, name: str, body: bytes) -> Path:
        """Keep an answer that could not be read, as it came; the newest of a name wins."""
        path = self.root / "unreadable" / name
        write_durably(path, body)
        return path

    def record(self) -> Record:
        """What all manifests say, in columns.

        Raises:
            RecordError: a manifest cannot be read, or does not stand at its place.
        """
        found, errors = self.survey()
        if errors:
            raise errors[0]
        return found

    def survey(self) -> tuple[Record, list[RecordError]]:
        """What the manifests that can be read say, in columns, and what is wrong with the others."""
        return self._index.survey()

    def manifests(self) -> list[Manifest]:
        """Every manifest, in the order in which files load: (extracted_at, load_id). Of years of them it takes long.

        Raises:
            RecordError: a manifest cannot be read, or does not stand at its place.
        """
        return self.manifests_in(self.record().files)

    def manifests_of(self, feeds: Collection[str], since: datetime | None = None) -> list[Manifest]:
        """The manifests of some feeds that were extracted after `since`, in the order in which files load.

        Raises:
            RecordError: a manifest cannot be read, or does not stand at its place.
        """
        files = self.record().files.filter(pl.col("feed").is_in(list(feeds)))
        return self.manifests_in(files if since is None else files.filter(pl.col("extracted_at") > since))

    def manifests_in(self, files: pl.DataFrame) -> list[Manifest]:
        """The manifests of rows of the record's files, in their order.

        Raises:
            RecordError: a manifest cannot be read.
        """
        return [self.manifest(feed, load_id) for feed, load_id in files.select("feed", "load_id").iter_rows()]

    def manifest(self, feed: str, load_id: str) -> Manifest:
        """One manifest.

        Raises:
            RecordError: it cannot be read, or does not stand at its place.
        """
        return read_manifest(self.root, feed, load_id)

    def read(self, manifest: Manifest) -> pl.DataFrame:
        """The rows of a landed file, every column text, null where the vendor gave null.

        A line that does not fit the header is a row all the same: it stands in the column `MISFIT`.

        Raises:
            RecordError: the file is missing or is not the one that was landed.
        """
        if manifest.file is None:
            return pl.DataFrame()
        return read_rows(self.content(manifest), manifest.rows)

    def content(self, manifest: Manifest) -> bytes:
        """A landed file as it is; nothing where no answer in it had a row.

        Raises:
            RecordError: the file is missing or is not the one that was landed.
        """
        if manifest.file is None:
            return b""
        return _checked(f"{self.root / manifest.feed / manifest.file}", manifest.bytes, manifest.sha256)

    def contents(self, files: pl.DataFrame) -> Iterator[bytes | RecordError]:
        """The landed files of rows of the record's files that have rows, in their order; where one is missing or is not
        the one that was landed, the error that says so.
        """
        folders = {feed: f"{self.root / feed}{os.sep}" for feed in files["feed"].unique()}
        for feed, load_id, size, sha256 in files.select("feed", "load_id", "bytes", "sha256").iter_rows():
            try:
                yield _checked(f"{folders[feed]}{load_id}.csv", size, sha256)
            except RecordError as error:
                yield error

    def damaged(self) -> pl.DataFrame:
        """The files of the record that are not there, or not of the size that landed: a look that costs little."""
        files = self.record().files.filter("has_rows")
        names = files.select("feed", "load_id").iter_rows()
        sizes = [_size(self.root / feed / f"{load_id}.csv") for feed, load_id in names]
        return files.filter(pl.Series(sizes, dtype=pl.Int64).ne_missing(files["bytes"]))

    def sweep(self) -> int:
        """Remove what interrupted writes left behind, and land the answers that a killed process had received.

        Only the worker may call it.

        Returns:
            How many answers were saved so.

        Raises:
            RecordError: the disk does not take a file.
        """
        for path in self.root.glob("*/*.tmp"):
            _remove(path)
        saved = 0
        for path in sorted(self.root.glob(f"*/*{SUFFIX}")):
            left = read_part(path)
            if left is not None and not self._has_landed(*left):
                self._land(*left)
                saved += len(left[1])
            _remove(path)
        return saved

    def _land(self, header: Header, parts: list[Part]) -> Manifest:
        return self._write(header, joined([part.rows for part in parts]), tuple(part.ask for part in parts))

    def _has_landed(self, header: Header, parts: list[Part]) -> bool:
        """Whether the process was killed between the manifest and the end of the part."""
        asks = tuple(part.ask for part in parts)
        newest = f"{max(ask.answered_at for ask in asks):%Y%m%dT%H%M%S%f}Z-{header.feed}-*.json"
        return any(
            read_manifest(self.root, header.feed, path.stem).asks == asks
            for path in (self.root / header.feed).glob(newest)
        )

    def _free_id(self, folder: Path, feed: str, extracted_at: datetime) -> str:
        for number in range(1_000):
            load_id = f"{extracted_at:%Y%m%dT%H%M%S%f}Z-{feed}-{number:03d}"
            if not (folder / f"{load_id}.json").exists():
                return load_id
        raise RecordError(f"a thousand files of {feed} landed in one microsecond; found the clock standing still")


def _checked(path: str, size: int, sha256: str) -> bytes:
    """The landed file at `path`, which had `size` bytes.

    Raises:
        RecordError: it is missing or is not the one that was landed.
    """
    try:
        content = read_whole(path, size)
    except OSError as error:
        raise RecordError(
            f"asked to read {path}, named by its manifest; found {error.strerror}; restore the file from a backup"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise RecordError(
            f"asked to read {path}; its SHA-256 is {found[:12]}…, the manifest says {sha256[:12]}…: the file was "
            "changed after it landed; restore it from a backup, or move file and manifest away to have their sessions "
            "asked again"
        )
    return content


def _remove(path: Path) -> None:
    """Remove a leftover; one that another program has open stays for the next sweep."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _size(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_size
    return None
