"""The indicator kernel alone, in memory: ours beside bare TA-Lib and beside pandas-ta-classic.

The bars are those of the landed files of a size, read once and not counted, and given to each way in the same batches
of symbols, as the pipeline works on them:

    ours       `openingbell.indicators.indicators`: frame in, frame out, skipped bars, null rules and warm-up included;
               only the catalogue's entries that TA-Lib has as well
    ours, all  the same with every entry of the catalogue
    bare       TA-Lib's functions on slices of contiguous arrays, symbol by symbol; what they return is dropped batch by
               batch. Ours uses one thread; --threads gives the bare calls more
    pandas-ta  pandas-ta-classic, DataFrame.groupby("symbol"); on --pandas-symbols of the symbols, counted linearly.
               Left out when it is not installed (bench/requirements.txt)

Wanted: ours within 1.3 × bare, pandas-ta at least 40 × ours.

    python bench/kernel.py [--size S] [--repeats 9]
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import talib

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import market, read_bars
from bench.measure import Run
from bench.sizes import size_of
from openingbell.indicators import CATALOGUE, EXTRAS, indicators

PANDAS_TA = "pandas_ta_classic"
BATCH_SYMBOLS = 50
"""Symbols in one frame: what is worth working on at once."""
Floats = npt.NDArray[np.float64]
Inputs = dict[str, Floats]

BARE: dict[str, Callable[[Inputs], Any]] = {
    "sma": lambda x: [talib.SMA(x["close"], bars) for bars in (20, 50, 200)],
    "ema": lambda x: [talib.EMA(x["close"], bars) for bars in (12, 26)],
    "macd": lambda x: talib.MACD(x["close"], 12, 26, 9),
    "rsi": lambda x: talib.RSI(x["close"], 14),
    "bollinger": lambda x: talib.BBANDS(x["close"], 20),
    "atr": lambda x: talib.ATR(x["high"], x["low"], x["close"], 14),
    "adx": lambda x: [f(x["high"], x["low"], x["close"], 14) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)],
    "stochastic": lambda x: talib.STOCH(
        x["high"], x["low"], x["close"], fastk_period=14, slowk_period=3, slowd_period=3
    ),
    "obv": lambda x: talib.OBV(x["close"], x["volume"]),
    "roc": lambda x: talib.ROC(x["close"], 10),
}
"""What TA-Lib has of the catalogue, by entry."""


def of_pandas_ta(ta: Any) -> dict[str, Callable[[Any], Any]]:
    """The same entries as pandas-ta computes them for the frame of one symbol."""
    return {
        "sma": lambda d: [ta.sma(d["close"], length=bars) for bars in (20, 50, 200)],
        "ema": lambda d: [ta.ema(d["close"], length=bars) for bars in (12, 26)],
        "macd": lambda d: [ta.macd(d["close"], fast=12, slow=26, signal=9)],
        "rsi": lambda d: [ta.rsi(d["close"], length=14)],
        "bollinger": lambda d: [ta.bbands(d["close"], length=20, std=2)],
        "atr": lambda d: [ta.atr(d["high"], d["low"], d["close"], length=14)],
        "adx": lambda d: [ta.adx(d["high"], d["low"], d["close"], length=14)],
        "stochastic": lambda d: [ta.stoch(d["high"], d["low"], d["close"], k=14, d=3, smooth_k=3)],
        "obv": lambda d: [ta.obv(d["close"], d["volume"])],
        "roc": lambda d: [ta.roc(d["close"], length=10)],
    }


def batches_of(bars: pl.DataFrame) -> list[pl.DataFrame]:
    """The input of the kernel, a batch of symbols a frame."""
    full = bars.with_columns(asset_class=pl.lit("stock"), session=pl.col("date").dt.date(), usable=pl.lit(value=True))
    symbols = full["symbol"].unique(maintain_order=True).to_list()
    groups = [symbols[at : at + BATCH_SYMBOLS] for at in range(0, len(symbols), BATCH_SYMBOLS)]
    return [full.filter(pl.col("symbol").is_in(group)).rechunk() for group in groups]


def run_ours(batches: list[pl.DataFrame], extras: list[str]) -> None:
    """Every batch through our kernel."""
    for batch in batches:
        indicators(batch, extras=extras)


def run_bare(batches: list[tuple[Inputs, list[int]]], threads: int) -> None:
    """Every batch through TA-Lib."""
    with ThreadPoolExecutor(threads) as pool:
        for arrays, bounds in batches:
            slices = [{name: array[a:b] for name, array in arrays.items()} for a, b in pairwise(bounds)]
            list((map if threads == 1 else pool.map)(_bare, slices))


def _bare(inputs: Inputs) -> list[Any]:
    return [function(inputs) for function in BARE.values()]


def arrays_of(batch: pl.DataFrame) -> tuple[Inputs, list[int]]:
    """Contiguous float64 columns, and where each symbol begins."""
    lengths = batch.group_by("symbol", maintain_order=True).len()["len"].to_list()
    arrays = {name: batch[name].to_numpy().copy() for name in ("high", "low", "close", "volume")}
    return arrays, [0, *np.cumsum(lengths).tolist()]


def run_pandas_ta(frame: Any, functions: dict[str, Callable[[Any], Any]]) -> None:
    """Every symbol of a pandas frame through pandas-ta, its results beside its bars."""
    import pandas as pd  # noqa: PLC0415  only with pandas-ta

    def of_symbol(bars: Any) -> Any:
        return pd.concat([bars, *(column for function in functions.values() for column in function(bars))], axis=1)

    frame.groupby("symbol", group_keys=False)[frame.columns.tolist()].apply(of_symbol)


def main() -> None:
    """Measure, and say the ratios."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("--size", type=size_of, default=size_of("S"), help="S, M, tiny or SYMBOLSxSESSIONS")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the bare calls (default: 1, as ours)")
    arguments.add_argument("--pandas-symbols", type=int, default=20, help="symbols for pandas-ta (default: 20)")
    arguments.set_defaults(repeats=9)
    asked = arguments.parse_args()
    bars = read_bars(market(asked.size, asked.cache))
    batches = batches_of(bars)
    arrays = [arrays_of(batch) for batch in batches]
    shared = [name for name in EXTRAS if name in BARE]
    ways: dict[str, Callable[[], Run]] = {
        "ours": lambda: measure.timed(lambda: run_ours(batches, shared)),
        "bare": lambda: measure.timed(lambda: run_bare(arrays, asked.threads)),
        "ours, all": lambda: measure.timed(lambda: run_ours(batches, list(EXTRAS))),
    }
    few = min(asked.pandas_symbols, asked.size.symbols)
    if importlib.util.find_spec(PANDAS_TA):
        ways["pandas-ta"] = _pandas_ta(bars, few, asked.size.symbols / few)
    else:
        print(f"{PANDAS_TA} is not installed: pip install -r bench/requirements.txt", file=sys.stderr)
    for way in ways.values():
        way()  # imports, first touch of the memory
    runs = measure.interleaved(ways, asked.repeats)
    ours = runs["ours"].seconds
    rows = [("way", "seconds", "M bars/s", "× ours")]
    rows += [
        (name, f"{way.seconds:.3f}", f"{len(bars) / way.seconds / 1e6:.2f}", f"{way.seconds / ours:.2f}")
        for name, way in runs.items()
    ]
    measure.show(f"indicators {asked.size.name}: {len(bars):,} bars, {len(BARE)} entries of the catalogue", rows)
    alone = [entry.name for entry in CATALOGUE if entry.name not in BARE]
    print(f"  in `ours, all` alone, TA-Lib has none: {', '.join(alone)}")
    measure.verdict(f"ours / bare TA-Lib, {asked.threads} thread", ours / runs["bare"].seconds, at_most=1.3)
    if "pandas-ta" in runs:
        print(f"  pandas-ta: measured on {few} symbols, counted × {asked.size.symbols / few:.0f}")
        measure.verdict("pandas-ta / ours", runs["pandas-ta"].seconds / ours, at_least=40)


def _pandas_ta(bars: pl.DataFrame, few: int, factor: float) -> Callable[[], Run]:
    warnings.simplefilter("ignore")
    functions = of_pandas_ta(importlib.import_module(PANDAS_TA))
    if missing := BARE.keys() - functions.keys():
        raise ValueError(f"pandas-ta is to compute the same entries; {', '.join(sorted(missing))} are not there")
    first = bars["symbol"].unique(maintain_order=True)[:few].to_list()
    frame = bars.filter(pl.col("symbol").is_in(first)).to_pandas()
    return lambda: Run(factor * measure.timed(lambda: run_pandas_ta(frame, functions)).seconds)


if __name__ == "__main__":
    main()
