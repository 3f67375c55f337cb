"""What a report looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from openingbell.feeds import TENORS
from openingbell.reporting import render
from openingbell.reporting.figures import Figures, figures
from openingbell.reporting.market import SLOPES
from openingbell.reporting.period import Period
from openingbell.reporting.render import YIELD_NAMES, called, code, count, measure, number, signed, text, things
from openingbell.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture(scope="module")
def page(week: Figures) -> str:
    return render.render(week)


@pytest.mark.parametrize(
    "line",
    [
        "# Market report 2019-W07",
        (
            "Mon 2019-02-11 to Sun 2019-02-17 · 3 trading days · data as of 2019-02-16 01:45 UTC, "
            "loaded 2019-02-16 01:46 UTC"
        ),
        "- **Indexes:** S&P 500 (^GSPC) +2.00 %",
        "- **Breadth** on Fri 2019-02-15: 2 of 2 stocks up, 0 down",
        "- **Movers:** AAA +10.00 %, BBB −4.00 %",
        "- **Data quality:** 3 of 16 rows score below 100; 2 findings",
        "- **Pipeline:** 3 runs, 0 failed, 1 partial",
        "| Index | Before | First close | Close | Change | Change % | Low | High |",
        "| S&P 500 (^GSPC) | 2,500.00 | 2,510.00 | 2,550.00 † | +50.00 | +2.00 | 2,490.00 | 2,551.00 |",
        "| Russell 2000 (^RUT) | 1,500.00 | – | – | – | – | – | – |",
        "*Before* is the close of Fri 2019-02-08.",
        "**Volatility (^VIX):** 14.91, −0.81 points from 15.72.",
        "Of the quality run Q2, over 2019-01-07 to 2019-02-19:",
        "| Crude oil (CLUSD) | −2.00 | 1.00 | 1.00 | +3.00 | – | 1.00 | 1.00 |",
        "| Thu 2019-02-14 | 3 | 2 | 1 | 0 | +0.33 | 2.00 | 5 | 1,000 | 1,005 |",
        "| Fri 2019-02-15 † | 2 | 2 | 0 | 0 | +1.00 | – | 1,234,572 | 0 | 1,234,572 |",
        (
            "Of 2 stocks, by the change from the close of Fri 2019-02-08 to that of Fri 2019-02-15; 2 more cannot be "
            "compared, because one of the two closes is missing."
        ),
        "| AAA | 100.00 | 110.00 | +10.00 | 1,234,567 |",
        "| US Treasury, percent | 2019-02-08 | 2019-02-14 | Change, bp |",
        "| 3 month | 2.43 | 0.00 | −243 |",
        "| 30 year | 2.97 | – | – |",
        "| 10 year less 2 year | 0.18 | 0.16 | −2 |",
        "| `commodity_data` | 2 | 1 | 81.50 | 63.00 |",
        "| `bond_data` | – | 2019-02-15 | 20.00 | V2 |",
        "| `commodity_data` | CLUSD | 2019-02-15 09:00 | 63.00 | V6S,V12,P15 |",
        "| P15 | volume expected | warning | 2 | `commodity_data`, `daily_bars` |",
        r"| WARN | warning | R1 | `daily_bars` | BBB | 2019-02-15 | 1 | 0.125 | 0.1 | close \| bars |",
        "| stock | 15min | missing | 1 | 2 | 52 | 20 |",
        "| extract | 2 | 1 | 1 | 0 | 0 | 1,500 | 3.0 | 2019-02-16 01:00 |",
        "| transform | 1 | 0 | 0 | 0 | 1 | 0 | – | 2019-02-15 16:00 |",
        r"| J3 | extract | PARTIAL | 2019-02-16 01:00 | a \| b c |",
        "| `stock_data_raw` | raw, every version | 2 |",
    ],
)
def test_a_line_of_the_week(page: str, line: str) -> None:
    assert line in page.splitlines()


def test_a_day_needs_no_first_close_and_no_span(friday: Figures) -> None:
    lines = render.render(friday).splitlines()
    assert lines[2].startswith("Fri 2019-02-15 · data as of 2019-02-16 01:45 UTC")
    assert "| Index | Before | Close | Change | Change % | Low | High |" in lines
    assert "| S&P 500 (^GSPC) | 2,525.00 | 2,550.00 † | +25.00 | +0.99 | 2,520.00 | 2,551.00 |" in lines
    assert "**Volatility (^VIX):** 14.91." in lines
    assert "The period has no curve of its own; this is the newest one before it." in lines
    assert "### Worst" not in lines


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_every_row_has_the_cells_of_its_header_and_numbers_are_to_the_right(page: str) -> None:
    blocks = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 14
    for header, rule, *rows in blocks:
        assert re.fullmatch(r"\|(:--\||--:\|)+", rule)
        assert rows
        assert {cells(line) for line in (header, *rows)} == {cells(rule)}
        aligned = rule.strip("|").split("|")
        for row in rows:
            values = [value.strip() for value in re.split(r"(?<!\\)\|", row)[1:-1]]
            for value, side in zip(values, aligned, strict=True):
                assert side == "--:" or not re.fullmatch(r"[+−]?[\d,]+(\.\d+)?", value)


def test_blocks_stand_apart_by_one_blank_line(
    week: Figures, friday: Figures, warehouse: DuckDBWarehouse, fill: Callable[..., DuckDBWarehouse]
) -> None:
    christmas = Period("2018-12-25", date(2018, 12, 25), date(2018, 12, 25))
    with warehouse.read() as reader, fill({}).read() as nothing:
        holiday, empty = figures(reader, christmas), figures(nothing, christmas)
    no_index = replace(week, indexes=(), volatility=None, breadth=(), flags=(), lowest_rows=())
    for page in map(render.render, (week, friday, holiday, empty, no_index)):
        assert "\n\n\n" not in page
        assert page.endswith("|\n")
        lines = page.splitlines()
        assert all(line == line.rstrip() for line in lines)
        for before, line in pairwise(lines):
            is_apart = "" in (before, line)
            assert is_apart or before[:1] == line[:1] or line.startswith("- ") or before.startswith("> ")
            assert is_apart or not line.startswith("#")


def test_a_close_of_another_day_says_which(week: Figures) -> None:
    early = replace(week.indexes[0], close_day=week.days[1])
    page = render.render(replace(week, indexes=(early,)))
    assert "| 2,550.00 † (2019-02-14) |" in page


def test_of_many_findings_and_troubles_the_rest_is_counted(week: Figures) -> None:
    many = replace(week.findings, rows=week.findings.rows[:1] * 1_021)
    runs = replace(week.pipeline, troubles=week.pipeline.troubles * 21)
    page = render.render(replace(week, findings=many, pipeline=runs))
    assert page.count("| FAIL | error | T1 |") == render.LISTED
    assert "And 1,001 more, in `data_quality_log`." in page
    assert page.count("| J3 | extract |") == render.LISTED
    assert "And 1 more, in `elt_job_log`." in page


def test_an_older_run_is_not_passed_off_as_one_of_the_period(week: Figures) -> None:
    page = render.render(replace(week, pipeline=replace(week.pipeline, ran_in_period=False)))
    assert "Nothing ran on the days of the period. This is the newest run of each stage." in page
    assert "- **Pipeline:** nothing ran on the days of the period" in page


def test_a_clean_quality_run_is_not_the_same_as_none(week: Figures) -> None:
    clean = render.render(replace(week, findings=replace(week.findings, rows=())))
    assert "The quality run Q2, over 2019-01-07 to 2019-02-19, found nothing in the period." in clean
    assert "score below 100; 0 findings" in clean
    never = render.render(replace(week, findings=replace(week.findings, run=None, rows=())))
    assert "No quality run has checked this period." in never
    assert "score below 100; not checked by a quality run" in never


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (-0.004, "0.00"),
        (-0.006, "−0.01"),
        (1234567.891, "1,234,567.89"),
        (-1234.5, "−1,234.50"),
    ],
)
def test_numbers(value: float | None, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(None, "–"), (0.0, "0.00"), (0.004, "0.00"), (0.5, "+0.50"), (-0.5, "−0.50")]
)
def test_changes(value: float | None, written: str) -> None:
    assert signed(value) == written


def test_counts_measures_and_things() -> None:
    assert [count(None), count(0), count(1_000)] == ["–", "0", "1,000"]
    assert [measure(None), measure(0.0001), measure(-1234.5), measure(26.0)] == ["–", "0.0001", "−1,234.5", "26"]
    assert [things(0, "run"), things(1, "run"), things(1_000, "run")] == ["0 runs", "1 run", "1,000 runs"]


def test_foreign_text_cannot_break_a_table() -> None:
    assert text("a|b\n| *c* `d` <e> [f] $g$ \\") == r"a\|b \| \*c\* \`d\` \<e> \[f\] \$g\$ " + "\\\\"
    assert (text(None), text("")) == ("–", "–")
    assert (code(["a", "b"]), code([""])) == ("`a`, `b`", "–")


def test_symbols_have_names_where_they_are_known() -> None:
    assert (called("^DJI"), called("GLD")) == ("Dow Jones Industrial Average (^DJI)", "GLD")


def test_every_yield_has_a_name() -> None:
    assert list(YIELD_NAMES) == [*TENORS, *SLOPES]
    assert (YIELD_NAMES["month1"], YIELD_NAMES["year10"]) == ("1 month", "10 year")
