from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from openingbell.vendor import caps


def bars(first: datetime, count: int, step: timedelta) -> pl.DataFrame:
    return pl.DataFrame({"date": [first + step * n for n in range(count)]})


@pytest.mark.parametrize(("bar_interval", "sessions"), [("1min", 3), ("5min", 8), ("15min", 32), ("1hour", 59)])
def test_an_answer_holds_the_newest_sessions(bar_interval: str, sessions: int) -> None:
    noon = datetime(2024, 1, 1, 12)  # noqa: DTZ001  wall clock
    kept = caps.cut_bars(bars(noon, 100, timedelta(days=1)), bar_interval)
    assert kept["date"].min() == noon + timedelta(days=100 - sessions)
    assert kept["date"].max() == noon + timedelta(days=99)
    assert len(kept) == sessions


def test_a_commodity_session_is_cut_at_its_evening_open() -> None:
    evening = datetime(2024, 1, 1, 18)  # noqa: DTZ001  wall clock
    kept = caps.cut_bars(bars(evening, 24 * 6, timedelta(hours=1)), "1min")
    assert kept["date"].min() == evening + timedelta(days=3)


def test_an_answer_under_the_cap_is_left_alone() -> None:
    frame = bars(datetime(2024, 1, 1, 12), 3, timedelta(days=1))  # noqa: DTZ001  wall clock
    assert caps.cut_bars(frame, "1min").equals(frame)
    assert caps.cut_bars(frame.clear(), "1min").is_empty()


@pytest.mark.parametrize("bar_interval", list(caps.SESSIONS))
def test_the_reach_never_cuts_more_than_the_cap(bar_interval: str) -> None:
    last = date(2024, 1, 5)
    weekdays = [d for d in (last - timedelta(days=n) for n in range(400)) if d.weekday() < 5]
    # ten holidays fall into no such span
    assert caps.reach(bar_interval, last) < weekdays[caps.SESSIONS[bar_interval]]


def test_daily_bars_and_yields_have_their_own_caps() -> None:
    days = pl.DataFrame({"date": [date(2000, 1, 1) + timedelta(days=n) for n in range(5003)]})
    kept = caps.cut_days(days)
    assert len(kept) == 5000
    assert kept["date"].min() == date(2000, 1, 4)
    # recorded: asked up to 2023-05-11, answered from 2023-02-10
    assert caps.treasury_reach(date(2023, 5, 10)) == date(2023, 2, 10)
