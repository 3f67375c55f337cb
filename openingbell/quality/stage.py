"""The stage: checks that need a whole set, the coverage table, and the log of what every check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from openingbell import coverage, sessions, tables
from openingbell.config import Settings
from openingbell.feeds import BAR_FEEDS, BY_ASSET_CLASS, EOD, FEEDS
from openingbell.landing import Record
from openingbell.landing.record import FILES
from openingbell.quality import findings, seams
from openingbell.quality.checks import CHECKS
from openingbell.tables import Table
from openingbell.universe import Universe
from openingbell.warehouse.protocol import Reader, Warehouse, Writer
from openingbell.warehouse.transact import transact

FLAGGED_TABLES: tuple[Table, ...] = (tables.STOCK, tables.INDEX, tables.COMMODITY, tables.BOND, tables.DAILY_BARS)
FEEDS_BY_TABLE: dict[str, list[str]] = {
    table: [feed.name for feed in FEEDS if feed.raw_table == table]
    for table in dict.fromkeys(f.raw_table for f in FEEDS)
}
FOUND_ELSEWHERE = ("V1", "K1", "F1")
"""Checks that leave no flag on a row: their rows never reach a table, or they are about files."""
OF_SETS: tuple[tuple[str, str], ...] = (
    ("P8", tables.STOCK.name),
    ("P8", tables.DAILY_BARS.name),
    ("A1", tables.CORPORATE_ACTIONS.name),
)
"""Checks that need more than a row, and the tables on which they are made."""
LOOK_BACK = timedelta(days=35)
"""How far before the first session that is checked the sessions before it are read."""


@dataclass(frozen=True)
class Checked:
    """What the stage found in the sessions `first` to `last`, as things stood at `now`; `holes` are those of all."""

    now: datetime
    first: date
    last: date
    sessions_checked: int
    holes: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Findings of severity error."""
        return self.findings.get("FAIL", 0)


