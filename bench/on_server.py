"""The warehouse on a server, beside what the server does by itself with the same rows.

    load        landed CSV into raw tables, every row typed and compared with its versions
    bare load   LOAD DATA LOCAL INFILE of the rows that came of it, out of a file that holds them as they will lie,
                into tables of the same making, over one connection, one statement a table
    to_sql      pandas reads the same CSV and writes the same rows by to_sql into tables of the same making; a tenth of
                the symbols, counted tenfold
    to_sql bare what it says of the CSV as it is, into tables that it makes: without keys, and without what says where
                a row comes from
    by row      an INSERT and a commit each, into a table of the same making; some of the rows, counted for all
    transform   what was loaded into analytics tables that are empty
    bare write  LOAD DATA LOCAL INFILE of the rows that came of it, as above
    read        a year of one symbol's bars as a Polars frame, by the warehouse and by bare connectorx

Wanted at S: a load at least 60 % as fast as the bare one, to_sql of the same rows at least 8 × it, rows one by one at
least 50 × it; a transform within 1.3 × the bare write; a read within 1.5 × connectorx. The server is whatever the URL
names; its user may make databases, and those whose names begin with bench_ are made anew.

    python bench/on_server.py mysql://root@127.0.0.1:3306/ [--size S] [--repeats 3] [--without-pandas]
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pymysql
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import Market, market
from bench.measure import Run, Runs, timed
from bench.ours import Ours
from bench.sizes import LAST, NOW, Size, size_of
from openingbell import sessions, tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.feeds import EOD, STOCKS
from openingbell.tables import ANALYTICS, RAW, Table
from openingbell.warehouse.connect import address_of, connect, databases_of
from openingbell.warehouse.mysql import statements
from openingbell.warehouse.protocol import Warehouse
from openingbell.warehouse.sql import name_of

LOADED = (tables.STOCK_RAW, tables.EOD_RAW)
WRITTEN = tuple(table for table in tables.TABLES if table.layer == ANALYTICS)
TOGETHER = 50
"""Symbols whose rows are held at once."""
OF_LOAD = {"load", "bare load", "to_sql", "to_sql bare", "by row"}
AS_LINES: dict[str, Any] = {
    "include_header": False,
    "separator": "\t",
    "null_value": "\\N",
    "quote_style": "never",
    "datetime_format": "%Y-%m-%d %H:%M:%S%.6f",
}
BY_ROW = 2_000
CHUNK = 50_000
YEAR = 252
TENTH = 10


def settings_at(url: str, name: str) -> Settings:
    """The settings of a warehouse of the benchmark on this server."""
    return Settings.model_validate({"warehouse_url": f"{url.rstrip('/')}/bench_{name}"})


def on_server(url: str, name: str) -> Warehouse:
    """A warehouse of the benchmark; nothing is opened yet."""
    return connect(settings_at(url, name), Path(), VirtualClock(NOW))


class Bare:
    """Tables of the same making as a warehouse's, and files with the rows that it holds."""

    def __init__(self, url: str, folder: Path) -> None:
        self._settings = settings_at(url, "bare")
        self._folder = folder
        self._rows: dict[Table, int] = {}
        warehouse = on_server(url, "bare")
        warehouse.delete()
        warehouse.setup()
        address = address_of(self._settings)
        self._connection = pymysql.connect(
            host=address.host, port=address.port, user=address.user, password=address.password, charset="utf8mb4",
            local_infile=True, autocommit=True,
        )  # fmt: skip
        for statement in statements.session(lock_seconds=60):
            self._run(statement)

    def keep(self, warehouse: Warehouse, of: Iterable[Table], symbols: list[str]) -> None:
        """Write the rows of tables into files, in the order in which they will lie."""
        groups = [symbols[place : place + TOGETHER] for place in range(0, len(symbols), TOGETHER)]
        with warehouse.read() as reader:
            for table in of:
                self._rows[table] = reader.count(table)
                with self._file(table).open("wb") as file:
                    for group in groups if "symbol" in table.names else [None]:
                        rows = reader.read(table, symbols=group).sort(statements.primary_key(table))
                        text = rows.with_columns(cs.boolean().cast(pl.Int8)).write_csv(**AS_LINES)
                        file.write(text.encode())

    def load(self, of: Iterable[Table]) -> Run:
        """Fill tables, which are empty, out of their files."""
        of = [table for table in of if self._rows[table]]
        for table in of:
            self._run(f"TRUNCATE TABLE {self._target(table)}")

        def fill() -> None:
            for table in of:
                statement = statements.load(self._target(table), map(name_of, table.names))
                taken = self._run(statement.replace("'rows'", f"'{self._file(table).as_posix()}'"))
                if taken != self._rows[table]:
                    raise RuntimeError(f"asked to load {self._rows[table]:,} rows of {table.name}; {taken:,} went in")

        return timed(fill)

    def by_row(self, rows: int) -> Run:
        """Insert rows one by one, each with its commit; a run of all of them, reckoned from some."""
        table = tables.STOCK_RAW
        target = self._target(table)
        self._run(f"TRUNCATE TABLE {target}")
        with self._file(table).open(encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in islice(file, BY_ROW)]
        texts = [", ".join("NULL" if field == "\\N" else f"'{field}'" for field in fields) for fields in lines]
        begin = statements.insert(target, table.names)

        def insert() -> None:
            for text in texts:
                self._run(f"{begin}({text})")

        run = timed(insert)
        return Run(run.seconds * rows / len(texts))

    def _run(self, statement: str) -> int:
        return int(self._connection.query(statement))

    def _target(self, table: Table) -> str:
        return databases_of(self._settings).dialect.table(table)

    def _file(self, table: Table) -> Path:
        return self._folder / f"{table.name}.tsv"


