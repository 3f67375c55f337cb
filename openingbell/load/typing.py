"""From landed text to typed rows. Pure: it depends on files and their manifests alone, never on settings or clock.

Nothing is dropped: a row becomes a typed row that is final, a typed row that was still forming, a repetition of another
row of its answer, or goes to quarantine with the reasons. Files of one form are typed as one frame; what one of them
says has no bearing on the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from openingbell import sessions, tables
from openingbell.feeds import BAR_FIELDS, BY_NAME, SPLITS, SPLITS_CALENDAR, TENORS, Feed, Kind
from openingbell.landing import MISFIT, Manifest, record_of
from openingbell.load.reference import COLUMNS, by_our_names, typed_facts
from openingbell.tables import Table
from openingbell.versions import has_duplicates

MOMENT = pl.Datetime("us")
OLDEST_YEAR = 1900
"""What is dated before it is garbage: no calendar goes back so far."""


NUMBERS = {
    Kind.INTRADAY: BAR_FIELDS,
    Kind.DAILY: BAR_FIELDS,
    Kind.RATES: TENORS,
    Kind.ACTIONS: ("numerator", "denominator", "dividend"),
    Kind.REFERENCE: (),
}
"""The columns that are numbers, by the vendor's names."""


FORM = ("feed", "bar_interval", "basis", "final_delay")
"""What files have in common that are typed together, by the columns of the record's files."""
COUNTS = pl.Schema(
    {"load_id": pl.String()}
    | dict.fromkeys(("rows_final", "rows_repeated", "rows_forming", "rows_quarantined"), pl.Int64())
)


@dataclass(frozen=True)
class Typed:
    """Landed files, typed. `counts` has a row a file (`COUNTS`): rows of the file = final + repeated + forming +
    quarantined.
    """

    table: Table
    final: pl.DataFrame
    counts: pl.DataFrame
    quarantined: pl.DataFrame

    @property
    def repeated(self) -> int:
        """Rows that equal another one of their file."""
        return int(self.counts["rows_repeated"].sum())

    @property
    def forming(self) -> int:
        """Rows that were not final when they were received."""
        return int(self.counts["rows_forming"].sum())


def raw_table(feed: Feed) -> Table:
    """The raw table of a feed."""
    return tables.BY_NAME[feed.raw_table]


def type_rows(text: pl.DataFrame, manifest: Manifest) -> Typed:
    """Type the rows of a landed file.

    Args:
        text: the file as `Landing.read` gives it: every column text, symbol and answered_at among them.
        manifest: its manifest.
    """
    record = record_of([manifest])
    return type_files(text, [len(text)], record.files, record.asks)


