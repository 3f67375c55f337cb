"""Our values beside published ones: the embedded sheets, and files with columns that somebody else computed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from openingbell.errors import UsageError
from openingbell.indicators.catalogue import columns_of
from openingbell.indicators.compute import indicators
from openingbell.indicators.published import SHEETS, Column, Sheet

EXACT = 1e-9
"""Relative difference that two right computations in 64-bit floats may have over a few hundred bars."""
BAR_COLUMNS = ("date", "open", "high", "low", "close", "volume")
OTHER_NAMES = {
    "sma20": "sma_20", "ema12": "ema_12", "ema26": "ema_26", "macd": "macd_line", "macd_hist": "macd_histogram",
    "rsi14": "rsi_14", "atr14": "atr_14", "adx14": "adx_14", "plus_di": "plus_di_14", "minus_di": "minus_di_14",
}  # fmt: skip
"""What files call our columns, beside their own names."""


@dataclass(frozen=True)
class Comparison:
    """A published column beside ours, bar by bar.

    Attributes:
        of: the sheet or file.
        column: what it calls the column.
        labels: bar number or date of each row.
        published: float64 as published, None where the cell is empty.
        ours: float64, None where there is no value.
        decimals: digits behind the point that the publication has.
    """

    of: str
    column: str
    labels: tuple[str, ...]
    published: tuple[float | None, ...]
    ours: tuple[float | None, ...]
    decimals: int

    @property
    def largest_difference(self) -> float:
        """The largest difference of two values, 0 if there are none; in the unit of the column."""
        pairs = zip(self.published, self.ours, strict=True)
        return max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=0.0)

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Labels of the rows where one has a value and the other none, or where they differ by more than the
        publication's last digit allows."""
        rows = zip(self.labels, self.published, self.ours, strict=True)
        return tuple(label for label, a, b in rows if not self._agree(a, b))

    def spelled(self) -> tuple[tuple[str, str], ...]:
        """Published and ours as text, row by row: as published, and with two digits more."""
        decimals = self.decimals
        pairs = zip(self.published, self.ours, strict=True)
        return tuple((_spelled(a, decimals), _spelled(b, decimals + 2 if decimals else 0)) for a, b in pairs)

    def _agree(self, published: float | None, ours: float | None) -> bool:
        if published is None or ours is None:
            return published is ours
        return abs(published - ours) <= 0.5 * 10.0**-self.decimals + EXACT * abs(published)


@dataclass(frozen=True)
class Answers:
    """A file's comparisons, and the columns of it that we have no counterpart for."""

    comparisons: tuple[Comparison, ...]
    left_out: tuple[str, ...]


def compare_sheet(sheet: Sheet) -> tuple[Comparison, ...]:
    """The columns of one embedded sheet beside ours."""
    with np.errstate(all="ignore"):
        return tuple(_compared(sheet, column) for column in sheet.columns)


def compare_embedded() -> tuple[Comparison, ...]:
    """Every column of every embedded sheet beside ours."""
    return tuple(comparison for sheet in SHEETS for comparison in compare_sheet(sheet))


def _compared(sheet: Sheet, column: Column) -> Comparison:
    words = column.spelled.split()
    count = len(sheet.bars.close)
    values = column.ours(sheet.bars)
    all_ours = np.concatenate((np.full(count - len(values), np.nan), values))
    ours = all_ours[column.first_bar - 1 :].tolist()
    return Comparison(
        sheet.title,
        column.name,
        tuple(str(bar) for bar in range(column.first_bar, count + 1)),
        tuple(float(word) for word in words),
        tuple(None if np.isnan(value) else value for value in ours),
        _decimals(words),
    )


def compare_answers(path: Path) -> Answers:
    """Every known column of a CSV file beside ours, over all rows, empty cells included.

    The file has the columns of `BAR_COLUMNS`, one row a day, oldest first, and published columns under our names or
    those of `OTHER_NAMES`.

    Raises:
        UsageError: the file cannot be read, lacks columns, has none that we know, or holds what is no number or date.
    """
    cells = _read_cells(path)
    if missing := [name for name in BAR_COLUMNS if name not in cells.columns]:
        raise UsageError(
            f"asked to verify with {path}; it lacks the columns {', '.join(missing)}; needed are "
            f"{', '.join(BAR_COLUMNS)} and columns with answers; add them"
        )
    known = {output.name: output.name for output in columns_of(daily=True)} | OTHER_NAMES
    answers = {name: known[name] for name in cells.columns if name in known}
    if not answers:
        raise UsageError(
            f"asked to verify with {path}; it has no column with answers; known are {', '.join(known)}; rename them"
        )
    ours = _ours(path, cells)
    numbers = _numbers(path, cells, list(answers))
    labels = tuple(cells["date"].to_list())
    comparisons = tuple(
        Comparison(
            path.name,
            name,
            labels,
            tuple(numbers[name].to_list()),
            tuple(ours[mine].to_list()),
            _decimals(cells[name].drop_nulls().to_list()),
        )
        for name, mine in answers.items()
    )
    return Answers(comparisons, tuple(name for name in cells.columns if name not in {*answers, *BAR_COLUMNS}))


def _read_cells(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path.read_bytes(), infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"asked to verify with {path}; it cannot be read: {reason}; a CSV file with a header is needed; correct "
            "the path"
        ) from None


def _numbers(path: Path, cells: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    numbers = cells.select(pl.col(names).cast(pl.Float64, strict=False))
    for name in names:
        wrong = cells[name].filter(cells[name].is_not_null() & ~numbers[name].is_finite().fill_null(value=False))
        if len(wrong):
            raise UsageError(
                f"asked to verify with {path}; its column {name} holds {wrong[0]!r}; numbers and empty cells are "
                "allowed; correct it"
            )
    return numbers


def _ours(path: Path, cells: pl.DataFrame) -> pl.DataFrame:
    """Our columns for the bars of the file."""
    dates = cells["date"].str.to_date("%Y-%m-%d", strict=False)
    bars = _numbers(path, cells, BAR_COLUMNS[1:]).select(
        pl.lit("stock").alias("asset_class"),
        pl.lit("").alias("symbol"),
        dates.alias("date"),
        dates.alias("session"),
        pl.all(),
        pl.lit(value=True).alias("usable"),
    )
    if dates.null_count() or not (dates.diff().drop_nulls().dt.total_days() > 0).all():
        raise UsageError(
            f"asked to verify with {path}; its dates are not days that rise from row to row; allowed is YYYY-MM-DD, "
            "oldest first; sort it"
        )
    return indicators(bars, daily=True)


def _spelled(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


def _decimals(words: Sequence[str]) -> int:
    """Digits behind the point of the most precise spelling."""
    return max((len(word.partition(".")[2]) for word in words if re.fullmatch(r"-?\d+\.?\d*", word)), default=15)


def by_sheet(comparisons: Sequence[Comparison]) -> Mapping[str, list[Comparison]]:
    """Comparisons under the sheet or file they belong to, in order."""
    grouped: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        grouped.setdefault(comparison.of, []).append(comparison)
    return grouped