class Served:
    """A market on the disk, a warehouse of ours on the server, and the ways that are compared."""

    def __init__(self, made: Market, url: str, folder: Path) -> None:
        self._made, self._url = made, url
        self._ours = Ours(made.extracts, on_server(url, "ours"), made.size.universe)
        self._bare = Bare(url, folder)
        self.load()
        self.transform()
        self._bare.keep(self._ours.warehouse, (*LOADED, *WRITTEN), made.size.names)

    @property
    def rows(self) -> int:
        """Raw rows."""
        return self._made.size.bars + self._made.size.symbols * self._made.size.sessions

    def load(self) -> Run:
        """Landed CSV into a new warehouse."""
        self._ours.warehouse.delete()
        self._ours.warehouse.setup()
        return timed(self._ours.load)

    def transform(self) -> Run:
        """What was just loaded into analytics tables."""
        return timed(self._ours.transform)

    def bare_load(self) -> Run:
        """The rows of the load."""
        return self._bare.load(LOADED)

    def bare_write(self) -> Run:
        """The rows of the transform."""
        return self._bare.load(WRITTEN)

    def by_row(self) -> Run:
        """The rows of the load one by one."""
        return self._bare.by_row(self.rows)

    def read(self) -> Run:
        """A year of one symbol, by the warehouse."""
        return timed(self.year)

    def read_bare(self) -> Run:
        """The same by connectorx."""
        return timed(self.bare_year)

    def year(self) -> pl.DataFrame:
        """A year of one symbol: the bars of `stock_data`."""
        with self._ours.warehouse.read() as reader:
            return reader.read(tables.STOCK, symbols=[self._made.size.names[-1]], first=self._begin, last=LAST)

    def bare_year(self) -> pl.DataFrame:
        """What `year` gives, by connectorx."""
        import connectorx  # noqa: PLC0415  only this way needs it

        columns = ", ".join(f"`{name}`" for name in tables.STOCK.names)
        target = databases_of(settings_at(self._url, "ours")).dialect.table(tables.STOCK)
        query = (
            f"SELECT {columns} FROM {target} WHERE symbol = '{self._made.size.names[-1]}' AND date >= '{self._begin}' "
            f"AND date < '{LAST}' + INTERVAL 1 DAY"
        )
        found: pl.DataFrame = connectorx.read_sql(self._url, query, return_type="polars")
        return found

    @property
    def _begin(self) -> date:
        return sessions.sessions_before(STOCKS.calendar, LAST, min(YEAR, self._made.size.sessions))


