"""From fired checks to points and to text."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.quality.checks import BY_ID, CHECKS, Severity
from openingbell.quality.score import join_flags, score


def points(*flags: str) -> float:
    frame = pl.DataFrame({"flags": [list(flags)]}, schema={"flags": pl.List(pl.String)})
    return float(frame.select(score(pl.col("flags"))).item())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), 100.0),
        (("V6S",), 100.0),
        (("T1", "K1", "T1X"), 100.0),
        (("P15",), 90.0),
        (("V12",), 70.0),
        (("V11",), 60.0),
        (("K2",), 50.0),
        (("V6S", "V12", "P15"), 63.0),
        (("V11", "V12", "K2", "P15"), 18.9),
        (("V6S", "V11", "K2", "P15"), 27.0),  # the example of docs/quality.md
        (("V4",), 20.0),
        (("V12H", "K2", "P15"), 20.0),
    ],
)
def test_points(flags: tuple[str, ...], expected: float) -> None:
    assert points(*flags) == pytest.approx(expected, abs=1e-12)


@given(st.sets(st.sampled_from([check.id for check in CHECKS])))
def test_the_score_is_the_formula(flags: set[str]) -> None:
    valid = not any(BY_ID[name].severity is Severity.ERROR for name in flags)
    expected = 100 * math.prod(1 - BY_ID[name].deduction for name in flags) if valid else 20.0
    assert points(*flags) == pytest.approx(expected, abs=1e-12)


def test_scores_are_floats_even_without_rows() -> None:
    frame = pl.DataFrame(schema={"flags": pl.List(pl.String)})
    assert frame.select(score(pl.col("flags"))).dtypes == [pl.Float64]


def test_flags_are_stored_as_text() -> None:
    frame = pl.DataFrame({"flags": [[], ["V4"], ["V6S", "P15"]]}, schema={"flags": pl.List(pl.String)})
    assert frame.select(join_flags(pl.col("flags"))).to_series().to_list() == ["", "V4", "V6S,P15"]
