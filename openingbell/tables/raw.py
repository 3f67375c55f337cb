"""The raw warehouse (DW1): what the vendor said, every version, append-only."""

from __future__ import annotations

from openingbell.tables.columns import (
    ASSET_CLASS,
    BAR_START,
    BASIS,
    EXTRACTED_AT,
    LINEAGE,
    RAW_PRICES,
    SYMBOL,
    TENOR_COLUMNS,
)
from openingbell.tables.table import DAY, FLAG, PRICE, RAW, TEXT, Column, Table


def _bars_raw(asset_class: str) -> Table:
    return Table(
        RAW,
        f"{asset_class}_data_raw",
        ("load_id", "source_row"),
        f"Final {asset_class} bars as the vendor gave them, every version, append-only.",
        (
            *LINEAGE,
            SYMBOL,
            BAR_START,
            Column("bar_interval", TEXT, "length of the bar as the vendor names it: 5min, 15min"),
            *RAW_PRICES,
            BASIS,
            EXTRACTED_AT,
        ),
        versioned=True,
    )


STOCK_RAW, INDEX_RAW, COMMODITY_RAW = (_bars_raw(name) for name in ("stock", "index", "commodity"))

EOD_RAW = Table(
    RAW,
    "eod_data_raw",
    ("load_id", "source_row"),
    "Official daily bars as the vendor gave them once final, every version, append-only.",
    (
        *LINEAGE,
        ASSET_CLASS,
        SYMBOL,
        Column("date", DAY, "trading day"),
        *RAW_PRICES,
        BASIS,
        EXTRACTED_AT,
    ),
    versioned=True,
)
BOND_RAW = Table(
    RAW,
    "bond_data_raw",
    ("load_id", "source_row"),
    "US Treasury par yields as the vendor gave them, every version, append-only.",
    (*LINEAGE, Column("date", DAY, "business day"), *TENOR_COLUMNS, EXTRACTED_AT),
    versioned=True,
)
ACTIONS_RAW = Table(
    RAW,
    "corporate_actions_raw",
    ("load_id", "source_row"),
    "Splits and dividends as the vendor gave them, every version, append-only; also of symbols outside the universe that "
    "its calendars name.",
    (
        *LINEAGE,
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
        EXTRACTED_AT,
    ),
    order="ex_date",
    versioned=True,
)

REFERENCE_RAW = Table(
    RAW,
    "reference_data_raw",
    ("load_id", "source_row"),
    "What the vendor says about instruments, every version, append-only: profiles, lists of indexes and commodities, "
    "changes of symbols, delistings, members of indexes and their changes; also of symbols outside the universe.",
    (
        *LINEAGE,
        SYMBOL,
        Column("kind", TEXT, "the feed that says it, such as profile, symbol_change, sp500_constituent"),
        Column(
            "date", DAY, "day of a change or a delisting; of all else the first day of the month in which it was said"
        ),
        Column("name", TEXT, "name of the company or product; of a change of an index who joined", "", "none is given"),
        Column("exchange", TEXT, "where it trades, as the vendor writes it", "", "none is given"),
        Column("currency", TEXT, "currency of its prices; USX is US cents", "", "none is given"),
        Column("sector", TEXT, "of the company", "", "none is given"),
        Column("since", DAY, "first day of trading; of an index's member its first day as one", "", "none is given"),
        Column("is_active", FLAG, "whether it trades", "", "no profile"),
        Column("other_symbol", TEXT, "the new symbol; of a change of an index who left", "", "none is given"),
        EXTRACTED_AT,
    ),
    versioned=True,
)
