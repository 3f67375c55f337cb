"""A tick into a warehouse on a server: one new bar of every symbol lands as CSV and becomes visible with indicators,
scores and the day's tables.

For each size a warehouse is filled once (its databases begin with bench_tick_, and stay as long as the package does not
change). Then the bars of the next session land one after the other, in turns at all sizes, and each is loaded and
transformed at once, in this process. What was to become visible is counted after each; at the end it is taken back.

Wanted: a tick at 4 × S costs at most 1.5 × a tick at S, and 2 seconds.

    python bench/tick_on_server.py mysql://root@127.0.0.1:3306/ [--size S 500x1008] [--repeats 5]
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import measure
from bench.market import NEXT, Market, market
from bench.on_server import on_server
from bench.ours import Ours
from bench.sizes import size_of
from bench.tick import Ticking, package_digest
from openingbell import tables
from openingbell.warehouse.protocol import Warehouse

MOST_REPEATS = 25
"""A session has 26 bars: one to warm up, then one each turn."""


def filled(made: Market, url: str) -> Warehouse:
    """A warehouse with everything that has landed before the ticks; made when there is none of this version."""
    warehouse = on_server(url, f"tick_{made.root.name}")
    mark = made.root / "filled-on-server"
    if mark.exists() and mark.read_text("utf-8") == package_digest() and warehouse.exists():
        take_back(warehouse)
        return warehouse
    print(f"filling {warehouse.place}", file=sys.stderr, flush=True)
    mark.unlink(missing_ok=True)
    warehouse.delete()
    warehouse.setup()
    ours = Ours(made.extracts, warehouse, made.size.universe)
    ours.load()
    ours.transform()
    mark.write_text(package_digest(), "utf-8")
    return warehouse


def take_back(warehouse: Warehouse) -> None:
    """Remove what ticks have written."""
    with warehouse.write() as writer:
        loads = writer.read(tables.STOCK_RAW, first=NEXT).select("load_id").unique()
        for table in tables.of_layers(tables.RAW, tables.ANALYTICS):
            if table.is_dated:
                writer.remove(table, writer.read(table, first=NEXT).select(table.key))
        writer.remove(tables.LOADS, loads)


def main() -> None:
    """Tick at each size and compare."""
    arguments = measure.parser(__doc__)
    arguments.add_argument("url", help="the server, as mysql://USER:PASSWORD@HOST:PORT/")
    arguments.add_argument(
        "--size", type=size_of, nargs="+", default=[size_of("S"), size_of("500x1008")], help="the first is the measure"
    )
    asked = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if asked.repeats > MOST_REPEATS:
        arguments.error(f"--repeats is at most {MOST_REPEATS}: a session has no more bars")
    markets = [market(size, asked.cache) for size in asked.size]
    warehouses = [filled(made, asked.url) for made in markets]
    with tempfile.TemporaryDirectory(dir=asked.cache) as folder:
        homes = {
            made.size.name: Ticking(made, Path(folder) / made.size.name, warehouse)
            for made, warehouse in zip(markets, warehouses, strict=True)
        }
        for home in homes.values():
            home.in_process()
        runs = measure.interleaved({name: home.in_process for name, home in homes.items()}, asked.repeats)
    for warehouse in warehouses:
        take_back(warehouse)
    rows = [("size", "seconds"), *((name, f"{way.seconds:.3f}") for name, way in runs.items())]
    measure.show(f"a tick of {asked.size[0].symbols} bars into a warehouse on a server", rows)
    small, large = asked.size[0].name, asked.size[-1].name
    measure.verdict(f"{large} / {small}", runs[large].seconds / runs[small].seconds, at_most=1.5)
    measure.verdict(f"seconds at {large}", runs[large].seconds, at_most=2)


if __name__ == "__main__":
    main()
