"""What happens inside a simulated session: one-minute bars on a path from the day's open to the day's close.

Every other bar is put together from these minutes, so that all intervals agree exactly. A month is made at once, with
one generator, and is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell import sessions
from openingbell.vendor import levels
from openingbell.vendor.chance import generator
from openingbell.vendor.profiles import Profile

OVERNIGHT = 0.35
"""Share of a day's move that lies between the last close and the open."""

Floats = npt.NDArray[np.float64]
Volumes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sessions:
    """Sessions of equal length: their days, opens, and minutes as matrices (one row a session, one column a minute).

    Prices float64 in dollars or points, volume int64 in units.
    """

    days: pl.DataFrame
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Volumes


def month(seed: int, symbol: str, profile: Profile, *, calendar: str, first: date, last: date) -> list[Sessions]:
    """The sessions of the calendar month from `first` to `last`, grouped by length."""
    days = _schedule(calendar, first, last)
    if days.is_empty():
        return []
    lengths = days["minutes"].to_numpy()
    width = int(days.select(pl.col("usual").max()).item())
    rng = generator(seed, "path", symbol, calendar, first)
    gaps = rng.standard_normal(len(days))
    steps = rng.standard_normal((len(days), width))
    wicks = rng.random((2, len(days), width), dtype=np.float32)
    trades = rng.random((len(days), width), dtype=np.float32)
    at = np.array([levels.position(day) for day in days["session"]])
    walk = levels.log_levels(seed, symbol, profile)
    before, end = walk[np.maximum(at - 1, 0)], walk[at]
    begin = before + OVERNIGHT * (end - before) + 0.2 * levels.daily_vol(profile) * gaps
    groups = []
    for length in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == length)
        n = int(length)
        path = _bridge(begin[rows], end[rows], steps[rows, :n] * (0.7 * levels.daily_vol(profile) / np.sqrt(n)))
        reach = 0.3 * levels.daily_vol(profile) / np.sqrt(n)
        top = np.maximum(path[:, :-1], path[:, 1:]) * (1 + reach * wicks[0, rows, :n])
        bottom = np.minimum(path[:, :-1], path[:, 1:]) * (1 - reach * wicks[1, rows, :n])
        edges = np.round(path, profile.decimals)
        groups.append(
            Sessions(
                days=days[rows.tolist()],
                open=edges[:, :-1],
                high=np.round(top, profile.decimals),
                low=np.round(bottom, profile.decimals),
                close=edges[:, 1:],
                volume=_volume(profile, n, width, trades[rows, :n]),
            )
        )
    return groups


def minute_bars(group: Sessions) -> pl.DataFrame:
    """All minutes of `group` one below the other: session, minute (its number in the session), date and the bar."""
    count, length = group.open.shape
    frame = pl.DataFrame(
        {
            "minute": np.tile(np.arange(length), count),
            "open": group.open.ravel(),
            "low": group.low.ravel(),
            "high": group.high.ravel(),
            "close": group.close.ravel(),
            "volume": group.volume.ravel(),
        }
    )
    days = group.days.select(pl.col("session", "open", "open_utc").repeat_by(length).explode())
    return frame.with_columns(
        session=days["session"],
        date=days["open"] + pl.duration(minutes=pl.col("minute")),
    )


def day_bars(group: Sessions) -> pl.DataFrame:
    """One bar a session of `group`: session, open_utc, close_utc and the bar over all its minutes."""
    return group.days.select("session", "open_utc", "close_utc").with_columns(
        open=pl.Series(group.open[:, 0]),
        low=pl.Series(group.low.min(axis=1)),
        high=pl.Series(group.high.max(axis=1)),
        close=pl.Series(group.close[:, -1]),
        volume=pl.Series(group.volume.sum(axis=1)),
    )


@sessions.remembered(maxsize=2048)
def _schedule(calendar: str, first: date, last: date) -> pl.DataFrame:
    """The published sessions, as they are held: `minutes` is 0 where one is closed, `usual` says how many there were to
    be. All are drawn, so that a closure changes nothing of the other days.
    """
    span = (calendar, max(first, levels.FIRST_DAY), min(last, levels.LAST_DAY))
    minutes = (pl.col("close_utc") - pl.col("open_utc")).dt.total_minutes()
    held = sessions.schedule(*span).with_columns(minutes=minutes)
    return (
        sessions.published(*span)
        .select("session", usual=minutes)
        .join(held, on="session", how="left", maintain_order="left")
        .with_columns(pl.col("minutes").fill_null(0))
    )


def _bridge(begin: Floats, end: Floats, steps: Floats) -> Floats:
    """Prices at the edges of the minutes, one more than minutes: a Brownian path pinned at both ends."""
    count, length = steps.shape
    walk = np.zeros((count, length + 1))
    np.cumsum(steps, axis=1, out=walk[:, 1:])
    time = np.linspace(0.0, 1.0, length + 1)
    path: Floats = np.exp(begin[:, None] + walk + time * (end - begin - walk[:, -1])[:, None])
    return path


def _volume(profile: Profile, length: int, width: int, chance: npt.NDArray[np.float32]) -> Volumes:
    """U over the session: heavy at the open and at the close. A half day trades its share of a full one."""
    place = np.linspace(-1.0, 1.0, length)
    shape = 0.5 + 1.5 * place**2
    per_minute = profile.daily_volume / width
    volume: Volumes = (per_minute * shape * (0.4 + 1.2 * chance)).astype(np.int64)
    return volume
