"""Running the vendor: in a thread for tests and the demo (`RunningVendor`), or in the foreground (`serve`).

It owns sockets and the server's life; nothing here knows what is answered.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from openingbell.clock import Clock
from openingbell.errors import OpeningbellError, SymbolError, UsageError
from openingbell.universe import Universe
from openingbell.vendor.asked import RequestLog
from openingbell.vendor.faults import Faults
from openingbell.vendor.faults.hanging import HangingUpProtocol
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.replay import ReplaySource
from openingbell.vendor.server import Interceptor, build_app
from openingbell.vendor.source import Source
from openingbell.vendor.splits import PlayedSplit

LOCALHOST = "127.0.0.1"
START_SECONDS = 10.0


class RunningVendor:
    """A vendor that answers between `with` and its end. Port 0 takes a free one; `keys` None accepts any key.

    `requests` is the log of what it was asked.

    Raises:
        UsageError: `faults` hold a split that `source` does not play.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        *,
        host: str = LOCALHOST,
        port: int = 0,
        keys: Collection[str] | None = None,
        restricted: Collection[str] = (),
        interceptor: Interceptor | None = None,
        faults: Faults | None = None,
    ) -> None:
        _require_splits(source, clock, faults)
        self.requests = RequestLog()
        self._app = build_app(
            source,
            clock,
            keys=keys,
            restricted=restricted,
            interceptor=interceptor,
            faults=faults,
            log=self.requests,
        )
        self._server = _Server(self._app)
        self._address = (host, port)
        self._thread: threading.Thread | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The base to which endpoint names are appended, such as http://127.0.0.1:43121/stable."""
        return self._url

    def __enter__(self) -> Self:
        listener = _listen(*self._address)
        self._url = _url(listener)
        self._server = _Server(self._app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="openingbell-vendor", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            listener.close()
            raise OpeningbellError(f"asked to run the vendor at {self._url}; it did not start in {START_SECONDS:g} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()


def serve(
    source: Source,
    clock: Clock,
    *,
    host: str = LOCALHOST,
    port: int = 0,
    keys: Collection[str] | None = None,
    restricted: Collection[str] = (),
    interceptor: Interceptor | None = None,
    faults: Faults | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Answer until Ctrl-C or SIGTERM. `on_ready` is called with the base address when the first request can come.

    Raises:
        UsageError: the port is taken, or `faults` hold a split that `source` does not play.
    """
    _require_splits(source, clock, faults)
    listener = _listen(host, port)
    url = _url(listener)
    server = _Server(
        build_app(source, clock, keys=keys, restricted=restricted, interceptor=interceptor, faults=faults),
        on_ready=None if on_ready is None else lambda: on_ready(url),
    )
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return


def open_source(
    universe: Universe, *, replay: Path | None = None, seed: int = 1, splits: Sequence[PlayedSplit] = ()
) -> Source:
    """The replay folder `replay` as a source, or without one the market of `seed`, which plays `splits`.

    Raises:
        SourceError: `replay` is no replay folder.
        UsageError: `splits` for a replay.
        SymbolError: a split of a symbol outside `universe`.
    """
    if replay is not None and splits:
        raise UsageError(
            f"asked to play splits in the replay {replay}; a replay serves its files as they are; only the simulated "
            "market plays splits; leave out the splits or the replay"
        )
    if replay is not None:
        return ReplaySource(replay, universe)
    market = SimulatedMarket(universe, seed, splits)
    unknown = sorted({split.symbol for split in splits if not market.knows(split.symbol)})
    if unknown:
        raise SymbolError(
            f"asked to play splits of {', '.join(unknown)}; not in the universe; its symbols are allowed; choose one "
            "of them, or add the symbol to the settings"
        )
    return market


def _require_splits(source: Source, clock: Clock, faults: Faults | None) -> None:
    """A split is played by the source, which is made before the faults come to it."""
    for split in faults.splits if faults else ():
        if split.ex_date not in source.splits(split.symbol, now=clock.now())["date"]:
            raise UsageError(
                f"asked for the fault split of {split.symbol} on {split.ex_date}; the source does not play it; only "
                "the simulated market plays splits; give `faults.splits` to open_source"
            )


class _Server(uvicorn.Server):
    """Says when it serves, so that nobody has to poll."""

    def __init__(self, app: object, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # an ASGI app, which uvicorn types more narrowly than Starlette does
                http=HangingUpProtocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self.ready = threading.Event()
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.ready.set()
        if self._on_ready is not None:
            self._on_ready()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the protocol is named; with it every answer would take 40 ms more
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"asked to serve at {host}:{port}; {error.strerror}; a free port of this machine is allowed; "
            "choose another port, or 0 for any"
        ) from error
    listener.listen(128)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/stable"
