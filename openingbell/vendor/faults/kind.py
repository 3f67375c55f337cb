"""What a kind of fault is: its name, its parameters, and the function that does it. The kinds are listed in `kinds`.

A kind acts at one of four places: it answers instead of the vendor, changes the rows of an answer, changes the bytes of
its body, or changes how the answer is delivered. A split alone acts in the market itself.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from starlette.types import ASGIApp, Message, Receive, Send

from openingbell.vendor.chance import generator

Value = bool | int | float | str
Row = dict[str, Any]
"""A row of an answer; its numbers are `Number`."""

FILTERS = ("symbols", "paths")
SCHEDULE = ("probability", "from", "to", "every_seconds", "for_seconds", "times")


class Number(str):
    """A number of a JSON answer as it is spelled there."""

    __slots__ = ()


@dataclass(frozen=True)
class Parameter:
    """A number or a text of a kind; `low` (included where `with_low`) and `high` bound a number."""

    name: str
    default: Value
    meaning: str
    low: float = 0.0
    high: float = math.inf
    with_low: bool = False
    choices: tuple[Value, ...] = ()

    def require(self, value: object) -> Value:
        """`value` when it is allowed.

        Raises:
            ValueError: what was found and what is allowed.
        """
        fits: bool
        match self.default:
            case bool():
                fits = isinstance(value, bool)
            case str():
                fits = isinstance(value, str) and value != ""
            case int():
                fits = isinstance(value, int) and not isinstance(value, bool)
            case _:
                fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if fits and isinstance(value, bool | int | float | str) and self._is_inside(value):
            return value
        raise ValueError(f"{self.name} is {value!r}; {self.allowed} is allowed")

    @property
    def allowed(self) -> str:
        """The values that are, in words."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return "a text that is not empty"
        bound = f"{'from' if self.with_low else 'above'} {self.low:g}"
        number = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{number} {bound}" + ("" if math.isinf(self.high) else f" to {self.high:g}")

    def _is_inside(self, value: Value) -> bool:
        if self.choices:
            return value in self.choices
        if isinstance(value, bool | str):
            return True
        return (value >= self.low if self.with_low else value > self.low) and value <= self.high


@dataclass(frozen=True)
class Asking:
    """A request as faults see it: the endpoint's name, the symbol ('' where none is asked), from and to as they are
    written, the moment, the question (path and parameters without the key), and how often it was asked before.
    """

    path: str
    symbol: str
    first: str
    last: str
    now: datetime
    question: str
    asked_before: int = 0


@dataclass(frozen=True)
class Hit:
    """A fault that meets a request: its parameters, its number in the file, the seed, and `calls_today`, the matching
    requests of the New York day up to this one.
    """

    kind: str
    values: Mapping[str, Value]
    seed: int
    number: int
    asking: Asking
    calls_today: int = 1

    def amount(self, name: str) -> float:
        """The parameter `name`, a number."""
        return float(self.values[name])

    def text(self, name: str) -> str:
        """The parameter `name`, a text."""
        return str(self.values[name])

    def chance(self) -> np.random.Generator:
        """The generator of this very asking of this question."""
        return generator(self.seed, "fault", self.number, self.asking.question, self.asking.asked_before)

    def chance_of(self, *names: object) -> np.random.Generator:
        """A generator that gives the same whoever asks and however often: for what belongs to a bar."""
        return generator(self.seed, "bar", self.number, *names)


@dataclass(frozen=True)
class Answer:
    """What the vendor would have sent: its first ASGI message, with status and headers, and the whole body."""

    start: Message
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of fault, and what a client should make of it. `keys` are the common keys that it may have."""

    name: str
    does: str
    client: str
    parameters: tuple[Parameter, ...] = ()
    keys: tuple[str, ...] = field(default=(*FILTERS, *SCHEDULE))


@dataclass(frozen=True, kw_only=True)
class InsteadKind(Kind):
    """Answers instead of the vendor; None leaves the answer to the vendor."""

    act: Callable[[Hit], ASGIApp | None]


@dataclass(frozen=True, kw_only=True)
class RowsKind(Kind):
    """Changes the rows of a good answer."""

    act: Callable[[list[Row], Hit], list[Row]]


@dataclass(frozen=True, kw_only=True)
class BodyKind(Kind):
    """Changes the bytes of a good answer, after all that changes its rows."""

    act: Callable[[bytes, Hit], bytes]


@dataclass(frozen=True, kw_only=True)
class DeliveryKind(Kind):
    """Sends the answer in its own way."""

    act: Callable[[Answer, Hit, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class MarketKind(Kind):
    """Acts in the simulated market, not on requests."""
