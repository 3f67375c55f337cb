"""The file of faults: what it may say, and how it is told what it may not."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from openingbell.errors import UsageError
from openingbell.vendor.faults import KINDS, Fault, Faults, read_faults
from openingbell.vendor.splits import Manner, PlayedSplit
from tests.running import REPOSITORY, Bell

DOCS = REPOSITORY / "docs" / "vendor.md"


def example() -> str:
    """The file that the docs show."""
    found = re.search(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.toml"


def test_a_file_says_kind_filters_schedule_and_parameters(file: Path) -> None:
    file.write_text(
        """
        seed = 7
        [[fault]]
        kind = "rate_limit"
        symbols = ["AAPL", "^VIX"]
        paths = ["historical-chart/15min"]
        probability = 0.25
        from = 2026-11-27T09:30:00-05:00
        to = "2026-11-27T18:00:00Z"
        every_seconds = 3600
        for_seconds = 60
        times = 3
        as_200 = true
        [[fault]]
        kind = "split"
        symbols = ["AAPL"]
        on = 2026-06-15
        ratio = "4:1"
        manner = "late"
        [[fault]]
        kind = "html"
        """
    )
    assert read_faults(file) == Faults(
        (
            Fault(
                "rate_limit", ("AAPL", "^VIX"), ("historical-chart/15min",), 0.25,
                datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, tzinfo=UTC),
                3600, 60, 3, {"as_200": True, "retry_after_seconds": 0},
            ),
            Fault("split", ("AAPL",), values={"on": "2026-06-15", "ratio": "4:1", "manner": "late"}),
            Fault("html"),
        ),
        seed=7,
    )  # fmt: skip
    assert read_faults(file).splits == (PlayedSplit("AAPL", date(2026, 6, 15), 4, 1, Manner.LATE),)


def test_every_kind_needs_no_more_than_its_name(file: Path) -> None:
    for name in KINDS:
        file.write_text(f'[[fault]]\nkind = "{name}"\n' + ('symbols = ["AAPL"]' if name == "split" else ""))
        (fault,) = read_faults(file).faults
        assert {parameter.name: parameter.default for parameter in KINDS[name].parameters} == fault.values
        assert read_faults(file).seed == 1


ONE = '[[fault]]\nkind = "{}"\n{}'
BAD = {
    "an empty file": ("", "it has no [[fault]]; at least one such table is needed"),
    "no list": ('[fault]\nkind = "html"', "it has no [[fault]]"),
    "no TOML": ("[[fault]", "it is no TOML: "),
    "a top key": ('sead = 1\n[[fault]]\nkind = "html"', "it sets sead; seed and fault are allowed there"),
    "a seed": ('seed = "1"\n[[fault]]\nkind = "html"', "seed is '1'; a whole number is allowed"),
    "no kind": ("[[fault]]\nprobability = 1", "fault 1: kind is not there; a text is needed"),
    "a kind": (ONE.format("rate-limit", ""), "fault 1: the kind is 'rate-limit'; rate_limit, daily_limit, "),
    "a key": (ONE.format("html", "probabilty = 1"), "html has no probabilty; symbols, paths, probability, from, to, "),
    "a key of another kind": (ONE.format("html", "seconds = 1"), "html has no seconds; "),
    "a key that the kind lacks": (ONE.format("daily_limit", "probability = 0.5"), "daily_limit has no probability; c"),
    "a schedule of a split": (ONE.format("split", 'symbols = ["A"]\ntimes = 2'), "split has no times; on, ratio, man"),
    "a probability": (ONE.format("html", "probability = 1.5"), "probability is 1.5; 0 to 1 is allowed"),
    "a text for a number": (ONE.format("html", 'probability = "0.5"'), "probability is '0.5'; a number is allowed"),
    "no number": (ONE.format("html", "probability = nan"), "probability is nan; a number is allowed"),
    "a text for symbols": (ONE.format("html", 'symbols = "AAPL"'), "symbols is 'AAPL'; a list of texts is allowed"),
    "no symbols": (ONE.format("html", "symbols = []"), "symbols is empty; a list of texts is allowed"),
    "a path": (ONE.format("html", 'paths = ["stocks"]'), "paths has stocks; historical-chart/1min, "),
    "a moment without a zone": (ONE.format("html", "from = 2026-11-27T09:30:00"), "from is 2026-11-27T09:30:00 witho"),
    "no moment": (ONE.format("html", 'to = "noon"'), "to is 'noon'; a moment in ISO form with a zone is allowed"),
    "a day for a moment": (ONE.format("html", "to = 2026-11-27"), "to is datetime.date(2026, 11, 27); a moment in IS"),
    "a window that is none": (
        ONE.format("html", "from = 2026-11-27T10:00:00Z\nto = 2026-11-27T10:00:00+00:00"),
        "from 2026-11-27T10:00:00+00:00 is not before to 2026-11-27T10:00:00+00:00; it must be",
    ),
    "half a repetition": (ONE.format("html", "every_seconds = 60"), "every_seconds and for_seconds are not both ther"),
    "a repetition without an end": (
        ONE.format("html", "every_seconds = 60\nfor_seconds = 60"),
        "for_seconds is 60 of every_seconds 60; more than 0 and less than every_seconds is allowed",
    ),
    "times": (ONE.format("html", "times = 0"), "times is 0; a whole number from 1 is allowed"),
    "half a time": (ONE.format("html", "times = 1.5"), "times is 1.5; a whole number is allowed"),
    "a parameter's type": (ONE.format("rate_limit", "as_200 = 1"), "as_200 is 1; true or false is allowed"),
    "a whole parameter": (ONE.format("daily_limit", "calls = 2.5"), "calls is 2.5; a whole number from 0 is allowed"),
    "a truth for a number": (ONE.format("daily_limit", "calls = true"), "calls is True; a whole number from 0 is all"),
    "a choice": (ONE.format("server_error", "status = 404"), "status is 404; one of 500, 502, 503, 504 is allowed"),
    "a bound": (ONE.format("timeout", "seconds = 0"), "seconds is 0; a number above 0 is allowed"),
    "another bound": (ONE.format("cut", "share = 1.1"), "share is 1.1; a number above 0 to 1 is allowed"),
    "an empty text": (ONE.format("extra_field", 'field = ""'), "field is ''; a text that is not empty is allowed"),
    "a split of nobody": (ONE.format("split", ""), "a split names no symbols; at least one is needed"),
    "a split at no date": (
        ONE.format("split", 'symbols = ["A"]\non = "soon"'), "a split says soon,2:1,at-once; 'soon' is no date; YYYY-"
    ),
    "a split of no ratio": (ONE.format("split", 'symbols = ["A"]\nratio = "2"'), "; '2' is no ratio; YYYY-MM-DD, NUME"),
    "a fault twice": (ONE.format("html", "") * 2, "fault 2 (html) is there before; each fault once is allowed"),
}  # fmt: skip
"""By name: the file, and what is said about it."""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_in_four_parts(file: Path, name: str) -> None:
    text, words = BAD[name]
    file.write_text(text)
    with pytest.raises(UsageError) as told:
        read_faults(file)
    said = str(told.value)
    assert said.startswith(f"asked to play the faults in {file}; ")
    assert words in said
    assert said.endswith("; correct the file; docs/vendor.md has an example and lists the kinds")
    assert len(said.split("; ")) >= 4


def test_no_file_and_no_text_are_told(file: Path) -> None:
    with pytest.raises(UsageError, match="the disk says: No such file or directory; a TOML file"):
        read_faults(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it is no UTF-8 text; a TOML file"):
        read_faults(file)


def test_bell_vendor_refuses_a_bad_file_with_exit_code_2(tmp_path: Path, file: Path) -> None:
    file.write_text(ONE.format("timeout", "second = 1"))
    said = Bell(tmp_path / "home", {}).run("vendor", "--faults", str(file), "--port", "0", code=2)
    assert f"error: asked to play the faults in {file}" in " ".join(said.stderr.split())
    assert "timeout has no second; seconds, symbols" in " ".join(said.stderr.split())
    assert "Traceback" not in said.stderr


def test_bell_vendor_plays_the_file_of_the_docs(tmp_path: Path, file: Path) -> None:
    """At the time of the example's outage nobody is answered; an hour later everybody is."""
    file.write_text(example())
    for moment, answered in (("2026-11-25T15:30:00Z", False), ("2026-11-25T16:00:01Z", True)):
        words = ("vendor", "--faults", str(file), "--port", "0", "--now", moment)
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "openingbell", *words],
            cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            url = process.stdout.readline().strip().removeprefix("OPENINGBELL_BASE_URL=")
            try:
                assert httpx.get(f"{url}/splits?symbol=AAPL&apikey=k").json() == []
                is_answered = True
            except httpx.RemoteProtocolError:
                is_answered = False
            process.terminate()
            assert is_answered is answered
            assert process.stderr.read() == ""


def test_the_docs_have_a_row_for_every_kind_with_its_parameters() -> None:
    rows = [row_of(name) for name in KINDS]
    text = DOCS.read_text("utf-8")
    assert "\n".join(rows) in text, "the table in docs/vendor.md must be:\n" + "\n".join(rows)


def row_of(name: str) -> str:
    """The line of the docs about a kind."""
    kind = KINDS[name]
    parameters = [
        f"`{one.name}` ({str(one.default).lower() if isinstance(one.default, bool) else one.default}): {one.meaning}"
        for one in kind.parameters
    ]
    return f"| `{name}` | {kind.does} | {'; '.join(parameters) or '–'} | {kind.client} |"
