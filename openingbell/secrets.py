"""Keeping keys out of everything that is written: one function, used wherever foreign text becomes ours."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[hidden]"
SHORTEST_SECRET = 4
"""Below this a value is no secret, and hiding it would make nonsense of every text that happens to hold it."""


def hide(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret, plain or URL-encoded, replaced by a mark."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin with another
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    return text
