"""The verbs that look and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openingbell.cli.app import FAILED, app
from openingbell.cli.words import Demo, Replay, Seed, Shape, moment_of, symbols_of, wish_of
from openingbell.errors import UsageError


@app.command()
def status(demo: Demo = False, replay: Replay = None, seed: Seed = 1) -> None:
    """What the home holds, what is pending, what ran last, and what is missing."""
    from openingbell import terminal
    from openingbell.operations.entry import entered
    from openingbell.operations.status import status_of

    with entered(wish_of(demo, replay, seed, None)) as (home, pipeline):
        terminal.show_status(status_of(home, pipeline))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A statement that reads; table names need no layer.")],
    shape: Annotated[Shape, typer.Option("--format", help="How the answer is written.")] = Shape.TABLE,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Of what was known at this moment, ISO with a zone; computed anew.")
    ] = None,
    symbols: Annotated[
        list[str] | None,
        typer.Option("--symbols", help="With --as-of, only these: quicker; breadth is then theirs alone."),
    ] = None,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Ask the warehouse, also as it was."""
    from openingbell import terminal
    from openingbell.operations.entry import entered
    from openingbell.reader import Market

    moment = moment_of("--as-of", as_of)
    if symbols and moment is None:
        raise UsageError("asked for --symbols without --as-of; of today's warehouse, say so in the statement's WHERE")
    with entered(wish_of(demo, replay, seed, None)) as (_, pipeline):
        market = Market(pipeline.settings, pipeline.universe, pipeline.warehouse, pipeline.clock)
        terminal.show_frame(market.sql(query, as_of=moment, symbols=symbols_of(symbols) or None), shape)


@app.command("verify-indicators")
def verify_indicators(
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="Compare with this CSV instead: bars by day, and columns that others computed."),
    ] = None,
) -> None:
    """Show published indicator values beside ours; exit 1 if one differs by more than its last digit."""
    from openingbell import terminal
    from openingbell.indicators import verify

    if answers is None:
        comparisons = verify.compare_embedded()
        terminal.show_comparisons(comparisons)
    else:
        compared = verify.compare_answers(answers)
        comparisons = compared.comparisons
        terminal.show_comparisons(comparisons)
        if compared.left_out:
            terminal.say(f"not compared, no such column here: {', '.join(compared.left_out)}")
    if any(one.disagreeing for one in comparisons):
        raise typer.Exit(FAILED)
