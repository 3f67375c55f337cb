"""Published values beside ours: the embedded sheets, files of others, and what is told of them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from openingbell import terminal
from openingbell.errors import UsageError
from openingbell.indicators.published import SHEETS, Sheet
from openingbell.indicators.verify import (
    BAR_COLUMNS,
    OTHER_NAMES,
    Comparison,
    compare_answers,
    compare_embedded,
    compare_sheet,
)

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = ",".join(BAR_COLUMNS)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "answers.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.title)
def test_every_published_value_agrees_to_its_last_digit(sheet: Sheet) -> None:
    for comparison, column in zip(compare_sheet(sheet), sheet.columns, strict=True):
        assert comparison.disagreeing == (), column.name
        assert len(comparison.published) == len(comparison.ours) == len(column.spelled.split())
        assert None not in comparison.ours
        assert comparison.largest_difference <= 0.5 * 10**-comparison.decimals * (1 + 1e-6) + 1e-7


def test_the_sheets_show_different_things() -> None:
    assert len({sheet.title for sheet in SHEETS}) == len(SHEETS) == 7
    assert len(compare_embedded()) == 13


def comparison(published: tuple[float | None, ...], ours: tuple[float | None, ...], decimals: int = 2) -> Comparison:
    return Comparison("sheet", "column", tuple(str(bar) for bar in range(len(ours))), published, ours, decimals)


def test_a_difference_beyond_the_last_digit_disagrees() -> None:
    assert comparison((1.23, 4.56), (1.2349, 4.5551)).disagreeing == ()
    found = comparison((1.23, 4.56, 7.89), (1.2349, 4.5549, 7.89))
    assert found.disagreeing == ("1",)
    assert found.largest_difference == pytest.approx(0.0051)


def test_a_value_beside_an_empty_cell_disagrees() -> None:
    found = comparison((None, 1.0, None), (None, None, 1.0))
    assert found.disagreeing == ("1", "2")
    assert found.largest_difference == 0.0
    assert found.spelled() == (("", ""), ("1.00", ""), ("", "1.0000"))


def test_a_file_is_compared_in_every_row_of_every_known_column(shared_data: Path) -> None:
    path = shared_data / "answers" / "spy_daily_502.csv"
    found = compare_answers(path)
    assert {one.column for one in found.comparisons} == {*OTHER_NAMES} | {
        "macd_signal", "bb_upper", "bb_lower", "stoch_k", "stoch_d", "obv"
    }  # fmt: skip
    assert found.left_out == ("bb_stdev_pop", "tr", "ema20")
    for one in found.comparisons:
        assert len(one.labels) == 502
        assert one.disagreeing == (), one.column
        assert one.largest_difference < 1e-9


def test_a_wrong_value_and_a_wrongly_empty_cell_are_found(shared_data: Path, tmp_path: Path) -> None:
    sheet = pl.read_csv(shared_data / "answers" / "spy_daily_502.csv", infer_schema=False)
    row = pl.int_range(pl.len())
    sheet.with_columns(
        rsi14=pl.when(row == 100).then(pl.lit("50.000001")).otherwise("rsi14"),
        obv=pl.when(row == 7).then(None).otherwise("obv"),
    ).write_csv(tmp_path / "wrong.csv")
    wrong = {one.column: one.disagreeing for one in compare_answers(tmp_path / "wrong.csv").comparisons}
    assert {column: rows for column, rows in wrong.items() if rows} == {
        "rsi14": (sheet["date"][100],), "obv": (sheet["date"][7],)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("date,close,rsi14", "2020-01-01,1,"), "it lacks the columns open, high, low, volume; needed are date, open"),
        ((HEAD, "2020-01-01,1,1,1,1,1"), "it has no column with answers; known are sma_20"),
        ((HEAD + ",rsi14", "2020-01-01,1,1,1,one,1,"), "its column close holds 'one'; numbers and empty cells"),
        ((HEAD + ",rsi14", "2020-01-01,1,1,1,1,1,inf"), "its column rsi14 holds 'inf'; numbers and empty cells"),
        ((HEAD + ",obv", "2020-01-02,1,1,1,1,1,", "2020-01-01,1,1,1,1,1,"), "not days that rise from row to row"),
        ((HEAD + ",obv", "2. Jan,1,1,1,1,1,"), "not days that rise from row to row"),
        (("",), "it cannot be read"),
    ],
)
def test_a_file_that_cannot_be_compared_is_refused(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_answers(written(tmp_path, *lines))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"asked to verify with .*nowhere\.csv; it cannot be read: .*No such file"):
        compare_answers(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match="it cannot be read"):
        compare_answers(tmp_path)


def test_rows_without_answers_or_volume_are_compared_too(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + ",obv,other", "2020-01-01,1,1,1,1,,,", "2020-01-02,1,1,1,1,5,0,x")
    found = compare_answers(path)
    assert found.left_out == ("other",)
    [obv] = found.comparisons
    assert (obv.disagreeing, obv.ours, obv.decimals) == ((), (None, 0.0), 0)


def test_a_column_without_a_number_is_compared(tmp_path: Path) -> None:
    [one] = compare_answers(written(tmp_path, HEAD + ",rsi14", "2020-01-01,1,1,1,1,1,")).comparisons
    assert (one.disagreeing, one.decimals) == ((), 15)


def test_the_terminal_shows_values_side_by_side_and_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=screen, width=100, highlight=False))
    terminal.show_comparisons([comparison((1.23, None), (1.239, None)), *compare_embedded()[:1]])
    lines = [line.split() for line in screen.getvalue().splitlines()]
    assert ["0", "1.23", "1.2390"] in lines
    assert ["column", "2", "9.0e-03", "differs", "in", "1,", "first", "0"] in lines
    assert any(line[:3] == ["SMA", "10", "21"] and line[-1] == "agrees" for line in lines)


def test_the_page_of_verification_is_what_the_code_says() -> None:
    """If this fails: python scripts/docs.py."""
    from scripts.docs import pages

    assert (REPOSITORY / "docs/verification.md").read_text("utf-8") == pages()["docs/verification.md"]
    assert " | no |" not in pages()["docs/verification.md"]
