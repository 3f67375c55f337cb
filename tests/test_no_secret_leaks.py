"""The key is nowhere but in the header of a request, whatever goes wrong and whoever repeats it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openingbell import tables
from openingbell.config import Settings
from openingbell.operations.logs import logging_to
from tests.running import Bell, another_process_holding
from tests.test_failures import (
    DAYS,
    FAULTS,
    KEY,
    MISUSES,
    PREMIUM,
    Scene,
    about,
    echo,
    limited,
    linux_only,
    scene,
    spoil,
)

VERBS = (("full", *DAYS), ("csv-load",), ("report", "--day", "2024-05-08"), ("status",))


def spellings(key: str) -> list[bytes]:
    """The key as files, addresses, Python and JSON write it, and a good half of it."""
    texts = {key, quote(key, safe=""), repr(key)[1:-1], json.dumps(key)[1:-1], key[: len(key) * 2 // 3]}
    return [text.encode() for text in texts]


def require_hidden(what: str, content: bytes | str) -> None:
    content = content.encode() if isinstance(content, str) else content
    for spelling in spellings(KEY):
        at = content.find(spelling)
        assert at < 0, f"{what} holds the key: …{content[max(at - 80, 0) : at + 40]!r}"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it leads to."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]
            if isinstance(one, BaseExceptionGroup):
                waiting += one.exceptions


def require_no_leak(at: Scene) -> None:
    """Look at everything that a run leaves behind."""
    for said in at.said:
        require_hidden("standard output", said.out)
        require_hidden("standard error", said.err)
        for error in chain(said.error):
            require_hidden("an exception", f"{error!r} {error} {error.args!r} {getattr(error, '__notes__', '')}")
            require_hidden("an exception's facts", repr(vars(error)))
            assert not type(error).__module__.startswith(("httpx", "httpcore", "h11"))
    for url in at.asked:
        require_hidden("an address", url)
    files = [path for path in at.folder.rglob("*") if path.is_file()]
    for path in files:
        require_hidden(path.name, path.read_bytes())
        require_hidden("a file's name", str(path))
    if (at.home / "warehouse.duckdb").exists():
        bell = Bell(at.home, {})
        for table in tables.TABLES:
            require_hidden(table.name, bell.rows(table).write_csv())


def run_everything(at: Scene) -> None:
    """All stages; those that show most once more, in spite of what failed before them."""
    for words in VERBS:
        at.bell(*words)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_vendor_shows_no_key(tmp_path: Path, name: str) -> None:
    """Its answer repeats the key on purpose, and it ends in messages, logs, tables and kept answers, hidden."""
    fault, _, _ = FAULTS[name]
    with scene(tmp_path, fault) as at:
        run_everything(at)
        require_no_leak(at)
        assert len(at.asked) > 0


@pytest.mark.parametrize("name", MISUSES)
def test_wrong_use_shows_no_key(tmp_path: Path, name: str) -> None:
    with scene(tmp_path) as at:
        MISUSES[name][0](at)
        require_no_leak(at)
        assert len(at.said) > 0


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("shape", ["json", "console"])
def test_a_talkative_run_shows_no_key(tmp_path: Path, level: str, shape: str) -> None:
    """Everything that can be logged is logged, on the terminal too."""
    with scene(tmp_path, FAULTS["too many calls"][0]) as at:
        said = at.bell("full", *DAYS, OPENINGBELL_LOG_LEVEL=level, OPENINGBELL_LOG_FORMAT=shape)
        assert "call_retried" in said.err
        assert "[hidden]" in said.err
        require_no_leak(at)


def test_a_kept_answer_has_the_key_hidden_and_the_rest_as_it_came(tmp_path: Path) -> None:
    with scene(tmp_path, FAULTS["HTML instead of JSON"][0]) as at:
        at.extract()
        kept = sorted((at.home / "data_extracts" / "unreadable").iterdir())
        assert [path.read_bytes() for path in kept] == [b"<html><body>Welcome! you sent [hidden]</body></html>"] * 5
        require_no_leak(at)


def data_with_the_key(request: Request) -> Response:
    row = {"date": "2024-05-07 09:30:00", "open": 1, "low": 1, "high": 1, "close": 1, "volume": 1}
    return Response(json.dumps([{**row, "note": echo(request), request.headers["apikey"]: request.headers["apikey"]}]))


@pytest.mark.parametrize(
    "answer",
    [
        data_with_the_key,
        lambda r: Response(json.dumps([{"date": echo(r), "open": echo(r), "close": echo(r)}])),
        lambda r: PlainTextResponse(f"{PREMIUM} {echo(r)}", 402),
        lambda r: Response(json.dumps({"Error Message": f"{PREMIUM} {echo(r)}"}), 402),
        lambda r: Response(status_code=302, headers={"location": f"/stable/x?apikey={r.headers['apikey']}"}),
        lambda r: Response(b"x", headers={"content-encoding": "gzip", "x-note": echo(r)}),
    ],
    ids=["good data", "garbage data", "402 text", "402 JSON", "redirect", "encoding"],
)
def test_an_answer_that_repeats_the_key_is_landed_without_it(
    tmp_path: Path, answer: Callable[[Request], Response]
) -> None:
    """Landed files, quarantine and column names are no places for it either."""
    with scene(tmp_path, about("AAPL", answer)) as at:
        run_everything(at)
        require_no_leak(at)


def test_no_vendor_shows_no_key(tmp_path: Path) -> None:
    at = Scene(tmp_path)
    run_everything(at)
    require_no_leak(at)


def test_spoilt_files_show_no_key(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        at.extract()
        spoil(at, b"x,y\n", rows=1)
        (at.home / "data_extracts" / "stocks" / "bad.json").write_text("{")
        run_everything(at)
        require_no_leak(at)


@linux_only
def test_no_room_shows_no_key(tmp_path: Path) -> None:
    """Not even where an error ends in a traceback."""
    with scene(tmp_path) as at:
        at.bell("setup")
        limited(at, 8_000, "full", *DAYS)
        at.extract()
        limited(at, 30_000, "csv-load")
        require_no_leak(at)


def test_a_held_warehouse_shows_no_key(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        at.bell("setup")
        with another_process_holding(at.home / "warehouse.duckdb"):
            run_everything(at)
        require_no_leak(at)


def test_a_process_that_is_killed_by_an_error_of_ours_shows_no_key(tmp_path: Path) -> None:
    """A bug ends in a traceback, with lines of the source and without values."""
    script = (
        "-c import openingbell.extract.stage as stage; from openingbell.cli import main; "
        "stage.plan = lambda due: 1 / 0; main()"
    )
    with scene(tmp_path) as at:
        said = at.process(script, "full", *DAYS)
        assert said.code == 1
        assert "ZeroDivisionError" in said.err
        require_no_leak(at)


def test_a_key_in_a_file_is_as_secret_as_one_in_the_environment(tmp_path: Path) -> None:
    """Both in `.env` and in openingbell.toml; the files that hold it are the user's own."""
    with scene(tmp_path, FAULTS["a wrong key"][0]) as at:
        at.home.mkdir()
        for path, text in (
            (tmp_path / ".env", f"FMP_API_KEY={KEY}"),
            (at.home / "openingbell.toml", f'api_key="{KEY}"'),
        ):
            path.write_text(text)
            assert at.bell("full", *DAYS, FMP_API_KEY=None).code == 1
            path.unlink()
        require_no_leak(at)


def test_an_event_that_holds_the_key_is_logged_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log is the last gate: it hides what a careless line would tell, at any depth and in a traceback."""
    with logging_to(tmp_path, Settings(api_key=SecretStr(KEY), log_format="console")):
        log = structlog.get_logger()
        log.warning("told", key=KEY, many=[{"inner": (KEY,)}], path=Path(KEY))
        try:
            int(KEY)
        except ValueError:
            log.exception("raised")
    told = (tmp_path / "bell.jsonl").read_text()
    assert told.count("[hidden]") >= 4
    require_hidden("the log file", told)
    require_hidden("the terminal", "".join(capsys.readouterr()))


def test_the_search_finds_a_key() -> None:
    """What the other tests rest on."""
    for text in (KEY, f"x{KEY}y", f"?apikey={KEY}", KEY[:-4]):
        with pytest.raises(AssertionError, match="holds the key"):
            require_hidden("a text", text)
    require_hidden("a text", "[hidden]")
