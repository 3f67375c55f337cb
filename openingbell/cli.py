"""The verbs. Each reads its words, calls one function below, and shows what came of it.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 partial or a closed quality gate.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openingbell import __version__
from openingbell.errors import OpeningbellError, RangeError, UsageError

if TYPE_CHECKING:
    from openingbell.operations.entry import Wish

FAILED = 1
PARTIAL = 3
INTERRUPTED = 130
INTERRUPTION = "interrupted; what has landed stays, the next run does the rest"

app = typer.Typer(
    name="bell",
    help="A market data warehouse that fills itself from Financial Modeling Prep.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and one of them may be the key
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Demo = Annotated[bool, typer.Option("--demo", help="Ask a simulated market on this machine; needs no key.")]
Replay = Annotated[Path | None, typer.Option("--replay", help="Ask the bars of this folder instead of the vendor.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the simulated market.")]
Now = Annotated[str | None, typer.Option("--now", help="The moment at which a demo or replay begins, ISO with a zone.")]
From = Annotated[str | None, typer.Option("--from", help="First session, YYYY-MM-DD.")]
To = Annotated[str | None, typer.Option("--to", help="Last session, YYYY-MM-DD.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbols", help="Only these; commas, or once for each.")]
VendorReplay = Annotated[Path | None, typer.Option("--replay", help="Serve the bars of this folder.")]
VendorSeed = Annotated[int, typer.Option("--seed", help="Seed of the market that is simulated without --replay.")]
VendorNow = Annotated[
    str | None, typer.Option("--now", help="The moment at which the vendor's clock begins, ISO with a zone.")
]
VendorSplits = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        help="Play this split: SYMBOL,YYYY-MM-DD,4:1, and behind a comma at-once, late or never; once for each.",
    ),
]
Day = Annotated[str | None, typer.Option("--day", help="The session to report, YYYY-MM-DD.")]
Week = Annotated[str | None, typer.Option("--week", help="The ISO week to report, such as 2019-W07.")]


class Shape(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def main() -> None:
    """The command `bell`."""
    try:
        app(prog_name="bell")
    except OpeningbellError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _complain(INTERRUPTION)
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # all that typer lets through of an interrupt
            _complain(INTERRUPTION)
        raise


def _complain(text: str) -> None:
    from openingbell import terminal

    terminal.complain(text)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"bell {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def full(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None,
    first: From = None, last: To = None, symbols: Symbols = None,
) -> None:  # fmt: skip
    """Extract, load, transform, check and report: all of it, as far as it is not done yet."""
    _run(("extract", "csv-load", "transform", "quality", "report"), demo, replay, seed, now, first, last, symbols)


@app.command()
def extract(
    demo: Demo = False, replay: Replay = None, seed: Seed = 1, now: Now = None,
    first: From = None, last: To = None, symbols: Symbols = None,
) -> None:  # fmt: skip
    """Ask the vendor for what is due and land it under data_extracts/. Needs no warehouse."""
    _run(("extract",), demo, replay, seed, now, first, last, symbols)


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
def setup(demo: Demo = False, replay: Replay = None, seed: Seed = 1) -> None:
    """Create the warehouse's tables; safe at any time."""
    from openingbell import terminal
    from openingbell.operations import home as homes
    from openingbell.operations.entry import entered

    with entered(_wish(demo, replay, seed, None)) as (home, pipeline):
        homes.claim(home, pipeline.clock)
        pipeline.warehouse.setup()
        terminal.say(f"the warehouse {pipeline.warehouse.place} is ready")


