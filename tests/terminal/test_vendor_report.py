"""The report of the vendor, as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from openingbell import terminal
from openingbell.operations.vendor_report.view import DELAYS, HOLES, REVISIONS, VendorReport
from openingbell.terminal import vendor_report
from openingbell.terminal.vendor_report import show_report

Rows = Sequence[tuple[object, ...]]
DELAY_ROWS = [
    ("stocks", 1_560, 3, 60, 0, 120, 120, 1_020, 120, 1_020, 630.0, "learned"),
    ("eod", 0, 0, 0, None, None, None, None, None, None, 60.0, "default"),
]
REVISION_ROWS = [("stocks", "up to 1 hour", 2_000, 0), ("stocks", "1 to 7 days", 400, 3), ("eod", "1 to 7 days", 10, 1)]
HOLE_ROWS = [
    ("stocks", "complete", 1_566, 0), ("stocks", "halted", 1_566, 2), ("stocks", "empty", 1_566, 4),
    ("eod", "complete", 6, 0),
]  # fmt: skip


def report(delays: Rows, revisions: Rows, holes: Rows) -> VendorReport:
    return VendorReport(
        first=date(2026, 2, 10),
        delays=pl.DataFrame(delays, schema=DELAYS, orient="row"),
        revisions=pl.DataFrame(revisions, schema=REVISIONS, orient="row"),
        holes=pl.DataFrame(holes, schema=HOLES, orient="row"),
    )


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What is shown on a terminal of 80 columns."""
    written = StringIO()
    console = Console(file=written, width=80, highlight=False)
    monkeypatch.setattr(terminal, "out", console)
    monkeypatch.setattr(vendor_report, "out", console)
    return written


def test_a_feed_has_a_line_in_each_table(shown: StringIO) -> None:
    show_report(report(DELAY_ROWS, REVISION_ROWS, HOLE_ROWS))
    assert [line.rstrip() for line in shown.getvalue().splitlines()] == [
        "since 2026-02-10 (UTC)",
        "",
        "delay after end   bars  sessions    late  50 % by      90 % by      99 % by",
        "stocks           1,560         3  3.85 %    120 s  120–1,020 s  120–1,020 s",
        "eod                  0         0       –        –            –            –",
        "",
        "feed delay",
        "stocks      630 s  learned",
        "eod          60 s  default",
        "",
        "changed when read again     up to 1 hour    1 to 7 days",
        "stocks                   0.00 % of 2,000  0.75 % of 400",
        "eod                                    –  10.00 % of 10",
        "",
        "holes   bars expected  lacking          of these",
        "stocks          1,566        6  0.38 %  2 halted, 4 empty",
        "eod                 6        0  0.00 %",
    ]


def test_where_nothing_was_seen_that_is_said(shown: StringIO) -> None:
    show_report(report([], [], []))
    assert "no bar was read again" in shown.getvalue()
