"""The feeds: what Openingbell asks the vendor for, one row of facts each.

A fact that differs between stocks, indexes, commodities, official daily bars, Treasury yields, corporate actions and
lists of instruments stands here and nowhere else; the stages read it. Adding a feed is adding a row (and its table in
`tables/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What one row of a feed's answer is."""

    INTRADAY = "intraday"  # bars inside a session
    DAILY = "daily"  # one official bar a session
    RATES = "rates"  # one yield curve a business day
    ACTIONS = "actions"  # a split or a dividend
    REFERENCE = "reference"  # facts about instruments


@dataclass(frozen=True)
class Feed:
    """One feed.

    `window_days` is the number of calendar days that a request may span and still come whole: the vendor cuts longer
    answers silently at their oldest end. The figures are those that long-running clients of the vendor settled on.
    A feed of the whole market is asked without a symbol; its rows name theirs.
    `asked_each` says how often a feed is asked of which nobody knows how many rows there should be.
    `final_after` is added to a bar's end, before the configured delays, to say when the vendor's word is final.
    `parameters` go with every request. `needs` are the names without which an answer about instruments is none.
    """

    name: str
    kind: Kind
    asset_class: str
    path: str
    bar_interval: str
    calendar: str
    window_days: int
    raw_table: str
    table: str
    final_after: timedelta = timedelta(0)
    volume_expected: bool = True
    prices_positive: bool = True
    whole_market: bool = False
    asked_each: Literal["session", "month"] = "session"
    parameters: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def has_grid(self) -> bool:
        """Whether the calendars say how many rows a full record holds."""
        return self.kind in (Kind.INTRADAY, Kind.DAILY, Kind.RATES)


STOCKS = Feed(
    name="stocks",
    kind=Kind.INTRADAY,
    asset_class="stock",
    path="historical-chart/15min",
    bar_interval="15min",
    calendar="XNYS",
    window_days=29,
    raw_table="stock_data_raw",
    table="stock_data",
)
INDEXES = Feed(
    name="indexes",
    kind=Kind.INTRADAY,
    asset_class="index",
    path="historical-chart/5min",
    bar_interval="5min",
    calendar="XNYS",
    window_days=5,
    raw_table="index_data_raw",
    table="index_data",
    volume_expected=False,
)
COMMODITIES = Feed(
    name="commodities",
    kind=Kind.INTRADAY,
    asset_class="commodity",
    path="historical-chart/5min",
    bar_interval="5min",
    calendar="CMEGlobex_EnergyAndMetals",
    window_days=5,
    raw_table="commodity_data_raw",
    table="commodity_data",
    prices_positive=False,  # oil settled at -37.63 on 2020-04-20
)
BONDS = Feed(
    name="bonds",
    kind=Kind.RATES,
    asset_class="bond",
    path="treasury-rates",
    bar_interval="1day",
    calendar="SIFMA_US",
    window_days=85,
    raw_table="bond_data_raw",
    table="bond_data",
    final_after=timedelta(hours=2),  # the vendor's own cycle table: two hours after the Treasury
    prices_positive=False,
)
EOD = Feed(
    name="eod",
    kind=Kind.DAILY,
    asset_class="",  # the symbol's own: official daily bars exist for every class
    path="historical-price-eod/full",
    bar_interval="1day",
    calendar="XNYS",
    window_days=15 * 365,  # the vendor gives 5,000 rows; a commodity has a row on Sundays too
    raw_table="eod_data_raw",
    table="daily_bars",
    final_after=timedelta(hours=1),
)


def _actions(name: str, *, whole_market: bool) -> Feed:
    return Feed(
        name=name.replace("-", "_"),
        kind=Kind.ACTIONS,
        asset_class="stock",
        path=name,
        bar_interval="1day",
        calendar="XNYS",
        window_days=60,
        raw_table="corporate_actions_raw",
        table="corporate_actions",
        whole_market=whole_market,
        asked_each="session" if whole_market else "month",
    )


SPLITS = _actions("splits", whole_market=False)
DIVIDENDS = _actions("dividends", whole_market=False)
SPLITS_CALENDAR = _actions("splits-calendar", whole_market=True)
DIVIDENDS_CALENDAR = _actions("dividends-calendar", whole_market=True)


