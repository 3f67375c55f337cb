"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


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
