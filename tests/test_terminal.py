"""What people see: answers as tables, and progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from typing import Self

import polars as pl
import pytest
from rich.console import Console
from rich.progress import Progress

from openingbell import terminal


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """A terminal of 60 columns."""
    written = StringIO()
    for name in ("out", "err"):
        monkeypatch.setattr(
            terminal, name, Console(file=written, width=60, highlight=False, force_terminal=name == "err")
        )
    return written


def test_numbers_in_a_table_have_no_separators_of_thousands(screen: StringIO) -> None:
    terminal.show_frame(pl.DataFrame({"whole": [1234567], "broken": [1234567.25], "huge": [1e15]}), "table")
    assert screen.getvalue().split() == ["whole", "broken", "huge", "1234567", "1234567.25", "1000000000000000"]


def test_an_answer_without_rows_says_so_under_its_columns(screen: StringIO) -> None:
    terminal.show_frame(pl.DataFrame(schema={"symbol": pl.String, "close": pl.Float64}), "table")
    assert [line.split() for line in screen.getvalue().splitlines()] == [["symbol", "close"], ["0", "rows"]]


def test_a_wide_answer_without_rows_says_so_too(screen: StringIO) -> None:
    names = [f"a_column_with_a_long_name_{number}" for number in range(4)]
    terminal.show_frame(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), "table")
    assert screen.getvalue().splitlines() == [", ".join(names), "0 rows"]


def test_a_line_is_never_broken(screen: StringIO) -> None:
    terminal.say("a word " * 20)
    assert screen.getvalue().count("\n") == 1


@contextmanager
def windows() -> Iterator[BytesIO]:
    """Standard output as Windows hands it to a program behind a pipe."""
    written = BytesIO()
    with TextIOWrapper(written, encoding="cp1252", newline="\r\n") as stream, redirect_stdout(stream):
        yield written


@pytest.mark.parametrize(("shape", "expected"), [("csv", "name\ně→\n"), ("json", '[{"name":"ě→"}]\n')])
def test_programs_get_utf_8_and_plain_line_ends_everywhere(shape: str, expected: str) -> None:
    with windows() as written:
        terminal.show_frame(pl.DataFrame({"name": ["ě→"]}), shape)
        assert written.getvalue().decode("utf-8") == expected


def test_a_character_that_the_terminal_lacks_is_no_failure() -> None:
    with windows() as written:
        terminal.forgive(sys.stdout)
        terminal.say("é ≥ 1")
        sys.stdout.flush()
        assert written.getvalue() == "é ? 1\r\n".encode("cp1252")


def test_only_the_running_stage_moves(screen: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Progress] = []

    class Kept(Progress):
        """Remembered, so that its bars can be looked at."""

        def __enter__(self) -> Self:
            drawn.append(self)
            return super().__enter__()

    monkeypatch.setattr(terminal, "Progress", Kept)
    with terminal.progress_of_stages() as of_stage:
        of_stage("extract")("bars", 3, 9)
        of_stage("csv-load")
        of_stage("transform")("days", 1, 2)
        (bars,) = drawn
        bars.refresh()
        assert [(task.total, task.completed, task.finished) for task in bars.tasks] == [
            (3, 3, True),
            (0, 0, True),
            (2, 1, False),
        ]
