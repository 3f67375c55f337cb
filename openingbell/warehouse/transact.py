"""A transaction that is done again when the server undid it, or broke off before it said how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from openingbell.errors import TransactionLost
from openingbell.warehouse.protocol import Warehouse, Writer

log = structlog.get_logger()

Done = TypeVar("Done")
TRIES = 3


def transact(warehouse: Warehouse, work: Callable[[Writer], Done]) -> Done:
    """What `work` gives, done in one transaction.

    It may be called again after a try whose commit took effect though its answer was lost: it looks at what is there.

    Raises:
        TransactionLost: every try was lost.
    """
    for tries in range(1, TRIES):
        try:
            with warehouse.write() as writer:
                return work(writer)
        except TransactionLost as error:
            log.warning("transaction_repeated", tries=tries, reason=str(error))
    with warehouse.write() as writer:
        return work(writer)
