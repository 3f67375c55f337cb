"""A home full of landed files for a measurement: bars of the simulated market, written as an extraction would.

It asks the simulator of the vendor in a box directly, without HTTP, plans the requests as an extraction does (newest
window first, a hundred symbols a file, official daily bars last) and lands them with manifests. A size is S (500
symbols × 252 sessions, 3.3 million bars), M (500 × 2,016, eight years, 26 million), tiny (3 × 5), or any other written
SYMBOLSxSESSIONS. All sizes end with the same session; the bars of the session after it lie beside, a tick a file. The
same size is always the same files, made once and kept in --cache: a minute for S, some four minutes and 2 GB for M.

    python bench/market.py --size S
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.sizes import LAST, NOW, Size, size_of
from openingbell import sessions
from openingbell.config import Settings
from openingbell.coverage import Due
from openingbell.extract.plan import Request, plan
from openingbell.feeds import EOD, STOCKS
from openingbell.landing import Ask, Landing, Outcome
from openingbell.vendor.market import SimulatedMarket

NEXT = date(2025, 12, 31)
"""The session of the ticks: a full one."""
BEGIN = datetime(2025, 12, 30, 23, 30, tzinfo=UTC)
"""When the first answer was received: the official bars of the last session were final by then."""
BETWEEN_ANSWERS = timedelta(milliseconds=100)
SOURCE = "bench"
MADE = "made-3"
"""The mark of a market that is there whole. Its number rises when what is made changes."""


@dataclass(frozen=True)
class Market:
    """A market on the disk: landed files, and the ticks that come after them."""

    size: Size
    root: Path

    @property
    def extracts(self) -> Path:
        """The record."""
        return self.root / "data_extracts"

    @property
    def ticks(self) -> Path:
        """A record of its own with one file for each bar of the session after the last: a bar for every symbol."""
        return self.root / "ticks"

    @property
    def bytes(self) -> int:
        """Of all landed CSV."""
        return sum(path.stat().st_size for path in self.extracts.glob("*/*.csv"))


def market(size: Size, folder: Path) -> Market:
    """The market of a size in `folder`, made when it is not there."""
    made = Market(size, folder / f"{size.symbols}x{size.sessions}")
    mark = made.root / MADE
    if not mark.exists():
        shutil.rmtree(made.root, ignore_errors=True)
        print(f"making {size.bars:,} bars in {made.root}", file=sys.stderr, flush=True)
        _make(made)
        mark.touch()
    return made


def read_bars(made: Market) -> pl.DataFrame:
    """All landed intraday bars: symbol (String), date (Datetime µs), open, low, high, close, volume (Float64), sorted
    by symbol and date.
    """
    numbers = ("open", "low", "high", "close", "volume")
    return (
        pl.scan_csv(made.extracts / STOCKS.name / "*.csv", schema_overrides=dict.fromkeys(numbers, pl.Float64))
        .select("symbol", pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us"), *numbers)
        .sort("symbol", "date")
        .collect()
    )


def _make(made: Market) -> None:
    universe, first = made.size.universe, made.size.first
    members = (*universe.of(STOCKS), *universe.of(EOD))
    batches = plan(Due(member, first, LAST) for member in members)
    begins = [BEGIN + number * BETWEEN_ANSWERS for number in accumulate(map(len, batches), initial=0)]
    groups: dict[str, list[tuple[datetime, list[Request]]]] = {}
    for begin, batch in zip(begins[:-1], batches, strict=True):
        groups.setdefault(batch[0].member.symbol, []).append((begin, batch))
    if len(groups) == 1:
        _land_group(made, *groups.values())
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(len(groups), os.cpu_count() or 1), mp_context=spawn) as pool:
            list(pool.map(_land_group, [made] * len(groups), groups.values()))
    _land_ticks(made)


def _land_group(made: Market, batches: Sequence[tuple[datetime, list[Request]]]) -> None:
    """Land all batches of a hundred symbols."""
    landing = Landing(made.extracts)
    symbols = list(dict.fromkeys(request.member.symbol for _, batch in batches for request in batch))
    source = SimulatedMarket(made.size.universe)
    first = made.size.first
    bars = _text({s: source.intraday(s, STOCKS.bar_interval, first=first, last=LAST, now=NOW) for s in symbols})
    days = _text({s: source.daily(s, first=first, last=LAST, now=NOW) for s in symbols})
    for begin, batch in batches:
        rows = bars if batch[0].member.feed.name == STOCKS.name else days  # a copy: it came from another process
        _land(landing, begin, batch, rows)


def _land_ticks(made: Market) -> None:
    landing = Landing(made.ticks)
    source = SimulatedMarket(made.size.universe)
    bars = _text({s: source.intraday(s, STOCKS.bar_interval, first=NEXT, last=NEXT, now=NOW) for s in made.size.names})
    requests = [Request(member, NEXT, NEXT) for member in made.size.universe.of(STOCKS)]
    grid = sessions.grid(STOCKS.calendar, STOCKS.bar_interval, NEXT, NEXT)
    for number, (start, end) in enumerate(grid.select("date", "end_utc").iter_rows(), start=1):
        answered = end + _final_delay(requests[0]) + timedelta(seconds=1)
        rows = bars.filter(pl.col("date") == f"{start:%Y-%m-%d %H:%M:%S}")
        _land(landing, answered, requests, rows, bars={NEXT: number})


def _land(
    landing: Landing, begin: datetime, batch: list[Request], rows: pl.DataFrame, bars: dict[date, int] | None = None
) -> None:
    """Land what the requests of a batch, all of one window, are answered."""
    member, first, last = batch[0].member, batch[0].first, batch[0].last
    answered = {request.member.symbol: begin + n * BETWEEN_ANSWERS for n, request in enumerate(batch)}
    moments = {symbol: moment.isoformat() for symbol, moment in answered.items()}
    found = rows.filter(pl.col("session").is_between(first, last), pl.col("symbol").is_in(list(answered)))
    counts = dict(found.group_by("symbol").len().iter_rows())
    final = bars or _expected(member.calendar, member.bar_interval, first, last)
    asks = tuple(
        Ask(
            symbol=request.member.symbol,
            asset_class=request.member.asset_class,
            calendar=request.member.calendar,
            first=request.first,
            last=request.last,
            covered_first=request.first,
            covered_last=request.last,
            answered_at=answered[request.member.symbol],
            status=200,
            outcome=Outcome.ANSWERED,
            rows=counts[request.member.symbol],
            bytes=150 * counts[request.member.symbol],  # what a row is as JSON
            bars=final,
        )
        for request in batch
    )
    text = found.select(
        "symbol",
        pl.col("symbol").replace_strict(moments, return_dtype=pl.String).alias("answered_at"),
        pl.exclude("symbol", "session"),
    )
    landing.write(
        member.feed.name,
        text,
        asks,
        source=SOURCE,
        bar_interval=member.bar_interval,
        basis=member.basis,
        final_delay=_final_delay(batch[0]),
    )


def _final_delay(request: Request) -> timedelta:
    return Settings.model_validate({}).final_delay(request.member.feed)


@cache
def _expected(calendar: str, bar_interval: str, first: date, last: date) -> dict[date, int]:
    return dict(sessions.expected_bars(calendar, bar_interval, first, last).iter_rows())


def _text(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of all symbols as the vendor spells and orders them, newest first, with their session."""
    spelled = []
    for symbol, frame in frames.items():
        stamp = "%Y-%m-%d" if frame.schema["date"] == pl.Date else "%Y-%m-%d %H:%M:%S"
        spelled.append(
            frame.sort("date", descending=True).select(
                pl.lit(symbol).alias("symbol"),
                pl.col("date").cast(pl.Date).alias("session"),
                pl.col("date").dt.strftime(stamp),
                pl.exclude("date").cast(pl.String).str.strip_suffix(".0"),
            )
        )
    return pl.concat(spelled)


def main() -> None:
    """Make what was asked for and say what it is."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("--size", type=size_of, default=size_of("S"), help="S, M, tiny or SYMBOLSxSESSIONS")
    asked = arguments.parse_args()
    made = market(asked.size, asked.cache)
    files = len(list(made.extracts.glob("*/*.csv")))
    print(f"{made.root}: {made.size.bars:,} bars, {files:,} files, {measure.megabytes(made.bytes)}")


if __name__ == "__main__":
    main()
