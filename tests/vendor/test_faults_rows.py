"""The kinds of fault that change the rows of an answer, as they are on the wire."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openingbell.vendor.faults import Fault
from openingbell.vendor.faults.fault import PATHS
from tests.vendor.wire import CHART, DAYS, RATES, ROWS, Opener, Row


def test_the_oldest_rows_are_missing_without_a_word(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("cut", values={"share": 0.9})) as at:
        answer = at.get()
        assert answer.json() == truth[:3]
        assert answer.headers["etag"].startswith(f'W/"{len(answer.content):x}-')
    with wire(Fault("cut", values={"share": 1})) as at:
        assert at.get().content == b"[]"
        assert at.kinds == ["cut"]


def test_rows_come_twice(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("duplicates", values={"share": 0.1})) as at:
        rows = at.rows()
    assert len(rows) == ROWS + 4
    assert [row for place, row in enumerate(rows) if row not in rows[:place]] == truth


def test_rows_come_twice_and_contradict_each_other(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("conflicts", values={"share": 0.1})) as at:
        rows = at.rows()
    others = [row for row in rows if row not in truth]
    assert len(others) == 4
    assert [row for row in rows if row in truth] == truth
    for other in others:
        first = rows[rows.index(other) - 1]
        assert first["date"] == other["date"]
        assert other["close"] == pytest.approx(first["close"] * 1.01, abs=1e-4)
        assert other["low"] <= other["close"] <= other["high"]


def test_the_rows_are_shuffled(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("disorder")) as at:
        rows = at.rows()
    assert rows != truth
    assert sorted(rows, key=lambda row: row["date"], reverse=True) == truth


def test_late_bars_are_there_some_time_after_their_end(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("late", values={"seconds": 900})) as at:
        assert at.rows() == truth[2:]  # that of 10:30 ended at 10:45
        at.clock.wait(timedelta(minutes=7, seconds=29).total_seconds())
        assert at.rows()[0]["date"] == "2024-05-07 10:30:00"
        at.clock.wait(1)
        assert at.rows()[0]["date"] == "2024-05-07 10:45:00"
        assert len(at.rows(RATES, symbol="")) == 1  # the yields of the day before
        assert at.rows("splits") == []


@pytest.mark.parametrize(
    ("path", "symbol", "close"), [(DAYS, "AAPL", "16:00"), (DAYS, "GCUSD", "17:00"), (RATES, "", "17:30")]
)
def test_a_day_s_row_ends_with_its_session(wire: Opener, path: str, symbol: str, close: str) -> None:
    with wire(Fault("late", values={"seconds": 3 * 3600}), now=f"2024-05-07T{close}:00") as at:
        query = {"symbol": symbol, "from_": "2024-05-07"}
        at.clock.wait(3 * 3600 - 1)
        assert at.rows(path, **query) == []
        at.clock.wait(1)
        assert [row["date"] for row in at.rows(path, **query)] == ["2024-05-07"]


def test_restated_bars_are_off_until_they_are_older(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("restated", values={"seconds": 3600, "change": 0.01})) as at:
        rows = at.rows()
        young = [row for row in truth if row["date"] > "2024-05-07 09:52:30"]
        assert len(young) == 5
        assert [row for row in rows if row in truth] == truth[5:]
        for row, true in zip(rows, young, strict=False):
            assert 0.004 < abs(row["close"] / true["close"] - 1) < 0.011
            assert row["close"] / true["close"] == pytest.approx(row["low"] / true["low"], abs=1e-5)
            assert (row["date"], row["volume"]) == (true["date"], true["volume"])
        assert at.rows() == rows == [*rows[:5], *at.rows(from_="2024-05-05")[5:ROWS]]
        at.clock.wait(timedelta(days=1).total_seconds())
        assert at.rows(from_="2024-05-06", to="2024-05-07")[-26:] == truth[-26:]


def test_a_restated_yield_and_day_too(wire: Opener) -> None:
    query = {"from_": "2024-05-06", "to": "2024-05-06"}
    with wire() as plain, wire(Fault("restated", values={"seconds": 86_400})) as at:
        for path in (DAYS, RATES):
            (true,), (found,) = plain.rows(path, **query), at.rows(path, **query)
            names = {name for name in true if true[name] != found[name]}
            assert names >= ({"close", "vwap"} if path == DAYS else {"month1", "year30"})
            assert not names & {"date", "symbol", "volume", "changePercent"}


def test_the_running_bar_is_wild_and_no_other(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("forming", values={"swing": 0.05})) as at:
        first, second = at.rows(), at.rows()
        assert first[1:] == second[1:] == truth[1:]
        assert first[0] != second[0]
        for bar in (first[0], second[0]):
            assert (bar["date"], bar["open"]) == (truth[0]["date"], truth[0]["open"])
            assert bar["low"] <= min(bar["open"], bar["close"]) <= max(bar["open"], bar["close"]) <= bar["high"]
            assert 0.95 <= bar["low"] / bar["open"] <= bar["high"] / bar["open"] <= 1.05
        at.clock.wait(timedelta(minutes=7, seconds=30).total_seconds())
        settled = at.rows()
        assert settled[1]["date"] == truth[0]["date"]
        assert settled[1] == at.rows()[1]


def test_volume_is_null_or_a_float(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("null_volume")) as at:
        assert at.rows() == [{**row, "volume": None} for row in truth]
        at.rows(RATES, symbol="")
        assert at.kinds == ["null_volume", ""]  # yields have none
    with wire(Fault("null_volume", values={"share": 0.001})) as at:
        assert [row["volume"] for row in at.rows()].count(None) == 1
    with wire(Fault("float_volume")) as at:
        assert at.rows() == truth
        assert f'"volume": {truth[1]["volume"]}.0\n' in at.get().text
    with wire(Fault("float_volume", values={"fraction": 0.25})) as at:
        assert at.rows() == [{**row, "volume": row["volume"] + 0.25} for row in truth]


def test_a_field_more_or_less(wire: Opener, truth: list[Row]) -> None:
    with wire(Fault("extra_field", values={"field": "venue", "value": "X"})) as at:
        assert at.rows() == [{**row, "venue": "X"} for row in truth]
    with wire(Fault("extra_field", values={"field": "close", "value": "X"})) as at:
        assert at.rows() == truth  # it is no further one
    with wire(Fault("missing_field", values={"field": "close", "share": 0.5})) as at:
        rows = at.rows()
        assert sum("close" not in row for row in rows) == 17
        assert [{**true, **row} for row, true in zip(rows, truth, strict=True)] == truth


def test_answers_that_change_nothing_stay_byte_for_byte(wire: Opener) -> None:
    """Rows that a fault reads and leaves alone are spelled as before."""
    late = Fault("late", values={"seconds": 1e-6})
    with wire(now="2024-05-06T23:00:00") as plain, wire(late, now="2024-05-06T23:00:00") as at:
        for path in PATHS:
            symbol = "AAPL" if path not in (RATES,) else ""
            one, other = plain.get(path, symbol=symbol), at.get(path, symbol=symbol)
            assert (one.content, one.headers) == (other.content, other.headers), path
        assert set(at.kinds) == {""}


def test_a_field_that_is_written_anew_is_laid_out_as_the_vendor_does(wire: Opener) -> None:
    with wire() as plain, wire(Fault("cut", values={"share": 1e-6})) as at:
        for path in (CHART, DAYS):
            one, other = plain.get(path).text, at.get(path).text
            assert one.startswith(other.removesuffix("\n]"))
            assert len(plain.rows(path)) == len(at.rows(path)) + 1
