from __future__ import annotations

import gzip
import os
from datetime import date, datetime
from pathlib import Path

import pytest

from openingbell.errors import SourceError
from openingbell.vendor.replay_files import ReplayFiles

HEADER = "date,open,low,high,close,volume\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_columns_are_found_by_name_and_kept_as_text(tmp_path: Path) -> None:
    write(tmp_path, "15min/X.csv", "volume,close,open,high,low,date\n7,170.30,437,1e2,-0.5,2019-02-15 09:30:00\n")
    row = ReplayFiles(tmp_path).bars("15min", "X").row(0, named=True)
    assert row == {
        "date": datetime(2019, 2, 15, 9, 30),  # noqa: DTZ001  wall clock
        "open": "437",
        "low": "-0.5",
        "high": "1e2",
        "close": "170.30",
        "volume": "7",
    }


def test_a_compressed_file_is_read_alike(tmp_path: Path) -> None:
    text = HEADER + "2019-02-15 09:30:00,1,2,3,4,5\n"
    write(tmp_path, "5min/X.csv", text)
    path = tmp_path / "5min" / "Y.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    files = ReplayFiles(tmp_path)
    assert files.symbols() == {"X", "Y"}
    assert files.bars("5min", "Y").equals(files.bars("5min", "X"))


def test_an_empty_field_or_a_missing_volume_is_null(tmp_path: Path) -> None:
    write(tmp_path, "15min/X.csv", "date,open,low,high,close\n2019-02-15 09:30:00,1,,3,4\n")
    row = ReplayFiles(tmp_path).bars("15min", "X").row(0, named=True)
    assert (row["low"], row["volume"]) == (None, None)


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    write(tmp_path, "15min/X.csv", HEADER)
    write(tmp_path.parent, "SECRET.csv", HEADER + "2019-02-15 09:30:00,1,2,3,4,5\n")
    files = ReplayFiles(tmp_path)
    assert files.bars("15min", "X").is_empty()
    assert files.bars("1min", "X").is_empty()
    assert files.bars("15min", "../../SECRET").is_empty()
    assert files.days("X").is_empty()
    assert files.treasury().is_empty()
    assert files.splits("X").is_empty()
    assert files.dividends("X").is_empty()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "eod/X.csv", "date,open,high,low,close,volume\n2019-02-15,1,1,1,1,1\n")
    files = ReplayFiles(tmp_path)
    assert files.days("X")["close"].to_list() == ["1"]
    path.write_text("date,open,high,low,close,volume\n2019-02-15,1,1,1,2,1\n", "utf-8")
    os.utime(path, ns=(1, 1))
    assert files.days("X")["close"].to_list() == ["2"]


def test_the_treasury_file_may_be_named_in_the_universe(tmp_path: Path) -> None:
    write(tmp_path, "universe.toml", '[bonds]\nfile = "yields.json"\n')
    (tmp_path / "treasury").mkdir()
    write(tmp_path, "yields.json", '[{"date": "2019-02-15", "month1": 0, "month2": null, "year30": 3.10}]')
    row = ReplayFiles(tmp_path).treasury().row(0, named=True)
    assert row["date"] == date(2019, 2, 15)
    assert (row["month1"], row["month2"], row["year10"], row["year30"]) == ("0", None, None, "3.10")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("15min/X.csv", "date,open,low,high\n2019-02-15 09:30:00,1,2,3\n", "no column close"),
        ("15min/X.csv", HEADER + "15/02/2019 09:30,1,2,3,4,5\n", "15/02/2019 09:30"),
        ("15min/X.csv", HEADER + "2019-02-15 09:30:00,1,2,3,4,5,6,7\n", "no readable CSV"),
        ("splits/X.json", "{", "no readable JSON"),
        ("splits/X.json", '{"symbol": "X"}', "something else than a list"),
    ],
)
def test_a_file_that_cannot_be_replayed_says_why(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    write(tmp_path, name, text)
    files = ReplayFiles(tmp_path)
    with pytest.raises(SourceError, match=complaint):
        files.splits("X") if name.startswith("splits") else files.bars("15min", "X")


def test_a_folder_without_any_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="none of the folders"):
        ReplayFiles(tmp_path)
