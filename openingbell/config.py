"""Settings: every setting with its unit, default and allowed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Annotated, Literal, NewType, get_args

import annotated_types
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
)
from pydantic.fields import FieldInfo

from openingbell.feeds import CONSTITUENTS, Feed
from openingbell.indicators import EXTRAS
from openingbell.plans import Plan, plan_of
from openingbell.secrets import HIDDEN

STOCKS = (
    "AAPL MSFT NVDA AMZN GOOGL META TSLA AVGO BRK-B JPM LLY V UNH XOM MA COST WMT HD PG NFLX JNJ ORCL BAC CRM ABBV "
    "CVX KO MRK CSCO AMD"
)
INDEXES = "^GSPC ^DJI ^IXIC ^RUT ^VIX"
COMMODITIES = "GCUSD SIUSD CLUSD NGUSD"

SYMBOL = r"^[A-Z0-9^][A-Z0-9.^=-]*$"
"""What a symbol looks like; it becomes part of a file's name."""
DATABASE = "[A-Za-z][A-Za-z0-9_]{0,39}"
"""What the name of a database looks like; it becomes part of statements."""
Stock = NewType("Stock", str)
"""A symbol, or the name of an index in place of those of its members."""
Extra = NewType("Extra", str)
"""The name of an indicator that may be left out."""
KINDS: dict[object, str] = {
    bool: "true or false",
    int: "whole number",
    int | None: "whole number",
    float: "number",
    float | None: "number",
    tuple[str, ...]: f"symbols, each matches `{SYMBOL}`",
    tuple[Stock, ...]: f"symbols, each matches `{SYMBOL}`, or an index for its members: "
    + ", ".join(f"`{name}`" for name in CONSTITUENTS),
    tuple[Extra, ...]: "any of " + ", ".join(f"`{name}`" for name in EXTRAS),
}
"""What a setting's type is called; all others are text."""
KEY_LIKE = re.compile(r"[\w-]{16,}")
HAIR = 1.01
SLOWEST_USUAL_ANSWER_SECONDS = 0.6
UNPACED_CALLS_PER_MINUTE = 3_000.0
"""What a machine and the vendor manage where nothing is limited."""
FEED_DELAY_SECONDS = 60.0
"""What the vendor's delay is taken for as long as it is neither set nor learned."""
ADDRESS = r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$"
"""An address that holds no secret: it is shown, logged and recorded in the home."""


def shown(value: object) -> str:
    """A value as a message may quote it: a word as long as a key might be one that went to the wrong place."""
    return KEY_LIKE.sub(HIDDEN, repr(value))


def _split(value: object) -> object:
    """Names may be written as a list or as one text with blanks or commas between them."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _once(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Each symbol once, where it first stands.

    Raises:
        ValueError: some cannot be symbols.
    """
    stripped = tuple(dict.fromkeys(symbol.strip() for symbol in symbols))
    if wrong := [symbol for symbol in stripped if not re.fullmatch(SYMBOL, symbol)]:
        raise ValueError(f"no symbols are {', '.join(shown(symbol) for symbol in wrong)}")
    return stripped


def _stocks(given: tuple[str, ...]) -> tuple[Stock, ...]:
    """Symbols and names of indexes, each once, where it first stands.

    Raises:
        ValueError: some can be neither.
    """
    _once(tuple(name for name in given if name.strip() not in CONSTITUENTS))
    return tuple(Stock(name) for name in dict.fromkeys(name.strip() for name in given))


def _known(extras: tuple[Extra, ...]) -> tuple[Extra, ...]:
    """Each indicator once, in the order of the catalogue.

    Raises:
        ValueError: some are no indicators, or always computed.
    """
    if unknown := [name for name in extras if name not in EXTRAS]:
        raise ValueError(f"none of these is {', '.join(shown(name) for name in unknown)}")
    return tuple(Extra(name) for name in EXTRAS if name in extras)


