from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.errors import (
    BadRequest,
    KeyRefused,
    QuotaExhausted,
    RateLimited,
    Restricted,
    UnusableAnswer,
    VendorError,
    VendorUnavailable,
)
from openingbell.extract.parse import parse as parse_lines

INVALID = "Invalid API KEY. Feel free to create a Free API Key or visit https://site.financialmodelingprep.com"
PREMIUM = "Premium Query Parameter: 'Special Endpoint' : This value set for 'symbol' is not available"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx/1.18.0</body></html>"


def parse(status: int, body: bytes, *, symbol: str | None) -> pl.DataFrame:
    """The rows of an answer in a frame."""
    return parse_lines(status, body, symbol=symbol).frame


def said(words: str) -> bytes:
    return json.dumps({"Error Message": words}).encode()


def recorded_names() -> list[str]:
    return [
        "stable_batch-exchange-quote_NEO",
        "stable_dividends_AAPL",
        "stable_historical-chart-1hour_0700.HK",
        "stable_historical-price-eod-full_AAPL_2023-01",
        "stable_quote_AAPL",
        "stable_splits-calendar_2023-01",
        "stable_treasury-rates_2023-01",
        "v4_treasury_2023-01_2023-05",
    ]


def test_every_recording_is_tested(shared_data: Path) -> None:
    """A recorded answer that is added to the folder is tested as well."""
    answers = {path.stem for path in (shared_data / "fmp-recorded").glob("*.json") if ".meta" not in path.suffixes}
    assert answers == set(recorded_names())


@pytest.mark.parametrize("name", recorded_names())
def test_a_recorded_answer_keeps_every_row_and_the_spelling_of_every_number(shared_data: Path, name: str) -> None:
    """What the vendor wrote between colon and comma is what the frame holds, field by field, in its order."""
    body = (shared_data / "fmp-recorded" / f"{name}.json").read_bytes()
    rows = json.loads(body)
    symbols = {row.get("symbol") for row in rows}
    if len(symbols) > 1:  # a batch: each of its rows alone, as the parser is asked about one symbol
        pieces = [(json.dumps([row]).encode(), row["symbol"]) for row in rows]
        frames = [parse(200, piece, symbol=symbol) for piece, symbol in pieces]
        assert sum(map(len, frames)) == len(rows)
        with pytest.raises(UnusableAnswer, match="about"):
            parse(200, body, symbol=rows[0]["symbol"])
        return
    frame = parse(200, body, symbol=rows[0].get("symbol", ""))
    assert len(frame) == len(rows)
    assert frame.columns == list(rows[0])
    assert set(frame.dtypes) == {pl.String()}
    spelled = re.findall(r'"(\w+)": ("[^"]*"|[^,\s}]+)', body.decode())
    found = [(name, value) for row in frame.iter_rows(named=True) for name, value in row.items()]
    assert found == [(name, None if text == "null" else text.strip('"')) for name, text in spelled]


@pytest.mark.parametrize(
    "text", ["437", "437.2", "437.20", "1e5", "1E-7", "-36.98", "0", "0.00", "12345678901234567890"]
)
def test_a_number_is_not_respelled(text: str) -> None:
    assert parse(200, f'[{{"close": {text}}}]'.encode(), symbol="A")["close"].to_list() == [text]


def test_text_null_truth_and_nested_values_have_one_text_each() -> None:
    """Null stays null and is not the word; what is no scalar stays JSON."""
    body = b'[{"a": null, "b": "", "c": "null", "d": true, "e": {"x": [1, null]}, "f": "\\u00e9", "g": NaN}]'
    assert parse(200, body, symbol="A").row(0) == (None, "", "null", "true", '{"x": ["1", null]}', "é", "NaN")


