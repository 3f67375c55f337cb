"""Every error that Openingbell raises on purpose, split by what the caller will do about it.

    OpeningbellError            exit 1
    ├── UsageError              exit 2: what was asked cannot be done; ask differently
    │   ├── SettingsError           an unknown setting or a bad value
    │   ├── RangeError              dates reversed, in the future, or not dates
    │   ├── TooEarly                a moment before anything was known
    │   ├── SymbolError             a symbol outside the universe
    │   ├── SourceError             a home of another source, or a replay folder that is none
    │   ├── BudgetExceeded          more than the plan allows today
    │   └── QueryError              SQL that the warehouse refuses
    ├── VendorError             the vendor's answer; `retryable` says whether asking again can help
    │   ├── KeyRefused              401: stop, the key is wrong or missing
    │   ├── Restricted              402, 403: outside the plan; record it, go on with the rest
    │   ├── BadRequest              400, 404, legacy paths: our request is wrong
    │   ├── QuotaExhausted          429 that waiting does not cure: bytes of 30 days, calls of the day
    │   ├── RateLimited             429 or "Limit Reach" in a 200: retryable
    │   ├── VendorUnavailable       5xx, time-outs, resets: retryable
    │   ├── Stopped                 nobody waits for the answer any more
    │   └── UnusableAnswer          a 200 that is no answer (HTML, empty, cut, an error object): retryable
    ├── ClockError              this machine's clock is wrong; set it
    ├── RecordError             data_extracts/: a file that does not fit its manifest, or cannot be written
    ├── WarehouseError          the warehouse: unreachable, an unknown schema
    │   ├── WarehouseLocked         another process holds it; what is landed waits
    │   ├── TransactionLost         the server undid it or the connection broke: the same again can help
    │   ├── SchemaTooNew            a newer program made it
    │   └── BackupNeeded            a migration loses something, and no backup of it was named
    ├── BackupError             a backup that is not whole, or cannot be written
    └── WorkerBusy              another worker owns the home

A message has four parts in this order: what was asked, what was found, what is allowed, what to do. Facts are
attributes as well, so that they can be logged and tested. No message ever holds a key: see `openingbell.secrets`.
"""

from __future__ import annotations

from typing import ClassVar


class OpeningbellError(Exception):
    """The root: everything below it is told to the user in one line, without a traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(OpeningbellError):
    """What was asked cannot be done; the message says what can."""

    exit_code: ClassVar[int] = 2


class SettingsError(UsageError):
    """An unknown setting, or a value that is not allowed."""


class RangeError(UsageError):
    """Dates that are reversed, in the future, or not dates."""


class BudgetExceeded(UsageError):
    """More than the plan allows today."""


class TooEarly(UsageError):
    """A moment before the first answer was received: nothing was known then."""


class SymbolError(UsageError):
    """A symbol that the universe does not hold."""


class SourceError(UsageError):
    """A home that belongs to another source, or a replay folder that is none."""


class QueryError(UsageError):
    """SQL that the warehouse refuses."""


class VendorError(OpeningbellError):
    """An answer of the vendor that is no data. `status` is the HTTP status, or None when there was none."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class KeyRefused(VendorError):
    """The vendor does not accept the key: nothing more is asked."""


class Restricted(VendorError):
    """The plan excludes this symbol or endpoint: recorded, and the rest goes on."""


class BadRequest(VendorError):
    """The vendor does not understand the request: a parameter, a path or a legacy endpoint."""


class QuotaExhausted(VendorError):
    """The calls of the day or the bytes of thirty days are used up: waiting seconds does not help."""


class RateLimited(VendorError):
    """Too many calls just now."""

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_seconds = retry_after_seconds


class VendorUnavailable(VendorError):
    """No usable connection or a server error."""

    retryable: ClassVar[bool] = True


class UnusableAnswer(VendorError):
    """A 200 that is no answer. `body` is what came, kept so that it can be looked at."""

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message, status=status)
        self.body = body


class Stopped(VendorError):
    """Whoever asked wants no answer any more: the process is to end."""


class ClockError(OpeningbellError):
    """This machine's clock runs ahead of the vendor's: bars that still form would be taken for final."""


class RecordError(OpeningbellError):
    """The record under data_extracts/ cannot be written, or a file does not fit its manifest."""


class WarehouseError(OpeningbellError):
    """The warehouse cannot be opened, read or written."""


class WarehouseLocked(WarehouseError):
    """Another process holds the warehouse; landed files wait until it lets go."""


class TransactionLost(WarehouseError):
    """The server undid a transaction, or the connection broke before it said how it ended: the same again can help."""


class SchemaTooNew(WarehouseError):
    """The tables are of a version that only a newer program knows."""


class BackupNeeded(WarehouseError):
    """A migration loses what the warehouse holds, and no backup that has it was named."""


class BackupError(OpeningbellError):
    """A backup cannot be written, or is not the one that was written."""


class WorkerBusy(OpeningbellError):
    """Another worker owns the home. `owner` says which."""

    def __init__(self, message: str, *, owner: str) -> None:
        super().__init__(message)
        self.owner = owner