def to_sql(tenth: Market, url: str, factor: float, *, bare: bool) -> Run:
    """What pandas needs from the same CSV to rows on the server, reckoned from a tenth.

    Args:
        tenth: a market with fewer symbols.
        url: the server.
        factor: how many times as many symbols are meant.
        bare: whether it writes the columns of the CSV into tables that it makes, instead of raw rows into raw tables.
    """
    import pandas as pd  # noqa: PLC0415  only this way needs it
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    database = databases_of(settings_at(url, "bare")).names[RAW]
    engine = create_engine(f"mysql+pymysql://{url.removeprefix('mysql://').rstrip('/')}/{database}")

    def write() -> None:
        for feed in (STOCKS, EOD):
            table = tables.BY_NAME[feed.raw_table]
            parts = []
            basis = tenth.size.universe.of(feed)[0].basis
            for path in sorted((tenth.extracts / feed.name).glob("*.csv")):
                rows = pd.read_csv(path, parse_dates=["date"])
                if not bare:
                    answered = pd.to_datetime(rows.pop("answered_at"), format="ISO8601", utc=True)
                    facts = {"load_id": path.stem, "source_row": range(1, len(rows) + 1), "basis": basis}
                    facts |= {"bar_interval": feed.bar_interval, "asset_class": STOCKS.asset_class}
                    rows = rows.assign(extracted_at=answered.dt.tz_localize(None), **facts)
                    rows = rows[[name for name in table.names if name in rows]]
                parts.append(rows)
            target, found = (f"pandas_{feed.name}", "replace") if bare else (table.name, "append")
            pd.concat(parts).to_sql(target, engine, index=False, if_exists=found, chunksize=CHUNK)

    with engine.begin() as connection:
        for table in LOADED:
            connection.execute(text(f"TRUNCATE TABLE {table.name}"))
    run = timed(write)
    engine.dispose()
    return Run(run.seconds * factor)


def main() -> None:
    """Measure all ways at one size and say what their ratios are."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("url", help="the server, as mysql://USER:PASSWORD@HOST:PORT/")
    arguments.add_argument("--size", type=size_of, default=size_of("S"), help="how much")
    arguments.add_argument("--without-pandas", action="store_true", help="leave out to_sql and rows one by one")
    arguments.set_defaults(repeats=3)
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    made = market(asked.size, asked.cache)
    with tempfile.TemporaryDirectory(dir=asked.cache) as folder:
        served = Served(made, asked.url, Path(folder))
        ways: dict[str, Callable[[], Run]] = {
            "load": served.load,
            "bare load": served.bare_load,
            "transform": served.transform,
            "bare write": served.bare_write,
        }
        if not asked.without_pandas:
            tenth = market(Size("", max(made.size.symbols // TENTH, 1), made.size.sessions), asked.cache)
            factor = made.size.symbols / tenth.size.symbols
            ways |= {
                "to_sql": lambda: to_sql(tenth, asked.url, factor, bare=False),
                "to_sql bare": lambda: to_sql(tenth, asked.url, factor, bare=True),
                "by row": served.by_row,
            }
        runs = measure.interleaved(ways, asked.repeats)
        reads = {"read": served.read, "connectorx": served.read_bare}
        runs |= measure.interleaved(reads, asked.repeats * TENTH)  # they are short
    _show(made, served, runs)


def _show(made: Market, served: Served, runs: dict[str, Runs]) -> None:
    rows = [("way", "seconds", "k rows/s")]
    for name, way in runs.items():
        rate = f"{served.rows / way.seconds / 1000:,.0f}" if name in OF_LOAD else ""
        rows.append((name, f"{way.seconds:.3f}", rate))
    measure.show(f"on a server, {made.size.name}: {made.size.bars:,} bars", rows)
    seconds = {name: way.seconds for name, way in runs.items()}
    measure.verdict("bare load / load", seconds["bare load"] / seconds["load"], at_least=0.6)
    if "to_sql" in seconds:
        measure.verdict("to_sql / load", seconds["to_sql"] / seconds["load"], at_least=8)
        print(f"  to_sql bare / load: {seconds['to_sql bare'] / seconds['load']:.2f}")
        measure.verdict("by row / load", seconds["by row"] / seconds["load"], at_least=50)
    measure.verdict("transform / bare write", seconds["transform"] / seconds["bare write"], at_most=1.3)
    measure.verdict("read / connectorx", seconds["read"] / seconds["connectorx"], at_most=1.5)


if __name__ == "__main__":
    main()
