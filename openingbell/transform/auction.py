"""The closing auction: a bar that starts when the session closes, where a source has one, by a named policy. Pure."""

from __future__ import annotations

import polars as pl

from openingbell.config import AuctionPolicy
from openingbell.quality.checks import BIT, flags_of, mask_of


def with_auction(bars: pl.DataFrame, policy: AuctionPolicy) -> pl.DataFrame:
    """Bars with the closing auction as the policy wants it.

    `fold` makes it a part of the session's last bar: its price is the session's close, it may raise the high or lower
    the low, its volume is added (flag V12F). Where there is no other bar of the session, or either of the two fails an
    error check, it stays a bar of its own. `keep` leaves it a bar of its own (flag V12A in place of V12), `drop`
    leaves it out.

    Args:
        bars: one row a bar: symbol, date, date_utc and close_utc (Datetime µs UTC without a zone, nullable), session,
            open, high, low, close, volume (nullable), flags (List(String)), is_error, and any others.
        policy: what becomes of the auction.

    Returns:
        The rows with the columns of `bars`, in their order but for those left out.
    """
    is_auction = (pl.col("date_utc") == pl.col("close_utc")).fill_null(value=False)
    auctions = bars.filter(is_auction)
    if auctions.is_empty():
        return bars
    rest = bars.filter(~is_auction)
    if policy == "drop":
        return rest
    named = _marked(auctions, pl.lit(value=True), "V12A", instead_of="V12")
    return pl.concat([rest, named]) if policy == "keep" else _folded(rest, named)


def _folded(rest: pl.DataFrame, auctions: pl.DataFrame) -> pl.DataFrame:
    day = ["symbol", "session"]
    last = rest.filter(pl.col("date_utc") < pl.col("close_utc")).group_by(day).agg(date=pl.col("date").max())
    sound = auctions.filter(~pl.col("is_error")).select(*day, "high", "low", "close", "volume")
    taken = (
        last.join(sound, on=day)
        .join(rest.filter(~pl.col("is_error")).select("symbol", "date"), on=["symbol", "date"], how="semi")
        .with_columns(takes=pl.lit(value=True))
    )
    joined = rest.join(
        taken.drop("session"), on=["symbol", "date"], how="left", suffix="_auction", maintain_order="left"
    )
    takes = pl.col("takes").fill_null(value=False)
    volumes = ("volume", "volume_auction")
    folded = joined.with_columns(
        high=pl.when(takes).then(pl.max_horizontal("high", "high_auction")).otherwise("high"),
        low=pl.when(takes).then(pl.min_horizontal("low", "low_auction")).otherwise("low"),
        close=pl.when(takes).then("close_auction").otherwise("close"),
        volume=pl.when(takes & ~pl.all_horizontal(pl.col(name).is_null() for name in volumes))
        .then(pl.sum_horizontal(volumes))
        .otherwise("volume"),
    )
    alone = auctions.join(taken, on=day, how="anti")
    return pl.concat([_marked(folded, takes, "V12F").select(rest.columns), alone.select(rest.columns)])


def _marked(bars: pl.DataFrame, where: pl.Expr, flag: str, *, instead_of: str | None = None) -> pl.DataFrame:
    """Bars with one more flag where `where` says so, and one less."""
    removed = BIT[instead_of] if instead_of else 0
    bits = pl.lit(BIT[flag], pl.UInt32)
    mask = mask_of(pl.col("flags"))
    changed = (mask & pl.lit(~removed & 0xFFFFFFFF, pl.UInt32)) | bits
    return bars.with_columns(flags_of(bars.select(pl.when(where).then(changed).otherwise(mask)).to_series()))
