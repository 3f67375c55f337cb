"""The table that a test run shows at its end: what each engine did in each test of the conformance suite."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

SUITE = "tests/warehouse/test_conformance.py"
PLACE = re.compile(rf"{re.escape(SUITE)}::(?P<test>\w+)\[(?P<engine>duckdb|mysql)\b")


def table(outcomes: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a table: a row a test, a column an engine, how many cases passed, failed or were skipped.

    Args:
        outcomes: the id of each test that ran, and what became of it.
    """
    cells: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for place, outcome in outcomes:
        if found := PLACE.match(place):
            cells[found["test"]][found["engine"]][outcome] += 1
    engines = sorted({engine for row in cells.values() for engine in row})
    width = max((len(test) for test in cells), default=0)
    head = f"{'':{width}}  " + "  ".join(f"{engine:<12}" for engine in engines)
    return [head, *(_line(test, row, engines, width) for test, row in cells.items())] if cells else []


def _line(test: str, row: dict[str, Counter[str]], engines: Iterable[str], width: int) -> str:
    texts = [", ".join(f"{number} {outcome}" for outcome, number in sorted(row[engine].items())) for engine in engines]
    return f"{test:<{width}}  " + "  ".join(f"{text:<12}" for text in texts)
