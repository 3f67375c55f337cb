"""The kinds of fault that change the rows of an answer whatever the time is, and the rows themselves: JSON whose
numbers keep their spelling. Pure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from openingbell.vendor import dialect
from openingbell.vendor.faults.kind import Hit, Number, Parameter, Row, RowsKind

SHARE = Parameter("share", 0.05, "of the rows, at least one", high=1.0)
FOUR_PLACES = Decimal("0.0001")
CENT = Decimal("0.01")


def read_rows(body: bytes) -> list[Row]:
    """The rows of a good answer; none where the body is anything else."""
    try:
        rows = json.loads(body, parse_float=Number, parse_int=Number)
    except ValueError:
        return []
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []


def write_rows(rows: Sequence[Row]) -> bytes:
    """`rows` laid out as the vendor does."""
    if not rows:
        return dialect.EMPTY
    return ("[\n" + ",\n".join(map(_object, rows)) + "\n]").encode()


def scaled(number: Number, factor: float) -> Number:
    """`number` times `factor` to four places; a cent away where that is the same."""
    old = Decimal(number)
    new = (old * Decimal(factor)).quantize(FOUR_PLACES)
    return Number(f"{(old + CENT if new == old else new).normalize():f}")


def _object(row: Row) -> str:
    fields = (f"    {json.dumps(name)}: {_spelled(value)}" for name, value in row.items())
    return "  {\n" + ",\n".join(fields) + "\n  }"


def _spelled(value: Any) -> str:
    return value if isinstance(value, Number) else json.dumps(value)


def _chosen(rows: Sequence[Row], hit: Hit) -> set[int]:
    """The positions of the share that is hit."""
    count = math.ceil(len(rows) * hit.amount("share"))
    return set(hit.chance().permutation(len(rows))[:count].tolist())


def _cut(rows: list[Row], hit: Hit) -> list[Row]:
    return rows[: len(rows) - math.ceil(len(rows) * hit.amount("share"))]


def _duplicates(rows: list[Row], hit: Hit) -> list[Row]:
    twice = _chosen(rows, hit)
    return [row for place, row in enumerate(rows) for _ in range(2 if place in twice else 1)]


def _conflicts(rows: list[Row], hit: Hit) -> list[Row]:
    twice = _chosen(rows, hit)
    result = []
    for place, row in enumerate(rows):
        result.append(row)
        if place in twice and all(isinstance(row.get(name), Number) for name in ("high", "low", "close")):
            result.append(_with_close(row, scaled(row["close"], 1 + hit.amount("change"))))
    return result


def _with_close(row: Row, close: Number) -> Row:
    """`row` with another close, and a high and a low that hold it."""
    return {
        **row,
        "high": max(row["high"], close, key=Decimal),
        "low": min(row["low"], close, key=Decimal),
        "close": close,
    }


def _disorder(rows: list[Row], hit: Hit) -> list[Row]:
    return [rows[place] for place in hit.chance().permutation(len(rows))]


def _null_volume(rows: list[Row], hit: Hit) -> list[Row]:
    chosen = _chosen(rows, hit)
    return [{**row, "volume": None} if place in chosen and "volume" in row else row for place, row in enumerate(rows)]


def _float_volume(rows: list[Row], hit: Hit) -> list[Row]:
    chosen, more = _chosen(rows, hit), Decimal(str(hit.amount("fraction")))
    return [
        {**row, "volume": Number(f"{Decimal(row['volume']) + more:f}")}
        if place in chosen and isinstance(row.get("volume"), Number)
        else row
        for place, row in enumerate(rows)
    ]


def _extra_field(rows: list[Row], hit: Hit) -> list[Row]:
    more = {hit.text("field"): hit.text("value")}
    return [row if row.keys() & more else row | more for row in rows]


def _missing_field(rows: list[Row], hit: Hit) -> list[Row]:
    chosen, gone = _chosen(rows, hit), hit.text("field")
    return [
        {name: value for name, value in row.items() if name != gone} if place in chosen else row
        for place, row in enumerate(rows)
    ]


ALL = Parameter("share", 1.0, "of the rows, at least one", high=1.0)
ROWS_KINDS: tuple[RowsKind, ...] = (
    RowsKind(
        name="cut",
        does="the oldest rows are missing, and nothing says so",
        client="see that it does not reach back, ask for the rest",
        parameters=(Parameter("share", 0.5, "of the rows, at least one", high=1.0),),
        act=_cut,
    ),
    RowsKind(
        name="duplicates",
        does="rows come twice, one behind the other",
        client="count them once",
        parameters=(SHARE,),
        act=_duplicates,
    ),
    RowsKind(
        name="conflicts",
        does="rows come twice, the second time with another close",
        client="keep one by a rule, and say so",
        parameters=(SHARE, Parameter("change", 0.01, "of the close, as a share of it", high=1.0)),
        act=_conflicts,
    ),
    RowsKind(name="disorder", does="the rows come shuffled", client="sort them", act=_disorder),
    RowsKind(
        name="null_volume",
        does="volume is null",
        client="keep null, which is not zero",
        parameters=(ALL,),
        act=_null_volume,
    ),
    RowsKind(
        name="float_volume",
        does="volume is written as a float: 1200.0",
        client="read the number",
        parameters=(ALL, Parameter("fraction", 0.0, "added to the volume", high=0.99, with_low=True)),
        act=_float_volume,
    ),
    RowsKind(
        name="extra_field",
        does="every row that has none of that name has one field more",
        client="take what it knows",
        parameters=(
            Parameter("field", "exchange", "its name"),
            Parameter("value", "NASDAQ", "its value, a text"),
        ),
        act=_extra_field,
    ),
    RowsKind(
        name="missing_field",
        does="rows lack a field",
        client="use no row that cannot be read",
        parameters=(Parameter("field", "close", "its name"), ALL),
        act=_missing_field,
    ),
)
