"""Old landed files made small: each is compressed into a file beside it, which is read back before the first one goes.

Both may be there after a crash, which harms nothing: they say the same, and the next time the first one goes. The
manifest stays as it is; its SHA-256 is of the content.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from openingbell.errors import RecordError
from openingbell.landing.files import COMPRESSED, read_compressed, write_durably
from openingbell.landing.place import Landing, checked

LEVEL = 6
"""Of gzip: a tenth of the size, and the higher ones take three times as long for a hundredth more."""


@dataclass(frozen=True)
class Compressed:
    """What was done: files, and their bytes before and after. `failed` says why others stay as they are."""

    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    failed: tuple[str, ...] = ()


def compress(
    landing: Landing, before: datetime, *, most: int | None = None, stop: Callable[[], bool] = lambda: False
) -> Compressed:
    """Compress files that were extracted before a moment and are not yet. Only the worker may call it.

    Args:
        landing: the record.
        before: files of later answers stay as they are.
        most: so many files at the most, the oldest.
        stop: asked before each file whether to come to an end.

    Raises:
        RecordError: the disk does not take a file, or a manifest cannot be read; no file is lost.
    """
    files, bytes_before, bytes_after = 0, 0, 0
    failed = []
    for path, sha256 in _candidates(landing, before)[:most]:
        if stop():
            break
        try:
            content = checked(f"{path}", sha256)
        except RecordError as error:
            failed.append(str(error))
            continue
        bytes_after += _replaced(path, content, sha256)
        files, bytes_before = files + 1, bytes_before + len(content)
    return Compressed(files, bytes_before, bytes_after, tuple(failed))


def _candidates(landing: Landing, before: datetime) -> list[tuple[Path, str]]:
    """Files that are there as they landed, oldest first, each with its SHA-256."""
    old = landing.record().files.filter(pl.col("has_rows") & (pl.col("extracted_at") < before))
    there = {feed: _names(landing.root / feed) for feed in old["feed"].unique()}
    return [
        (landing.root / feed / f"{load_id}.csv", sha256)
        for feed, load_id, sha256 in old.select("feed", "load_id", "sha256").iter_rows()
        if f"{load_id}.csv" in there[feed]
    ]


def _names(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.name.endswith(".csv")}


def _replaced(path: Path, content: bytes, sha256: str) -> int:
    """Put a compressed file in the place of the one that holds `content`; its bytes.

    Raises:
        RecordError: the disk does not take it, or does not give it back.
    """
    packed = path.with_name(path.name + COMPRESSED)
    if not _holds(packed, sha256):
        write_durably(packed, gzip.compress(content, LEVEL, mtime=0))
        if not _holds(packed, sha256):
            raise RecordError(
                f"asked to compress {path}; what was written to {packed} is not read back as it was; the file stays as "
                "it landed; look at the disk"
            )
    path.unlink()
    return packed.stat().st_size


def _holds(packed: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(read_compressed(f"{packed}")).hexdigest() == sha256
    except OSError:
        return False