def _number(value: object) -> object:
    """A whole number that the environment can only write as text."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


AuctionPolicy = Literal["fold", "keep", "drop"]
Symbols = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_once)]
Stocks = Annotated[tuple[Stock, ...], BeforeValidator(_split), AfterValidator(_stocks)]
Extras = Annotated[tuple[Extra, ...], BeforeValidator(_split), AfterValidator(_known)]


class Settings(BaseModel):
    """All settings. Field descriptions are the documentation: docs/settings.md is made from them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr | None = Field(None, description="Key of Financial Modeling Prep; needed for live data only.")
    base_url: str = Field(
        "https://financialmodelingprep.com/stable",
        pattern=ADDRESS,
        description="Root of the vendor's API: an address without a key, a name or a question in it.",
    )
    stocks: Stocks = Field(
        tuple(map(Stock, STOCKS.split())),
        description="Stocks, asked for at 15 minutes. The name of an index stands for its members.",
    )
    indexes: Symbols = Field(tuple(INDEXES.split()), description="Indexes, asked for at 5 minutes.")
    commodities: Symbols = Field(tuple(COMMODITIES.split()), description="Commodities, asked for at 5 minutes.")
    interval_minutes: Annotated[Literal[15], BeforeValidator(_number)] = Field(
        15, description="Length of an analytics bar in minutes."
    )
    auction_print: AuctionPolicy = Field(
        "fold",
        description="The closing auction, a bar that starts when the session closes: fold it into the session's last "
        "bar, keep it apart, or drop it.",
    )
    extra_indicators: Extras = Field(
        tuple(map(Extra, EXTRAS)),
        description="Indicators beyond the core, each with its columns; columns of those left out are null.",
    )
    indicator_dialect: Literal["standard", "talib"] = Field(
        "standard",
        description="Whose first values MACD, ADX, stochastic and OBV have: those of published sheets, or TA-Lib's.",
    )
    first_run_sessions: int = Field(
        30, ge=1, le=2_500, description="Sessions of intraday bars and yields that the first run fetches."
    )
    first_run_daily_sessions: int = Field(
        1_260, ge=1, le=12_600, description="Sessions of official daily bars that the first run fetches."
    )
    plan: Literal["", "free", "starter", "premium", "ultimate"] = Field(
        "",
        description="The vendor's plan: its calls a minute replace the careful pace. Empty, or where it says nothing "
        "of minutes: the pauses below are kept.",
    )
    calls_per_minute: int | None = Field(None, ge=1, le=100_000, description="Own limit in place of the plan's.")
    calls_per_day: int | None = Field(
        None, ge=1, le=100_000_000, description="Own limit of a New York day in place of the plan's."
    )
    bytes_per_30_days: int | None = Field(
        None, ge=1_000_000, le=10**15, description="Own limit of the trailing thirty days in place of the plan's."
    )
    pause_between_calls_seconds: float = Field(
        0.1, ge=0, le=60, description="Seconds from the start of one call to the start of the next."
    )
    batch_calls: int = Field(100, ge=1, le=10_000, description="Calls after which the longer pause is kept.")
    pause_between_batches_seconds: float = Field(1.0, ge=0, le=600, description="The longer pause, in seconds.")
    threads: int = Field(8, ge=1, le=64, description="Calls that may be under way at once.")
    timeout_seconds: float = Field(30.0, gt=0, le=600, description="Seconds that one call may take.")
    retry_attempts: int = Field(5, ge=1, le=20, description="Times a call is tried before it is given up.")
    retry_first_wait_seconds: float = Field(
        1.0, ge=0, le=60, description="Wait before the second try; it doubles from try to try, with jitter."
    )
    retry_longest_wait_seconds: float = Field(60.0, ge=0, le=3_600, description="The longest such wait.")
    feed_delay_seconds: float | None = Field(
        None,
        ge=0,
        le=86_400,
        description="Seconds after a bar's end at which the vendor has it. Empty: learned, feed by feed, from how late "
        "it was (docs/running.md), 60 until then.",
    )
    settle_delay_seconds: float = Field(
        60.0, ge=0, le=86_400, description="Seconds after that at which the vendor no longer changes it: it is final."
    )
    hole_recheck_minutes: float = Field(
        60.0,
        gt=0,
        le=100_000,
        description="Minutes after which a session that lacks bars is asked again, then doubled.",
    )
    hole_rechecks: int = Field(6, ge=0, le=20, description="Times that it is asked again by itself.")
    restricted_recheck_days: int = Field(
        7, ge=1, le=365, description="Days after which what the plan excluded is asked for again."
    )
    night_at: str = Field(
        "20:30", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="New York time at which a night's work begins."
    )
    revision_sessions: int = Field(
        5, ge=0, le=250, description="Newest sessions that are read again each night, in case the vendor changed them."
    )
    revision_sample: int = Field(
        50, ge=0, le=100_000, description="Windows of all history that a night reads again, the least recently read."
    )
    compress_after_days: int = Field(
        90, ge=0, le=36_500, description="Days after which landed files are compressed (docs/backup.md). 0: never."
    )
    closures_file: str = Field(
        "",
        description="File of closures and halts that the calendars do not know; empty: closures.toml in the home, if "
        "there is one. See docs/coverage.md.",
    )
    warehouse_url: str = Field(
        "",
        pattern=rf"^(duckdb:///.+|mysql://[^/?#]+(/({DATABASE})?)?(\?ca=[^&#]+)?)?$",
        description="Where the warehouse is; empty: warehouse.duckdb in the home. `mysql://USER:PASSWORD@HOST:PORT/` "
        "for a server, see docs/mysql.md; its databases are named after the path, `openingbell` when there is none.",
    )
    raw_database: str = Field(
        "", pattern=rf"^({DATABASE})?$", description="Database of raw tables on a server; empty: openingbell_raw."
    )
    analytics_database: str = Field(
        "", pattern=rf"^({DATABASE})?$", description="That of analytics tables; empty: openingbell_analytics."
    )
    operations_database: str = Field(
        "", pattern=rf"^({DATABASE})?$", description="That of operations tables; empty: openingbell_operations."
    )
    raw_partitions_by_year: bool = Field(
        default=False, description="Whether raw tables that are made on a server have a partition for each year."
    )
    warehouse_wait_seconds: float = Field(
        10.0,
        ge=0,
        le=3_600,
        description="Seconds to wait for a warehouse that another process holds, or a server that is not there.",
    )
    warehouse_memory_mb: int = Field(
        2_048, ge=128, le=1_000_000, description="Memory that the embedded warehouse may use, in megabytes."
    )
    rows_per_transaction: int = Field(
        1_000_000,
        ge=1,
        description="Rows of landed files that are loaded at a time, in one transaction or in several side by side; "
        "at the least one file each.",
    )
    quality_sessions: int = Field(
        30, ge=1, le=12_600, description="Newest sessions that a quality run checks when no range is given."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe events that are logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="How the terminal shows them; auto: warnings only. The log file has them all, as JSON."
    )

    _learned: Mapping[str, float] = PrivateAttr(default_factory=dict)
    """The vendor's delay as it was learned, seconds by name of feed. No setting: nobody writes it into a file."""

    @property
    def constituents(self) -> tuple[str, ...]:
        """The indexes among `stocks`, whose members are wanted."""
        return tuple(name for name in self.stocks if name in CONSTITUENTS)

    @property
    def named_stocks(self) -> tuple[str, ...]:
        """The stocks that are named one by one."""
        return tuple(name for name in self.stocks if name not in CONSTITUENTS)

    @property
    def limits(self) -> Plan | None:
        """What may be asked; None while no plan is set."""
        return plan_of(
            self.plan,
            calls_per_minute=self.calls_per_minute,
            calls_per_day=self.calls_per_day,
            bytes_per_30_days=self.bytes_per_30_days,
        )

    @property
    def calls_of_a_minute(self) -> int | None:
        """Calls that the plan allows in a minute; None where no plan says so: then the careful pace holds."""
        return self.limits.calls_per_minute if self.limits else None

    @property
    def seconds_between_calls(self) -> float:
        """From the start of one call to the start of the next, a hair more than the limit asks for, because calls may
        reach the vendor closer together than they were sent.
        """
        limit = self.calls_of_a_minute
        return 60 / limit * HAIR if limit else self.pause_between_calls_seconds

    @property
    def seconds_between_batches(self) -> float:
        """The longer pause after `batch_calls` calls; 0 where a plan sets the pace."""
        return 0.0 if self.calls_of_a_minute else self.pause_between_batches_seconds

    @property
    def paced_calls_per_minute(self) -> float:
        """Calls that the pace allows in a minute."""
        seconds = self.batch_calls * self.seconds_between_calls + self.seconds_between_batches
        return 60 * self.batch_calls / seconds if seconds else UNPACED_CALLS_PER_MINUTE

    @property
    def workers(self) -> int:
        """Calls that may be under way at once: `threads`, or as many as a plan's pace needs when that was not set."""
        if self.limits is None or "threads" in self.model_fields_set:
            return self.threads
        return max(self.threads, ceil(self.paced_calls_per_minute / 60 * SLOWEST_USUAL_ANSWER_SECONDS))

    def knowing(self, learned: Mapping[str, float]) -> Settings:
        """The same settings with the vendor's delays as they were learned: seconds by name of feed."""
        settings = self.model_copy()
        settings._learned = dict(learned)
        return settings

    def feed_delay(self, feed: Feed) -> float:
        """Seconds after a bar's end at which the vendor has it: as it is set, else as it was learned."""
        if self.feed_delay_seconds is not None:
            return self.feed_delay_seconds
        return self._learned.get(feed.name, FEED_DELAY_SECONDS)

    def final_delay(self, feed: Feed) -> timedelta:
        """How long after a bar's end an answer must have been received for the bar to be final."""
        return feed.final_after + timedelta(seconds=self.feed_delay(feed) + self.settle_delay_seconds)


def allowed(field: FieldInfo) -> str:
    """The values that a setting may have, in words: its choices, or its kind and its bounds."""
    choices = [value for value in get_args(field.annotation) if isinstance(value, str | int)]
    if choices:
        return ", ".join(f"`{value}`" for value in choices)
    kind = KINDS.get(field.annotation, "text")
    return ", ".join([kind, *(text for text in map(_bound, field.metadata) if text)])


def _bound(rule: object) -> str:
    match rule:
        case annotated_types.Ge(bound):
            return f"≥ {bound:,}"
        case annotated_types.Gt(bound):
            return f"> {bound:,}"
        case annotated_types.Le(bound):
            return f"≤ {bound:,}"
    pattern = getattr(rule, "pattern", None)
    return f"matches `{pattern}`" if pattern else ""
