"""When bars came, found from rounds of questions that are made up here, with a vendor whose delays are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import sessions
from openingbell.feeds import BONDS, EOD, STOCKS, TREASURY, Feed
from openingbell.landing import Ask, Manifest, Outcome, record_of
from openingbell.landing.record import MOMENT
from openingbell.operations.vendor_report.lateness import (
    CLOSE_SECONDS,
    INTERVALS,
    ROWS,
    STEP_SECONDS,
    WATCHERS,
    Bracket,
    bracket,
    by_session,
    intervals,
    telling,
    watchers,
)

DAY = date(2019, 2, 13)
OPEN = datetime(2019, 2, 13, 14, 30, tzinfo=UTC)
LONG_AGO = OPEN - timedelta(days=30)
SYMBOLS = ("AAPL", "MSFT")
MIDNIGHT = datetime.fromisoformat("2019-02-13")
WATCHING = pl.Schema(
    dict.fromkeys(WATCHERS, pl.String())
    | {"answered_at": MOMENT, "first": pl.Date(), "last": pl.Date(), "rows": pl.UInt32()}
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def seen(
    rounds: Iterable[datetime],
    late: Callable[[str, datetime], float | None],
    feed: Feed = STOCKS,
    symbols: Iterable[str] = SYMBOLS,
    since: datetime = LONG_AGO,
) -> pl.DataFrame:
    """What rounds of questions show of a session's bars, of which each came so many seconds after its end, or never.
    The bar that runs is in every answer.
    """
    grid = sessions.grid(feed.calendar, feed.bar_interval, DAY, DAY)
    length = minutes(15) if feed is STOCKS else timedelta(days=1)
    watching, rows = [], []
    for moment in rounds:
        for symbol in symbols:
            watching.append((f"{moment}", symbol, feed.calendar, feed.bar_interval, moment, DAY, DAY, 0))
            for start, end in grid.select("date", "end_utc").iter_rows():
                delay = late(symbol, end)
                forms = end - length <= moment < end
                if forms or (delay is not None and end + timedelta(seconds=delay) <= moment):
                    rows.append((f"{moment}", symbol, start))
    made = pl.DataFrame(watching, schema=WATCHING, orient="row")
    return intervals(made, pl.DataFrame(rows, schema=ROWS, orient="row"), feed, since)


def of(found: pl.DataFrame, symbol: str, clock: str) -> list[tuple[int, int]]:
    """The intervals of the bar of a symbol that starts then."""
    start = datetime.fromisoformat(f"{DAY} {clock}")
    return found.filter(pl.col("symbol") == symbol, pl.col("date") == start).select("over", "at_most").rows()


def test_a_delay_lies_between_the_last_look_without_the_bar_and_the_first_with_it() -> None:
    """The first bar ends at 9:45; it is looked for after two minutes, and then each quarter of an hour."""
    found = seen([OPEN + minutes(15 * n + 2) for n in range(1, 5)], lambda symbol, _: 130 if symbol == "MSFT" else 100)
    assert of(found, "AAPL", "09:30") == [(0, 120)]
    assert of(found, "MSFT", "09:30") == [(120, 120 + 900)]
    assert of(found, "MSFT", "10:15") == []  # nobody has looked since
    assert found.schema == INTERVALS


def test_what_never_came_is_a_hole_and_not_late() -> None:
    found = seen([OPEN + minutes(17), OPEN + minutes(32)], lambda symbol, _: None if symbol == "MSFT" else 0)
    assert set(found["symbol"]) == {"AAPL"}


def test_a_bar_that_formed_when_it_was_seen_counts_from_its_end_on() -> None:
    found = seen([OPEN + minutes(10), OPEN + minutes(17)], lambda _symbol, _end: 60)
    assert of(found, "AAPL", "09:30") == [(0, 120)]


def test_after_a_day_nobody_waits_any_more() -> None:
    rounds = [OPEN + minutes(17), OPEN + timedelta(days=1) + minutes(16)]
    assert of(seen(rounds, lambda _symbol, _end: 130), "AAPL", "09:30") == []
    rounds[1] -= minutes(1)
    assert of(seen(rounds, lambda _symbol, _end: 130), "AAPL", "09:30") == [(120, 86_400)]


def test_bars_that_ended_before_the_time_in_question_are_left_out() -> None:
    found = seen([OPEN + minutes(32)], lambda _symbol, _end: 0, since=OPEN + minutes(16))
    assert found["date"].unique().to_list() == [datetime.fromisoformat("2019-02-13 09:45")]


def test_a_feed_is_late_after_its_own_time() -> None:
    """Stocks close at 21:00 UTC; their official day is there an hour later, the Treasury's word after two."""
    (day,) = seen([OPEN.replace(hour=22, minute=10)], lambda _symbol, _end: 3_600, EOD, ["AAPL"]).rows()
    assert day == ("AAPL", DAY, MIDNIGHT, 0, 600)
    (close,) = sessions.schedule(BONDS.calendar, DAY, DAY)["close_utc"]
    rounds = [close + timedelta(hours=2, seconds=seconds) for seconds in (61, 3_600)]
    (curve,) = seen(rounds, lambda _symbol, _end: 2 * 3_600 + 90, BONDS, [TREASURY]).rows()
    assert curve == (TREASURY, DAY, MIDNIGHT, 65, 3_600)


