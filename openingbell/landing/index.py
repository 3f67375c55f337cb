"""The record in columns, kept beside it: reading years of manifests one by one would take minutes at each start.

It is a cache and nothing else: what it says of a manifest counts only as long as the manifest's size and time are those
that it saw, it can be deleted at any time, and a home that cannot be written to does without. A process looks at them
again when something came into the folder or went; what is overwritten in place, as nobody here does, the next one sees.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import polars as pl

from openingbell.errors import RecordError
from openingbell.landing.files import MACHINE
from openingbell.landing.manifests import Manifest, read_manifest
from openingbell.landing.record import ASKS, FILES, Record, record_of

FOLDER = ".index"
SAVED_AFTER = 256
"""Manifests that are read anew at each start before the cache is written again."""
SAVED_SHARE = 8
"""While files land, the cache is written again when it lacks this part of them: often enough for who opens the record
next, and seldom enough to cost little, however many there are.
"""
PARSED_AT_ONCE = 512
"""Manifests that are held as they are before they are put in columns: a frame for each would take longer."""
QUIET_SECONDS = 2.0
"""How long ago a folder must have changed for its listing to be trusted: two changes may bear one time."""
Stamp = tuple[int, int]
STAMPED = pl.Schema({**FILES, "size": pl.Int64(), "modified": pl.Int64()})


class Index:
    """The manifests under `root`, in columns."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamps: dict[tuple[str, str], Stamp] = {}
        self._fresh: list[Manifest] = []
        self._files: list[pl.DataFrame] = []
        self._asks: list[pl.DataFrame] = []
        self._unsaved = 0
        self._restored = False
        self._listed: dict[str, tuple[int, dict[str, Stamp]]] = {}
        self._whole: Record | None = None

    def survey(self) -> tuple[Record, list[RecordError]]:
        """What all manifests that can be read say, and what is wrong with the others."""
        if not self._restored:
            self._restore()
        found = self._listing()
        self._forget([key for key, stamp in self._stamps.items() if found.get(key) != stamp])
        errors: list[RecordError] = []
        for key in found.keys() - self._stamps.keys():
            try:
                self._take(read_manifest(self._root, *key), found[key])
            except RecordError as error:
                errors.append(error)
        if self._unsaved >= SAVED_AFTER:
            self._save()
        return self._record(), sorted(errors, key=str)

    def add(self, manifest: Manifest) -> None:
        """Take in what has just landed."""
        if self._restored:
            path = self._root / manifest.feed / f"{manifest.load_id}.json"
            self._take(manifest, _stamp(path.stat()))
            if self._unsaved >= max(SAVED_AFTER, len(self._stamps) // SAVED_SHARE):
                self._save()

    def _record(self) -> Record:
        if self._whole is None:
            self._put_in_columns()
            files = pl.concat([FILES.to_frame(), *self._files]).sort("extracted_at", "load_id")
            one = self._asks[0] if len(self._asks) == 1 else pl.concat([ASKS.to_frame(), *self._asks])
            asks = one.rechunk()  # no copy of what came from the cache
            self._files, self._asks = [files], [asks]
            self._whole = Record(files, asks)
        return self._whole

    def _take(self, manifest: Manifest, stamp: Stamp) -> None:
        self._fresh.append(manifest)
        self._stamps[manifest.feed, manifest.load_id] = stamp
        self._unsaved += 1
        self._whole = None
        if len(self._fresh) >= PARSED_AT_ONCE:
            self._put_in_columns()

    def _put_in_columns(self) -> None:
        if self._fresh:
            part = record_of(self._fresh)
            self._files.append(part.files)
            self._asks.append(part.asks)
            self._fresh = []

    def _forget(self, keys: Collection[tuple[str, str]]) -> None:
        if not keys:
            return
        gone = pl.DataFrame(list(keys), schema={"feed": pl.String, "load_id": pl.String}, orient="row")
        whole = self._record()
        names = [pl.col(name).cast(pl.String) for name in gone.columns]
        self._files = [whole.files.join(gone, on=gone.columns, how="anti", maintain_order="left")]
        lost = whole.asks.select(names).with_row_index().join(gone, on=gone.columns, how="semi")["index"]
        self._asks = [whole.asks.with_row_index().filter(~pl.col("index").is_in(lost.implode())).drop("index")]
        for key in keys:
            del self._stamps[key]
        self._whole = None

    def _listing(self) -> dict[tuple[str, str], Stamp]:
        """Size and time of every manifest, by feed and load_id."""
        if not self._root.is_dir():
            return {}
        folders = [folder.name for folder in self._root.iterdir() if folder.is_dir() and folder.name[0] != "."]
        return {
            (feed, load_id): stamp
            for feed in folders
            if feed != "unreadable"
            for load_id, stamp in self._manifests_of(feed).items()
        }

    def _manifests_of(self, feed: str) -> dict[str, Stamp]:
        """Size and time of a feed's manifests, by load_id; as they were listed before where the folder has not changed
        since: years of them take long.
        """
        now = MACHINE.now().timestamp()
        changed = (self._root / feed).stat().st_mtime_ns
        if (before := self._listed.pop(feed, None)) is None or before[0] != changed:
            with os.scandir(self._root / feed) as entries:
                found = {one.name[:-5]: _stamp(one.stat()) for one in entries if one.name.endswith(".json")}
            before = changed, found
        if now - changed / 1e9 > QUIET_SECONDS:
            self._listed[feed] = before
        return before[1]

    def _restore(self) -> None:
        """Read the cache; one that cannot be read is as good as none."""
        self._restored = True
        folder = self._root / FOLDER
        for path in sorted(folder.glob("files-*.arrow")):
            try:
                files = _read(path)
                asks = _read(path.with_name(path.name.replace("files-", "asks-")))
                if files.schema != STAMPED or asks.schema != ASKS:
                    continue
            except (OSError, pl.exceptions.PolarsError):
                continue
            stamps = files.select("feed", "load_id", "size", "modified").iter_rows()
            self._stamps = {(feed, load_id): (size, modified) for feed, load_id, size, modified in stamps}
            self._files, self._asks = [files.select(FILES.names())], [asks]
            return

    def _save(self) -> None:
        """Write the cache, where that is possible."""
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        """Write the cache: the asks first, so that files never stand there without them."""
        folder = self._root / FOLDER
        folder.mkdir(exist_ok=True)
        before = [*folder.glob("*.arrow"), *folder.glob("*.tmp")]
        whole, name = self._record(), uuid4().hex
        stamps = pl.DataFrame(
            [(*key, *stamp) for key, stamp in self._stamps.items()],
            schema={"feed": pl.String, "load_id": pl.String, "size": pl.Int64, "modified": pl.Int64},
            orient="row",
        )
        files = whole.files.join(stamps, on=["feed", "load_id"], how="left", maintain_order="left").select(
            STAMPED.names()
        )
        for kind, frame in (("asks", whole.asks), ("files", files)):
            temporary = folder / f"{kind}-{name}.tmp"
            # in one piece, so that it comes back as one; most bars are as many as in any other session
            frame.write_ipc(temporary, compression="zstd", record_batch_size=max(len(frame), 1))
            temporary.replace(temporary.with_suffix(".arrow"))
        self._unsaved = 0
        for path in before:
            path.unlink(missing_ok=True)


def _read(path: Path) -> pl.DataFrame:
    """A frame of the cache, column by column: Polars holds what it reads at once twice. Windows deletes nothing that is
    mapped into memory: there the file is read before.
    """
    source = path.read_bytes() if os.name == "nt" else path
    names = pl.read_ipc_schema(source)
    return pl.concat([pl.read_ipc(source, columns=[name]) for name in names], how="horizontal")


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns
