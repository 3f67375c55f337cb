"""Six years of real bars with their splits: no seam is left, and days that were put together are the vendor's own."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell.feeds import BAR_FIELDS, STOCKS
from openingbell.splits import Split
from openingbell.tables import EOD_RAW, STOCK_RAW, Table
from openingbell.transform.basis import Evidence, Verdict, on_one_basis
from openingbell.transform.daily import daily_bars
from openingbell.transform.promote import promote

XNYS = "XNYS"
ANSWERED = datetime(2024, 1, 1)
LAST = date(2023, 9, 8)
SYMBOLS = ("AAPL", "TSLA", "NFLX")


def splits_of(shared_data: Path, symbol: str) -> list[Split]:
    """The splits that lie beside the bars."""
    rows = json.loads((shared_data / "history" / "splits" / f"{symbol}.json").read_text("utf-8"))
    return [Split(symbol, date.fromisoformat(row["date"]), row["numerator"] / row["denominator"]) for row in rows]


def raw(content: bytes, symbol: str, table: Table, basis: str) -> pl.DataFrame:
    """A file of the history as raw rows, all received after it."""
    text = pl.read_csv(content, infer_schema=False)
    is_daily = table is EOD_RAW
    return text.select(
        load_id=pl.lit("a"),
        source_row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        asset_class=pl.lit("stock"),
        symbol=pl.lit(symbol),
        date=pl.col("date").str.to_date() if is_daily else pl.col("date").str.to_datetime(time_unit="us"),
        bar_interval=pl.lit("15min"),
        basis=pl.lit(basis),
        extracted_at=pl.lit(ANSWERED),
        **{name: pl.col(name).cast(pl.Float64) for name in BAR_FIELDS},
    ).select(table.names)


def based(shared_data: Path, symbol: str, table: Table, basis: str) -> tuple[pl.DataFrame, list[Evidence]]:
    """Bars on the basis of the last session."""
    folder = shared_data / "history"
    content = (
        (folder / "eod" / f"{symbol}.csv").read_bytes()
        if table is EOD_RAW
        else gzip.decompress((folder / "15min" / f"{symbol}.csv.gz").read_bytes())
    )
    splits = splits_of(shared_data, symbol)
    return on_one_basis(raw(content, symbol, table, basis), table, {symbol: splits} if splits else {}, {symbol: LAST})


@pytest.mark.parametrize("basis", ["raw", "vendor"])
@pytest.mark.parametrize("table", [STOCK_RAW, EOD_RAW], ids=["15min", "eod"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_ex_date_leaves_a_gap(symbol: str, table: Table, basis: str, shared_data: Path) -> None:
    """Whether the bars are said to be as traded, or nothing is said and the prices have to tell: the first open is
    within 8 % of the close before, and each bar knows by what it was divided.
    """
    rows, evidence = based(shared_data, symbol, table, basis)
    rows = rows.with_columns(day=pl.col("date").cast(pl.Date)).sort("date")
    splits = splits_of(shared_data, symbol)
    for split in splits:
        before = rows.filter(pl.col("day") < split.ex_date)["close"][-1]
        after = rows.filter(pl.col("day") >= split.ex_date)["open"][0]
        assert abs(after / before - 1) < 0.08
    assert [one.verdict for one in evidence] == [Verdict.SEEN] * len(splits)
    factor = pl.lit(1.0)
    for split in splits:
        factor = factor * pl.when(pl.col("day") < split.ex_date).then(split.factor).otherwise(1.0)
    assert rows.select((pl.col("split_factor") == factor).all()).item()
    assert set(rows["split_factor"]) == {"AAPL": {4.0, 1.0}, "TSLA": {15.0, 3.0, 1.0}, "NFLX": {1.0}}[symbol]


@pytest.mark.parametrize(("symbol", "count"), [("AAPL", 1662), ("TSLA", 1665)])
def test_days_put_together_are_the_vendor_s_on_the_basis_of_today_too(
    symbol: str, count: int, shared_data: Path
) -> None:
    """Every price and volume is exactly the same."""
    current, _ = based(shared_data, symbol, STOCK_RAW, "raw")
    official, _ = based(shared_data, symbol, EOD_RAW, "raw")
    bars = promote(current, STOCKS, {symbol: XNYS}, 15, "fold")
    rolled = daily_bars("stock", bars, official.clear(), {symbol: XNYS}, 15)
    vendor = daily_bars("stock", bars.clear(), official, {symbol: XNYS}, 15)
    assert len(rolled) == len(vendor) == count
    columns = ["date", "open", "high", "low", "close", "volume", "split_factor"]
    assert rolled.select(columns).equals(vendor.select(columns))
