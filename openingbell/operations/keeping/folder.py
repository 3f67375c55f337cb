"""A backup on the disk. Any tool that reads Parquet reads it; nothing in it belongs to an engine.

    FOLDER/raw/stock_data_raw/0001.parquet   a table's rows, some hundred thousand a file
    FOLDER/schema.json                       version and tables: columns, types, units, keys
    FOLDER/manifest.json                     when and of what; rows, bytes and SHA-256 of every file

The manifest is written last and makes it count.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from openingbell.errors import BackupError
from openingbell.tables import Column, Layout, Table
from openingbell.warehouse.migrations import DTYPES

MANIFEST, SCHEMA = "manifest.json", "schema.json"
FORMAT = 1
NAMED = 3
"""Damaged files that a message names; of the others it says how many."""


@dataclass(frozen=True)
class File:
    """A file of a backup, by its path in the folder."""

    path: str
    bytes: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class Kept:
    """A table as the backup has it, and the files with its rows."""

    table: Table
    files: tuple[File, ...]

    @property
    def rows(self) -> int:
        """Its rows."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class Backup:
    """A backup: `made_at` (UTC) is the moment before it was begun, `version` that of the tables."""

    folder: Path
    made_at: datetime
    source: str
    version: int
    version_name: str
    tables: tuple[Kept, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(kept.rows for kept in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of all rows on the disk."""
        return sum(file.bytes for kept in self.tables for file in kept.files)

    @property
    def layout(self) -> Layout:
        """The tables that it has, with their columns."""
        return {(kept.table.layer, kept.table.name): kept.table.types for kept in self.tables}

    def read(self, kept: Kept) -> Iterator[pl.DataFrame]:
        """The rows of a table, file by file.

        Raises:
            BackupError: a file is not the one that was written.
        """
        for file in kept.files:
            yield pl.read_parquet(io.BytesIO(_content(self.folder, file)))

    def verify(self, tell: Callable[[int, int], None] = lambda *_: None) -> None:
        """Read every file and compare it with the manifest.

        Args:
            tell: told how many files are done, and of how many.

        Raises:
            BackupError: some are not there, or not those that were written; they are named.
        """
        files = [file for kept in self.tables for file in kept.files]
        wrong = []
        for number, file in enumerate(files, 1):
            try:
                _content(self.folder, file)
            except BackupError as error:
                wrong.append(error)
            tell(number, len(files))
        if len(wrong) > 1:
            more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
            raise BackupError("; ".join(str(error) for error in wrong[:NAMED]) + more)
        if wrong:
            raise wrong[0]


def read_backup(folder: Path) -> Backup:
    """The backup in a folder, by its manifest and schema; its rows are not looked at.

    Raises:
        BackupError: there is none, or one of the two is not what was written.
    """
    path = folder / MANIFEST
    try:
        facts = json.loads(path.read_bytes())
        if facts.pop("sha256") != digest(facts):
            raise _not_understood(path, "its SHA-256 is not that of what it says")
        if facts["format"] != FORMAT:
            raise _not_understood(path, f"it has format {facts['format']}, this program reads {FORMAT}")
        schema = json.loads(_content(folder, File(**facts["schema"])))
        tables = {(one["layer"], one["name"]): _table(one) for one in schema["tables"]}
        return Backup(
            folder,
            datetime.fromisoformat(facts["made_at"]).astimezone(UTC),
            facts["source"],
            schema["version"],
            schema["name"],
            tuple(
                Kept(tables[one["layer"], one["name"]], tuple(File(**file) for file in one["files"]))
                for one in facts["tables"]
            ),
        )
    except FileNotFoundError:
        raise BackupError(
            f"asked to read the backup {folder}; there is no {MANIFEST}; it is written last, and without it a backup "
            "is not whole; choose another backup"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_understood(path, repr(error)) from error


def digest(manifest: Mapping[str, Any]) -> str:
    """The SHA-256 of what a manifest says."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode("utf-8")).hexdigest()


def _not_understood(path: Path, found: str) -> BackupError:
    return BackupError(
        f"asked to read {path}; it cannot be understood ({found}); a backup is read as it was written; choose another"
    )


def _content(folder: Path, file: File) -> bytes:
    """What a file holds.

    Raises:
        BackupError: it is missing, or not the one that was written.
    """
    try:
        content = (folder / file.path).read_bytes()
    except OSError as error:
        raise BackupError(
            f"asked to read {folder / file.path}, named by its manifest; found {error.strerror}; choose another backup"
        ) from error
    if len(content) != file.bytes:
        raise BackupError(
            f"asked to read {folder / file.path}; it has {len(content):,} bytes, the manifest says {file.bytes:,}; "
            "choose another backup"
        )
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise BackupError(
            f"asked to read {folder / file.path}; its SHA-256 is not that of the manifest: it was changed or damaged "
            "after it was written; choose another backup"
        )
    return content


def _table(facts: Mapping[str, Any]) -> Table:
    columns = (
        Column(one["name"], DTYPES[one["type"]], one["doc"], one["unit"], one["null"]) for one in facts["columns"]
    )
    plain = {name: facts[name] for name in ("layer", "name", "doc", "order", "versioned")}
    return Table(key=tuple(facts["key"]), columns=tuple(columns), **plain)
