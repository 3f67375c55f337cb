"""Where a history begins: found by few questions, never behind a bar that is known, and moved when it proves wrong."""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openingbell.coverage.history import ENOUGH, WORTH_HALVING, Beginning, beginning, window_sessions
from openingbell.feeds import COMMODITIES, EOD, STOCKS

Flags = npt.NDArray[np.bool_]


class Vendor:
    """A history of `length` sessions of which the vendor has those from `start` on, but for its `holes`."""

    def __init__(self, length: int, start: int, holes: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.has = np.arange(length) >= start
        self.has[sorted(holes)] = False
        self.asked = np.zeros(length, np.bool_)
        self.questions = 0

    def ask(self, first: int, end: int) -> None:
        self.questions += 1
        self.asked[first:end] = True

    def known(self, window: int) -> Beginning:
        return beginning(self.asked, self.asked & self.has, first=0, end=len(self.has), window=window)

    def search(self, window: int) -> Beginning:
        """Ask each probe until there is none."""
        while (found := self.known(window)).probe is not None:
            first, end = found.probe
            assert not self.asked[first:end].all(), "nothing is asked twice"
            self.ask(first, end)
        return found


@examples(max_examples=200)
@given(st.integers(1, 5_000), st.integers(0, 5_000), st.integers(ENOUGH, 60))
def test_the_beginning_is_found_by_halving(length: int, start: int, window: int) -> None:
    vendor = Vendor(length, start)
    found = vendor.search(window)
    assert vendor.questions <= ceil(log2(max(length / window, 1))) + 3
    assert found.before <= min(start, length)
    left = ~vendor.asked & (np.arange(length) >= found.before) & (np.arange(length) < start)
    assert left.sum() <= WORTH_HALVING * window


@examples(max_examples=200)
@given(st.integers(1, 3_000), st.integers(0, 3_000), st.integers(ENOUGH, 60), st.integers(0, 3_000))
def test_all_that_is_due_afterwards_ends_at_the_true_beginning(length: int, start: int, window: int, hole: int) -> None:
    """Holes shorter than what is called enough hide no bars."""
    holes = {day for day in range(hole, hole + ENOUGH - 1) if day < length}
    vendor = Vendor(length, start, holes)
    for _ in range(length):
        found = vendor.search(window)
        open_ = np.flatnonzero(~vendor.asked & (np.arange(length) >= found.before))
        if not len(open_):
            break
        vendor.ask(int(open_[-1]) - min(window, int(open_[-1])), int(open_[-1]) + 1)
    first_bar = np.flatnonzero(vendor.has)
    if len(first_bar):
        seen = vendor.asked & vendor.has
        assert seen.sum() == vendor.has.sum()


def test_a_history_that_was_never_asked_begins_with_its_newest_window() -> None:
    assert Vendor(1_000, 0).known(20).probe == (980, 1_000)


def test_a_short_history_is_asked_without_a_search() -> None:
    assert Vendor(WORTH_HALVING * 20, 0).known(20) == Beginning()


def test_a_symbol_without_any_bar_is_given_up_after_one_window() -> None:
    vendor = Vendor(1_000, 1_000)
    assert vendor.search(20).before == 1_000
    assert vendor.questions == 1


def test_bars_that_turn_up_before_the_beginning_move_it() -> None:
    """As when the rolling sample reads a window again that was called empty."""
    vendor = Vendor(1_000, 600)
    assert vendor.search(20).before > 500
    vendor.has[:] = True
    assert vendor.known(20).before == 0


@pytest.mark.parametrize(("feed", "sessions"), [(STOCKS, 20), (COMMODITIES, ENOUGH), (EOD, 3_910)])
def test_a_probe_spans_what_a_request_may(feed: object, sessions: int) -> None:
    assert window_sessions(feed) == sessions  # type: ignore[arg-type]
