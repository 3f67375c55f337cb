"""`bell coverage` as its users type it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

from tests.running import SMALL_UNIVERSE, Bell


@pytest.fixture
def bell(tmp_path: Path) -> Bell:
    return Bell(tmp_path / "home", {**SMALL_UNIVERSE, "OPENINGBELL_FIRST_RUN_SESSIONS": "5"})


def rows(bell: Bell, *words: str) -> pl.DataFrame:
    said = bell.run("coverage", "--demo", "--format", "csv", *words).stdout
    return pl.read_csv(io.StringIO(said), try_parse_dates=True)


def test_a_new_home_shows_a_map_of_what_was_never_asked(bell: Bell) -> None:
    done = bell.run("coverage", "--demo", "--feeds", "stocks,bonds")
    assert done.stdout.startswith("stock 15min\n20")
    assert "2 symbols, 5 sessions, 0 of " in done.stdout
    assert done.stdout.endswith("n not asked\n")
    assert done.stderr == "note: there is no warehouse yet: what has landed is pending\n"
    assert not (bell.home / "data_extracts").exists()


def test_the_rows_come_as_csv_and_json_and_can_be_narrowed(bell: Bell) -> None:
    found = rows(bell, "--holes")
    assert set(found["state"]) == {"not asked"}
    assert set(found["symbol"]) == {"AAPL", "MSFT", "^GSPC", "GCUSD", "TREASURY"}
    newest = str(found.filter(pl.col("bar_interval") == "15min")["session"].max())
    words = ("--symbols", "AAPL", "--feeds", "stocks", "--from", newest, "--to", newest)
    (one,) = json.loads(bell.run("coverage", "--demo", "--format", "json", *words).stdout)
    assert (one["symbol"], one["bar_interval"], one["session"]) == ("AAPL", "15min", newest)


def test_a_day_that_the_home_s_file_closes_is_not_wanted(bell: Bell) -> None:
    before = rows(bell, "--feeds", "stocks")["session"].unique().sort()
    text = f'[[closed]]\nday = {before[2]}\nreason = "national day of mourning"\n'
    bell.home.mkdir(exist_ok=True)
    (bell.home / "closures.toml").write_text(text, "utf-8")
    after = rows(bell, "--feeds", "stocks")["session"].unique().sort()
    assert set(before) - set(after) == {before[2]}
    assert len(after) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--feeds", "shares"),
            "asked for --feeds shares; there is no such feed of bars or yields; allowed are stocks,",
        ),
        (("--symbols", "NOPE"), "asked for NOPE; the universe holds AAPL"),
        (("--from", "2020-02-03", "--to", "2020-02-01"), "the range is reversed"),
    ],
)
def test_wrong_use_is_told_what_is_right(bell: Bell, words: tuple[str, ...], message: str) -> None:
    assert message in bell.run("coverage", "--demo", *words, code=2).stderr


def test_a_wrong_closures_file_is_told_with_its_place(bell: Bell) -> None:
    bell.home.mkdir()
    (bell.home / "closures.toml").write_text("[[closed]]\nday = 2026-12-05\nreason = 'a Saturday'\n", "utf-8")
    said = bell.run("coverage", "--demo", code=2).stderr
    assert "closures.toml names 2026-12-05 (a Saturday); XNYS has no session that day anyway" in said
