"""Which sessions a full record of some members holds, how many bars of each are final, and since when.

Members of one feed on one calendar are taken together: their sessions are the columns of all arrays of this package,
the members their rows. Ten thousand symbols over twenty years are fifty million cells, too many for rows of a frame.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell import sessions
from openingbell.config import Settings
from openingbell.feeds import EOD, Feed, Kind
from openingbell.landing.record import ASKS
from openingbell.universe import Member, Universe

Integers = npt.NDArray[np.int64]

CELLS = 1_000_000
"""Cells that are looked at at once, at least those of one member: a few hundred megabytes."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asks:
    """Where the asks of some members stand in the record: `positions`, by member and then by moment, of which those of
    the n-th member are those from `bounds[n]` to `bounds[n + 1]`.
    """

    positions: Integers
    bounds: Integers

    @classmethod
    def of(cls, members: Sequence[Member], asks: pl.DataFrame) -> Asks:
        """Those of members of any feeds among the asks of the record."""
        rows = pl.DataFrame(
            {
                "feed": [member.feed.name for member in members],
                "symbol": [member.symbol for member in members],
                "row": range(len(members)),
            },
            schema={"feed": pl.Categorical, "symbol": pl.Categorical, "row": pl.Int32},
        )
        found = asks.select("feed", "symbol").join(rows, on=["feed", "symbol"], how="left", maintain_order="left")
        row = found["row"].fill_null(len(members)).to_numpy()
        order = np.lexsort((asks["answered_at"].to_physical().to_numpy(), row))
        bounds = np.searchsorted(row[order], np.arange(len(members) + 1))
        return cls(order[: bounds[-1]], bounds)

    def part(self, rows: slice) -> Asks:
        """Those of some of the members."""
        bounds = self.bounds[rows.start : rows.stop + 1]
        return Asks(self.positions[bounds[0] : bounds[-1]], bounds - bounds[0])


