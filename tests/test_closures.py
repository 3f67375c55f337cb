"""The file of closures and halts: what it says, and what it must not say."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from openingbell import closures
from openingbell.closures import ALL, Closed, Closures, EarlyClose, Halt, read_closures
from openingbell.errors import SettingsError
from tests.running import REPOSITORY

FILE = """
[[closed]]
day = 2026-12-01
reason = "national day of mourning"

[[closed]]
day = "2026-12-02"
calendars = "all"
reason = "the lights are out"

[[early_close]]
day = 2026-12-03
close = "13:00"
calendars = ["XNYS", "SIFMA_US"]
reason = "snow"

[[early_close]]
day = 2026-12-04
close = 12:30:00
reason = "more snow"

[[halt]]
symbol = "AAPL"
day = 2026-12-03
from = "10:05"
to = "10:50"
reason = "news pending"

[[halt]]
symbol = "TWTR"
first = 2022-10-28
last = 2022-11-07
reason = "taken private"
"""


def said(folder: Path, text: str) -> Path:
    path = folder / "closures.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_that_a_file_says_is_read_in_its_order(tmp_path: Path) -> None:
    assert read_closures(said(tmp_path, FILE)) == Closures(
        closed=(
            Closed(date(2026, 12, 1), ("XNYS",), "national day of mourning"),
            Closed(date(2026, 12, 2), (ALL,), "the lights are out"),
        ),
        early_closes=(
            EarlyClose(date(2026, 12, 3), ("XNYS", "SIFMA_US"), "snow", time(13)),
            EarlyClose(date(2026, 12, 4), ("XNYS",), "more snow", time(12, 30)),
        ),
        halts=(
            Halt("AAPL", date(2026, 12, 3), date(2026, 12, 3), time(10, 5), time(10, 50), "news pending"),
            Halt("TWTR", date(2022, 10, 28), date(2022, 11, 7), None, None, "taken private"),
        ),
    )


def test_without_a_file_nothing_is_closed_unless_one_is_required(tmp_path: Path) -> None:
    assert read_closures(tmp_path / "none.toml") == Closures()
    with pytest.raises(SettingsError, match=r"closures_file names .*none\.toml; there is no such file; correct"):
        read_closures(tmp_path / "none.toml", required=True)


def test_the_example_of_the_docs_can_be_read(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "coverage.md").read_text("utf-8")
    found = read_closures(said(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert (len(found.closed), len(found.early_closes), len(found.halts)) == (1, 1, 1)


def test_the_example_of_the_module_can_be_read(tmp_path: Path) -> None:
    text = "\n".join(line for line in (closures.__doc__ or "").splitlines() if line.startswith("    "))
    found = read_closures(said(tmp_path, text))
    assert (len(found.closed), len(found.early_closes), len(found.halts)) == (1, 1, 1)


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert read_closures(said(tmp_path, "# nothing yet\n"), required=True) == Closures()


def test_who_follows_another_calendar_is_meant_with_it_and_not_once_more() -> None:
    everywhere, here = Closed(date(2026, 12, 2), (ALL,), ""), Closed(date(2026, 12, 2), ("XNYS",), "")
    assert everywhere.names("XNYS")
    assert everywhere.names("CMEGlobex_GC")
    assert not everywhere.names("CBOE_VIX")
    assert not here.names("SIFMA_US")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[closed]", "cannot be read: .*; correct it or move it away"),
        (
            "[[shut]]\nday = 2026-12-01",
            r"has shut; there is no such section; allowed are \[\[closed\]\], \[\[early_clo",
        ),
        (
            "[closed]\nday = 2026-12-01\nreason = 'x'",
            r"writes \[closed\]; it holds one entry; .*; write \[\[closed\]\]",
        ),
        (
            "[[closed]]\nday = 2026-12-01\nreason = 'x'\ncalender = 'all'",
            r"entry 1 of \[\[closed\]\], gives calender; there is no such fact; allowed are day, reason, calendars;",
        ),
        ("[[closed]]\nday = 2026-12-01", "lacks reason; it must be said; allowed are day, reason, calendars; add it"),
        ("[[closed]]\nday = 'today'\nreason = 'x'", "gives day = 'today'; that is no date; .* YYYY-MM-DD; correct it"),
        ("[[closed]]\nday = 2026-12-01T09:30:00\nreason = 'x'", "that is no date"),
        ("[[closed]]\nday = 20261201\nreason = 'x'", "that is no date"),
        ("[[closed]]\nday = 2026-12-01\nreason = ' '", "that is no text; words in quotes are allowed"),
        ("[[closed]]\nday = 2026-12-01\nreason = 'x'\ncalendars = []", "those are no calendars"),
        ("[[closed]]\nday = 2026-12-01\nreason = 'x'\ncalendars = [1]", "those are no calendars"),
        (
            "[[closed]]\nday = 2026-12-01\nreason = 'x'\ncalendars = 'NYSE2'",
            "there is none of that name; .*'all' is al",
        ),
        (
            "[[closed]]\nday = 2026-12-05\nreason = 'x'",
            "XNYS has no session that day anyway; .*; correct the day or le",
        ),
        ("[[closed]]\nday = 2026-12-25\nreason = 'x'\ncalendars = 'all'", "all has no session that day anyway"),
        ("[[closed]]\nday = 2025-01-09\nreason = 'x'", "2025-01-09 .* has no session that day anyway"),
        (
            "[[closed]]\nday=2026-12-01\nreason='x'\n[[early_close]]\nday=2026-12-01\nclose = '10:00'\nreason = 'y'",
            "names 2026-12-01 of XNYS twice; a day is closed or closes early, once for each calendar; leave one out",
        ),
        ("[[early_close]]\nday = 2026-12-03\nclose = '1 pm'\nreason = 'x'", "that is no time of day; .*HH:MM; corr"),
        ("[[early_close]]\nday = 2026-12-03\nclose = '13:00:30'\nreason = 'x'", "that is no time of day"),
        ("[[early_close]]\nday = 2026-12-03\nclose = '13:00+01:00'\nreason = 'x'", "that is no time of day"),
        (
            "[[early_close]]\nday = 2026-12-03\nclose = '16:00'\nreason = 'x'",
            "at 16:00; that is no early close; the session runs from 09:30 to 16:00 New York time; a time insi",
        ),
        ("[[early_close]]\nday = 2026-11-27\nclose = '13:00'\nreason = 'x'", "runs from 09:30 to 13:00"),
        ("[[halt]]\nsymbol = 'A'\nreason = 'x'", "gives no day; that is no span of sessions; allowed is day, or first"),
        (
            "[[halt]]\nsymbol = 'A'\nday = 2026-12-01\nlast = 2026-12-02\nreason = 'x'",
            "gives day, last; that is no span",
        ),
        (
            "[[halt]]\nsymbol = 'A'\nfirst = 2026-12-02\nlast = 2026-12-01\nreason = 'x'",
            "last = 2026-12-01 lies before",
        ),
        (
            "[[halt]]\nsymbol = 'A'\nday = 2026-12-01\nfrom = '11:00'\nto = '10:00'\nreason = 'x'",
            "to = 10:00 is not after it",
        ),
        ("[[halt]]\nsymbol = 7\nday = 2026-12-01\nreason = 'x'", "gives symbol = 7; that is no text"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(tmp_path: Path, text: str, message: str) -> None:
    path = said(tmp_path, text)
    with pytest.raises(SettingsError, match=message) as refused:
        read_closures(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closures.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_closures(path)
