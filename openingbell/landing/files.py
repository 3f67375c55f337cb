"""Files that are either there whole or not at all, and the rows of landed CSV."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from openingbell.clock import Clock, SystemClock
from openingbell.errors import RecordError

PIECE = 1 << 16
"""Bytes that are read at once of a file whose size is not known, or turns out to be another."""
READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)
COMPRESSED = ".gz"
"""Behind the name of a landed file that was compressed."""
SIZE_BYTES = 4
"""The end of a gzip file says how long its content is."""
PAUSES_SECONDS = (0.01, 0.05, 0.2, 0.5, 1.0) if os.name == "nt" else ()
"""Windows puts no file in the place of one that a reader or a virus scanner has open, which passes."""
MACHINE = SystemClock()
COMMA, NEWLINE = b",\n"
MISFIT = "(line)"
"""The column that holds a whole line when its fields do not fit the header; the line's other columns are null."""


def write_durably(path: Path, content: bytes) -> None:
    """Write a file of a home so that it is either there whole or not at all, also after a power cut.

    Raises:
        RecordError: the disk does not take it.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise RecordError(
            f"asked to write {path} ({len(content):,} bytes); the disk says: {error.strerror or error}; nothing of it "
            "was kept; make room or choose another OPENINGBELL_HOME, then run again: only what is missing is asked"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either there whole or not at all, also after a power cut.

    Raises:
        OSError: the disk does not take it; nothing of it was kept.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        patiently(lambda: temporary.replace(path))
        _flush_folder(path.parent)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def patiently(
    rename: Callable[[], object],
    pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    clock: Clock = MACHINE,
) -> None:
    """Do what another program may stand in the way of for a moment, with a pause before each further try.

    Raises:
        OSError: it could not be done; the last try's.
    """
    for seconds in pauses_seconds:
        try:
            rename()
        except PermissionError:
            clock.wait(seconds)
        else:
            return
    rename()


def read_whole(path: str, size: int = PIECE) -> bytes:
    """The content of a file that is said to have `size` bytes. Thousands of small ones take a quarter of the time that
    pathlib takes: the system is asked nothing but to open, to read and to close.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(path, READING)
    try:
        content = os.read(handle, size + 1)
        if len(content) != size:  # else that was all: it asked for one more
            while more := os.read(handle, PIECE):
                content += more
    finally:
        os.close(handle)
    return content


def read_compressed(path: str) -> bytes:
    """The content of a compressed file.

    Raises:
        OSError: it cannot be read, or is no whole gzip file.
    """
    try:
        return gzip.decompress(read_whole(path))
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(str(error)) from error


def size_of_compressed(path: str) -> int:
    """Bytes that a compressed file holds, by its own last word, without reading the others.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123  thousands of small ones are looked at
        file.seek(-SIZE_BYTES, os.SEEK_END)
        return int.from_bytes(file.read(), "little")


def read_rows(content: bytes, count: int) -> pl.DataFrame:
    """The rows of a CSV file of `count` rows. Polars is quick, but fills short lines up and stops at long ones."""
    frame = _by_polars(content)
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


@dataclass(frozen=True)
class Together:
    """Rows of some files that have one header, file after file. `places` says which they are, `lengths` how many rows
    each has.
    """

    places: tuple[int, ...]
    lengths: tuple[int, ...]
    rows: pl.DataFrame


def read_together(contents: Sequence[bytes], counts: Sequence[int]) -> Iterator[Together]:
    """The rows of CSV files of so many rows each, every file as `read_rows` gives it.

    Files of one header are read as one where no line of theirs can be taken for anything else; each of the others is
    read by itself.
    """
    alike: dict[bytes, list[int]] = {}
    for place, (content, count) in enumerate(zip(contents, counts, strict=True)):
        header = content[: content.find(b"\n") + 1]
        if _is_plain(content, count, header):
            alike.setdefault(header, []).append(place)
        else:
            yield _alone(place, content, count)
    for header, places in alike.items():
        yield from _joined(len(header), places, contents, counts)


def _is_plain(content: bytes, count: int, header: bytes) -> bool:
    """Whether the lines of a file are its rows, with all their fields on the whole."""
    commas = header.count(b",")
    signs = np.frombuffer(content, np.uint8)  # counts what is frequent in a fifth of the time
    return (
        commas > 0
        and np.count_nonzero(signs == COMMA) == commas * (count + 1)
        and np.count_nonzero(signs == NEWLINE) == count + 1
        and content[-1:] == b"\n"
        and b'"' not in content
    )


def _joined(start: int, places: Sequence[int], contents: Sequence[bytes], counts: Sequence[int]) -> Iterator[Together]:
    """The rows of plain files of one header, which ends at `start`. Where a line is longer than it, by halves."""
    first, *others = places
    if not others:
        yield _alone(first, contents[first], counts[first])
        return
    lengths = tuple(counts[place] for place in places)
    rows = _by_polars(b"".join([contents[first], *[contents[place][start:] for place in others]]))
    if len(rows) == sum(lengths):
        yield Together(tuple(places), lengths, rows)
    else:
        middle = len(places) // 2
        yield from _joined(start, places[:middle], contents, counts)
        yield from _joined(start, places[middle:], contents, counts)


def _alone(place: int, content: bytes, count: int) -> Together:
    rows = read_rows(content, count)
    return Together((place,), (len(rows),), rows)


def _by_polars(content: bytes) -> pl.DataFrame:
    """The rows as Polars reads them; none when it cannot."""
    try:
        return pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError:
        return pl.DataFrame()


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