def run(
    warehouse: Warehouse,
    universe: Universe,
    record: Record,
    now: datetime,
    settings: Settings,
    *,
    run_id: str,
    damaged: pl.DataFrame | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Checked:
    """Check the sessions from `first` to `last`, refresh `coverage`, and log what was found.

    By default the newest `quality_sessions` are checked, in the first run of a warehouse all that it holds.

    Args:
        warehouse: what is checked, and where the findings go.
        universe: what is wanted.
        record: everything that has landed.
        now: the moment of the run, UTC.
        settings: for delays and the default span.
        run_id: names the run in the log.
        damaged: the files of it that are no longer as they landed.
        first: first session; None for the default.
        last: last session; None for the newest.
    """
    warehouse.setup()
    newest = sessions.latest_session("XNYS", now)
    last = last or newest
    recent = sessions.sessions_before("XNYS", last, settings.quality_sessions)

    def check(writer: Writer) -> Checked:
        writer.remove(tables.QUALITY_LOG, pl.DataFrame({"run_id": [run_id]}))  # of a try whose answer was lost
        loads = writer.read(tables.LOADS)
        covered = _refresh(writer, universe, record, loads, now, settings, first or recent)
        begin = first or recent
        if first is None and writer.count(tables.QUALITY_LOG) == 0:
            begin = min([recent, *covered["session"]])
        span = covered.filter(pl.col("session").is_between(begin, last))
        states = writer.read(tables.COVERAGE, columns=["state"])
        found = pl.concat(
            [
                *_row_findings(writer, begin, last),
                *_load_findings(loads, begin),
                *_damage(damaged),
                *_seams(writer, begin, last),
                _holes(span),
            ]
        )
        log = pl.concat([found, findings.passes(found, _all_checks(), last)])
        writer.append(tables.QUALITY_LOG, log.with_columns(run_id=pl.lit(run_id)))
        return Checked(
            now=now,
            first=begin,
            last=last,
            sessions_checked=len(span),
            holes=_counts(states.filter(pl.col("state") != "complete"), "state"),
            findings=_counts(found, "status"),
        )

    return transact(warehouse, check)


def _refresh(
    writer: Writer,
    universe: Universe,
    record: Record,
    loads: pl.DataFrame,
    now: datetime,
    settings: Settings,
    first: date,
) -> pl.DataFrame:
    """Make the table `coverage` anew from the first session that may have changed on, at the latest from `first`; gives
    the rows made. Years of ten thousand symbols are not folded for every quarter of an hour.
    """
    known = writer.read(tables.COVERAGE, columns=[*tables.COVERAGE.key, "state", "last_asked_at"])
    seen_until = known["last_asked_at"].dt.replace_time_zone("UTC").max()
    is_news = pl.lit(value=True) if seen_until is None else pl.col("answered_at") > seen_until
    changed = [
        record.asks.filter(is_news)["covered_first"].min(),
        known.filter(pl.col("state") == "pending")["session"].min(),
        *([] if len(known) and _same_members(known, universe) else [date.min]),
    ]
    begin = min([first, *(day for day in changed if isinstance(day, date))])
    covered = coverage.fold(
        universe,
        record,
        loads["load_id"].to_list(),
        now,
        settings,
        first=begin,
        quarantined=coverage.quarantined_by_session(writer.read(tables.QUARANTINE)),
    )
    gone = known.filter(pl.col("session") >= begin) if begin > date.min else known
    writer.remove(tables.COVERAGE, gone.select(tables.COVERAGE.key))
    writer.append(tables.COVERAGE, covered)
    return covered


def _same_members(known: pl.DataFrame, universe: Universe) -> bool:
    """Whether the table has rows of the members that are wanted, and of no others."""
    wanted = {(m.asset_class, m.symbol, m.bar_interval) for m in universe.members if m.feed.has_grid}
    return set(known.select("asset_class", "symbol", "bar_interval").unique().iter_rows()) == wanted


def _row_findings(reader: Reader, first: date, last: date) -> list[pl.DataFrame]:
    found = []
    for table in FLAGGED_TABLES:
        rows = reader.read(table, first=first - timedelta(days=1), last=last)  # a session may open the evening before
        session = pl.col("session") if "session" in table.names else pl.col("date").alias("session")
        symbol = pl.col("symbol") if "symbol" in table.names else pl.lit("").alias("symbol")
        of_span = rows.select(session, symbol, "dq_flags").filter(pl.col("session").is_between(first, last))
        found.append(findings.flagged(table.name, of_span))
    return found


def _seams(reader: Reader, first: date, last: date) -> list[pl.DataFrame]:
    actions = reader.read(tables.CORPORATE_ACTIONS)
    columns = ("symbol", "date", "open", "close", "volume", "dq_flags")
    bars = reader.read(tables.STOCK, columns=(*columns, "session"), first=first - LOOK_BACK, last=last)
    days = reader.read(tables.DAILY_BARS, columns=(*columns, "asset_class"), first=first - LOOK_BACK, last=last)
    stocks = days.filter(pl.col("asset_class") == "stock").with_columns(session="date")
    found = [
        seams.gaps(tables.STOCK.name, bars, actions),
        seams.gaps(tables.DAILY_BARS.name, stocks, actions),
        seams.useless_actions(actions),
    ]
    return [one.filter(pl.col("date").is_between(first, last)) for one in found]


def _load_findings(loads: pl.DataFrame, first: date) -> list[pl.DataFrame]:
    """By day of extraction: what was quarantined or repeated has no session that could be relied on."""
    recent = loads.with_columns(date=pl.col("extracted_at").cast(pl.Date)).filter(pl.col("date") >= first)
    return [
        findings.counted(
            check,
            table,
            recent.filter(pl.col("feed").is_in(names)).group_by("date").agg(affected_rows=pl.col(column).sum()),
        )
        for check, column in (("V1", "rows_quarantined"), ("K1", "rows_repeated"))
        for table, names in FEEDS_BY_TABLE.items()
    ]


def _damage(damaged: pl.DataFrame | None) -> list[pl.DataFrame]:
    """By day of extraction, of all files: a damaged one is damaged whatever span is checked."""
    files = FILES.to_frame() if damaged is None else damaged
    lost = files.select("feed", pl.col("extracted_at").dt.date().alias("date"))
    return [
        findings.counted(
            "F1",
            table,
            lost.filter(pl.col("feed").is_in(names)).group_by("date").agg(affected_rows=pl.len().cast(pl.Int64)),
        )
        for table, names in FEEDS_BY_TABLE.items()
    ]


def _holes(covered: pl.DataFrame) -> pl.DataFrame:
    raw_tables = {(asset_class, feed.bar_interval): feed.raw_table for asset_class, feed in BY_ASSET_CLASS.items()}
    daily = {(name, EOD.bar_interval): EOD.raw_table for name in ("stock", "index", "commodity")}
    other = {
        (str(row["asset_class"]), str(row["bar_interval"])): BY_ASSET_CLASS[row["asset_class"]].raw_table
        for row in covered.select("asset_class", "bar_interval").unique().iter_rows(named=True)
    }
    return findings.missing_bars(covered, other | raw_tables | daily)


def _all_checks() -> list[tuple[str, str]]:
    elsewhere = {*FOUND_ELSEWHERE, *(check for check, _ in OF_SETS)}
    on_rows = [check.id for check in CHECKS if check.id not in elsewhere]
    return [
        *OF_SETS,
        *((check, table.name) for table in FLAGGED_TABLES for check in on_rows),
        *((check, table) for check in FOUND_ELSEWHERE for table in FEEDS_BY_TABLE),
        *(("T1", feed.raw_table) for feed in BAR_FEEDS),
    ]


def _counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by(column).len().sort(column).iter_rows())