@dataclass(frozen=True)
class Group:
    """Members of one feed, calendar and interval (rows), and the sessions that any of them wants (columns).

    `numbers` are the members' places in the universe. `days` (days since 1970) and `final_at` (µs since 1970, UTC: when
    the newest bar became final) are of each session, `expected` its bars that are final, or the symbols that an answer
    about instruments is to have. `first`, `asked_from` and `end` are columns of each member: from where it is wanted,
    from where it was asked for, and behind the newest.
    """

    feed: Feed
    members: tuple[Member, ...]
    numbers: tuple[int, ...]
    days: Integers
    expected: Integers
    final_at: Integers
    first: Integers
    asked_from: Integers
    end: Integers
    asks: Asks

    def part(self, rows: slice) -> Group:
        """Some of the members."""
        return Group(
            self.feed,
            self.members[rows],
            self.numbers[rows],
            self.days,
            self.expected,
            self.final_at,
            self.first[rows],
            self.asked_from[rows],
            self.end[rows],
            self.asks.part(rows),
        )

    def parts(self) -> Iterator[Group]:
        """The group in parts of at most CELLS cells."""
        step = max(1, CELLS // max(1, len(self.days)))
        for start in range(0, len(self.members), step):
            yield self.part(slice(start, min(start + step, len(self.members))))

    def wanted(self) -> npt.NDArray[np.bool_]:
        """The cells that are wanted or were asked for: a row a member."""
        columns = np.arange(len(self.days))
        return (columns >= np.minimum(self.first, self.asked_from)[:, None]) & (columns < self.end[:, None])


NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Begun:
    """What was ever asked of members, a row each: when first (µs since 1970), and from which day on (since 1970)."""

    at: Integers
    earliest: Integers

    @classmethod
    def of(cls, some: Asks, asks: pl.DataFrame) -> Begun:
        """By `some` of the asks of the record; NEVER where there is none."""
        known = np.flatnonzero(np.diff(some.bounds))
        at, earliest = np.full((2, len(some.bounds) - 1), NEVER)
        starts = some.bounds[known]
        at[known] = asks["answered_at"].to_physical().to_numpy()[some.positions[starts]]
        if len(known):
            earliest[known] = np.minimum.reduceat(asks["first"].to_physical().to_numpy()[some.positions], starts)
        return cls(at, earliest)


def groups(
    universe: Universe, asks: pl.DataFrame, now: datetime, settings: Settings, feeds: Collection[str] | None = None
) -> Iterator[Group]:
    """The members of a universe with what is wanted of each at `now`, official days first.

    `asks` are those of the record; `feeds` narrows it to some, None means all.
    """
    together: dict[tuple[str, str, str], list[int]] = {}
    for number, member in enumerate(universe.members):
        if feeds is not None and member.feed.name not in feeds:
            continue
        together.setdefault((member.feed.name, member.calendar, member.bar_interval), []).append(number)
    numbers = [of_group for _, of_group in sorted(together.items(), key=lambda one: one[0][0] != EOD.name)]
    positions = Asks.of([universe.members[number] for of_group in numbers for number in of_group], asks)
    start = 0
    for of_group in numbers:
        members = tuple(universe.members[number] for number in of_group)
        of_members = positions.part(slice(start, start := start + len(members)))
        made = _group(members, tuple(of_group), Begun.of(of_members, asks), of_members, now, settings)
        if len(made.days):
            yield made


def _group(
    members: tuple[Member, ...],
    numbers: tuple[int, ...],
    begun: Begun,
    asks: Asks,
    now: datetime,
    settings: Settings,
) -> Group:
    feed, calendar, interval = members[0].feed, members[0].calendar, members[0].bar_interval
    newest = sessions.latest_session(calendar, now)
    reach = _first_run(feed, settings)
    bounds = [bound for member in members for bound in (member.first, member.since) if bound is not None]
    asked = begun.earliest[begun.earliest != NEVER]
    oldest_at = min(_moment(int(begun.at.min())) if begun.at.min() != NEVER else now, now)
    candidates = [oldest_at.date() - timedelta(days=int(reach * 1.6) + 14), *bounds]
    if len(asked):
        candidates.append(date(1970, 1, 1) + timedelta(days=int(asked.min())))
    schedule = sessions.schedule(calendar, min(candidates), newest)
    days = schedule["session"].cast(pl.Int32).to_numpy().astype(np.int64)
    opens = schedule["open_utc"].dt.timestamp("us").to_numpy()
    moments = np.minimum(begun.at, microseconds(now))
    first = np.maximum(np.searchsorted(opens, moments, side="right") - reach, 0)
    first = np.array(
        [
            np.searchsorted(days, _day(member.first))
            if member.first is not None
            else min(default, np.searchsorted(days, _day(member.since)) if member.since else default)
            for member, default in zip(members, first, strict=True)
        ],
        dtype=np.int64,
    )
    end = np.array(
        [
            len(days) if member.last is None else np.searchsorted(days, _day(member.last), side="right")
            for member in members
        ],
        dtype=np.int64,
    )
    if not feed.has_grid:
        return _asked_by_session(
            Group(
                feed, members, numbers, days, np.full_like(days, len(members[0].names)), opens, first, first, end, asks
            ),
            schedule,
            opens,
            now,
        )
    is_bounded = np.array([member.first is not None for member in members])
    asked_from = np.where(is_bounded, first, np.searchsorted(days, begun.earliest))
    expected, final_at = _final(calendar, interval, days, now, settings.final_delay(feed))
    return Group(feed, members, numbers, days, expected, final_at, first, asked_from, end, asks)


def _asked_by_session(group: Group, schedule: pl.DataFrame, opens: Integers, now: datetime) -> Group:
    """The sessions at whose opening facts without a grid are to be known. How many there should be is known of
    instruments alone.

    What is asked each session is wanted in every one that has opened. What is asked each month is wanted when it is new
    and then in the first session of a month; an answer is all there is, so only the newest such session counts.
    """
    opened = int(np.searchsorted(opens, microseconds(now), side="right"))
    end = np.minimum(group.end, opened)
    first = np.minimum(group.first, end)
    if group.feed.asked_each == "month":
        months = schedule["session"].dt.month_start().cast(pl.Int32).to_numpy()
        begins = np.flatnonzero(np.diff(months, prepend=months[0] - 1 if len(months) else 0))
        newest = begins[np.maximum(np.searchsorted(begins, end, side="left") - 1, 0)]
        first = np.where(end > 0, np.maximum(first, newest), end)
        end = np.minimum(first + 1, end)
    return replace(group, first=first, asked_from=first, end=end)


def _final(
    calendar: str, bar_interval: str, days: Integers, now: datetime, delay: timedelta
) -> tuple[Integers, Integers]:
    """Of each session the bars that are final at `now`, and when the newest of them became so (µs since 1970)."""
    expected, final_at = np.zeros_like(days), np.full_like(days, NEVER)
    if len(days):
        found = final_sessions(calendar, bar_interval, _date(days[0]), _date(days[-1]), now, delay)
        columns = np.searchsorted(days, found["session"].cast(pl.Int32).to_numpy())
        expected[columns] = found["bars_expected"].to_numpy()
        final_at[columns] = found["final_at"].dt.timestamp("us").to_numpy()
    return expected, final_at


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


def wanted_range(member: Member, begun: datetime, now: datetime, settings: Settings) -> tuple[date, date]:
    """The sessions of `member` that are wanted at `now`: its own bounds where it has them, else what the first run
    reaches, seen from `begun` (its first answer), or what a backfill asked for, to the newest session. What was asked
    for by name beyond that is kept up as far as it was asked for, and no further.
    """
    answered = Begun(np.array([microseconds(begun)]), np.array([NEVER]))
    group = _group((member,), (0,), answered, Asks.of((member,), ASKS.to_frame()), now, settings)
    return _date(group.days[group.first[0]]), _date(group.days[group.end[0] - 1])


def _first_run(feed: Feed, settings: Settings) -> int:
    if not feed.has_grid:
        return 1
    return settings.first_run_daily_sessions if feed.kind is Kind.DAILY else settings.first_run_sessions


def _day(day: date | None) -> int:
    return 0 if day is None else (day - date(1970, 1, 1)).days


def _date(day: np.int64 | int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))


def microseconds(moment: datetime) -> int:
    """A moment as µs since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