def type_files(text: pl.DataFrame, lengths: Sequence[int], files: pl.DataFrame, asks: pl.DataFrame) -> Typed:
    """Type the rows of landed files that have one form and one header.

    Args:
        text: the rows of all files, file after file; every column text, symbol and answered_at among them.
        lengths: how many rows each file has.
        files: the files, in that order, as the record has them; their `FORM` is the same.
        asks: at least theirs, as the record has them.
    """
    form = files.row(0, named=True)
    feed = BY_NAME[form["feed"]]
    table = raw_table(feed)
    if text.is_empty():
        none = files.select("load_id", *(pl.lit(0, pl.Int64).alias(name) for name in COUNTS.names()[1:]))
        return Typed(table, table.empty(), none, tables.QUARANTINE.empty())
    numbers = NUMBERS[feed.kind]
    is_reference = feed.kind is Kind.REFERENCE
    names = tuple(
        dict.fromkeys(("symbol", "answered_at", "date", *numbers, *(COLUMNS if is_reference else ()), MISFIT))
    )
    rows = (
        _with_all_columns(by_our_names(text, feed) if is_reference else text, names)
        .select(names)
        .with_columns(_places(lengths))
        .join(_facts(files, asks), on=["file", "symbol"], how="left", maintain_order="left")
    )
    dates = _dates(rows["date"].unique(), form["bar_interval"], feed)  # each is read once: many bars share one
    typed = rows.join(dates, on="date", how="left", nulls_equal=True, maintain_order="left").with_columns(
        _moment("answered_at").alias("extracted_at"),
        *(pl.col(name).str.strip_chars().cast(pl.Float64, strict=False).alias(f"{name}_typed") for name in numbers),
    )
    typed = typed.with_columns(reasons=_reasons(numbers, whole_market=feed.whole_market))
    is_bad = typed["reasons"] != ""
    good = _final(typed.filter(~is_bad), form["final_delay"], feed)
    columns = good.with_columns(
        files["load_id"].gather(good["file"]),
        pl.lit(form["bar_interval"]).alias("bar_interval"),
        pl.lit(form["basis"]).alias("basis"),
        *(pl.col(f"{name}_typed").alias(name) for name in numbers),
    ).with_columns(_finite(numbers))
    if feed.kind is Kind.ACTIONS:
        columns = _as_actions(columns, feed)
    if is_reference:
        columns = typed_facts(columns, feed)
    candidates = columns.filter("is_final")
    final = candidates
    if has_duplicates(candidates, ("file", *table.bar_key)):
        identity = [name for name in ("file", *table.bar_key, *table.values) if name in candidates.columns]
        final = candidates.unique(identity, keep="last", maintain_order=True)
    bad = typed.filter(is_bad).select("file", "source_row", "reasons")
    of_final, of_candidates, of_good, of_bad = (
        np.bincount(frame["file"].to_numpy(), minlength=len(files)) for frame in (final, candidates, columns, bad)
    )
    counts = pl.DataFrame(
        {
            "load_id": files["load_id"],
            "rows_final": of_final,
            "rows_repeated": of_candidates - of_final,
            "rows_forming": of_good - of_candidates,
            "rows_quarantined": of_bad,
        },
        schema=COUNTS,
    )
    return Typed(table, final.select(table.names), counts, _quarantine(text.filter(is_bad), bad, files))


def _places(lengths: Sequence[int]) -> list[pl.Series]:
    """Of each row the number of its file, and which row of that it is, from 1 on."""
    file = np.repeat(np.arange(len(lengths)), lengths)
    begins = np.cumsum([0, *lengths[:-1]])
    return [pl.Series("file", file), pl.Series("source_row", np.arange(1, len(file) + 1) - begins[file])]


def _with_all_columns(text: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    return text.with_columns(pl.lit(None, pl.String).alias(name) for name in names if name not in text.columns)


def _facts(files: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """Asset class and calendar by file and symbol, from what was asked."""
    names = ("symbol", "asset_class", "calendar")
    return (
        files.select(pl.col("load_id").cast(pl.Categorical))
        .with_row_index("file")
        .join(asks.select("load_id", *names), on="load_id")
        .select(pl.col("file").cast(pl.Int64), pl.col(names).cast(pl.String))
        .sort("file", *names)
        .unique(["file", "symbol"], keep="first")
    )


def _dates(texts: pl.Series, bar_interval: str, feed: Feed) -> pl.DataFrame:
    """What dates say, beside their texts: `date_typed`, and of bars of a session `end_utc`."""
    dates, text = texts.to_frame(), pl.col("date").str.strip_chars()
    if feed.kind is Kind.INTRADAY:
        start = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
        end = sessions.to_utc(pl.col("date_typed")) + timedelta(minutes=sessions.minutes_of(bar_interval))
        # an hour that the clock skips in spring is no moment
        dates = dates.with_columns(date_typed=start).with_columns(end_utc=end)
        is_date = pl.col("end_utc").is_not_null()
    else:
        dates = dates.with_columns(date_typed=text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))
        is_date = pl.col("date_typed").is_not_null()
    is_sane = is_date & (pl.col("date_typed").dt.year() >= OLDEST_YEAR)
    return dates.with_columns(pl.when(is_sane).then(pl.col("date_typed")))


def _moment(name: str) -> pl.Expr:
    return (
        pl.col(name)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False)
        .dt.replace_time_zone(None)
    )


