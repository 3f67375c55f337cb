"""Rates counted by hand: a record of few answers, and what changed behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from openingbell import sessions
from openingbell.config import Settings
from openingbell.coverage.wanted import final_sessions
from openingbell.feeds import BONDS, COMMODITIES, EOD, STOCKS, TREASURY, Feed, calendar_of
from openingbell.landing import Ask, Manifest, Outcome, record_of
from openingbell.operations.vendor_report.revisions import (
    AGE_NAMES,
    CHANGES,
    RATES,
    corrected_yields,
    corrections,
    rates,
)
from openingbell.tables import BOND_RAW, RESTATEMENTS

DAY = date(2019, 2, 13)
MIDNIGHT = datetime.fromisoformat("2019-02-13")
SETTINGS = Settings()


def at(clock: str, day: date = DAY) -> datetime:
    """A moment in New York."""
    return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=sessions.NEW_YORK).astimezone(UTC)


def asked(feed: Feed, *answers: tuple[str, datetime], first: date = DAY, last: date = DAY) -> pl.DataFrame:
    """The asks of a record of some answers about a symbol, each with all bars that were final when it came."""
    delay = SETTINGS.final_delay(feed)
    manifests = []
    for number, (symbol, moment) in enumerate(answers):
        calendar = calendar_of(feed.asset_class or "stock", symbol)
        final = final_sessions(calendar, feed.bar_interval, first, last, moment, delay)
        bars = dict(final.select("session", "bars_expected").iter_rows())
        ask = Ask(symbol, "", calendar, first, last, first, last, moment, 200, Outcome.ANSWERED, 0, 0, bars)
        manifests.append(
            Manifest(
                f"{number}",
                feed.name,
                "x",
                feed.bar_interval,
                "",
                delay.total_seconds(),
                moment,
                None,
                0,
                0,
                "",
                (ask,),
            )
        )
    record = record_of(manifests)
    facts = record.files.select(pl.col("load_id").cast(pl.Categorical), "bar_interval", "final_delay")
    return record.asks.join(facts, on="load_id")


def changed(*found: tuple[str, str, datetime]) -> pl.DataFrame:
    """Bars of symbols that start then, and when an answer had them otherwise."""
    rows = [(symbol, datetime.fromisoformat(start), moment) for symbol, start, moment in found]
    return pl.DataFrame(rows, schema=CHANGES, orient="row")


def counted(found: pl.DataFrame) -> dict[str, tuple[int, int]]:
    assert found.schema == RATES
    return {age: (again, changed) for age, again, changed in found.iter_rows()}


NOTHING = CHANGES.to_frame()


def test_a_bar_is_read_again_when_an_answer_before_had_it_final() -> None:
    """At 10:02 two bars are final and new; at 12:02 ten, two of them again; at 12:32 twelve, ten of them again, of
    which two ended less than an hour ago; in the evening all, twelve again.
    """
    asks = asked(STOCKS, *(("AAPL", at(clock)) for clock in ("10:02", "12:02", "12:32", "20:30")))
    assert counted(rates(asks, {}, NOTHING, STOCKS)) == {"up to 1 hour": (2, 0), "1 hour to 1 day": (2 + 8 + 12, 0)}


def test_changes_stand_beside_the_readings_of_their_age() -> None:
    evening, next_evening = at("20:30"), at("20:30", DAY + timedelta(days=1))
    asks = asked(STOCKS, *(("AAPL", moment) for moment in (at("12:02"), evening, next_evening)))
    found = changed(
        ("AAPL", "2019-02-13 09:30", evening),
        ("AAPL", "2019-02-13 11:30", evening),
        ("AAPL", "2019-02-13 15:45", next_evening),
    )
    assert counted(rates(asks, {}, found, STOCKS)) == {"1 hour to 1 day": (10, 2), "1 to 7 days": (26, 1)}


def test_old_sessions_count_as_a_whole_by_the_age_of_their_close() -> None:
    days = (1, 9, 40, 400)
    asks = asked(STOCKS, *(("AAPL", at("20:30", DAY + timedelta(days=n))) for n in days))
    assert counted(rates(asks, {}, NOTHING, STOCKS)) == {
        "7 to 30 days": (26, 0), "30 to 365 days": (26, 0), "over 365 days": (26, 0),
    }  # fmt: skip


def test_what_was_asked_before_the_time_in_question_was_read_before() -> None:
    """AAPL was asked since 2019, MSFT only from the next day on."""
    moment = at("20:30", DAY + timedelta(days=40))
    asks = asked(STOCKS, ("AAPL", moment), ("MSFT", moment), ("NEW", moment))
    known = {"AAPL": date(2019, 1, 2), "MSFT": DAY + timedelta(days=1)}
    assert counted(rates(asks, known, NOTHING, STOCKS)) == {"30 to 365 days": (26, 0)}


def test_symbols_have_the_hours_of_their_own_market() -> None:
    """A session of gold is over at 17:00 and has 276 bars of five minutes, one of ^GSPC would have 78."""
    evening, later = at("20:30"), at("20:30", DAY + timedelta(days=9))
    asks = asked(COMMODITIES, ("GCUSD", evening), ("GCUSD", later))
    assert counted(rates(asks, {}, NOTHING, COMMODITIES)) == {"7 to 30 days": (276, 0)}


@pytest.mark.parametrize(("feed", "symbol"), [(EOD, "AAPL"), (BONDS, TREASURY)])
def test_what_comes_once_a_session_counts_once(feed: Feed, symbol: str) -> None:
    friday, sunday = at("23:00", DAY + timedelta(days=2)), at("12:00", DAY + timedelta(days=4))
    asks = asked(feed, (symbol, friday), (symbol, sunday), last=DAY + timedelta(days=2))
    found = changed((symbol, "2019-02-14", sunday))
    assert counted(rates(asks, {}, found, feed)) == {"1 to 7 days": (3, 1)}


def test_where_nothing_was_read_again_there_is_no_age() -> None:
    assert rates(asked(STOCKS, ("AAPL", at("20:30"))), {}, NOTHING, STOCKS).is_empty()


def test_names_of_ages_are_in_their_order() -> None:
    asks = asked(STOCKS, *(("AAPL", at("20:30", DAY + timedelta(days=n))) for n in (0, 1, 2, 20, 100, 500)))
    ages = rates(asks, {}, NOTHING, STOCKS)["age"].to_list()
    assert ages == [name for name in AGE_NAMES if name in ages]


def restated(asset_class: str, symbol: str, interval: str, kind: str = "correction") -> dict[str, object]:
    return {
        "asset_class": asset_class, "symbol": symbol, "bar_interval": interval, "kind": kind,
        "date": MIDNIGHT, "extracted_at": MIDNIGHT + timedelta(hours=25),
    }  # fmt: skip


def test_corrections_are_those_of_the_feed_and_not_of_a_new_basis() -> None:
    rows = pl.DataFrame(
        [
            restated("stock", "AAPL", "15min"),
            restated("stock", "NVDA", "15min", "basis"),
            restated("commodity", "GCUSD", "5min"),
            restated("stock", "AAPL", "1day"),
            restated("commodity", "GCUSD", "1day"),
        ],
        schema_overrides={name: RESTATEMENTS.schema[name] for name in ("date", "extracted_at")},
    )
    found = corrections(rows, STOCKS)
    assert found.schema == CHANGES
    assert found.rows() == [("AAPL", MIDNIGHT, datetime(2019, 2, 14, 1, tzinfo=UTC))]
    assert corrections(rows, COMMODITIES)["symbol"].to_list() == ["GCUSD"]
    assert corrections(rows, EOD)["symbol"].to_list() == ["AAPL", "GCUSD"]


def test_yields_are_corrected_by_a_version_that_says_something_else() -> None:
    def curve(load_id: str, row: int, day: int, hour: int, ten_years: float) -> dict[str, object]:
        moment = MIDNIGHT + timedelta(days=day, hours=hour)
        return {"load_id": load_id, "source_row": row, "date": DAY, "extracted_at": moment, "year10": ten_years}

    rows = [
        curve("a", 1, 0, 23, 2.71),
        curve("b", 1, 1, 23, 2.71),
        curve("c", 1, 2, 23, 2.70),
        curve("d", 1, 3, 23, 2.69),
        curve("d", 2, 3, 23, 2.68),
    ]
    found = corrected_yields(pl.DataFrame([{n: r.get(n) for n in BOND_RAW.names} for r in rows], BOND_RAW.schema))
    assert found.schema == CHANGES
    assert found.rows() == [(TREASURY, MIDNIGHT, datetime(2019, 2, 13 + day, 23, tzinfo=UTC)) for day in (2, 3)]
