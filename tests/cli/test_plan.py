"""`bell plan` as its users type it."""

from __future__ import annotations

from pathlib import Path

from tests.running import SMALL_UNIVERSE, Bell


def test_a_plan_says_that_the_members_of_an_index_come_on_top(tmp_path: Path) -> None:
    of_index = Bell(tmp_path / "home", {**SMALL_UNIVERSE, "OPENINGBELL_STOCKS": "dowjones"})
    done = of_index.run("plan", "--demo")
    assert done.stderr == (
        "note: the members of dowjones are not known yet: the next run asks for the list first, and then for them\n"
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "feed", "eod", "indexes", "commodities", "bonds", "instruments", "at",
    ]  # fmt: skip
