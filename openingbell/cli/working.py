"""The verbs of a longer history: what it costs, and working on it."""

from __future__ import annotations

from typing import Annotated

import typer

from openingbell.cli.app import INTERRUPTED, PARTIAL, app
from openingbell.cli.words import BeyondBudget, Demo, Feeds, From, Now, Replay, Seed, Symbols, To, symbols_of, wish_of


@app.command()
def plan(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1,
    first: From = None, last: To = None, symbols: Symbols = None, feeds: Feeds = None,
) -> None:  # fmt: skip
    """What is due, with its cost in calls, minutes, megabytes and disk, before anything is sent.

    With --from also what lies before what is wanted: so much would a backfill from that day on cost.
    """
    from openingbell.operations.entry import entered
    from openingbell.operations.outlook import outlook_of
    from openingbell.pipeline import budget_of
    from openingbell.terminal.coverage import show_notes
    from openingbell.terminal.forecast import show_forecast

    with entered(wish_of(demo, replay, seed, None, first, last, symbols)) as (_, pipeline):
        show_notes(pipeline.listed.remarks() if pipeline.listed else [])
        show_forecast(outlook_of(pipeline, feeds=symbols_of(feeds)), budget_of(pipeline))


@app.command()
def backfill(
    first: Annotated[
        str | None, typer.Option("--from", help="First session that is wanted; without it what was wanted before.")
    ] = None,
    symbols: Symbols = None,
    feeds: Feeds = None,
    beyond_budget: BeyondBudget = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
    now: Now = None,
) -> None:
    """Ask for a longer history: recorded, and worked on until it is there, however often that is interrupted."""
    from openingbell import terminal
    from openingbell.operations import backfill as filling
    from openingbell.operations.stopping import stopping
    from openingbell.operations.summary import summarise
    from openingbell.terminal.forecast import show_forecast

    wish = wish_of(demo, replay, seed, now, first, None, symbols)
    with stopping() as stop, terminal.progress_of_stages() as progress:
        done = filling.run(
            wish,
            feeds=symbols_of(feeds),
            beyond_budget=beyond_budget,
            progress=progress,
            stop=stop.is_set,
            tell=show_forecast,
        )
    if done.left_to:
        terminal.say(f"recorded; {done.left_to} is at work in the home and does it when it has nothing else to do")
    elif done.ran is not None:
        terminal.show_summary(summarise(done.ran))
    if stop.is_set():
        raise typer.Exit(INTERRUPTED)
    if done.ran is not None and done.ran.partial:
        raise typer.Exit(PARTIAL)
