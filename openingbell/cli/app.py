"""The app itself, its exit codes, and what happens when a verb fails."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from openingbell import __version__
from openingbell.errors import OpeningbellError

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
