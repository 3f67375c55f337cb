"""Writes docs/settings.md, tables.md, verbs.md, verification.md; `--check` writes nothing and fails when they differ.

Settings and tables say in one place what they are (`openingbell.config`, `openingbell.tables`); these pages are made
from there and never edited. `pages` is pure: the same code gives the same text everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs from a bare checkout

from openingbell import tables  # noqa: E402
from openingbell.cli import app  # noqa: E402
from openingbell.config import Settings, allowed  # noqa: E402
from openingbell.environment import ALIASES, PREFIX  # noqa: E402
from openingbell.indicators.published import SHEETS, Sheet  # noqa: E402
from openingbell.indicators.verify import Comparison, compare_sheet  # noqa: E402
from openingbell.tables import Table  # noqa: E402

UNITS = ("seconds", "minutes", "days", "sessions", "calls")
LAYERS = {
    tables.RAW: "raw: what the vendor said (DW1)",
    tables.ANALYTICS: "analytics: checked, scored and derived (DW2)",
    tables.OPERATIONS: "operations: what ran, what was found, what is missing",
}
LAYER_TEXTS = {
    tables.RAW: """\
Append-only: every version of every bar, with the landed file and line that it came from. The current version of a bar
is the one extracted last; an answer that says the same as the one before it adds no row. Several rows of a bar with
different `extracted_at` are its history.
""",
    tables.ANALYTICS: """\
One row a key, always the newest version. Everything here follows from the raw tables and can be built anew from the
landed files with `bell rebuild`.
""",
    tables.OPERATIONS: """\
The warehouse's own books. `loads` says which landed files are in it, `coverage` what a full record would hold against
what is there. `schema_versions` (version, name, applied_at) says which versions of the tables the warehouse has had
(docs/backup.md).
""",
}
SETTINGS_HEAD = f"""\
# Settings

Made by `scripts/docs.py` from `openingbell/config.py` and `openingbell/environment.py`; never edited.

A setting is looked for in this order; the first that has it wins:

1. the environment, under the name in the last column;
2. the file `.env` in the working folder, with the same names;
3. the file that `OPENINGBELL_CONFIG` names, else `openingbell.toml` in the home, with the names in the first column;
4. the default.

A name that is no setting is refused, in the file and behind the prefix `{PREFIX}`; so is a value that is not allowed.
An empty value in the environment counts as none. Symbols are a list (`stocks = ["AAPL", "BRK-B"]`) or one text with
blanks or commas between them (`{PREFIX}STOCKS="AAPL BRK-B"`). The key is shown nowhere.

`OPENINGBELL_HOME` and `OPENINGBELL_CONFIG` are no settings: they say where the data and the settings are.
"""
TABLES_HEAD = """\
# Tables

Made by `scripts/docs.py` from `openingbell/tables/`; never edited.

One warehouse, three layers. Table names are unique, so `bell sql` needs no layer in front of them; in DuckDB each
layer is a schema of that name.
"""
CONVENTIONS = """\
A bar covers `[date, date + length)` and is named by its **start**. `date` of a bar is the New York wall clock without a
zone; a timestamp with the unit UTC is in UTC; warehouses store no zones. `session` is the trading day. Missing is null,
never 0; no table holds NaN or infinity. A column with nothing under *null when* is never null.

Types are `text`, `date`, `timestamp` (microseconds), `float64`, `int64` and `boolean`: in DuckDB VARCHAR, DATE,
TIMESTAMP, DOUBLE, BIGINT and BOOLEAN.
"""


VERBS_HEAD = """\
# Verbs

Made by `scripts/docs.py` from `openingbell/cli/`; never edited.

Exit codes: 0 done · 1 failed · 2 wrong use · 3 partial (something was left out, and is said) or a closed quality gate.

`--demo` and `--replay` choose the source and with it the home (`homes/demo`, `homes/replay-NAME`); `OPENINGBELL_HOME`
chooses the home itself, and who names no source then gets the home's own.
"""
VERIFICATION_HEAD = """\
# Verification of the indicators

Made by `scripts/docs.py` from `openingbell/indicators/published.py`; never edited. `bell verify-indicators` shows the
same in the terminal and fails when a value is further from the published one than its last digit allows.

Published values stand beside ours, which have two digits more. Where a publication uses another length than our
columns (10 bars, 12 bars), the same function was asked for that length.

`bell verify-indicators --answers FILE` does the same with a CSV file: `date,open,high,low,close,volume` by day and any
columns that somebody else computed, under our names or usual ones (`rsi14`, `ema12`, `macd`, `macd_signal`,
`macd_hist`, `sma20`, `bb_upper`, `bb_lower`, `atr14`, `stoch_k`, `stoch_d`, `obv`, `plus_di`, `minus_di`, `adx14` …).
Every row is compared, empty cells too.
"""
VERIFICATION_FOOT = """\
## What is left out

- The publisher's sheet of the average true range counts the first bar, which has no close before it, as high minus
  low. Ours, like TA-Lib's, begins with the second bar; the sums of true range above are the same publisher's.
- MACD, %D of the stochastic and the first values of all have no small sheet here: the tests compare them
  over 502 days with a spreadsheet of SPY, as `--answers` does.
