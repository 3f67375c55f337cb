"""The heat map, as text: what a terminal without colours shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from io import BytesIO, StringIO, TextIOWrapper

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from openingbell import tables, terminal
from openingbell.operations.coverage_cells import WORST_FIRST, Totals
from openingbell.terminal.coverage import STATES, WHOLE, drawn, mark_of, show_coverage, show_notes, summary

MONDAY = date(2026, 11, 23)


def rows(days: Iterable[tuple[date, int, str]], symbol: str = "AAPL", interval: str = "15min") -> pl.DataFrame:
    """Rows of coverage of a stock: session, bars present of 26, state."""
    frame = pl.DataFrame(
        [("stock", symbol, interval, day, 26, present, state, None, 1, None) for day, present, state in days],
        schema=tables.COVERAGE.schema,
        orient="row",
    )
    return tables.COVERAGE.conform(frame)


def seen(frame: pl.DataFrame, width: int = 80, *, only_holes: bool = False) -> list[str]:
    return [line.plain for line in drawn(frame, Console(file=StringIO(), width=width), only_holes=only_holes)]


WEEK = [
    (MONDAY, 26, "complete"),
    (MONDAY + timedelta(days=1), 25, "empty"),
    (MONDAY + timedelta(days=2), 13, "empty"),
    (MONDAY + timedelta(days=4), 2, "empty"),
    (MONDAY + timedelta(days=7), 0, "not asked"),
    (MONDAY + timedelta(days=8), 0, "halted"),
]


def test_a_map_has_a_column_a_week_and_a_character_a_session() -> None:
    assert seen(rows(WEEK)) == [
        "stock 15min",
        "2026  Dec",
        "Mon  █n",
        "Tue  ▓h",
        "Wed  ▒",
        "Thu",
        "Fri  ░",
        "1 symbol, 6 sessions, 66 of 156 bars (42.30 %): 1 not asked, 3 empty, 1 halted, 1 complete",
        "",
        "█ complete   ▓ 90 % of the bars or more   ▒ half or more   ░ less than half   n not asked   h halted",
    ]


def test_only_holes_leaves_complete_sessions_blank() -> None:
    assert seen(rows(WEEK), only_holes=True)[2:4] == ["Mon   n", "Tue  ▓h"]
    assert seen(rows(WEEK[:1]), only_holes=True) == [
        "stock 15min", "1 symbol, 1 session, 26 of 26 bars (100.00 %): 1 complete", "",
    ]  # fmt: skip


def test_a_terminal_that_knows_only_ascii_shows_the_same() -> None:
    file = TextIOWrapper(BytesIO(), encoding="ascii")
    lines = [line.plain for line in drawn(rows(WEEK), Console(file=file, width=80))]
    assert lines[2:7] == ["Mon  #n", "Tue  +h", "Wed  =", "Thu", "Fri  -"]
    assert all(line.isascii() for line in lines)


def test_months_are_named_over_their_first_weekday_and_years_stand_apart() -> None:
    days = [date(2025, 12, 1) + timedelta(days=n) for n in range(100)]
    lines = seen(rows((day, 26, "complete") for day in days if day.weekday() < 5))
    assert lines[1:7] == ["2025 Dec", "Mon  █████", "Tue  █████", "Wed  █████", "Thu  ████", "Fri  ████"]
    assert lines[7:9] == ["2026 Jan  Feb Mar", "Mon   ██████████"]
    assert lines[11] == "Thu  ██████████"


def test_a_narrow_terminal_breaks_the_weeks_and_loses_none() -> None:
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(300)]
    frame = rows((day, 26, "complete") for day in days if day.weekday() < 5)
    lines = seen(frame, width=25)
    bands = [line for line in lines if line.startswith("Mon")]
    assert len(bands) == 3
    assert all(len(line) <= 25 for line in lines if line[:4].strip() in {"Mon", "Fri", "2026"})
    assert sum(line.count("█") for line in lines if line[:3] in {"Mon", "Tue", "Wed", "Thu", "Fri"}) == len(frame)


def test_a_session_at_the_weekend_is_shown() -> None:
    saturday = date(2026, 11, 28)
    lines = seen(rows([(MONDAY, 26, "complete"), (saturday, 26, "complete")]))
    assert lines[7] == "Sat  █"


def test_a_state_that_nobody_knows_is_a_question_mark_and_named() -> None:
    lines = seen(rows([(MONDAY, 0, "lost at sea"), (MONDAY + timedelta(days=1), 0, "eaten")]))
    assert lines[2:4] == ["Mon  ?", "Tue  ?"]
    assert lines[-1] == "? eaten   ? lost at sea"


def test_groups_have_a_map_each_and_one_legend() -> None:
    lines = seen(pl.concat([rows(WEEK[:1], interval="1day"), rows(WEEK[:1])]))
    assert [line for line in lines if line.startswith("stock")] == ["stock 15min", "stock 1day"]
    assert lines[-1] == "█ complete"


def test_where_nothing_is_wanted_that_is_said() -> None:
    assert seen(rows([])) == ["no session of what was asked for is wanted and over"]


@pytest.mark.parametrize(
    ("share", "state", "character"),
    [
        (1.0, "complete", "█"), (0.0, "complete", "█"), (0.9, "empty", "▓"), (0.89, "empty", "▒"),
        (0.5, "pending", "▒"),
        (0.49, "restricted", "░"), (0.001, "not asked", "░"), (0.0, "not asked", "n"), (0.0, "pending", "p"),
        (0.0, "empty", "e"), (0.0, "quarantined", "q"), (0.0, "restricted", "r"), (0.0, "halted", "h"),
        (0.0, "before listing", "l"), (0.0, "before history", "b"), (0.0, "else", "?"), (1.0, "else", "▓"),
    ],
)  # fmt: skip
def test_a_cell_looks_like_its_share_and_without_bars_like_its_state(share: float, state: str, character: str) -> None:
    assert mark_of(share, state).character == character


def test_every_known_state_has_a_character_of_its_own() -> None:
    assert set(STATES) | {"complete"} == set(WORST_FIRST)
    assert len({mark.character for mark in STATES.values()}) == len(STATES)


@given(st.integers(1, 10**9), st.data())
def test_only_all_is_100_percent(expected: int, data: st.DataObject) -> None:
    present = data.draw(st.integers(0, expected))
    said = summary(Totals(1, 1, expected, present, {"x": 1}))
    assert ("(100.00 %)" in said) == (present == expected)


def test_a_map_goes_to_the_output_and_notes_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {name: StringIO() for name in ("out", "err")}
    for name, file in written.items():
        monkeypatch.setattr(terminal, name, Console(file=file, width=40, highlight=False))
    show_coverage(rows(WEEK))
    show_notes(["there is no warehouse yet [sic]"])
    assert written["out"].getvalue().splitlines() == seen(rows(WEEK), width=40)
    assert written["err"].getvalue() == "note: there is no warehouse yet [sic]\n"


def test_a_colour_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    console = Console(file=written, width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    monkeypatch.setattr(terminal, "out", console)
    show_coverage(rows(WEEK[:1]))
    assert f"\x1b[32m{WHOLE.character}\x1b[0m" in written.getvalue()
