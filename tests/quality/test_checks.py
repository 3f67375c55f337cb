"""The catalogue, its documentation, and the two forms of a row's fired checks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.quality.checks import BIT, BY_ID, CHECKS, ERROR_MASK, Check, Severity, flags_of, mask_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "quality.md"
IDS = [check.id for check in CHECKS]


def documented(check: Check) -> str:
    """The row of docs/quality.md that says of a check what the code says."""
    deduction = "to 20" if check.severity is Severity.ERROR else f"{check.deduction:.2f}"
    return f"| {check.id} | {check.name} | {check.severity} | {deduction} | {check.doc} |"


def test_the_documented_table_is_the_catalogue() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    header = rows.index("| Id | Name | Severity | Deduction | Passes when |")
    assert rows[header + 1 : header + 1 + len(CHECKS)] == [documented(check) for check in CHECKS]


def test_ids_are_unique_and_found() -> None:
    assert len(set(IDS)) == len(IDS) == len(BY_ID)
    assert all(BY_ID[check.id] is check for check in CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_only_warnings_deduct(check: Check) -> None:
    """An error takes the row to 20 by itself, information takes nothing."""
    assert (check.deduction > 0) == (check.severity is Severity.WARNING)
    assert 0 <= check.deduction < 1


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_the_error_mask_holds_the_errors(check: Check) -> None:
    assert bool(ERROR_MASK & BIT[check.id]) == (check.severity is Severity.ERROR)


def test_deductions_are_those_of_the_score_model() -> None:
    assert {check.id: check.deduction for check in CHECKS if check.deduction} == {
        "V11": 0.40,
        "V12": 0.30,
        "K2": 0.50,
        "P15": 0.10,
    }


@given(st.lists(st.sets(st.sampled_from(IDS)), max_size=8))
def test_masks_and_lists_say_the_same(rows: list[set[str]]) -> None:
    """To the mask and back gives the same ids, in the catalogue's order, whatever their order was."""
    flags = pl.Series("flags", [sorted(row) for row in rows], dtype=pl.List(pl.String))
    masks = flags.to_frame().select(mask_of(pl.col("flags"))).to_series()
    assert flags_of(masks).to_list() == [[name for name in IDS if name in row] for row in rows]
    assert flags_of(masks).dtype == pl.List(pl.String)


def test_ids_of_others_are_ignored_by_the_mask() -> None:
    frame = pl.DataFrame({"flags": [["R1", "V2"]]})
    assert frame.select(mask_of(pl.col("flags"))).item() == BIT["V2"]
