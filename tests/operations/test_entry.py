from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from openingbell import sessions
from openingbell.errors import SettingsError
from openingbell.operations import home as homes
from openingbell.operations.entry import Wish, entered
from openingbell.operations.home import Source

CLOSED = '[[closed]]\nday = 2026-12-01\nreason = "national day of mourning"\n'
TUESDAY = date(2026, 12, 1)


def trades(day: date) -> bool:
    return len(sessions.schedule("XNYS", day, day)) == 1


def wish(home: Path) -> Wish:
    return Wish(source=Source(homes.DEMO, "1"), home=home)


def test_the_closures_of_a_home_hold_while_somebody_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "closures.toml").write_text(CLOSED, "utf-8")
    with entered(wish(tmp_path)):
        assert not trades(TUESDAY)
        assert trades(TUESDAY + timedelta(days=1))
    assert trades(TUESDAY)


def test_another_home_has_others(tmp_path: Path) -> None:
    for name, text in (("a", CLOSED), ("b", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "closures.toml").write_text(text, "utf-8")
    with entered(wish(tmp_path / "a")):
        assert not trades(TUESDAY)
    with entered(wish(tmp_path / "b")):
        assert trades(TUESDAY)


@pytest.mark.parametrize("name", ["mine.toml", "{folder}/mine.toml"])
def test_the_setting_names_another_file_beside_the_home_s_own_or_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "mine.toml").write_text(CLOSED, "utf-8")
    (tmp_path / "closures.toml").write_text("not read", "utf-8")
    monkeypatch.setenv("OPENINGBELL_CLOSURES_FILE", name.format(folder=tmp_path.as_posix()))
    with entered(wish(tmp_path)):
        assert not trades(TUESDAY)


def test_a_file_that_is_set_and_not_there_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENINGBELL_CLOSURES_FILE", "mine.toml")
    with pytest.raises(SettingsError, match=r"closures_file names .*mine\.toml"), entered(wish(tmp_path)):
        pass


def test_a_wrong_file_stops_the_run_and_leaves_market_time_alone(tmp_path: Path) -> None:
    (tmp_path / "closures.toml").write_text("[[closed]]\nday = 2026-12-05\nreason = 'a Saturday'", "utf-8")
    with pytest.raises(SettingsError, match="no session that day anyway"), entered(wish(tmp_path)):
        pass
    assert sessions.in_force() is None
