"""How far the figures can be trusted: scores, checks, findings, coverage, what ran and what is there. Pure: frames to
figures.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from openingbell.coverage import STATES
from openingbell.quality.checks import BY_ID
from openingbell.reporting.period import Period
from openingbell.sessions import new_york
from openingbell.tables import Table

LOWEST_ROWS = 3
"""Rows that are shown of each table."""
STAGES = ("extract", "csv-load", "transform", "quality")
REPORT = "report"
ASSET_CLASSES = ("stock", "index", "commodity", "bond")
SEVERITIES = ("error", "warning", "information")
STATUSES = ("FAIL", "WARN")


@dataclass(frozen=True)
class TableScore:
    """The scores of one table in the period: 0 to 100 points, None without a row; `below` counts rows under 100."""

    table: str
    rows: int
    below: int
    mean: float | None
    lowest: float | None


@dataclass(frozen=True)
class LowRow:
    """A row with one of its table's lowest scores under 100. `at` is its day, or its bar's start in New York."""

    table: str
    symbol: str
    at: date | datetime
    score: float
    flags: str


@dataclass(frozen=True)
class Flag:
    """A row check and the rows of the scored tables on which it fired. One that the catalogue lacks has no name."""

    check: str
    name: str
    severity: str
    rows: int
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One finding of a quality run, as `data_quality_log` has it."""

    status: str
    severity: str
    check_name: str
    table_name: str
    symbol: str
    date: date
    affected_rows: int
    value: float | None
    threshold: float | None
    message: str


@dataclass(frozen=True)
class QualityRun:
    """A finished quality run and the sessions that it checked."""

    run_id: str
    first: date
    last: date


@dataclass(frozen=True)
class Findings:
    """What a quality run found in the period, worst first: of the runs that checked most of its days the newest.

    `run` is None, and nothing is known, when no run checked any of them.
    """

    run: QualityRun | None
    rows: tuple[Finding, ...]


@dataclass(frozen=True)
class Coverage:
    """Sessions of the symbols of one asset class and interval that are in one state, and their bars."""

    asset_class: str
    bar_interval: str
    state: str
    symbols: int
    sessions: int
    bars_expected: int
    bars_present: int


@dataclass(frozen=True)
class Stage:
    """The runs of one stage. `seconds` is the time of those that finished, None when none did."""

    job_type: str
    runs: int
    succeeded: int
    partial: int
    failed: int
    unfinished: int
    records: int
    seconds: float | None
    newest_started_at: datetime


@dataclass(frozen=True)
class Trouble:
    """A run that failed or left something out."""

    job_id: str
    job_type: str
    status: str
    started_at: datetime
    message: str | None


@dataclass(frozen=True)
class Pipeline:
    """What ran in the period; when nothing did (a replay of the past), the newest run of each stage."""

    ran_in_period: bool
    stages: tuple[Stage, ...]
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True)
class TableRows:
    """Rows of one table in the period."""

    layer: str
    table: str
    rows: int


@dataclass(frozen=True)
class AsOf:
    """The newest answer and the newest load among the raw rows of the period, UTC; None without a row."""

    extracted_at: datetime | None
    loaded_at: datetime | None


def scores(rows: Mapping[Table, pl.DataFrame]) -> tuple[TableScore, ...]:
    """The scores of every table that has them."""
    return tuple(_score(table, frame["data_quality_score"]) for table, frame in _scored(rows))


def lowest_rows(rows: Mapping[Table, pl.DataFrame]) -> tuple[LowRow, ...]:
    """The lowest scores under 100 of every table, lowest first."""
    found = []
    for table, frame in _scored(rows):
        symbol = pl.col("symbol") if "symbol" in table.names else pl.lit("")
        low = (
            frame.filter(pl.col("data_quality_score") < 100)
            .select(symbol.alias("symbol"), at="date", score="data_quality_score", flags="dq_flags")
            .sort("score", "at", "symbol")
            .head(LOWEST_ROWS)
        )
        found += [LowRow(table.name, **row) for row in low.iter_rows(named=True)]
    return tuple(found)


def flags(rows: Mapping[Table, pl.DataFrame]) -> tuple[Flag, ...]:
    """How often each row check fired, the gravest first."""
    fired = pl.concat(
        frame.filter(pl.col("dq_flags") != "").select(
            pl.col("dq_flags").str.split(",").alias("check"), pl.lit(table.name).alias("table")
        )
        for table, frame in _scored(rows)
    ).explode("check")
    counts = fired.group_by("check").agg(rows=pl.len(), tables=pl.col("table").unique().sort())
    found = []
    for row in counts.iter_rows(named=True):
        known = BY_ID.get(row["check"])
        name, severity = (known.name, known.severity.value) if known else ("", "")
        found.append(Flag(row["check"], name, severity, row["rows"], tuple(row["tables"])))
    order = list(BY_ID)
    found.sort(key=lambda flag: (_place(flag.severity, SEVERITIES), _place(flag.check, order), flag.check))
    return tuple(found)


