"""What a plan still allows, by what the record says was used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from openingbell.extract.budget import Budget, left, used
from openingbell.landing import record_of
from tests.coverage.test_due import STOCK, answer

NOON = datetime(2019, 2, 15, 17, tzinfo=UTC)
MIDNIGHT = datetime(2019, 2, 15, 5, tzinfo=UTC)  # in New York


@pytest.mark.parametrize(
    ("at", "calls", "received"),
    [(MIDNIGHT, 3, 100), (MIDNIGHT - timedelta(seconds=1), 0, 100), (NOON - timedelta(days=31), 0, 0)],
)
def test_calls_count_since_midnight_in_new_york_and_bytes_for_thirty_days(
    at: datetime, calls: int, received: int
) -> None:
    manifest = answer(STOCK.members[0], at.date(), at.date(), at)
    three = replace(manifest, asks=(replace(manifest.asks[0], calls=3),))
    use = used(record_of([three]).asks, NOON)
    assert (use.calls_today, use.bytes_metered) == (calls, received)
    budget = left(use, calls_per_day=5, bytes_per_30_days=150)
    assert budget == Budget(5 - calls, 150 - received)


def test_what_is_used_up_allows_nothing_and_what_has_no_limit_all() -> None:
    assert Budget(2, 100).calls_left(calls=1, received=50) == 1
    assert Budget(2, 100).calls_left(calls=3, received=50) == 0
    assert Budget(2, 100).calls_left(calls=0, received=100) == 0
    assert Budget().calls_left(10**9, 10**12) > 10**9