def _reference(
    path: str,
    asset_class: str = "stock",
    *,
    whole_market: bool = True,
    asked_each: Literal["session", "month"] = "month",
    parameters: tuple[tuple[str, str], ...] = (),
    needs: tuple[str, ...] = ("symbol",),
    name: str = "",
) -> Feed:
    return Feed(
        name=name or path.replace("-", "_"),
        kind=Kind.REFERENCE,
        asset_class=asset_class,
        path=path,
        bar_interval="1day",
        calendar="XNYS",
        window_days=60,
        raw_table="reference_data_raw",
        table="instruments",
        whole_market=whole_market,
        asked_each=asked_each,
        parameters=parameters,
        needs=needs,
    )


CHANGE = ("date", "oldSymbol", "newSymbol")
PROFILE = _reference("profile", whole_market=False, needs=("symbol", "isActivelyTrading"))
INDEX_LIST = _reference("index-list", "index")
COMMODITIES_LIST = _reference("commodities-list", "commodity")
SYMBOL_CHANGE = _reference("symbol-change", parameters=(("limit", "5000"),), needs=CHANGE)
NEW_SYMBOL_CHANGE = _reference(
    "symbol-change", asked_each="session", parameters=(("limit", "100"),), needs=CHANGE, name="new_symbol_change"
)
DELISTED = _reference(
    "delisted-companies",
    asked_each="session",
    parameters=(("page", "0"), ("limit", "100")),
    needs=("symbol", "delistedDate"),
)
CONSTITUENTS: dict[str, Feed] = {name: _reference(f"{name}-constituent") for name in ("sp500", "nasdaq", "dowjones")}
"""The members of an index today, by the vendor's name of the index."""
CONSTITUENT_CHANGES: dict[str, Feed] = {
    name: _reference(f"historical-{name}-constituent", needs=("date", "symbol", "removedTicker"))
    for name in CONSTITUENTS
}
"""Who joined and who left an index, and when."""

REFERENCE_FEEDS: tuple[Feed, ...] = (
    *CONSTITUENTS.values(), *CONSTITUENT_CHANGES.values(),
    SYMBOL_CHANGE, NEW_SYMBOL_CHANGE, DELISTED, PROFILE, INDEX_LIST, COMMODITIES_LIST,
)  # fmt: skip
"""What says which symbols there are."""
FEEDS: tuple[Feed, ...] = (
    *REFERENCE_FEEDS,
    SPLITS, DIVIDENDS, SPLITS_CALENDAR, DIVIDENDS_CALENDAR, STOCKS, INDEXES, COMMODITIES, BONDS, EOD,
)  # fmt: skip
"""In the order in which they are asked: which symbols there are, what changes the meaning of prices, prices."""
BAR_FEEDS: tuple[Feed, ...] = (STOCKS, INDEXES, COMMODITIES, BONDS, EOD)
"""Those of which a full record is known from the calendars."""
INTRADAY_FEEDS: tuple[Feed, ...] = tuple(feed for feed in FEEDS if feed.kind is Kind.INTRADAY)
BY_NAME: dict[str, Feed] = {feed.name: feed for feed in FEEDS}
BY_ASSET_CLASS: dict[str, Feed] = {feed.asset_class: feed for feed in BAR_FEEDS if feed.asset_class}

TREASURY = "TREASURY"
"""The one symbol of the bond feed: the par yield curve has no symbol of its own."""

WHOLE_MARKET = "ALL"
"""What stands for the symbol where a feed is asked without one."""

BAR_FIELDS: tuple[str, ...] = ("open", "high", "low", "close", "volume")
"""What a bar says, by the vendor's names."""

TENORS: tuple[str, ...] = (
    "month1", "month2", "month3", "month6",
    "year1", "year2", "year3", "year5", "year7", "year10", "year20", "year30",
)  # fmt: skip

VOLATILITY_CALENDAR = "CBOE_VIX"
"""The hours in which ^VIX is calculated from options; see `openingbell.sessions.FOLLOWERS`."""
SYMBOL_CALENDARS: dict[str, str] = {
    "^VIX": VOLATILITY_CALENDAR,
    "GCUSD": "CMEGlobex_GC",
    "MGCUSD": "CMEGlobex_GC",
    "SIUSD": "CMEGlobex_SI",
    "HGUSD": "CMEGlobex_HG",
    "PLUSD": "CMEGlobex_PL",
    "CLUSD": "CMEGlobex_CL",
    "NGUSD": "CMEGlobex_NG",
    "HOUSD": "CMEGlobex_HO",
    "RBUSD": "CMEGlobex_RB",
}
"""Symbols with hours of their own, such as a commodity's product calendar; others use their feed's calendar."""


def calendar_of(asset_class: str, symbol: str) -> str:
    """The calendar on which `symbol` trades, unless its universe says otherwise."""
    return SYMBOL_CALENDARS.get(symbol, BY_ASSET_CLASS[asset_class].calendar)
