"""Coverage: the fold of calendar, manifests and loads that says what is there, what is missing and what is due.

There is no cursor: whatever a full record would hold and no answer covers is due, wherever it lies in time. A tick, a
repair after an outage and a longer history are the same question.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import sessions, tables
from openingbell.config import Settings
from openingbell.feeds import EOD, STOCKS, Feed, Kind
from openingbell.landing import Manifest, Outcome, asks_of
from openingbell.splits import Split
from openingbell.universe import Member, Universe

MOMENT = pl.Datetime("us", "UTC")
ASKS = pl.Schema(
    {
        "feed": pl.String(),
        "symbol": pl.String(),
        "load_id": pl.String(),
        "restricted": pl.Boolean(),
        "answered_at": MOMENT,
        "session": pl.Date(),
        "bars": pl.Int64(),
    }
)


EVIDENCE_SESSIONS_BEFORE = 3
"""Sessions before a split's ex-date that are asked again after it."""
EVIDENCE_SESSIONS_AFTER = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20)
"""Sessions from the ex-date on in which they are."""
EVIDENCE_DELAY = timedelta(minutes=20)
"""After a session's open: the first bar on the new basis is there."""
EVIDENCE_DAYS = timedelta(days=45)
RE_READ = (STOCKS.name, EOD.name)


@dataclass(frozen=True)
class Due:
    """Sessions of one member that are to be asked for: every session from `first` to `last` of its calendar."""

    member: Member
    first: date
    last: date


def due(
    universe: Universe,
    manifests: Sequence[Manifest],
    now: datetime,
    settings: Settings,
    *,
    again: bool = False,
    splits: Sequence[Split] = (),
) -> list[Due]:
    """What is to be asked for at `now`, as runs of neighbouring sessions.

    A session is due when bars of it are final by now and no answer was received after the newest of them became
    final. One that still lacks bars then is asked again after `hole_recheck_minutes`, each time after twice as long,
    `hole_rechecks` times in all; at once with `again`, which is for who asks by name. What the plan excluded is asked
    again after `restricted_recheck_days`. The sessions before one of the `splits` are asked again some sessions
    after it: that shows when the vendor has adjusted them.
    """
    covered = _covered(universe, manifests, now, settings, evidence=evidence_wanted(splits, now))
    recheck_plan_at = now - timedelta(days=settings.restricted_recheck_days)
    waited = pl.col("last_asked_at") + timedelta(minutes=settings.hole_recheck_minutes) * (
        2 ** (pl.col("asked_since_final") - 1).clip(lower_bound=0)
    )
    lacking = pl.col("bars_landed") < pl.col("bars_expected")
    recheck = pl.lit(again) | ((pl.col("asked_since_final") <= settings.hole_rechecks) & (waited <= now))
    wanted = covered.with_columns(
        due=pl.when("restricted")
        .then(pl.col("last_asked_at") <= recheck_plan_at)
        .otherwise((pl.col("asked_since_final") == 0) | (lacking & recheck))
    )
    runs = (
        wanted.with_columns(run=pl.col("due").rle_id().over("member"))
        .filter("due")
        .group_by("member", "run", maintain_order=True)
        .agg(first=pl.col("session").min(), last=pl.col("session").max())
    )
    return [Due(universe.members[row["member"]], row["first"], row["last"]) for row in runs.iter_rows(named=True)]


def fold(
    universe: Universe, manifests: Sequence[Manifest], loaded: Collection[str], now: datetime, settings: Settings
) -> pl.DataFrame:
    """The state of every wanted session at `now`, in the shape of the table `coverage`.

    Args:
        universe: what is wanted.
        manifests: everything that has landed.
        loaded: the load_ids that the warehouse holds.
        now: the moment, UTC; bars that are not final by then are not expected yet.
        settings: for the delays and the first run's reach.
    """
    bars = Universe(tuple(member for member in universe.members if member.feed.kind is not Kind.ACTIONS))
    covered = _covered(bars, manifests, now, settings, loaded=set(loaded))
    present = pl.min_horizontal("bars_loaded", "bars_expected")
    state = (
        pl.when(present == pl.col("bars_expected"))
        .then(pl.lit("complete"))
        .when("restricted")
        .then(pl.lit("restricted"))
        .when(pl.col("asked_since_final") == 0)
        .then(pl.lit("not asked"))
        .when(pl.col("bars_landed") > pl.col("bars_loaded"))
        .then(pl.lit("pending"))
        .otherwise(pl.lit("missing"))
    )
    facts = pl.DataFrame(
        {
            "member": range(len(bars.members)),
            "asset_class": [member.asset_class for member in bars.members],
            "symbol": [member.symbol for member in bars.members],
            "bar_interval": [member.bar_interval for member in bars.members],
        },
        schema={"member": pl.Int64(), "asset_class": pl.String(), "symbol": pl.String(), "bar_interval": pl.String},
    )
    frame = covered.join(facts, on="member", how="left").with_columns(
        bars_present=present, state=state, last_asked_at=pl.col("last_asked_at").dt.replace_time_zone(None)
    )
    return tables.COVERAGE.conform(frame).sort(tables.COVERAGE.key)


