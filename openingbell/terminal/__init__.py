"""The terminal: what people see of a run, a query, a status. The only module that prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from openingbell.indicators.verify import Comparison
    from openingbell.operations.rebuild import Difference
    from openingbell.operations.status import Status
    from openingbell.operations.summary import Summary
    from openingbell.progress import Progress as Told


def forgive(stream: object) -> None:
    """Show a question mark for what a stream's encoding lacks: no verb that did its work ends in failure over it."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


forgive(sys.stdout)  # standard error is forgiving by itself
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

SHOWN_ROWS = 50
"""Rows of an answer that a table shows; CSV and JSON have them all."""
STATUS_COLOURS = {"SUCCESS": "green", "PARTIAL": "yellow", "FAILED": "red", "RUNNING": "cyan"}


def say(text: str) -> None:
    """One line, never broken."""
    out.print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """One error."""
    err.print(f"[bold red]error:[/] {_escaped(text)}", soft_wrap=True)


@contextmanager
def progress_of_stages() -> Iterator[Any]:
    """A function that gives each stage something to tell its progress to; drawn only on a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:

        def of_stage(stage: str) -> Told:
            for before in bars.tasks:
                bars.update(before.id, total=before.completed)  # done, whatever it had planned: its bar stands still
            task = bars.add_task(stage, total=None)

            def tell(what: str, done: int, planned: int) -> None:
                bars.update(task, description=f"{stage} {what}", completed=done, total=planned)

            return tell

        yield of_stage


def show_summary(summary: Summary) -> None:
    """What a run did, and where everything lies."""
    stages = grid_of("stage", "status", "rows", "seconds", right=(2, 3))
    for job in summary.jobs:
        colour = STATUS_COLOURS[job.status]
        stages.add_row(job.job_type, f"[{colour}]{job.status}[/]", f"{job.records_processed:,}", f"{job.seconds:.1f}")
    out.print(stages)
    if summary.rows:
        out.print()
        out.print(_rows_by_table(summary.rows))
    out.print()
    for name, counts in (("holes", summary.holes), ("findings", summary.findings)):
        if counts is not None:
            out.print(f"[bold]{name:<10}[/] {_counts(counts, 'none')}")
    for name, text in (*summary.notes.items(), *summary.places.items()):
        out.print(f"[bold]{name:<10}[/] {_escaped(text)}", soft_wrap=True)
    for shortfall in summary.shortfalls:
        out.print(f"[yellow]left out:[/]  {_escaped(shortfall)}", soft_wrap=True)


def show_status(status: Status) -> None:
    """What a home holds."""
    for name, value in status.facts.items():
        out.print(f"[bold]{name:<12}[/] {_escaped(value)}", soft_wrap=True)
    if status.jobs:
        jobs = grid_of("job", "status", "started (UTC)", "rows", "message", right=(3,))
        for row in status.jobs:
            colour = STATUS_COLOURS[row["status"]]
            jobs.add_row(
                row["job_type"],
                f"[{colour}]{row['status']}[/]",
                f"{row['started_at']:%Y-%m-%d %H:%M:%S}",
                f"{row['records_processed']:,}",
                _escaped(row["error_message"] or ""),
            )
        out.print(jobs)
    if status.rows:
        out.print(_rows_by_table(status.rows))
    holes = "not known" if status.holes is None else _counts(status.holes, "none")
    out.print(f"[bold]holes[/]        {holes}")


def show_differences(differences: Sequence[Difference], *, other: str = "rebuilt") -> None:
    """Two warehouses, table by table; `other` is what the second one is called."""
    table = grid_of("table", "rows", other, "only here", f"only {other}", "", right=(1, 2, 3, 4))
    for one in differences:
        verdict = "[green]equal[/]" if one.equal else "[red]differs[/]"
        table.add_row(
            one.table, f"{one.rows:,}", f"{one.rebuilt_rows:,}", f"{one.only_first:,}", f"{one.only_rebuilt:,}", verdict
        )
    out.print(table)


def show_comparisons(comparisons: Sequence[Comparison]) -> None:
    """Published values beside ours, the columns of a sheet side by side, and how far they are apart.

    Of a long file only the differences are shown.
    """
    from openingbell.indicators.verify import by_sheet  # noqa: PLC0415  no other verb needs it

    for name, columns in by_sheet(comparisons).items():
        out.print(f"[bold]{_escaped(name)}[/]", soft_wrap=True)
        if len(columns[0].labels) <= SHOWN_ROWS:
            out.print(_side_by_side(columns))
        table = grid_of("column", "rows", "largest difference", "", right=(1, 2))
        for one in columns:
            rows = one.disagreeing
            verdict = f"[red]differs in {len(rows):,}, first {_escaped(rows[0])}[/]" if rows else "[green]agrees[/]"
            table.add_row(_escaped(one.column), f"{len(one.labels):,}", f"{one.largest_difference:.1e}", verdict)
        out.print(table)
        out.print()


def _side_by_side(columns: Sequence[Comparison]) -> Table:
    heads = [f"{one.column}\n{kind}" for one in columns for kind in ("published", "ours")]
    table = grid_of("bar", *heads, right=range(1, len(heads) + 1))
    cells = [dict(zip(one.labels, one.spelled(), strict=True)) for one in columns]
    for bar in max((one.labels for one in columns), key=len):
        table.add_row(bar, *(text for column in cells for text in column.get(bar, ("", ""))))
    return table


def show_frame(frame: pl.DataFrame, shape: str) -> None:
    """An answer as a table for people, or as CSV or JSON for programs (to standard output, in UTF-8)."""
    match shape:
        case "csv":
            _write(frame.write_csv())
        case "json":
            _write(_as_text(frame).write_json() + "\n")
        case _:
            _show_table(frame)


def _write(text: str) -> None:
    """Write for programs: UTF-8 and plain line ends, whatever the system is used to."""
    bytes_out = getattr(sys.stdout, "buffer", None)
    if bytes_out is None:  # what a notebook or a redirection puts in its place takes text alone
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    bytes_out.write(text.encode("utf-8"))
    bytes_out.flush()


def _show_table(frame: pl.DataFrame) -> None:
    """Rows under each other where they fit the terminal, else a block of lines a row."""
    cells = [[_cell(value) for value in row] for row in frame.head(SHOWN_ROWS).iter_rows()]
    widths = [max(map(len, column)) for column in zip(frame.columns, *cells, strict=True)]
    if sum(widths) + 2 * len(widths) <= out.width:
        numeric = [position for position, dtype in enumerate(frame.dtypes) if dtype.is_numeric()]
        table = grid_of(*frame.columns, right=numeric)
        for row in cells:
            table.add_row(*map(_escaped, row))
        out.print(table)
    elif not cells:
        out.print(", ".join(frame.columns), style="bold", markup=False, soft_wrap=True)
    else:
        label = max(map(len, frame.columns), default=0)
        for number, row in enumerate(cells, 1):
            out.print(f"row {number}", style="dim")
            for name, cell in zip(frame.columns, row, strict=True):
                out.print(f"{name:<{label}}  {_escaped(cell)}", soft_wrap=True)
    if not cells:
        out.print("0 rows", style="dim")
    if len(frame) > SHOWN_ROWS:
        out.print(f"{SHOWN_ROWS} of {len(frame)} rows; --format csv or json gives all", style="dim")


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case _:
            return str(value)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Moments in ISO form, which JSON has no type for."""
    return frame.with_columns(pl.col(pl.Datetime).dt.to_string("iso:strict"), pl.col(pl.Date).dt.to_string())


def _rows_by_table(rows: Mapping[str, int]) -> Table:
    table = grid_of("table", "rows", right=(1,))
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table


def grid_of(*names: str, right: Sequence[int] = ()) -> Table:
    """A plain table with these heads; `right` are the columns of numbers."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for position, name in enumerate(names):
        table.add_column(name, justify="right" if position in right else "left", no_wrap=position == 0)
    return table


def _counts(counts: Mapping[str, int], nothing: str) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or nothing


def _escaped(text: str) -> str:
    """Text that rich is not to read as its markup."""
    return text.replace("[", r"\[")
