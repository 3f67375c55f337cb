"""Shares: what may have bars in common stays together, and nothing else has to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from openingbell.landing import Ask, Manifest, Outcome, Record, record_of
from openingbell.load.shares import shares

DAY = date(2024, 5, 10)
AT = datetime(2024, 5, 10, 22, tzinfo=UTC)


def record(*files: tuple[str, str, int]) -> Record:
    """Files of a feed, symbols (a letter each) and a number of rows; each is named after its place."""
    manifests = []
    for place, (feed, symbols, rows) in enumerate(files):
        at = AT + timedelta(minutes=place)
        asks = tuple(
            Ask(symbol, "stock", "XNYS", DAY, DAY, DAY, DAY, at, 200, Outcome.ANSWERED, rows, 0) for symbol in symbols
        )
        manifests.append(Manifest(f"{place:03}", feed, "test", "15min", "vendor", 0.0, at, "x.csv", rows, 0, "", asks))
    return record_of(manifests)


def names(found: list[pl.DataFrame]) -> list[list[int]]:
    return [[int(name) for name in share["load_id"]] for share in found]


def shared(*files: tuple[str, str, int]) -> list[list[int]]:
    made = record(*files)
    return names(shares(made.files, made.asks))


def test_files_of_other_symbols_are_apart_and_those_of_the_same_keep_their_order() -> None:
    assert shared(("stocks", "AB", 5), ("stocks", "CD", 9), ("stocks", "B", 1), ("stocks", "D", 2)) == [[1, 3], [0, 2]]


def test_a_file_of_both_joins_two_shares_however_long_the_chain() -> None:
    chain = [("stocks", a + b, 1) for a, b in zip("ABCDEFGHIJ", "BCDEFGHIJK", strict=True)]
    assert shared(*chain) == [list(range(10))]
    assert shared(*chain[:4], *chain[5:]) == [[4, 5, 6, 7, 8], [0, 1, 2, 3]]


def test_tables_are_apart() -> None:
    assert shared(("stocks", "A", 2), ("eod", "A", 1)) == [[0], [1]]


def test_files_without_a_grid_stay_together_by_table() -> None:
    """Splits and dividends lie in one table; an answer of them may be of any symbol."""
    assert shared(("splits", "A", 1), ("dividends", "B", 1), ("profile", "C", 9)) == [[2], [0, 1]]


def test_no_files_are_no_shares() -> None:
    made = record(("stocks", "A", 1))
    assert shares(made.files.clear(), made.asks) == []


@given(st.lists(st.tuples(st.sampled_from(["stocks", "eod"]), st.text("ABCDEFGH", min_size=1, max_size=4)), min_size=1))
def test_no_symbol_is_in_two_shares_and_no_share_falls_apart(files: list[tuple[str, str]]) -> None:
    found = shared(*((feed, symbols, 1) for feed, symbols in files))
    assert sorted(place for share in found for place in share) == list(range(len(files)))
    assert all(share == sorted(share) for share in found)
    said = [{(files[place][0], symbol) for place in share for symbol in files[place][1]} for share in found]
    assert sum(map(len, said)) == len(set().union(*said))
    for share in found:
        first, *rest = share
        joined = {(files[first][0], symbol) for symbol in files[first][1]}
        while linked := [n for n in rest if joined & {(files[n][0], symbol) for symbol in files[n][1]}]:
            rest = [n for n in rest if n not in linked]
            joined.update((files[n][0], symbol) for n in linked for symbol in files[n][1])
        assert rest == []
