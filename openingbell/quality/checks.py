"""The catalogue of row checks: what each id means, how grave it is and what it takes off the score.

It owns the facts and the two forms in which the fired checks of a row are held: a list of ids for people and the
warehouse, a bit mask for arithmetic on millions of rows. Finding out whether a check fires is left to
`openingbell.quality.rows` and `openingbell.transform.resample`, the arithmetic of the score to
`openingbell.quality.score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl


class Severity(StrEnum):
    """How grave a fired check is."""

    ERROR = "error"  # the row is wrong: shown and scored, used for nothing
    WARNING = "warning"  # the row is usable, the score is lower
    INFORMATION = "information"  # worth knowing, the score stays


@dataclass(frozen=True)
class Check:
    """One check. `deduction` is the share of the score that it takes (0 to 1); an error takes the row to 20 instead."""

    id: str
    name: str
    severity: Severity
    deduction: float
    doc: str


CHECKS: tuple[Check, ...] = (
    Check(
        "V1",
        "key complete",
        Severity.ERROR,
        0.0,
        "symbol and date are there and can be read. Found when landed text is typed: such a row is quarantined and "
        "reaches no table of bars.",
    ),
    Check(
        "V2",
        "price present",
        Severity.ERROR,
        0.0,
        "open, high, low and close are numbers, none null or infinite, each 0 or of a size from 1e-12 to 1e15.",
    ),
    Check(
        "V3",
        "price positive",
        Severity.ERROR,
        0.0,
        "min(open, high, low, close) > 0, where prices of the feed cannot be otherwise.",
    ),
    Check("V4", "high bound", Severity.ERROR, 0.0, "high ≥ max(open, low, close) − 1e-6·abs(close)."),
    Check("V5", "low bound", Severity.ERROR, 0.0, "low ≤ min(open, high, close) + 1e-6·abs(close)."),
    Check(
        "V6",
        "volume domain",
        Severity.ERROR,
        0.0,
        "volume is null or 0 ≤ volume < 1e12, sentinels aside (V6S); the offender becomes null.",
    ),
    Check(
        "V6S",
        "volume sentinel",
        Severity.INFORMATION,
        0.0,
        "volume is not −1, below 1e100 and a number; the opposites are ways to say none, and become null.",
    ),
    Check(
        "V10",
        "time on grid",
        Severity.ERROR,
        0.0,
        "(bar start − session open) is a multiple of the bar's length. Intraday bars of a day with a session.",
    ),
    Check(
        "V11",
        "bar over",
        Severity.WARNING,
        0.40,
        "bar end ≤ receipt of the answer + 60 s; else the bar was still open when it was asked for.",
    ),
    Check(
        "V12",
        "in session",
        Severity.WARNING,
        0.30,
        "session open ≤ bar start < session close of that date, half days included. Intraday bars.",
    ),
    Check(
        "V12A",
        "closing auction",
        Severity.INFORMATION,
        0.0,
        "the bar does not start when its session closes; else it is the closing auction, kept apart (`auction_print`).",
    ),
    Check(
        "V12F",
        "auction folded in",
        Severity.INFORMATION,
        0.0,
        "the bar does not hold the closing auction; else that gave it its close, and volume (`auction_print`).",
    ),
    Check("V12H", "on a trading day", Severity.ERROR, 0.0, "the date of the bar has a session."),
    Check(
        "K1",
        "exact duplicate",
        Severity.INFORMATION,
        0.0,
        "no other row of the answer has the same key and the same values. One of them is kept.",
    ),
    Check(
        "F1",
        "file intact",
        Severity.ERROR,
        0.0,
        "the landed file is there with the size that its manifest gives (`bell rebuild` compares the hash as well). "
        "About files, found by the quality run; affected_rows counts files.",
    ),
    # The data model calls K2 an error, but one of the conflicting rows is most often right, and a bar that is
    # excluded leaves a hole in every series over it: it stays usable at half the score.
    Check(
        "K2",
        "conflicting duplicate",
        Severity.WARNING,
        0.50,
        "no other row of the answer has the same key and other values.",
    ),
    Check(
        "B1",
        "price basis known",
        Severity.ERROR,
        0.0,
        "it is known for which splits the vendor had adjusted the bar, see docs/splits.md. Else its prices are those "
        "of the answer, and are joined to no others.",
    ),
    Check(
        "P15",
        "volume expected",
        Severity.WARNING,
        0.10,
        "volume is there, sentinels and V6 offenders not counted, where the feed gives volumes.",
    ),
    Check(
        "P8",
        "no unknown split",
        Severity.ERROR,
        0.0,
        "the close before over the open of a session is not within 3 % of 2, 3, 4, 5, 7, 10, 20 : 1, 3 : 2 or an "
        "inverse; information where a split of that day is known. About stocks' sessions, found by the quality run.",
    ),
    Check(
        "A1",
        "action of use",
        Severity.ERROR,
        0.0,
        "a split has a ratio, and the prices around its ex-date show it; else it is not applied. Found by the quality "
        "run.",
    ),
    Check(
        "T1",
        "made from fewer bars",
        Severity.INFORMATION,
        0.0,
        "a bar made from shorter ones was made from as many as fit between its start and its end or the session's "
        "close, whichever is first.",
    ),
    Check(
        "T1X",
        "source bar left out",
        Severity.INFORMATION,
        0.0,
        "a bar made from shorter ones used each that begins in it; else one failed an error check, or lies outside "
        "the session, and better ones were there.",
    ),
)
BY_ID: dict[str, Check] = {check.id: check for check in CHECKS}

BIT: dict[str, int] = {check.id: 1 << position for position, check in enumerate(CHECKS)}
"""The bit of each check in a mask (UInt32)."""

ERROR_MASK = sum(BIT[check.id] for check in CHECKS if check.severity is Severity.ERROR)


def mask_of(flags: pl.Expr) -> pl.Expr:
    """The mask of a list of ids.

    Args:
        flags: List(String), ids of the catalogue; others are ignored.

    Returns:
        UInt32, the sum of `BIT` over the ids, 0 for an empty list.
    """
    return pl.sum_horizontal(
        flags.list.contains(name).cast(pl.UInt32) * pl.lit(bit, pl.UInt32) for name, bit in BIT.items()
    )


def flags_of(mask: pl.Series) -> pl.Series:
    """The ids of each mask, in the order of the catalogue.

    Args:
        mask: UInt32, one per row, no nulls.

    Returns:
        List(String), one per row, named `flags`.
    """
    masks = mask.to_numpy()
    distinct = np.unique(masks)  # few: the lists are built once each and then only pointed at
    lists = pl.Series(
        "flags",
        [[name for name, bit in BIT.items() if int(value) & bit] for value in distinct],
        dtype=pl.List(pl.String),
    )
    return lists.gather(np.searchsorted(distinct, masks))


def masks_of(dq_flags: pl.Series) -> pl.Series:
    """The mask of each text of ids separated by commas, as the warehouse stores them.

    Args:
        dq_flags: String, one per row, no nulls.

    Returns:
        UInt32, one per row, named `mask`; there are few different texts, and each is read once.
    """
    masks = {text: sum(BIT.get(name, 0) for name in text.split(",")) for text in dq_flags.unique()}
    # a series without rows has no texts, and an empty map leaves its type as it is
    return dq_flags.replace_strict(masks, return_dtype=pl.UInt32).cast(pl.UInt32).alias("mask")