- Session VWAP, realised volatility and the range of a year are compared with longhand sums in the tests.
"""
NO_DIFFERENCE = 1e-12
"""Differences below are of the machine's arithmetic, and shown as such."""


def pages() -> dict[str, str]:
    """Every generated page by its path from the repository's root."""
    return {
        "docs/settings.md": settings_page(),
        "docs/tables.md": tables_page(),
        "docs/verbs.md": verbs_page(),
        "docs/verification.md": verification_page(),
    }


def settings_page() -> str:
    """The reference of settings."""
    rows = [
        (f"`{name}`", field.description or "", _unit(name), _default(field), allowed(field), _environment(name))
        for name, field in Settings.model_fields.items()
    ]
    return SETTINGS_HEAD + "\n" + _table(("setting", "what it is", "unit", "default", "allowed", "environment"), rows)


def tables_page() -> str:
    """The reference of tables: an overview of the layers, then every column of every table."""
    parts = [TABLES_HEAD]
    overview = [
        (layer, f"[{table.name}](#{table.name})", _code(table.key), _first_sentence(table.doc))
        for layer in LAYERS
        for table in tables.of_layers(layer)
    ]
    parts += [_table(("layer", "table", "key", "what it is"), overview), CONVENTIONS]
    for layer, title in LAYERS.items():
        parts.append(f"## {title}\n\n{LAYER_TEXTS[layer]}")
        parts += [_table_section(table) for table in tables.of_layers(layer)]
    return "\n".join(parts)


def verbs_page() -> str:
    """The reference of the command `bell`: every verb with its words, and the exit codes."""
    group = typer.main.get_command(app)
    parts = [VERBS_HEAD]
    for name, verb in group.commands.items():  # type: ignore[attr-defined]  # a group, which typer does not say
        arguments = " ".join(f"{p.name.upper()}" for p in verb.params if p.param_type_name == "argument")
        rows = [
            (f"`{p.opts[0]}`" if p.param_type_name == "option" else f"`{p.name.upper()}`", p.help, _said_default(p))
            for p in verb.params
        ]
        parts.append(f"## bell {name} {arguments}".rstrip() + f"\n\n{verb.help}\n")
        parts.append(_table(("word", "what it says", "default"), rows))
    return "\n".join(parts)


def verification_page() -> str:
    """Published indicator values beside ours: the largest differences, then every sheet."""
    compared = {sheet.title: compare_sheet(sheet) for sheet in SHEETS}
    rows = [
        (sheet.title, one.column, str(len(one.labels)), _difference(one), "no" if one.disagreeing else "yes")
        for sheet in SHEETS
        for one in compared[sheet.title]
    ]
    parts = [VERIFICATION_HEAD, _table(("sheet", "column", "values", "largest difference", "agrees"), rows)]
    parts += [_sheet_section(sheet, compared[sheet.title]) for sheet in SHEETS]
    return "\n".join([*parts, VERIFICATION_FOOT])


def _difference(one: Comparison) -> str:
    difference = one.largest_difference
    return f"< {NO_DIFFERENCE:.0e}" if difference < NO_DIFFERENCE else f"{difference:.1e}"


def _sheet_section(sheet: Sheet, columns: tuple[Comparison, ...]) -> str:
    head = ("bar", *(text for one in columns for text in (f"{one.column}, published", "ours")))
    cells = [dict(zip(one.labels, one.spelled(), strict=True)) for one in columns]
    bars = max((one.labels for one in columns), key=len)
    rows = [(bar, *(text for column in cells for text in column.get(bar, ("", "")))) for bar in bars]
    return f"## {sheet.title}\n\n{sheet.source}.\n\n" + _table(head, rows)


def _said_default(parameter: Any) -> str:
    default = parameter.default
    return "" if default in (None, False) or parameter.required else f"`{getattr(default, 'value', default)}`"


def _table_section(table: Table) -> str:
    rows = [(f"`{c.name}`", tables.TYPES[c.dtype], c.doc, c.unit, c.null) for c in table.columns]
    versions = f" A bar is identified by {_code(table.bar_key)}; its rows are versions." if table.versioned else ""
    return (
        f"### {table.name}\n\n{table.doc}\n\nKey: {_code(table.key)}.{versions}\n\n"
        + _table(("column", "type", "what it is", "unit", "null when"), rows)
    )  # fmt: skip


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _unit(name: str) -> str:
    return next((unit for unit in UNITS if name.endswith(unit)), "")


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, tuple):
        return " ".join(f"`{symbol}`" for symbol in value)
    return "none" if value in (None, "") else f"`{value}`"


def _environment(name: str) -> str:
    return _code([f"{PREFIX}{name.upper()}", *(alias for alias, setting in ALIASES.items() if setting == name)])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def main(arguments: list[str]) -> int:
    """The exit code: with `--check` 1 when a page is stale."""
    if unknown := [word for word in arguments if word != "--check"]:
        print(f"asked for {' '.join(unknown)}; allowed is --check", file=sys.stderr)
        return 2
    stale = [
        name
        for name, text in pages().items()
        if not (ROOT / name).is_file() or (ROOT / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is not what the code says; run python scripts/docs.py", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).write_text(pages()[name], "utf-8", newline="\n")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
