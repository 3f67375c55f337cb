"""The analytics warehouse (DW2): checked, scored and derived; the newest version of everything."""

from __future__ import annotations

from openingbell.indicators.catalogue import columns_of
from openingbell.tables.columns import (
    ASSET_CLASS,
    BAR_START,
    FLAGS,
    LINEAGE,
    PRICES,
    SCORE,
    SESSION,
    SPLIT_FACTOR,
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
        f"15-minute {asset_class} bars on one basis, checked and scored: the newest version of each. Prices before a split are "
        "those of today's shares. A bar made of shorter ones is there once all of them are, or a later one is.",
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
            SPLIT_FACTOR,
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


def _indicators(name: str, start: Column, of: str, *, daily: bool) -> Table:
    computed = (Column(out.name, PRICE, out.doc, out.unit, out.null) for out in columns_of(daily=daily))
    return Table(
        ANALYTICS,
        name,
        ("asset_class", "symbol", "date"),
        f"Indicators over {of}; one row a bar. Definitions and proof: docs/indicators.md.",
        (
            ASSET_CLASS,
            SYMBOL,
            start,
            price("close", "close of the bar", null="the vendor gave none"),
            *computed,
            Column("bars_used", COUNT, "usable bars up to this one, at most 1000 (the warm-up that is read)", "bars"),
            Column(
                "converged", FLAG, "whether the seeds of ema_12, ema_26, macd_signal and rsi_14 weigh less than 1e-4"
            ),
        ),
    )


TECHNICAL_INDICATORS = _indicators(
    "technical_indicators", BAR_START, "15-minute bars, run through sessions", daily=False
)
TECHNICAL_INDICATORS_DAILY = _indicators(
    "technical_indicators_daily", Column("date", DAY, "trading day"), "the bars of `daily_bars`", daily=True
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
        SPLIT_FACTOR,
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
        Column("new_highs", COUNT, "stocks whose high of the day is the highest of the 252 sessions that end with it", "symbols", "no stock has 252 sessions"),
        Column("new_lows", COUNT, "stocks whose low of the day is the lowest of the 252 sessions that end with it", "symbols", "no stock has 252 sessions"),
        Column("pct_above_sma_50", PRICE, "share of the stocks with a daily sma_50 that close above it", "percent", "no stock has one"),
        Column("pct_above_sma_200", PRICE, "share of the stocks with a daily sma_200 that close above it", "percent", "no stock has one"),
        Column("mcclellan_oscillator", PRICE, "exponential mean over 19 days minus that over 39 of 1000·(advancing - declining) / (advancing + declining), each seeded with the mean of its first days", "points", "before the 39th day on which a stock rose or fell, or none did that day"),
        Column("trin", PRICE, "(advancing / declining) / (up_volume / down_volume), the Arms index", "ratio", "no stock declined, or up_volume or down_volume is 0"),
        Column("is_final", FLAG, "whether every stock's bar of the day is the official one"),
    ),
)  # fmt: skip

CORPORATE_ACTIONS = Table(
    ANALYTICS,
    "corporate_actions",
    ("symbol", "ex_date", "kind"),
    "Splits and dividends of the symbols in the warehouse, the newest version of each, and what was made of them.",
    (
        SYMBOL,
        Column("ex_date", DAY, "first session that trades without the dividend, or in new shares"),
        Column("kind", TEXT, "split or dividend"),
        Column(
            "numerator", PRICE, "new shares for `denominator` old ones", "shares", "a dividend, or the vendor gave none"
        ),
        Column("denominator", PRICE, "old shares", "shares", "a dividend, or the vendor gave none"),
        Column(
            "amount",
            PRICE,
            "dividend a share, as declared",
            "currency of the symbol",
            "a split, or the vendor gave none",
        ),
        Column(
            "state",
            TEXT,
            "of a split: announced (no bar of the ex-date yet), applied (bars before it are on the basis after it), contradicted (prices do not show it: not applied), invalid (no ratio: not applied); of a dividend: recorded",
        ),
        Column(
            "vendor_adjusted_at",
            MOMENT,
            "first answer in which the vendor's intraday bars before the ex-date are adjusted for the split",
            "UTC",
            "a dividend, or no such answer was seen",
        ),
        *LINEAGE,
    ),
    order="ex_date",
)

RESTATEMENTS = Table(
    ANALYTICS,
    "restatements",
    ("asset_class", "symbol", "bar_interval", "date", "extracted_at"),
    "Which bars the vendor changed after they were final, by how much and when: a row for every version but a bar's first.",
    (
        ASSET_CLASS,
        SYMBOL,
        Column("bar_interval", TEXT, "5min, 15min, 1day"),
        Column("date", MOMENT, "start of the bar, New York wall clock without a zone; midnight of a daily one"),
        Column("extracted_at", MOMENT, "when the answer with the new version was received", "UTC"),
        Column("kind", TEXT, "basis (every price changed by the factor of a split), or correction"),
        Column("ratio", PRICE, "close before over close after", "ratio", "one of the two is missing or 0"),
        Column("largest_change_pct", PRICE, "the largest change of open, high, low and close, against the price before", "percent", "no price is there before and after, or it was 0"),
        price("close_before", "close of the version before, as the vendor gave it", null="the vendor gave none"),
        price("close_after", "close of the new version, as the vendor gave it", null="the vendor gave none"),
        Column("volume_before", PRICE, "volume of the version before", "shares or contracts", "the vendor gave none"),
        Column("volume_after", PRICE, "volume of the new version", "shares or contracts", "the vendor gave none"),
        *LINEAGE,
    ),
)  # fmt: skip

INSTRUMENTS = Table(
    ANALYTICS,
    "instruments",
    ("symbol",),
    "Every symbol of the universe and every other that has bars here: what it is, and since when.",
    (
        SYMBOL,
        ASSET_CLASS,
        Column("name", TEXT, "name of the company, the index or the product", "", "the vendor gave none"),
        Column("exchange", TEXT, "where it trades, as the vendor writes it", "", "the vendor gave none"),
        Column("currency", TEXT, "currency of its prices; USX is US cents", "", "the vendor gave none"),
        Column("sector", TEXT, "of the company", "", "the vendor gave none, or it is no company"),
        Column("listed_on", DAY, "first day of trading, as the vendor says", "", "the vendor gave none"),
        Column("first_session", DAY, "first session with a daily bar in `daily_bars`", "", "none has one"),
        Column("last_session", DAY, "newest session with a daily bar in `daily_bars`", "", "none has one"),
        Column("delisted_on", DAY, "day on which it was delisted", "", "it was not"),
        Column("renamed_to", TEXT, "the symbol under which it goes on", "", "it was not renamed"),
        Column("renamed_on", DAY, "day on which it was renamed", "", "it was not renamed"),
        Column("active", FLAG, "whether it trades under this symbol", "", "the vendor does not know it"),
    ),
    order="symbol",
)
INDEX_CONSTITUENTS = Table(
    ANALYTICS,
    "index_constituents",
    ("index_name", "symbol", "first_day"),
    "Who was a member of which index, and when: a row for each time. Of indexes that the universe names.",
    (
        Column("index_name", TEXT, "sp500, nasdaq (the Nasdaq 100) or dowjones"),
        SYMBOL,
        Column(
            "first_day",
            DAY,
            "first day as a member; where the vendor does not tell, the oldest change that it tells of or, without any, "
            "the day of the first list that has it",
        ),
        Column("last_day", DAY, "last day as a member", "", "it still is one"),
    ),
    order="first_day",
)


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
