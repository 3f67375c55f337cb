"""A warehouse that tests fill by hand: raw rows and their loads go straight in, and the stage makes the rest."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from openingbell import feeds, tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.feeds import BAR_FIELDS, COMMODITIES, INDEXES, STOCKS, TENORS, Feed, Kind
from openingbell.load import spans
from openingbell.sessions import grid
from openingbell.tables import ANALYTICS, TABLES, Table
from openingbell.transform import stage as transformation
from openingbell.transform.stage import Transformed
from openingbell.universe import Universe, from_symbols
from openingbell.versions import new_versions
from openingbell.warehouse.duckdb import DuckDBWarehouse

UNIVERSE: Universe = from_symbols(["AAA", "BBB"], ["^GSPC", "^VIX"], ["GCUSD", "CLUSD"])
INTERVALS = {"^VIX": "15min", "GCUSD": "15min"}
"""Where it is not the feed's own."""
WHOLE = ("00", "05", "10")
"""Minutes of the three shorter bars of which one of fifteen minutes is made."""
ANALYTICS_TABLES = tuple(table for table in TABLES if table.layer == ANALYTICS)
DERIVED = 1e-9
"""Relative tolerance of floats that are computed; all else is equal to the last bit."""
EXACT = ("open", "high", "low", "close", "volume", "obv", "split_factor", "price_change", "source_row", "return_pct")

Values = tuple[float | None, ...]
Row = tuple[datetime, Values]


def feed_of(symbol: str) -> Feed:
    """The intraday feed of a symbol, by its looks."""
    return INDEXES if symbol.startswith("^") else COMMODITIES if symbol.endswith("USD") else STOCKS


def interval_of(symbol: str) -> str:
    """The length of a symbol's raw bars."""
    return INTERVALS.get(symbol, feed_of(symbol).bar_interval)


def calendar(symbol: str) -> str:
    """Where a symbol trades."""
    return feeds.calendar_of(feed_of(symbol).asset_class, symbol)


def slots(symbol: str, first: date, last: date, interval: str | None = None) -> list[datetime]:
    """The starts of a full record."""
    starts: list[datetime] = grid(calendar(symbol), interval or interval_of(symbol), first, last)["date"].to_list()
    return starts


@dataclass(frozen=True)
class Answer:
    """One landed file: the rows of one symbol, the curves or the actions of one answer, received at `moment` (UTC)."""

    feed: Feed
    symbol: str
    moment: datetime
    rows: tuple[Row, ...]
    basis: str = "vendor"
    interval: str = ""

    @property
    def load_id(self) -> str:
        """Rises with time."""
        return f"{self.moment:%Y%m%dT%H%M%S}-{self.feed.name}-{self.symbol}"

    def typed(self) -> pl.DataFrame:
        """Its rows as the raw table has them."""
        table = tables.BY_NAME[self.feed.raw_table]
        names = {Kind.RATES: TENORS, Kind.ACTIONS: ("numerator", "denominator", "amount")}.get(
            self.feed.kind, BAR_FIELDS
        )
        is_moment = self.feed.kind is Kind.INTRADAY
        facts = {
            "load_id": self.load_id,
            "symbol": self.symbol,
            "asset_class": feed_of(self.symbol).asset_class,
            "bar_interval": self.interval or interval_of(self.symbol),
            "kind": self.feed.name.removesuffix("_calendar").removesuffix("s"),
            "basis": self.basis,
            "extracted_at": self.moment,
        }
        rows = [
            {
                **facts,
                "source_row": number,
                table.order: start if is_moment else start.date(),
                **dict(zip(names, values, strict=True)),
            }
            for number, (start, values) in enumerate(self.rows, 1)
        ]
        return pl.DataFrame([[row[n] for n in table.names] for row in rows], schema=table.schema, orient="row")


def bars(symbol: str, rows: Mapping[str, Values], *, number: int = 0, feed: Feed | None = None) -> Answer:
    """A file of rows at these starts, received as the `number`-th, years later."""
    moment = datetime(2024, 1, 1) + timedelta(hours=number)
    return Answer(
        feed or feed_of(symbol), symbol, moment, tuple((datetime.fromisoformat(s), v) for s, v in rows.items())
    )


