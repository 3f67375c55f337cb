"""Corporate actions: what became of each."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
import pytest

from openingbell.splits import Split
from openingbell.tables import ACTIONS_RAW
from openingbell.transform.actions import corporate_actions
from openingbell.transform.basis import Evidence, Verdict

EX = date(2024, 1, 10)
LATER = date(2024, 1, 11)
SEEN, UNSEEN, NOT = Verdict.SEEN, Verdict.UNSEEN, Verdict.CONTRADICTED
FIRST, SECOND = datetime(2024, 1, 10, 22), datetime(2024, 1, 11, 22)


def state(
    numbers: tuple[float | None, float | None] = (4.0, 1.0),
    evidence: Sequence[tuple[Verdict, datetime | None]] = (),
    *,
    last: date | None = LATER,
    kind: str = "split",
) -> tuple[str, datetime | None]:
    """State and moment of one action of X."""
    row = {"load_id": "a", "source_row": 1, "symbol": "X", "ex_date": EX, "kind": kind, "numerator": numbers[0],
           "denominator": numbers[1], "amount": None, "extracted_at": FIRST}  # fmt: skip
    found = [Evidence(Split("X", EX, 4.0), verdict, at) for verdict, at in evidence]
    made = corporate_actions(pl.DataFrame([row], schema=ACTIONS_RAW.schema), found, {} if last is None else {"X": last})
    return made.select("state", "vendor_adjusted_at").row(0)


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [([], "applied"), ([SEEN], "applied"), ([UNSEEN], "applied"), ([NOT], "contradicted"), ([NOT, SEEN], "applied"),
     ([NOT, UNSEEN], "contradicted")],
)  # fmt: skip
def test_a_split_that_has_come_is_applied_unless_the_prices_say_no(verdicts: list[Verdict], wanted: str) -> None:
    assert state(evidence=[(verdict, None) for verdict in verdicts])[0] == wanted


@pytest.mark.parametrize(("last", "wanted"), [(None, "announced"), (date(2024, 1, 9), "announced"), (EX, "applied")])
def test_a_split_is_announced_until_there_is_a_bar_of_its_day(last: date | None, wanted: str) -> None:
    assert state(last=last)[0] == wanted


@pytest.mark.parametrize("numbers", [(1.0, 0.0), (0.0, 1.0), (-4.0, 1.0), (None, 1.0), (4.0, None), (1e308, 1e-308)])
def test_a_split_without_a_ratio_is_invalid(numbers: tuple[float | None, float | None]) -> None:
    assert state(numbers) == ("invalid", None)


def test_a_dividend_is_recorded_whatever_the_bars_say() -> None:
    assert state((None, None), [(NOT, FIRST)], kind="dividend") == ("recorded", None)


def test_the_vendor_s_adjustment_is_that_of_the_intraday_bars_where_they_show_it() -> None:
    assert state(evidence=[(SEEN, FIRST), (SEEN, SECOND)])[1] == FIRST
    assert state(evidence=[(SEEN, None), (SEEN, SECOND)])[1] == SECOND


def test_no_actions_are_no_rows() -> None:
    assert corporate_actions(ACTIONS_RAW.empty(), [], {}).is_empty()
