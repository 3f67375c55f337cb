"""Answers of rows that are all alike, taken apart at once: bars and yields, many and flat. Pure.

The JSON module makes an object of every value, and that is what it takes its time for. Here values stay as the vendor
spelled them: msgspec checks the syntax and finds them, and writes them again without the names. What then is left of a
line besides signs that numbers are made of must be what is left of the first. What is not exactly so goes to the JSON
module: of what both understand they say the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from openingbell.landing.lines import Lines

NAME = re.compile(r"\w+", re.ASCII)
"""What a field is called; an error that the vendor tells has a blank in its name."""
TEXTS = ("symbol", "date")
"""What may be text, in every row like the first but for signs that numbers are made of; all else must be numbers."""
PLAIN = re.compile(rb'"[\w .:^=/-]+"')
NUMBER = re.compile(rb"[-0-9].*")
OF_NUMBERS = b"0123456789.-+eE"
NOT_OF_LINES = b'"[]'
FIRST = msgspec.json.Decoder(list[dict[str, Raw]])
ROWS = msgspec.json.Encoder()


def flat_rows(body: bytes) -> Lines | None:
    """The rows of an answer, in the vendor's order and spelling; None where the JSON module has to be asked."""
    try:
        (first,) = FIRST.decode(body[: body.find(b"}") + 1] + b"]")
        if not _is_flat(first):
            return None
        rows = _decoder(tuple(first)).decode(body)
    except (ValueError, RecursionError):  # msgspec's own are among the first
        return None
    text = ROWS.encode_lines([astuple(row) for row in rows])
    left = text[: text.index(b"\n") + 1].translate(None, OF_NUMBERS)
    if b'""' in text or text.translate(None, OF_NUMBERS) != left * len(rows):
        return None
    return Lines(tuple(first), len(rows), text.translate(None, NOT_OF_LINES), are_numbers=True)


def _is_flat(row: Mapping[str, Raw]) -> bool:
    """Whether a row has only numbers, a date and a symbol, of signs that a line may have."""
    return bool(row) and all(
        NAME.fullmatch(name) and (PLAIN if name in TEXTS and value[:1] == b'"' else NUMBER).fullmatch(value)
        for name, value in ((name, bytes(raw)) for name, raw in row.items())
    )


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...]) -> msgspec.json.Decoder[list[Any]]:
    """What finds the values of rows that have exactly these names."""
    fields = {f"field_{place}": name for place, name in enumerate(names)}
    typed = [(field, Raw) for field in fields]
    row = msgspec.defstruct("Row", typed, rename=fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
