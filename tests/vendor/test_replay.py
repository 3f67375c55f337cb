from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openingbell.universe import read_replay
from openingbell.vendor import dialect
from openingbell.vendor.replay import ReplaySource

Moment = Callable[[str], datetime]
YEARS = {"first": date(2010, 1, 1), "last": date(2030, 1, 1)}
DAY = {"first": date(2019, 2, 15), "last": date(2019, 2, 15)}


def rows_of(path: Path) -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def spelled(body: bytes) -> list[dict[str, Any]]:
    """An answer with its numbers as they are spelled."""
    rows: list[dict[str, Any]] = json.loads(body, parse_float=str, parse_int=str)
    return rows


@pytest.mark.parametrize("name", ["15min/AAPL", "15min/SPY", "5min/GLD", "1min/SPY"])
def test_bars_are_the_files_field_by_field(
    name: str, replay: ReplaySource, shared_data: Path, new_york: Moment
) -> None:
    bar_interval, symbol = name.split("/")
    frame = replay.intraday(symbol, bar_interval, **YEARS, now=new_york("2019-02-16T00:00:00"))
    assert spelled(dialect.bars_body(frame)) == rows_of(shared_data / "replay" / f"{name}.csv")


def test_years_of_compressed_bars_are_the_file(shared_data: Path, new_york: Moment) -> None:
    folder = shared_data / "history"
    source = ReplaySource(folder, read_replay(folder))
    frame = source.intraday("AAPL", "15min", **YEARS, now=new_york("2024-01-01T00:00:00"))
    assert spelled(dialect.bars_body(frame)) == rows_of(folder / "15min" / "AAPL.csv.gz")
    assert len(frame) > 40_000


def test_daily_bars_are_the_file_with_the_vendors_figures(
    replay: ReplaySource, shared_data: Path, new_york: Moment
) -> None:
    days = replay.daily("AAPL", **YEARS, now=new_york("2019-02-16T00:00:00"))
    answer = spelled(dialect.days_body(days, "AAPL"))
    file = rows_of(shared_data / "replay" / "eod" / "AAPL.csv")
    assert [{name: row[name] for name in file[0]} for row in answer] == file
    assert list(answer[0]) == ["symbol", "date", "open", "high", "low", "close", "volume",
                               "change", "changePercent", "vwap"]  # fmt: skip
    assert (answer[0]["change"], answer[0]["vwap"]) == ("-0.83", "170.78")


def test_yields_are_the_file_with_its_nulls(replay: ReplaySource, shared_data: Path, new_york: Moment) -> None:
    answer = dialect.rates_body(replay.treasury(**YEARS, now=new_york("2019-03-05T00:00:00")))
    assert spelled(answer) == spelled((shared_data / "replay" / "treasury" / "treasury-rates.json").read_bytes())


def test_no_interval_is_derived(replay: ReplaySource, new_york: Moment) -> None:
    now = new_york("2019-02-16T00:00:00")
    assert replay.intraday("AAPL", "5min", **YEARS, now=now).is_empty()
    assert replay.intraday("SPY", "30min", **YEARS, now=now).is_empty()
    assert not replay.knows("IBM")
    assert replay.knows("SPY")


def test_nothing_of_the_future_is_served(replay: ReplaySource, new_york: Moment) -> None:
    now = new_york("2019-02-12T09:29:59")
    for bar_interval in ("1min", "5min", "15min"):
        newest = replay.intraday("SPY", bar_interval, **YEARS, now=now)["date"].max()
        assert isinstance(newest, datetime)
        assert newest.date() == date(2019, 2, 11)
    assert replay.daily("SPY", **YEARS, now=now)["date"].max() == date(2019, 2, 11)
    assert replay.treasury(**YEARS, now=now)["date"].max() == date(2019, 2, 11)


