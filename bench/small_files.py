"""Many small pending files beside one with the same rows: what a file costs apart from its rows.

The newest bars of a made-up market are landed twice, as an extraction lands them: a file for each symbol and tick (500
symbols × 26 ticks = 13,000 files of --rows bars), and all in one file. Each is loaded into a fresh DuckDB, in turns, in
this process, from a record that it has not opened before:

    one file     as it landed
    small files  as they landed: most manifests stand in the index that an extraction keeps beside them
    no index     the same, as files that came from elsewhere: every manifest is read first

What was loaded is counted. The records are made once and kept in --cache.

Wanted: small files load at no less than half the speed of one file.

    python bench/small_files.py [--rows 1 4 26] [--repeats 5]
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import BEGIN, BETWEEN_ANSWERS, SOURCE, market
from bench.measure import Run
from bench.ours import Ours, embedded
from bench.sizes import Size
from openingbell.feeds import STOCKS
from openingbell.landing import Ask, Landing, Outcome

SYMBOLS = 500
TICKS = 26
"""Files of a symbol: as many as a session has bars of 15 minutes."""
INDEX = ".index"
MADE = "made-1"
"""The mark of a record that is there whole. Its number rises when what is made changes."""


def landed(symbols: int, rows: int, cache: Path, *, small: bool) -> Path:
    """The record of `symbols` with 26 × `rows` bars each, in small files or in one; made when it is not there."""
    root = cache / f"{symbols}x{TICKS}x{rows}-{'small' if small else 'one'}"
    if not (root / MADE).exists():
        shutil.rmtree(root, ignore_errors=True)
        print(f"landing {root}", file=sys.stderr, flush=True)
        bars = _bars(symbols, rows, cache)
        ticks = [[tick] for of_symbol in bars for tick in of_symbol.iter_slices(rows)]
        landing = Landing(root / "data_extracts")
        landing.record()
        for number, answers in enumerate(ticks if small else [bars]):
            _land(landing, number, answers)
        if (landing.root / INDEX).exists():
            (landing.root / INDEX).rename(root / INDEX)
        (root / MADE).touch()
    return root


def _bars(symbols: int, rows: int, cache: Path) -> list[pl.DataFrame]:
    """The newest bars of each symbol as the vendor spells them."""
    made = market(Size("", symbols, rows + 2), cache)  # one session may be a half day
    paths = sorted((made.extracts / STOCKS.name).glob("*.csv"))
    bars = pl.concat(pl.read_csv(path, infer_schema=False) for path in paths).sort(
        "symbol", "date", descending=[False, True], maintain_order=True
    )
    return [of_symbol.head(TICKS * rows) for of_symbol in bars.partition_by("symbol", maintain_order=True)]


def _land(landing: Landing, number: int, answers: list[pl.DataFrame]) -> None:
    at = BEGIN + number * BETWEEN_ANSWERS
    landing.write(
        STOCKS.name,
        pl.concat(answers).with_columns(answered_at=pl.lit(at.isoformat())),
        tuple(_ask(answer, at) for answer in answers),
        source=SOURCE,
        bar_interval=STOCKS.bar_interval,
        basis="vendor",
        final_delay=timedelta(minutes=2),
    )


def _ask(answer: pl.DataFrame, at: datetime) -> Ask:
    bars = answer.group_by(pl.col("date").str.slice(0, 10).str.to_date()).len().sort("date")
    days: dict[date, int] = dict(bars.iter_rows())
    first, last = min(days), max(days)
    symbol = answer.item(0, "symbol")
    return Ask(symbol, STOCKS.asset_class, STOCKS.calendar, first, last, first, last, at, 200, Outcome.ANSWERED,
               len(answer), 150 * len(answer), days)  # fmt: skip


def load(root: Path, rows: int, *, with_index: bool = True) -> Run:
    """Load a record into a fresh warehouse.

    Raises:
        RuntimeError: not all rows were loaded.
    """
    extracts = root / "data_extracts"
    shutil.rmtree(extracts / INDEX, ignore_errors=True)
    if with_index and (root / INDEX).exists():
        shutil.copytree(root / INDEX, extracts / INDEX)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        ours = Ours(extracts, embedded(Path(folder) / "warehouse.duckdb"), Size("", 0, 0).universe)
        found: list[int] = []
        run = measure.timed(lambda: found.append(ours.load()))
    if found != [rows]:
        raise RuntimeError(f"asked to load {rows:,} rows; found {found}")
    return run


def main() -> None:
    """Load all ways for each number of rows, and compare."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("--rows", type=int, nargs="+", default=[1, 4, 26], help="bars of a small file")
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for of_file in asked.rows:
        small, one = (landed(SYMBOLS, of_file, asked.cache, small=small) for small in (True, False))
        rows = SYMBOLS * TICKS * of_file
        ways: dict[str, Callable[[], Run]] = {
            "one file": partial(load, one, rows),
            "small files": partial(load, small, rows),
            "no index": partial(load, small, rows, with_index=False),
        }
        for way in ways.values():
            way()  # warm: the files are in the system's memory for all
        runs = measure.interleaved(ways, asked.repeats)
        measure.show(
            f"{SYMBOLS * TICKS:,} files of {of_file} rows",
            [("way", "seconds", "k rows/s")]
            + [(name, f"{way.seconds:.3f}", f"{rows / way.seconds / 1000:,.0f}") for name, way in runs.items()],
        )
        alone = runs["one file"].seconds
        measure.verdict("speed of small files / one file", alone / runs["small files"].seconds, at_least=0.5)
        print(f"        without the index: {alone / runs['no index'].seconds:.3g}")


if __name__ == "__main__":
    main()
