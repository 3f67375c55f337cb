"""A copy says the same in every value, or it is not kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.errors import SettingsError, UsageError, WarehouseError
from openingbell.operations.keeping import copying
from openingbell.tables import Table
from openingbell.warehouse.duckdb import DuckDBWarehouse, DuckDBWriter
from openingbell.warehouse.migrations import TODAY
from tests.operations.keeping.conftest import Make, contents, fill, same, silent
from tests.operations.keeping.test_backup import NOW
from tests.operations.keeping.test_restore import home_warehouse, wish
from tests.warehouse.earlier import make_earlier, some_rows


@pytest.mark.parametrize(("here", "there"), [("duckdb", "duckdb"), ("duckdb", "mysql"), ("mysql", "duckdb")])
def test_a_copy_has_every_value_of_every_table_whatever_the_engines(
    filled: DuckDBWarehouse, make: Make, here: str, there: str
) -> None:
    source = filled if here == "duckdb" else make(here, "source")
    if source is not filled:
        fill(source)
    target = make(there, "target")
    told: list[tuple[str, int, int]] = []
    compared = copying.copy(source, target, lambda *words: told.append(words), piece_rows=4)
    assert [(one.table, one.rows, one.rebuilt_rows, one.equal) for one in compared] == [
        (table.name, 7, 7, True) for table in tables.TABLES
    ]
    assert same(contents(target), contents(filled))
    assert [one for one in told if one[0] == "loads"] == [("loads", 4, 7), ("loads", 7, 7)]


def test_a_copy_of_an_earlier_version_is_of_this_one(make: Make) -> None:
    old, new = make("duckdb", "old"), make("duckdb", "new")
    make_earlier(old, 1)
    compared = copying.copy(old, new, silent)
    assert {one.rows for one in compared} == {3}
    with new.read() as reader, old.read() as before:
        assert reader.layout() == {(table.layer, table.name): table.types for table in TODAY.tables}
        assert len(before.layout()) < len(TODAY.tables)


class Rounding(DuckDBWarehouse):
    """Keeps prices in fewer bits than it was given."""

    def beside(self) -> Rounding:
        return Rounding(super().beside().path, clock=VirtualClock(NOW), wait_seconds=0)

    @contextmanager
    def write(self) -> Iterator[DuckDBWriter]:
        with super().write() as writer:
            append = writer.append

            def rounded(table: Table, rows: pl.DataFrame) -> None:
                floats = [name for name, dtype in table.schema.items() if dtype == pl.Float64]
                append(table, rows.with_columns(pl.col(floats).cast(pl.Float32).cast(pl.Float64)))

            writer.append = rounded  # type: ignore[method-assign]
            yield writer


def test_a_copy_that_differs_is_not_kept_and_what_was_there_stays(filled: DuckDBWarehouse, tmp_path: Path) -> None:
    target = Rounding(tmp_path / "target.duckdb", clock=VirtualClock(NOW), wait_seconds=0)
    target.setup()
    with target.write() as writer:
        writer.append(tables.LOADS, some_rows(tables.LOADS))
    words = r"tables differ there, the first is stock_data_raw: of 7 rows 4 are not there as they are here; .*not kept"
    with pytest.raises(WarehouseError, match=words):
        copying.copy(filled, target, silent)
    assert len(contents(target)["loads"]) == 3
    assert contents(target)["stock_data_raw"].is_empty()
    assert not target.beside().exists()


def test_the_warehouse_of_a_home_is_copied_to_a_url_that_is_free(tmp_path: Path) -> None:
    home = home_warehouse(tmp_path)
    home.setup()
    with home.write() as writer:
        writer.append(tables.LOADS, some_rows(tables.LOADS))
    url = f"duckdb:///{tmp_path / 'there' / 'copy.duckdb'}"
    there = DuckDBWarehouse(tmp_path / "there" / "copy.duckdb", clock=VirtualClock(NOW), wait_seconds=0)
    assert all(one.equal for one in copying.run(wish(tmp_path), url, silent, over=False))
    assert same(contents(there), contents(home))
    with pytest.raises(
        UsageError, match=r"to copy .*warehouse\.duckdb there; the warehouse .*copy\.duckdb holds 3 rows"
    ):
        copying.run(wish(tmp_path), url, silent, over=False)
    with home.write() as writer:
        writer.clear(tables.LOADS)
    copying.run(wish(tmp_path), url, silent, over=True)
    assert contents(there)["loads"].is_empty()


@pytest.mark.parametrize("url", ["", "duckdb:///{home}/warehouse.duckdb", "duckdb:///{home}/../home/warehouse.duckdb"])
def test_a_warehouse_is_not_copied_to_itself(tmp_path: Path, url: str) -> None:
    home = home_warehouse(tmp_path)
    home.setup()
    with pytest.raises(UsageError, match="to itself; a copy has another place"):
        copying.run(wish(tmp_path), url.format(home=tmp_path / "home"), silent, over=True)
    assert home.exists()


def test_a_url_of_no_engine_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="warehouse_url has a value that is not allowed") as caught:
        copying.run(wish(tmp_path), "oracle://me:secret@host/", silent, over=False)
    assert "secret" not in str(caught.value)
