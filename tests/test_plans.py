"""Plans: their limits, own numbers in the place of theirs, and what follows for the pace."""

from __future__ import annotations

from pathlib import Path

import pytest

from openingbell.config import Settings
from openingbell.environment import read_settings
from openingbell.errors import SettingsError
from openingbell.plans import PLANS, Plan, plan_of


def test_without_a_name_and_numbers_there_is_none() -> None:
    assert plan_of("") is None
    assert Settings().limits is None
    assert Settings().paced_calls_per_minute == pytest.approx(60 * 100 / 11)


def test_own_numbers_take_the_place_of_the_plans() -> None:
    assert plan_of("starter", calls_per_day=7) == Plan("starter", 250, 7, 20_000_000_000)
    assert plan_of("", calls_per_minute=9) == Plan("own", calls_per_minute=9)


@pytest.mark.parametrize("name", ["starter", "premium", "ultimate"])
def test_the_pace_of_a_plan_stays_just_below_its_limit(name: str) -> None:
    limit = PLANS[name].calls_per_minute
    assert limit is not None
    settings = Settings(plan=name)
    assert 0.97 * limit < settings.paced_calls_per_minute < limit
    assert 60 // settings.seconds_between_calls + 1 <= limit
    assert settings.workers >= settings.paced_calls_per_minute / 60 * 0.3


@pytest.mark.parametrize("settings", [Settings(plan="free"), Settings(calls_per_day=1_000)], ids=["free", "own"])
def test_a_plan_that_says_nothing_of_minutes_keeps_the_careful_pace(settings: Settings) -> None:
    assert settings.limits is not None
    assert (settings.seconds_between_calls, settings.seconds_between_batches) == (0.1, 1.0)
    assert settings.paced_calls_per_minute == Settings().paced_calls_per_minute


def test_threads_that_are_set_are_kept() -> None:
    assert Settings(plan="ultimate", threads=3).workers == 3


def test_free_has_no_bars_inside_the_day() -> None:
    assert [name for name, plan in PLANS.items() if not plan.intraday] == ["free"]


def test_a_plan_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`free`, `starter`, `premium`, `ultimate`"):
        read_settings(tmp_path, environment={"OPENINGBELL_PLAN": "gold"}, dotenv=tmp_path / ".env")
