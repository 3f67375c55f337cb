"""All kinds of fault by name. What a file may say, what is done and what the docs tell follow from this table."""

from __future__ import annotations

from collections.abc import Mapping

from openingbell.vendor.faults.answers import INSTEAD_KINDS
from openingbell.vendor.faults.bars import BAR_KINDS
from openingbell.vendor.faults.delivery import DELIVERY_KINDS
from openingbell.vendor.faults.kind import BodyKind, Hit, Kind, MarketKind, Parameter
from openingbell.vendor.faults.rows import ROWS_KINDS
from openingbell.vendor.splits import Manner

SPLIT = "split"


def _truncated(body: bytes, hit: Hit) -> bytes:
    return body[: int(len(body) * hit.amount("share"))]


OTHER_KINDS: tuple[Kind, ...] = (
    BodyKind(
        name="truncated",
        does="200 with JSON that ends in the middle, and a length that fits",
        client="ask again, never take it for data",
        parameters=(Parameter("share", 0.5, "of the bytes are sent", high=0.99, with_low=True),),
        act=_truncated,
    ),
    MarketKind(
        name=SPLIT,
        does="the simulated market splits `symbols` overnight",
        client="adjust what it has, or ask for it again",
        parameters=(
            Parameter("on", "2026-06-15", "the ex-date, a text"),
            Parameter("ratio", "2:1", "shares after : shares before"),
            Parameter("manner", Manner.AT_ONCE.value, "when the vendor adjusts", choices=tuple(Manner)),
        ),
        keys=("symbols",),
    ),
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (*INSTEAD_KINDS, *DELIVERY_KINDS, *ROWS_KINDS, *BAR_KINDS, *OTHER_KINDS)
}
