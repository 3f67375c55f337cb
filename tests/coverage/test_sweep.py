"""Revision sweeps: the week once a night, and of all history what was not read for the longest time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from openingbell import coverage
from openingbell.config import Settings
from openingbell.coverage.sweep import last_night, night_of
from openingbell.landing import Manifest, record_of
from tests.coverage.test_due import STOCK, answer, excluded

SETTINGS = Settings(first_run_sessions=30)
WEDNESDAY = datetime(2019, 2, 13, 23, tzinfo=UTC)  # 18:00 in New York
NIGHT = datetime(2019, 2, 14, 1, 30, tzinfo=UTC)
MEMBER = STOCK.members[0]


def whole(when: datetime, first: date = date(2019, 1, 2), last: date = date(2019, 2, 13)) -> Manifest:
    return answer(MEMBER, first, last, when)


def due(manifests: list[Manifest], now: datetime, **more: int) -> list[tuple[date, date]]:
    found = coverage.due(STOCK, record_of(manifests), now, SETTINGS.model_copy(update=more))
    return [(one.first, one.last) for one in found]


@pytest.mark.parametrize(
    ("now", "night"),
    [
        (datetime(2019, 2, 14, 1, 29, tzinfo=UTC), datetime(2019, 2, 13, 1, 30, tzinfo=UTC)),
        (NIGHT, NIGHT),
        (datetime(2019, 2, 18, 12, tzinfo=UTC), datetime(2019, 2, 16, 1, 30, tzinfo=UTC)),  # a holiday's Monday
    ],
)
def test_a_night_follows_a_session(now: datetime, night: datetime) -> None:
    assert last_night(now, SETTINGS) == night
    assert night_of(date(2019, 7, 1), SETTINGS) == datetime(2019, 7, 2, 0, 30, tzinfo=UTC)


def test_the_week_is_read_again_once_a_night() -> None:
    known = [whole(WEDNESDAY)]
    assert due(known, NIGHT - timedelta(seconds=1)) == []
    assert due(known, NIGHT) == [(date(2019, 2, 7), date(2019, 2, 13))]
    again = [*known, whole(NIGHT, date(2019, 2, 7))]
    assert due(again, NIGHT + timedelta(hours=12)) == []
    assert due(known, NIGHT, revision_sessions=2) == [(date(2019, 2, 12), date(2019, 2, 13))]
    assert due(known, NIGHT, revision_sessions=0) == []


def test_what_the_plan_excludes_is_not_swept() -> None:
    assert due([excluded(whole(WEDNESDAY))], NIGHT) == []


def test_the_sample_is_what_was_not_read_for_the_longest_time() -> None:
    old, older = WEDNESDAY + timedelta(days=1), WEDNESDAY
    known = [whole(old), answer(MEMBER, date(2019, 1, 2), date(2019, 1, 4), older)]
    now = WEDNESDAY + timedelta(days=30)
    quiet = SETTINGS.model_copy(update={"revision_sessions": 0})

    def sample(manifests: list[Manifest], moment: datetime, count: int) -> list[tuple[date, date]]:
        before = coverage.due(STOCK, record_of(manifests), moment, quiet)
        found = coverage.due(STOCK, record_of(manifests), moment, quiet, sample=count)
        return [(one.first, one.last) for one in found[len(before) :]]

    (first,) = sample(known[:1], now, 1)
    assert first[0] == date(2019, 1, 2)
    many = sample(known[:1], now, 50)
    assert len(many) == len(set(many)) > 1
    assert sample(known[:1], old + timedelta(days=6), 50) == []  # young
    read_again = [*known[:1], answer(MEMBER, *first, now)]
    assert first not in sample(read_again, now, 50)
