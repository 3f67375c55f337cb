"""Sources and questions that the tests of the vendor share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell.sessions import NEW_YORK
from openingbell.universe import Universe, from_symbols, read_replay
from openingbell.vendor.faults import Fault
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.replay import ReplaySource
from openingbell.vendor.source import Source
from tests.vendor.wire import NOW, ROWS, Opener, Row, Wire, wire_to

Moment = Callable[[str], datetime]


@pytest.fixture(scope="session")
def new_york() -> Moment:
    """Turns New York wall clock text into the moment it names."""

    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)

    return moment


@pytest.fixture(scope="session")
def universe() -> Universe:
    return from_symbols(["AAPL", "ZZTOP"], ["^GSPC", "^VIX"], ["GCUSD", "NGUSD"])


@pytest.fixture(scope="session")
def market(universe: Universe) -> SimulatedMarket:
    return SimulatedMarket(universe, seed=7)


@pytest.fixture(scope="session")
def replay(shared_data: Path) -> ReplaySource:
    folder = shared_data / "replay"
    return ReplaySource(folder, read_replay(folder))


@pytest.fixture
def wire(market: SimulatedMarket) -> Opener:
    def opened(
        *faults: Fault, seed: int = 1, now: str = NOW, source: Source | None = None
    ) -> AbstractContextManager[Wire]:
        return wire_to(source or market, faults, seed=seed, now=now)

    return opened


@pytest.fixture
def truth(wire: Opener) -> list[Row]:
    with wire() as at:
        rows = at.rows()
        assert len(rows) == ROWS
        assert at.kinds == [""]
        return rows
