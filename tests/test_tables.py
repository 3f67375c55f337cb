"""Tables as they are declared: keys, layers, null rules, what a frame must be to fit, and that their page is true."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell import tables
from openingbell.tables import ANALYTICS, OPERATIONS, RAW, TABLES, Column, Table
from openingbell.tables.table import COUNT, DAY, FLAG, MOMENT, PRICE, TEXT
from scripts.docs import main, pages

REPOSITORY = Path(__file__).resolve().parent.parent
EVERY = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
RESERVED_IN_MYSQL = {
    "change", "column", "condition", "group", "groups", "index", "interval", "key", "keys", "option", "order", "range",
    "rank", "row", "row_number", "table", "values", "when", "window",
}  # fmt: skip
"""Of https://dev.mysql.com/doc/refman/8.4/en/keywords.html, those that a column of market data might be called. `rows`
is one too, but stands in the design; SQL must quote it."""

SAMPLE = Table(
    RAW,
    "sample",
    ("symbol",),
    "",
    (
        Column("symbol", TEXT, ""),
        Column("date", MOMENT, ""),
        Column("day", DAY, "", "", "sometimes"),
        Column("volume", COUNT, "", "", "sometimes"),
        Column("price", PRICE, "", "", "sometimes"),
        Column("flag", FLAG, "", "", "sometimes"),
    ),
)
ROW: dict[str, object] = {
    "symbol": "^GSPC", "date": datetime(2019, 2, 15, 9, 30), "day": date(2019, 2, 15), "volume": 2**62, "price": 0.0,
    "flag": True,
}  # fmt: skip


def frame(**changes: object) -> pl.DataFrame:
    """A frame of the sample table with one row."""
    return pl.DataFrame([ROW], schema=SAMPLE.schema).with_columns(
        **{name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in changes.items()}
    )


def test_table_names_are_unique_over_all_layers() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES) == len(tables.BY_NAME)
    assert {table.layer for table in TABLES} == {RAW, ANALYTICS, OPERATIONS}


@EVERY
def test_the_key_is_of_columns_that_are_never_null(table: Table) -> None:
    assert table.key
    assert set(table.key) <= set(table.names) - table.nullable


@EVERY
def test_the_column_by_which_ranges_are_read_is_there_and_never_null(table: Table) -> None:
    ranged = table.layer in {RAW, ANALYTICS} or table.order != "date"
    assert table.layer == OPERATIONS or table.is_dated or table.name == "instruments"
    assert not ranged or table.order in set(table.names) - table.nullable
    assert not ranged or table.schema.get(table.order, MOMENT) in (MOMENT, DAY, TEXT)


@EVERY
def test_names_are_unique_plain_and_not_reserved(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    for name in (table.name, *table.names):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name not in RESERVED_IN_MYSQL


@EVERY
def test_every_column_has_a_known_type_and_says_what_it_is(table: Table) -> None:
    for column in table.columns:
        assert column.dtype in (TEXT, DAY, MOMENT, PRICE, COUNT, FLAG), column.name
        assert column.doc or column.unit, column.name


@pytest.mark.parametrize("table", [t for t in TABLES if t.layer == RAW], ids=lambda table: table.name)
def test_every_raw_row_leads_back_to_file_line_and_moment(table: Table) -> None:
    assert table.key == ("load_id", "source_row")
    assert {"load_id", "source_row", "extracted_at"} <= set(table.names) - table.nullable
    assert table.versioned
    assert table.bar_key
    assert set(table.bar_key) | set(table.values) | {"load_id", "source_row", "extracted_at"} == set(table.names)


def test_only_raw_tables_keep_versions() -> None:
    assert {table.layer for table in TABLES if table.versioned} == {RAW}


@pytest.mark.parametrize("name", ["stock_data", "index_data", "commodity_data", "bond_data"])
def test_every_promoted_row_leads_back_to_file_and_line(name: str) -> None:
    assert {"load_id", "source_row", "data_quality_score", "dq_flags"} <= set(tables.BY_NAME[name].names)


@pytest.mark.parametrize("name", ["corporate_actions", "restatements"])
def test_what_is_told_of_answers_leads_back_to_file_and_line(name: str) -> None:
    assert {"load_id", "source_row"} <= set(tables.BY_NAME[name].names) - tables.BY_NAME[name].nullable


@pytest.mark.parametrize("name", ["stock_data", "index_data", "commodity_data", "daily_bars"])
def test_the_factor_of_a_bar_is_null_where_its_basis_is_not_known(name: str) -> None:
    """It is nullable as well because a file of the version before has none."""
    assert tables.BY_NAME[name].schema["split_factor"] == PRICE
    assert "split_factor" in tables.BY_NAME[name].nullable


def test_versions_of_an_action_are_those_of_its_symbol_kind_and_day() -> None:
    """Not of the feed that told of it, so that its calendar and its history are one."""
    assert tables.ACTIONS_RAW.bar_key == ("symbol", "kind", "ex_date")
    assert tables.ACTIONS_RAW.values == ("numerator", "denominator", "amount")
    assert tables.CORPORATE_ACTIONS.key == ("symbol", "ex_date", "kind")


def test_prices_are_never_required_and_always_64_bits() -> None:
    for table in TABLES:
        for name in {"open", "high", "low", "close", "volume"} & set(table.names):
            assert name in table.nullable
            assert table.schema[name] in (pl.Float64(), pl.Int64())


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("stock_data", "symbol date open high low close volume price_change_pct avg_price volatility relative_volume"),
        ("bond_data", "date month1 month2 month3 month6 year1 year2 year3 year5 year7 year10 year20 year30"),
        ("technical_indicators", "sma_20 ema_26 macd_line macd_signal rsi_14 bb_upper bb_position bars_used converged"),
        ("daily_aggregates", "advancing_stocks market_breadth advance_decline_ratio total_volume is_final"),
        ("market_summary", "sp500_close dow_change nasdaq_change_pct market_sentiment volatility_index yield_10y"),
        ("elt_job_log", "job_id job_type status started_at finished_at records_processed error_message details"),
        ("loads", "load_id sha256 rows loaded_at transformed_at"),
        ("corporate_actions_raw", "symbol ex_date kind numerator denominator amount extracted_at"),
        ("corporate_actions", "symbol ex_date kind numerator denominator amount state vendor_adjusted_at"),
        ("restatements", "asset_class symbol bar_interval date extracted_at kind ratio largest_change_pct"),
    ],
)
def test_names_that_users_query_stay(name: str, columns: str) -> None:
    assert set(columns.split()) <= set(tables.BY_NAME[name].names)


@EVERY
def test_an_empty_table_conforms_to_itself(table: Table) -> None:
    assert table.conform(table.empty()).schema == table.schema


def test_a_frame_is_brought_to_the_order_of_the_table_and_what_else_it_has_is_left() -> None:
    shuffled = frame(extra=1).select(reversed(frame(extra=1).columns))
    assert SAMPLE.conform(shuffled).equals(frame())


def test_narrower_numbers_and_untyped_nulls_are_brought_to_the_type_of_the_table() -> None:
    narrow = frame(volume=pl.lit(5, pl.Int32), price=pl.lit(0.5, pl.Float32), flag=pl.lit(None), day=pl.lit(None))
    assert SAMPLE.conform(narrow).schema == SAMPLE.schema
    assert SAMPLE.conform(narrow).row(0)[2:] == (None, 5, 0.5, None)


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="volume"):
        SAMPLE.conform(frame().drop("volume"))


def test_a_null_where_none_may_be_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^sample allows no nulls in date, symbol$"):
        SAMPLE.conform(frame(symbol=pl.lit(None, TEXT), date=pl.lit(None, MOMENT), price=pl.lit(None, PRICE)))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused_by_name(number: float) -> None:
    with pytest.raises(ValueError, match="sample allows no NaN and no infinity in price; missing is null"):
        SAMPLE.conform(pl.concat([frame(), frame(price=number), frame(price=pl.lit(None, PRICE))]))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("volume", pl.lit(1.5)),
        ("price", pl.lit(2**53 + 1, pl.Int64)),
        ("day", pl.lit(datetime(2019, 2, 15, 9, 30))),
        ("date", pl.lit(1_550_241_000_000_000_001).cast(pl.Datetime("ns"))),
    ],
)
def test_a_cast_that_would_change_a_value_is_refused(column: str, value: pl.Expr) -> None:
    with pytest.raises(ValueError, match=f"sample cannot hold the values of {column} exactly"):
        SAMPLE.conform(frame(**{column: value}))


def test_text_that_is_no_number_is_refused() -> None:
    with pytest.raises(pl.exceptions.PolarsError, match="conversion"):
        SAMPLE.conform(frame(volume="many"))


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1), st.text())
def test_values_of_the_right_type_pass_unchanged(price: float, volume: int, symbol: str) -> None:
    given_frame = frame(price=pl.lit(price), volume=pl.lit(volume, COUNT), symbol=symbol)
    assert SAMPLE.conform(given_frame).equals(given_frame)


def test_the_page_of_tables_is_what_the_code_says() -> None:
    """If this fails: python scripts/docs.py."""
    assert (REPOSITORY / "docs/tables.md").read_text("utf-8") == pages()["docs/tables.md"]


@EVERY
def test_the_page_shows_every_column_with_type_unit_and_null_rule(table: Table) -> None:
    section = pages()["docs/tables.md"].split(f"\n### {table.name}\n")[1].split("\n## ")[0].split("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"`{name}`" for name in table.names]
    assert f"Key: {', '.join(f'`{name}`' for name in table.key)}." in section
    for column in table.columns:
        assert column.null in section
        assert column.unit in section


def test_the_start_of_the_page_names_every_layer_and_table() -> None:
    start = pages()["docs/tables.md"].split("\n## ")[0]
    assert [line.split(" | ")[:2] for line in start.splitlines() if line.startswith("| ")][2:] == [
        [f"| {table.layer}", f"[{table.name}](#{table.name})"] for table in TABLES
    ]


def test_pages_are_the_same_every_time_and_in_every_process() -> None:
    program = (
        "import hashlib; from scripts.docs import pages; print(hashlib.sha256(repr(pages()).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_the_generator_says_which_page_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr("scripts.docs.ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "docs/tables.md").write_text("old", "utf-8")
    capsys.readouterr()
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/tables.md is not what the code says; run python scripts/docs.py\n"
    assert main(["--chek"]) == 2
