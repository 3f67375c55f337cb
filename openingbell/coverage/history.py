"""Where a symbol's history begins. Pure.

The vendor does not say since when it has bars of a symbol. It is found by asking: where sessions that were asked are
empty and lie before all bars, the history begins behind them, and what is older still is not asked for. When much lies
between, the next question halves it, so that twenty years of 15-minute bars take eight questions and not 250.

Empty for so long and then bars could also be a pause. Sessions that were called empty are among those that the
rolling sample reads again; as soon as one of them has bars, the beginning moves there and what lies between is due.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openingbell.coverage.answered import Flags
from openingbell.feeds import Feed

ENOUGH = 10
"""Sessions in a row that are empty and lie before all bars: the history begins behind them."""
WORTH_HALVING = 12
"""Windows that were never asked before all bars, from which on the beginning is searched by halving."""


@dataclass(frozen=True)
class Beginning:
    """What is known of one member: `before` is the column before which the vendor has nothing; `probe` are the columns
    (from, to) that are to be asked next to know more, None when nothing has to be searched; `searched` those among
    which the beginning lies, and of which only the probe is to be asked.
    """

    before: int = 0
    probe: tuple[int, int] | None = None
    searched: tuple[int, int] = (0, 0)


def window_sessions(feed: Feed) -> int:
    """Sessions that one request of a feed surely spans, and at the least as many as say something."""
    return max(feed.window_days * 5 // 7, ENOUGH)


def beginning(asked: Flags, has_bars: Flags, *, first: int, end: int, window: int) -> Beginning:
    """Where the history of one member begins, as far as it was asked.

    Args:
        asked: by session, whether an answer was received after it became final, and not refused.
        has_bars: by session, whether any answer had a bar of it.
        first: the first column that is wanted.
        end: behind the last one.
        window: sessions of a probe.
    """
    with_bars = np.flatnonzero(has_bars[first:end])
    oldest = first + int(with_bars[0]) if len(with_bars) else end
    empty = asked[first:oldest] & ~has_bars[first:oldest]
    before = first + _end_of_last_run(empty, ENOUGH)
    before = before if before > first else 0
    low = max(before, first)
    unasked = np.flatnonzero(~asked[low:oldest])
    if len(unasked) <= WORTH_HALVING * window:
        return Beginning(before)
    start, stop = low + int(unasked[0]), low + int(unasked[-1]) + 1
    if not len(with_bars):
        probe = (stop - window, stop)
    elif not before:
        probe = (start, start + window)
    else:
        middle = (start + stop) // 2
        probe = (middle, middle + window)
    return Beginning(before, probe, (start, stop))


def _end_of_last_run(flags: Flags, length: int) -> int:
    """Behind the last run of at least `length` true values; 0 when there is none."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = ends[ends - begins >= length]
    return int(long[-1]) if len(long) else 0
