"""The bar that runs: its values so far, put together from finer bars without touching how a number is spelled.

Rows are plain dictionaries of text here, because at most one bar of an answer is forming.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

Row = dict[str, Any]


def roll_up(fine: pl.DataFrame, fine_minutes: int, *, start: datetime, wall: datetime) -> Row | None:
    """One bar from the finer bars of text that began at or after `start` and not after `wall` (both New York).

    Finer bars that ended count whole; the one that runs is known by its open only, with no volume yet.

    Returns:
        Text for open, high, low, close, volume under those names and `date` = `start`; None when nothing began.
    """
    if fine.is_empty():
        return None
    known = fine.filter(pl.col("date").is_between(start, wall)).sort("date")
    rows = known.to_dicts()
    if not rows:
        return None
    if rows[-1]["date"] + timedelta(minutes=fine_minutes) > wall:
        rows[-1] = opened(rows[-1], elapsed=0.0)
    return {
        "date": start,
        "open": rows[0]["open"],
        "high": max((row["high"] for row in rows), key=_size),
        "low": min((row["low"] for row in rows), key=_size),
        "close": rows[-1]["close"],
        "volume": _sum([row["volume"] for row in rows]),
    }


def opened(bar: Row, *, elapsed: float) -> Row:
    """`bar` as it can be told from its open alone, with `elapsed` (0 to 1) of its volume, rounded down."""
    first = bar["open"]
    traded = _number(bar["volume"])
    volume = None if traded is None else str(int(traded * Decimal(elapsed)))
    return {**bar, "high": first, "low": first, "close": first, "volume": volume}


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _size(text: str | None) -> Decimal:
    return _number(text) or Decimal(0)


def _sum(texts: list[str | None]) -> str | None:
    numbers = [number for number in map(_number, texts) if number is not None]
    return f"{sum(numbers, Decimal(0)):f}" if numbers else None
