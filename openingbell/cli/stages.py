"""The verbs that run stages: the whole of it, one by one, and the warehouse built anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openingbell.cli.app import PARTIAL, app
from openingbell.cli.words import BeyondBudget, Demo, From, Now, Replay, Seed, Symbols, To, wish_of

Day = Annotated[str | None, typer.Option("--day", help="The session to report, YYYY-MM-DD.")]
Week = Annotated[str | None, typer.Option("--week", help="The ISO week to report, such as 2019-W07.")]


@app.command()
def full(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None,
    first: From = None, last: To = None, symbols: Symbols = None, beyond_budget: BeyondBudget = False,
) -> None:  # fmt: skip
    """Extract, load, transform, check and report: all of it, as far as it is not done yet."""
    _run(
        ("extract", "csv-load", "transform", "quality", "report"),
        demo,
        replay,
        seed,
        now,
        first,
        last,
        symbols,
        beyond_budget=beyond_budget,
    )


@app.command()
def extract(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None,
    first: From = None, last: To = None, symbols: Symbols = None, beyond_budget: BeyondBudget = False,
) -> None:  # fmt: skip
    """Ask the vendor for what is due and land it under data_extracts/. Needs no warehouse."""
    _run(("extract",), demo, replay, seed, now, first, last, symbols, beyond_budget=beyond_budget)


@app.command("csv-load")
def csv_load(demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None) -> None:
    """Bring landed files into the raw warehouse."""
    _run(("csv-load",), demo, replay, seed, now)


@app.command()
def transform(demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None) -> None:
    """Turn what is new in the raw warehouse into analytics."""
    _run(("transform",), demo, replay, seed, now)


@app.command()
def quality(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None, first: From = None, last: To = None
) -> None:
    """Check what needs a whole set, refresh coverage, and log what was found."""
    _run(("quality",), demo, replay, seed, now, first, last)


@app.command()
def report(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None, day: Day = None, week: Week = None
) -> None:
    """Render the figures of a day or a week into reports/; by default of the newest day."""
    _run(("report",), demo, replay, seed, now, day=day, week=week)


@app.command()
def setup(
    backup: Annotated[
        Path | None,
        typer.Option("--backup", help="A backup of now, where this version takes away what an earlier one had."),
    ] = None,
    print_grants: Annotated[
        bool, typer.Option("--print-grants", help="Show the SQL by which a server's administrator makes its users.")
    ] = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Create the warehouse's tables, or bring those of an earlier version up to this one; safe at any time."""
    from openingbell import terminal
    from openingbell.operations import home as homes
    from openingbell.operations.entry import entered
    from openingbell.tables.history import VERSIONS
    from openingbell.warehouse.connect import grants_of

    if print_grants:
        with entered(wish_of(demo, replay, seed, None)) as (_, pipeline):
            for statement in grants_of(pipeline.settings):
                terminal.say(statement)
        return
    with entered(wish_of(demo, replay, seed, None)) as (home, pipeline):
        homes.claim(home, pipeline.clock)
        if backup is not None:
            from openingbell.operations.keeping.backup import require_backup

            require_backup(backup, pipeline.warehouse)
        pipeline.warehouse.setup(losing=backup is not None)
        terminal.say(f"the warehouse {pipeline.warehouse.place} is ready, its tables of version {VERSIONS[-1].number}")


@app.command()
def rebuild(
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the second warehouse with the first and keep the first.")
    ] = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Build the warehouse anew from the landed files; with --verify beside the old one, to compare."""
    from openingbell import terminal
    from openingbell.operations import rebuild as rebuilding

    rebuilt = rebuilding.run(wish_of(demo, replay, seed, None), verify=verify)
    if rebuilt.differences:
        terminal.show_differences(rebuilt.differences)
    elif rebuilt.set_aside:
        terminal.say(
            f"the warehouse was damaged and is set aside as {rebuilt.set_aside}; a new one was built from the landed "
            "files; the job log begins anew"
        )
    else:
        terminal.say("there was no warehouse; one was built from the landed files")
    if not all(difference.equal for difference in rebuilt.differences):
        raise typer.Exit(PARTIAL)


def _run(
    stages: tuple[str, ...], demo: bool, replay: Path | None, seed: int, now: str | None,
    first: str | None = None, last: str | None = None, symbols: list[str] | None = None,
    day: str | None = None, week: str | None = None, beyond_budget: bool = False,
) -> None:  # fmt: skip
    from openingbell import terminal
    from openingbell.operations import worker
    from openingbell.operations.summary import summarise

    wish = wish_of(demo, replay, seed, now, first, last, symbols, day, week, beyond_budget)
    with terminal.progress_of_stages() as progress:
        ran = worker.run(wish, stages, progress)
    terminal.show_summary(summarise(ran))
    if ran.partial:
        raise typer.Exit(PARTIAL)
