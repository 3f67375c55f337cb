"""The catalogue: every indicator once. Table columns, settings, reach, documents and tests follow from it.

An entry owns what its columns are, when they are null, where they begin, and what they rest on; the arithmetic is the
function it names. To add an indicator is to add a function and its entry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from openingbell.indicators import momentum, trend, volatility, volume
from openingbell.indicators.arrays import Floats
from openingbell.indicators.bars import Bars

WARM_UP = 1_000
"""Usable bars of a symbol, the newest included, that a recompute reads: what follows from them is equal, to the last
bit, to what follows from the whole history."""
ALL = sys.maxsize
"""Reach of what adds up from the first bar on: no tail gives it."""
SESSION_BARS = 96
"""Bars of 15 minutes in a day: no session has more."""

INTRADAY, DAILY = "intraday", "daily"
BOTH = (INTRADAY, DAILY)
"""The tables that have an entry's columns."""

PRICE = "currency of the symbol"
PERCENT = "percent"
OF_100 = "0 to 100"
SHORT = "before its first value, or the bar is skipped (no close, or an error check fired)"
OPEN, HIGH, LOW, CLOSE, VOLUME, SESSION = INPUTS = ("open", "high", "low", "close", "volume", "session")
RANGE = (HIGH, LOW, CLOSE)


@dataclass(frozen=True)
class Output:
    """One column: what it is, in which unit, when it is null beyond the warm-up, and the usable bar it begins at."""

    name: str
    doc: str
    unit: str
    first_bar: int
    null_too: str = ""

    @property
    def null(self) -> str:
        """When the column is null, as its table says it."""
        return f"{SHORT}, or {self.null_too}" if self.null_too else SHORT


@dataclass(frozen=True)
class Indicator:
    """One entry.

    Attributes:
        name: what settings call it.
        outputs: its columns, in their order.
        inputs: what it reads of a bar, of `INPUTS`.
        function: from the usable bars of a series to one float64 array an output. Each ends with the last bar; bars
            before its first element have no value, and NaN is none either.
        reach: usable bars, the newest included, that a value rests on: exactly for windows; `WARM_UP` for means that
            forget; `ALL` for what adds up for ever.
        source: where the definition is published.
        core: whether it is always computed.
        where: the tables that have it.
    """

    name: str
    outputs: tuple[Output, ...]
    inputs: tuple[str, ...]
    function: Callable[[Bars], tuple[Floats, ...]]
    reach: int
    source: str
    core: bool = False
    where: tuple[str, ...] = BOTH


