"""The splits that landed lately: the newest word on each, and nothing that is no split."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from openingbell.extract.actions import LATELY, landed_splits
from openingbell.landing import Ask, Landing, Manifest, Outcome
from openingbell.splits import Split

NOW = datetime(2024, 5, 10, 21, tzinfo=UTC)
DAY = date(2024, 5, 8)
Row = tuple[str | None, str | None, str | None, str | None]


def land(landing: Landing, *rows: Row, at: datetime = NOW, feed: str = "splits", **renamed: str) -> Manifest:
    """A file of symbol, date, numerator and denominator."""
    ask = Ask("AAPL", "stock", "XNYS", DAY, DAY, DAY, DAY, at, 200, Outcome.ANSWERED, len(rows), 0)
    names = [renamed.get(name, name) for name in ("symbol", "date", "numerator", "denominator")]
    text = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String()), orient="row")
    return landing.write(
        feed, text, (ask,), source="test", bar_interval="1day", basis="vendor", final_delay=timedelta(0)
    )


def found(landing: Landing) -> tuple[Split, ...]:
    return landed_splits(landing, NOW)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_splits_come_from_histories_and_calendars_and_from_nothing_else(landing: Landing) -> None:
    land(landing, ("AAPL", "2024-05-08", "4", "1"))
    land(landing, ("IBM", "2024-05-09", "1", "10"), ("AAPL", "2024-05-08", "4", "1"), feed="splits_calendar")
    land(landing, ("MSFT", "2024-05-08", "2", "1"), feed="dividends")
    land(landing, ("MSFT", "2024-05-08", "2", "1"), feed="eod")
    assert found(landing) == (Split("AAPL", DAY, 4.0), Split("IBM", date(2024, 5, 9), 0.1))


def test_the_newest_answer_has_the_last_word(landing: Landing) -> None:
    """Whichever feed it is of, and whichever was written first."""
    land(landing, ("AAPL", "2024-05-08", "4", "1"), at=NOW - timedelta(hours=1), feed="splits_calendar")
    land(landing, ("AAPL", "2024-05-08", "2", "1"), at=NOW - timedelta(hours=3))
    assert found(landing) == (Split("AAPL", DAY, 4.0),)
    land(landing, ("AAPL", "2024-05-08", "1", "0"), at=NOW)
    assert found(landing) == ()


@pytest.mark.parametrize(
    "row",
    [
        ("AAPL", "2024-05-08", "1", "0"),
        ("AAPL", "2024-05-08", "1", "1"),
        ("AAPL", "2024-05-08", None, "1"),
        ("AAPL", "2024-05-08", "four", "1"),
        ("AAPL", "2024-05-08", "NaN", "1"),
        ("AAPL", "2024-05-08", "inf", "1"),
        ("AAPL", None, "4", "1"),
        ("AAPL", "soon", "4", "1"),
        (None, "2024-05-08", "4", "1"),
    ],
)
def test_what_is_no_split_is_left_out_and_the_rows_beside_it_are_not(landing: Landing, row: Row) -> None:
    land(landing, row, ("IBM", "2024-05-09", "1", "10"), ("TSLA", "2024-05-07 00:00:00", "3", "1"))
    assert found(landing) == (Split("IBM", date(2024, 5, 9), 0.1), Split("TSLA", date(2024, 5, 7), 3.0))


def test_what_landed_long_ago_is_not_read(landing: Landing) -> None:
    old = land(landing, ("AAPL", "2024-05-08", "4", "1"), at=NOW - LATELY)
    (landing.root / "splits" / str(old.file)).unlink()
    with capture_logs() as logs:
        assert found(landing) == ()
    assert logs == []


def test_a_file_without_rows_or_with_other_columns_says_nothing(landing: Landing) -> None:
    land(landing)
    land(landing, ("AAPL", "2024-05-08", "4", "1"), numerator="ratio")
    assert found(landing) == ()


def test_a_file_that_is_not_as_it_landed_is_left_out_and_told(landing: Landing) -> None:
    """Loading and quality tell of it; extraction would otherwise stand still for months."""
    broken = land(landing, ("AAPL", "2024-05-08", "4", "1"))
    land(landing, ("IBM", "2024-05-09", "1", "10"))
    (landing.root / "splits" / str(broken.file)).write_text("symbol\nAAPL\n", "utf-8")
    with capture_logs() as logs:
        assert found(landing) == (Split("IBM", date(2024, 5, 9), 0.1),)
    assert [(log["event"], log["load_id"]) for log in logs] == [("file_unreadable", broken.load_id)]
