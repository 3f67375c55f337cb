"""What a user types, and what comes back: words, exit codes, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openingbell import __version__
from tests.running import REPOSITORY, SMALL_UNIVERSE, Bell

NOW = ("--now", "2026-11-24T22:00:00-05:00")


@pytest.fixture
def bell(tmp_path: Path) -> Bell:
    return Bell(tmp_path / "home", SMALL_UNIVERSE)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Bell:
    bell = Bell(tmp_path_factory.mktemp("cli") / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    return bell


def test_help_names_every_verb(bell: Bell) -> None:
    out = bell.run("--help").stdout
    for verb in ("full", "extract", "csv-load", "transform", "quality", "report", "status", "sql", "rebuild", "vendor"):
        assert f" {verb} " in out


def test_help_loads_nothing_heavy(bell: Bell) -> None:
    out = bell.run(
        "import sys; from openingbell import cli; print({'polars', 'duckdb', 'pandas'} & set(sys.modules))",
        script="-c",
    ).stdout
    assert out == "set()\n"


def test_the_version_is_told(bell: Bell) -> None:
    assert bell.run("--version").stdout == f"bell {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("full", "--demo", "--replay", "x"), "a home has one source"),
        (("full", "--demo", "--from", "yesterday"), "that is no date; a session is written YYYY-MM-DD"),
        (("full", "--demo", "--from", "2026-11-20", "--to", "2026-11-19", *NOW), "the range is reversed"),
        (("full", "--demo", "--to", "2026-11-25", *NOW), "the future has no bars"),
        (("full", "--demo", "--now", "noon"), "that is no moment"),
        (("full", "--demo", "--now", "2026-11-24T10:00:00"), "it has no zone"),
        (("full", "--demo", "--symbols", "AAPL,NOPE", *NOW), "asked for NOPE; the universe holds AAPL, GCUSD, MSFT"),
        (("full", "--replay", "nowhere"), "there is no universe.toml in it"),
        (("report", "--demo", "--day", "2026-11-20", "--week", "2026-W47"), "about one of the two"),
        (("report", "--demo", "--day", "someday", *NOW), "someday"),
        (("full",), "found no key"),
    ],
)
def test_wrong_use_is_told_what_is_right_with_exit_code_2(bell: Bell, words: tuple[str, ...], message: str) -> None:
    done = bell.run(*words, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (bell.home / "data_extracts").exists()


def test_asking_an_empty_home_says_how_to_fill_it(bell: Bell) -> None:
    done = bell.run("sql", "SELECT 1", code=1)
    assert "there is none yet; fill it with `bell full`" in done.stderr
    assert not bell.home.exists()


def test_wrong_sql_is_wrong_use(filled: Bell) -> None:
    assert "no_such_table" in filled.run("sql", "SELECT * FROM no_such_table", code=2).stderr
    assert "only statements that read" in filled.run("sql", "DROP TABLE stock_data", code=2).stderr


def test_status_tells_source_files_jobs_rows_and_holes(filled: Bell) -> None:
    out = filled.run("status").stdout
    for words in ("demo 1", "0 files to load", "SUCCESS", "stock_data_raw", "holes        none", "worker       none"):
        assert words in out


def test_status_of_an_empty_home_says_so(bell: Bell) -> None:
    assert "the warehouse is not there yet" in bell.run("status").stdout


def test_setup_is_safe_at_any_time(filled: Bell, bell: Bell) -> None:
    before = filled.contents()
    filled.run("setup")
    assert all(rows.equals(before[name]) for name, rows in filled.contents().items())
    assert "is ready" in bell.run("setup", "--demo").stdout
    assert all(rows.is_empty() for rows in bell.contents().values())


def test_json_has_iso_moments_and_nulls(filled: Bell) -> None:
    query = "SELECT date, price_change FROM stock_data WHERE symbol = 'AAPL' ORDER BY date LIMIT 1"
    (row,) = json.loads(filled.run("sql", query, "--format", "json").stdout)
    assert row == {"date": row["date"], "price_change": None}
    assert row["date"].startswith("2026-11-")
    assert row["date"].endswith("T09:30:00.000000")


def test_a_wide_answer_is_shown_row_by_row(filled: Bell) -> None:
    narrow = Bell(filled.home, {**filled.environment, "COLUMNS": "60"})
    assert "row 1" in narrow.run("sql", "SELECT * FROM daily_bars LIMIT 1").stdout


def test_only_the_symbols_asked_for_are_fetched_and_the_rest_stays_due(bell: Bell) -> None:
    bell.run("full", "--demo", "--symbols", "MSFT", *NOW, code=3)
    assert bell.run("sql", "SELECT DISTINCT symbol FROM stock_data", "--format", "csv").stdout == "symbol\nMSFT\n"
    assert "holes      none" in bell.run("full", "--demo").stdout


def test_a_run_with_log_format_json_says_every_event_on_stderr(bell: Bell) -> None:
    verbose = Bell(bell.home, {**bell.environment, "OPENINGBELL_LOG_FORMAT": "json"})
    lines = verbose.run("full", "--demo", *NOW).stderr.splitlines()
    assert "stage_finished" in {json.loads(line)["event"] for line in lines}


def test_the_reference_of_verbs_is_up_to_date() -> None:
    """If this fails: python scripts/docs.py."""
    page = (REPOSITORY / "docs" / "verbs.md").read_text("utf-8")
    made = subprocess.run([sys.executable, "scripts/docs.py", "--check"], check=False, cwd=REPOSITORY)
    assert made.returncode == 0
    assert "## bell sql QUERY" in page
