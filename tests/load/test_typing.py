from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell import feeds, tables
from openingbell.extract.parse import parse
from openingbell.landing import Ask, Landing, Manifest, Outcome
from openingbell.load.typing import Typed, type_rows

RECEIVED = datetime(2024, 5, 10, 21, 0, tzinfo=UTC)
DAY = date(2024, 5, 10)
HEADER = ("symbol", "answered_at", "date", "open", "low", "high", "close", "volume")
Cells = dict[str, str | None]


def manifest(
    feed: str = "stocks",
    symbol: str = "AAPL",
    *,
    asset_class: str = "stock",
    calendar: str = "XNYS",
    bar_interval: str = "15min",
    rows: int = 0,
    delay: timedelta = timedelta(minutes=2),
) -> Manifest:
    ask = Ask(symbol, asset_class, calendar, DAY, DAY, DAY, DAY, RECEIVED, 200, Outcome.ANSWERED, rows, 0)
    return Manifest(
        "L1", feed, "test", bar_interval, "vendor", delay.total_seconds(), RECEIVED, "L1.csv", rows, 0, "", (ask,)
    )


DAILY = manifest("eod", bar_interval="1day")
BONDS = manifest("bonds", feeds.TREASURY, asset_class="bond", calendar="SIFMA_US", bar_interval="1day")


def bar(**cells: str | None) -> Cells:
    good: Cells = {
        "symbol": "AAPL",
        "answered_at": RECEIVED.isoformat(),
        "date": "2024-05-10 09:30:00",
        "open": "1.5",
        "low": "1",
        "high": "2.25",
        "close": "2",
        "volume": "100",
    }
    return good | cells


def frame(*rows: Cells) -> pl.DataFrame:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String))


def typed(*rows: Cells, of: Manifest | None = None) -> Typed:
    found = type_rows(frame(*rows), of or manifest())
    assert len(found.final) + found.repeated + found.forming + len(found.quarantined) == len(rows)
    return found


def test_a_bar_becomes_numbers_and_keeps_where_it_came_from() -> None:
    (row,) = typed(bar()).final.rows(named=True)
    assert row == {
        "load_id": "L1",
        "source_row": 1,
        "symbol": "AAPL",
        "date": datetime.fromisoformat("2024-05-10T09:30"),
        "bar_interval": "15min",
        "open": 1.5,
        "high": 2.25,
        "low": 1.0,
        "close": 2.0,
        "volume": 100.0,
        "basis": "vendor",
        "extracted_at": RECEIVED.replace(tzinfo=None),
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12.0),
        (" 12 ", 12.0),
        ("\t12.50\n", 12.5),
        ("1e5", 100_000.0),
        ("1E-3", 0.001),
        ("-36.98", -36.98),
        ("0", 0.0),
        ("0.00", 0.0),
        ("+7", 7.0),
        (".5", 0.5),
        ("15808338949", 15_808_338_949.0),
        (None, None),
        ("NaN", None),
        ("nan", None),
        ("inf", None),
        ("-Infinity", None),
        ("1e400", None),
    ],
)
def test_a_number_is_read_as_it_is_meant(text: str | None, number: float | None) -> None:
    """Null stays null, zero stays zero; what is no finite number is a missing one, and the row stays."""
    (row,) = typed(bar(close=text, volume=text)).final.rows(named=True)
    assert (row["close"], row["volume"]) == (number, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "abc",
        "1,234.5",
        "12$",
        "1 2",
        "0x10",
        "null",
        "None",
        "true",
        "1_000",
        "١٢",
        "--1",
        "1e",
        "9" * 90 + "x",
    ],
)
def test_what_is_no_number_is_quarantined_with_its_words(text: str) -> None:
    """The row is kept as it came, and the reason names column and text."""
    found = typed(bar(), bar(close=text))
    assert len(found.final) == 1
    (row,) = found.quarantined.rows(named=True)
    assert (row["load_id"], row["source_row"], row["feed"]) == ("L1", 2, "stocks")
    assert row["reasons"] == f"close: '{text[:40]}' is no number"
    assert json.loads(row["text"]) == bar(close=text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2024-05-10",
        "2024-05-10T09:30:00",
        "2024-05-10 09:30",
        "2024-13-10 09:30:00",
        "2024-02-30 09:30:00",
        "10.05.2024 09:30:00",
        "2024-05-10 25:00:00",
        "1715333400",
        "0001-01-01 00:00:00",
        "1899-12-31 09:30:00",
        "2024-03-10 02:30:00",
        "2019-03-10 02:00:00",
    ],
)
def test_a_date_that_is_no_bar_start_is_quarantined(text: str | None) -> None:
    """Garbage, days before there were records, and the hour that the clock skips in spring."""
    (row,) = typed(bar(date=text)).quarantined.rows(named=True)
    assert row["reasons"] == f"date: '{text or ''}' is no bar start"


