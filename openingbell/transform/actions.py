"""Corporate actions as the warehouse shows them: the newest version of each, and what was made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from openingbell.splits import splits_of
from openingbell.tables import CORPORATE_ACTIONS
from openingbell.transform.basis import Evidence, Verdict


def corporate_actions(
    actions: pl.DataFrame, evidence: Sequence[Evidence], last_sessions: Mapping[str, date]
) -> pl.DataFrame:
    """The table `corporate_actions`.

    Args:
        actions: current versions of `corporate_actions_raw`.
        evidence: what bars say of the splits, of intraday bars before that of official days.
        last_sessions: the last session of the data of each symbol that has splits.
    """
    valid = {(split.symbol, split.ex_date) for split in splits_of(actions)}
    seen: dict[tuple[str, date], list[Evidence]] = {}
    for one in evidence:
        seen.setdefault((one.split.symbol, one.split.ex_date), []).append(one)
    states, adjusted = [], []
    for symbol, day, kind in actions.select("symbol", "ex_date", "kind").iter_rows():
        found = seen.get((symbol, day), []) if kind == "split" else []
        last = last_sessions.get(symbol)
        states.append(
            _state(kind, found, is_valid=(symbol, day) in valid, is_effective=last is not None and day <= last)
        )
        adjusted.append(next((one.adjusted_at for one in found if one.adjusted_at), None))
    return CORPORATE_ACTIONS.conform(
        actions.with_columns(
            state=pl.Series(states, dtype=pl.String), vendor_adjusted_at=pl.Series(adjusted, dtype=pl.Datetime("us"))
        )
    ).sort(CORPORATE_ACTIONS.key)


def _state(kind: str, evidence: Sequence[Evidence], *, is_valid: bool, is_effective: bool) -> str:
    if kind != "split":
        return "recorded"
    if not is_valid:
        return "invalid"
    verdicts = {one.verdict for one in evidence}
    if Verdict.CONTRADICTED in verdicts and Verdict.SEEN not in verdicts:
        return "contradicted"
    return "applied" if is_effective else "announced"
