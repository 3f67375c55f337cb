"""Scores, checks, findings, coverage and runs of hand-made rows against hand-made answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from openingbell import tables
from openingbell.reporting.figures import Figures, figures
from openingbell.reporting.health import AsOf, Flag, LowRow, QualityRun, Stage
from openingbell.reporting.period import Period
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse

at = datetime.fromisoformat


def about(value: float) -> Any:
    """Equal to `value` but for the last digits."""
    return pytest.approx(value)


def test_scores_by_table(week: Figures) -> None:
    found = {score.table: score for score in week.scores}
    assert list(found) == ["stock_data", "index_data", "commodity_data", "bond_data", "daily_bars"]
    oil = found["commodity_data"]
    assert (oil.rows, oil.below, oil.mean, oil.lowest) == (2, 1, about(81.5), 63.0)
    daily = found["daily_bars"]
    assert (daily.rows, daily.below, daily.mean, daily.lowest) == (12, 1, about(1120 / 12), 20.0)
    assert (found["stock_data"].rows, found["stock_data"].mean, found["stock_data"].lowest) == (0, None, None)


def test_the_lowest_rows_say_why(week: Figures) -> None:
    assert week.lowest_rows == (
        LowRow("commodity_data", "CLUSD", at("2019-02-15 09:00"), 63.0, "V6S,V12,P15"),
        LowRow("bond_data", "", date(2019, 2, 15), 20.0, "V2"),
        LowRow("daily_bars", "AAA", date(2019, 2, 14), 20.0, "V4,P15"),
    )


def test_the_lowest_three_of_a_table_lowest_first(fill: Callable[..., DuckDBWarehouse]) -> None:
    moment = at("2019-02-15 09:30")
    rows = [
        {"symbol": f"S{n}", "date": moment, "data_quality_score": points}
        for n, points in enumerate((90.0, 50.0, 100.0, 20.0, 63.0))
    ]
    with fill({tables.STOCK: rows}).read() as reader:
        found = figures(reader, Period("x", date(2019, 2, 15), date(2019, 2, 15))).lowest_rows
    assert [(row.symbol, row.score) for row in found] == [("S3", 20.0), ("S1", 50.0), ("S4", 63.0)]


def test_checks_that_fired_the_gravest_first(week: Figures) -> None:
    assert week.flags == (
        Flag("V2", "price present", "error", 1, ("bond_data",)),
        Flag("V4", "high bound", "error", 1, ("daily_bars",)),
        Flag("V12", "in session", "warning", 1, ("commodity_data",)),
        Flag("P15", "volume expected", "warning", 2, ("commodity_data", "daily_bars")),
        Flag("V6S", "volume sentinel", "information", 1, ("commodity_data",)),
    )


def test_a_check_that_the_catalogue_lacks_is_told_last(fill: Callable[..., DuckDBWarehouse]) -> None:
    row = {"symbol": "A", "date": at("2019-02-15 09:30"), "dq_flags": "X9,T1"}
    with fill({tables.STOCK: [row]}).read() as reader:
        found = figures(reader, Period("x", date(2019, 2, 15), date(2019, 2, 15))).flags
    assert [(flag.check, flag.severity) for flag in found] == [("T1", "information"), ("X9", "")]


def test_findings_of_the_newest_run_over_the_whole_period_worst_first(week: Figures) -> None:
    assert week.findings.run == QualityRun("Q2", date(2019, 1, 7), date(2019, 2, 19))
    assert [(row.status, row.check_name, row.symbol) for row in week.findings.rows] == [
        ("FAIL", "T1", "DDD"),
        ("WARN", "R1", "BBB"),
    ]
    fail, warn = week.findings.rows
    assert (fail.affected_rows, fail.value, fail.threshold, fail.date) == (26, None, None, date(2019, 2, 15))
    assert (warn.value, warn.threshold, warn.message) == (0.125, 0.1, "close | bars")


def test_a_younger_run_speaks_for_the_days_that_it_checked(friday: Figures) -> None:
    assert friday.findings.run == QualityRun("Q3", date(2019, 2, 15), date(2019, 2, 19))
    assert [row.symbol for row in friday.findings.rows] == ["NEW"]


@pytest.mark.parametrize(
    ("day", "run_id"),
    [
        (date(2019, 1, 3), None),
        (date(2019, 1, 4), "Q1"),
        (date(2019, 2, 20), "Q4"),
        (date(2019, 2, 21), None),
    ],
)
def test_what_no_run_checked_is_not_known(warehouse: DuckDBWarehouse, day: date, run_id: str | None) -> None:
    with warehouse.read() as reader:
        found = figures(reader, Period("x", day, day)).findings
    assert (found.run.run_id if found.run else None) == run_id
    assert found.rows == ()


def test_coverage_by_state(week: Figures) -> None:
    assert [(row.state, row.symbols, row.sessions, row.bars_expected, row.bars_present) for row in week.coverage] == [
        ("complete", 2, 3, 78, 78),
        ("not asked", 1, 1, 26, 0),
        ("missing", 1, 2, 52, 20),
    ]
    assert {(row.asset_class, row.bar_interval) for row in week.coverage} == {("stock", "15min")}


def test_runs_of_the_period_by_stage_on_new_york_days(week: Figures, friday: Figures) -> None:
    assert week.pipeline.ran_in_period
    assert week.pipeline.stages == (
        Stage("extract", 2, 1, 1, 0, 0, 1_500, 3.0, at("2019-02-16 01:00")),
        Stage("transform", 1, 0, 0, 0, 1, 0, None, at("2019-02-15 16:00")),
    )
    assert friday.pipeline == week.pipeline  # the run at 01:00 UTC on Saturday is one of Friday evening
    (trouble,) = week.pipeline.troubles
    assert (trouble.job_id, trouble.status, trouble.message) == ("J3", "PARTIAL", "a | b\nc")


def test_the_newest_run_of_each_stage_where_none_was_in_the_period(warehouse: DuckDBWarehouse) -> None:
    with warehouse.read() as reader:
        found = figures(reader, Period("2019-01-15", date(2019, 1, 15), date(2019, 1, 15))).pipeline
    assert not found.ran_in_period
    assert [(stage.job_type, stage.runs, stage.newest_started_at) for stage in found.stages] == [
        ("extract", 1, at("2019-02-16 01:00")),
        ("transform", 1, at("2019-02-15 16:00")),
        ("quality", 1, at("2019-02-19 22:00")),
    ]
    assert [trouble.job_id for trouble in found.troubles] == ["J3", "Q5"]


def test_data_are_as_of_the_newest_answer_about_the_period(week: Figures) -> None:
    assert week.as_of == AsOf(at("2019-02-16 01:45"), at("2019-02-16 01:46"))


def test_a_later_answer_about_later_days_changes_nothing(
    fill: Callable[..., DuckDBWarehouse], everything: dict[Table, list[object]], week: Figures
) -> None:
    everything[tables.STOCK_RAW] = everything[tables.STOCK_RAW][:2]
    with fill(everything).read() as reader:
        assert figures(reader, week.period) == week
