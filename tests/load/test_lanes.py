"""Lanes: chains at once, their parts in order, and an end that leaves nothing running."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing

import pytest

from openingbell.load.lanes import in_lanes

CHAINS = ("abc", "de", "", "fghi", "j")


@pytest.mark.parametrize("lanes", [1, 2, 3, 9])
def test_every_part_is_done_once_and_those_of_a_chain_in_order(lanes: int) -> None:
    order: list[str] = []

    def work(part: str) -> str:
        order.append(part)
        return part.upper()

    found = list(in_lanes([iter(chain) for chain in CHAINS], work, lanes))
    assert Counter(found) == Counter("ABCDEFGHIJ")
    for chain in CHAINS:
        assert [part for part in order if part in chain] == list(chain)


def test_one_lane_works_in_the_calling_thread_on_one_chain_after_the_other() -> None:
    threads: set[int] = set()

    def work(part: str) -> str:
        threads.add(threading.get_ident())
        return part

    assert "".join(in_lanes([iter(chain) for chain in CHAINS], work, 1)) == "abcdefghij"
    assert threads == {threading.get_ident()}


def test_so_many_chains_are_worked_on_at_once_and_no_more() -> None:
    together, at_work, most = threading.Barrier(2), Counter[str](), 0

    def work(part: str) -> None:
        nonlocal most
        at_work[part] += 1
        most = max(most, at_work.total())
        together.wait(60)
        at_work[part] -= 1

    assert len(list(in_lanes([iter("aa"), iter("bb"), iter("cc"), iter("dd")], work, 2))) == 8
    assert most == 2


def test_where_one_fails_no_part_is_begun_any_more_and_what_runs_ends_first() -> None:
    failed, ended, begun = threading.Event(), [], []

    def work(part: str) -> str:
        begun.append(part)
        if part == "a":
            failed.set()
            raise RuntimeError(part)
        failed.wait(60)
        ended.append(part)
        return part

    with pytest.raises(RuntimeError, match="a"):
        list(in_lanes([iter("ab"), iter("cd"), iter("ef")], work, 2))
    assert "b" not in begun
    assert "f" not in begun
    assert sorted(ended) == sorted(set(begun) - {"a"})


def test_closed_it_waits_for_what_runs_and_begins_nothing() -> None:
    go, begun, ended = threading.Event(), [], []

    def work(part: str) -> str:
        begun.append(part)
        if part != "a":
            go.wait(60)
        ended.append(part)
        return part

    with closing(in_lanes([iter("ab"), iter("cd")], work, 2)) as found:
        assert next(found) == "a"
        go.set()
    assert sorted(begun) == sorted(ended)
    assert "b" not in begun
