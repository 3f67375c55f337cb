"""Closing a connection without finishing the answer: ASGI has no word for it, so this module adds one.

An app sends the message `HANG_UP`; the protocol at the socket closes the connection and lets nothing complain.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HANG_UP = "openingbell.hang_up"


async def hang_up(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  an ASGI app
    """An app that closes the connection and answers nothing."""
    await send({"type": HANG_UP})


async def left_within(seconds: float, receive: Receive) -> bool:
    """Wait `seconds`, or until the client leaves if that is sooner; tells whether it did."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


class HangingUpProtocol(H11Protocol):
    """HTTP/1.1 that understands `HANG_UP`: what was sent so far goes out, and the connection is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Take up a connection."""
        super().connection_made(transport)
        app = self.app

        async def closing(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_or_close(message: Message) -> None:
                if message["type"] != HANG_UP:
                    await send(message)
                    return
                transport.close()
                while (await receive())["type"] != "http.disconnect":  # uvicorn must know before the app returns
                    pass

            await app(scope, receive, send_or_close)

        self.app = closing
