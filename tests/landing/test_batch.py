"""Answers on their way: safe from a kill as soon as they are added, landed once, in the order of the questions."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell.errors import RecordError
from openingbell.landing import Ask, Batch, Landing, Outcome
from openingbell.landing.batch import SUFFIX, Part, read_part
from openingbell.landing.lines import Lines
from tests.running import KILLED, REPOSITORY

NOON = datetime(2019, 2, 15, 17, tzinfo=UTC)
DAY = date(2019, 2, 15)
CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", '"', ",", "\n", "\r\n", " ", "null"]
)  # fmt: skip


def part(place: int, cells: list[str | None], at: datetime = NOON) -> Part:
    rows = pl.DataFrame({"symbol": ["A"] * len(cells), "x": cells}, schema={"symbol": pl.String, "x": pl.String})
    ask = Ask(
        symbol=f"S{place}", asset_class="stock", calendar="XNYS", first=DAY, last=DAY, covered_first=DAY,
        covered_last=DAY, answered_at=at, status=200, outcome=Outcome.ANSWERED, rows=len(rows), bytes=9, bars={DAY: 1},
        calls=2,
    )  # fmt: skip
    return Part(place, ask, Lines.of(rows))


def batch(landing: Landing) -> Batch:
    return landing.batch("stocks", source="x", bar_interval="15min", basis="vendor", final_delay=timedelta(seconds=9))


@examples(max_examples=50)
@given(st.lists(st.lists(CELLS, max_size=3), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_what_was_added_is_landed_by_the_next_run_exactly_and_in_order(
    answers: list[list[str | None]], chance: object
) -> None:
    parts = [part(place, cells) for place, cells in enumerate(answers)]
    with tempfile.TemporaryDirectory() as folder:
        killed = batch(Landing(Path(folder)))
        order = list(parts)
        chance.shuffle(order)  # type: ignore[attr-defined]
        for one in order:
            killed.add(one)
        killed.close()
        landing = Landing(Path(folder))
        assert landing.sweep() == len(parts)
        (manifest,) = landing.manifests()
        assert manifest.asks == tuple(one.ask for one in parts)
        assert [row for _, row in landing.read(manifest).rows()] == [cell for cells in answers for cell in cells]
        assert landing.sweep() == 0
        assert list(Path(folder).glob(f"*/*{SUFFIX}")) == []


def test_a_batch_that_lands_leaves_no_part(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    whole = batch(landing)
    whole.add(part(1, ["b"]))
    whole.add(part(0, ["a"]))
    manifest = whole.land()
    assert manifest is not None
    assert landing.read(manifest)["x"].to_list() == ["a", "b"]
    assert sorted(path.suffix for path in (tmp_path / "stocks").iterdir()) == [".csv", ".json"]
    assert batch(landing).land() is None


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE is tested where it is sure")
def test_an_answer_that_the_disk_does_not_take_is_told_and_those_before_it_land(tmp_path: Path) -> None:
    """The piece of it that found room is taken back: nothing may stand behind half a line."""
    landing = Landing(tmp_path)
    filling = batch(landing)
    filling.add(part(0, ["a"]))
    (path,) = (tmp_path / "stocks").iterdir()
    size = path.stat().st_size
    with no_file_over(size + 10), pytest.raises(RecordError, match=r"part \(.*the disk says: File too large"):
        filling.add(part(1, ["b"]))
    assert path.stat().st_size == size
    manifest = filling.land()
    assert manifest is not None
    assert [ask.symbol for ask in manifest.asks] == ["S0"]


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """No file of this process grows over so many bytes while the block runs."""
    import resource  # there is none on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_half_a_last_line_was_in_flight(tmp_path: Path) -> None:
    killed = batch(Landing(tmp_path))
    killed.add(part(0, ["a"]))
    killed.add(part(1, ["b"]))
    killed.close()
    (path,) = tmp_path.glob(f"*/*{SUFFIX}")
    path.write_bytes(path.read_bytes()[:-20])
    left = read_part(path)
    assert left is not None
    assert [one.place for one in left[1]] == [0]


@pytest.mark.parametrize("content", [b"", b"{", b'{"feed": "stocks"}\n', b"\xff\n"])
def test_a_part_that_says_nothing_is_swept_away(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stocks").mkdir()
    (tmp_path / "stocks" / f"x{SUFFIX}").write_bytes(content)
    assert Landing(tmp_path).sweep() == 0
    assert list((tmp_path / "stocks").iterdir()) == []


def test_what_landed_before_its_part_was_removed_is_not_landed_again(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    whole = batch(landing)
    whole.add(part(0, ["a"]))
    (path,) = tmp_path.glob(f"*/*{SUFFIX}")
    content = path.read_bytes()
    whole.land()
    path.write_bytes(content)
    assert Landing(tmp_path).sweep() == 0
    assert len(Landing(tmp_path).manifests()) == 1
    assert not path.exists()


LEFT_OVER = """
import os, sys
from pathlib import Path
from openingbell.landing import Landing
from tests.landing.test_batch import batch, part
from tests.running import KILL
one = batch(Landing(Path(sys.argv[1])))
for place in range(3):
    one.add(part(place, ["x"]))
os.kill(os.getpid(), KILL)
"""


def test_a_killed_process_leaves_its_answers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OVER, str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert done.returncode == KILLED
    landing = Landing(tmp_path)
    assert landing.sweep() == 3
    assert [ask.symbol for ask in landing.manifests()[0].asks] == ["S0", "S1", "S2"]