@app.command()
def status(demo: Demo = False, replay: Replay = None, seed: Seed = 1) -> None:
    """What the home holds, what is pending, what ran last, and what is missing."""
    from openingbell import terminal
    from openingbell.operations.entry import entered
    from openingbell.operations.status import status_of

    with entered(_wish(demo, replay, seed, None)) as (home, pipeline):
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

    moment = _moment("--as-of", as_of)
    if symbols and moment is None:
        raise UsageError("asked for --symbols without --as-of; of today's warehouse, say so in the statement's WHERE")
    with entered(_wish(demo, replay, seed, None)) as (_, pipeline):
        market = Market(pipeline.settings, pipeline.universe, pipeline.warehouse, pipeline.clock)
        terminal.show_frame(market.sql(query, as_of=moment, symbols=_split(symbols) or None), shape)


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

    rebuilt = rebuilding.run(_wish(demo, replay, seed, None), verify=verify)
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


@app.command()
def vendor(
    replay: VendorReplay = None,
    seed: VendorSeed = 1,
    now: VendorNow = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 8800,
    key: Annotated[list[str] | None, typer.Option("--key", help="Accept only this key; default: any.")] = None,
    restricted: Annotated[list[str] | None, typer.Option("--restricted", help="Answer 402 for this symbol.")] = None,
    split: VendorSplits = None,
) -> None:
    """Be a vendor: an HTTP server that speaks FMP's /stable dialect, simulated or from a replay folder."""
    from openingbell import terminal
    from openingbell.operations import worker
    from openingbell.vendor.splits import parse_split

    worker.serve_vendor(
        _wish(demo=replay is None, replay=replay, seed=seed, now=now),
        port=port,
        keys=key or None,
        restricted=_split(restricted),
        splits=[parse_split(text) for text in split or []],
        on_ready=lambda url: terminal.say(f"serving {url} until Ctrl-C; to use it set\nOPENINGBELL_BASE_URL={url}"),
    )


def _run(
    stages: tuple[str, ...], demo: bool, replay: Path | None, seed: int, now: str | None,
    first: str | None = None, last: str | None = None, symbols: list[str] | None = None,
    day: str | None = None, week: str | None = None,
) -> None:  # fmt: skip
    from openingbell import terminal
    from openingbell.operations import worker
    from openingbell.operations.summary import summarise

    wish = _wish(demo, replay, seed, now, first, last, symbols, day, week)
    with terminal.progress_of_stages() as progress:
        ran = worker.run(wish, stages, progress)
    terminal.show_summary(summarise(ran))
    if ran.partial:
        raise typer.Exit(PARTIAL)


def _wish(
    demo: bool, replay: Path | None, seed: int, now: str | None,
    first: str | None = None, last: str | None = None, symbols: list[str] | None = None,
    day: str | None = None, week: str | None = None,
) -> Wish:  # fmt: skip
    from openingbell.config import home_from_environment
    from openingbell.operations.entry import Wish
    from openingbell.operations.home import DEMO, REPLAY, Source

    if demo and replay:
        raise UsageError(f"asked for --demo and --replay {replay}; a home has one source; leave one out")
    source = Source(DEMO, str(seed)) if demo else Source(REPLAY, str(replay.resolve())) if replay else None
    return Wish(
        source=source,
        home=home_from_environment(),
        now=_now(now),
        first=_day("--from", first),
        last=_day("--to", last),
        symbols=_split(symbols),
        day=day,
        week=week,
    )


def _split(symbols: list[str] | None) -> tuple[str, ...]:
    return tuple(name for text in symbols or [] for name in text.replace(",", " ").split())


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise RangeError(f"asked for {name} {text}; that is no date; a session is written YYYY-MM-DD")
    return day


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise RangeError(f"asked for {name} {text}; that is no moment; write 2026-11-23T15:00:00+00:00") from None
    if moment is not None and moment.tzinfo is None:
        raise RangeError(f"asked for {name} {text}; it has no zone; add one, such as Z or -05:00")
    return moment


def _now(text: str | None) -> datetime | None:
    moment = _moment("--now", text)
    if moment is not None:
        from openingbell.vendor.levels import FIRST_DAY, LAST_DAY

        if not FIRST_DAY <= moment.date() <= LAST_DAY:
            raise RangeError(
                f"asked for --now {text}; the simulated market does not know that day; it covers {FIRST_DAY} to "
                f"{LAST_DAY}; choose a moment within"
            )
    return moment