@pytest.mark.parametrize("text", ["2024-03-10 01:45:00", "2024-03-10 03:00:00", "2023-11-05 01:30:00"])
def test_the_hours_beside_the_skipped_one_are_moments(text: str) -> None:
    """In autumn an hour comes twice; it is read as its first pass and kept."""
    assert len(typed(bar(date=text)).final) == 1


def test_every_reason_of_a_row_is_told() -> None:
    (row,) = typed(bar(symbol="X", date="?", open="a", volume="b", answered_at="now")).quarantined.rows(named=True)
    assert row["reasons"] == (
        "symbol: 'X' was not asked for; date: '?' is no bar start; answered_at: 'now'; "
        "open: 'a' is no number; volume: 'b' is no number"
    )


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
def test_a_column_that_is_missing_is_null(name: str) -> None:
    cells = bar()
    del cells[name]
    (row,) = typed(cells).final.rows(named=True)
    assert row[name] is None
    assert all(row[other] is not None for other in {"open", "high", "low", "close", "volume"} - {name})


@pytest.mark.parametrize("name", ["symbol", "date", "answered_at"])
def test_without_what_names_the_bar_all_rows_are_quarantined(name: str) -> None:
    cells = bar()
    del cells[name]
    assert len(typed(cells, cells).quarantined) == 2


def test_columns_that_nobody_knows_stay_in_the_file() -> None:
    """The vendor's vwap is none and its change is not against the day before: both are left where they are."""
    found = typed(bar(vwap="1.6", change="0.5", date_typed="x", reasons="y", calendar="z", is_final="no"))
    assert found.final.columns == list(tables.STOCK_RAW.names)
    assert len(found.final) == 1


def test_equal_rows_of_one_answer_count_once_and_different_ones_are_all_kept() -> None:
    """K1 says nothing twice; K2 is a contradiction that must stay visible."""
    found = typed(bar(), bar(), bar(close="2.0"), bar(close="3"), bar(volume=None))
    assert found.repeated == 2
    assert found.final["close"].to_list() == [2.0, 3.0, 2.0]
    assert found.final["source_row"].to_list() == [3, 4, 5]


@pytest.mark.parametrize(("seconds", "final"), [(-1, 0), (0, 1), (1, 1)])
def test_a_bar_is_final_when_it_was_received_after_its_end_and_the_delay(seconds: int, final: int) -> None:
    """To the second; what is not final is counted as forming and not loaded."""
    received = datetime(2024, 5, 10, 13, 45, tzinfo=UTC) + timedelta(minutes=2, seconds=seconds)
    found = typed(bar(answered_at=received.isoformat()))
    assert (len(found.final), found.forming) == (final, 1 - final)


def test_finality_is_a_matter_of_the_manifest_alone() -> None:
    """Two files received at the same moment under different delays differ."""
    received = (datetime(2024, 5, 10, 13, 45, tzinfo=UTC) + timedelta(minutes=2)).isoformat()
    assert typed(bar(answered_at=received), of=manifest(delay=timedelta(minutes=3))).forming == 1
    assert typed(bar(answered_at=received), of=manifest(delay=timedelta(0))).forming == 0


