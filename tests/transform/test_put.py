"""Writing what differs: what is as it was is neither removed nor written."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from openingbell.tables import BOND, INDEX_CONSTITUENTS, Table
from openingbell.transform.put import put
from openingbell.warehouse.protocol import Writer

DAYS = [date(2024, 1, day) for day in range(1, 9)]


class Recorder:
    """A writer that holds one table, and says which days were removed and appended."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        self.removed: list[date] = []
        self.appended: list[date] = []

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        self.appended += rows[table.order].to_list()
        self.rows = pl.concat([self.rows, table.conform(rows)])

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """See `protocol.Writer`."""
        self.removed += keys[table.order].to_list()
        self.rows = self.rows.join(keys, on=list(table.key), how="anti")


def curves(yields: dict[date, float | None]) -> pl.DataFrame:
    """Rows of `bond_data` with this ten-year yield."""
    empty = dict.fromkeys(BOND.names)
    facts = {"data_quality_score": 100.0, "dq_flags": "", "load_id": "a", "source_row": 1}
    rows = [{**empty, **facts, "date": day, "year10": value} for day, value in yields.items()]
    return pl.DataFrame(rows, schema=BOND.schema)


def written(rows: pl.DataFrame, stored: pl.DataFrame, table: Table = BOND) -> tuple[Recorder, pl.DataFrame]:
    recorder = Recorder(stored)
    writer: Writer = recorder  # type: ignore[assignment]  # the two verbs that `put` uses
    return recorder, put(writer, table, rows, stored)


def test_rows_that_are_as_they_were_stay_untouched_and_what_is_no_longer_made_goes() -> None:
    stored = curves({DAYS[0]: 1.0, DAYS[1]: 2.0, DAYS[2]: None, DAYS[3]: 4.0})
    rows = curves({DAYS[0]: 1.0, DAYS[1]: 2.5, DAYS[2]: None, DAYS[4]: 5.0})
    recorder, done = written(rows, stored)
    assert sorted(recorder.removed) == [DAYS[1], DAYS[3]]
    assert recorder.appended == done["date"].to_list() == [DAYS[1], DAYS[4]]
    assert recorder.rows.sort("date").equals(rows)


def test_a_second_writing_of_the_same_writes_nothing() -> None:
    rows = curves({DAYS[0]: 1.0, DAYS[1]: None})
    recorder, done = written(rows, rows.sort("date", descending=True))
    assert (recorder.removed, recorder.appended, len(done)) == ([], [], 0)


def test_into_nothing_all_is_written_and_nothing_empties_all() -> None:
    rows = curves({DAYS[0]: 1.0})
    assert written(rows, BOND.empty())[0].appended == [DAYS[0]]
    recorder, done = written(BOND.empty(), rows)
    assert (recorder.removed, len(done), len(recorder.rows)) == ([DAYS[0]], 0, 0)


def test_a_value_that_becomes_null_and_one_that_becomes_known_are_changes() -> None:
    recorder, _ = written(curves({DAYS[0]: None, DAYS[1]: 2.0}), curves({DAYS[0]: 1.0, DAYS[1]: None}))
    assert recorder.appended == [DAYS[0], DAYS[1]]


def test_a_row_of_which_only_the_key_is_known_is_a_row() -> None:
    """Who is a member of an index has no last day."""

    def members(**last: date | None) -> pl.DataFrame:
        rows = [("dowjones", symbol, DAYS[0], day) for symbol, day in last.items()]
        return pl.DataFrame(rows, schema=INDEX_CONSTITUENTS.schema, orient="row")

    now = members(A=DAYS[3], B=None, NEW=None)
    recorder, done = written(now, members(A=None, B=None, OLD=None), INDEX_CONSTITUENTS)
    assert done["symbol"].to_list() == ["A", "NEW"]
    assert recorder.rows.sort("symbol").equals(now)


YIELDS = st.dictionaries(st.sampled_from(DAYS), st.sampled_from([None, 0.0, 1.0]))


@given(before=YIELDS, after=YIELDS)
def test_the_table_holds_what_was_made_and_only_differences_were_written(
    before: dict[date, float | None], after: dict[date, float | None]
) -> None:
    recorder, done = written(curves(after), curves(before))
    assert recorder.rows.sort("date").equals(curves(after).sort("date"))
    missing = object()
    assert set(done["date"]) == {day for day in after if before.get(day, missing) != after[day]}
    assert set(recorder.removed) == {day for day in before if after.get(day, missing) != before[day]}
