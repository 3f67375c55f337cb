"""On which basis a bar's price stands: which of the symbol's splits the vendor had applied when it answered. Pure.

A vendor adjusts its history for a split at some moment, at once, days later or never, and says nothing. So evidence
decides, version by version:

1. What was answered before a split took effect cannot be adjusted for it.
2. A later version of the same bar that differs by the factor of a split shows that the vendor has adjusted by then;
   one that does not shows that it has not.
3. What has no earlier version stands as other bars answered at that time do.
4. Where no bar has two versions, prices tell: the bars of one answer run on into the bar that follows them, whose
   basis is known, or jump by the factor. Of a factor near 1 they tell nothing; the vendor's word is taken, whose bars
   are said to be adjusted.

What no rule decides is unknown, and not joined to anything. A split that the prices contradict is not applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from openingbell.quality.rows import PRICES
from openingbell.sessions import NEW_YORK
from openingbell.splits import Split
from openingbell.tables import Table
from openingbell.versions import ORDER
from openingbell.versions import current as current_versions

AS_TRADED = "raw"
"""The `basis` of rows that are never adjusted."""
SAME = 0.02
"""Versions of a bar whose prices' ratio is within e^±0.02 of a factor are that factor apart: vendors round."""
TELLING = np.log(1.2)
"""A factor nearer to 1 than this cannot be told from an overnight move."""
OVERNIGHT = 0.35
"""Share of a factor (as logarithms) by which an opening gap may miss what it is taken for."""
EARLY = timedelta(hours=8)
"""A vendor may adjust on the evening before the ex-date, once the session is over."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
UNKNOWN = -1


class Verdict(StrEnum):
    """What the prices say of a split."""

    SEEN = "seen"
    CONTRADICTED = "contradicted"
    UNSEEN = "unseen"  # there are no bars on both sides of it, or it is too small to be seen


@dataclass(frozen=True)
class Evidence:
    """What is known of one split from one feed. `adjusted_at` (UTC) is the first answer that is adjusted for it."""

    split: Split
    verdict: Verdict
    adjusted_at: datetime | None


def on_one_basis(
    versions: pl.DataFrame, table: Table, splits: Mapping[str, Sequence[Split]], last_sessions: Mapping[str, date]
) -> tuple[pl.DataFrame, list[Evidence]]:
    """The current version of every bar, on the basis of the data's last session.

    Args:
        versions: all versions of a raw table's bars, as a reader gives them.
        table: the raw table.
        splits: by symbol, for the symbols that have any; those are stocks, whose sessions are days.
        last_sessions: the last session of each of those symbols' data.

    Returns:
        What `versions.current` returns, with prices and volume of bars before a split those of the shares after it,
        and `split_factor` (Float64, null where the basis is unknown: then prices are the answer's); and the evidence.
    """
    current = current_versions(versions, table)
    concerned = sorted(set(splits) & set(last_sessions) & set(current["symbol"].unique()))
    if not concerned:
        return current.with_columns(split_factor=pl.lit(1.0)), []
    parts, evidence = [], []
    days = versions.filter(pl.col("symbol").is_in(concerned)).with_columns(session=pl.col("date").cast(pl.Date))
    for symbol in concerned:
        based, found = with_basis(days.filter(pl.col("symbol") == symbol), splits[symbol], last_sessions[symbol])
        parts.append(based)
        evidence += found
    joined = current.join(pl.concat(parts), on=["load_id", "source_row"], how="left", maintain_order="left")
    is_concerned = pl.col("symbol").is_in(concerned)
    divisor = pl.col("divisor").fill_null(1.0)
    return (
        joined.with_columns(pl.col(name) / divisor for name in PRICES)
        .with_columns(
            volume=pl.col("volume") * divisor,
            split_factor=pl.when(is_concerned).then("split_factor").otherwise(pl.lit(1.0)),
        )
        .drop("divisor"),
        evidence,
    )


def with_basis(
    versions: pl.DataFrame, splits: Sequence[Split], last_session: date
) -> tuple[pl.DataFrame, list[Evidence]]:
    """Each version's place among the bases.

    Args:
        versions: all versions of the bars of one symbol in one raw table, with `session` (Date), in any order.
        splits: the symbol's splits, those too that are yet to come.
        last_session: the data's last session: splits with a later ex-date have no effect yet.

    Returns:
        load_id and source_row with `divisor` (Float64: what prices are to be divided by, and volumes multiplied with,
        to stand on the basis of `last_session`; null when the basis is unknown) and `split_factor` (Float64: product of
        the factors of the splits from the bar's session to `last_session`, null likewise); and the evidence, one for
        each split that has bars before it.
    """
    rows = _Versions(versions, sorted(splits, key=lambda split: split.ex_date), last_session)
    rows.decide()
    evidence = [rows.evidence(number) for number in range(len(rows.splits))]
    effective = [one.split.ex_date <= last_session and one.verdict is not Verdict.CONTRADICTED for one in evidence]
    factor, applied = np.ones(len(rows.applied)), np.ones(len(rows.applied))
    for number, split in enumerate(rows.splits):
        later = rows.since <= number
        if evidence[number].verdict is Verdict.CONTRADICTED:
            continue
        if effective[number]:
            factor[later] *= split.factor
        applied[later & (rows.applied > number)] *= split.factor
    told = [one for number, one in enumerate(evidence) if (rows.since <= number).any()]
    known = rows.applied != UNKNOWN
    based = rows.identity.with_columns(
        divisor=pl.Series(np.where(known, factor / applied, np.nan), nan_to_null=True),
        split_factor=pl.Series(np.where(known, factor, np.nan), nan_to_null=True),
    )
    return based, told


class _Versions:
    """The versions of one symbol's bars as arrays, sorted by bar and version.

    `since` is the number of the first split after each bar's session, `applied` the number of splits, counted from the
    oldest, that the vendor had applied: the state of a bar with `since` s lies from s to the number of all splits.
    """

    def __init__(self, versions: pl.DataFrame, splits: Sequence[Split], last_session: date) -> None:
        frame = versions.sort("date", *ORDER)
        self.splits = splits
        self.last_session = last_session
        self.identity = frame.select("load_id", "source_row")
        self.logs = np.concatenate(([0.0], np.cumsum(np.log([split.factor for split in splits]))))
        ex_days = np.array([split.ex_date for split in splits], dtype="datetime64[D]")
        self.session = frame["session"].to_numpy().astype("datetime64[D]")
        self.since: Ints = np.searchsorted(ex_days, self.session, side="right").astype(np.int64)
        self.answered = frame["extracted_at"].to_numpy().astype("datetime64[us]")
        self.begins = np.array([_begins(split.ex_date) for split in splits], dtype="datetime64[us]")
        self.possible: Ints = np.searchsorted(self.begins - np.timedelta64(EARLY), self.answered, side="right")
        price = frame.select(pl.sum_horizontal("open", "high", "low", "close", ignore_nulls=False))
        with np.errstate(invalid="ignore", divide="ignore"):
            self.price: Floats = np.log(price.to_series().fill_null(np.nan).to_numpy())
            self.opened: Floats = np.log(np.abs(frame["open"].fill_null(np.nan).to_numpy()))
            self.closed: Floats = np.log(np.abs(frame["close"].fill_null(np.nan).to_numpy()))
        self.is_first = (frame["date"] != frame["date"].shift()).fill_null(value=True).to_numpy()
        as_traded = (frame["basis"] == AS_TRADED).to_numpy()
        untouched = as_traded | (self.possible <= self.since)
        self.applied: Ints = np.where(untouched, self.since, UNKNOWN)
        self.shown = np.zeros(len(frame), dtype=bool)  # whether two versions of the bar showed it
        self.is_given_up = np.zeros(len(frame), dtype=bool)  # whether it stays unknown, if it is

    def decide(self) -> None:
        """Fill `applied`: by two versions of a bar, by the answer's time, by the prices of the bar that follows."""
        for row in np.flatnonzero(~self.is_first):
            self._by_version(int(row))
        while len(open_rows := np.flatnonzero((self.applied == UNKNOWN) & ~self.is_given_up)):
            newest = open_rows[-1]
            same = (self.answered[open_rows] == self.answered[newest]) & (self.since[open_rows] == self.since[newest])
            rows = open_rows[same]
            self.applied[rows] = self._state_of(rows)
            self.is_given_up[rows] = True
            for row in rows:
                later = int(row) + 1
                while later < len(self.applied) and not self.is_first[later]:
                    self._by_version(later)
                    later += 1

    def _by_version(self, row: int) -> None:
        """A version by the one before it, where that one's state is known; one that nothing explains stays unknown."""
        before = int(self.applied[row - 1])
        if before == UNKNOWN or self.applied[row] != UNKNOWN:
            return
        ratio = self.price[row - 1] - self.price[row]
        states = np.arange(self.since[row], self.possible[row] + 1)
        off = np.abs(self.logs[states] - self.logs[before] - ratio)
        best = int(np.argmin(off)) if np.isfinite(ratio) else 0
        if np.isfinite(ratio) and off[best] <= SAME:
            self.applied[row] = states[best]
            self.shown[row] = (np.abs(self.logs[states] - self.logs[states[best]]) <= SAME).sum() == 1  # and no other
        else:
            self.is_given_up[row] = True

    def _state_of(self, rows: Ints) -> int:
        """The state of the bars of one answer that lie between the same splits."""
        since, possible = int(self.since[rows[0]]), int(self.possible[rows[0]])
        states = set(range(since, possible + 1))
        for number in range(since, possible):
            told = self._by_time(number, self.answered[rows[0]])
            if told is not None:
                states = {state for state in states if (state > number) == told}
            elif self._has_shown(number):
                return UNKNOWN  # the answer came between the last that was not adjusted and the first that was
            elif self._is_small(number):
                states.discard(number)
        return states.pop() if len(states) == 1 else self._by_prices(rows, sorted(states))

    def _is_small(self, number: int) -> bool:
        return bool(abs(self.logs[number + 1] - self.logs[number]) < TELLING)

    def _has_shown(self, number: int) -> bool:
        """Whether two versions of any bar have shown how the vendor treats a split."""
        return bool((self.shown & (self.since <= number) & (number < self.possible)).any())

    def _adjusted_at(self, number: int) -> np.datetime64 | None:
        times = self.answered[self.shown & (self.since <= number) & (self.applied > number)]
        return times.min() if len(times) else None

    def _by_time(self, number: int, answered: np.datetime64) -> bool | None:
        """Whether a split is applied in answers of this time, as far as other bars have shown it."""
        adjusted_at = self._adjusted_at(number)
        if adjusted_at is not None and answered >= adjusted_at:
            return True
        others = self.shown & (self.since <= number) & (number < self.possible) & (self.applied <= number)
        if answered < self.begins[number] or (others.any() and answered <= self.answered[others].max()):
            return False
        return None

    def _by_prices(self, rows: Ints, states: list[int]) -> int:
        """The one of the states in which the last of the bars runs on into the bar that follows it."""
        finite = rows[np.isfinite(self.closed[rows])]
        following = self._following(int(finite[-1])) if len(finite) else None
        if following is None:  # nothing that could be joined wrongly, as long as the splits have no effect
            first = int(self.since[rows[0]])
            waits = all(split.ex_date > self.last_session for split in self.splits[first : int(self.possible[rows[0]])])
            return first if waits and first in states else UNKNOWN
        if self.applied[following] == UNKNOWN or not states:
            return UNKNOWN
        level = self.opened[following] + self.logs[self.applied[following]]
        off = np.abs(self.closed[finite[-1]] + self.logs[states] - level)
        best = int(np.argmin(off))
        nearest = np.delete(np.abs(self.logs[states] - self.logs[states[best]]), best).min()
        return states[best] if off[best] <= OVERNIGHT * nearest else UNKNOWN

    def _following(self, row: int) -> int | None:
        """The newest version of the first bar behind a row that has an open."""
        heads = np.append(np.flatnonzero(self.is_first), len(self.is_first))
        newest = heads[1:] - 1
        later = newest[(newest > row) & (heads[:-1] > row) & np.isfinite(self.opened[newest])]
        return int(later[0]) if len(later) else None

    def _gap(self, number: int) -> float | None:
        """Logarithm of the last close before an ex-date over the first open from it on, as the answers have them, later
        splits aside. None when one of the two is not there.
        """
        ex_day = np.datetime64(self.splits[number].ex_date)
        before = np.flatnonzero((self.session < ex_day) & np.isfinite(self.closed))
        after = np.flatnonzero((self.session >= ex_day) & np.isfinite(self.opened))
        if not len(before) or not len(after):
            return None
        last, first = int(before[-1]), _newest_version(after, self.is_first)
        return float(self.closed[last] - self.opened[first] + self._later(last, number) - self._later(first, number))

    def _later(self, row: int, number: int) -> float:
        """Logarithm of what the splits after `number` have divided the price of a row by."""
        start = max(number + 1, int(self.since[row]))
        state = int(self.applied[row])
        return float(self.logs[max(state, start)] - self.logs[start]) if state != UNKNOWN else 0.0

    def evidence(self, number: int) -> Evidence:
        """What is known of a split once all states are decided."""
        split = self.splits[number]
        at = self._adjusted_at(number)
        return Evidence(split, self._verdict(number), None if at is None else at.astype(datetime))

    def _verdict(self, number: int) -> Verdict:
        factor = self.logs[number + 1] - self.logs[number]
        gap = self._gap(number)
        ex_day = np.datetime64(self.splits[number].ex_date)
        before = np.flatnonzero((self.session < ex_day) & np.isfinite(self.closed))
        if gap is None or abs(factor) < TELLING or self.applied[before[-1]] == UNKNOWN:
            return Verdict.UNSEEN
        traded = gap + (factor if self.applied[before[-1]] > number else 0.0)
        return Verdict.SEEN if abs(traded - factor) < abs(traded) else Verdict.CONTRADICTED


def _begins(ex_date: date) -> datetime:
    """When a split takes effect: midnight in New York, as UTC without a zone."""
    midnight = datetime.combine(ex_date, time(), NEW_YORK)
    return (midnight - midnight.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]  # New York has an offset


def _newest_version(rows: Ints, is_first: npt.NDArray[np.bool_]) -> int:
    """The last version of the first bar among `rows`."""
    later = rows[1:][is_first[rows[1:]]]
    return int(later[0] - 1) if len(later) else int(rows[-1])
