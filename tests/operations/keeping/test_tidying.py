"""When landed files are old enough, by the settings of the home."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openingbell.clock import VirtualClock
from openingbell.landing import Landing
from openingbell.operations import home as homes
from openingbell.operations.entry import Wish
from openingbell.operations.home import Source
from openingbell.operations.keeping import tidying
from tests.landing.test_place import NOON, ROWS, land


def wish(tmp_path: Path, now: datetime) -> Wish:
    return Wish(Source(homes.DEMO, "1"), tmp_path, clock=VirtualClock(now))


@pytest.mark.parametrize(
    ("days", "age", "compressed"),
    [("", 89, 0), ("", 91, 1), ("7", 8, 1), ("7", 6, 0), ("0", 10_000, 0)],
    ids=["younger than ninety days", "older", "older than what is set", "younger", "never"],
)
def test_files_are_compressed_after_so_many_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: str, age: int, compressed: int
) -> None:
    monkeypatch.setenv("OPENINGBELL_COMPRESS_AFTER_DAYS", days)
    landing = Landing(tmp_path / "data_extracts")
    manifest = land(landing)
    done = tidying.run(wish(tmp_path, NOON + timedelta(days=age)))
    assert done.files == compressed
    assert len(list(landing.root.glob("*/*.csv.gz"))) == compressed
    assert landing.read(manifest).equals(ROWS, null_equal=True)


def test_in_a_home_where_nothing_has_landed_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert tidying.run(wish(tmp_path / "home", NOON)).files == 0
    assert not (tmp_path / "home").exists()