class Home:
    """A warehouse, and what was loaded into it."""

    def __init__(self, folder: Path, universe: Universe = UNIVERSE, settings: Settings | None = None) -> None:
        self.universe = universe
        self.settings = settings or Settings()
        self.clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", clock=self.clock, wait_seconds=1)
        self.warehouse.setup()
        self._answers: dict[str, list[Answer]] = {}

    def load(self, *answers: Answer) -> None:
        """Append what the answers say that is new, as loading does: files that came too early are looked at again."""
        with self.warehouse.write() as writer:
            for name in dict.fromkeys(answer.feed.raw_table for answer in answers):
                table = tables.BY_NAME[name]
                of_table = self._answers.setdefault(name, [])
                known = {answer.load_id: answer for answer in of_table}
                of_table += [answer for answer in answers if answer.feed.raw_table == name]
                incoming = pl.concat([answer.typed() for answer in of_table])
                fresh = new_versions(incoming, writer.read(table), table)
                writer.append(table, fresh)
                spans.note(spans.brought(fresh, table), writer, again=True)
                counts = dict(fresh.group_by("load_id").len().iter_rows())
                touched = [a for a in of_table if a.load_id not in known or a.load_id in counts]
                writer.replace(tables.LOADS, pl.concat([_loads_row(a, counts.get(a.load_id, 0)) for a in touched]))

    def transform(self) -> Transformed:
        """Run the stage."""
        return transformation.run(self.warehouse, self.universe, self.clock, self.settings)

    def take(self, *answers: Answer) -> Transformed:
        """Load and transform."""
        self.load(*answers)
        return self.transform()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every analytics table, sorted by its key."""
        with self.warehouse.read() as reader:
            return {table.name: reader.read(table).sort(table.key) for table in ANALYTICS_TABLES}

    def rows(self, table: Table, *columns: str) -> list[tuple[object, ...]]:
        """Some columns of a table, sorted by its key."""
        with self.warehouse.read() as reader:
            return reader.read(table).sort(table.key).select(columns).rows()


def _loads_row(answer: Answer, new: int) -> pl.DataFrame:
    counts = {"rows": len(answer.rows), "rows_new": new, "rows_same": len(answer.rows) - new}
    zeros = dict.fromkeys(("rows_repeated", "rows_forming", "rows_quarantined"), 0)
    row = {
        "load_id": answer.load_id, "feed": answer.feed.name, "sha256": "", "extracted_at": answer.moment, **counts,
        **zeros, "loaded_at": answer.moment, "transformed_at": None,
    }  # fmt: skip
    return pl.DataFrame([row], schema=tables.LOADS.schema)


def require_unique_keys(found: Mapping[str, pl.DataFrame]) -> None:
    """There are no primary keys: uniqueness is ours to keep."""
    for table in ANALYTICS_TABLES:
        assert not found[table.name].select(pl.struct(table.key).is_duplicated().any()).item(), table.name


def require_equal(
    found: Mapping[str, pl.DataFrame], wanted: Mapping[str, pl.DataFrame], *, without: Sequence[str] = ()
) -> None:
    """Two warehouses say the same: keys, prices and counts exactly, derived floats within rounding."""
    for name, frame in wanted.items():
        columns = [column for column in frame.columns if column not in without]
        inexact = [c for c in columns if frame.schema[c] == pl.Float64 and c not in EXACT]
        exact = [column for column in columns if column not in inexact]
        assert_frame_equal(found[name].select(exact), frame.select(exact), check_exact=True)
        assert_frame_equal(found[name].select(columns), frame.select(columns), rel_tol=DERIVED, abs_tol=1e-9)


def sound(price: float, volume: float = 100.0) -> Values:
    """A bar around a price."""
    return price, price + 1, price - 1, price, volume


def bad(price: float) -> Values:
    """Its high lies below its low."""
    return price, price - 1, price + 1, price, 100.0


def flat(chance: random.Random, price: float) -> Values:
    """A bar that opens at a price."""
    closed = price * (1 + chance.uniform(-0.009, 0.009))
    return price, price * 1.01, price * 0.99, closed, float(chance.randrange(9_999))


def walk(chance: random.Random, starts: Iterable[datetime], price: float) -> list[Row]:
    """Sound bars of a price that walks."""
    rows = []
    for start in starts:
        price *= 1 + chance.gauss(0, 0.01)
        rows.append((start, flat(chance, price)))
    return rows