def test_without_answers_nothing_is_known() -> None:
    assert intervals(WATCHING.to_frame(), ROWS.to_frame(), STOCKS, LONG_AGO).equals(INTERVALS.to_frame())


@settings(max_examples=20)  # a busy machine is no fault
@given(
    st.lists(st.integers(-600, 30_000), min_size=1, max_size=8),
    st.lists(st.integers(0, 9_000), min_size=26, max_size=26),
)
def test_the_truth_lies_in_the_interval_to_a_step(rounds: list[int], delays: list[int]) -> None:
    ends = sessions.grid("XNYS", "15min", DAY, DAY)["end_utc"].to_list()
    truth = dict(zip(ends, delays, strict=True))
    found = seen(sorted({OPEN + timedelta(seconds=age) for age in rounds}), lambda _, end: truth[end], symbols=["AAPL"])
    for start, over, at_most in found.select("date", "over", "at_most").iter_rows():
        end = start.replace(tzinfo=sessions.NEW_YORK).astimezone(UTC) + minutes(15)
        assert max(over - STEP_SECONDS, 0) <= truth[end] <= at_most
        assert over < at_most


def asks(*kept: Ask) -> pl.DataFrame:
    manifest = Manifest("a", "stocks", "x", "15min", "vendor", 120.0, OPEN, None, 0, 0, "", kept)
    record = record_of([manifest])
    return record.asks.join(record.files.select(pl.col("load_id").cast(pl.Categorical), "bar_interval"), on="load_id")


def test_only_answers_about_the_newest_sessions_watch() -> None:
    def ask(symbol: str, first: date, last: date, outcome: Outcome = Outcome.ANSWERED) -> Ask:
        return Ask(symbol, "stock", "XNYS", first, last, first, last, OPEN, 200, outcome, 7, 0, {})

    old, new = DAY - timedelta(days=29), DAY - timedelta(days=5)
    found = watchers(
        asks(
            ask("YEAR", date(2018, 1, 2), new),
            ask("MONTH", old, DAY),
            ask("DAY", DAY, DAY),
            ask("REFUSED", DAY, DAY, Outcome.RESTRICTED),
        )
    )
    assert found.columns == list(WATCHERS)
    assert found.select("symbol", "first", "last", "rows").rows() == [
        ("MONTH", DAY - timedelta(days=4), DAY, 7), ("DAY", DAY, DAY, 7),
    ]  # fmt: skip


def known(*pairs: tuple[int, int], session: date = DAY) -> pl.DataFrame:
    rows = [(f"S{number}", session, None, over, at_most) for number, (over, at_most) in enumerate(pairs)]
    return pl.DataFrame(rows, schema=INTERVALS, orient="row")


def test_what_was_first_looked_for_late_tells_nothing() -> None:
    found = known((0, 120), (0, CLOSE_SECONDS), (0, CLOSE_SECONDS + 5), (120, 20_000))
    assert telling(found)["symbol"].to_list() == ["S0", "S1", "S3"]


def test_a_share_of_bars_had_come_between_two_ages() -> None:
    """By 120 seconds two of four had come; by 1,020 three of four; by 1,920 all."""
    found = known((0, 120), (0, 120), (120, 1_020), (1_020, 1_920))
    assert bracket(found, 0.5) == Bracket(0, 120)
    assert bracket(found, 0.75) == Bracket(120, 1_020)
    assert bracket(found, 0.9) == Bracket(1_020, 1_920)
    assert bracket(found.clear(), 0.5) is None


def test_what_is_not_known_at_an_age_counts_neither_way() -> None:
    """At 300 seconds nobody knows of the late one: all that are known had come."""
    assert bracket(known((120, 1_020), (0, 300), (0, 300)), 0.9) == Bracket(120, 300)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 400)), min_size=1), st.floats(0.01, 1.0))
def test_a_larger_share_is_not_there_sooner(pairs: list[tuple[int, int]], share: float) -> None:
    found = known(*((5 * over, 5 * (over + more)) for over, more in pairs))
    some, every = bracket(found, share), bracket(found, 1.0)
    assert some is not None
    assert every is not None
    assert some.over < some.at_most <= every.at_most
    assert some.over <= every.over


def test_sessions_are_judged_by_themselves_where_enough_is_known() -> None:
    days = [DAY - timedelta(days=back) for back in (0, 1, 2)]
    found = pl.concat(
        [
            known(*[(0, 120)] * 20, session=days[0]),
            known(*[(120, 1_020)] * 15, *[(0, 120)] * 5, session=days[1]),
            known(*[(0, 120)] * 19, session=days[2]),
        ]
    )
    assert by_session(found, 0.99, 20).rows() == [(days[1], 120, 1_020), (days[0], 0, 120)]


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_no_session_is_known_of_few_bars(share: float) -> None:
    assert by_session(known((0, 120)), share, 2).is_empty()
    assert by_session(known((0, 120)).clear(), share, 1).is_empty()
