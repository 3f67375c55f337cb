"""The record in columns says what the manifests say, from the cache or without it, whatever happened to the files."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell.errors import RecordError
from openingbell.landing import Ask, Landing, Outcome, Record, index, record_of

FUTURE = 4_000_000_000 * 10**9
"""A time, in nanoseconds, that is never long ago."""
NOON = datetime(2019, 2, 15, 17, tzinfo=UTC)


def land(landing: Landing, number: int) -> Path:
    """A landed answer; the path of its manifest."""
    day = date(2019, 2, 11) + timedelta(days=number % 5)
    ask = Ask(
        symbol=f"S{number % 3}", asset_class="stock", calendar="XNYS", first=day, last=day, covered_first=day,
        covered_last=day, answered_at=NOON + timedelta(seconds=number), status=200,
        outcome=Outcome.RESTRICTED if number % 7 == 6 else Outcome.ANSWERED, rows=1, bytes=number,
        bars={day: number % 27} if number % 4 else {},
    )  # fmt: skip
    manifest = landing.write(
        "stocks", pl.DataFrame({"a": [str(number)]}), (ask,), source="x", bar_interval="15min", basis="vendor",
        final_delay=timedelta(0),
    )  # fmt: skip
    return landing.root / "stocks" / f"{manifest.load_id}.json"


def require_same(found: Record, expected: Record) -> None:
    text = pl.col("feed", "symbol", "load_id").cast(pl.String)
    assert_frame_equal(found.files, expected.files)
    keys = ["load_id", "symbol"]
    assert_frame_equal(found.asks.with_columns(text).sort(keys), expected.asks.with_columns(text).sort(keys))


def from_files(root: Path) -> Record:
    """What the manifests say, read one by one."""
    landing = Landing(root)
    return record_of(landing.manifest(path.parent.name, path.stem) for path in root.glob("*/*.json"))


@examples(max_examples=30)
@given(st.lists(st.sampled_from(["land", "lose", "reopen", "look"]), max_size=30), st.integers(0, 1_000))
def test_whatever_happens_it_says_what_the_manifests_say(steps: list[str], seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SAVED_AFTER", 3)
        landing, paths = Landing(Path(folder)), list[Path]()
        for number, step in enumerate(steps):
            if step == "land":
                paths.append(land(landing, number))
            elif step == "lose" and paths:
                paths.pop(chance.randrange(len(paths))).unlink()
            elif step == "reopen":
                landing = Landing(Path(folder))
            else:
                require_same(landing.record(), from_files(Path(folder)))
        require_same(landing.record(), from_files(Path(folder)))
        require_same(Landing(Path(folder)).record(), from_files(Path(folder)))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """A record whose cache is written."""
    monkeypatch.setattr(index, "SAVED_AFTER", 1)
    landing = Landing(tmp_path)
    for number in range(5):
        land(landing, number)
    landing.record()
    Landing(tmp_path).record()
    assert len(list((tmp_path / ".index").iterdir())) == 2
    return landing


def test_a_manifest_is_read_once_for_all_processes(kept: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(index, "read_manifest", never)
    require_same(Landing(kept.root).record(), kept.record())


def test_a_manifest_that_was_changed_is_read_again(kept: Landing) -> None:
    path = sorted(kept.root.glob("stocks/*.json"))[0]
    path.write_text(path.read_text("utf-8").replace('"source": "x"', '"source": "y"'), "utf-8")
    os.utime(path, ns=(1, 1))
    assert sorted(Landing(kept.root).record().files["source"]) == ["x", "x", "x", "x", "y"]


def test_a_folder_that_has_not_changed_for_long_is_not_listed_again(
    kept: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept.root / "stocks"
    first = min(folder.glob("*.json"))
    listed: list[Path] = []
    scandir = os.scandir

    def counted(path: Path) -> Iterator[os.DirEntry[str]]:
        listed.extend([path] if path == folder else [])
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    landing = Landing(kept.root)
    for moment, looks in ((FUTURE, 2), (1, 3), (FUTURE, 5), (2, 6)):  # what changed just now may have changed once more
        os.utime(folder, ns=(moment, moment))
        landing.record()
        landing.record()
        assert len(listed) == looks
    first.unlink()
    assert len(landing.record().files) == 4


@pytest.mark.parametrize("kind", ["asks", "files"])
def test_a_damaged_cache_is_as_good_as_none(kept: Landing, kind: str) -> None:
    for path in (kept.root / ".index").glob(f"{kind}-*"):
        path.write_bytes(path.read_bytes()[:100])
    require_same(Landing(kept.root).record(), from_files(kept.root))


def test_a_cache_that_is_gone_is_written_again(kept: Landing) -> None:
    for path in (kept.root / ".index").iterdir():
        path.unlink()
    require_same(Landing(kept.root).record(), from_files(kept.root))
    assert len(list((kept.root / ".index").iterdir())) == 2


def test_an_unreadable_manifest_is_named_and_the_others_are_there(kept: Landing) -> None:
    (kept.root / "stocks" / "x.json").write_text("{")
    found, errors = Landing(kept.root).survey()
    assert len(found.files) == 5
    assert "x.json" in str(errors[0])
    with pytest.raises(RecordError):
        Landing(kept.root).record()
