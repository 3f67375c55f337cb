"""Writing a backup: file by file, each whole, the manifest last."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from openingbell.errors import BackupError, UsageError
from openingbell.landing.files import write_whole
from openingbell.operations.keeping.folder import FORMAT, MANIFEST, SCHEMA, Backup, File, Kept, digest
from openingbell.tables import Table

OURS = re.compile(rf"((raw|analytics|operations)/\w+/\d+\.parquet|{re.escape(SCHEMA)}|{re.escape(MANIFEST)})(\.tmp)?")
"""What a backup writes, by its path in the folder."""


class Writing:
    """A backup that is being written. Nothing counts until it is closed."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for it.

        Raises:
            UsageError: the folder holds a backup, or something else.
            BackupError: the disk does not take it.
        """
        self._folder = folder
        self._files: dict[Table, list[File]] = {}
        for path in _left_behind(folder):
            path.unlink()

    def add(self, table: Table, rows: pl.DataFrame) -> None:
        """Write rows of a table behind those that were added."""
        files = self._files.setdefault(table, [])
        content = io.BytesIO()
        rows.write_parquet(content, compression="zstd")
        path = f"{table.layer}/{table.name}/{len(files) + 1:04d}.parquet"
        files.append(self._write(path, content.getvalue(), rows=len(rows)))

    def close(self, *, made_at: datetime, source: str, version: int, version_name: str) -> Backup:
        """Write schema and manifest: the backup is whole."""
        schema = {
            "version": version,
            "name": version_name,
            "tables": [_described(table) for table in self._files],
        }
        described = self._write(SCHEMA, _json(schema))
        kept = tuple(Kept(table, tuple(files)) for table, files in self._files.items())
        manifest = {
            "format": FORMAT,
            "made_at": made_at.isoformat(),
            "source": source,
            "schema": asdict(described),
            "tables": [
                {
                    "layer": one.table.layer,
                    "name": one.table.name,
                    "rows": one.rows,
                    "files": list(map(asdict, one.files)),
                }
                for one in kept
            ],
        }
        self._write(MANIFEST, _json({**manifest, "sha256": digest(manifest)}))
        return Backup(self._folder, made_at, source, version, version_name, kept)

    def _write(self, path: str, content: bytes, *, rows: int = 0) -> File:
        try:
            write_whole(self._folder / path, content)
        except OSError as error:
            raise BackupError(
                f"asked to write {self._folder / path} ({len(content):,} bytes); the disk says: "
                f"{error.strerror or error}; without its manifest the backup counts for nothing; make room or choose "
                "another folder, then run again"
            ) from error
        return File(path, len(content), hashlib.sha256(content).hexdigest(), rows)


def _left_behind(folder: Path) -> Sequence[Path]:
    """The files of an unfinished backup.

    Raises:
        UsageError: the folder holds a backup, or something else.
    """
    if (folder / MANIFEST).exists():
        raise UsageError(
            f"asked for a backup into {folder}; there is one already; a backup is never written over; choose a new "
            "folder, such as one with the day in its name"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"asked for a backup into {folder}; that is a file; choose a new folder")
    found = [path for path in folder.rglob("*") if not path.is_dir()]
    if strange := [path for path in found if not OURS.fullmatch(path.relative_to(folder).as_posix())]:
        raise UsageError(
            f"asked for a backup into {folder}; it holds {strange[0].relative_to(folder)}, which is no backup's; a "
            "backup has its folder to itself; choose a new one"
        )
    return found


def _described(table: Table) -> dict[str, Any]:
    return {
        "layer": table.layer,
        "name": table.name,
        "doc": table.doc,
        "key": list(table.key),
        "order": table.order,
        "versioned": table.versioned,
        "columns": [
            {"name": c.name, "type": table.types[c.name], "doc": c.doc, "unit": c.unit, "null": c.null}
            for c in table.columns
        ],
    }


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, ensure_ascii=False).encode("utf-8")
