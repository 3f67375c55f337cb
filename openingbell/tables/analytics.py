"""The analytics warehouse (DW2): checked, scored and derived; the newest version of everything."""

from __future__ import annotations

from openingbell.tables.columns import (
    ASSET_CLASS,
    BAR_START,
    FLAGS,
    LINEAGE,
    PRICES,
    SCORE,
    SESSION,
    SYMBOL,
    TENOR_COLUMNS,
    price,
)
from openingbell.tables.table import ANALYTICS, COUNT, DAY, FLAG, MOMENT, PRICE, TEXT, Column, Table


def _bars(asset_class: str) -> Table:
    return Table(
        ANALYTICS,
        f"{asset_class}_data",
        ("symbol", "date"),
        f"15-minute {asset_class} bars on the vendor's basis, checked and scored: the newest version of each. A bar made of "
        "shorter ones is there once all of them are, or a later one is.",
        (
            SYMBOL,
            BAR_START,
            Column("date_utc", MOMENT, "start of the bar", "UTC"),
            SESSION,
            *PRICES,
            price(
                "price_change",
                "close minus the close of the symbol's bar before",
                null="first bar, a close is missing, or one of the two bars fails an error check",
            ),
            Column(
                "price_change_pct",
                PRICE,
                "price_change over the close of the bar before",
                "percent",
                "as price_change, or that close is 0",
            ),
            price("avg_price", "(high + low + close) / 3", null="a price is missing"),
            Column("volatility", PRICE, "(high - low) / close", "percent", "a price is missing or the close is 0"),
            Column(
                "relative_volume",
                PRICE,
                "volume over the mean volume of the same slot in the 20 sessions before, bars with an error check left out",
                "ratio",
                "fewer than 5 of those bars have a volume, their mean is 0, or the bar has none",
            ),
            SCORE,
            FLAGS,
            *LINEAGE,
        ),
    )


STOCK, INDEX, COMMODITY = (_bars(name) for name in ("stock", "index", "commodity"))

BOND = Table(
    ANALYTICS,
    "bond_data",
    ("date",),
    "US Treasury par yield curve, the newest version of each day.",
    (
        Column("date", DAY, "business day"),
        *TENOR_COLUMNS,
        Column("yield_curve_slope", PRICE, "year10 minus year2", "percentage points", "one of the two is null"),
        Column("term_spread", PRICE, "year10 minus month3", "percentage points", "one of the two is null"),
        SCORE,
        FLAGS,
        *LINEAGE,
    ),
)

SHORT = "before its first value, or the bar is skipped (no close, or an error check fired)"
INDICATOR_COLUMNS = (
    price("close", "close of the bar", null="the vendor gave none"),
    price("sma_20", "simple mean of the last 20 closes", null=SHORT),
    price("sma_50", "simple mean of the last 50 closes", null=SHORT),
    price("sma_200", "simple mean of the last 200 closes", null=SHORT),
    price("ema_12", "exponential mean, 12 bars, seeded with the mean of the first 12", null=SHORT),
    price("ema_26", "exponential mean, 26 bars, seeded with the mean of the first 26", null=SHORT),
    price("macd_line", "ema_12 - ema_26", null=SHORT),
    price("macd_signal", "exponential mean of macd_line, 9 bars, seeded with the mean of its first 9", null=SHORT),
    price("macd_histogram", "macd_line - macd_signal", null=SHORT),
    Column("rsi_14", PRICE, "Wilder's relative strength index, 14 bars", "0 to 100", SHORT + ", or the price has not moved for 500 bars, or ever"),
    price("bb_upper", "sma_20 plus two population deviations of 20 closes", null=SHORT),
    price("bb_middle", "sma_20", null=SHORT),
    price("bb_lower", "sma_20 minus two population deviations of 20 closes", null=SHORT),
    Column("bb_width", PRICE, "(bb_upper - bb_lower) / bb_middle", "percent", SHORT + ", or the middle is 0"),
    Column("bb_position", PRICE, "(close - bb_lower) / (bb_upper - bb_lower): 0 at the lower band, 1 at the upper", "ratio", SHORT + ", or the bands have no width"),
    Column("bars_used", COUNT, "bars that the row's values rest on, this one included, at most 1000 (the warm-up that is read)", "bars"),
    Column("converged", FLAG, "whether the seeds of ema_12, ema_26, macd_signal and rsi_14 weigh less than 1e-4"),
)  # fmt: skip


def _indicators(name: str, start: Column, of: str) -> Table:
    return Table(
        ANALYTICS,
        name,
        ("asset_class", "symbol", "date"),
        f"Indicators over {of}; one row a bar. Definitions and proof: docs/indicators.md.",
        (ASSET_CLASS, SYMBOL, start, *INDICATOR_COLUMNS),
    )


