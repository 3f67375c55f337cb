"""What the checks found as rows of the log: counted from flags and from coverage, with a PASS where nothing was."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.coverage import EXCUSED, STATES
from openingbell.quality.checks import BY_ID, CHECKS
from openingbell.quality.findings import KEY, counted, flagged, missing_bars, passes
from openingbell.tables import COVERAGE, QUALITY_LOG

MONDAY, TUESDAY = date(2019, 2, 11), date(2019, 2, 12)
RAW_TABLES = {
    ("stock", "15min"): "stock_data_raw",
    ("stock", "1day"): "eod_data_raw",
    ("bond", "1day"): "bond_data_raw",
}
WITHOUT_RUN = {name: dtype for name, dtype in QUALITY_LOG.schema.items() if name != "run_id"}


def flags(*rows: tuple[str, date, str]) -> pl.DataFrame:
    schema = {"symbol": pl.String(), "session": pl.Date(), "dq_flags": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def covered(
    present: int, expected: int, state: str, interval: str = "15min", asset_class: str = "stock"
) -> pl.DataFrame:
    asked_at = datetime.fromisoformat("2019-02-12")
    row = (asset_class, "AAPL", interval, MONDAY, expected, present, state, f"because {state}", 1, asked_at)
    return pl.DataFrame([row], schema=COVERAGE.schema, orient="row")


def test_a_finding_is_a_check_on_a_symbol_and_a_session() -> None:
    found = flagged(
        "stock_data",
        flags(
            ("AAPL", MONDAY, "V4,P15"),
            ("AAPL", MONDAY, "P15"),
            ("AAPL", TUESDAY, "P15"),
            ("MSFT", MONDAY, "V6S"),
            ("MSFT", TUESDAY, ""),
        ),
    )
    assert found.select(*KEY, "status", "severity", "affected_rows", "value").sort(KEY).rows() == [
        ("P15", "stock_data", "AAPL", MONDAY, "WARN", "warning", 2, 2.0),
        ("P15", "stock_data", "AAPL", TUESDAY, "WARN", "warning", 1, 1.0),
        ("V4", "stock_data", "AAPL", MONDAY, "FAIL", "error", 1, 1.0),
        ("V6S", "stock_data", "MSFT", MONDAY, "WARN", "information", 1, 1.0),
    ]
    assert "check 'volume expected' fails for this many: 2" in found["message"].to_list()


def test_no_flags_are_no_findings() -> None:
    assert flagged("stock_data", flags(("AAPL", MONDAY, ""))).is_empty()
    assert flagged("stock_data", flags()).schema == WITHOUT_RUN


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_of_the_catalogue_is_named_with_its_severity(check: str) -> None:
    row = flagged("bond_data", flags(("", MONDAY, check))).row(0, named=True)
    assert (row["check_name"], row["severity"]) == (check, BY_ID[check].severity)
    assert (row["status"] == "FAIL") == (BY_ID[check].severity == "error")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]),
            st.sampled_from([MONDAY, TUESDAY]),
            st.lists(st.sampled_from(list(BY_ID)), unique=True).map(",".join),
        ),
        max_size=30,
    )
)
def test_every_flag_is_counted_once_and_keys_are_unique(rows: list[tuple[str, date, str]]) -> None:
    found = flagged("stock_data", flags(*rows))
    assert found["affected_rows"].sum() == sum(len(names.split(",")) for _, _, names in rows if names)
    assert not found.select(pl.struct(KEY).is_duplicated().any()).item()


@pytest.mark.parametrize(
    ("present", "expected", "severity"),
    [(21, 26, "warning"), (20, 26, "error"), (0, 26, "error"), (12, 14, "warning"), (11, 14, "error"),
     (8, 10, "warning"), (0, 1, "error")],
)  # fmt: skip
def test_more_than_a_fifth_missing_is_an_error(present: int, expected: int, severity: str) -> None:
    """5 of 26 are 19 %, 6 are 23 %; a fifth exactly is still a warning."""
    row = missing_bars(covered(present, expected, "empty"), RAW_TABLES).row(0, named=True)
    assert (row["severity"], row["status"]) == (severity, "FAIL" if severity == "error" else "WARN")
    assert (row["affected_rows"], row["value"], row["threshold"]) == (expected - present, present, expected)


@pytest.mark.parametrize("state", STATES[1:])
def test_each_state_tells_its_excuse_and_what_is_excused_is_no_fault(state: str) -> None:
    row = missing_bars(covered(0, 26, state), RAW_TABLES).row(0, named=True)
    assert row["severity"] == ("information" if state in EXCUSED else "error")
    assert row["message"] == f"26 of 26 bars missing: because {state}"


def test_a_complete_session_is_no_finding() -> None:
    assert missing_bars(covered(26, 26, "complete"), RAW_TABLES).is_empty()


def test_every_state_is_told_in_the_docs_of_its_column() -> None:
    doc = next(column.doc for column in COVERAGE.columns if column.name == "state")
    assert all(state in doc for state in STATES)


@pytest.mark.parametrize(("asset_class", "interval", "name"), [(*key, name) for key, name in RAW_TABLES.items()])
def test_missing_bars_are_missing_from_their_raw_table(asset_class: str, interval: str, name: str) -> None:
    row = missing_bars(covered(0, 1, "empty", interval, asset_class), RAW_TABLES).row(0, named=True)
    assert (row["check_name"], row["table_name"], row["symbol"], row["date"]) == ("T1", name, "AAPL", MONDAY)


def test_what_is_counted_by_day_has_no_symbol() -> None:
    rows = pl.DataFrame(
        {"date": [MONDAY, TUESDAY], "affected_rows": [3, 0]}, schema_overrides={"affected_rows": pl.Int64}
    )
    (quarantined,) = counted("V1", "stock_data_raw", rows).rows(named=True)
    assert [quarantined[name] for name in KEY] == ["V1", "stock_data_raw", "", MONDAY]
    assert (quarantined["status"], quarantined["affected_rows"]) == ("FAIL", 3)
    assert counted("K1", "stock_data_raw", rows)["status"].to_list() == ["WARN"]


def test_a_check_that_found_nothing_says_so_once() -> None:
    found = flagged("stock_data", flags(("AAPL", MONDAY, "V4"), ("MSFT", MONDAY, "V4")))
    quiet = passes(found, [("V4", "stock_data"), ("V5", "stock_data"), ("V4", "index_data")], TUESDAY)
    assert quiet.select(*KEY, "status", "severity", "affected_rows").rows() == [
        ("V5", "stock_data", "", TUESDAY, "PASS", "error", 0),
        ("V4", "index_data", "", TUESDAY, "PASS", "error", 0),
    ]
    assert quiet.schema == found.schema == WITHOUT_RUN


def test_where_all_found_something_nothing_passes() -> None:
    found = flagged("stock_data", flags(("AAPL", MONDAY, "V4")))
    assert passes(found, [("V4", "stock_data")], TUESDAY).is_empty()
