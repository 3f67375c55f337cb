"""The figures of a report: reads what the period needs through the warehouse's protocol, and puts together what
`market` and `health` make of it. How they look is left to `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openingbell import tables
from openingbell.reporting import health, market
from openingbell.reporting.period import Period
from openingbell.sessions import session_of
from openingbell.tables import Table
from openingbell.warehouse.protocol import Reader

COUNTED = tuple(table for table in tables.of_layers(tables.RAW, tables.ANALYTICS) if table.is_dated)
BARS = (tables.STOCK, tables.INDEX, tables.COMMODITY, tables.DAILY_BARS)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Figures:
    """Everything that a report says. `days` are the trading days with a bar, oldest first."""

    period: Period
    days: tuple[date, ...]
    as_of: health.AsOf
    indexes: tuple[market.Performance, ...]
    volatility: market.Performance | None
    commodities: tuple[market.Performance, ...]
    breadth: tuple[market.Breadth, ...]
    movers: market.Movers
    curve: market.YieldCurve | None
    scores: tuple[health.TableScore, ...]
    lowest_rows: tuple[health.LowRow, ...]
    flags: tuple[health.Flag, ...]
    findings: health.Findings
    coverage: tuple[health.Coverage, ...]
    pipeline: health.Pipeline
    tables: tuple[health.TableRows, ...]

    @property
    def rows(self) -> int:
        """Rows of the raw and analytics tables in the period."""
        return sum(table.rows for table in self.tables)


def figures(reader: Reader, period: Period) -> Figures:
    """The figures of `period`, all from one consistent state."""
    first, last = period.first, period.last
    rows = {table: _in_period(reader, table, period) for table in COUNTED}
    daily = reader.read(tables.DAILY_BARS, first=first - market.LOOK_BACK, last=last)
    of_class = {name: daily.filter(pl.col("asset_class") == name) for name in ("stock", "index", "commodity")}
    jobs = reader.read(tables.JOB_LOG)
    raw = [frame for table, frame in rows.items() if table.layer == tables.RAW]
    return Figures(
        period=period,
        days=_days(rows),
        as_of=health.as_of(raw, reader.read(tables.LOADS)),
        indexes=market.indexes(of_class["index"], period),
        volatility=market.volatility(of_class["index"], period),
        commodities=market.performances(of_class["commodity"], period),
        breadth=market.breadth(rows[tables.DAILY_AGGREGATES]),
        movers=market.movers(market.performances(of_class["stock"], period)),
        curve=market.yield_curve(reader.read(tables.BOND, first=first - market.LOOK_BACK, last=last), period),
        scores=health.scores(rows),
        lowest_rows=health.lowest_rows(rows),
        flags=health.flags(rows),
        findings=health.findings(reader.read(tables.QUALITY_LOG), jobs, period),
        coverage=health.coverage(reader.read(tables.COVERAGE, first=first, last=last)),
        pipeline=health.pipeline(jobs, period),
        tables=health.row_counts(rows),
    )


def _in_period(reader: Reader, table: Table, period: Period) -> pl.DataFrame:
    """The rows of `table` that belong to the trading days of `period`."""
    rows = reader.read(table, first=period.first - ONE_DAY, last=period.last)
    return rows.filter(session_of(table).is_between(period.first, period.last))


def _days(rows: dict[Table, pl.DataFrame]) -> tuple[date, ...]:
    found = pl.concat(rows[table].select(day=session_of(table)) for table in BARS)
    return tuple(found["day"].unique().sort().to_list())
