"""What an earlier warehouse lacks is found from what it has, wherever it stands, and what would be lost is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.errors import WarehouseError
from openingbell.tables import OPERATIONS, RAW, TYPES, Column, Layout, Table
from openingbell.tables.history import VERSIONS, Version
from openingbell.tables.table import COUNT, PRICE, TEXT
from openingbell.warehouse.migrations import (
    TODAY,
    Add,
    Create,
    Drop,
    Plan,
    Remove,
    Retype,
    Schema,
    Step,
    carried,
    plan,
    stored_tables,
    unrecorded_version,
)
from tests.warehouse.earlier import FOLDER, some_rows, tables_of

NUMBERS = [version.number for version in VERSIONS]
EARLIER = NUMBERS[:-1]


def layout_of(found: Iterable[Table]) -> dict[tuple[str, str], dict[str, str]]:
    """The layout of a warehouse with these tables."""
    return {(table.layer, table.name): dict(table.types) for table in found}


def planned(layout: Layout, recorded: int | None = None, schema: Schema = TODAY) -> Plan:
    return plan(layout, recorded, schema, place="here")


def taken(layout: Layout, steps: Iterable[Step]) -> dict[tuple[str, str], dict[str, str]]:
    """The layout after some steps."""
    found = {place: dict(columns) for place, columns in layout.items()}
    for step in steps:
        columns = found.setdefault((step.table.layer, step.table.name), {})
        match step:
            case Create(table):
                columns |= table.types
            case Add(_, column) | Retype(_, column):
                columns[column.name] = TYPES[column.dtype]
            case Drop(_, name):
                del columns[name]
            case Remove(table):
                del found[table.layer, table.name]
    return found


def test_the_newest_version_has_the_tables_of_this_program() -> None:
    """Who changes a table adds a version to tables/history.py and writes its tables down beside the others; the
    warehouses that are out there are brought up to it then.
    """
    written = {(t.layer, t.name): [(c.name, c.dtype, bool(c.null)) for c in t.columns] for t in tables_of(NUMBERS[-1])}
    declared = {(t.layer, t.name): [(c.name, c.dtype, bool(c.null)) for c in t.columns] for t in TODAY.tables}
    assert written == declared


def test_versions_rise_by_one_and_each_is_written_down() -> None:
    assert list(range(1, len(VERSIONS) + 1)) == NUMBERS
    assert {path.name for path in Path(FOLDER).iterdir()} == {f"{number}.txt" for number in NUMBERS}


@pytest.mark.parametrize("version", VERSIONS[1:], ids=lambda version: f"version {version.number}")
def test_a_version_brought_what_it_says(version: Version) -> None:
    before, after = (layout_of(tables_of(number)) for number in (version.number - 1, version.number))
    brought = {name for (layer, name) in after.keys() - before.keys()}
    for place in after.keys() & before.keys():
        brought |= {f"{place[1]}.{column}" for column in after[place].keys() - before[place].keys()}
    assert brought == set(version.adds)
    assert len(version.adds) == len(set(version.adds))


def test_where_there_is_nothing_all_is_created_and_the_newest_version_recorded() -> None:
    found = planned({})
    assert found.steps == tuple(Create(table) for table in (*tables.TABLES, tables.SCHEMA_VERSIONS))
    record = found.record(datetime(2026, 11, 28, 12, tzinfo=UTC))
    assert record.rows() == [(NUMBERS[-1], VERSIONS[-1].name, datetime(2026, 11, 28, 12))]  # noqa: DTZ001
    assert (found.has, found.losing) == (0, [])


def test_where_all_is_there_there_is_nothing_to_do() -> None:
    assert planned(layout_of(TODAY.tables), NUMBERS[-1]).is_empty


@pytest.mark.parametrize("version", EARLIER)
def test_an_earlier_version_is_known_by_what_it_has_and_gets_what_it_lacks(version: int) -> None:
    layout = layout_of(tables_of(version))
    assert unrecorded_version(layout) == version
    found = planned(layout)
    assert (found.has, [v.number for v in found.versions]) == (version, NUMBERS[version:])
    assert {type(step) for step in found.steps} <= {Create, Add}
    lacked = {name for v in VERSIONS[version:] for name in v.adds}
    assert {str(step).partition(" ")[2] for step in found.steps} == lacked
    assert taken(layout, found.steps) == layout_of(TODAY.tables)


@pytest.mark.parametrize("version", [0, *EARLIER])
def test_a_migration_that_was_interrupted_anywhere_is_finished_by_the_next(version: int) -> None:
    layout = layout_of(tables_of(version)) if version else {}
    steps = planned(layout).steps
    for done in range(len(steps) + 1):
        halfway = taken(layout, steps[:done])
        rest = planned(halfway)
        assert set(rest.steps) == set(steps[done:])
        assert rest.versions[-1].number == NUMBERS[-1]
        assert taken(halfway, rest.steps) == layout_of(TODAY.tables)


def test_a_column_that_somebody_dropped_comes_back_though_the_version_is_the_newest() -> None:
    layout = layout_of(TODAY.tables)
    del layout[RAW, "stock_data_raw"]["volume"]
    found = planned(layout, NUMBERS[-1])
    assert list(map(str, found.steps)) == ["add stock_data_raw.volume"]
    assert found.versions == ()


@pytest.mark.parametrize(
    ("place", "column", "kind"),
    [
        ((RAW, "stock_data_raw"), "basis", None),
        ((RAW, "stock_data_raw"), "mine", "float64"),
        ((RAW, "stock_data_raw"), "close", "FLOAT"),
        ((OPERATIONS, "loads"), "rows", "text"),
    ],
    ids=["a column that is never null is not there", "one of one's own", "an engine's type", "another type"],
)
def test_tables_of_no_version_are_refused(place: tuple[str, str], column: str, kind: str | None) -> None:
    layout = layout_of(TODAY.tables)
    if kind:
        layout[place][column] = kind
    else:
        del layout[place][column]
    words = rf"the warehouse here; its table {place[1]} has the columns .*, this version needs .*`bell rebuild`"
    with pytest.raises(WarehouseError, match=words):
        planned(layout, NUMBERS[-1])


def test_a_table_of_one_s_own_disturbs_nobody_and_is_not_ours() -> None:
    layout = {**layout_of(TODAY.tables), (RAW, "mine"): {"a": "HUGEINT"}, ("raw", "loads"): {"a": "text"}}
    assert planned(layout, NUMBERS[-1]).is_empty
    assert [table.name for table in stored_tables(layout)] == [table.name for table in tables.TABLES]


THING = Table(RAW, "thing", ("symbol",), "", (Column("symbol", TEXT, ""), Column("size", COUNT, "", null="?")))
BEFORE = replace(THING, columns=(*THING.columns[:1], Column("size", PRICE, "", null="?"), Column("old", TEXT, "")))
GONE = Table(RAW, "gone", ("name",), "", (Column("name", TEXT, ""),))
LATER = Schema(
    (THING,),
    (Version(1, "first"), Version(2, "whole sizes", drops=("thing.old", "gone"), retypes=("thing.size",))),
)


def test_what_a_version_takes_away_or_makes_another_type_is_named_as_lost() -> None:
    layout = layout_of([BEFORE, GONE])
    found = planned(layout, 1, LATER)
    assert found.losing == ["make thing.size int64", "drop thing.old", "drop gone"]
    assert taken(layout, found.steps) == layout_of([THING])
    for done in range(4):
        rest = planned(taken(layout, found.steps[:done]), 1, LATER)
        assert list(map(str, rest.steps)) == found.losing[done:]


def test_what_a_version_took_away_is_foreign_once_that_version_is_recorded() -> None:
    for table in (
        replace(BEFORE, columns=(*THING.columns, BEFORE.columns[2])),
        replace(BEFORE, columns=BEFORE.columns[:2]),
    ):
        with pytest.raises(WarehouseError, match="its table thing has the columns"):
            planned(layout_of([table]), 2, LATER)


def test_what_will_be_taken_away_is_still_found_for_a_backup() -> None:
    found = {table.name: table for table in stored_tables(layout_of([GONE, tables.LOADS]), LATER)}
    assert found["gone"].schema == GONE.schema
    assert found["loads"].schema == tables.LOADS.schema


def kept_of(version: int) -> list[Table]:
    """The tables of a version that are copied; each warehouse has its own record of versions."""
    return [table for table in tables_of(version) if table.name != tables.SCHEMA_VERSIONS.name]


@pytest.mark.parametrize("version", EARLIER)
def test_tables_are_found_as_an_earlier_version_made_them(version: int) -> None:
    found = {table.name: table for table in stored_tables(layout_of(tables_of(version)))}
    for table in kept_of(version):
        assert found[table.name].schema == table.schema
        assert found[table.name].order in table.names


@pytest.mark.parametrize("version", EARLIER)
def test_rows_of_an_earlier_version_are_carried_with_null_in_what_is_new(version: int) -> None:
    for old in kept_of(version):
        rows = some_rows(old)
        found = carried(rows, tables.BY_NAME[old.name])
        assert found.columns == list(tables.BY_NAME[old.name].names)
        assert found.select(rows.columns).equals(rows, null_equal=True)
        assert all(found[name].null_count() == len(rows) for name in set(found.columns) - set(rows.columns))


def test_rows_are_carried_into_another_type_only_where_it_holds_them() -> None:
    rows = pl.DataFrame({"symbol": ["A"], "size": [2.0], "old": ["x"]})
    assert carried(rows, THING).rows() == [("A", 2)]
    with pytest.raises(ValueError, match="thing cannot hold the values of size exactly"):
        carried(rows.with_columns(size=pl.lit(2.5)), THING)
