"""The splits that landed lately, read from the record: extraction needs no warehouse."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import structlog

from openingbell.errors import RecordError
from openingbell.feeds import SPLITS, SPLITS_CALENDAR
from openingbell.landing import Landing, Manifest
from openingbell.splits import Split, splits_of

log = structlog.get_logger()

LATELY = timedelta(days=150)
NAMES = ("symbol", "date", "numerator", "denominator")


def landed_splits(landing: Landing, now: datetime) -> tuple[Split, ...]:
    """The splits in answers of the last months, each as the newest answer has it.

    A file that is not as it landed is left out: loading and quality tell of it, and asking goes on.
    """
    lately = landing.manifests_of((SPLITS.name, SPLITS_CALENDAR.name), since=now - LATELY)
    frames = [_read(landing, manifest) for manifest in lately]
    texts = [frame.select(NAMES) for frame in frames if set(NAMES) <= set(frame.columns)]
    if not texts:
        return ()
    typed = pl.concat(texts).select(
        "symbol",
        pl.lit("split").alias("kind"),
        pl.col("date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).alias("ex_date"),
        pl.col("numerator", "denominator").cast(pl.Float64, strict=False),
    )
    known = typed.drop_nulls(["symbol", "ex_date"])
    return splits_of(known.unique(["symbol", "ex_date"], keep="last", maintain_order=True))


def _read(landing: Landing, manifest: Manifest) -> pl.DataFrame:
    try:
        return landing.read(manifest)
    except RecordError as error:
        log.warning("file_unreadable", load_id=manifest.load_id, reason=str(error))
        return pl.DataFrame()
