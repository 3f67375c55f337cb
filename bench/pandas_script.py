"""The same job as a competent user of pandas would write it in an afternoon: CSV in, SQLite tables out.

It reads the landed CSV with given types, keeps the newest answer of each bar, checks and scores the bars with whole
columns, computes change and relative volume, the indicators with grouped rolling and ewm windows (seeded as pandas
seeds them), daily bars from the bars of each session under the official ones, the same indicators over days, and
breadth; and writes every table with `to_sql`, into SQLite, because it needs no server. There are two ways to do that:

    engine   through an SQLAlchemy engine, as pandas' documentation writes it and as every other database needs it; with
             `--url` into any database, such as mysql+pymysql://…
    driver   through the standard library's driver, with the journal off: SQLite alone, and the quickest that was found
             (method "multi" is slower in both)

It leaves out what Openingbell also does: versions beside the newest, splits, exact recomputation from a tail,
quarantine, and calendars other than New York's. So it does rather less than what it is compared with.

    python bench/pandas_script.py DATA_EXTRACTS DATABASE [--by driver]
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas_market_calendars as market_calendars

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure

CHUNK = 50_000
PRICES = ["open", "high", "low", "close"]
TYPES: Any = {"symbol": "string", **dict.fromkeys([*PRICES, "volume"], "float64")}
ERRORS = ["V2", "V3", "V4", "V5", "V6", "V10", "V12H"]
WARNINGS = {"V11": 0.40, "V12": 0.30, "P15": 0.10}
"""What a check that is no error takes off the score."""

Frame = Any
"""A pandas frame: pandas ships no types."""


def main() -> None:
    """Do the job once and tell how long it took."""
    arguments = argparse.ArgumentParser(description="CSV to SQLite with pandas.")
    arguments.add_argument("extracts", type=Path)
    arguments.add_argument("database", type=Path)
    arguments.add_argument("--url", help="the database of the engine; default: SQLite in DATABASE")
    arguments.add_argument("--by", choices=("engine", "driver"), default="engine")
    asked = arguments.parse_args()
    begun = time.perf_counter()
    rows = run(asked.extracts, asked.database, by=asked.by, url=asked.url)
    measure.tell(work_seconds=time.perf_counter() - begun, rows=rows)


def run(extracts: Path, database: Path, *, by: str = "driver", url: str | None = None) -> int:
    """Fill the database; rows written."""
    raw, official = read(extracts / "stocks", "15min"), read(extracts / "eod", "1day")
    bars = promoted(raw)
    days = daily(bars, official)
    tables = {
        "stock_data_raw": raw,
        "eod_data_raw": official,
        "stock_data": bars.drop(columns=["open_utc", "close_utc", "bar_interval", "basis", "answered_at"]),
        "technical_indicators": indicators(bars),
        "daily_bars": days,
        "technical_indicators_daily": indicators(days, daily=True),
        "daily_aggregates": breadth(days),
    }
    if by == "engine":
        _by_engine(tables, url or f"sqlite:///{database}")
    else:
        _by_driver(tables, database)
    return sum(map(len, tables.values()))


def _by_engine(tables: dict[str, Frame], url: str) -> None:
    import sqlalchemy  # noqa: PLC0415  only this way needs it

    with sqlalchemy.create_engine(url).begin() as connection:
        for name, table in tables.items():
            table.to_sql(name, connection, index=False, if_exists="replace", chunksize=CHUNK)


def _by_driver(tables: dict[str, Frame], database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        for name, table in tables.items():
            table.to_sql(name, connection, index=False, if_exists="replace", chunksize=CHUNK)
        connection.commit()


def read(folder: Path, interval: str) -> Frame:
    """All files of a feed, typed, with where each row came from, the newest answer of each bar."""
    frames = []
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path, dtype=TYPES, parse_dates=["date"])
        frames.append(frame.assign(load_id=path.stem, source_row=np.arange(1, len(frame) + 1)))
    rows = pd.concat(frames, ignore_index=True).assign(bar_interval=interval, basis="vendor")
    rows["answered_at"] = pd.to_datetime(rows["answered_at"], format="ISO8601")
    rows = rows.sort_values(["symbol", "date", "answered_at"])
    return rows.drop_duplicates(["symbol", "date"], keep="last").reset_index(drop=True)


def promoted(raw: Frame) -> Frame:
    """Bars with session, checks, score and what follows from prices, sorted by symbol and date."""
    bars = raw.copy()
    bars["session"] = bars["date"].dt.normalize()
    local = bars["date"].dt.tz_localize("America/New_York")
    bars["date_utc"] = local.dt.tz_convert("UTC")
    calendar = market_calendars.get_calendar("XNYS").schedule(bars["session"].min(), bars["session"].max())
    schedule = pd.DataFrame(
        {
            "session": calendar.index,
            "open_utc": calendar["market_open"].array,
            "close_utc": calendar["market_close"].array,
        }
    )
    bars = bars.merge(schedule, on="session", how="left")
    bars["data_quality_score"], bars["dq_flags"] = scored(bars, minutes=15)

    by_symbol = bars.groupby("symbol", sort=False)
    before = by_symbol["close"].shift()
    bars["price_change"] = bars["close"] - before
    bars["price_change_pct"] = bars["price_change"] / before * 100
    bars["avg_price"] = (bars["high"] + bars["low"] + bars["close"]) / 3
    bars["volatility"] = (bars["high"] - bars["low"]) / bars["close"] * 100
    slot = (bars["date_utc"] - bars["open_utc"]).dt.total_seconds()
    usual = (
        bars.assign(slot=slot)
        .groupby(["symbol", "slot"], sort=False)["volume"]
        .rolling(20, min_periods=5, closed="left")
        .mean()
    )
    bars["relative_volume"] = bars["volume"] / usual.droplevel([0, 1])
    return bars


def scored(bars: Frame, *, minutes: int | None) -> tuple[Frame, Frame]:
    """Score and ids of the checks that fired, for every row."""
    highest, lowest = bars[PRICES].max(axis=1), bars[PRICES].min(axis=1)
    slack = 1e-6 * bars["close"].abs()
    fired = {
        "V2": bars[PRICES].isna().any(axis=1),
        "V3": lowest <= 0,
        "V4": bars["high"] < highest - slack,
        "V5": bars["low"] > lowest + slack,
        "V6": (bars["volume"] < 0) | (bars["volume"] >= 1e12),
        "P15": bars["volume"].isna(),
        "V12H": bars["open_utc"].isna() if minutes else bars["symbol"].isna(),
    }
    if minutes:
        length = pd.Timedelta(minutes=minutes)
        end = bars["date_utc"] + length
        fired["V10"] = (bars["date_utc"] - bars["open_utc"]) % length != pd.Timedelta(0)
        fired["V11"] = end > bars["answered_at"] + pd.Timedelta(seconds=60)
        fired["V12"] = (bars["date_utc"] < bars["open_utc"]) | (bars["date_utc"] >= bars["close_utc"])
    score = pd.Series(100.0, index=bars.index)
    flags = pd.Series("", index=bars.index, dtype="string")
    for name, deduction in WARNINGS.items():
        if name in fired:
            score = score.where(~fired[name], score * (1 - deduction))
    for name, offends in fired.items():
        if offends.any():
            flags = flags.where(~offends, flags + name + ",")
            if name in ERRORS:
                score = score.where(~offends, 20.0)
    return score, flags


def indicators(bars: Frame, *, daily: bool = False) -> Frame:
    """The indicators of every symbol, one row a bar; what a day has and a bar has not, and the other way round."""
    symbol = bars["symbol"]
    by_symbol = bars.groupby("symbol", sort=False)
    close, high, low, volume = by_symbol["close"], bars["high"], bars["low"], bars["volume"]
    out = bars[["symbol", "date", "close"]].assign(asset_class="stock")

    def rolling(values: Frame, length: int) -> Frame:
        return values.groupby(symbol, sort=False).rolling(length)

    def wilder(values: Frame) -> Frame:
        means = values.groupby(symbol, sort=False).ewm(alpha=1 / 14, adjust=False, min_periods=14)
        return means.mean().droplevel(0)

    for length in (20, 50, 200):
        out[f"sma_{length}"] = close.rolling(length).mean().droplevel(0)
    for length in (12, 26):
        out[f"ema_{length}"] = close.ewm(span=length, adjust=False, min_periods=length).mean().droplevel(0)
    out["macd_line"] = out["ema_12"] - out["ema_26"]
    line = out.groupby("symbol", sort=False)["macd_line"]
    out["macd_signal"] = line.ewm(span=9, adjust=False, min_periods=9).mean().droplevel(0)
    out["macd_histogram"] = out["macd_line"] - out["macd_signal"]
    change = close.diff()
    gains, losses = wilder(change.clip(lower=0)), wilder(-change.clip(upper=0))
    out["rsi_14"] = 100 - 100 / (1 + gains / losses)
    deviation = close.rolling(20).std(ddof=0).droplevel(0)
    out["bb_upper"] = out["sma_20"] + 2 * deviation
    out["bb_middle"] = out["sma_20"]
    out["bb_lower"] = out["sma_20"] - 2 * deviation
    out["bb_width"] = (out["bb_upper"] - out["bb_lower"]) / out["bb_middle"] * 100
    out["bb_position"] = (out["close"] - out["bb_lower"]) / (out["bb_upper"] - out["bb_lower"])

    before = close.shift()
    true_range = np.maximum(high, before) - np.minimum(low, before)
    out["atr_14"] = wilder(true_range)
    up, down = by_symbol["high"].diff(), -by_symbol["low"].diff()
    out["plus_di_14"] = 100 * wilder(up.where((up > down) & (up > 0), 0.0)) / out["atr_14"]
    out["minus_di_14"] = 100 * wilder(down.where((down > up) & (down > 0), 0.0)) / out["atr_14"]
    apart = (out["plus_di_14"] - out["minus_di_14"]).abs()
    out["adx_14"] = wilder(100 * apart / (out["plus_di_14"] + out["minus_di_14"]))
    bottom, top = rolling(low, 14).min().droplevel(0), rolling(high, 14).max().droplevel(0)
    fast = 100 * (bars["close"] - bottom) / (top - bottom)
    out["stoch_k"] = rolling(fast, 3).mean().droplevel(0)
    out["stoch_d"] = rolling(out["stoch_k"], 3).mean().droplevel(0)
    out["obv"] = (np.sign(change).fillna(0) * volume).groupby(symbol, sort=False).cumsum()
    out["roc_10"] = close.pct_change(10) * 100
    squares = np.log(bars["close"] / before) ** 2
    out["realized_vol_20"] = np.sqrt(rolling(squares, 20).mean().droplevel(0)) * 100
    if daily:
        out["high_252"] = rolling(high, 252).max().droplevel(0)
        out["low_252"] = rolling(low, 252).min().droplevel(0)
    else:
        session = [symbol, bars["session"]]
        traded = (high + low + bars["close"]) / 3 * volume
        so_far = traded.groupby(session, sort=False).cumsum()
        out["vwap_session"] = so_far / volume.groupby(session, sort=False).cumsum()
    out["bars_used"] = close.cumcount() + 1
    out["converged"] = out["bars_used"] >= 151
    return out


def daily(bars: Frame, official: Frame) -> Frame:
    """The official bar of each day, else that of its bars; return, range and vwap."""
    weighted = bars.assign(traded=bars["avg_price"] * bars["volume"])
    rolled = weighted.groupby(["symbol", "session"], sort=True).agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        traded=("traded", "sum"),
        bars_present=("close", "size"),
    )
    rolled["vwap"] = rolled.pop("traded") / rolled["volume"]
    rolled.index.names = ["symbol", "date"]
    given = official.set_index(["symbol", "date"])[[*PRICES, "volume"]]
    days = given.combine_first(rolled).sort_index()
    days["is_final"] = days.index.isin(given.index)
    days["close_source"] = np.where(days["is_final"], "official", "bars")
    days["return_pct"] = days.groupby(level="symbol", sort=False)["close"].pct_change() * 100
    days["range_pct"] = (days["high"] - days["low"]) / days["close"] * 100
    days = days.reset_index()
    days["data_quality_score"], days["dq_flags"] = scored(days, minutes=None)
    return days


def breadth(days: Frame) -> Frame:
    """How many symbols rose and fell, a row a day."""
    change = days["return_pct"]
    marked = days.assign(
        counted=change.notna(),
        up=change > 0,
        down=change < 0,
        even=change == 0,
        up_volume=days["volume"].where(change > 0, 0),
        down_volume=days["volume"].where(change < 0, 0),
    )
    table = marked.groupby("date").agg(
        total_stocks=("counted", "sum"),
        advancing_stocks=("up", "sum"),
        declining_stocks=("down", "sum"),
        unchanged_stocks=("even", "sum"),
        avg_volume=("volume", "mean"),
        total_volume=("volume", "sum"),
        up_volume=("up_volume", "sum"),
        down_volume=("down_volume", "sum"),
        is_final=("is_final", "all"),
    )
    table["market_breadth"] = (table["advancing_stocks"] - table["declining_stocks"]) / table["total_stocks"]
    table["advance_decline_ratio"] = table["advancing_stocks"] / table["declining_stocks"]
    return table.reset_index()


if __name__ == "__main__":
    main()
