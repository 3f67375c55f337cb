"""A rename that another program stands in the way of is tried again, and at last told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openingbell.clock import VirtualClock
from openingbell.landing.files import patiently

START = datetime(2026, 11, 24, 15, tzinfo=UTC)


class Scanner:
    """A file that a virus scanner has open for the first `tries`."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.renamed = 0

    def rename(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise PermissionError("in use")
        self.renamed += 1


@pytest.mark.parametrize(("tries", "seconds"), [(0, 0.0), (1, 0.25), (2, 0.75)])
def test_it_is_renamed_once_after_as_many_pauses_as_that_takes(tries: int, seconds: float) -> None:
    scanner, clock = Scanner(tries), VirtualClock(START)
    patiently(scanner.rename, (0.25, 0.5), clock)
    assert (scanner.renamed, clock.now() - START) == (1, timedelta(seconds=seconds))


def test_what_stays_in_the_way_is_told() -> None:
    scanner, clock = Scanner(9), VirtualClock(START)
    with pytest.raises(PermissionError, match="in use"):
        patiently(scanner.rename, (0.25, 0.5), clock)
    assert (scanner.renamed, clock.now() - START) == (0, timedelta(seconds=0.75))


def test_another_failure_is_told_at_once() -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    clock = VirtualClock(START)
    with pytest.raises(OSError, match="No space"):
        patiently(full, (0.25,), clock)
    assert clock.now() == START
