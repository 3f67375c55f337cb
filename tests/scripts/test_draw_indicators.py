"""The drawn examples: one an entry, current, and the same every time."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from openingbell.indicators import CATALOGUE
from scripts import draw_indicators


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return draw_indicators.drawings()


def test_every_entry_has_its_drawing_and_it_is_current(drawn: dict[str, str]) -> None:
    """If this fails: python scripts/draw_indicators.py."""
    assert set(drawn) == {f"docs/indicators/{entry.name}.svg" for entry in CATALOGUE}
    for name, drawing in drawn.items():
        assert draw_indicators.same((draw_indicators.ROOT / name).read_text("utf-8"), drawing), name


def test_a_drawing_names_symbol_days_and_columns(drawn: dict[str, str]) -> None:
    for entry in CATALOGUE:
        root = ET.fromstring(drawn[f"docs/indicators/{entry.name}.svg"])
        texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert texts[0].startswith(f"{entry.name}: AAPL, simulated market (seed 1), ")
        assert "2025-" in texts[0]
        for output in entry.outputs:
            assert any(text.startswith(output.name) for text in texts), output.name


def test_a_rounded_coordinate_more_or_less_is_the_same_drawing() -> None:
    assert draw_indicators.same('<path d="M1.0 2.5"/>', '<path d="M1.1 2.5"/>')
    assert not draw_indicators.same('<path d="M1.0 2.5"/>', '<path d="M1.2 2.5"/>')
    assert not draw_indicators.same('<path d="M1.0 2.5"/>', '<path d="M1.0 2.5L1.0 2.5"/>')
    assert not draw_indicators.same("<a/>", "<b/>")


def test_the_script_says_what_is_stale_and_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(draw_indicators, "ROOT", tmp_path)
    assert draw_indicators.main([]) == 0
    assert draw_indicators.main(["--check"]) == 0
    (tmp_path / "docs/indicators/rsi.svg").write_text("old", "utf-8")
    (tmp_path / "docs/indicators/gone.svg").write_text("old", "utf-8")
    capsys.readouterr()
    assert draw_indicators.main(["--check"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == [
        "docs/indicators/rsi.svg", "docs/indicators/gone.svg"
    ]  # fmt: skip
    assert draw_indicators.main([]) == 0
    assert capsys.readouterr().out == "wrote docs/indicators/rsi.svg\nremoved docs/indicators/gone.svg\n"
