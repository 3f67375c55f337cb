"""A warehouse that is filled beside the one whose place it takes: until it is whole, nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from openingbell.errors import UsageError
from openingbell.warehouse.pieces import rows_held
from openingbell.warehouse.protocol import Warehouse


@contextmanager
def anew(first: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse of the same kind, which takes the place of `first` when the block ends well."""
    second = first.beside()
    second.delete()
    try:
        with second.kept_open():
            yield second
    except BaseException:
        second.delete()
        raise
    second.take_place_of(first)


def require_empty(warehouse: Warehouse, *, asked: str) -> None:
    """Refuse a warehouse that holds rows; `asked` says for what it is wanted.

    Raises:
        UsageError: it holds some.
    """
    if not warehouse.exists():
        return
    with warehouse.read() as reader:
        held = rows_held(reader)
    if rows := sum(held.values()):
        most = max(held, key=lambda name: held[name])
        raise UsageError(
            f"asked {asked}; the warehouse {warehouse.place} holds {rows:,} rows, {held[most]:,} of them in {most}; "
            "what is there is replaced only for who says so; say --replace, or choose another place"
        )