CATALOGUE: tuple[Indicator, ...] = (
    Indicator(
        "sma",
        (
            Output("sma_20", "simple mean of the last 20 closes", PRICE, 20),
            Output("sma_50", "simple mean of the last 50 closes", PRICE, 50),
            Output("sma_200", "simple mean of the last 200 closes", PRICE, 200),
        ),
        (CLOSE,),
        trend.sma,
        reach=200,
        source="StockCharts ChartSchool, Simple Moving Average",
        core=True,
    ),
    Indicator(
        "ema",
        (
            Output("ema_12", "exponential mean, 12 bars, seeded with the mean of the first 12", PRICE, 12),
            Output("ema_26", "exponential mean, 26 bars, seeded with the mean of the first 26", PRICE, 26),
        ),
        (CLOSE,),
        trend.ema,
        reach=WARM_UP,
        source="StockCharts ChartSchool, Exponential Moving Average",
        core=True,
    ),
    Indicator(
        "macd",
        (
            Output("macd_line", "ema_12 - ema_26", PRICE, 26),
            Output(
                "macd_signal", "exponential mean of macd_line, 9 bars, seeded with the mean of its first 9", PRICE, 34
            ),
            Output("macd_histogram", "macd_line - macd_signal", PRICE, 34),
        ),
        (CLOSE,),
        trend.macd,
        reach=WARM_UP,
        source="Appel, Technical Analysis: Power Tools for Active Investors (2005)",
        core=True,
    ),
    Indicator(
        "rsi",
        (
            Output(
                "rsi_14", "Wilder's relative strength index, 14 bars", OF_100, 15,
                "the price has not moved for 500 bars, or ever",
            ),
        ),
        (CLOSE,),
        momentum.rsi,
        reach=WARM_UP,
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
        core=True,
    ),
    Indicator(
        "bollinger",
        (
            Output("bb_upper", "sma_20 plus two population deviations of 20 closes", PRICE, 20),
            Output("bb_middle", "sma_20", PRICE, 20),
            Output("bb_lower", "sma_20 minus two population deviations of 20 closes", PRICE, 20),
            Output("bb_width", "(bb_upper - bb_lower) / bb_middle", PERCENT, 20, "the middle is 0"),
            Output(
                "bb_position", "(close - bb_lower) / (bb_upper - bb_lower): 0 at the lower band, 1 at the upper",
                "ratio", 20, "the bands have no width",
            ),
        ),
        (CLOSE,),
        volatility.bollinger,
        reach=20,
        source="Bollinger, Bollinger on Bollinger Bands (2001)",
        core=True,
    ),
    Indicator(
        "range_252",
        (
            Output("high_252", "highest high of the last 252 days", PRICE, 252, "a high or low is missing"),
            Output("low_252", "lowest low of the last 252 days", PRICE, 252, "a high or low is missing"),
        ),
        RANGE,
        volatility.range_of_a_year,
        reach=252,
        source="the 52 weeks of exchanges and newspapers, as 252 trading days",
        core=True,
        where=(DAILY,),
    ),
    Indicator(
        "atr",
        (Output("atr_14", "Wilder's mean of the true range, 14 bars", PRICE, 15, "a high or low is missing"),),
        RANGE,
        volatility.atr,
        reach=WARM_UP,
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    Indicator(
        "adx",
        (
            Output(
                "adx_14", "Wilder's mean of 100 * |plus_di_14 - minus_di_14| / (plus_di_14 + minus_di_14), 14 bars",
                OF_100, 28, "a high or low is missing, or the price has not moved for 500 bars",
            ),
            Output(
                "plus_di_14", "Wilder's mean of moves up over atr_14", OF_100, 15,
                "a high or low is missing, or the price has not moved for 500 bars, or ever",
            ),
            Output(
                "minus_di_14", "Wilder's mean of moves down over atr_14", OF_100, 15,
                "a high or low is missing, or the price has not moved for 500 bars, or ever",
            ),
        ),
        RANGE,
        trend.directional,
        reach=WARM_UP,
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    Indicator(
        "stochastic",
        (
            Output(
                "stoch_k", "mean of the last 3 of 100 * (close - lowest low) / (highest high - lowest low) of 14 bars",
                OF_100, 16, "a high or low is missing, or one of the 3 spans of 14 bars has no range",
            ),
            Output(
                "stoch_d", "mean of the last 3 stoch_k", OF_100, 18,
                "a high or low is missing, or one of the 3 stoch_k is null",
            ),
        ),
        RANGE,
        momentum.stochastic,
        reach=18,
        source="Lane; StockCharts ChartSchool, Slow Stochastic Oscillator (14, 3, 3)",
    ),
    Indicator(
        "obv",
        (
            Output(
                "obv",
                "volume of bars that closed higher minus that of bars that closed lower, from 0 at the first volume on",
                "shares or contracts", 1, "the bar has no volume",
            ),
        ),
        (CLOSE, VOLUME),
        volume.obv,
        reach=ALL,
        source="Granville, New Key to Stock Market Profits (1963)",
    ),
    Indicator(
        "vwap",
        (
            Output(
                "vwap_session", "mean of (high + low + close) / 3 since the session's first bar, weighted by volume",
                PRICE, 1, "a high or low is missing, or the session has no volume yet",
            ),
        ),
        (*RANGE, VOLUME, SESSION),
        volume.session_vwap,
        reach=SESSION_BARS,
        source="StockCharts ChartSchool, Volume-Weighted Average Price",
        where=(INTRADAY,),
    ),
    Indicator(
        "roc",
        (
            Output(
                "roc_10", "close over the close 10 bars before, minus 1", PERCENT, 11, "the close 10 bars before is 0"
            ),
        ),
        (CLOSE,),
        momentum.roc,
        reach=11,
        source="StockCharts ChartSchool, Rate of Change",
    ),
    Indicator(
        "volatility",
        (
            Output(
                "realized_vol_20", "root mean square of the last 20 logarithmic returns, per bar, not annualised",
                PERCENT, 21, "one of the 21 closes is 0 or less",
            ),
        ),
        (CLOSE,),
        volatility.realized_volatility,
        reach=21,
        source="Andersen, Bollerslev, Diebold and Labys, Modeling and Forecasting Realized Volatility (2003)",
    ),
)  # fmt: skip

EXTRAS: tuple[str, ...] = tuple(entry.name for entry in CATALOGUE if not entry.core)
"""Entries that a setting may leave out."""
CUMULATIVE: tuple[str, ...] = tuple(out.name for entry in CATALOGUE if entry.reach == ALL for out in entry.outputs)
"""Columns that rest on every bar since the first."""


def entries_of(*, daily: bool) -> tuple[Indicator, ...]:
    """The entries that the daily table has, or the intraday one."""
    return tuple(entry for entry in CATALOGUE if (DAILY if daily else INTRADAY) in entry.where)


def columns_of(*, daily: bool) -> tuple[Output, ...]:
    """Their columns in order; `close` stands before them in the tables, `bars_used` and `converged` after them."""
    return tuple(output for entry in entries_of(daily=daily) for output in entry.outputs)
