"""Lines of CSV say exactly what the frame says that they come from."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.landing.lines import Lines, joined

CELLS = (
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["", '"', ",", "\n"])
)
MOMENT = "2024-05-10T16:00:00+00:00"


def frame(**columns: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def read(lines: Lines) -> pl.DataFrame:
    """The rows of the text itself."""
    return Lines(lines.names, lines.count, lines.text).frame


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_lines_hold_what_the_frame_holds(rows: list[tuple[str | None, str | None]]) -> None:
    cells = frame(a=["1"] * len(rows), b=[b for b, _ in rows], c=[c for _, c in rows])
    lines = Lines.of(cells)
    assert lines.frame.equals(cells)
    assert read(lines).equals(cells)
    assert lines.content == cells.write_csv().encode()


def test_nothing_is_no_file() -> None:
    assert Lines().content == Lines.of(frame(a=[])).content == b""
    assert Lines().frame.is_empty()


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4),
    st.sampled_from(["AAPL", "A,B", 'A"B']),
    st.sampled_from(
        [("date", "x"), ("symbol", "date"), ("date", "symbol"), ("answered_at", "x"), ("x", "answered_at")]
    ),
)
def test_stamped_rows_are_those_of_the_frame(
    rows: list[tuple[str | None, str | None]], symbol: str, names: tuple[str, str]
) -> None:
    """Fields of the names that are put in front are left out, wherever they stand and whatever they say."""
    columns: dict[str, Sequence[str | None]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    cells = frame(**columns, y=["1"] * len(rows))
    stamped = Lines.of(cells).stamped(symbol, MOMENT)
    expected = cells.select(pl.lit(symbol).alias("symbol"), pl.lit(MOMENT).alias("answered_at"),
                            pl.exclude("symbol", "answered_at"))  # fmt: skip
    assert stamped.names == tuple(expected.columns)
    assert read(stamped).equals(expected)


def test_rows_that_say_only_their_symbol_are_as_many_as_before() -> None:
    stamped = Lines.of(frame(symbol=["A", None])).stamped("A", MOMENT)
    assert read(stamped).rows() == [("A", MOMENT), ("A", MOMENT)]


@pytest.mark.parametrize("symbols", [["A", "A"], ["A", "B"], ["AA", "A"], ["A", None]])
def test_a_symbol_in_front_is_replaced_by_the_one_that_was_asked_for(symbols: list[str | None]) -> None:
    stamped = Lines.of(frame(symbol=symbols, x=["1", "2"])).stamped("A", MOMENT)
    assert read(stamped).rows() == [("A", MOMENT, "1"), ("A", MOMENT, "2")]


@pytest.mark.parametrize(
    ("names", "text", "about"),
    [
        ("symbol date", b"A,1\nA,2\n", True),
        ("symbol date", b"A,1\nB,2\n", False),
        ("symbol date", b"AA,1\nA,2\n", False),
        ("symbol date", b"A,A\nB,A\n", False),
        ("symbol date", b'A,"1\nA,2"\nA,2\n', False),
        ("date symbol", b"A,A\nA,A\n", False),
    ],
)
def test_rows_about_one_symbol_are_told(names: str, text: bytes, about: bool) -> None:
    assert Lines(tuple(names.split()), 2, text).is_about("A") is about


def test_parts_of_one_form_are_put_together_as_they_are() -> None:
    parts = [Lines.of(frame(a=["1"], b=[None])), Lines(), Lines.of(frame(a=["2", "3"], b=["x", ""]))]
    together = joined(parts)
    assert (together.names, together.count) == (("a", "b"), 3)
    assert read(together).rows() == [("1", None), ("2", "x"), ("3", "")]


def test_a_name_that_some_parts_lack_is_null_there() -> None:
    together = joined([Lines.of(frame(a=["1"], b=["x"])), Lines.of(frame(b=["y"], c=["2"]))])
    assert together.names == ("a", "b", "c")
    assert read(together).rows() == [("1", "x", None), (None, "y", "2")]
    assert joined([]).count == joined([Lines()]).count == 0


def test_a_column_of_one_width_is_known_by_its_signs() -> None:
    lines = Lines(("a", "b", "c"), 2, b"1,ab,x\n2,cd,y\n")
    found = {name: lines.same_width(name) for name in lines.names}
    assert {name: [bytes(row) for row in signs] for name, signs in found.items() if signs is not None} == {
        "a": [b"1", b"2"], "b": [b"ab", b"cd"], "c": [b"x", b"y"],
    }  # fmt: skip
    assert lines.same_width("nothing") is None
    assert Lines().same_width("a") is None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (b"1,a\n22,b\n", ""),
        (b"22,a\n1,b\n", ""),
        (b"1,a\n2,bb\n", "a"),
        (b"1,aa\n2,b\n", "a"),
        (b"1,aaaa\n2,\n", "a"),
        (b'1,"a"\n2,"b"\n', ""),
        (b"1,a\n,bb\n", ""),
    ],
)
def test_a_column_is_not_known_where_it_or_one_before_it_is_uneven(text: bytes, known: str) -> None:
    lines = Lines(("a", "b"), 2, text)
    assert [name for name in lines.names if lines.same_width(name) is not None] == list(known)