TECHNICAL_INDICATORS = _indicators("technical_indicators", BAR_START, "15-minute bars, run through sessions")
TECHNICAL_INDICATORS_DAILY = _indicators(
    "technical_indicators_daily", Column("date", DAY, "trading day"), "the bars of `daily_bars`"
)

DAILY_BARS = Table(
    ANALYTICS,
    "daily_bars",
    ("asset_class", "symbol", "date"),
    "One bar a trading day: the official one once it is there, before that the session's 15-minute bars rolled up.",
    (
        ASSET_CLASS,
        SYMBOL,
        Column("date", DAY, "trading day"),
        *PRICES,
        Column("close_source", TEXT, "official, or bars"),
        price("vwap", "mean of the session's 15-minute avg_price weighted by volume", null="no 15-minute bar with a volume"),
        Column("return_pct", PRICE, "close over the close of the symbol's session before, minus 1", "percent", "first day, or a close is missing or 0"),
        Column("range_pct", PRICE, "(high - low) / close", "percent", "a price is missing or the close is 0"),
        Column("bars_present", COUNT, "15-minute bars of a full record of the session that are in the warehouse", "bars"),
        Column("bars_expected", COUNT, "15-minute bars of a full record of the session", "bars"),
        Column("is_final", FLAG, "whether the official bar is there"),
        SCORE,
        FLAGS,
    ),
)  # fmt: skip

DAILY_AGGREGATES = Table(
    ANALYTICS,
    "daily_aggregates",
    ("date",),
    "Breadth of the stocks in the warehouse (those configured) by trading day: symbols are counted, not bars. A stock "
    "counts when it has a close that day and on the session before; bars with an error check count for nothing.",
    (
        Column("date", DAY, "trading day"),
        Column("total_stocks", COUNT, "stocks that count", "symbols"),
        Column("advancing_stocks", COUNT, "close above the session before", "symbols"),
        Column("declining_stocks", COUNT, "close below the session before", "symbols"),
        Column("unchanged_stocks", COUNT, "close equal to the session before", "symbols"),
        Column("market_breadth", PRICE, "(advancing - declining) / total", "-1 to 1", "no stock counts"),
        Column("advance_decline_ratio", PRICE, "advancing / declining", "ratio", "no stock declined"),
        Column("avg_volume", PRICE, "mean daily volume of all stocks with one", "shares", "no stock has a volume"),
        Column("total_volume", COUNT, "daily volume of all stocks", "shares"),
        Column("up_volume", COUNT, "volume of advancing stocks", "shares"),
        Column("down_volume", COUNT, "volume of declining stocks", "shares"),
        Column("is_final", FLAG, "whether every stock's bar of the day is the official one"),
    ),
)  # fmt: skip


def _index_summary(prefix: str, symbol: str) -> tuple[Column, ...]:
    absent = f"no bar of {symbol} that day, or it fails an error check"
    return (
        Column(f"{prefix}_close", PRICE, f"close of {symbol}", "points", absent),
        Column(f"{prefix}_change", PRICE, f"{prefix}_close minus that of the session before", "points", absent + ", or none before"),
        Column(f"{prefix}_change_pct", PRICE, f"{prefix}_change over the close of the session before", "percent", absent + ", or none before"),
    )  # fmt: skip


SUMMARY_INDEXES: dict[str, str] = {"sp500": "^GSPC", "dow": "^DJI", "nasdaq": "^IXIC"}
VOLATILITY_SYMBOL = "^VIX"

MARKET_SUMMARY = Table(
    ANALYTICS,
    "market_summary",
    ("date",),
    "The market on one line a trading day.",
    (
        Column("date", DAY, "trading day"),
        *(column for prefix, symbol in SUMMARY_INDEXES.items() for column in _index_summary(prefix, symbol)),
        Column("market_sentiment", TEXT, "bullish at a market_breadth of 0.2 and above, bearish at -0.2 and below, else neutral", "", "no stock counts"),
        Column("volatility_index", PRICE, "close of ^VIX", "points", "no bar of ^VIX that day, or it fails an error check"),
        Column("yield_10y", PRICE, "ten-year par yield of yield_date", "percent", "no curve yet, or the tenor is null"),
        Column("yield_curve_slope", PRICE, "ten minus two years at yield_date", "percentage points", "no curve yet, or a tenor is null"),
        Column("yield_date", DAY, "newest business day with a yield curve, at most the row's date", "", "no curve yet"),
        Column("market_breadth", PRICE, "see daily_aggregates", "-1 to 1", "no stock counts"),
        Column("is_final", FLAG, "whether every bar that the row rests on is the official one"),
    ),
)  # fmt: skip
