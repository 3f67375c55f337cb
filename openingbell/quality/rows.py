"""The checks that a bar can answer by itself, its session and the moment at which it was received.

It marks and cleans; it never drops a row and compares no row with its neighbours. The catalogue is
`openingbell.quality.checks`.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from openingbell.quality.checks import BIT, ERROR_MASK, flags_of

TOLERANCE = 1e-6
"""Of the close: vendors round the four prices apart from each other."""

NO_VOLUME = -1.0
HUGE_VOLUME = 1e12
"""Units; the busiest instruments trade some 1e10 a day."""
SENTINEL_VOLUME = 1e100
FORMING_TOLERANCE = timedelta(seconds=60)
"""Clocks of vendor and client may differ by this."""

LARGEST_PRICE = 1e15
SMALLEST_PRICE = 1e-12
"""Away from 0. Beyond these a number is no price, and what is computed from it need not be finite."""

PRICES = ("open", "high", "low", "close")
MASK = "_fired"


def check_rows(
    bars: pl.DataFrame, *, prices_positive: bool, volume_expected: bool, minutes: int | None
) -> pl.DataFrame:
    """Mark each bar with the checks that it fails, and clean what is no price and no volume.

    Args:
        bars: one row a bar, in any order, with at least symbol (String), date (Datetime µs New York wall clock, or
            Date), open, high, low, close (Float64, currency of the symbol, nullable), volume (Float64, shares or
            contracts as the vendor gave it, nullable), extracted_at (Datetime µs UTC), session (Date), date_utc and
            end_utc (Datetime µs UTC: start and end of the bar, null when the wall clock has no such moment), open_utc
            and close_utc (Datetime µs UTC: of the session, null on a day without one), conflicting (Boolean: the
            same answer has the key with other values), split_factor (null where the basis is unknown). UTC moments
            carry no zone.
        prices_positive: whether a price of 0 or less is an error.
        volume_expected: whether a bar without a volume is worth a warning.
        minutes: length of the bars in minutes; None for daily bars.

    Returns:
        The same rows in the same order with every column, prices that are no prices and volumes that are sentinels
        or offend V6 made null, plus flags (List(String): ids of the checks that fired, in the order of the catalogue)
        and is_error (Boolean: one of them is an error).
    """
    fired = {
        **_price_checks(prices_positive=prices_positive),
        **_volume_checks(volume_expected=volume_expected),
        **_time_checks(minutes),
        "B1": pl.col("split_factor").is_null(),
        "K2": pl.col("conflicting"),
    }
    mask = pl.sum_horizontal(
        expression.fill_null(value=False).cast(pl.UInt32) * pl.lit(BIT[name], pl.UInt32)
        for name, expression in fired.items()
    )
    marked = (
        bars.lazy()
        .with_columns(pl.when(_is_price(pl.col(price))).then(price) for price in PRICES)
        .with_columns(mask.alias(MASK), _clean_volume())
        .with_columns(is_error=(pl.col(MASK) & ERROR_MASK) != 0)
        .collect()
    )
    flags = flags_of(marked[MASK])
    return marked.drop(MASK).with_columns(flags)


def _is_price(value: pl.Expr) -> pl.Expr:
    size = value.abs()
    return (size == 0) | size.is_between(SMALLEST_PRICE, LARGEST_PRICE)


def _price_checks(*, prices_positive: bool) -> dict[str, pl.Expr]:
    """Over prices of which those that are none are null already: a comparison with null does not fire."""
    opened, high, low, close = (pl.col(price) for price in PRICES)
    slack = TOLERANCE * close.abs()
    complete = ~pl.any_horizontal(pl.col(price).is_null() for price in PRICES)
    checks = {
        "V2": ~complete,
        "V4": complete & (high < pl.max_horizontal(opened, low, close) - slack),
        "V5": complete & (low > pl.min_horizontal(opened, high, close) + slack),
    }
    if prices_positive:
        checks["V3"] = pl.min_horizontal(PRICES) <= 0
    return checks


def _is_sentinel() -> pl.Expr:
    """Polars orders NaN above every number, so that it counts as a sentinel."""
    return (pl.col("volume") == NO_VOLUME) | (pl.col("volume") >= SENTINEL_VOLUME)


def _is_volume() -> pl.Expr:
    return (pl.col("volume") >= 0) & (pl.col("volume") < HUGE_VOLUME)


def _clean_volume() -> pl.Expr:
    return pl.when(_is_volume()).then("volume")


def _volume_checks(*, volume_expected: bool) -> dict[str, pl.Expr]:
    checks = {"V6": ~_is_volume() & ~_is_sentinel(), "V6S": _is_sentinel()}
    if volume_expected:
        checks["P15"] = ~_is_volume().fill_null(value=False)
    return checks


def _time_checks(minutes: int | None) -> dict[str, pl.Expr]:
    start, opens, closes = pl.col("date_utc"), pl.col("open_utc"), pl.col("close_utc")
    checks = {
        "V11": pl.col("end_utc") > pl.col("extracted_at") + FORMING_TOLERANCE,
        "V12H": opens.is_null(),
    }
    if minutes is not None:
        step = timedelta(minutes=minutes) // timedelta(microseconds=1)
        checks["V10"] = (start - opens).dt.total_microseconds() % step != 0
        inside = ((start >= opens) & (start < closes)).fill_null(value=False)
        checks["V12"] = opens.is_not_null() & ~inside
    return checks
