"""A client of a vendor with faults, for the tests of what is on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from openingbell.clock import VirtualClock
from openingbell.sessions import NEW_YORK
from openingbell.vendor.faults import Fault, Faults
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.source import Source

Row = dict[str, Any]
NOW = "2024-05-07T11:07:30"
CHART, DAYS, RATES = "historical-chart/15min", "historical-price-eod/full", "treasury-rates"
QUERY = {"symbol": "AAPL", "from": "2024-05-06", "to": "2024-05-07"}
ROWS = 26 + 7
"""Bars of that query at that moment; the newest of them runs."""


class Wire:
    """A client of a vendor with faults."""

    def __init__(self, vendor: RunningVendor, client: httpx.Client, clock: VirtualClock) -> None:
        self.vendor, self.client, self.clock = vendor, client, clock

    def get(self, path: str = CHART, **changed: str) -> httpx.Response:
        query = {**QUERY, **{name.rstrip("_"): value for name, value in changed.items()}}
        return self.client.get(path, params=query)

    def rows(self, path: str = CHART, **changed: str) -> list[Row]:
        answer = self.get(path, **changed)
        assert answer.status_code == 200, answer.text
        result: list[Row] = answer.json()
        return result

    @property
    def kinds(self) -> list[str]:
        return [asked.fault for asked in self.vendor.requests.all()]


class Opener(Protocol):
    """Opens a wire to the market of the tests, or to another source."""

    def __call__(
        self, *faults: Fault, seed: int = 1, now: str = NOW, source: Source | None = None
    ) -> AbstractContextManager[Wire]:
        """The wire, while its block runs."""


@contextmanager
def wire_to(source: Source, faults: tuple[Fault, ...], *, seed: int, now: str) -> Iterator[Wire]:
    """A wire to a vendor that lives at `now`, New York wall clock."""
    clock = VirtualClock(datetime.fromisoformat(now).replace(tzinfo=NEW_YORK).astimezone(UTC))
    with (
        RunningVendor(source, clock, faults=Faults(faults, seed)) as vendor,
        httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client,
    ):
        yield Wire(vendor, client, clock)
