"""The kinds of fault that depend on how long ago a bar ended: late, restated and forming bars. Pure.

The end of an intraday bar is its start and its length. A row of a whole day ends with its session: that of the Treasury
calendar for yields, of the symbol's own calendar where it has one, such as GCUSD, and of the stocks' for all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from openingbell import sessions
from openingbell.feeds import BONDS, EOD, calendar_of
from openingbell.vendor.faults.kind import Asking, Hit, Number, Parameter, Row, RowsKind
from openingbell.vendor.faults.rows import scaled
from openingbell.vendor.source import MINUTES

CHART = "historical-chart/"
UNPRICED = frozenset({"volume", "changePercent"})


def ends(rows: Sequence[Row], asking: Asking) -> list[datetime | None]:
    """When each row ends, UTC; None where that cannot be told, and for what is no bar and no yield."""
    if asking.path.startswith(CHART):
        length = timedelta(minutes=MINUTES.get(asking.path.removeprefix(CHART), 0))
        starts = [_moment(row) for row in rows]
        return [start.replace(tzinfo=sessions.NEW_YORK).astimezone(UTC) + length if start else None for start in starts]
    if asking.path not in (EOD.path, BONDS.path):
        return [None] * len(rows)
    calendar = BONDS.calendar if asking.path == BONDS.path else calendar_of("stock", asking.symbol)
    days = [start.date() if (start := _moment(row)) else None for row in rows]
    known = [day for day in days if day is not None]
    if not known:
        return [None] * len(rows)
    closes: dict[date, datetime] = dict(
        sessions.schedule(calendar, min(known), max(known)).select("session", "close_utc").iter_rows()
    )
    return [closes.get(day) if day else None for day in days]


def _moment(row: Row) -> datetime | None:
    try:
        return datetime.fromisoformat(row["date"])
    except (KeyError, TypeError, ValueError):
        return None


def _late(rows: list[Row], hit: Hit) -> list[Row]:
    newest = hit.asking.now - timedelta(seconds=hit.amount("seconds"))
    return [row for row, end in zip(rows, ends(rows, hit.asking), strict=True) if end is None or end <= newest]


def _restated(rows: list[Row], hit: Hit) -> list[Row]:
    young = hit.asking.now - timedelta(seconds=hit.amount("seconds"))
    return [
        row if end is None or end <= young else _moved(row, hit)
        for row, end in zip(rows, ends(rows, hit.asking), strict=True)
    ]


def _moved(row: Row, hit: Hit) -> Row:
    """The row with all its prices off by the same share, which is the bar's own: asked again it is the same."""
    sign, size = hit.chance_of(hit.asking.symbol, hit.asking.path, row["date"]).uniform(0.0, 1.0, 2).tolist()
    factor = 1 + hit.amount("change") * (0.5 + size / 2) * (1 if sign < 0.5 else -1)
    return {
        name: scaled(value, factor) if isinstance(value, Number) and name not in UNPRICED else value
        for name, value in row.items()
    }


def _forming(rows: list[Row], hit: Hit) -> list[Row]:
    return [
        row if end is None or end <= hit.asking.now else _wild(row, hit)
        for row, end in zip(rows, ends(rows, hit.asking), strict=True)
    ]


def _wild(row: Row, hit: Hit) -> Row:
    """The running bar with values that hold together and will not stand; each asking has others."""
    if not all(isinstance(row.get(name), Number) for name in ("open", "high", "low", "close", "volume")):
        return row
    swing = hit.amount("swing")
    *sizes, traded = hit.chance().uniform(-1.0, 1.0, 4).tolist()
    prices = [scaled(row["open"], 1 + swing * size) for size in sizes]
    return {
        **row,
        "high": max(row["open"], *prices, key=Decimal),
        "low": min(row["open"], *prices, key=Decimal),
        "close": prices[0],
        "volume": Number(str(int(float(row["volume"]) * 10 * abs(traded)))),
    }


BAR_KINDS: tuple[RowsKind, ...] = (
    RowsKind(
        name="late",
        does="bars and yields are withheld until `seconds` after their end",
        client="know that they are missing, ask for them again",
        parameters=(Parameter("seconds", 900.0, "after the end"),),
        act=_late,
    ),
    RowsKind(
        name="restated",
        does="prices and yields are off until `seconds` after their end; later answers have the true ones",
        client="read recent bars again, keep both versions",
        parameters=(
            Parameter("seconds", 3600.0, "after the end"),
            Parameter("change", 0.001, "the most that a price is off, as a share of it", high=0.5),
        ),
        act=_restated,
    ),
    RowsKind(
        name="forming",
        does="the bar that runs has wild values, others at each asking",
        client="never take a bar before its end for final",
        parameters=(Parameter("swing", 0.05, "the most that a price is off the open, as a share of it", high=0.5),),
        act=_forming,
    ),
)
