"""The verbs of the worker that stays: running it, whether all is well, and how the vendor behaves."""

from __future__ import annotations

from typing import Annotated

import typer

from openingbell.cli.app import FAILED, app
from openingbell.cli.words import Demo, Feeds, Now, Replay, Seed, Shape, symbols_of, wish_of


@app.command()
def run(demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None) -> None:
    """Stay and do everything in its time: ticks, the end of the day, reports, sweeps at night, backfills between."""
    from openingbell import terminal
    from openingbell.operations import service
    from openingbell.operations.stopping import stopping

    with stopping() as stop:
        service.serve(wish_of(demo, replay, seed, now), stop=stop, tell=terminal.say)


@app.command()
def doctor(
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
    heartbeat: Annotated[
        bool, typer.Option("--heartbeat", help="Only whether the worker gives signs of life; for containers.")
    ] = False,
    endpoints: Annotated[
        bool, typer.Option("--endpoints", help="Ask one thing of every feed as well: what the plan excludes is seen.")
    ] = False,
) -> None:
    """Look at what a home needs: Python, key, vendor, plan, clocks, disk, warehouse, calendars; exit 1 on failure."""
    from openingbell.operations import doctor as examining
    from openingbell.operations.entry import entered
    from openingbell.terminal.doctor import show_checks

    with entered(wish_of(demo, replay, seed, None)) as (home, pipeline):
        checks = [examining.worker(home)] if heartbeat else list(examining.examine(home, pipeline, endpoints=endpoints))
    show_checks(checks)
    if any(check.verdict is examining.Verdict.FAILURE for check in checks):
        raise typer.Exit(FAILED)


@app.command("vendor-report")
def vendor_report(
    feeds: Feeds = None,
    shape: Annotated[
        Shape, typer.Option("--format", help="Tables for people, or a figure a row for programs.")
    ] = Shape.TABLE,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """How the vendor behaved in thirty days: how late its bars were, how often they changed, how many never came."""
    from openingbell import terminal
    from openingbell.operations.entry import entered
    from openingbell.operations.vendor_report import view
    from openingbell.terminal.coverage import show_notes
    from openingbell.terminal.vendor_report import show_report

    with entered(wish_of(demo, replay, seed, None)) as (home, pipeline):
        report = view.report_of(home, pipeline, symbols_of(feeds))
    show_notes(report.notes)
    if shape is Shape.TABLE:
        show_report(report)
    else:
        terminal.show_frame(report.figures, shape)