@pytest.mark.parametrize(
    ("day", "received", "final"),
    [
        ("2024-05-10", "2024-05-10T20:01:59+00:00", 0),  # the session closes at 20:00 UTC
        ("2024-05-10", "2024-05-10T20:02:00+00:00", 1),
        ("2024-11-29", "2024-11-29T18:02:00+00:00", 1),  # closes at 13:00 in New York
        ("2024-11-29", "2024-11-29T18:01:00+00:00", 0),
        ("2024-05-11", "2024-05-11T23:00:00+00:00", 0),  # no session: the day ends at midnight
        ("2024-05-11", "2024-05-12T04:02:00+00:00", 1),
        ("9999-12-31", "2024-05-10T20:02:00+00:00", 0),
        ("2300-01-01", "2024-05-10T20:02:00+00:00", 0),
        ("1900-01-02", "2024-05-10T20:02:00+00:00", 1),
    ],
)
def test_a_daily_bar_is_final_after_the_close_of_its_session(day: str, received: str, final: int) -> None:
    found = typed(bar(date=day, answered_at=received), of=DAILY)
    assert (len(found.final), found.forming) == (final, 1 - final)


def test_a_day_with_a_time_behind_it_is_that_day() -> None:
    """Some daily answers stamp midnight or noon."""
    found = typed(bar(date="2024-05-09 12:00:00"), bar(date="2024-05-08 garbage"), of=DAILY)
    assert found.final["date"].to_list() == [date(2024, 5, 9), date(2024, 5, 8)]


@pytest.mark.parametrize("text", ["", "0000-00-00", "2024-02-30", "0001-01-01", "May 10, 2024", None])
def test_a_day_that_is_none_is_quarantined(text: str | None) -> None:
    assert len(typed(bar(date=text), of=DAILY).quarantined) == 1


def test_one_garbage_day_among_good_ones_costs_nothing() -> None:
    """No calendar of two thousand years is computed for it."""
    found = typed(bar(date="0001-01-01"), bar(date="2024-05-09"), bar(date="9999-12-31"), of=DAILY)
    assert (len(found.quarantined), len(found.final), found.forming) == (1, 1, 1)


def test_recorded_yields_load_by_name_with_zeros_and_without_guesses(shared_data: Path) -> None:
    """Zero is a yield; a tenor that was not given is null, not zero."""
    body = (shared_data / "fmp-recorded" / "stable_treasury-rates_2023-01.json").read_bytes()
    rows = parse(200, body, symbol="").frame.with_columns(
        pl.lit(feeds.TREASURY).alias("symbol"), pl.lit(RECEIVED.isoformat()).alias("answered_at")
    )
    found = type_rows(rows.drop("month2").with_columns(month1=pl.lit("0")), BONDS)
    assert len(found.final) == len(rows)
    assert found.final["month2"].null_count() == len(rows)
    assert set(found.final["month1"]) == {0.0}
    assert found.final["year10"].to_list() == [float(text) for text in rows["year10"]]
    assert "symbol" not in found.final.columns


def test_recorded_daily_bars_load_number_for_number(shared_data: Path) -> None:
    body = (shared_data / "fmp-recorded" / "stable_historical-price-eod-full_AAPL_2023-01.json").read_bytes()
    rows = parse(200, body, symbol="AAPL").frame.with_columns(pl.lit(RECEIVED.isoformat()).alias("answered_at"))
    found = type_rows(rows, DAILY)
    assert len(found.final) == len(rows) > 0
    assert [(f"{d:%Y-%m-%d}", c, v) for d, c, v in found.final.select("date", "close", "volume").iter_rows()] == [
        (row["date"], row["close"], row["volume"]) for row in json.loads(body)
    ]


