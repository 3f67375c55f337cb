"""The cold path: landed CSV to a filled warehouse, beside its floor and beside a pandas script.

Each way is a process of its own, timed from start to exit, with its largest resident set:

    ours     Openingbell's load and transform (ours.py): every version kept, every row checked and scored, indicators,
             daily tables, breadth
    floor    DuckDB reads the same CSV and writes the same columns, and does nothing else (floor.py)
    pandas   the same job by pandas and to_sql into SQLite (pandas_script.py), through an SQLAlchemy engine as its
             documentation writes it, and through SQLite's own driver with the journal off; on a tenth of the symbols,
             what it does after its imports counted tenfold, because it is linear in them

Wanted at S: ours within 3 × floor, pandas at least 20 × ours. With two sizes, such as `--size S M`, the larger one
within 9 × the smaller for ours, and its memory under 4 GiB. The market is made first and is not counted.

    python bench/cold.py [--size S M] [--repeats 3] [--without-pandas]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import Market, market
from bench.measure import Run, Runs
from bench.sizes import Size, size_of

GIB = 2**30
TENTH = 10


def main() -> None:
    """Measure each size and say what its ratios are."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("--size", type=size_of, nargs="+", default=[size_of("S")], help="one or two sizes")
    arguments.add_argument("--without-pandas", action="store_true", help="leave the pandas script out")
    arguments.add_argument("--mysql", metavar="URL", help="also pandas into this database, mysql+pymysql://…")
    arguments.set_defaults(repeats=3)
    asked = arguments.parse_args()
    of_size = [
        _measure(
            market(size, asked.cache),
            asked.cache,
            asked.repeats,
            with_pandas=not (asked.without_pandas or place),
            mysql=asked.mysql,
        )
        for place, size in enumerate(asked.size)
    ]
    if len(of_size) > 1:
        small, large = of_size[0], of_size[-1]
        print(f"\nours, {asked.size[-1].name} beside {asked.size[0].name}")
        measure.verdict("seconds", large.seconds / small.seconds, at_most=9)
        measure.verdict("peak memory in GiB", large.peak_bytes / GIB, at_most=4)


def _measure(made: Market, cache: Path, repeats: int, *, with_pandas: bool, mysql: str | None) -> Runs:
    """All ways over one market, in turns; returns ours."""
    ways: dict[str, Callable[[], Run]] = {"ours": lambda: _ours(made), "floor": lambda: _floor(made)}
    factor = 1.0
    if with_pandas:
        tenth = market(Size("", max(made.size.symbols // TENTH, 1), made.size.sessions), cache)
        factor = made.size.symbols / tenth.size.symbols
        for by in ("engine", "driver"):
            ways[f"pandas, {by}"] = partial(_pandas, tenth, factor, by)
        if mysql:
            ways["pandas, MySQL"] = partial(_pandas, tenth, factor, "engine", "--url", mysql)
    runs = measure.interleaved(ways, repeats)
    ours, floor = runs["ours"], runs["floor"]
    rows = [("way", "seconds", "k bars/s", "peak", "× ours")]
    rows += [
        (name, f"{way.seconds:.2f}", f"{made.size.bars / way.seconds / 1000:,.0f}", measure.megabytes(way.peak_bytes),
         f"{way.seconds / ours.seconds:.2f}")
        for name, way in runs.items()
    ]  # fmt: skip
    measure.show(f"cold path {made.size.name}: {made.size.bars:,} bars, {measure.megabytes(made.bytes)} of CSV", rows)
    print(
        f"  ours: load {ours.fact('load_seconds'):.2f} s, transform {ours.fact('transform_seconds'):.2f} s; written: "
        f"ours {measure.megabytes(int(ours.fact('warehouse_bytes')))}, "
        f"floor {measure.megabytes(int(floor.fact('database_bytes')))}"
    )
    if factor > 1:
        print(f"  pandas: measured on {made.size.symbols / factor:.0f} symbols, its work counted × {factor:.0f}")
    measure.verdict("ours / floor", ours.seconds / floor.seconds, at_most=3)
    if with_pandas:
        for name in ways.keys() - {"ours", "floor", "pandas, driver"}:
            measure.verdict(f"{name} / ours", runs[name].seconds / ours.seconds, at_least=20)
    return ours


def _ours(made: Market) -> Run:
    with tempfile.TemporaryDirectory(dir=made.root) as folder:
        return measure.run_script("ours.py", made.extracts, Path(folder) / "warehouse.duckdb", made.size.symbols)


def _floor(made: Market) -> Run:
    with tempfile.TemporaryDirectory(dir=made.root) as folder:
        return measure.run_script("floor.py", made.extracts, Path(folder) / "floor.duckdb")


def _pandas(tenth: Market, factor: float, by: str, *words: str) -> Run:
    with tempfile.TemporaryDirectory(dir=tenth.root) as folder:
        run = measure.run_script("pandas_script.py", tenth.extracts, Path(folder) / "pandas.sqlite", "--by", by, *words)
    work = run.facts["work_seconds"]
    return Run(run.seconds - work + factor * work, run.peak_bytes if factor == 1 else 0, run.facts)


if __name__ == "__main__":
    main()
