"""The catalogue: what an entry promises, and that tables, settings and documents follow from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openingbell import tables
from openingbell.config import Settings
from openingbell.indicators import CATALOGUE, CUMULATIVE, EXTRAS, WARM_UP, Indicator, columns_of
from openingbell.indicators.bars import Bars
from openingbell.indicators.catalogue import ALL, BOTH, INPUTS
from openingbell.tables.table import PRICE
from tests.indicators.frames import walk

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs" / "indicators.md"
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)


def rows_of(page: str) -> dict[str, list[str]]:
    """The rows of the page's tables of columns, by column."""
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines}


def test_names_are_unique() -> None:
    names = [output.name for entry in CATALOGUE for output in entry.outputs]
    assert len(set(names)) == len(names)
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)


@ENTRIES
def test_an_entry_is_complete(entry: Indicator) -> None:
    assert entry.outputs
    assert entry.source
    assert set(entry.inputs) <= set(INPUTS)
    assert entry.where
    assert set(entry.where) <= set(BOTH)
    assert entry.reach == ALL or max(output.first_bar for output in entry.outputs) <= entry.reach <= WARM_UP
    for output in entry.outputs:
        assert output.doc
        assert output.unit
        assert output.null.startswith("before its first value")


@ENTRIES
def test_a_function_gives_an_array_an_output_and_reads_its_inputs_alone(entry: Indicator) -> None:
    closes = np.array(walk(300))
    whole: dict[str, Any] = {
        "open": closes, "high": closes * 1.01, "low": closes * 0.99, "close": closes, "volume": np.full(300, 5.0),
        "session": np.repeat(np.arange(12, dtype=np.int32), 25),
    }  # fmt: skip
    found = entry.function(Bars(**{name: whole[name] for name in {*entry.inputs, "close"}}))
    assert len(found) == len(entry.outputs)
    for values in found:
        assert values.dtype == np.float64
        assert len(values) <= 300
        assert np.isfinite(values[-1])


@pytest.mark.parametrize("daily", [False, True])
def test_the_tables_have_the_columns_of_the_catalogue(daily: bool) -> None:
    table = tables.TECHNICAL_INDICATORS_DAILY if daily else tables.TECHNICAL_INDICATORS
    columns = columns_of(daily=daily)
    of_outputs = [(output.name, PRICE, output.doc, output.unit, output.null) for output in columns]
    assert [(c.name, c.dtype, c.doc, c.unit, c.null) for c in table.columns[4:-2]] == of_outputs
    assert table.names[:4] == ("asset_class", "symbol", "date", "close")
    assert table.names[-2:] == ("bars_used", "converged")


def test_extras_are_all_that_is_not_core_and_are_the_default_of_the_setting() -> None:
    assert EXTRAS == ("atr", "adx", "stochastic", "obv", "vwap", "roc", "volatility")
    assert Settings.model_validate({}).extra_indicators == EXTRAS
    assert CUMULATIVE == ("obv",)


def test_only_the_daily_table_has_the_year_and_only_the_intraday_one_the_session() -> None:
    daily, intraday = ({output.name for output in columns_of(daily=daily)} for daily in (True, False))
    assert daily - intraday == {"high_252", "low_252"}
    assert intraday - daily == {"vwap_session"}


def test_tables_and_settings_do_not_pay_for_ta_lib() -> None:
    program = "import sys; import openingbell.tables, openingbell.config; print('talib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"


def test_the_page_has_the_columns_in_order_with_unit_and_first_bar() -> None:
    rows = rows_of(DOCS.read_text("utf-8"))
    outputs = {output.name: output for entry in CATALOGUE for output in entry.outputs}
    assert list(rows) == ["close", *outputs, "bars_used", "converged"]
    for name, output in outputs.items():
        _, _, unit, first_bar, null = rows[name]
        assert first_bar == str(output.first_bar), name
        assert unit == output.unit, name
        assert null == output.null_too, name


@ENTRIES
def test_the_page_has_a_section_an_entry_with_source_reach_and_picture(entry: Indicator) -> None:
    sections = DOCS.read_text("utf-8").split("\n### ")[1:]
    [section] = [text for text in sections if text.startswith(f"`{entry.name}`")]
    assert entry.source in section
    assert f"![{entry.name}](indicators/{entry.name}.svg)" in section
    reach = "every bar since the first" if entry.reach == ALL else f"{entry.reach} bars"
    assert f"Reach: {reach}" in section
    where = {"intraday": "15-minute table only", "daily": "daily table only"}
    assert ("table only" in section) == (len(entry.where) == 1)
    assert len(entry.where) == 2 or where[entry.where[0]] in section