@pytest.mark.parametrize("second", range(0, 900, 179))
def test_a_running_bar_is_made_of_the_minutes_so_far(
    second: int, replay: ReplaySource, shared_data: Path, new_york: Moment
) -> None:
    now = new_york("2019-02-15T10:00:00") + timedelta(seconds=second)
    row = replay.intraday("SPY", "15min", **DAY, now=now).sort("date").row(-1, named=True)
    assert row["date"] == datetime(2019, 2, 15, 10)  # noqa: DTZ001  wall clock
    minutes = [r for r in rows_of(shared_data / "replay" / "1min" / "SPY.csv") if r["date"] >= "2019-02-15 10:00"]
    done = sorted(minutes, key=lambda r: r["date"])[: second // 60]
    runs = sorted(minutes, key=lambda r: r["date"])[second // 60]["open"]
    assert row["close"] == runs
    assert float(row["high"]) == max([float(r["high"]) for r in done] + [float(runs)])
    assert float(row["low"]) == min([float(r["low"]) for r in done] + [float(runs)])
    assert row["volume"] == str(sum(int(r["volume"]) for r in done))


def test_without_finer_bars_a_running_bar_is_its_open(
    replay: ReplaySource, shared_data: Path, new_york: Moment
) -> None:
    final = next(
        r for r in rows_of(shared_data / "replay" / "15min" / "AAPL.csv") if r["date"] == "2019-02-15 10:00:00"
    )
    row = replay.intraday("AAPL", "15min", **DAY, now=new_york("2019-02-15T10:05:00")).sort("date").row(-1, named=True)
    assert {row[name] for name in ("open", "high", "low", "close")} == {final["open"]}
    assert int(row["volume"]) == pytest.approx(int(final["volume"]) / 3, abs=1)
    ended = replay.intraday("AAPL", "15min", **DAY, now=new_york("2019-02-15T10:15:00")).sort("date")
    assert {**ended.row(2, named=True), "date": final["date"]} == final
    assert len(ended) == 4


def test_the_running_day_is_rolled_up_until_its_close(replay: ReplaySource, new_york: Moment) -> None:
    partial = replay.daily("AAPL", **DAY, now=new_york("2019-02-15T12:00:00")).row(0, named=True)
    so_far = replay.intraday("AAPL", "15min", **DAY, now=new_york("2019-02-15T12:00:00"))
    assert partial["close"] == so_far.sort("date")["close"][-1]
    assert int(partial["volume"]) == so_far["volume"].cast(pl.Int64).sum()
    final = replay.daily("AAPL", **DAY, now=new_york("2019-02-15T16:00:00")).row(0, named=True)
    assert (final["close"], final["volume"]) == ("170.42", "24626814")
    assert replay.daily("AAPL", **DAY, now=new_york("2019-02-15T09:29:00")).is_empty()


def test_a_running_day_without_bars_is_not_served(tmp_path: Path, new_york: Moment) -> None:
    (tmp_path / "eod").mkdir()
    (tmp_path / "eod" / "X.csv").write_text(
        "date,open,high,low,close,volume\n2018-11-21,1,1,1,1,1\n2018-11-23,2,2,2,2,2\n"
    )
    (tmp_path / "universe.toml").write_text('first="2018-11-21"\nlast="2018-11-23"\n[stocks]\nsymbols=["X"]\n[eod]\n')
    source = ReplaySource(tmp_path, read_replay(tmp_path))
    # a half day: its close is at 13:00
    assert len(source.daily("X", **YEARS, now=new_york("2018-11-23T12:59:59"))) == 1
    assert len(source.daily("X", **YEARS, now=new_york("2018-11-23T13:00:00"))) == 2


def test_yields_appear_two_hours_after_the_close(replay: ReplaySource, new_york: Moment) -> None:
    assert replay.treasury(**DAY, now=new_york("2019-02-15T19:29:59")).is_empty()
    assert len(replay.treasury(**DAY, now=new_york("2019-02-15T19:30:00"))) == 1


def test_splits_are_known_from_their_day_on(shared_data: Path, new_york: Moment) -> None:
    folder = shared_data / "history"
    source = ReplaySource(folder, read_replay(folder))
    assert source.splits("AAPL", now=new_york("2020-08-30T23:59:00")).is_empty()
    assert len(source.splits("AAPL", now=new_york("2020-08-31T00:00:00"))) == 1
    assert len(source.splits(None, now=new_york("2024-01-01T00:00:00"))) == 3
    assert source.dividends("AAPL", now=new_york("2024-01-01T00:00:00")).is_empty()
