from __future__ import annotations

from datetime import date

import polars as pl

from openingbell.tables import INSTRUMENTS
from openingbell.transform.instruments import instruments, with_sessions, without_doubles
from tests.test_listings import FACEBOOK, at, facts, profile, renamed

CLASSES = {"META": "stock", "^GSPC": "index", "GCUSD": "commodity", "ODD": "stock"}
SPANS = pl.DataFrame(
    [
        ("stock", "META", date(2022, 6, 9), date(2022, 6, 30)),
        ("stock", "FB", date(2022, 5, 2), date(2022, 6, 8)),
        ("index", "^GSPC", date(2022, 5, 2), date(2022, 6, 30)),
    ],
    schema={"asset_class": pl.String, "symbol": pl.String, "first": pl.Date, "last": pl.Date},
    orient="row",
)
SAID = facts(
    renamed("FB", "META", FACEBOOK),
    {**profile("META", at(2022, 6, 20, 15)), "name": "Meta Platforms, Inc.", "since": date(2012, 5, 18)},
    {"kind": "index_list", "symbol": "^GSPC", "date": date(2022, 6, 1), "name": "S&P 500", "currency": "USD"},
    {"kind": "commodities_list", "symbol": "GCUSD", "date": date(2022, 6, 1), "name": "Gold Futures"},
    {"kind": "index_list", "symbol": "^FTSE", "date": date(2022, 6, 1), "name": "FTSE 100"},
)


def by_symbol(frame: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["symbol"]: row for row in frame.to_dicts()}


def test_every_symbol_of_the_universe_and_every_other_with_bars_is_there_once() -> None:
    found = by_symbol(instruments(CLASSES, SAID, SPANS))
    assert sorted(found) == ["FB", "GCUSD", "META", "ODD", "^GSPC"]
    assert found["META"] == {
        "symbol": "META", "asset_class": "stock", "name": "Meta Platforms, Inc.", "exchange": None, "currency": None,
        "sector": None, "listed_on": date(2012, 5, 18), "first_session": date(2022, 6, 9),
        "last_session": date(2022, 6, 30), "delisted_on": None, "renamed_to": None, "renamed_on": None, "active": True,
    }  # fmt: skip
    assert found["GCUSD"]["first_session"] is None
    assert found["^GSPC"]["active"] is True


def test_an_old_symbol_says_how_it_goes_on() -> None:
    old = by_symbol(instruments(CLASSES, SAID, SPANS))["FB"]
    assert (old["renamed_to"], old["renamed_on"], old["active"]) == ("META", FACEBOOK, False)
    assert old["last_session"] == date(2022, 6, 8)


def test_of_what_the_vendor_does_not_know_nothing_is_said() -> None:
    unknown = by_symbol(instruments(CLASSES, SAID, SPANS))["ODD"]
    assert {name for name, value in unknown.items() if value is not None} == {"symbol", "asset_class"}


def test_a_delisted_symbol_has_its_day() -> None:
    delisted = {"kind": "delisted_companies", "symbol": "META", "date": date(2022, 7, 1)}
    row = by_symbol(instruments(CLASSES, pl.concat([SAID, facts(delisted)]), SPANS))["META"]
    assert (row["delisted_on"], row["active"]) == (date(2022, 7, 1), False)


def test_newer_sessions_change_nothing_else() -> None:
    stored = instruments(CLASSES, SAID, SPANS)
    later = SPANS.with_columns(last=pl.col("last") + pl.duration(days=1))
    assert with_sessions(stored, CLASSES, later).equals(instruments(CLASSES, SAID, later))
    assert with_sessions(INSTRUMENTS.empty(), CLASSES, SPANS)["symbol"].len() == 5


def test_a_company_counts_once_on_days_on_which_both_symbols_count() -> None:
    days = pl.DataFrame(
        [
            ("FB", date(2022, 6, 7), 1.0),
            ("META", date(2022, 6, 7), None),
            ("FB", date(2022, 6, 8), 2.0),
            ("META", date(2022, 6, 8), 2.0),
            ("X", date(2022, 6, 8), 3.0),
        ],
        schema={"symbol": pl.String, "date": pl.Date, "return_pct": pl.Float64},
        orient="row",
    )
    known = instruments(CLASSES, SAID, SPANS)
    assert without_doubles(days, known).rows() == [days.row(number) for number in (0, 1, 3, 4)]
    assert without_doubles(days, INSTRUMENTS.empty()).equals(days)
