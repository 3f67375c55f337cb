"""The words that verbs share: options, and what is understood by them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openingbell.errors import RangeError, UsageError

if TYPE_CHECKING:
    from openingbell.operations.entry import Wish

Demo = Annotated[bool, typer.Option("--demo", help="Ask a simulated market on this machine; needs no key.")]
Replay = Annotated[Path | None, typer.Option("--replay", help="Ask the bars of this folder instead of the vendor.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the simulated market.")]
Now = Annotated[str | None, typer.Option("--now", help="The moment at which a demo or replay begins, ISO with a zone.")]
From = Annotated[str | None, typer.Option("--from", help="First session, YYYY-MM-DD.")]
To = Annotated[str | None, typer.Option("--to", help="Last session, YYYY-MM-DD.")]
Feeds = Annotated[list[str] | None, typer.Option("--feeds", help="Only these; commas, or once for each.")]
BeyondBudget = Annotated[
    bool, typer.Option("--beyond-budget", help="Begin although the plan does not allow all of it today.")
]
Symbols = Annotated[list[str] | None, typer.Option("--symbols", help="Only these; commas, or once for each.")]


class Shape(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def wish_of(
    demo: bool, replay: Path | None, seed: int, now: str | None,
    first: str | None = None, last: str | None = None, symbols: list[str] | None = None,
    day: str | None = None, week: str | None = None, beyond_budget: bool = False,
) -> Wish:  # fmt: skip
    """What was asked for; without a source it is the home's own.

    Raises:
        UsageError: two sources, or a word that cannot be understood.
    """
    from openingbell.environment import home_from_environment
    from openingbell.operations.entry import Wish
    from openingbell.operations.home import DEMO, REPLAY, Source

    if demo and replay:
        raise UsageError(f"asked for --demo and --replay {replay}; a home has one source; leave one out")
    source = Source(DEMO, str(seed)) if demo else Source(REPLAY, str(replay.resolve())) if replay else None
    return Wish(
        source=source,
        home=home_from_environment(),
        now=now_of(now),
        first=day_of("--from", first),
        last=day_of("--to", last),
        symbols=symbols_of(symbols),
        day=day,
        week=week,
        beyond_budget=beyond_budget,
    )


def symbols_of(symbols: list[str] | None) -> tuple[str, ...]:
    """Symbols that were given with commas, blanks, or one by one."""
    return tuple(name for text in symbols or [] for name in text.replace(",", " ").split())


def day_of(name: str, text: str | None) -> date | None:
    """A session by its date; `name` is the option that asks for it."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise RangeError(f"asked for {name} {text}; that is no date; a session is written YYYY-MM-DD")
    return day


def moment_of(name: str, text: str | None) -> datetime | None:
    """A moment with its zone; `name` is the option that asks for it."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise RangeError(f"asked for {name} {text}; that is no moment; write 2026-11-23T15:00:00+00:00") from None
    if moment is not None and moment.tzinfo is None:
        raise RangeError(f"asked for {name} {text}; it has no zone; add one, such as Z or -05:00")
    return moment


def now_of(text: str | None) -> datetime | None:
    """The moment at which a simulated market begins."""
    moment = moment_of("--now", text)
    if moment is not None:
        from openingbell.vendor.levels import FIRST_DAY, LAST_DAY

        if not FIRST_DAY <= moment.date() <= LAST_DAY:
            raise RangeError(
                f"asked for --now {text}; the simulated market does not know that day; it covers {FIRST_DAY} to "
                f"{LAST_DAY}; choose a moment within"
            )
    return moment
