"""Columns as text that the server reads: lines for LOAD DATA, rows in brackets for INSERT. Pure.

Numbers have the fewest digits that are read back as the same 64 bits. Null and the signs that would end a field are
written behind a backslash.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

LINES = 50_000
"""Rows that are made into text at once: the next are, while the server reads these."""
MOMENT = "%Y-%m-%d %H:%M:%S%.6f"
ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"}
QUOTED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}


def lines(rows: pl.DataFrame) -> Iterator[bytes]:
    """The rows as lines of fields with a tab between them, as `statements.load` describes them to the server."""
    for part in rows.iter_slices(LINES):
        escaped = [_escaped(part[name], ESCAPED).alias(name) for name in part.select(cs.string()).columns]
        text = part.with_columns(*escaped, cs.boolean().cast(pl.Int8), *_moments(part))
        yield text.write_csv(include_header=False, separator="\t", null_value="\\N", quote_style="never").encode()


def values(rows: pl.DataFrame) -> Iterator[str]:
    """Each row as a list of literals in brackets."""
    quoted = {name: _escaped(rows[name], QUOTED) for name in rows.select(cs.string()).columns}
    literals = [
        pl.format("'{}'", pl.lit(quoted[name])) if name in quoted else _literal(name, dtype)
        for name, dtype in rows.schema.items()
    ]
    nullable = [text.fill_null("NULL") for text in literals]
    yield from rows.select(pl.format("({})", pl.concat_str(nullable, separator=","))).to_series()


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
        yield column.replace_strict(distinct, distinct.dt.to_string(MOMENT), return_dtype=pl.String)
