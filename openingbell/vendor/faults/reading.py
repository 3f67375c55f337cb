"""Reading a file of faults: TOML with a seed and one table `[[fault]]` for each fault."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openingbell.errors import UsageError
from openingbell.vendor.faults.fault import Fault, Faults
from openingbell.vendor.faults.kind import FILTERS, SCHEDULE

TOP = ("seed", "fault")
WHAT_TO_DO = "correct the file; docs/vendor.md has an example and lists the kinds"


def read_faults(path: Path) -> Faults:
    """The faults that the file at `path` describes.

    Raises:
        UsageError: there is no such file, or it cannot be understood; the message names the fault by its number.
    """
    try:
        return _faults(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        found = f"the disk says: {error.strerror}; a TOML file with [[fault]] tables is allowed"
    except UnicodeDecodeError:
        found = "it is no UTF-8 text; a TOML file with [[fault]] tables is allowed"
    except tomllib.TOMLDecodeError as error:
        found = f"it is no TOML: {error}; a TOML file with [[fault]] tables is allowed"
    except ValueError as error:
        found = str(error)
    raise UsageError(f"asked to play the faults in {path}; {found}; {WHAT_TO_DO}")


def _faults(document: Mapping[str, Any]) -> Faults:
    if unknown := [name for name in document if name not in TOP]:
        raise ValueError(f"it sets {', '.join(unknown)}; {' and '.join(TOP)} are allowed there")
    tables = document.get("fault")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ValueError("it has no [[fault]]; at least one such table is needed")
    faults = tuple(_numbered(number, table) for number, table in enumerate(tables, 1))
    return Faults(faults, _whole(document, "seed") if "seed" in document else 1)


def _numbered(number: int, table: Mapping[str, Any]) -> Fault:
    try:
        return _fault(table)
    except ValueError as error:
        raise ValueError(f"fault {number}: {error}") from error


def _fault(table: Mapping[str, Any]) -> Fault:
    return Fault(
        kind=_text(table, "kind"),
        symbols=_texts(table, "symbols"),
        paths=_texts(table, "paths"),
        probability=_number(table, "probability") if "probability" in table else 1.0,
        start=_moment(table, "from"),
        end=_moment(table, "to"),
        every_seconds=_number(table, "every_seconds") if "every_seconds" in table else None,
        for_seconds=_number(table, "for_seconds") if "for_seconds" in table else None,
        times=_whole(table, "times") if "times" in table else None,
        values={name: _plain(value) for name, value in table.items() if name not in ("kind", *FILTERS, *SCHEDULE)},
    )


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"{name} is {'not there' if value is None else repr(value)}; a text is needed")


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = table.get(name, [])
    if name in table and not values:
        raise ValueError(f"{name} is empty; a list of texts is allowed, and none at all means every one")
    if isinstance(values, list) and all(isinstance(value, str) and value for value in values):
        return tuple(values)
    raise ValueError(f"{name} is {values!r}; a list of texts is allowed")


def _number(table: Mapping[str, Any], name: str) -> float:
    value = table[name]
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError(f"{name} is {value!r}; a number is allowed")


def _whole(table: Mapping[str, Any], name: str) -> int:
    value = table[name]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"{name} is {value!r}; a whole number is allowed")


def _moment(table: Mapping[str, Any], name: str) -> datetime | None:
    value = table.get(name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{name} is {value!r}; a moment in ISO form with a zone is allowed") from None
    if value is None or isinstance(value, datetime):
        return value
    raise ValueError(f"{name} is {value!r}; a moment in ISO form with a zone is allowed")


def _plain(value: Any) -> Any:
    """A date of TOML as the text that a parameter holds; everything else as it is."""
    return value.isoformat() if isinstance(value, date) else value
