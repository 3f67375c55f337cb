from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date, timedelta

import httpx
import pytest

from openingbell.clock import SystemClock, VirtualClock
from openingbell.errors import SymbolError, UsageError
from openingbell.universe import Universe
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.replay import ReplaySource
from openingbell.vendor.running import RunningVendor, open_source
from openingbell.vendor.splits import PlayedSplit


def test_it_serves_and_leaves_nothing_behind(market: SimulatedMarket) -> None:
    before = set(threading.enumerate())
    with RunningVendor(market, SystemClock()) as vendor, httpx.Client(headers={"apikey": "k"}, timeout=60) as client:
        assert vendor.url.startswith("http://127.0.0.1:")
        assert vendor.url.endswith("/stable")
        assert client.get(f"{vendor.url}/treasury-rates").status_code == 200
        assert "openingbell-vendor" in {thread.name for thread in set(threading.enumerate()) - before}
    leftovers = [thread for thread in threading.enumerate() if thread not in before]
    for thread in leftovers:
        thread.join(5)
    assert not [thread for thread in leftovers if thread.is_alive()]
    with pytest.raises(httpx.ConnectError):
        httpx.get(vendor.url)


def test_a_port_can_be_chosen_and_taken_again(market: SimulatedMarket) -> None:
    with RunningVendor(market, SystemClock()) as vendor:
        port = httpx.URL(vendor.url).port
        assert port is not None
        with pytest.raises(UsageError, match="choose another port"), RunningVendor(market, SystemClock(), port=port):
            pass
    with RunningVendor(market, SystemClock(), port=port) as again:
        assert again.url == vendor.url
    with again:
        assert httpx.get(again.url).status_code == 404


def test_the_source_is_the_folder_or_the_market(universe: Universe, replay: ReplaySource) -> None:
    assert isinstance(open_source(universe, seed=3), SimulatedMarket)
    folder = replay._files._folder
    assert isinstance(open_source(universe, replay=folder), ReplaySource)


def test_only_the_market_plays_splits_and_only_of_its_symbols(universe: Universe, replay: ReplaySource) -> None:
    split, unknown = (PlayedSplit(symbol, date(2024, 5, 3), 4, 1) for symbol in ("AAPL", "IBM"))
    market = open_source(universe, splits=[split])
    assert market.splits(None, now=SystemClock().now())["symbol"].to_list() == ["AAPL"]
    with pytest.raises(UsageError, match="a replay serves its files as they are"):
        open_source(universe, replay=replay._files._folder, splits=[split])
    with pytest.raises(SymbolError, match="asked to play splits of IBM; not in the universe"):
        open_source(universe, splits=[split, unknown])


def test_it_reads_its_clock_at_every_request(market: SimulatedMarket, new_york: object) -> None:
    clock = VirtualClock(SystemClock().now())
    with RunningVendor(market, clock) as vendor, httpx.Client(headers={"apikey": "k"}, timeout=60) as client:
        first = client.get(f"{vendor.url}/splits?symbol=AAPL").headers["date"]
        clock.wait(timedelta(hours=1).total_seconds())
        assert client.get(f"{vendor.url}/splits?symbol=AAPL").headers["date"] != first


FOREGROUND = """
import signal, threading, urllib.request, sys
from openingbell.clock import SystemClock
from openingbell.universe import from_symbols
from openingbell.vendor.running import open_source, serve

def ready(url):
    def ask():
        request = urllib.request.Request(url + "/historical-price-eod/full?symbol=AAPL&from=2024-01-02&to=2024-01-02",
                                         headers={"apikey": "k"})
        print(urllib.request.urlopen(request).read().decode())
        signal.raise_signal(signal.SIGINT)
    threading.Thread(target=ask).start()

serve(open_source(from_symbols(["AAPL"], [], [])), SystemClock(), on_ready=ready)
print("stopped")
"""


def test_in_the_foreground_it_stops_on_ctrl_c() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FOREGROUND], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"date": "2024-01-02"' in done.stdout
    assert done.stdout.endswith("stopped\n")
    assert done.stderr == ""
