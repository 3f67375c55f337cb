"""What every test may ask for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import conformance
from tests.server import server_of_tests

if "PYTEST_XDIST_WORKER" not in os.environ:  # workers, and processes that tests start, share it
    caches = tempfile.TemporaryDirectory()
    os.environ["XDG_CACHE_HOME"] = caches.name
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # there are as many tests at once as cores
settings.register_profile("patient", deadline=None)  # a busy machine is no fault
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
SLOW = (
    "bench", "scripts", "test_engines.py", "test_failures.py", "test_faults_seen.py", "test_killed.py",
    "test_main_job.py", "test_no_secret_leaks.py", "test_splits_played.py", "test_weeks.py",
    "transform/test_history.py", "transform/test_incremental.py", "warehouse/mysql",
)  # fmt: skip
"""Where tests live through whole days, or start many processes: `-m "not slow"` leaves them out."""
LONGEST = ("test_weeks.py",)
"""Where tests take minutes."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, by where it stands, and begin with what takes longest: else one worker ends long after the
    others.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    slow = [REPOSITORY / "tests" / place for place in SLOW]
    for item in items:
        if any(item.path.is_relative_to(place) for place in slow):
            item.add_marker("slow")


def missing(reason: str) -> None:
    """Skip for `reason`; on CI, where everything must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real bars, known faults and published answers that lies beside the repository."""
    if not SHARED_DATA.is_dir():
        missing(f"{SHARED_DATA} is absent: it holds real bars and published answers that this test compares with")
    return SHARED_DATA


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a MySQL or MariaDB server whose user may do anything, up to the prefix of databases."""
    with server_of_tests() as url:
        yield url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what each engine did in the conformance suite, if it ran."""
    outcomes = [
        (report.nodeid, outcome)
        for outcome in ("passed", "failed", "skipped", "error")
        for report in terminalreporter.getreports(outcome)
    ]
    if lines := conformance.table(outcomes):
        terminalreporter.section("conformance of the warehouses")
        for line in lines:
            terminalreporter.line(line)
