"""The yield curve: zero is a yield, a missing tenor is none, and the Treasury's own days stay what they are."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.feeds import TENORS
from openingbell.tables import BOND, BOND_RAW
from openingbell.transform.bonds import promote_bonds

DAY = date(2019, 2, 15)
FLAT: dict[str, float | None] = dict.fromkeys(TENORS, 2.5)


def curves(*rows: dict[str, float | None], conflicting: bool = False) -> pl.DataFrame:
    """Current versions of curves of one day each, from 2019-02-15 backwards."""
    facts = [
        {
            "load_id": "a",
            "source_row": number + 1,
            "date": date.fromordinal(DAY.toordinal() - number),
            "extracted_at": datetime(2019, 3, 1),
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(facts, schema=BOND_RAW.schema).with_columns(conflicting=pl.lit(conflicting))


def test_slope_and_spread_are_differences_of_tenors() -> None:
    """2.66 − 2.52 and 2.66 − 2.43, the Treasury's figures of 2019-02-15."""
    curve = promote_bonds(curves({**FLAT, "year10": 2.66, "year2": 2.52, "month3": 2.43})).row(0, named=True)
    assert curve["yield_curve_slope"] == pytest.approx(0.14)
    assert curve["term_spread"] == pytest.approx(0.23)
    assert (curve["data_quality_score"], curve["dq_flags"]) == (100.0, "")
    assert (curve["load_id"], curve["source_row"]) == ("a", 1)


def test_a_yield_of_zero_is_a_yield() -> None:
    curve = promote_bonds(curves(dict.fromkeys(TENORS, 0.0))).row(0, named=True)
    assert [curve[tenor] for tenor in TENORS] == [0.0] * 12
    assert (curve["yield_curve_slope"], curve["term_spread"], curve["dq_flags"]) == (0.0, 0.0, "")


@pytest.mark.parametrize(
    ("missing", "slope", "spread"), [("year10", True, True), ("year2", True, False), ("month3", False, True)]
)
def test_a_missing_tenor_leaves_null_what_needs_it(missing: str, slope: bool, spread: bool) -> None:
    curve = promote_bonds(curves({**FLAT, missing: None})).row(0, named=True)
    assert (curve[missing], curve["dq_flags"]) == (None, "")
    assert ((curve["yield_curve_slope"] is None), (curve["term_spread"] is None)) == (slope, spread)


def test_a_day_without_a_single_tenor_fails() -> None:
    nothing = dict.fromkeys(TENORS)
    made = promote_bonds(curves(nothing, {**nothing, "month1": 0.0}))
    assert made.select("date", "dq_flags", "data_quality_score").rows() == [
        (date(2019, 2, 14), "", 100.0),
        (DAY, "V2", 20.0),
    ]


def test_an_answer_that_contradicts_itself_is_marked() -> None:
    curve = promote_bonds(curves(FLAT, conflicting=True)).row(0, named=True)
    assert (curve["dq_flags"], curve["data_quality_score"]) == ("K2", 50.0)


def test_nothing_gives_nothing() -> None:
    assert promote_bonds(curves()).equals(BOND.empty())


def test_the_treasury_s_own_days(shared_data: Path) -> None:
    """289 days of 2018 and 2019: the two-month bill did not exist until 2018-10-16 and the source lacks it after that
    too; all else is there, and the curve was not inverted between two and ten years.
    """
    records = json.loads((shared_data / "replay" / "treasury" / "treasury-rates.json").read_text("utf-8"))
    raw = pl.DataFrame(records, infer_schema_length=None).select(
        pl.lit("a").alias("load_id"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("source_row"),
        pl.col("date").str.slice(0, 10).str.to_date(),
        *(pl.col(tenor).cast(pl.Float64) for tenor in TENORS),
        pl.lit(datetime(2019, 3, 1)).alias("extracted_at"),
        pl.lit(value=False).alias("conflicting"),
    )
    made = promote_bonds(raw)
    assert len(made) == 289
    assert made["month2"].null_count() == 289
    assert sum(made[tenor].null_count() for tenor in TENORS if tenor != "month2") == 0
    assert set(made["dq_flags"]) == {""}
    assert made["date"].is_sorted()
    assert made.filter(pl.col("yield_curve_slope") <= 0).is_empty()
    day = made.filter(pl.col("date") == DAY).row(0, named=True)
    assert (day["month3"], day["year2"], day["year10"], day["year30"]) == (2.43, 2.52, 2.66, 3.00)


RATE = st.one_of(st.none(), st.just(0.0), st.floats(-1, 20))


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(TENORS, RATE)), max_size=8))
def test_no_yield_is_changed_and_no_day_lost(rows: list[dict[str, float | None]]) -> None:
    made = promote_bonds(curves(*rows)).reverse()
    assert made.select(TENORS).rows() == [tuple(row[tenor] for tenor in TENORS) for row in rows]
    for row, curve in zip(rows, made.iter_rows(named=True), strict=True):
        long, two = row["year10"], row["year2"]
        assert curve["yield_curve_slope"] == (None if long is None or two is None else long - two)
        assert (curve["dq_flags"] == "V2") == all(value is None for value in row.values())
