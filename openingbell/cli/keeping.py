"""The verbs that keep what is there: backing up, restoring, copying to another engine, compressing old files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openingbell.cli.app import PARTIAL, app
from openingbell.cli.words import Demo, Replay, Seed, wish_of

Over = Annotated[bool, typer.Option("--replace", help="Also where a warehouse that holds rows is then no more.")]


@app.command()
def backup(
    to: Annotated[Path, typer.Option("--to", help="A folder for it, not there yet or empty.")],
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Write a backup of the warehouse, whoever is at work: Parquet, schema, manifest. Landed files are not in it."""
    from openingbell import terminal
    from openingbell.operations.keeping import backup as keeping

    wish = wish_of(demo, replay, seed, None)
    with terminal.progress_of_stages() as progress:
        made = keeping.run(wish, to, progress("backup"))
    terminal.say(
        f"backed up {made.rows:,} rows of {len(made.tables)} tables into {made.folder}, {made.bytes / 1e6:,.1f} MB; "
        "the landed files under data_extracts/ are not in it, see docs/backup.md"
    )


@app.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="The folder of a backup.")],
    over: Over = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only read the backup and see that it is whole; nothing is changed.")
    ] = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Make the warehouse anew from a backup, which is verified first; one of an earlier version is brought up."""
    from openingbell import terminal
    from openingbell.operations.keeping import restore as restoring

    with terminal.progress_of_stages() as progress:
        if verify:
            whole = restoring.check(source, progress("verify"))
        else:
            done = restoring.run(wish_of(demo, replay, seed, None), source, progress("restore"), over=over)
            whole = done.backup
    made = f"{whole.made_at:%Y-%m-%d %H:%M:%S} UTC, tables of version {whole.version}"
    if verify:
        terminal.say(f"the backup {source} of {made} is whole: {whole.rows:,} rows of {len(whole.tables)} tables")
        return
    terminal.say(f"restored {done.rows:,} rows of {len(whole.tables) - len(done.left_out)} tables as of {made}")
    for note in restoring.notes(done):
        terminal.say(note)


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", help="Where to, as the setting warehouse_url has it.")],
    over: Over = False,
    demo: Demo = False,
    replay: Replay = None,
    seed: Seed = 1,
) -> None:
    """Copy the warehouse to another place, of whatever engine, and compare every value; this one stays as it is."""
    from openingbell import terminal
    from openingbell.operations.keeping import copying

    wish = wish_of(demo, replay, seed, None)
    with terminal.progress_of_stages() as progress:
        compared = copying.run(wish, to, progress("copy"), over=over)
    terminal.show_differences(compared, other="copy")


@app.command()
def tidy(demo: Demo = False, replay: Replay = None, seed: Seed = 1) -> None:
    """Compress landed files that are older than compress_after_days, as a night of `bell run` does; none is deleted."""
    from openingbell import terminal
    from openingbell.operations.keeping import tidying

    done = tidying.run(wish_of(demo, replay, seed, None))
    before, after = done.bytes_before / 1e6, done.bytes_after / 1e6
    terminal.say(f"compressed {done.files:,} landed files from {before:,.1f} to {after:,.1f} MB")
    for problem in done.failed:
        terminal.complain(problem)
    if done.failed:
        raise typer.Exit(PARTIAL)
