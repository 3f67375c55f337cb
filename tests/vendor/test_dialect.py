from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell.vendor import dialect
from openingbell.vendor.source import DIVIDEND_COLUMNS, SPLIT_COLUMNS


def recorded(path: Path) -> pl.DataFrame:
    """A recorded answer as text, oldest first, so that the dialect must restore spelling and order."""
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String()))
    return frame.with_columns(pl.col("date").str.to_date("%Y-%m-%d")).sort("date", maintain_order=True)


def recorded_etag(path: Path) -> str:
    meta = json.loads(path.with_suffix(".meta.json").read_text("utf-8"))
    return str(meta["headers"]["etag"])


def test_daily_bars_are_the_recorded_bytes(shared_data: Path) -> None:
    path = shared_data / "fmp-recorded" / "stable_historical-price-eod-full_AAPL_2023-01.json"
    body = dialect.days_body(recorded(path).drop("symbol"), "AAPL")
    assert body == path.read_bytes()
    assert dialect.etag(body) == recorded_etag(path)


def test_yields_are_the_recorded_bytes(shared_data: Path) -> None:
    path = shared_data / "fmp-recorded" / "stable_treasury-rates_2023-01.json"
    body = dialect.rates_body(recorded(path))
    assert body == path.read_bytes()
    assert dialect.etag(body) == recorded_etag(path)


def test_splits_and_dividends_are_the_recorded_bytes(shared_data: Path) -> None:
    splits = shared_data / "fmp-recorded" / "stable_splits-calendar_2023-01.json"
    dividends = shared_data / "fmp-recorded" / "stable_dividends_AAPL.json"
    assert dialect.actions_body(recorded(splits), SPLIT_COLUMNS) == splits.read_bytes()
    assert dialect.actions_body(recorded(dividends), DIVIDEND_COLUMNS) == dividends.read_bytes()


def test_bars_have_the_recorded_fields_in_order(shared_data: Path) -> None:
    path = shared_data / "fmp-recorded" / "stable_historical-chart-1hour_0700.HK.json"
    rows = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)
    frame = pl.DataFrame(rows).with_columns(pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S")).reverse()
    answer = json.loads(dialect.bars_body(frame), parse_float=str, parse_int=str)
    assert [list(row.items()) for row in answer] == [list(row.items()) for row in rows]


def test_computed_numbers_are_spelled_as_the_vendor_spells_them() -> None:
    frame = pl.DataFrame(
        {
            "date": [datetime(2024, 1, 2, 9, 30)],  # noqa: DTZ001  wall clock
            "open": [437.0],
            "low": [170.3],
            "high": [4600.05],
            "close": [0.0],
            "volume": [None],
        },
        schema_overrides={"volume": pl.Int64},
    )
    assert dialect.bars_body(frame).decode() == (
        '[\n  {\n    "date": "2024-01-02 09:30:00",\n    "open": 437,\n    "low": 170.3,\n    "high": 4600.05,\n'
        '    "close": 0,\n    "volume": null\n  }\n]'
    )


def test_text_that_is_no_number_goes_out_in_quotes() -> None:
    """A replay may hold dirt; the answer must stay JSON and show the dirt."""
    frame = pl.DataFrame(
        {
            "date": [datetime(2024, 1, 2)],  # noqa: DTZ001  wall clock
            "open": ["NaN"],
            "low": [".5"],
            "high": ["+1"],
            "close": ['a"b'],
            "volume": ["1e5"],
        }
    )
    row = json.loads(dialect.bars_body(frame))[0]
    assert list(row.values())[1:] == ["NaN", ".5", "+1", 'a"b', 100000.0]


def test_derived_figures_are_the_vendors_and_not_the_textbooks() -> None:
    days = pl.DataFrame(
        {"date": [date(2023, 1, 10)], "open": ["130.26"], "high": ["131.26"], "low": ["128.12"], "close": ["130.73"]}
    )
    row = dialect.with_derived(days).to_dicts()[0]
    assert (row["change"], row["changePercent"], row["vwap"]) == (0.47, 0.36082, 130.0925)
    falling = days.with_columns(open=pl.lit("130.28"), close=pl.lit("125.07"))
    assert dialect.with_derived(falling)["changePercent"].item() == -4.0


@pytest.mark.parametrize(
    ("refusal", "status", "start"),
    [
        (dialect.invalid_key(), 401, '{\n  "Error Message": "Invalid API KEY.'),
        (
            dialect.restricted("symbol"),
            402,
            "Premium Query Parameter: 'Special Endpoint' : This value set for 'symbol'",
        ),
        (dialect.legacy(), 403, '{\n  "Error Message": "Legacy Endpoint : '),
        (dialect.unknown_path(), 404, "[]"),
        (dialect.query_error("from"), 400, "Query Error: "),
    ],
)
def test_refusals_are_worded_as_the_vendors(refusal: dialect.Refusal, status: int, start: str) -> None:
    assert refusal.status == status
    assert refusal.body.decode().startswith(start)