def test_fields_that_some_rows_lack_are_null_there() -> None:
    frame = parse(200, b'[{"date": "a", "close": 1}, {"date": "b", "close": 2, "extra": 3}, {"close": 4}]', symbol="A")
    assert frame.to_dict(as_series=False) == {
        "date": ["a", "b", None],
        "close": ["1", "2", "4"],
        "extra": [None, "3", None],
    }


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, said(INVALID), KeyRefused),
        (401, b"", KeyRefused),
        (200, said(INVALID), KeyRefused),
        (403, said(INVALID), KeyRefused),
        (200, json.dumps([{"Error Message": INVALID}]).encode(), KeyRefused),
        (200, json.dumps(INVALID).encode(), KeyRefused),
        (200, INVALID.encode(), KeyRefused),
        (402, PREMIUM.encode(), Restricted),
        (402, said(PREMIUM), Restricted),
        (200, said(PREMIUM), Restricted),
        (200, PREMIUM.encode(), Restricted),
        (402, b"", Restricted),
        (402, b"Restricted Endpoint: This endpoint is not available under your current subscription", Restricted),
        (403, b"Exclusive Endpoint : This endpoint is not available under your current subscription", Restricted),
        (403, said("Legacy Endpoint : Due to Legacy endpoints being no longer supported"), BadRequest),
        (429, said("Limit Reach . Please upgrade your plan or visit our documentation"), RateLimited),
        (429, b"", RateLimited),
        (200, said("Limit Reach . Please upgrade your plan"), RateLimited),
        (200, json.dumps([{"Error Message": "Limit Reach"}]).encode(), RateLimited),
        (200, b'{"error": "Limit Reach"}', RateLimited),
        (503, b"limit reach", RateLimited),
        (429, said("Bandwidth Limit Reach . Please upgrade your plan"), QuotaExhausted),
        (200, said("Bandwidth Limit Reach"), QuotaExhausted),
        (429, b"Daily Limit Reach", QuotaExhausted),
        (400, b"Query Error: Invalid or missing query parameter - from", BadRequest),
        (200, b"Query Error: Invalid or missing query parameter - from", BadRequest),
        (400, b"[]", BadRequest),
        (404, b"[]", BadRequest),
        (404, HTML, BadRequest),
        (500, b"", VendorUnavailable),
        (502, HTML, VendorUnavailable),
        (503, b"", VendorUnavailable),
        (504, b"upstream request timeout", VendorUnavailable),
        (503, b"[]", VendorUnavailable),
        (200, HTML, UnusableAnswer),
        (200, b"", UnusableAnswer),
        (200, b"   \n", UnusableAnswer),
        (200, b'[{"date": "2024-05-07 09:30:00", "open": 1', UnusableAnswer),
        (200, b'[{"date": "2024-05-07 09:30:00"},', UnusableAnswer),
        (200, b"null", UnusableAnswer),
        (200, b"{}", UnusableAnswer),
        (200, b"7", UnusableAnswer),
        (200, b"[1, 2]", UnusableAnswer),
        (200, b"[{}]", UnusableAnswer),
        (200, b'[{"a": 1}, "b"]', UnusableAnswer),
        (200, b'{"historical": []}', UnusableAnswer),
        (200, said("Something went wrong"), UnusableAnswer),
        (200, b"[" * 100_000, UnusableAnswer),
        (200, b"\xff\xfe\x00", UnusableAnswer),
        (204, b"", UnusableAnswer),
        (301, b"[]", UnusableAnswer),
    ],
)
def test_what_is_no_answer_is_the_error_that_it_says(status: int, body: bytes, kind: type[VendorError]) -> None:
    """Status and words are both judged, and the error carries the status and an excerpt."""
    with pytest.raises(VendorError) as caught:
        parse(status, body, symbol="AAPL")
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(str(caught.value)) < 400
    if kind is UnusableAnswer and status == 200 and body.strip() and not body.startswith(b'{"Error'):
        assert isinstance(caught.value, UnusableAnswer)
        assert caught.value.body == body


def test_nothing_is_an_answer_when_it_is_said_well() -> None:
    """`[]` with 200 is how the vendor says that it has nothing."""
    assert parse(200, b"[]", symbol="AAPL").is_empty()
    assert parse(200, b" [ ]\n", symbol="AAPL").is_empty()


def test_words_of_an_error_inside_data_are_data() -> None:
    """A row that quotes an error is a row."""
    body = b'[{"date": "d", "note": "Invalid API KEY. Limit Reach"}, {"date": "e", "note": "x"}]'
    assert len(parse(200, body, symbol="AAPL")) == 2


@pytest.mark.parametrize("other", ['"AAPL"', "null", "5", '"msft"'])
def test_an_answer_about_another_symbol_is_refused(other: str) -> None:
    """Some endpoints answer for AAPL when they do not like the symbol."""
    with pytest.raises(UnusableAnswer, match="asked for MSFT; the answer is about"):
        parse(200, f'[{{"symbol": "MSFT", "a": 1}}, {{"symbol": {other}, "a": 1}}]'.encode(), symbol="MSFT")
    assert len(parse(200, b'[{"symbol": "MSFT", "a": 1}, {"a": 1}]', symbol="MSFT")) == 2


def test_an_answer_about_the_whole_market_may_name_any_symbol() -> None:
    """Nothing was asked for by name, so nothing can be another; what is missing stays missing."""
    body = b'[{"symbol": "MSFT", "a": 1}, {"symbol": "^X", "a": 2}, {"symbol": null, "a": 3}, {"a": 4}]'
    found = parse(200, body, symbol=None)
    assert found.rows() == [("MSFT", "1"), ("^X", "2"), (None, "3"), (None, "4")]
    assert parse(200, b"[]", symbol=None).is_empty()
    with pytest.raises(UnusableAnswer, match="asked for the whole market; the answer is no list of rows"):
        parse(200, b'{"a": 1}', symbol=None)


def test_half_a_surrogate_pair_does_not_break_the_frame() -> None:
    """JSON can name characters that no file can hold; they become question marks."""
    frame = parse(200, b'[{"a": "x\\ud83d", "b": "\\ud83d\\ude00", "n": 1.50}]', symbol="A")
    assert frame.row(0) == ("x?", "\U0001f600", "1.50")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.lists(st.dictionaries(st.sampled_from(["date", "open", "x"]), json_values, max_size=3), max_size=4).map(
        lambda rows: json.dumps(rows).encode()
    ),
)


@given(status=st.sampled_from([200, 200, 200, 401, 402, 404, 429, 500]), body=bodies, cut=st.integers(0, 40))
def test_whatever_comes_is_rows_of_text_or_one_of_our_errors(status: int, body: bytes, cut: int) -> None:
    """Nothing that a vendor can send raises anything else, and a frame can always be written."""
    for sent in (body, body[: max(len(body) - cut, 0)]):
        try:
            frame = parse(status, sent, symbol="AAPL")
        except VendorError as error:
            str(error).encode("utf-8")
        else:
            assert status == 200
            assert set(frame.dtypes) <= {pl.String()}
            frame.write_csv()
