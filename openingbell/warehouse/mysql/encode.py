"""Columns as text that the server reads: lines for LOAD DATA, rows in brackets for INSERT. Pure.

Numbers have the fewest digits that are read back as the same 64 bits. Null and the signs that would end a field are
written behind a backslash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from openingbell.warehouse.sql import name_of

LINES = 50_000
"""Rows that are made into text at once: the next are, while the server reads these."""
MANY = 10_000
"""Rows that are worth looking at for what they share."""
FEW = 64
"""Texts of a column that a statement may spell out."""
FRACTION = "%.6f"
MOMENT = f"%Y-%m-%d %H:%M:%S{FRACTION}"
MOMENT_IN_LINE = "%Y%m%d%H%M%S"
ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"}
QUOTED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}


@dataclass(frozen=True)
class Lines:
    """Rows for LOAD DATA. Each of `fields` is a column or a variable, in the order of a line; `given` has expressions
    for the columns that no line spells out, by column. `pieces` are the lines.
    """

    fields: tuple[str, ...]
    given: dict[str, str]
    pieces: Iterator[bytes]


def lines(rows: pl.DataFrame) -> Lines:
    """The rows as lines of fields with a tab between them. The server reads sign by sign, which takes it a third of its
    time: text that many rows share stands in the statement, and lines say which one it is, where there are several.
    """
    fields = {name: name_of(name) for name in rows.columns}
    given: dict[str, str] = {}
    if len(rows) >= MANY:
        for column in rows:
            name = column.name
            if _is_constant(column):
                given[name] = _literals(column.head(1).to_frame()).item()
                del fields[name]
            elif column.dtype == pl.String and len(texts := column.drop_nulls().unique()) <= FEW:
                fields[name] = f"@{name}"
                given[name] = f"ELT(@{name}, {', '.join(_literals(texts.to_frame()).to_series())})"
                numbers = pl.Series(range(1, len(texts) + 1), dtype=pl.Int64)
                rows = rows.with_columns(column.replace_strict(texts, numbers, return_dtype=pl.Int64))
    return Lines(tuple(fields.values()), given, _text(rows.select(list(fields))))


def _is_constant(column: pl.Series) -> bool:
    count = column.null_count()
    return count == len(column) or (count == 0 and bool(column.min() == column.max()))


def _text(rows: pl.DataFrame) -> Iterator[bytes]:
    for part in rows.iter_slices(LINES):
        escaped = [_escaped(part[name], ESCAPED).alias(name) for name in part.select(cs.string()).columns]
        text = part.with_columns(*escaped, cs.boolean().cast(pl.Int8), *_moments(part))
        yield text.write_csv(include_header=False, separator="\t", null_value="\\N", quote_style="never").encode()


def values(rows: pl.DataFrame) -> Iterator[str]:
    """Each row as a list of literals in brackets."""
    yield from _literals(rows).select(pl.format("({})", pl.concat_str(pl.all(), separator=","))).to_series()


def _literals(rows: pl.DataFrame) -> pl.DataFrame:
    """Each value as it stands in a statement."""
    quoted = {name: _escaped(rows[name], QUOTED) for name in rows.select(cs.string()).columns}
    literals = [
        pl.format("'{}'", pl.lit(quoted[name])) if name in quoted else _literal(name, dtype)
        for name, dtype in rows.schema.items()
    ]
    return rows.select(text.fill_null("NULL").alias(name) for name, text in zip(rows.columns, literals, strict=True))


def _literal(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.format("'{}'", pl.col(name).dt.to_string(MOMENT))
    if isinstance(dtype, pl.Date):
        return pl.format("'{}'", pl.col(name).dt.to_string("%Y-%m-%d"))
    if isinstance(dtype, pl.Boolean):
        return pl.col(name).cast(pl.Int8).cast(pl.String)
    if isinstance(dtype, pl.Float64):  # without an exponent a literal is a decimal, which holds fewer values
        text = pl.col(name).cast(pl.String)
        return pl.when(text.str.contains("e", literal=True)).then(text).otherwise(text + "e0")
    return pl.col(name).cast(pl.String)


def _escaped(column: pl.Series, signs: dict[str, str]) -> pl.Series:
    if not column.str.contains_any(list(signs)).any():
        return column
    return column.str.replace_many(list(signs), list(signs.values()))


def _moments(part: pl.DataFrame) -> Iterator[pl.Series]:
    """Moments as text. Most come many times: each is written once."""
    for column in part.select(cs.datetime()):
        distinct = column.unique()
        has_parts = bool((distinct.dt.microsecond() != 0).any())
        text = distinct.dt.to_string(MOMENT_IN_LINE + (FRACTION if has_parts else ""))
        yield column.replace_strict(distinct, text, return_dtype=pl.String)
