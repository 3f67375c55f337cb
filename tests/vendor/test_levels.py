from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from openingbell.vendor import levels
from openingbell.vendor.profiles import PROFILES, profile_of


@pytest.mark.parametrize("symbol", list(PROFILES))
def test_a_level_is_near_its_profile_at_the_start_of_2026(symbol: str) -> None:
    for seed in (1, 2, 3):
        ratio = np.exp(levels.log_levels(seed, symbol, PROFILES[symbol])[levels.ANCHOR]) / PROFILES[symbol].level
        assert 1 / 5 < ratio < 5


def test_the_market_does_not_move_at_weekends() -> None:
    walk = levels.log_levels(1, "^GSPC", profile_of("^GSPC", "index"))
    friday = levels.position(date(2024, 5, 3))
    assert abs(walk[friday + 2] - walk[friday]) < 0.01
    assert levels.position(levels.FIRST_DAY) == 0
    assert levels.position(levels.LAST_DAY) == len(walk) - 1


def test_stocks_move_with_the_market_and_most_with_their_sector() -> None:
    days = slice(levels.position(date(2010, 1, 1)), levels.position(date(2026, 1, 1)))
    market, apple, microsoft, coke = (
        np.diff(levels.log_levels(1, s, PROFILES[s])[days]) for s in ("^GSPC", "AAPL", "MSFT", "KO")
    )
    assert np.corrcoef(market, apple)[0, 1] > 0.5
    assert np.corrcoef(apple, microsoft)[0, 1] > np.corrcoef(apple, coke)[0, 1]
    yearly = np.std(market[market != 0]) * np.sqrt(365)
    assert 0.1 < yearly < 0.25