def findings(log: pl.DataFrame, jobs: pl.DataFrame, period: Period) -> Findings:
    """What a quality run says of the period, but for what passed.

    Args:
        log: rows of `data_quality_log`.
        jobs: rows of `elt_job_log`, which say what sessions a run checked.
        period: the period.
    """
    run = max(_quality_runs(jobs), key=lambda run: (_days_shared(run, period), run.run_id), default=None)
    if run is None or not _days_shared(run, period):
        return Findings(None, ())
    rows = [
        Finding(**row)
        for row in log.filter(
            pl.col("run_id") == run.run_id,
            pl.col("status") != "PASS",
            pl.col("date").is_between(period.first, period.last),
        )
        .select(list(Finding.__dataclass_fields__))
        .sort("check_name", "table_name", "symbol", "date")
        .iter_rows(named=True)
    ]
    rows.sort(key=lambda row: (_place(row.status, STATUSES), _place(row.severity, SEVERITIES)))
    return Findings(run, tuple(rows))


def _quality_runs(jobs: pl.DataFrame) -> Iterator[QualityRun]:
    done = jobs.filter(pl.col("job_type") == "quality", pl.col("status").is_in(["SUCCESS", "PARTIAL"]))
    for row in done.iter_rows(named=True):
        span = json.loads(row["details"])
        yield QualityRun(row["job_id"], date.fromisoformat(span["first"]), date.fromisoformat(span["last"]))


def _days_shared(run: QualityRun, period: Period) -> int:
    return max((min(run.last, period.last) - max(run.first, period.first)).days + 1, 0)


def coverage(sessions: pl.DataFrame) -> tuple[Coverage, ...]:
    """The states of rows of `coverage`, complete ones included, by asset class and interval."""
    counts = sessions.group_by("asset_class", "bar_interval", "state").agg(
        symbols=pl.col("symbol").n_unique(),
        sessions=pl.len(),
        bars_expected=pl.col("bars_expected").sum(),
        bars_present=pl.col("bars_present").sum(),
    )
    found = [Coverage(**row) for row in counts.iter_rows(named=True)]
    found.sort(key=lambda row: (_place(row.asset_class, ASSET_CLASSES), row.bar_interval, _place(row.state, STATES)))
    return tuple(found)


def pipeline(jobs: pl.DataFrame, period: Period) -> Pipeline:
    """What ran on the New York days of the period.

    Reports are left out: a report that told of reports would change with every look at it.

    Args:
        jobs: rows of `elt_job_log`.
        period: the period.
    """
    stages = jobs.filter(pl.col("job_type") != REPORT).sort("started_at", "job_id")
    started = new_york(pl.col("started_at").dt.replace_time_zone("UTC")).dt.date()
    ran = stages.filter(started.is_between(period.first, period.last))
    chosen = ran if len(ran) else stages.unique("job_type", keep="last", maintain_order=True)
    status = pl.col("status")
    seconds = (pl.col("finished_at") - pl.col("started_at")).dt.total_microseconds() / 1_000_000
    counts = chosen.group_by("job_type").agg(
        runs=pl.len(),
        succeeded=(status == "SUCCESS").sum(),
        partial=(status == "PARTIAL").sum(),
        failed=(status == "FAILED").sum(),
        unfinished=(status == "RUNNING").sum(),
        records=pl.col("records_processed").sum(),
        seconds=pl.when(seconds.count() > 0).then(seconds.sum()),
        newest_started_at=pl.col("started_at").max(),
    )
    found = [Stage(**row) for row in counts.iter_rows(named=True)]
    found.sort(key=lambda stage: (_place(stage.job_type, STAGES), stage.job_type))
    troubled = chosen.filter(status.is_in(["FAILED", "PARTIAL"])).select(
        "job_id", "job_type", "status", "started_at", message="error_message"
    )
    return Pipeline(bool(len(ran)), tuple(found), tuple(Trouble(**row) for row in troubled.iter_rows(named=True)))


def row_counts(rows: Mapping[Table, pl.DataFrame]) -> tuple[TableRows, ...]:
    """The number of rows by table, in the given order."""
    return tuple(TableRows(table.layer, table.name, len(frame)) for table, frame in rows.items())


def as_of(raw: Iterable[pl.DataFrame], loads: pl.DataFrame) -> AsOf:
    """How new the raw rows are.

    Args:
        raw: rows of raw tables, with load_id and extracted_at.
        loads: rows of `loads`.
    """
    rows = pl.concat(frame.select("load_id", "extracted_at") for frame in raw)
    loaded = loads.filter(pl.col("load_id").is_in(rows["load_id"].unique().to_list()))
    return AsOf(_newest(rows["extracted_at"]), _newest(loaded["loaded_at"]))


def _scored(rows: Mapping[Table, pl.DataFrame]) -> list[tuple[Table, pl.DataFrame]]:
    return [(table, frame) for table, frame in rows.items() if "data_quality_score" in table.names]


def _score(table: Table, points: pl.Series) -> TableScore:
    mean, lowest = points.mean(), points.min()
    return TableScore(
        table.name,
        rows=len(points),
        below=int((points < 100).sum()),
        mean=mean if isinstance(mean, float) else None,
        lowest=lowest if isinstance(lowest, float) else None,
    )


def _place(value: str, order: Collection[str]) -> int:
    """Position of `value` in `order`, after all of it when it is not there."""
    return next((place for place, name in enumerate(order) if name == value), len(order))


def _newest(moments: pl.Series) -> datetime | None:
    newest = moments.max()
    return newest if isinstance(newest, datetime) else None
