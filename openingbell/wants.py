"""What a backfill was asked for: `wanted.json` in the home. It is a wish only; what of it is there, coverage knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path

from openingbell.errors import RangeError, SourceError
from openingbell.feeds import BAR_FEEDS, Kind
from openingbell.landing import write_durably
from openingbell.universe import Member, Universe

FILE_NAME = "wanted.json"


@dataclass(frozen=True)
class Want:
    """Bars and yields from `first` on, of some symbols and feeds; none named means all."""

    first: date
    symbols: tuple[str, ...]
    feeds: tuple[str, ...]
    asked_at: datetime

    def covers(self, member: Member) -> bool:
        """Whether it is about a member."""
        return (
            member.feed.has_grid
            and (not self.symbols or member.is_among(self.symbols))
            and (not self.feeds or member.feed.name in self.feeds)
        )


def read_wants(root: Path) -> list[Want]:
    """Everything that was asked for in a home.

    Raises:
        SourceError: the file cannot be understood.
    """
    path = root / FILE_NAME
    try:
        return [
            Want(
                date.fromisoformat(facts["first"]),
                tuple(facts["symbols"]),
                tuple(facts["feeds"]),
                datetime.fromisoformat(facts["asked_at"]),
            )
            for facts in json.loads(path.read_text("utf-8"))
        ]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(
            f"asked to read {path}, which says what is to be backfilled; it cannot be understood ({error!r}); restore "
            "it from a backup, or delete it and ask again with `bell backfill`"
        ) from error


def record_want(root: Path, want: Want) -> None:
    """Add to what was asked for; what it wholly holds is replaced by it.

    Raises:
        RecordError: the disk does not take it.
    """
    kept = [one for one in read_wants(root) if not _holds(want, one)]
    plain = [
        {**asdict(one), "first": one.first.isoformat(), "asked_at": one.asked_at.isoformat()} for one in [*kept, want]
    ]
    write_durably(root / FILE_NAME, json.dumps(plain, indent=1).encode("utf-8"))


def _holds(want: Want, other: Want) -> bool:
    return (
        want.first <= other.first
        and (not want.symbols or (bool(other.symbols) and set(other.symbols) <= set(want.symbols)))
        and (not want.feeds or (bool(other.feeds) and set(other.feeds) <= set(want.feeds)))
    )


def widened(universe: Universe, wants: Sequence[Want]) -> Universe:
    """The universe with what was asked for; members with bounds of their own keep those. Of stocks that are wanted no
    more, but were asked for, splits and dividends are wanted too.
    """
    wide = [_widened(member, wants) for member in universe.members]
    asked = {member.symbol for member in wide if member.since is not None}
    return Universe(
        tuple(replace(m, last=None) if m.feed.kind is Kind.ACTIONS and m.symbol in asked else m for m in wide)
    )


def _widened(member: Member, wants: Sequence[Want]) -> Member:
    days = [want.first for want in wants if want.covers(member)]
    return replace(member, since=min(days)) if days and member.first is None else member


def check_feeds(feeds: Sequence[str]) -> None:
    """Refuse feeds that have no bars or yields.

    Raises:
        RangeError: there is one.
    """
    allowed = [feed.name for feed in BAR_FEEDS]
    if unknown := [name for name in feeds if name not in allowed]:
        raise RangeError(
            f"asked for --feeds {', '.join(unknown)}; there is no such feed of bars or yields; allowed are "
            f"{', '.join(allowed)}; correct the name"
        )
