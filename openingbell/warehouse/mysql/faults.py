"""What a server says when it fails, as our errors: what was asked, what it says, what is allowed, what to do. Pure."""

from __future__ import annotations

from openingbell.errors import TransactionLost, WarehouseError, WarehouseLocked

AWAY = {2002, 2003, 2005, 1040, 1053, 1129, 1203}
"""The server is not there, has no place left, or is going: it may be back in a moment."""
LOST = {2006, 2013, 2014, 2055, 1927, 4031, 1152, 1158, 1159, 1160, 1161}
"""The connection was there and broke."""
UNDONE = {1213, 1614}
"""The server undid the transaction: others were in its way."""
HELD = {1205}
REFUSED_USER = {1045, 1698, 1130, 1820, 1862, 2059, 2061}
NO_RIGHT = {1044, 1142, 1143, 1227, 1370}
NOT_THERE = {1049, 1146}
READ_ONLY = {1290, 1792, 1836, 3989}
FULL = {1021, 1114, 1030, 1026, 3, 135}
TOO_LONG = {1153, 1301}
NO_LOCAL_INFILE = {1148, 3948, 4166}
NOT_THE_QUERY = AWAY | LOST | UNDONE | HELD | FULL
"""What has nothing to do with the statement that was asked for."""
DAMAGE = {1034, 1194, 1195, 1296, 1712, 1812, 1815, 1877, 1932}
"""A table, an index or its file cannot be read."""

WAITS = "the warehouse is as it was before; what has landed waits for the next run"


def error_of(code: int, said: str, place: str) -> WarehouseError:
    """Our error for the server's."""
    asked = f"asked to use the warehouse {place}; the server says: {said} ({code})"
    if code in AWAY:
        return WarehouseError(f"{asked}; {WAITS}; start the server, or correct the address in WAREHOUSE_URL")
    if code in LOST:
        return TransactionLost(f"{asked}; the connection broke and the transaction is undone; {WAITS}; run it again")
    if code in UNDONE:
        return TransactionLost(f"{asked}; others write to the same rows, the transaction is undone; {WAITS}")
    if code in HELD:
        return WarehouseLocked(
            f"{asked}; others hold these rows; {WAITS}; close what holds them, or raise warehouse_wait_seconds"
        )
    return WarehouseError(f"{asked}; {_advice(code)}")


def _advice(code: int) -> str:
    if code in REFUSED_USER:
        return "it takes only users that it knows, with their password and from their host; correct WAREHOUSE_URL"
    if code in NO_RIGHT:
        return (
            "the user lacks a right there; the rights that are needed are shown by `bell setup --print-grants`; have "
            "an administrator run what it shows"
        )
    if code in NOT_THERE:
        return "there is no warehouse there yet, or not all of it; create what is missing with `bell setup`"
    if code in READ_ONLY:
        return f"the server takes no writes now; {WAITS}; make it writable, or name another in WAREHOUSE_URL"
    if code in FULL:
        return f"its disk is full or fails; {WAITS}; make room on the server"
    if code in TOO_LONG:
        return f"what was sent is longer than it takes; {WAITS}; raise max_allowed_packet on the server"
    return WAITS
