"""Coverage as a heat map: weeks from left to right, weekdays below each other, a character a session.

A character says it all, colours only help: `█` is complete, shades have some of their bars, a letter names the state of
a session without any. A blank is no session, or one that nobody wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
from rich.console import Console
from rich.text import Text

from openingbell import terminal
from openingbell.operations.coverage_cells import COMPLETE, Totals, by_group, cells, totals

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TRADING_WEEKDAYS = 5
LABEL = 5
"""Columns to the left of the map."""


@dataclass(frozen=True)
class Mark:
    """How a cell looks, where it has a plain terminal's characters alone, and what the legend says of it."""

    character: str
    plain: str
    style: str
    meaning: str


BLANK = Mark(" ", " ", "", "")
WHOLE = Mark("█", "#", "green", COMPLETE)
SHADES: tuple[tuple[float, Mark], ...] = (
    (0.9, Mark("▓", "+", "yellow", "90 % of the bars or more")),
    (0.5, Mark("▒", "=", "dark_orange", "half or more")),
    (0.0, Mark("░", "-", "red", "less than half")),
)
"""By the share from which on they are shown."""
STATES: dict[str, Mark] = {
    state: Mark(letter, letter, style, state)
    for state, letter, style in (
        ("not asked", "n", "yellow"),
        ("pending", "p", "cyan"),
        ("empty", "e", "red"),
        ("quarantined", "q", "bold red"),
        ("restricted", "r", "blue"),
        ("halted", "h", "magenta"),
        ("before listing", "l", "bright_black"),
        ("before history", "b", "bright_black"),
    )
}
"""Sessions without any bar."""


def show_notes(notes: Iterable[str]) -> None:
    """What must be known to read an answer, apart from it."""
    for note in notes:
        terminal.err.print(Text(f"note: {note}"), soft_wrap=True)


def show_coverage(rows: pl.DataFrame, *, only_holes: bool = False) -> None:
    """Draw rows of the table `coverage`: a map and a summary for each asset class and interval, one legend for all.

    With `only_holes` complete sessions stay blank, and what is complete has its summary alone.
    """
    for line in drawn(rows, terminal.out, only_holes=only_holes):
        terminal.out.print(line, soft_wrap=True)


def drawn(rows: pl.DataFrame, console: Console, *, only_holes: bool = False) -> Iterator[Text]:
    """The lines of the map, as wide as the console is, in characters that it can show."""
    if rows.is_empty():
        yield Text("no session of what was asked for is wanted and over")
        return
    is_plain = not console.encoding.lower().startswith("utf")
    used: dict[str, Mark] = {}
    for (asset_class, bar_interval), group in by_group(rows):
        marks = {row["session"]: mark_of(row["share"], row["state"]) for row in cells(group).iter_rows(named=True)}
        if only_holes:
            marks = {day: mark for day, mark in marks.items() if mark is not WHOLE}
        used |= {mark.meaning: mark for mark in marks.values()}
        yield Text(f"{asset_class} {bar_interval}", style="bold")
        yield from _map(marks, max(console.width - LABEL, 10), is_plain=is_plain)
        yield Text(summary(totals(group)))
        yield Text()
    if used:
        yield _legend(used, is_plain=is_plain)


def mark_of(share: float, state: str) -> Mark:
    """How a session looks of whose bars a share (0 to 1) is present, and whose worst state this is."""
    if state == COMPLETE:
        return WHOLE
    if share > 0:
        return next(mark for least, mark in SHADES if share >= least)
    return STATES.get(state, Mark("?", "?", "bold red", state))


def summary(sums: Totals) -> str:
    """What stands below a map. A share is rounded down: 100 % is all."""
    size = f"{_counted(sums.symbols, 'symbol')}, {_counted(sums.sessions, 'session')}"
    bars = f"{sums.bars_present:,} of {sums.bars_expected:,} bars ({int(sums.share * 10_000) / 100:.2f} %)"
    return f"{size}, {bars}: " + ", ".join(f"{count:,} {state}" for state, count in sums.states.items())


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _map(marks: dict[date, Mark], width: int, *, is_plain: bool) -> Iterator[Text]:
    """Bands of at most `width` weeks, none longer than a year."""
    by_year: dict[int, dict[tuple[int, int], Mark]] = {}
    for day, mark in marks.items():
        by_year.setdefault(day.year, {})[_week(day), day.weekday()] = mark
    for year, placed in sorted(by_year.items()):
        weeks = sorted({week for week, _ in placed})
        for start in range(weeks[0], weeks[-1] + 1, width):
            span = range(start, min(start + width, weeks[-1] + 1))
            yield Text(f"{year} {_months(year, span, width)}".rstrip(), style="dim")
            last = max(TRADING_WEEKDAYS - 1, *(weekday for _, weekday in placed))
            for weekday in range(last + 1):
                line = Text().append(f"{WEEKDAYS[weekday]:<{LABEL}}", "dim")
                for week in span:
                    mark = placed.get((week, weekday), BLANK)
                    line.append(_character(mark, is_plain=is_plain), mark.style)
                line.rstrip()
                yield line


def _week(day: date) -> int:
    """The column of a day: weeks of its year, from Monday on."""
    first = date(day.year, 1, 1)
    return ((day - first).days + first.weekday()) // 7


def _months(year: int, span: range, width: int) -> str:
    """Names of months over the week in which each has its first weekday, where there is room; before the first of them
    the month with which the span begins.
    """
    monday = date(year, 1, 1) + timedelta(days=7 * span.start - date(year, 1, 1).weekday())
    columns = {MONTHS[max(monday, date(year, 1, 1)).month - 1]: 0}
    for month, name in enumerate(MONTHS, 1):
        first = date(year, month, 1)
        is_weekend = first.weekday() >= TRADING_WEEKDAYS
        column = _week(first + timedelta(days=7 - first.weekday() if is_weekend else 0)) - span.start
        if 0 <= column < len(span):
            columns[name] = column
    line = ""
    placed = sorted(columns.items(), key=lambda one: one[1])
    for (name, column), (_, following) in pairwise([*placed, ("", width + 1)]):
        if following - column > len(name):
            line = f"{line:<{column}}{name}"
    return line


def _legend(used: dict[str, Mark], *, is_plain: bool) -> Text:
    ordered = [mark for mark in (WHOLE, *(mark for _, mark in SHADES), *STATES.values()) if mark.meaning in used]
    unknown = [mark for meaning, mark in sorted(used.items()) if mark not in ordered]
    line = Text()
    for mark in (*ordered, *unknown):
        line.append(_character(mark, is_plain=is_plain), mark.style)
        line.append(f" {mark.meaning}   ")
    line.rstrip()
    return line


def _character(mark: Mark, *, is_plain: bool) -> str:
    return mark.plain if is_plain else mark.character
