"""The checks of `bell doctor`, for people."""

from __future__ import annotations

from collections.abc import Iterable

from openingbell.operations.doctor import Check, Verdict
from openingbell.terminal import grid_of, out

COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILURE: "red"}


def show_checks(checks: Iterable[Check]) -> None:
    """One line a check."""
    table = grid_of("check", "", "found", "what to do")
    for check in checks:
        found, advice = (text.replace("[", r"\[") for text in (check.found, check.advice))
        table.add_row(check.name, f"[{COLOURS[check.verdict]}]{check.verdict}[/]", found, advice)
    out.print(table)
