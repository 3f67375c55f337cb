"""What a user types, and what comes back: words, exit codes, messages."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from openingbell import __version__
from tests.running import REPOSITORY, SMALL_UNIVERSE, Bell

NOW = ("--now", "2026-11-21T12:00:00-05:00")
"""A Saturday: however long a test takes, no bar becomes final meanwhile."""


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
        (("full", "--demo", "--from", "2026-W47"), "that is no date; a session is written YYYY-MM-DD"),
        (("full", "--demo", "--to", "20261119"), "that is no date; a session is written YYYY-MM-DD"),
        (("full", "--demo", "--now", "1999-12-31T12:00:00Z"), "it covers 2000-01-01 to 2079-12-31; choose a moment"),
        (("full", "--demo", "--now", "2080-01-01T00:00:00Z"), "it covers 2000-01-01 to 2079-12-31; choose a moment"),
        (("vendor", "--port", "99999"), "65535"),
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


@contextmanager
def started(bell: Bell, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A verb at work, with every event on standard error."""
    environment = {**bell.environment, "OPENINGBELL_HOME": str(bell.home), "OPENINGBELL_LOG_FORMAT": "json"}
    with subprocess.Popen(
        [sys.executable, "-m", "openingbell", *words],
        cwd=bell.home.parent,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("stage", ["extract", "csv-load", "transform", "quality", "report"])
def test_an_interrupted_run_says_so_in_one_line_and_the_next_does_the_rest(bell: Bell, stage: str) -> None:
    with started(bell, "full", "--demo", *NOW) as process:
        assert process.stderr is not None
        for line in process.stderr:
            event = json.loads(line)
            if (event["event"], event.get("stage")) == ("stage_started", stage):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "error: interrupted; what has landed stays, the next run does the rest"
    assert "Traceback" not in rest
    assert "holes      none" in bell.run("full", "--demo").stdout


def test_the_vendor_says_its_address_on_a_line_of_its_own(bell: Bell) -> None:
    with started(bell, "vendor", "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving http://127.0.0.1:")
        assert re.fullmatch(r"OPENINGBELL_BASE_URL=http://127\.0\.0\.1:\d+/stable\n", process.stdout.readline())
        process.terminate()


def test_the_help_of_the_vendor_speaks_about_the_vendor(bell: Bell) -> None:
    out = bell.run("vendor", "--help").stdout
    for words in ("Serve the bars of this folder.", "without --replay", "the vendor's clock begins"):
        assert words in out


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_home_that_is_only_read_is_read_and_verbs_that_write_say_why_not(bell: Bell) -> None:
    bell.run("full", "--demo", *NOW)
    (bell.home / "worker.lock").unlink(missing_ok=True)
    folders = [bell.home, *(path for path in bell.home.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert "worker       none" in bell.run("status").stdout
        assert bell.run("sql", "SELECT 1 AS a", "--format", "csv").stdout == "a\n1\n"
        for verb in ("full", "csv-load", "rebuild", "setup"):
            said = bell.run(verb, code=1).stderr
            assert "the disk says: Permission denied" in said
            assert "Traceback" not in said
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)


def test_a_hole_is_asked_for_again_by_name_and_filled(tmp_path: Path, shared_data: Path) -> None:
    """A vendor that had nothing has it now; who asks for it by name need not wait."""
    replay = tmp_path / "replay"
    (replay / "15min").mkdir(parents=True)
    bars = (shared_data / "replay" / "15min" / "AAPL.csv").read_text("utf-8").splitlines()
    (replay / "universe.toml").write_text(
        'first = "2019-02-14"\nlast = "2019-02-15"\n[stocks]\nsymbols = ["AAPL"]\n', "utf-8"
    )
    (replay / "15min" / "AAPL.csv").write_text("\n".join([bars[0], *bars[5:]]) + "\n", "utf-8")
    bell = Bell(tmp_path / "home", {})
    assert "1 empty" in bell.run("full", "--replay", str(replay)).stdout
    (replay / "15min" / "AAPL.csv").write_text("\n".join(bars) + "\n", "utf-8")
    assert "nothing was due" in bell.run("extract").stdout
    bell.run("full", "--symbols", "AAPL", "--from", "2019-02-15")
    assert "holes        none" in bell.run("status").stdout


def test_a_landed_file_that_went_missing_is_a_finding(tmp_path: Path) -> None:
    """The record is what everything can be rebuilt from: its damage must not wait for the day it is needed."""
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    bell.run("full", "--demo", *NOW)
    next((bell.home / "data_extracts" / "stocks").glob("*.csv")).unlink()
    assert "1 FAIL" in bell.run("quality", code=3).stdout
    query = "SELECT table_name, affected_rows FROM data_quality_log WHERE check_name = 'F1' AND status = 'FAIL'"
    assert bell.run("sql", query, "--format", "csv").stdout == "table_name,affected_rows\nstock_data_raw,1\n"


def test_no_bar_forms_in_the_analytics_either(tmp_path: Path) -> None:
    """Five-minute bars become a fifteen-minute one when all three are final, whatever the moment of the run."""
    bell = Bell(tmp_path / "home", SMALL_UNIVERSE)
    for now, newest in (("14:01:00", "13:30"), ("14:03:00", "13:45"), ("14:12:00", "13:45")):
        bell.run("full", "--demo", "--now", f"2026-11-18T{now}-05:00")
        query = "SELECT max(date) AS d, count(*) FILTER (dq_flags <> '') AS n FROM index_data"
        assert bell.run("sql", query, "--format", "csv").stdout == f"d,n\n2026-11-18T{newest}:00.000000,0\n"


def test_published_indicators_are_verified(bell: Bell) -> None:
    out = bell.run("verify-indicators").stdout
    assert "RSI of 14 changes" in out
    assert "70.5328" in out
    assert "differs" not in out


def test_a_wrong_answer_of_a_file_is_exit_1_and_what_is_not_known_is_said(bell: Bell, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("date,open,high,low,close,volume,obv,beta\n2020-01-02,1,1,1,1,5,0,\n2020-01-03,2,2,2,2,6,7,\n")
    out = bell.run("verify-indicators", "--answers", str(answers), code=1).stdout
    assert "differs in 1, first 2020-01-03" in out
    assert "not compared, no such column here: beta" in out
    assert "it cannot be read" in bell.run("verify-indicators", "--answers", str(tmp_path), code=2).stderr
