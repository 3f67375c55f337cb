"""Landed files, read and typed many at once: what does not depend on the number of rows is paid by the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import structlog

from openingbell.errors import RecordError
from openingbell.feeds import BY_NAME
from openingbell.landing import Landing
from openingbell.landing.files import read_together
from openingbell.load.typing import COUNTS, FORM, Typed, raw_table, type_files
from openingbell.tables import QUARANTINE, Table

log = structlog.get_logger()

BUNDLE_ROWS = 100_000
"""Rows that are typed as one frame, at the least those of one file: more of them are not faster, and take memory."""


@dataclass(frozen=True)
class Bundle:
    """Files of one table, read and typed.

    `files` are those that could be read, as the record has them, with the columns of `COUNTS`; `unread` says what is
    wrong with the others.
    """

    table: Table
    final: pl.DataFrame
    quarantined: pl.DataFrame
    files: pl.DataFrame
    unread: tuple[str, ...] = ()


def runs(files: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Runs of files with about `rows` rows together, one file at the least."""
    begin = held = 0
    for place, count in enumerate(files["rows"].to_list()):
        if place > begin and held + count > rows:
            yield files[begin:place]
            begin, held = place, 0
        held += count
    if begin < len(files):
        yield files[begin:]


def bundles(files: pl.DataFrame) -> list[pl.DataFrame]:
    """Files, as the record has them, in parts that `read` takes."""
    of_form = files.partition_by(FORM, maintain_order=True)
    return [part for alike in of_form for part in runs(alike, BUNDLE_ROWS)]


def read(files: pl.DataFrame, asks: pl.DataFrame, landing: Landing) -> Bundle:
    """Read and type files of one form.

    Args:
        files: the files, as the record has them, in the order in which they load.
        asks: at least theirs, as the record has them.
        landing: where they are.
    """
    table = raw_table(BY_NAME[files.item(0, "feed")])
    filled = files.filter("has_rows")
    contents: list[bytes] = []
    unread: dict[str, str] = {}
    for load_id, found in zip(filled["load_id"], landing.contents(filled), strict=True):
        if isinstance(found, RecordError):
            log.warning("file_unreadable", load_id=load_id, reason=str(found))
            unread[load_id] = str(found)
        else:
            contents.append(found)
    readable = files.filter(~pl.col("load_id").is_in(list(unread)))
    typed = _typed(contents, readable.filter("has_rows"), asks)
    counts = pl.concat([COUNTS.to_frame(), *(part.counts for part in typed)])
    return Bundle(
        table,
        pl.concat([table.empty(), *(part.final for part in typed)]),
        pl.concat([QUARANTINE.empty(), *(part.quarantined for part in typed)]),
        readable.join(counts, on="load_id", how="left", maintain_order="left").with_columns(
            pl.col(COUNTS.names()[1:]).fill_null(0)
        ),
        tuple(unread.values()),
    )


def _typed(contents: Sequence[bytes], files: pl.DataFrame, asks: pl.DataFrame) -> list[Typed]:
    """The files with those contents, typed in as few frames as their headers allow."""
    return [
        type_files(part.rows, part.lengths, files[list(part.places)], asks)
        for part in read_together(contents, files["rows"].to_list())
    ]