cells = st.one_of(
    st.none(),
    st.sampled_from(["1", "2.5", " 3 ", "1e5", "NaN", "inf", "", "x", "-0", "1,5"]),
    st.floats().map(str),
    st.text(max_size=6),
)
dates = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.datetimes().map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}"),
    st.sampled_from(["2024-05-10 09:30:00", "2024-05-10 09:45:00", "2024-05-10", "2024-03-10 02:15:00"]),
)
lines = st.fixed_dictionaries(
    {"symbol": st.sampled_from(["AAPL", "AAPL", "AAPL", "MSFT", None, ""]), "date": dates},
    optional=dict.fromkeys(("open", "high", "low", "close", "volume", "extra"), cells),
)


@given(rows=st.lists(lines, max_size=8), of=st.sampled_from([manifest(), DAILY, BONDS]))
def test_no_row_is_lost_whatever_it_holds(rows: list[Cells], of: Manifest) -> None:
    """rows = final + repeated + forming + quarantined, and what is final fits its table."""
    received = RECEIVED.isoformat()
    symbol = of.asks[0].symbol
    found = typed(
        *(
            {**row, "symbol": symbol if row["symbol"] == "AAPL" else row["symbol"], "answered_at": received}
            for row in rows
        ),
        of=of,
    )
    assert found.table.conform(found.final).equals(found.final)
    assert tables.QUARANTINE.conform(found.quarantined).equals(found.quarantined)
    for name in found.final.select(pl.selectors.float()).columns:
        assert found.final[name].drop_nulls().is_finite().all()


GOOD = ("AAPL", RECEIVED.isoformat(), "2024-05-10 09:30:00", "1.5", "1", "2.25", "2", "100")


