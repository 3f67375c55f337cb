"""The kinds of fault that send a good answer badly: too late, in part, or in drops. Their seconds are real ones."""

from __future__ import annotations

from starlette.types import Receive, Send

from openingbell.vendor.faults.hanging import HANG_UP, left_within
from openingbell.vendor.faults.kind import Answer, DeliveryKind, Hit, Parameter


async def _timeout(answer: Answer, hit: Hit, receive: Receive, send: Send) -> None:
    if not await left_within(hit.amount("seconds"), receive):
        await send(answer.start)
        await send({"type": "http.response.body", "body": answer.body})


async def _slow(answer: Answer, hit: Hit, receive: Receive, send: Send) -> None:
    low, high = sorted((hit.amount("least"), hit.amount("most")))
    if not await left_within(hit.chance().uniform(low, high), receive):
        await send(answer.start)
        await send({"type": "http.response.body", "body": answer.body})


async def _reset(answer: Answer, hit: Hit, receive: Receive, send: Send) -> None:  # noqa: ARG001  a delivery
    await send(answer.start)
    part = answer.body[: int(len(answer.body) * hit.amount("share"))]
    await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": HANG_UP})


async def _drip(answer: Answer, hit: Hit, receive: Receive, send: Send) -> None:
    await send(answer.start)
    pieces = int(hit.amount("pieces"))
    size = -(-len(answer.body) // pieces) or 1
    for number in range(pieces):
        if await left_within(hit.amount("seconds") / pieces, receive):
            return
        drop = answer.body[number * size : (number + 1) * size]
        await send({"type": "http.response.body", "body": drop, "more_body": number < pieces - 1})


DELIVERY_KINDS: tuple[DeliveryKind, ...] = (
    DeliveryKind(
        name="timeout",
        does="the answer is held for `seconds` real seconds",
        client="give up when its patience ends, ask again",
        parameters=(Parameter("seconds", 60.0, "real seconds until the answer"),),
        act=_timeout,
    ),
    DeliveryKind(
        name="slow",
        does="the answer takes between `least` and `most` real seconds more, evenly",
        client="ask others meanwhile",
        parameters=(
            Parameter("least", 0.1, "real seconds", with_low=True),
            Parameter("most", 0.3, "real seconds", with_low=True),
        ),
        act=_slow,
    ),
    DeliveryKind(
        name="reset",
        does="the connection is closed in the middle of the body",
        client="keep nothing of it, ask again",
        parameters=(Parameter("share", 0.5, "of the bytes are sent", high=0.99, with_low=True),),
        act=_reset,
    ),
    DeliveryKind(
        name="drip",
        does="the body comes in `pieces` over `seconds` real seconds",
        client="take it when it is whole",
        parameters=(
            Parameter("seconds", 10.0, "real seconds until the end of the body"),
            Parameter("pieces", 20, "how many"),
        ),
        act=_drip,
    ),
)
