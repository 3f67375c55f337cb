"""How the vendor writes: field order, number spelling, row order, and the words of its errors. Pure; no HTTP.

Bodies are laid out byte for byte as the vendor's are (two spaces, one field a line), so that sizes and ETags agree
with recorded answers too.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from openingbell.vendor.source import BAR_COLUMNS, DAY_COLUMNS, RATE_COLUMNS

JSON_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
EMPTY = b"[]"
JSON = "application/json; charset=utf-8"
TEXT = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error, as the vendor words it."""

    status: int
    body: bytes
    media_type: str


def _object(status: int, message: str) -> Refusal:
    return Refusal(status, json.dumps({"Error Message": message}, indent=2).encode(), JSON)


def invalid_key() -> Refusal:
    """The key is missing or not accepted."""
    return _object(401, "Invalid API KEY. Feel free to create a Free API Key or visit the vendor's site for more.")


def restricted(parameter: str) -> Refusal:
    """The plan excludes this value of `parameter`. Plain text, unlike the others."""
    message = (
        f"Premium Query Parameter: 'Special Endpoint' : This value set for '{parameter}' is not available under your "
        "current subscription please visit our subscription page to upgrade your plan"
    )
    return Refusal(402, message.encode(), TEXT)


def restricted_endpoint() -> Refusal:
    """The plan excludes the whole endpoint."""
    message = (
        "Restricted Endpoint: This endpoint is not available under your current subscription please visit our "
        "subscription page to upgrade your plan"
    )
    return Refusal(402, message.encode(), TEXT)


def legacy() -> Refusal:
    """A path of the generation before `/stable`."""
    return _object(403, "Legacy Endpoint : this endpoint is only available for legacy users, use /stable instead.")


def query_error(parameter: str) -> Refusal:
    """A parameter is missing or cannot be read."""
    return Refusal(400, f"Query Error: Invalid or missing query parameter - {parameter}".encode(), TEXT)


def unknown_path() -> Refusal:
    """No such endpoint."""
    return Refusal(404, EMPTY, JSON)


def bars_body(bars: pl.DataFrame) -> bytes:
    """Intraday bars: stamp, then open, low, high, close, volume."""
    return _rows(_newest_first(bars).with_columns(pl.col("date").dt.strftime("%Y-%m-%d %H:%M:%S")), BAR_COLUMNS)


def days_body(days: pl.DataFrame, symbol: str) -> bytes:
    """Daily bars, each with the symbol and the vendor's three derived figures."""
    frame = with_derived(_newest_first(days)).with_columns(
        pl.lit(symbol).alias("symbol"), pl.col("date").dt.strftime("%Y-%m-%d")
    )
    return _rows(frame, ("symbol", *DAY_COLUMNS, "change", "changePercent", "vwap"))


def rates_body(rates: pl.DataFrame) -> bytes:
    """Par yields by tenor; a tenor without a yield is null."""
    return _rows(_newest_first(rates).with_columns(pl.col("date").dt.strftime("%Y-%m-%d")), RATE_COLUMNS)


def actions_body(actions: pl.DataFrame, columns: tuple[str, ...]) -> bytes:
    """Splits or dividends; their other dates are text already."""
    return _rows(_newest_first(actions).with_columns(pl.col("date").dt.strftime("%Y-%m-%d")), columns)


def objects_body(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Facts about instruments, in the order in which they are given."""
    return json.dumps(list(rows), indent=2, ensure_ascii=False).encode() if rows else EMPTY


def with_derived(days: pl.DataFrame) -> pl.DataFrame:
    """`days` with change, changePercent and vwap, computed the vendor's way where they are absent.

    change is close - open, not against the previous close; vwap is (O + H + L + C) / 4, not weighted by volume.
    changePercent is spelled to five decimals below one percent and to two from there on, as recorded.
    """
    o, h, low, c = (pl.col(name).cast(pl.Float64, strict=False) for name in ("open", "high", "low", "close"))
    percent = (c - o) / o * 100
    derived = {
        "change": (c - o).round(4),
        "changePercent": pl.when(percent.abs() < 1).then(percent.round(5)).otherwise(percent.round(2)),
        "vwap": ((o + h + low + c) / 4).round(4),
    }
    return days.with_columns(
        (value if name not in days.columns else pl.coalesce(_spelled(days, name), _text(value))).alias(name)
        for name, value in derived.items()
    )


def etag(body: bytes) -> str:
    """The vendor's weak ETag: length in hex and base64 SHA-1 of the body."""
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode().rstrip("=")
    return f'W/"{len(body):x}-{digest}"'


def _newest_first(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort("date", descending=True, maintain_order=True)


def _rows(frame: pl.DataFrame, columns: tuple[str, ...]) -> bytes:
    if frame.is_empty():
        return EMPTY
    lines: list[pl.Expr] = [pl.lit("  {\n")]
    for position, name in enumerate(columns):
        value = _quoted(name) if frame.schema[name] == pl.String and _is_word(name) else _spelled(frame, name)
        end = ",\n" if position < len(columns) - 1 else "\n  }"
        lines += [pl.lit(f'    "{name}": '), value.fill_null("null"), pl.lit(end)]
    objects = frame.select(row=pl.concat_str(lines))["row"].to_list()
    return ("[\n" + ",\n".join(objects) + "\n]").encode()


def _is_word(name: str) -> bool:
    return name in {"symbol", "frequency"} or name.lower().endswith("date")


def _quoted(name: str) -> pl.Expr:
    return pl.col(name).map_elements(json.dumps, return_dtype=pl.String)


def _text(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.strip_suffix(".0")


def _spelled(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Numbers as JSON; text that is a number goes out as it is spelled, other text (dirt) in quotes."""
    if frame.schema[name] != pl.String:
        return _text(pl.col(name))
    raw = pl.col(name)
    if frame[name].str.contains(JSON_NUMBER).all():
        return raw
    return pl.when(raw.str.contains(JSON_NUMBER)).then(raw).otherwise(_quoted(name))
