"""What the market did in a period: closes and changes, breadth, movers, the yield curve. Pure: frames to figures.

A figure that cannot be known is None, never 0. Rows that failed an error check are used for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openingbell.feeds import TENORS
from openingbell.quality.score import is_usable
from openingbell.reporting.period import Period
from openingbell.tables import SUMMARY_INDEXES, VOLATILITY_SYMBOL

LOOK_BACK = timedelta(days=14)
"""How far before the period the session and the curve before it are looked for: no US market closes that long."""
MOVERS = 5
SLOPES = ("yield_curve_slope", "term_spread")


@dataclass(frozen=True)
class Performance:
    """One symbol over the period.

    Prices are in its currency (points for an index), volume in shares or contracts. `before` is the close on
    `before_day`, the newest day before the period on which its asset class has a usable bar; `change` and `change_pct`
    (percent) are those of `close` against it. `first_close` and `close` are the closes on the first and the newest of
    its days in the period; `low`, `high` and `volume` span them all. A hole is not bridged: without a bar on
    `before_day` there is no change.
    """

    symbol: str
    before_day: date | None
    before: float | None
    before_is_final: bool | None
    first_close: float | None
    close_day: date | None
    close: float | None
    low: float | None
    high: float | None
    volume: int | None
    change: float | None
    change_pct: float | None
    is_final: bool | None


@dataclass(frozen=True)
class Movers:
    """The stocks that rose and fell most, best and worst first; a stock is in one of the two at most.

    `unranked` counts stocks without a change up to the newest day of the period: they cannot be compared.
    """

    top: tuple[Performance, ...]
    bottom: tuple[Performance, ...]
    ranked: int
    unranked: int


@dataclass(frozen=True)
class Breadth:
    """One day of `daily_aggregates`: stocks counted, `breadth` from -1 to 1, volumes in shares."""

    day: date
    total: int
    advancing: int
    declining: int
    unchanged: int
    breadth: float | None
    ratio: float | None
    up_volume: int
    down_volume: int
    total_volume: int
    is_final: bool


@dataclass(frozen=True)
class Yield:
    """One tenor or slope by its column in `bond_data`: percent (percentage points), the change in basis points."""

    name: str
    value: float | None
    before: float | None
    change_bp: float | None


@dataclass(frozen=True)
class YieldCurve:
    """The newest curve up to the period's end, beside the newest one before the period.

    When the period has no curve of its own, the newest one is from before it: then there is nothing to compare with.
    """

    day: date
    before_day: date | None
    tenors: tuple[Yield, ...]
    slopes: tuple[Yield, ...]


def performances(days: pl.DataFrame, period: Period) -> tuple[Performance, ...]:
    """How each symbol of one asset class did, ordered by symbol.

    Args:
        days: rows of `daily_bars` of one asset class, from `LOOK_BACK` before the period to its end.
        period: the period.
    """
    usable = days.filter(is_usable(pl.col("dq_flags")), pl.col("close").is_not_null()).sort("date")
    before_day = _newest(usable.filter(pl.col("date") < period.first))
    is_before = pl.col("date") == pl.lit(before_day, pl.Date)
    close, before = pl.col("close"), pl.col("before")
    inside = (
        usable.filter(pl.col("date") >= period.first)
        .group_by("symbol")
        .agg(
            first_close=close.first(),
            close_day=pl.col("date").last(),
            close=close.last(),
            low=pl.col("low").min(),
            high=pl.col("high").max(),
            volume=pl.when(pl.col("volume").count() > 0).then(pl.col("volume").sum()),
            is_final=pl.col("is_final").all(),
        )
    )
    base = usable.filter(is_before).select("symbol", before=close, before_is_final="is_final")
    known = days.filter((pl.col("date") >= period.first) | is_before).select("symbol").unique()
    joined = (
        known.join(inside, on="symbol", how="left")
        .join(base, on="symbol", how="left")
        .with_columns(
            before_day=pl.lit(before_day, pl.Date),
            change=close - before,
            change_pct=pl.when(before > 0).then((close / before - 1) * 100),
        )
        .sort("symbol")
    )
    return tuple(Performance(**row) for row in joined.iter_rows(named=True))


def indexes(days: pl.DataFrame, period: Period) -> tuple[Performance, ...]:
    """The indexes but for the volatility index, those of the market summary first."""
    leading = list(SUMMARY_INDEXES.values())
    return tuple(
        sorted(
            (one for one in performances(days, period) if one.symbol != VOLATILITY_SYMBOL),
            key=lambda one: leading.index(one.symbol) if one.symbol in leading else len(leading),
        )
    )


def volatility(days: pl.DataFrame, period: Period) -> Performance | None:
    """The volatility index, None when it has no bar."""
    return next((one for one in performances(days, period) if one.symbol == VOLATILITY_SYMBOL), None)


def movers(stocks: Sequence[Performance]) -> Movers:
    """The stocks that moved most among those that have a change up to the newest day of any."""
    newest = max((one.close_day for one in stocks if one.close_day), default=None)
    moves = [(one.change_pct, one) for one in stocks if one.change_pct is not None and one.close_day == newest]
    moves.sort(key=lambda move: (-move[0], move[1].symbol))
    ranked = [one for _, one in moves]
    top = ranked[: min(MOVERS, (len(ranked) + 1) // 2)]
    bottom = ranked[len(top) :][-MOVERS:]
    return Movers(tuple(top), tuple(reversed(bottom)), len(ranked), len(stocks) - len(ranked))


def breadth(aggregates: pl.DataFrame) -> tuple[Breadth, ...]:
    """The days of `daily_aggregates`, oldest first."""
    rows = aggregates.sort("date").select(
        day="date",
        total="total_stocks",
        advancing="advancing_stocks",
        declining="declining_stocks",
        unchanged="unchanged_stocks",
        breadth="market_breadth",
        ratio="advance_decline_ratio",
        up_volume="up_volume",
        down_volume="down_volume",
        total_volume="total_volume",
        is_final="is_final",
    )
    return tuple(Breadth(**row) for row in rows.iter_rows(named=True))


def yield_curve(curves: pl.DataFrame, period: Period) -> YieldCurve | None:
    """The yield curve, None when there is none.

    Args:
        curves: rows of `bond_data`, from `LOOK_BACK` before the period to its end.
        period: the period.
    """
    usable = curves.filter(is_usable(pl.col("dq_flags")))
    day = _newest(usable)
    if day is None:
        return None
    before_day = _newest(usable.filter(pl.col("date") < period.first)) if day >= period.first else None
    value = usable.row(by_predicate=pl.col("date") == day, named=True)
    before = {} if before_day is None else usable.row(by_predicate=pl.col("date") == before_day, named=True)
    return YieldCurve(
        day,
        before_day,
        tenors=tuple(_yield(name, value[name], before.get(name)) for name in TENORS),
        slopes=tuple(_yield(name, value[name], before.get(name)) for name in SLOPES),
    )


def _yield(name: str, value: float | None, before: float | None) -> Yield:
    change_bp = None if value is None or before is None else (value - before) * 100
    return Yield(name, value, before, change_bp)


def _newest(rows: pl.DataFrame) -> date | None:
    newest = rows["date"].max()
    return newest if isinstance(newest, date) else None
