"""A warehouse belongs to the source of its first load, wherever the homes are that name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from openingbell import tables
from openingbell.errors import SourceError
from openingbell.load import stage
from openingbell.warehouse import owner
from openingbell.warehouse.migrations import Remove
from tests.load.test_stage import Bench, later, wall
from tests.running import SMALL_UNIVERSE, Bell


def test_the_first_who_loads_owns_it_and_no_other_is_let_in(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    at.land(later(60), ("AAPL", wall(0), "1"))
    stage.run(at.landing, at.warehouse, at.clock, at.settings, source="test")
    with at.warehouse.read() as reader:
        assert owner.require_own(reader, "test", "here")
        with pytest.raises(SourceError, match=r"asked to use the warehouse here for fmp; it holds data of test; "):
            owner.require_own(reader, "fmp", "here")
    other = Bench(tmp_path / "other")
    other.land(later(61), ("AAPL", wall(0), "2"))
    for source in ("fmp", "demo 1"):
        with pytest.raises(SourceError, match=rf"for {source}; it holds data of test"), at.warehouse.write() as writer:
            owner.claim(writer, source, "here")
    assert stage.run(other.landing, at.warehouse, at.clock, at.settings, source="test").rows_new == 1


def test_the_source_is_no_setting_and_makes_nothing_anew(tmp_path: Path) -> None:
    from openingbell.transform import stage as transformation
    from openingbell.universe import from_symbols

    at = Bench(tmp_path)
    for minute in (60, 75):
        at.land(later(minute), ("AAPL", wall(minute - 60), "1"))
        stage.run(at.landing, at.warehouse, at.clock, at.settings, source="test")
        done = transformation.run(at.warehouse, from_symbols(["AAPL"], (), ()), at.clock, at.settings)
        assert (done.loads, done.anew) == (1, False)
        with at.warehouse.read() as reader:
            assert owner.require_own(reader, "test", "here")


def test_a_warehouse_of_before_versions_is_anybody_s(tmp_path: Path) -> None:
    at = Bench(tmp_path)
    at.warehouse.setup()
    with at.warehouse.write() as writer:
        writer.migrate([Remove(tables.MADE_WITH)])
        assert not owner.require_own(writer, "fmp", "here")


@pytest.mark.slow
def test_a_demo_that_names_another_s_warehouse_writes_nothing_into_it(tmp_path: Path) -> None:
    """Not even that it was tried; and a rebuild does not take its place."""
    shared = {**SMALL_UNIVERSE, "WAREHOUSE_URL": f"duckdb:///{tmp_path / 'shared.duckdb'}"}
    mine, other = (Bell(tmp_path / name, shared) for name in ("mine", "other"))
    mine.run("full", "--demo")
    before = (tmp_path / "shared.duckdb").read_bytes()
    for words in (("full",), ("csv-load",), ("quality",)):
        refused = other.run(*words, "--demo", "--seed", "2", code=2)
        assert "for demo 2; it holds data of demo 1; a warehouse holds one source" in refused.stderr
    assert (tmp_path / "shared.duckdb").read_bytes() == before
    other_alone = Bell(tmp_path / "other", SMALL_UNIVERSE)
    other_alone.run("full", "--demo", "--seed", "2")
    assert "it holds data of demo 1" in other.run("rebuild", "--demo", "--seed", "2", code=2).stderr
    assert (tmp_path / "shared.duckdb").read_bytes() == before
