"""Operations: what is loaded, what ran, what was found, what is missing."""

from __future__ import annotations

from openingbell.tables.columns import LINEAGE, SESSION, SYMBOL
from openingbell.tables.table import COUNT, DAY, MOMENT, OPERATIONS, PRICE, TEXT, Column, Table

LOADS = Table(
    OPERATIONS,
    "loads",
    ("load_id",),
    "Landed files that are in the warehouse: a row commits together with the file's raw rows, `transformed_at` "
    "together with what followed from them. rows = new + same + repeated + forming + quarantined.",
    (
        Column("load_id", TEXT, "the file's id, fixed when it landed; ids rise with time"),
        Column("feed", TEXT, "folder under data_extracts/"),
        Column("sha256", TEXT, "of the file"),
        Column("extracted_at", MOMENT, "newest answer in the file", "UTC"),
        Column("rows", COUNT, "rows of the file"),
        Column("rows_new", COUNT, "appended as a version"),
        Column("rows_same", COUNT, "equal to the version before: nothing written"),
        Column("rows_repeated", COUNT, "equal to another row of the same answer (K1): nothing written"),
        Column("rows_forming", COUNT, "not final when the answer was received: left in the file"),
        Column("rows_quarantined", COUNT, "could not be typed or keyed, see `quarantine`"),
        Column("loaded_at", MOMENT, "when the rows were committed", "UTC"),
        Column("transformed_at", MOMENT, "when the analytics that follow were committed", "UTC", "not yet"),
    ),
    order="extracted_at",
)
PENDING_SPANS = Table(
    OPERATIONS,
    "pending_spans",
    ("load_id", "asset_class", "symbol"),
    "What the loads brought that are not transformed yet, so that the transform need not look for it in raw tables: "
    "empty when it is done.",
    (
        Column("load_id", TEXT, "the load, see `loads`"),
        Column("asset_class", TEXT, "stock, index or commodity; '' where the raw table does not say it"),
        Column("symbol", TEXT, "the vendor's symbol; '' where the raw table has none"),
        Column("first", MOMENT, "date of the first new row, New York wall clock"),
        Column("last", MOMENT, "date of the last new row, New York wall clock"),
    ),
    order="load_id",
)
MADE_WITH = Table(
    OPERATIONS,
    "made_with",
    ("name",),
    "The settings and definitions that the analytics tables were made with; when they change, all is made anew. And the "
    "source whose data the warehouse holds.",
    (
        Column("name", TEXT, "a setting's name, or `columns`, `definitions`, `closures` or `source`"),
        Column("value", TEXT, "its value as JSON"),
    ),
    order="name",
)
JOB_LOG = Table(
    OPERATIONS,
    "elt_job_log",
    ("job_id",),
    "Every run of every stage.",
    (
        Column("job_id", TEXT, "rises with time"),
        Column("job_type", TEXT, "extract, csv-load, transform, quality, report"),
        Column("status", TEXT, "RUNNING, SUCCESS, PARTIAL (something was left out, see details), FAILED"),
        Column("started_at", MOMENT, "", "UTC"),
        Column("finished_at", MOMENT, "", "UTC", "while it runs, or the process was killed"),
        Column("records_processed", COUNT, "rows landed, loaded, written or checked"),
        Column("error_message", TEXT, "what went wrong", "", "nothing did"),
        Column("details", TEXT, "the stage's figures as JSON"),
    ),
    order="started_at",
)
QUALITY_LOG = Table(
    OPERATIONS,
    "data_quality_log",
    ("run_id", "check_name", "table_name", "symbol", "date"),
    "What each check found in each run: a row a finding; a check without findings has one row that says PASS.",
    (
        Column("run_id", TEXT, "job_id of the quality run"),
        Column("check_name", TEXT, "see docs/quality.md"),
        Column("table_name", TEXT, "the table that was checked"),
        Column("symbol", TEXT, "'' where the check is about a whole set"),
        Column("date", DAY, "session; the newest one checked where the check is about a whole set"),
        Column("status", TEXT, "PASS, WARN, FAIL"),
        Column("severity", TEXT, "error, warning, information"),
        Column("affected_rows", COUNT, "rows that the check names", "rows"),
        Column("value", PRICE, "what was measured", "", "nothing to measure"),
        Column("threshold", PRICE, "what is allowed", "", "nothing to compare"),
        Column("message", TEXT, "in words"),
    ),
)
COVERAGE = Table(
    OPERATIONS,
    "coverage",
    ("asset_class", "symbol", "bar_interval", "session"),
    "What a full record would hold against what is there, by symbol and session: the fold of calendar, manifests "
    "and loads at the newest quality run.",
    (
        Column("asset_class", TEXT, "stock, index, commodity or bond"),
        SYMBOL,
        Column("bar_interval", TEXT, "5min, 15min, 1day"),
        SESSION,
        Column("bars_expected", COUNT, "bars that were final at the run", "bars"),
        Column("bars_present", COUNT, "bars of those in the raw warehouse", "bars"),
        Column("state", TEXT, "complete, not asked, pending (landed, not loaded), empty (asked, the vendor has none or too few), halted (no trading that day), before listing, before history (of these bars), restricted (outside the plan), quarantined (rows that cannot be read)"),
        Column("excuse", TEXT, "why bars are missing, in words; also that a complete session is a half day", "", "nothing to say"),
        Column("asked_times", COUNT, "answers that cover the session"),
        Column("last_asked_at", MOMENT, "newest such answer", "UTC", "never asked"),
    ),
    order="session",
)  # fmt: skip
QUARANTINE = Table(
    OPERATIONS,
    "quarantine",
    ("load_id", "source_row"),
    "Rows of landed files that could not be typed or keyed, as they came.",
    (
        *LINEAGE,
        Column("feed", TEXT, "folder under data_extracts/"),
        Column("text", TEXT, "the row's fields as JSON"),
        Column("reasons", TEXT, "what could not be read, by column"),
    ),
    order="load_id",
)
SCHEMA_VERSIONS = Table(
    OPERATIONS,
    "schema_versions",
    ("version",),
    "Which versions of the tables the warehouse has had since it was made, or since versions are recorded.",
    (
        Column("version", COUNT, "rises by one; the greatest is what it has"),
        Column("name", TEXT, "what that version brought"),
        Column("applied_at", MOMENT, "when it was committed", "UTC"),
    ),
    order="applied_at",
)
"""The warehouse's own. It is not among `TABLES`: it is neither copied nor compared, each warehouse has its own."""
