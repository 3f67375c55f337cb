"""Columns that several tables share."""

from __future__ import annotations

from openingbell.feeds import TENORS
from openingbell.tables.table import COUNT, DAY, MOMENT, PRICE, TEXT, Column


def price(name: str, doc: str, unit: str = "currency of the symbol", null: str = "") -> Column:
    """A price."""
    return Column(name, PRICE, doc, unit, null)


LINEAGE = (
    Column("load_id", TEXT, "landed file that the row came from, see `loads`"),
    Column("source_row", COUNT, "line of that file, the first line under the header being 1"),
)
SYMBOL = Column("symbol", TEXT, "the vendor's symbol, such as AAPL, ^GSPC, GCUSD")
ASSET_CLASS = Column("asset_class", TEXT, "stock, index or commodity")
BAR_START = Column("date", MOMENT, "start of the bar, New York wall clock without a zone")
SESSION = Column("session", DAY, "trading day; a commodity's Sunday evening belongs to Monday")
EXTRACTED_AT = Column("extracted_at", MOMENT, "when the vendor's answer was received", "UTC")
OHLC_MISSING = "the vendor gave none (the row fails V2)"
BASIS = Column(
    "basis", TEXT, "price basis: `vendor` (adjusted for splits the vendor knew when it answered) or `raw` (as traded)"
)
SPLIT_FACTOR = Column(
    "split_factor",
    PRICE,
    "shares into which the splits since the bar have made one: price × split_factor is the price as it was traded",
    "ratio",
    "the basis of the bar is not known (B1)",
)
SCORE = Column(
    "data_quality_score", PRICE, "0 to 100, see docs/quality.md; 20 and below means an error check fired", "points"
)
FLAGS = Column("dq_flags", TEXT, "checks that fired, by id, separated by commas; empty when none did")
OHLC = (
    price("open", "first price", null=OHLC_MISSING),
    price("high", "highest price", null=OHLC_MISSING),
    price("low", "lowest price", null=OHLC_MISSING),
    price("close", "last price", null=OHLC_MISSING),
)
RAW_PRICES = (
    *OHLC,
    Column("volume", PRICE, "units traded, as the vendor gave it", "shares or contracts", "the vendor gave none"),
)
PRICES = (
    *OHLC,
    Column(
        "volume",
        COUNT,
        "units traded, rounded to whole ones",
        "shares or contracts",
        "the vendor gave none, or a sentinel (V6S)",
    ),
)
TENOR_COLUMNS = tuple(
    Column(
        tenor,
        PRICE,
        f"par yield, {tenor.rstrip('0123456789')} {tenor.lstrip('yearmonth')}",
        "percent",
        "not issued or not published that day",
    )
    for tenor in TENORS
)
