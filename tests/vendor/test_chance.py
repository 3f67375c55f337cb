from __future__ import annotations

from openingbell.vendor.chance import generator


def test_a_name_has_the_same_chance_in_every_process() -> None:
    """The figure is pinned: a hash that differs by process or release would change it."""
    assert generator(7, "walk", "market").integers(0, 1_000_000_000) == PINNED
    assert generator(8, "walk", "market").integers(0, 1_000_000_000) != PINNED
    assert generator(7, "walk", "other").integers(0, 1_000_000_000) != PINNED


PINNED = 366888505
