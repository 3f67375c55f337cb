"""What is taken apart at once is what the JSON module would have said, and what is not exactly so is left to it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.errors import VendorError
from openingbell.extract.flat import flat_rows
from openingbell.extract.parse import by_json, parse
from openingbell.landing.lines import Lines

STYLES = [{"indent": 2}, {"indent": 4}, {}, {"separators": (",", ":")}, {"indent": 0}]
NAMES = ("symbol", "date", "open", "volume")
NUMBERS = ["0", "-0", "437", "437.20", "0.5", "-36.98", "12345678901234567890", "0.00", "-0.1", "1e5", "-1.5E-7"]


def spelled(rows: list[dict[str, str]], style: int, texts: tuple[str, ...] = ("symbol", "date")) -> bytes:
    """Rows as JSON in one of many layouts, every number in its own spelling."""
    marked = [{name: value if name in texts else f"#{value}#" for name, value in row.items()} for row in rows]
    return json.dumps(marked, **STYLES[style]).replace('"#', "").replace('#"', "").encode()  # type: ignore[arg-type]


def rows_with(symbol: str, *dates: str) -> st.SearchStrategy[list[dict[str, str]]]:
    """Bars of a symbol at some of the dates."""
    row = st.tuples(
        st.just(symbol), st.sampled_from(dates), st.sampled_from(NUMBERS), st.integers(-5, 10**12).map(str)
    ).map(lambda row: dict(zip(NAMES, row, strict=True)))
    return st.lists(row, min_size=1, max_size=6)


rows_of_bars = st.one_of(
    rows_with("BRK.B", "2024-05-07 09:30:00", "2024-05-07 09:45:00"),
    rows_with("AAPL", "2024-05-07", "2024-05-06"),
    rows_with("0700.HK", "x.y-z 0123456789012", "x.y-z 9876543210987"),
    rows_with("1-2", "day 1 of 2", "day 2 of 2"),
)


@given(rows=rows_of_bars, style=st.integers(0, len(STYLES) - 1))
def test_rows_that_are_alike_are_taken_apart_in_any_layout(rows: list[dict[str, str]], style: int) -> None:
    found = flat_rows(spelled(rows, style))
    assert found is not None
    assert (found.names, found.count, found.are_numbers) == (NAMES, len(rows), True)
    assert found.frame.to_dicts() == rows
    assert found.text == Lines.of(pl.DataFrame(rows)).text


def said_by_json(body: bytes) -> Lines | None:
    try:
        return by_json(200, body, symbol=None)
    except VendorError:
        return None


@settings(max_examples=200)
@given(
    rows=rows_of_bars,
    style=st.integers(0, len(STYLES) - 1),
    place=st.floats(0, 1),
    cut=st.integers(0, 12),
    put=st.text('0159.-+eE,:{}[]" \n\\\tanull', max_size=8),
)
def test_whatever_is_done_to_a_body_the_two_never_differ(
    rows: list[dict[str, str]], style: int, place: float, cut: int, put: str
) -> None:
    body = spelled(rows, style)
    at = int(place * len(body))
    body = body[:at] + put.encode() + body[at + cut :]
    if (found := flat_rows(body)) is not None:
        said = said_by_json(body)
        assert said is not None, body
        assert (found.names, found.count, found.text) == (said.names, said.count, said.text)


@pytest.mark.parametrize(
    "field",
    [
        '"a": 01', '"a": -01', '"a": 1.', '"a": .5', '"a": +1', '"a": 1.2.3', '"a": -', '"a": --1', '"a": 1-2',
        '"a": 0x1', '"a": 1 2', '"a": 12"', '"a": ', '"a": 1e', '"a": 1e+', '"a": e5', '"a": 01e5', '"a": 1e5.0',
        '"a": NaN', '"a": null', '"a": true', '"a": "text"', '"a": [1]', '"a": {"b": 1}',
        '"date": ""', '"date": "a\\"b"', '"date": "a,b"', '"date": "é"', '"date": "a\tb"', '"a" 1', "a: 1",
        '"Error Message": "Limit Reach"', '"Error Message": 429', '"a\\"b": 1', '"a\\nb": 1', '"a": 1, {"b": 2',
    ],
)  # fmt: skip
@pytest.mark.parametrize("row", ["{{{}}}", '{{"z": 1, {}, "y": 2}}'])
def test_what_is_not_exactly_so_is_left_to_json(field: str, row: str) -> None:
    body = f"[{row.format(field)}]".encode()
    assert flat_rows(body) is None
    assert flat_rows(body.replace(b"[", b"[" + row.format('"a": 1').encode() + b", ", 1)) is None


@pytest.mark.parametrize(
    "other", ['{"a": 1}', '{"a": 1, "b": 2, "c": 3}', '{"A": 1, "b": 2}', '{"a": null, "b": 2}', '{"a": 1, "b": "2"}']
)
def test_a_row_that_is_not_like_the_others_is_left_to_json(other: str) -> None:
    alike = '{"a": 1, "b": 2}'
    for rows in ([alike, other], [other, alike], [alike, other, alike]):
        assert flat_rows(f"[{', '.join(rows)}]".encode()) is None


@pytest.mark.parametrize("symbol", ['""', '"1,2"', '"1\\u0031"', '"é"', "null", "1", "[1]"])
def test_a_text_that_is_not_like_the_first_is_left_to_json(symbol: str) -> None:
    first = '{"symbol": "1", "a": 1}'
    assert flat_rows(f"[{first}, {first}]".encode()) is not None
    assert flat_rows(f'[{first}, {{"symbol": {symbol}, "a": 2}}]'.encode()) is None


@pytest.mark.parametrize("before", ["", '{"a": 1}, '])
def test_what_nests_too_deep_is_an_answer_that_cannot_be_used(before: str) -> None:
    body = f'[{before}{{"a": {"[" * 2_000}{"]" * 2_000}}}]'.encode()
    assert flat_rows(body) is None
    with pytest.raises(VendorError):
        parse(200, body, symbol="A")


@pytest.mark.parametrize(
    "other",
    [
        '{"b": 1, "a": 2}',
        '{"a":1,\t"b"\n: 2}',
        '{"a": 0, "b": 2, "a": 1}',
        '{"\\u0061": 1, "b": 2}',
    ],
)
def test_a_row_that_is_only_spelled_otherwise_is_as_json_says(other: str) -> None:
    alike = '{"a": 1, "b": 2}'
    for rows in ([alike, other], [other, alike], [alike, other, alike]):
        body = f"[{', '.join(rows)}]".encode()
        found, said = flat_rows(body), said_by_json(body)
        assert found is not None
        assert said is not None
        assert (found.names, found.count, found.text) == (said.names, said.count, said.text)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"]", b"[]", b"[{}]", b"{}", b'{"a": 1}', b"[1]", b"[}]", b"[{]", b'"[}]"']
)
def test_what_is_no_list_of_rows_is_left_to_json(body: bytes) -> None:
    assert flat_rows(body) is None


def test_recorded_bars_are_taken_apart(shared_data: Path) -> None:
    names = ["historical-chart-1hour_0700.HK", "historical-price-eod-full_AAPL_2023-01", "treasury-rates_2023-01"]
    for name in names:
        body = (shared_data / "fmp-recorded" / f"stable_{name}.json").read_bytes()
        found, said = flat_rows(body), said_by_json(body)
        assert found is not None
        assert said is not None
        assert (found.names, found.count, found.text) == (said.names, said.count, said.text)


@pytest.mark.parametrize("symbol", ["AAPL", "AAPLX", "A"])
def test_another_symbol_is_seen(symbol: str) -> None:
    body = b'[{"symbol": "AAPL", "a": 1}]'
    if symbol == "AAPL":
        assert parse(200, body, symbol=symbol).count == 1
    else:
        with pytest.raises(VendorError, match="the answer is about AAPL"):
            parse(200, body, symbol=symbol)
