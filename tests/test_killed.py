"""A real process, killed right after each of its durable writes, then run again: the tables are the same.

The child counts what it makes durable (a file, a manifest, a commit) and kills itself after the n-th. Every n is tried.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.feeds import (
    BONDS,
    COMMODITIES,
    COMMODITIES_LIST,
    EOD,
    INDEX_LIST,
    INDEXES,
    PROFILE,
    STOCKS,
)
from openingbell.universe import from_symbols
from tests.running import KILLED, SMALL_UNIVERSE, Bell

NOW = "2026-11-24T12:33:00-05:00"
"""A minute after a bar became final, so that a quarter of an hour passes until the next does."""
FEW_SYMBOLS = {
    **SMALL_UNIVERSE,
    "OPENINGBELL_FIRST_RUN_SESSIONS": "2",
    "OPENINGBELL_FIRST_RUN_DAILY_SESSIONS": "3",
    "OPENINGBELL_THREADS": "1",
}
KINDS = ("home.json", ".part", ".csv", ".json", "commit", ".md")
MEMBERS = from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"]).members
WITH_ROWS = {STOCKS, INDEXES, COMMODITIES, BONDS, EOD, PROFILE, INDEX_LIST, COMMODITIES_LIST}
"""The feeds of which the simulated market has rows: of the others it has nothing to tell, and no file lands."""
COMMITS = 9
WRITES = len(MEMBERS) + len({member.feed for member in MEMBERS}) + len(WITH_ROWS) + COMMITS + 2
"""Durable writes of one full run with this universe: each answer, a manifest for each feed, a file for each with rows,
commits, the home and the report. A test below holds the number to the truth.
"""

CHILD = Path(__file__).with_name("killed_child.py")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bell:
    """A home that was never disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    bell = Bell(folder / "home", {**FEW_SYMBOLS, "WRITES_LOG": str(folder / "writes")})
    bell.run("0", "full", "--demo", "--now", NOW, script=str(CHILD))
    return bell


@pytest.fixture(scope="module")
def undisturbed(whole: Bell) -> dict[str, pl.DataFrame]:
    """What its tables hold."""
    return whole.contents()


def test_every_kind_of_durable_write_is_among_those_that_are_tried(whole: Bell) -> None:
    writes = Path(whole.environment["WRITES_LOG"]).read_text("utf-8").split()
    assert len(writes) == WRITES
    assert set(writes) == set(KINDS)


@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_after_a_kill_the_next_run_ends_in_the_same_tables(
    undisturbed: dict[str, pl.DataFrame], tmp_path: Path, write: int
) -> None:
    bell = Bell(tmp_path / "home", {**FEW_SYMBOLS, "WRITES_LOG": str(tmp_path / "writes")})
    bell.run(str(write), "full", "--demo", "--now", NOW, code=KILLED, script=str(CHILD))
    bell.run("full", "--demo")
    bell.require_unique_keys()
    contents = bell.contents()
    assert all(rows.equals(contents[name]) for name, rows in undisturbed.items())
    statuses = bell.rows(tables.JOB_LOG)["status"].unique().to_list()
    assert "RUNNING" not in statuses
