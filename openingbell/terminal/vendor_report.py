"""`bell vendor-report`, for people."""

from __future__ import annotations

import polars as pl

from openingbell.operations.vendor_report.revisions import AGE_NAMES
from openingbell.operations.vendor_report.view import SHARES, VendorReport
from openingbell.terminal import grid_of, out, say

NONE = "–"


def show_report(report: VendorReport) -> None:
    """Delays, revisions by age and holes, a line a feed each; what was not observed is a dash."""
    say(f"since {report.first} (UTC)")
    _show_delays(report.delays)
    _show_taken(report.delays)
    _show_revisions(report.revisions)
    _show_holes(report.holes)


def _show_delays(delays: pl.DataFrame) -> None:
    heads = [f"{name[1:]} % by" for name in SHARES]
    table = grid_of("delay after end", "bars", "sessions", "late", *heads, right=range(1, 4 + len(SHARES)))
    for row in delays.iter_rows(named=True):
        table.add_row(
            row["feed"], f"{row['bars']:,}", f"{row['sessions']:,}", _share(row["late"], row["bars"]),
            *(_between(row[f"{name}_over"], row[f"{name}_at_most"]) for name in SHARES),
        )  # fmt: skip
    out.print()
    out.print(table)


def _show_taken(delays: pl.DataFrame) -> None:
    """The delays that the pipeline reckons with."""
    out.print()
    table = grid_of("feed delay", "", "", right=(1,))
    for row in delays.iter_rows(named=True):
        table.add_row(row["feed"], f"{row['feed_delay']:,g} s", row["said_by"])
    out.print(table)


def _show_revisions(revisions: pl.DataFrame) -> None:
    out.print()
    if revisions.is_empty():
        say("no bar was read again")
        return
    ages = [name for name in AGE_NAMES if name in revisions["age"].to_list()]
    table = grid_of("changed when read again", *ages, right=range(1, 1 + len(ages)))
    for (feed,), rows in revisions.group_by("feed", maintain_order=True):
        cells = {age: _of(changed, again) for age, again, changed in rows.drop("feed").iter_rows()}
        table.add_row(str(feed), *(cells.get(age, NONE) for age in ages))
    out.print(table)


def _show_holes(holes: pl.DataFrame) -> None:
    out.print()
    table = grid_of("holes", "bars expected", "lacking", "", "of these", right=(1, 2, 3))
    for (feed,), rows in holes.group_by("feed", maintain_order=True):
        lacking, expected = int(rows["bars_lacking"].sum()), int(rows["bars_expected"][0])
        states = rows.filter(pl.col("bars_lacking") > 0)
        excuses = ", ".join(f"{count:,} {state}" for state, count in states.select("state", "bars_lacking").iter_rows())
        table.add_row(str(feed), f"{expected:,}", f"{lacking:,}", _share(lacking, expected), excuses)
    out.print(table)


def _between(over: int | None, at_most: int | None) -> str:
    """Between which ages; where nobody looked sooner, only the later one."""
    if at_most is None:
        return NONE
    return f"{over:,}–{at_most:,} s" if over else f"{at_most:,} s"


def _of(changed: int, again: int) -> str:
    return f"{_share(changed, again)} of {again:,}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.2f} %" if whole else NONE
