"""Which feed delay follows from how late bars were. Pure.

A round of questions is asked at the feed delay and the settling after a bar's end. What it shows is on which side of
that age the vendor's delay lies, so the delay is searched by halving, a night a step: it is lengthened only where bars
were shown to come later than it says, and shortened towards the middle of what is still possible.

A session counts as one: that 99 % of its bars had come at an age, or that they had not. Most of the newest sessions of
which that is known decide, so that a day on which the vendor was out moves nothing.
"""

from __future__ import annotations

from math import ceil

import polars as pl

from openingbell.operations.vendor_report.lateness import STEP_SECONDS, Bracket, by_session, telling

SHARE = 0.99
LEAST_BARS = 200
LEAST_SESSIONS = 3
LEAST_BARS_A_SESSION = 20
"""At an age at which less is known of a session it does not count: three bars of a night's round are chance."""
NEWEST_SESSIONS = 5
"""Of those in which it is known whether bars had come at an age, so many decide about it."""
HEAD_ROOM = 1.1
SHORTEST_SECONDS, LONGEST_SECONDS = 15, 3_600
WORTH_SECONDS, WORTH_SHARE = 15, 0.1
"""A delay that would become shorter by less stays as it is."""


def usual(found: pl.DataFrame) -> Bracket | None:
    """Between which ages 99 % of a session's bars come on most sessions; None where too few bars say something.

    Args:
        found: `lateness.INTERVALS` of one feed.
    """
    known = telling(found)
    of_sessions = by_session(known, SHARE, LEAST_BARS_A_SESSION)
    if len(known) < LEAST_BARS or len(of_sessions) < LEAST_SESSIONS:
        return None
    ages = sorted({*of_sessions["over"], *of_sessions["at_most"]} - {0})
    late = [age for age in ages if _is_late(of_sessions, age)]
    over = late[-1] if late else 0
    behind = [age for age in ages if age > over]
    return Bracket(over, behind[0] if behind else LONGEST_SECONDS)


def _is_late(of_sessions: pl.DataFrame, age: int) -> bool:
    """Whether most of the newest sessions of which it is known had too few bars at an age."""
    known = of_sessions.filter((pl.col("at_most") <= age) | (pl.col("over") >= age)).tail(NEWEST_SESSIONS)
    return 2 * int((known["over"] >= age).sum()) > len(known)


def learned_seconds(delay: float, bracket: Bracket) -> float:
    """The feed delay to take, in whole steps of five seconds.

    Args:
        delay: the one that holds, in seconds.
        bracket: what is known of the vendor's.
    """
    middle = (bracket.over + bracket.at_most) / 2 * HEAD_ROOM
    wanted = min(max(ceil(middle / STEP_SECONDS) * STEP_SECONDS, SHORTEST_SECONDS), LONGEST_SECONDS)
    if delay > bracket.over:
        return wanted if wanted < delay - max(WORTH_SECONDS, WORTH_SHARE * delay) else delay
    return max(wanted, min(delay, LONGEST_SECONDS))
