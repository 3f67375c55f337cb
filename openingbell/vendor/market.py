"""A seeded market on the real calendars, as a source: the same bars for the same seed, whatever is asked and when.

It owns what is visible at a moment; levels, paths inside sessions, splits and the yield curve come from the modules
beside it. All bars of a symbol agree: 5-minute, 15-minute and daily ones are the same minutes put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import sessions
from openingbell.feeds import BONDS, Kind
from openingbell.universe import Universe, is_daily
from openingbell.vendor import curve, levels, lists, paths
from openingbell.vendor.happenings import NOTHING, Happenings
from openingbell.vendor.profiles import Profile, profile_of
from openingbell.vendor.source import (
    BAR_COLUMNS,
    DAY_COLUMNS,
    DIVIDEND_COLUMNS,
    MINUTES,
    RATE_COLUMNS,
    empty,
    wall_clock,
)
from openingbell.vendor.splits import PlayedSplit, announced, as_shown

ONE_MINUTE = timedelta(minutes=1)
BAR = (
    pl.col("date", "open").first(),
    pl.col("low").min(),
    pl.col("high").max(),
    pl.col("close").last(),
    pl.col("volume").sum(),
)


class SimulatedMarket:
    """The market of one seed. It knows the symbols of `universe`, each on its calendar, and no others.

    The simulated price is the one after all `splits`. A split of a symbol outside the universe is listed and no more,
    as the vendor's calendar lists companies that nobody here follows.
    """

    def __init__(
        self,
        universe: Universe,
        seed: int = 1,
        splits: Sequence[PlayedSplit] = (),
        happenings: Happenings = NOTHING,
    ) -> None:
        self._seed = seed
        self._happenings = happenings
        self._splits = tuple(splits)
        self._symbols: dict[str, tuple[Profile, str]] = {
            member.symbol: (profile_of(member.symbol, member.asset_class), member.calendar)
            for member in sorted(universe.members, key=is_daily, reverse=True)
            if member.feed.kind in (Kind.INTRADAY, Kind.DAILY)
        }
        self._classes = {m.symbol: m.asset_class for m in universe.members if m.symbol in self._symbols}

    def knows(self, symbol: str) -> bool:
        """Whether `symbol` is in the universe, or will be the new symbol of one that is."""
        return symbol in self._symbols or any(symbol == one.becomes for one in self._happenings.renames)

    def reference(self, path: str, symbol: str | None, *, now: datetime) -> list[dict[str, object]]:
        """Facts about the symbols of the universe, and what happens to them. See `Source`."""
        return lists.rows(path, symbol, self._classes, self._happenings, wall_clock(now).date())

    def intraday(self, symbol: str, bar_interval: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Bars put together from the minutes so far; the bar that runs has the minutes so far. See `Source`."""
        wall = wall_clock(now)
        symbol, last = self._happenings.as_known(symbol, last, wall.date())
        months = self._months(symbol, first, min(last, wall.date()) + timedelta(days=1))
        parts = [_minutes(self._seed, symbol, *self._symbols[symbol], start) for start in months]
        if not any(map(len, parts)):
            return empty(BAR_COLUMNS)
        number = pl.col("minute") // MINUTES[bar_interval]
        minutes = self._shown(symbol, _so_far(pl.concat(filter(len, parts)), wall), now)
        bars = minutes.group_by("session", number, maintain_order=True).agg(BAR)
        return bars.select(BAR_COLUMNS).filter(pl.col("date").dt.date().is_between(first, last))

    def daily(self, symbol: str, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Daily bars; the session that runs has the minutes so far. See `Source`."""
        wall = wall_clock(now)
        symbol, last = self._happenings.as_known(symbol, last, wall.date())
        months = self._months(symbol, first, min(last, wall.date() + timedelta(days=1)))
        parts = [_days(self._seed, symbol, *self._symbols[symbol], start) for start in months]
        if not any(map(len, parts)):
            return empty(DAY_COLUMNS)
        begun = pl.concat(filter(len, parts)).filter(
            pl.col("session").is_between(first, last), pl.col("open_utc") <= now
        )
        done = begun.filter(pl.col("close_utc") <= now).select("session", *DAY_COLUMNS[1:])
        running = begun.filter(pl.col("close_utc") > now)["session"].to_list()
        for day in running:
            minutes = _minutes(self._seed, symbol, *self._symbols[symbol], day.replace(day=1))
            bar = _so_far(minutes.filter(pl.col("session") == day), wall).group_by("session").agg(BAR)
            done = pl.concat([done, bar.select(done.columns)])
        return self._shown(symbol, done, now).rename({"session": "date"})

    def treasury(self, *, first: date, last: date, now: datetime) -> pl.DataFrame:
        """Curves from two hours after the close of their day. See `Source`."""
        first, last = max(first, levels.FIRST_DAY), min(last, wall_clock(now).date(), levels.LAST_DAY)
        if first > last:
            return empty(RATE_COLUMNS)
        days = sessions.schedule(BONDS.calendar, first, last)
        return curve.yields(self._seed, days.filter(pl.col("close_utc") + BONDS.final_after <= now)["session"])

    def splits(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:  # noqa: ARG002  all are announced always
        """The splits that are played, future ones as well. See `Source`."""
        return announced(split for split in self._splits if symbol in (None, split.symbol))

    def dividends(self, symbol: str | None, *, now: datetime) -> pl.DataFrame:  # noqa: ARG002  the simulation has none
        """None: simulated companies pay none."""
        return empty(DIVIDEND_COLUMNS)

    def _shown(self, symbol: str, bars: pl.DataFrame, now: datetime) -> pl.DataFrame:
        profile, calendar = self._symbols[symbol]
        splits = [split for split in self._splits if split.symbol == symbol]
        return as_shown(bars, splits, calendar=calendar, decimals=profile.decimals, now=now)

    def _months(self, symbol: str, first: date, last: date) -> Iterator[date]:
        """First days of the months that hold sessions from `first` to `last` of a symbol that is known."""
        if symbol not in self._symbols:
            return
        day = max(first, levels.FIRST_DAY).replace(day=1)
        while day <= min(last, levels.LAST_DAY):
            yield day
            day = _next_month(day)


def _next_month(day: date) -> date:
    return (day + timedelta(days=31)).replace(day=1)


def _so_far(minutes: pl.DataFrame, wall: datetime) -> pl.DataFrame:
    """The minutes that have begun; of the one that runs only the open is known, and nothing is traded in it yet."""
    begun = minutes.filter(pl.col("date") <= wall)
    runs = pl.col("date") > wall - ONE_MINUTE
    opened = [pl.when(runs).then("open").otherwise(name).alias(name) for name in ("low", "high", "close")]
    return begun.with_columns(*opened, volume=pl.when(runs).then(0).otherwise("volume"))


@sessions.remembered(maxsize=192)
def _minutes(seed: int, symbol: str, profile: Profile, calendar: str, start: date) -> pl.DataFrame:
    """All minutes of the month that begins at `start`, oldest first."""
    groups = _month(seed, symbol, profile, calendar, start)
    return pl.concat([paths.minute_bars(group) for group in groups]).sort("date") if groups else pl.DataFrame()


@sessions.remembered(maxsize=16384)
def _days(seed: int, symbol: str, profile: Profile, calendar: str, start: date) -> pl.DataFrame:
    """All daily bars of the month that begins at `start`, oldest first."""
    groups = _month(seed, symbol, profile, calendar, start)
    return pl.concat([paths.day_bars(group) for group in groups]).sort("session") if groups else pl.DataFrame()


def _month(seed: int, symbol: str, profile: Profile, calendar: str, start: date) -> list[paths.Sessions]:
    last = _next_month(start) - timedelta(days=1)
    return paths.month(seed, symbol, profile, calendar=calendar, first=start, last=last)
