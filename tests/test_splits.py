"""Splits: what is a ratio, and which of the corporate actions are splits that change prices."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.splits import Split, factor_of, splits_of

DAY, LATER = date(2020, 8, 31), date(2022, 8, 25)


def actions(*rows: tuple[str, date, str, float | None, float | None]) -> pl.DataFrame:
    schema = {
        "symbol": pl.String(), "ex_date": pl.Date(), "kind": pl.String(),
        "numerator": pl.Float64(), "denominator": pl.Float64(),
    }  # fmt: skip
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(amount=pl.lit(None, pl.Float64))


@pytest.mark.parametrize(
    ("numerator", "denominator", "factor"),
    [
        (4.0, 1.0, 4.0),
        (3.0, 2.0, 1.5),
        (1.0, 10.0, 0.1),
        (1.0, 1.0, 1.0),
        (1998.0, 1000.0, 1.998),
        (1.0, 0.0, None),
        (0.0, 1.0, None),
        (0.0, 0.0, None),
        (-4.0, 1.0, None),
        (4.0, -1.0, None),
        (-4.0, -1.0, None),
        (None, 1.0, None),
        (4.0, None, None),
        (None, None, None),
        (math.nan, 1.0, None),
        (1.0, math.nan, None),
        (math.inf, 1.0, None),
        (1.0, math.inf, None),
        (math.inf, math.inf, None),
        (1e308, 1e-308, None),
        (1e-308, 1e308, None),
    ],
)
def test_a_factor_is_the_shares_that_one_became_or_none(
    numerator: float | None, denominator: float | None, factor: float | None
) -> None:
    assert factor_of(numerator, denominator) == factor


@given(st.none() | st.floats(), st.none() | st.floats())
def test_a_factor_is_always_a_number_that_prices_can_be_divided_by(
    numerator: float | None, denominator: float | None
) -> None:
    factor = factor_of(numerator, denominator)
    assert factor is None or (math.isfinite(factor) and factor > 0)


def test_splits_are_those_with_a_ratio_other_than_one_by_symbol_and_day() -> None:
    found = splits_of(
        actions(
            ("TSLA", LATER, "split", 3.0, 1.0),
            ("TSLA", DAY, "split", 5.0, 1.0),
            ("AAPL", DAY, "split", 4.0, 1.0),
            ("AAPL", DAY, "dividend", None, None),
            ("KO", DAY, "dividend", 2.0, 1.0),
            ("SAME", DAY, "split", 1.0, 1.0),
            ("ZERO", DAY, "split", 1.0, 0.0),
            ("NONE", DAY, "split", None, 1.0),
        )
    )
    assert found == (Split("AAPL", DAY, 4.0), Split("TSLA", DAY, 5.0), Split("TSLA", LATER, 3.0))


def test_without_actions_there_are_no_splits() -> None:
    assert splits_of(actions()) == ()
