"""Chains of work side by side: the parts of one chain one after the other, of several chains at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Part = TypeVar("Part")
Done = TypeVar("Done")


def in_lanes(chains: Iterable[Iterator[Part]], work: Callable[[Part], Done], lanes: int) -> Generator[Done]:
    """What `work` makes of every part, in the order in which they end.

    Args:
        chains: the parts of each, drawn in the calling thread.
        work: called in threads of their own where there are several lanes.
        lanes: how many chains are worked on at once.

    Where work fails, or the caller closes this generator, no further part is begun; what is under way ends first.
    """
    if lanes == 1:
        yield from (work(part) for chain in chains for part in chain)
        return
    waiting = deque(chains)
    running: dict[Future[Done], Iterator[Part]] = {}
    with ThreadPoolExecutor(lanes) as pool:
        while waiting or running:
            while waiting and len(running) < lanes:
                chain = waiting.popleft()
                for part in chain:
                    running[pool.submit(work, part)] = chain
                    break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                waiting.appendleft(running.pop(future))  # what was begun goes on first
                yield future.result()
