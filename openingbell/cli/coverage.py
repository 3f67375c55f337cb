"""The verb that shows what is there and what is missing."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from openingbell.cli.app import app
from openingbell.cli.words import Demo, Feeds, Replay, Seed, Symbols, To, symbols_of, wish_of

MAP_DAYS = 366


class View(StrEnum):
    """How coverage is written."""

    MAP = "map"
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def coverage(
    view: Annotated[View, typer.Option("--format", help="A heat map, or the rows.")] = View.MAP,
    first: Annotated[
        str | None, typer.Option("--from", help="First session, YYYY-MM-DD; a map begins a year back by itself.")
    ] = None,
    last: To = None,
    symbols: Symbols = None,
    feeds: Feeds = None,
    holes: Annotated[bool, typer.Option("--holes", help="Only what is not complete.")] = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """What a full record would hold against what is there, session by session, each hole with its excuse."""
    from dataclasses import replace

    from openingbell import terminal
    from openingbell.operations import coverage_view
    from openingbell.operations.entry import entered
    from openingbell.terminal.coverage import show_coverage, show_notes

    wish = wish_of(demo, replay, seed, None, first, last, symbols)
    with entered(wish) as (home, pipeline):
        newest = pipeline.last or pipeline.clock.now().date()
        year_back = newest - timedelta(days=MAP_DAYS) if view is View.MAP else None
        seen = coverage_view.coverage_of(home, replace(pipeline, first=pipeline.first or year_back), symbols_of(feeds))
    show_notes(seen.notes)
    if view is View.MAP:
        show_coverage(seen.rows, only_holes=holes)
    else:
        terminal.show_frame(coverage_view.holes(seen.rows) if holes else seen.rows, view)
