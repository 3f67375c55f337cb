from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from openingbell.errors import SourceError
from openingbell.operations.vendor_report.learned import (
    FILE_NAME,
    Learned,
    read_learned,
    recalled,
    seconds_of,
    write_learned,
)

STOCKS = Learned(265.0, 546, 3, 120.0, 325.0, datetime(2026, 3, 11, 0, 31, tzinfo=UTC))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_learned(tmp_path) == {}
    write_learned(tmp_path, {"stocks": STOCKS})
    write_learned(tmp_path, read_learned(tmp_path) | {"eod": STOCKS})
    assert read_learned(tmp_path) == recalled(tmp_path) == {"stocks": STOCKS, "eod": STOCKS}
    assert seconds_of(read_learned(tmp_path)) == {"stocks": 265.0, "eod": 265.0}


WHOLE = (
    '{"stocks": {"seconds": %s, "bars": 9, "sessions": 3, "over_seconds": 0, "at_most_seconds": 9, '
    '"learned_at": "2026-03-11T00:31:00+00:00"}}'
)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", '{"stocks": 60}', '{"stocks": {"seconds": 60}}', WHOLE % "-1", WHOLE % "3601",
        WHOLE % "NaN", WHOLE % '"60"', WHOLE % "null", (WHOLE % "60").replace("2026-03-11", "soon"),
        (WHOLE % "60").replace("bars", "beers"), "\ud800",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    with pytest.raises(SourceError, match=r"learned\.json.*delays of 0 to 3,600 seconds; delete it") as told:
        read_learned(tmp_path)
    assert told.value.exit_code == 2
    assert recalled(tmp_path) == {}


def test_what_is_no_file_is_told_too(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SourceError, match="delete it"):
        read_learned(tmp_path)


def test_the_example_above_is_one(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(WHOLE % "60", "utf-8")
    assert seconds_of(read_learned(tmp_path)) == {"stocks": 60}
