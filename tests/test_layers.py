"""What import-linter cannot see: who touches a driver, the clock, the environment and the terminal, and what is pure.

Each rule names the only files that may do something; the source of every other file is read, not run. The direction
of imports is in `pyproject.toml`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "openingbell"
FILES = sorted(PACKAGE.rglob("*.py"))

DRIVERS = {
    "duckdb": "warehouse/duckdb.py",
    "httpx": "extract/fmp.py",
    "msgspec": "extract/flat.py",
    "pandas_market_calendars": "calendars.py",
    "platformdirs": "calendars.py",
    "pymysql": "warehouse/mysql/wire.py",
    "dotenv": "environment.py",
    "rich": "terminal/",
    "starlette": "vendor/",
    "talib": "indicators/ta.py",
    "typer": "cli/",
    "uvicorn": "vendor/",
}
"""A foreign package, and the one file (or folder) that imports it. Loggers are had from structlog by anyone."""

SEAMS = {
    "datetime.datetime.now": "clock.py",
    "datetime.datetime.today": "clock.py",
    "datetime.datetime.utcnow": "clock.py",
    "datetime.date.today": "clock.py",
    "time.time": "clock.py",
    "time.time_ns": "clock.py",
    "time.sleep": "clock.py",
    "os.environ": "environment.py",
    "os.environb": "environment.py",
    "os.getenv": "environment.py",
    "print": "terminal/",
    "sys.stdout": "terminal/",
}
"""A dangerous name, and the one file (or folder) that uses it."""

PURE = (
    "quality/checks.py",
    "quality/rows.py",
    "quality/score.py",
    "splits.py",
    "transform/resample.py",
    *(f"indicators/{file.name}" for file in sorted((PACKAGE / "indicators").glob("*.py"))),
)
PURE_MAY_IMPORT = {"errors", "feeds", "indicators", "sessions", "splits", "tables", "universe", "versions"} | {
    path.removesuffix(".py").replace("/", ".") for path in PURE
}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a file, also inside functions; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used(tree: ast.AST) -> Iterator[str]:
    """Every name and dotted name in a file, as its full name: `dt.now` after `from datetime import datetime as dt`."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            yield ".".join([full.get(first, first), *rest])


def belongs(path: str, owner: str) -> bool:
    """Whether a file is the owner, or in the folder that is."""
    return path == owner or (owner.endswith("/") and path.startswith(owner))


def offences(source: str, path: str) -> list[str]:
    """What the file at `path` in the package imports or uses that belongs to another file alone."""
    tree = ast.parse(source)
    found = []
    for module in imported(tree):
        owner = DRIVERS.get(module.split(".")[0], path)
        if not belongs(path, owner):
            found.append(f"{path} imports {module}: only {owner} does")
    found += [
        f"{path} uses {name}: only {SEAMS[name]} does"
        for name in used(tree)
        if not belongs(path, SEAMS.get(name, path))
    ]
    return sorted(set(found))


def impurities(source: str, path: str) -> list[str]:
    """What the pure file at `path` imports from the package beside facts and pure modules."""
    ours = [
        name.removeprefix("openingbell.") for name in imported(ast.parse(source)) if name.startswith("openingbell.")
    ]
    return [
        f"{path} imports openingbell.{name}: it must stay pure"
        for name in ours
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in PURE_MAY_IMPORT)
        and not any(allowed.startswith(f"{name}.") for allowed in PURE_MAY_IMPORT)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_drivers_clock_environment_and_terminal_have_one_place_each(file: Path) -> None:
    assert offences(file.read_text("utf-8"), file.relative_to(PACKAGE).as_posix()) == []


@pytest.mark.parametrize("path", PURE)
def test_pure_modules_import_only_facts_and_each_other(path: str) -> None:
    assert impurities((PACKAGE / path).read_text("utf-8"), path) == []


@pytest.mark.parametrize("path", sorted({*DRIVERS.values(), *SEAMS.values(), *PURE}))
def test_every_place_that_a_rule_names_exists(path: str) -> None:
    assert (PACKAGE / path).exists()


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("import httpx", "imports httpx"),
        ("def f():\n    from duckdb import connect", "imports duckdb.connect"),
        ("import rich.table", "imports rich.table"),
        ("import datetime\ndatetime.datetime.now()", "uses datetime.datetime.now"),
        ("from datetime import datetime as dt\ndt.now()", "uses datetime.datetime.now"),
        ("from time import sleep\nsleep(1)", "uses time.sleep"),
        ("import time as t\nwait = t.sleep", "uses time.sleep"),
        ("import os\nos.environ['A']", "uses os.environ"),
        ("from os import getenv\ngetenv('A')", "uses os.getenv"),
        ("print(1)", "uses print"),
    ],
)
def test_an_offence_is_seen_in_every_disguise(source: str, offence: str) -> None:
    assert any(offence in found for found in offences(source, "load/stage.py"))


@pytest.mark.parametrize(
    "source", ["import structlog", "import time\ntime.monotonic()", "clock.now()", "from datetime import datetime"]
)
def test_what_is_allowed_passes(source: str) -> None:
    assert offences(source, "load/stage.py") == []


def test_an_impure_import_is_seen() -> None:
    assert impurities("from openingbell.tables import Table\nfrom openingbell.quality import checks", PURE[1]) == []
    assert impurities("from openingbell.warehouse.protocol import Warehouse", PURE[1])
    assert impurities("from openingbell import clock", PURE[1])
