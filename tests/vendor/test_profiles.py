from __future__ import annotations

import pytest

from openingbell.vendor.profiles import PROFILES, profile_of


def test_every_profile_can_be_simulated() -> None:
    for symbol, profile in PROFILES.items():
        assert profile.level > 1, symbol
        assert 0 < profile.memory < 1, symbol
        assert 0 < profile.own_vol < 1, symbol
        assert (profile.daily_volume == 0) is symbol.startswith("^"), symbol


@pytest.mark.parametrize("asset_class", ["stock", "index", "commodity"])
def test_any_other_symbol_gets_a_profile_of_its_own(asset_class: str) -> None:
    one, other = profile_of("ZZTOP", asset_class), profile_of("ABBA", asset_class)
    assert one == profile_of("ZZTOP", asset_class)
    assert one != other
    assert 20 <= one.level <= 400
    assert (one.daily_volume == 0) is (asset_class == "index")