def _as_actions(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Rows of splits or dividends by our names."""
    kind = "split" if feed in (SPLITS, SPLITS_CALENDAR) else "dividend"
    return rows.with_columns(ex_date="date", amount="dividend", kind=pl.lit(kind))


def _reasons(numbers: tuple[str, ...], *, whole_market: bool) -> pl.Expr:
    """What cannot be read, by column; empty when all can."""
    unknown = pl.col("symbol").is_null() if whole_market else pl.col("calendar").is_null()
    problems = [
        pl.when(pl.col(MISFIT).is_not_null()).then(pl.lit("line: does not fit the header")),
        pl.when(unknown).then(pl.format("symbol: {} was not asked for", _quoted("symbol"))),
        pl.when(pl.col("date_typed").is_null()).then(pl.format("date: {} is no bar start", _quoted("date"))),
        pl.when(pl.col("extracted_at").is_null()).then(pl.format("answered_at: {}", _quoted("answered_at"))),
        *(
            pl.when(pl.col(f"{name}_typed").is_null() & pl.col(name).is_not_null()).then(
                pl.format("{}: {} is no number", pl.lit(name), _quoted(name))
            )
            for name in numbers
        ),
    ]
    return pl.concat_str(problems, separator="; ", ignore_nulls=True)


def _quoted(name: str) -> pl.Expr:
    return pl.format("'{}'", pl.col(name).fill_null("").str.slice(0, 40))


def _finite(numbers: tuple[str, ...]) -> list[pl.Expr]:
    """Warehouses hold no NaN and no infinity: such a number is a missing one (the file keeps the vendor's word)."""
    return [pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in numbers]


def _final(rows: pl.DataFrame, delay: timedelta, feed: Feed) -> pl.DataFrame:
    """Rows with their date typed and `is_final`: received after the bar's end and the delay."""
    rows = rows.with_columns(date=pl.col("date_typed"))
    if feed.kind in (Kind.ACTIONS, Kind.REFERENCE):
        return rows.with_columns(is_final=pl.lit(value=True))  # announced is announced
    ended = rows if feed.kind is Kind.INTRADAY else _daily_ends(rows)
    received = pl.col("extracted_at").dt.replace_time_zone("UTC")
    return ended.with_columns(is_final=received >= pl.col("end_utc") + delay)


def _daily_ends(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the end of their session; a day that is none, or had not begun at the answer, ends at midnight."""
    begun = rows.filter(pl.col("date") <= pl.col("extracted_at").dt.date())
    years = begun.select("calendar", year=pl.col("date").dt.year()).unique().sort("calendar", "year")
    if years.is_empty():
        ends = pl.DataFrame(schema={"calendar": pl.String, "date": pl.Date, "end_utc": pl.Datetime("us", "UTC")})
    else:
        ends = pl.concat(
            sessions.schedule(calendar, date(year, 1, 1), date(year, 12, 31)).select(
                pl.lit(calendar).alias("calendar"), date="session", end_utc="close_utc"
            )
            for calendar, year in years.iter_rows()
        )
    midnight = sessions.to_utc(pl.col("date").cast(MOMENT) + timedelta(days=1))
    return rows.join(ends, on=["calendar", "date"], how="left", maintain_order="left").with_columns(
        end_utc=pl.coalesce("end_utc", midnight)
    )


def _quarantine(text: pl.DataFrame, bad: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "load_id": files["load_id"].gather(bad["file"]),
            "source_row": bad["source_row"],
            "feed": files["feed"].gather(bad["file"]),
            "text": [json.dumps(row, ensure_ascii=False) for row in text.iter_rows(named=True)],
            "reasons": bad["reasons"],
        },
        schema=tables.QUARANTINE.schema,
    )
