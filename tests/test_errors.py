"""The tree of errors: as it is drawn, with an exit code and a retry answer for each."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from openingbell import errors
from openingbell.errors import (
    OpeningbellError,
    RateLimited,
    UnusableAnswer,
    UsageError,
    VendorError,
    VendorUnavailable,
    WarehouseError,
    WarehouseLocked,
    WorkerBusy,
)

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == errors.__name__
]


def drawn() -> dict[str, str]:
    """Parent by class as the drawing at the top of the module has them."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^ {4}(?P<lines>[│├└─ ]*)(?P<name>[A-Z][A-Za-z]+) {2,}\S", line)
        if match is None:
            continue
        depth = len(match["lines"])
        while path and path[-1][0] >= depth:
            path.pop()
        if path:
            parents[match["name"]] = path[-1][1]
        path.append((depth, match["name"]))
    return parents


def test_the_drawing_shows_every_class_under_its_parent() -> None:
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES if kind is not OpeningbellError}
    assert drawn() == real


@pytest.mark.parametrize("kind", CLASSES)
def test_what_the_user_can_ask_differently_exits_2_and_all_else_1(kind: type[OpeningbellError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1)


def test_only_what_may_pass_by_itself_is_worth_asking_again() -> None:
    retryable = {kind for kind in CLASSES if issubclass(kind, VendorError) and kind.retryable}
    assert retryable == {RateLimited, VendorUnavailable, UnusableAnswer}


def test_a_locked_warehouse_is_caught_as_a_warehouse_error() -> None:
    assert issubclass(WarehouseLocked, WarehouseError)


def test_facts_are_attributes() -> None:
    limited = RateLimited("slow down", status=429, retry_after_seconds=2.5)
    assert (str(limited), limited.status, limited.retry_after_seconds) == ("slow down", 429, 2.5)
    assert UnusableAnswer("cut", status=200, body=b"[{").body == b"[{"
    assert WorkerBusy("busy", owner="host 12").owner == "host 12"


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_says_what_it_means(kind: type[OpeningbellError]) -> None:
    assert (kind.__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not WorkerBusy])
def test_an_error_survives_the_way_between_processes(kind: type[OpeningbellError]) -> None:
    assert str(pickle.loads(pickle.dumps(kind("words")))) == "words"
