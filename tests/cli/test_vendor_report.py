"""`bell vendor-report` as its users type it, and what the other verbs say of what was learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import SMALL_UNIVERSE, Bell


@pytest.fixture
def bell(tmp_path: Path) -> Bell:
    return Bell(tmp_path / "home", SMALL_UNIVERSE)


def test_a_new_home_knows_only_what_it_lacks(bell: Bell) -> None:
    done = bell.run("vendor-report", "--demo", "--format", "json", "--feeds", "stocks,eod")
    found = {(row["feed"], row["figure"]): row for row in json.loads(done.stdout) if row["of"] != "complete"}
    assert found["stocks", "holes"]["of"] == "not asked"
    assert found["stocks", "holes"]["value"] == 100.0
    assert (found["eod", "feed delay"]["of"], found["eod", "feed delay"]["value"]) == ("default", 60.0)
    assert found["eod", "delay"]["value"] is None
    assert done.stderr == "note: there is no warehouse yet: what has landed is pending\n"


def test_a_learned_delay_that_cannot_be_understood_stops_every_verb_with_what_to_do(bell: Bell) -> None:
    bell.home.mkdir()
    (bell.home / "learned.json").write_text('{"stocks": {"seconds": "soon"}}', "utf-8")
    said = bell.run("status", "--demo", code=2).stderr
    assert "learned.json, which says how late the vendor is; it cannot be understood" in said
    assert "delete it: it is learned anew" in said