def land_by_hand(folder: Path, content: bytes, rows: int) -> tuple[Landing, Manifest]:
    """A file that somebody else wrote, with the manifest that fits it."""
    (folder / "stocks").mkdir(parents=True)
    (folder / "stocks" / "L1.csv").write_bytes(content)
    return Landing(folder), replace(manifest(rows=rows), sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def as_csv(*rows: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",".join(GOOD[:5]), "line: does not fit the header"),
        (",".join((*GOOD, "1")), "line: does not fit the header"),
        ("", "line: does not fit the header"),
        ("\x00\x01garbage", "line: does not fit the header"),
        ('AAPL,"2024', "line: does not fit the header"),
        (",".join(GOOD).replace("1.5", '1"5'), "open: '1\"5' is no number"),
        (",".join(GOOD).replace("1.5", '"1"5'), "open: '\"1\"5' is no number"),
        (",".join(GOOD).replace("1.5", "\udcff"), "open: '�' is no number"),
    ],
)
def test_a_garbage_line_is_quarantined_and_the_lines_around_it_load(tmp_path: Path, line: str, words: str) -> None:
    """A file that fits its hash loads as far as it can be read, line by line."""
    before, after = ",".join(GOOD), ",".join(GOOD).replace("09:30", "09:45")
    text = "\n".join([",".join(HEADER), before, line, after]) + "\n"
    landing, of = land_by_hand(tmp_path, text.encode("utf-8", errors="surrogateescape"), 3)
    found = type_rows(landing.read(of), of)
    assert found.final["source_row"].to_list() == [1, 3]
    assert found.final["close"].to_list() == [2.0, 2.0]
    (row,) = found.quarantined.rows(named=True)
    assert row["source_row"] == 2
    assert row["reasons"].startswith(words)
    if words.startswith("line"):
        assert json.loads(row["text"])["(line)"].replace('"', "") == line.replace('"', "")


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.just(list(GOOD)),
            st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=5), max_size=11),
            st.lists(st.sampled_from(["a,b", 'q"q', "", "1", "x\ny", "#", "'"]), min_size=7, max_size=9),
        ),
        max_size=6,
    )
)
def test_any_file_that_csv_can_write_loads_row_for_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Ragged or not, each written row is one row, and the good ones are those that load."""
    content = as_csv(HEADER, *rows)
    landing, of = land_by_hand(tmp_path_factory.mktemp("ragged"), content, len(rows))
    found = type_rows(landing.read(of), of)
    good = sum(row == list(GOOD) for row in rows)
    assert len(found.final) + found.repeated == good
    assert len(found.quarantined) == len(rows) - good


def test_quoted_fields_with_commas_and_line_ends_are_no_garbage(tmp_path: Path) -> None:
    """What our own writer quotes, our own reader reads, null and empty text apart."""
    rows = frame(bar(note='a, "b"\nc'), bar(note=""), bar(note=None), bar(note="x,y,z"))
    landing = Landing(tmp_path)
    landed = landing.write(
        "stocks", rows, manifest().asks, source="t", bar_interval="15min", basis="vendor", final_delay=timedelta(0)
    )
    assert landing.read(landed).equals(rows)


SPLITS = manifest("splits", bar_interval="1day")
DIVIDENDS = manifest("dividends", bar_interval="1day")
SPLITS_CALENDAR = manifest("splits_calendar", feeds.WHOLE_MARKET, bar_interval="1day")
DIVIDENDS_CALENDAR = manifest("dividends_calendar", feeds.WHOLE_MARKET, bar_interval="1day")


def split(**cells: str | None) -> Cells:
    good: Cells = {
        "symbol": "AAPL",
        "answered_at": RECEIVED.isoformat(),
        "date": "2020-08-31",
        "numerator": "4",
        "denominator": "1",
    }
    return good | cells


def dividend(**cells: str | None) -> Cells:
    good: Cells = {
        "symbol": "AAPL",
        "answered_at": RECEIVED.isoformat(),
        "date": "2024-05-10",
        "recordDate": "2024-05-13",
        "adjDividend": "0.25",
        "dividend": "0.24",
        "yield": "0.5",
        "frequency": "Quarterly",
    }
    return good | cells


def test_a_split_becomes_an_action_by_our_names() -> None:
    found = typed(split(), of=SPLITS)
    assert found.table is tables.ACTIONS_RAW
    assert found.final.schema == tables.ACTIONS_RAW.schema
    assert found.final.rows(named=True) == [
        {
            "load_id": "L1",
            "source_row": 1,
            "symbol": "AAPL",
            "ex_date": date(2020, 8, 31),
            "kind": "split",
            "numerator": 4.0,
            "denominator": 1.0,
            "amount": None,
            "extracted_at": RECEIVED.replace(tzinfo=None),
        }
    ]


def test_a_dividend_s_amount_is_what_was_declared() -> None:
    """Not what later splits make of it, which changes with every one of them."""
    (row,) = typed(dividend(), of=DIVIDENDS).final.rows(named=True)
    assert (row["kind"], row["ex_date"], row["amount"]) == ("dividend", DAY, 0.24)
    assert (row["numerator"], row["denominator"]) == (None, None)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("1", "0", (1.0, 0.0)),
        ("0", "0", (0.0, 0.0)),
        ("-4", "1", (-4.0, 1.0)),
        ("1.5", "1", (1.5, 1.0)),
        (None, "1", (None, 1.0)),
        ("4", None, (4.0, None)),
        (None, None, (None, None)),
        ("NaN", "inf", (None, None)),
    ],
)
def test_a_split_that_makes_no_sense_is_kept_as_the_vendor_gave_it(
    numerator: str | None, denominator: str | None, expected: tuple[float | None, float | None]
) -> None:
    """Raw says what came; what is a ratio is judged later."""
    (row,) = typed(split(numerator=numerator, denominator=denominator), of=SPLITS).final.rows(named=True)
    assert (row["numerator"], row["denominator"]) == expected


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"numerator": "four"}, "numerator: 'four' is no number"),
        ({"denominator": "1:0"}, "denominator: '1:0' is no number"),
        ({"date": "soon"}, "date: 'soon' is no bar start"),
        ({"date": None}, "date: '' is no bar start"),
        ({"date": "0001-01-01"}, "date: '0001-01-01' is no bar start"),
        ({"answered_at": "now"}, "answered_at: 'now'"),
        ({"symbol": "MSFT"}, "symbol: 'MSFT' was not asked for"),
    ],
)
def test_an_action_that_cannot_be_read_is_quarantined(cells: Cells, reason: str) -> None:
    found = typed(split(), split(**cells), of=SPLITS)
    assert len(found.final) == 1
    (row,) = found.quarantined.rows(named=True)
    assert (row["feed"], row["source_row"], row["reasons"]) == ("splits", 2, reason)
    assert json.loads(row["text"]) == split(**cells)


def test_an_amount_that_is_no_number_is_quarantined_and_none_is_missing() -> None:
    found = typed(dividend(dividend="a lot"), dividend(date="2024-02-09", dividend=None), of=DIVIDENDS)
    assert found.quarantined["reasons"].to_list() == ["dividend: 'a lot' is no number"]
    assert found.final["amount"].to_list() == [None]


@pytest.mark.parametrize("of", [SPLITS_CALENDAR, DIVIDENDS_CALENDAR], ids=["splits", "dividends"])
def test_a_calendar_of_the_whole_market_may_name_any_symbol(of: Manifest) -> None:
    """Nothing was asked for by name; a row without one is about nobody."""
    row = split if of is SPLITS_CALENDAR else dividend
    symbols = ["AAPL", "0700.HK", "NOBODY-KNOWS"]
    found = typed(*(row(symbol=symbol) for symbol in symbols), row(symbol=None), of=of)
    assert found.final["symbol"].to_list() == symbols
    assert set(found.final["kind"]) == {"split" if row is split else "dividend"}
    assert found.quarantined["reasons"].to_list() == ["symbol: '' was not asked for"]


@pytest.mark.parametrize("day", ["1980-12-12", "2024-05-10", "2030-01-02"])
def test_an_action_is_final_once_it_is_announced(day: str) -> None:
    """Long past, today or years ahead: nothing about it is still forming."""
    found = typed(split(date=day), of=SPLITS_CALENDAR)
    assert (found.final["ex_date"].to_list(), found.forming) == ([date.fromisoformat(day)], 0)


def test_an_action_said_twice_is_one_and_two_that_differ_are_two() -> None:
    found = typed(split(), split(), split(numerator="7"), split(date="2014-06-09", numerator="7"), of=SPLITS)
    assert found.repeated == 1
    assert found.final.select("source_row", "ex_date", "numerator").rows() == [
        (2, date(2020, 8, 31), 4.0), (3, date(2020, 8, 31), 7.0), (4, date(2014, 6, 9), 7.0),
    ]  # fmt: skip


def test_a_split_and_a_dividend_of_one_day_are_two_actions() -> None:
    """They differ in kind, so that neither is a version of the other."""
    one = typed(split(date="2024-05-10"), of=SPLITS).final
    other = typed(dividend(), of=DIVIDENDS).final
    assert pl.concat([one, other]).select(tables.ACTIONS_RAW.bar_key).is_duplicated().sum() == 0


def test_no_actions_is_an_empty_frame_of_their_table() -> None:
    assert type_rows(pl.DataFrame(), SPLITS).final.equals(tables.ACTIONS_RAW.empty())


@settings(max_examples=60)
@given(
    st.sampled_from([SPLITS, DIVIDENDS, SPLITS_CALENDAR, DIVIDENDS_CALENDAR]),
    st.lists(
        st.dictionaries(
            st.sampled_from(["symbol", "answered_at", "date", "numerator", "denominator", "dividend", "x"]),
            st.none() | st.text(max_size=12) | st.sampled_from(["AAPL", "2024-05-10", RECEIVED.isoformat(), "1", "0"]),
            min_size=1,
        ),
        max_size=6,
    ),
)
def test_no_action_is_lost_whatever_comes(of: Manifest, rows: list[Cells]) -> None:
    found = typed(*rows, of=of) if rows else type_rows(pl.DataFrame(), of)
    assert tables.ACTIONS_RAW.conform(found.final).equals(found.final, null_equal=True)