def _covered(
    universe: Universe,
    manifests: Sequence[Manifest],
    now: datetime,
    settings: Settings,
    loaded: set[str] | None = None,
    evidence: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per member and session that has final bars by `now`, ordered so: what is expected, what was asked."""
    asks = _asks(manifests).with_columns(is_loaded=pl.col("load_id").is_in(list(loaded or ())))
    histories = _histories(manifests)
    by_feed: dict[str, list[tuple[int, Member]]] = {}
    for number, member in enumerate(universe.members):
        by_feed.setdefault(member.feed.name, []).append((number, member))
    frames = [
        _expected(number, member, histories.get((member.feed.name, member.symbol)), now, settings).with_columns(
            feed=pl.lit(member.feed.name), symbol=pl.lit(member.symbol)
        )
        for members in by_feed.values()
        for number, member in members
    ]
    expected = pl.concat(frames) if frames else _expected_nothing()
    if evidence is not None and len(evidence):
        expected = expected.join(evidence, on=["symbol", "session"], how="left", maintain_order="left").with_columns(
            final_at=pl.when(pl.col("feed").is_in(RE_READ))
            .then(pl.max_horizontal("final_at", "again_at"))
            .otherwise("final_at")
        )
    facts = ("is_wanted", "bars_expected", "final_at")
    return (
        expected.join(asks, on=["feed", "symbol", "session"], how="left", maintain_order="left")
        .group_by("member", "session", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in facts),
            asked_times=pl.col("answered_at").count().cast(pl.Int64),
            asked_since_final=(pl.col("answered_at") >= pl.col("final_at")).sum().cast(pl.Int64),
            last_asked_at=pl.col("answered_at").max(),
            restricted=pl.col("restricted").sort_by("answered_at").last().fill_null(value=False),
            bars_landed=pl.col("bars").max().fill_null(0),
            bars_loaded=pl.col("bars").filter("is_loaded").max().fill_null(0),
        )
        .filter(pl.col("is_wanted") | (pl.col("asked_times") > 0))
    )


def evidence_wanted(splits: Sequence[Split], now: datetime) -> pl.DataFrame:
    """The sessions of which new answers are wanted, because they show whether the vendor has adjusted for a split.

    Returns:
        symbol, session (Date) and again_at (Datetime µs UTC): an answer is wanted that was received after it.
    """
    rows = []
    for split in splits:
        if split.ex_date > now.date() + timedelta(days=1) or now.date() - split.ex_date > EVIDENCE_DAYS:
            continue
        after = sessions.schedule(STOCKS.calendar, split.ex_date, split.ex_date + EVIDENCE_DAYS)["open_utc"].to_list()
        moments = [after[n] + EVIDENCE_DELAY for n in EVIDENCE_SESSIONS_AFTER if n < len(after)]
        begun = [moment for moment in moments if moment <= now]
        if begun:
            before = sessions.schedule(
                STOCKS.calendar, split.ex_date - EVIDENCE_DAYS, split.ex_date - timedelta(days=1)
            )
            days: list[date] = before["session"].to_list()
            rows += [(split.symbol, day, begun[-1]) for day in days[-EVIDENCE_SESSIONS_BEFORE:]]
    frame = pl.DataFrame(rows, schema={"symbol": pl.String(), "session": pl.Date(), "again_at": MOMENT}, orient="row")
    return frame.group_by("symbol", "session").agg(pl.col("again_at").max())


def _asks(manifests: Sequence[Manifest]) -> pl.DataFrame:
    """One row per ask and covered day."""
    records = [
        (
            manifest.feed,
            ask.symbol,
            manifest.load_id,
            ask.outcome is Outcome.RESTRICTED,
            ask.answered_at,
            ask.covered_first + timedelta(days=offset),
            ask.bars.get(ask.covered_first + timedelta(days=offset), 0),
        )
        for manifest, ask in asks_of(list(manifests))
        for offset in range((ask.covered_last - ask.covered_first).days + 1)
    ]
    return pl.DataFrame(records, schema=ASKS, orient="row")


@dataclass(frozen=True)
class History:
    """What was ever asked about a member: when first, and how far back."""

    begun: datetime
    earliest: date


def _histories(manifests: Sequence[Manifest]) -> dict[tuple[str, str], History]:
    histories: dict[tuple[str, str], History] = {}
    for manifest, ask in asks_of(list(manifests)):
        known = histories.get((manifest.feed, ask.symbol), History(ask.answered_at, ask.first))
        histories[manifest.feed, ask.symbol] = History(
            min(known.begun, ask.answered_at), min(known.earliest, ask.first)
        )
    return histories


def _expected(number: int, member: Member, history: History | None, now: datetime, settings: Settings) -> pl.DataFrame:
    first, last = wanted_range(member, history.begun if history else now, now, settings)
    if member.feed.kind is Kind.ACTIONS:
        return _asked_by_session(number, member, first, last, now)
    earliest = first if history is None or member.first is not None else min(first, history.earliest)
    return final_sessions(
        member.calendar, member.bar_interval, earliest, last, now, settings.final_delay(member.feed)
    ).select(
        pl.lit(number, pl.Int64).alias("member"),
        "session",
        "bars_expected",
        "final_at",
        is_wanted=pl.col("session") >= first,
    )


def _asked_by_session(number: int, member: Member, first: date, last: date, now: datetime) -> pl.DataFrame:
    """The sessions at whose opening corporate actions are to be known. Nobody knows how many there should be.

    The calendars of the whole market are asked every session, the history of a symbol when it is new and then once a
    month, in case that the calendars lacked something. Its answer is the whole history, so only the newest such session
    counts.
    """
    days = sessions.schedule(member.calendar, first, last).filter(pl.col("open_utc") <= now)
    if not member.feed.whole_market:
        is_new_month = pl.col("session").dt.month() != pl.col("session").dt.month().shift()
        days = days.filter(is_new_month.fill_null(value=True)).tail(1)
    return days.select(
        pl.lit(number, pl.Int64).alias("member"),
        "session",
        bars_expected=pl.lit(0, pl.Int64),
        final_at=pl.col("open_utc").cast(MOMENT),
        is_wanted=pl.lit(value=True),
    )


def _expected_nothing() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "member": pl.Int64(),
            "session": pl.Date(),
            "bars_expected": pl.Int64(),
            "final_at": MOMENT,
            "is_wanted": pl.Boolean(),
            "feed": pl.String(),
            "symbol": pl.String(),
        }
    )


def wanted_range(member: Member, begun: datetime, now: datetime, settings: Settings) -> tuple[date, date]:
    """The sessions of `member` that are wanted at `now` without being asked for: its own bounds where it has them, else
    what the first run reaches, seen from `begun` (its first answer), to the newest session. What was asked for beyond
    that is kept up as far as it was asked for, and no further.
    """
    newest = sessions.latest_session(member.calendar, now)
    last = newest if member.last is None else min(member.last, newest)
    if member.first is not None:
        return member.first, last
    newest_then = sessions.latest_session(member.calendar, begun)
    return sessions.sessions_before(member.calendar, newest_then, _first_run(member.feed, settings)), last


def _first_run(feed: Feed, settings: Settings) -> int:
    if feed.kind is Kind.ACTIONS:
        return 1
    return settings.first_run_daily_sessions if feed.kind is Kind.DAILY else settings.first_run_sessions


def final_sessions(
    calendar: str, bar_interval: str, first: date, last: date, now: datetime, delay: timedelta
) -> pl.DataFrame:
    """The sessions that have final bars at `now`.

    Returns:
        One row a session, oldest first: session (Date), bars_expected (Int64, the bars that are final by now),
        final_at (Datetime µs UTC, when the newest of them became final).
    """
    return (
        sessions.grid(calendar, bar_interval, first, last)
        .with_columns(final_at=pl.col("end_utc") + delay)
        .filter(pl.col("final_at") <= now)
        .group_by("session", maintain_order=True)
        .agg(bars_expected=pl.len().cast(pl.Int64), final_at=pl.col("final_at").max())
    )
