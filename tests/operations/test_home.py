from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openingbell import universe as universes
from openingbell.clock import ShiftedClock, SystemClock, VirtualClock
from openingbell.errors import RangeError, SourceError
from openingbell.operations import home as homes
from openingbell.operations.home import Home, Source

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
DEMO = Source(homes.DEMO, "1")
ONE_STOCK = universes.from_symbols(["AAPL"], [], [])


def replay_of(folder: Path) -> Source:
    (folder / "universe.toml").write_text(
        'first = "2019-01-04"\nlast = "2019-02-15"\n[stocks]\nsymbols = ["AAPL"]\n', "utf-8"
    )
    return Source(homes.REPLAY, str(folder))


def test_live_data_live_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert homes.enter(None, None) == Home(tmp_path, Source(homes.LIVE))


def test_demo_and_replay_have_homes_of_their_own() -> None:
    assert homes.enter(DEMO, None).root == Path("homes/demo")
    assert homes.enter(Source(homes.REPLAY, "/bars/mine"), None).root == Path("homes/replay-mine")


def test_a_named_home_wins(tmp_path: Path) -> None:
    assert homes.enter(DEMO, tmp_path).root == tmp_path


def test_a_home_of_another_source_is_refused_by_name(tmp_path: Path) -> None:
    homes.claim(Home(tmp_path, DEMO), SystemClock())
    with pytest.raises(SourceError, match=r"for fmp; it belongs to demo 1; .*OPENINGBELL_HOME"):
        homes.enter(Source(homes.LIVE), tmp_path)
    with pytest.raises(SourceError, match="belongs to demo 1"):
        homes.enter(Source(homes.DEMO, "2"), tmp_path)


def test_who_names_no_source_gets_the_homes_own(tmp_path: Path) -> None:
    homes.claim(Home(tmp_path, DEMO), SystemClock())
    assert homes.enter(None, tmp_path).source == DEMO


def test_a_home_whose_file_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / homes.FILE_NAME).write_text('{"kind": "demo"', "utf-8")
    with pytest.raises(SourceError, match="cannot be understood"):
        homes.enter(None, tmp_path)


def test_live_data_have_the_machines_clock_and_no_other(tmp_path: Path) -> None:
    live = Home(tmp_path, Source(homes.LIVE))
    assert isinstance(homes.clock_of(live, ONE_STOCK, None), SystemClock)
    with pytest.raises(RangeError, match="leave --now out"):
        homes.clock_of(live, ONE_STOCK, NOW)


def test_a_replay_begins_at_the_midnight_after_its_last_session(tmp_path: Path) -> None:
    source = replay_of(tmp_path)
    clock = homes.clock_of(Home(tmp_path, source), universes.read_replay(tmp_path), None)
    begun = datetime(2019, 2, 16, 5, tzinfo=UTC)
    assert timedelta(0) <= clock.now() - begun < timedelta(minutes=1)


def test_the_clock_of_a_home_goes_on_from_where_it_was(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    homes.claim(home, homes.clock_of(home, ONE_STOCK, NOW))
    facts = json.loads((tmp_path / homes.FILE_NAME).read_text("utf-8"))
    an_hour_ago = datetime.fromisoformat(facts["machine"]) - timedelta(hours=1)
    (tmp_path / homes.FILE_NAME).write_text(json.dumps({**facts, "machine": an_hour_ago.isoformat()}), "utf-8")
    passed = homes.clock_of(home, ONE_STOCK, None).now() - NOW
    assert timedelta(hours=1) <= passed < timedelta(hours=1, minutes=1)


def test_the_clock_of_a_home_may_be_set_forward_and_never_back(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    homes.claim(home, homes.clock_of(home, ONE_STOCK, NOW))
    later = homes.clock_of(home, ONE_STOCK, NOW + timedelta(days=1))
    assert later.now() >= NOW + timedelta(days=1)
    with pytest.raises(RangeError, match="never runs backwards"):
        homes.clock_of(home, ONE_STOCK, NOW - timedelta(seconds=1))


def test_a_demo_without_a_moment_of_its_own_lives_now(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    clock = homes.clock_of(home, ONE_STOCK, None)
    homes.claim(home, clock)
    assert isinstance(clock, SystemClock)
    assert isinstance(homes.clock_of(home, ONE_STOCK, None), SystemClock)


def test_claiming_keeps_the_first_record_of_a_home_on_the_machines_clock(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    homes.claim(home, SystemClock())
    before = (tmp_path / homes.FILE_NAME).read_bytes()
    homes.claim(home, VirtualClock(NOW))
    assert (tmp_path / homes.FILE_NAME).read_bytes() == before
    homes.claim(home, ShiftedClock(NOW))
    assert (tmp_path / homes.FILE_NAME).read_bytes() != before


def test_a_home_that_was_used_on_the_machines_clock_is_not_set_back(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    homes.claim(home, SystemClock())
    with pytest.raises(RangeError, match=r"asked for --now 2010-.* has reached .* never runs backwards; choose"):
        homes.clock_of(home, ONE_STOCK, datetime(2010, 1, 4, tzinfo=UTC))
    later = SystemClock().now() + timedelta(days=1)
    homes.claim(home, homes.clock_of(home, ONE_STOCK, later))
    assert homes.clock_of(home, ONE_STOCK, None).now() >= later


def test_a_live_home_belongs_to_one_address_once_something_has_landed(tmp_path: Path) -> None:
    home = Home(tmp_path, Source(homes.LIVE))
    homes.claim(home, SystemClock())
    homes.bind(home, "http://127.0.0.1:1/mistyped", landed=False)
    homes.bind(home, "http://127.0.0.1:8800", landed=False)
    homes.bind(home, "http://127.0.0.1:8800/", landed=True)
    with pytest.raises(
        SourceError, match=r"from https://financialmodelingprep\.com/stable .*from http://127.*8800; .*set"
    ):
        homes.bind(home, "https://financialmodelingprep.com/stable", landed=True)
    homes.claim(home, SystemClock())
    assert json.loads((tmp_path / homes.FILE_NAME).read_text("utf-8"))["base_url"] == "http://127.0.0.1:8800"


def test_the_default_address_is_recorded_as_none_of_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path, Source(homes.LIVE))
    homes.claim(home, SystemClock())
    homes.bind(home, "https://financialmodelingprep.com/stable", landed=False)
    assert json.loads((tmp_path / homes.FILE_NAME).read_text("utf-8"))["base_url"] == ""
    with pytest.raises(SourceError, match="asked to extract from http://127"):
        homes.bind(home, "http://127.0.0.1:8800", landed=True)


def test_a_demo_asks_whatever_address_its_vendor_has(tmp_path: Path) -> None:
    home = Home(tmp_path, DEMO)
    homes.claim(home, SystemClock())
    homes.bind(home, "http://127.0.0.1:1", landed=True)
    homes.bind(home, "http://127.0.0.1:2", landed=True)
