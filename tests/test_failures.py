"""Each bad input of the product: what it says, with which exit code it ends, and that nothing is lost by it.

Live settings are played by pointing them at the look-alike. `bell` runs in this process where nothing hinges on the
process, so that what it raised can be looked at.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openingbell import cli, tables
from openingbell.clock import SystemClock
from openingbell.feeds import CONSTITUENT_CHANGES, CONSTITUENTS, FEEDS
from openingbell.landing import Landing
from openingbell.operations.lock import worker_lock
from openingbell.universe import from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.server import Interceptor
from tests.running import REPOSITORY, Bell, another_process_holding

KEY = "made-up-key-5f2c91d7"
SYMBOLS = {
    "OPENINGBELL_STOCKS": "AAPL MSFT",
    "OPENINGBELL_INDEXES": "^GSPC",
    "OPENINGBELL_COMMODITIES": "GCUSD",
}
QUICK = {
    "OPENINGBELL_RETRY_FIRST_WAIT_SECONDS": "0",
    "OPENINGBELL_RETRY_ATTEMPTS": "2",
    "OPENINGBELL_PAUSE_BETWEEN_CALLS_SECONDS": "0",
    "OPENINGBELL_PAUSE_BETWEEN_BATCHES_SECONDS": "0",
    "OPENINGBELL_WAREHOUSE_WAIT_SECONDS": "0",
    "OPENINGBELL_THREADS": "2",
}
DAYS = ("--from", "2024-05-06", "--to", "2024-05-08")
MARKET = SimulatedMarket(from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"]), seed=5)
REQUESTS = 9 + 2 * 3 + 2 + 5
"""Bars, daily bars and yields of those days; profile, splits and dividends of two stocks; the two calendars; the lists
of indexes, commodities, new names (all, and the newest) and ends.
"""


@dataclass(frozen=True)
class Said:
    """What a run of `bell` said, and what it raised."""

    code: int
    out: str
    err: str
    error: BaseException | None = None


@dataclass
class Scene:
    """A live home that asks the look-alike."""

    folder: Path
    url: str = "http://127.0.0.1:1/stable"
    ill: bool = True
    asked: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FMP_API_KEY": KEY,
            "OPENINGBELL_HOME": str(self.home),
            "OPENINGBELL_BASE_URL": self.url,
            **SYMBOLS,
            **QUICK,
        }

    def bell(self, *words: str, **changed: str | None) -> Said:
        """Run it in this process; `changed` settings that are None are left out."""
        wanted = {name: value for name, value in {**self.environment, **changed}.items() if value is not None}
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in own_settings():
                patch.delenv(name)
            for name, value in {**wanted, "COLUMNS": "200"}.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["bell", *words])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        self.said.append(Said(code, out.getvalue(), err.getvalue(), ended.value))
        return self.said[-1]

    def process(self, script: str, *words: str) -> Said:
        """Run Python in a process of its own; warnings are errors."""
        inherited = {name: value for name, value in os.environ.items() if name not in own_settings()}
        done = subprocess.run(
            [sys.executable, "-W", "error", *script.split(" ", 1), *words],
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200", **self.environment},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        self.said.append(Said(done.returncode, done.stdout, done.stderr))
        return self.said[-1]

    def extract(self) -> Said:
        return self.bell("extract", *DAYS)

    def heal(self) -> None:
        """The fault is over; one run of each stage must do what is left."""
        self.ill = False
        for words in (("extract", *DAYS), ("csv-load",), ("transform",)):
            said = self.bell(*words)
            assert said.code == 0, said.err + said.out

    def contents(self) -> dict[str, pl.DataFrame]:
        return Bell(self.home, {}).contents()

    def manifests(self) -> list[Path]:
        return sorted((self.home / "data_extracts").glob("*/*.json"))


def own_settings() -> list[str]:
    return [
        name for name in os.environ
        if name.startswith("OPENINGBELL_") or name in {"FMP_API_KEY", "API_KEY", "WAREHOUSE_URL"}
    ]  # fmt: skip


@contextmanager
def scene(folder: Path, fault: Interceptor | None = None) -> Iterator[Scene]:
    """A home and a vendor that has the fault for as long as the scene is ill."""
    at = Scene(folder)

    def noted(request: Request) -> Response | None:
        at.asked.append(str(request.url))
        return fault(request) if fault and at.ill else None

    with RunningVendor(MARKET, SystemClock(), keys={KEY}, interceptor=noted) as vendor:
        at.url = vendor.url
        yield at


@cache
def unharmed() -> Mapping[str, pl.DataFrame]:
    """What a home holds that never had a fault."""
    with TemporaryDirectory() as folder, scene(Path(folder)) as at:
        at.heal()
        return at.contents()


def require_nothing_lost(at: Scene) -> None:
    at.heal()
    found = at.contents()
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in unharmed().items()}
    for name, rows in unharmed().items():
        assert found[name].equals(rows), name


def echo(request: Request) -> str:
    """The key that the vendor was sent, which it repeats on purpose."""
    return f"you sent {request.headers['apikey']}"


def about(symbol: str, answer: Callable[[Request], Response]) -> Interceptor:
    return lambda request: answer(request) if request.query_params.get("symbol") == symbol else None


def short(request: Request) -> Response:
    """Says more bytes than it sends."""
    return Response(f'[{{"note": "{echo(request)}"'.encode(), headers={"content-length": "5000"})


def only_first(answer: Callable[[Request], Response]) -> Interceptor:
    """The first two calls are answered well."""
    calls: list[None] = []

    def fault(request: Request) -> Response | None:
        calls.append(None)
        return answer(request) if len(calls) > 2 else None

    return fault


PREMIUM = "Premium Query Parameter: 'Special Endpoint' : not available"
FAULTS: dict[str, tuple[Interceptor, int, str]] = {
    "a wrong key": (
        lambda r: Response(json.dumps({"Error Message": f"Invalid API KEY. {echo(r)}"}), 401),
        1, r"the vendor answered 401: 'Invalid API KEY\. you sent \[hidden\]'; put a valid key into FMP_API_KEY",
    ),
    "a wrong key told in a 200": (
        lambda r: Response(json.dumps({"Error Message": f"Invalid API KEY. {echo(r)}"})),
        1, "the vendor answered 200: 'Invalid API KEY.*put a valid key into FMP_API_KEY",
    ),
    "too many calls": (
        about("MSFT", lambda r: PlainTextResponse(f"Limit Reach . {echo(r)}", 429)),
        3, "5 requests without an answer: MSFT .*the vendor answered 429: 'Limit Reach",
    ),
    "too many calls told in a 200": (
        about("MSFT", lambda r: Response(json.dumps({"Error Message": f"Limit Reach . {echo(r)}"}))),
        3, "MSFT .*the vendor answered 200: 'Limit Reach",
    ),
    "too many calls for all": (
        lambda r: PlainTextResponse(f"Limit Reach . {echo(r)}", 429),
        1, f"asked for {REQUESTS} windows; not one was answered; .*Limit Reach",
    ),
    "a used-up quota": (
        only_first(lambda r: PlainTextResponse(f"Bandwidth Limit Reach . {echo(r)}", 429)),
        3, "Bandwidth Limit Reach.*what is missing stays due and is asked by the next run",
    ),
    "HTML instead of JSON": (
        about("MSFT", lambda r: Response(f"<html><body>Welcome! {echo(r)}</body></html>")),
        3, "MSFT .*asked for MSFT; the answer is no list of rows but '<html>",
    ),
    "an empty body": (about("MSFT", lambda _: Response(b"")), 3, "MSFT .*the answer is no list of rows but ''"),
    "an answer cut by the connection": (about("MSFT", short), 3, r"MSFT .*no answer from 127.*: RemoteProtocolError"),
    "truncated JSON": (
        about("MSFT", lambda r: Response(f'[{{"date": "2024-05-08", "note": "{echo(r)}", "op')),
        3, "MSFT .*the answer is no list of rows but",
    ),
    "an answer about another symbol": (
        about("MSFT", lambda r: Response(json.dumps([{"symbol": "AAPL", "close": 1, "note": echo(r)}]))),
        3, "asked for MSFT; the answer is about AAPL",
    ),
    "a server error": (
        about("^GSPC", lambda r: Response(f"<html>502 Bad Gateway {echo(r)}</html>", 502)),
        3, r"\^GSPC .*the vendor answered 502",
    ),
    "a bad request": (
        about("MSFT", lambda r: PlainTextResponse(f"Query Error: Invalid or missing query parameter {echo(r)}", 400)),
        3, "MSFT .*the vendor answered 400: 'Query Error",
    ),
    "a legacy path": (
        lambda r: Response(json.dumps({"Error Message": f"Legacy Endpoint : {echo(r)}"}), 403),
        1, "not one was answered.*Legacy Endpoint",
    ),
    "half a surrogate pair": (
        about("MSFT", lambda r: Response(f'{{"Error Message": "Limit Reach \\ud83d {echo(r)}"}}')),
        3, r"Limit Reach \? you sent \[hidden\]",
    ),
}  # fmt: skip
"""By name: what the vendor does, the exit code of `bell extract`, and what is said."""


def flat(said: Said) -> str:
    return " ".join((said.out + said.err).split())


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_vendor_is_told_and_costs_nothing(tmp_path: Path, name: str) -> None:
    """The run ends with its code and its message; the run after the fault ends as if it had never been."""
    fault, code, words = FAULTS[name]
    with scene(tmp_path, fault) as at:
        said = at.extract()
        assert said.code == code, flat(said)
        assert re.search(words, flat(said)), flat(said)
        assert "Traceback" not in said.err
        require_nothing_lost(at)


@pytest.mark.parametrize(
    "answer",
    [
        lambda r: PlainTextResponse(f"{PREMIUM} {echo(r)}", 402),
        lambda r: Response(json.dumps({"Error Message": f"{PREMIUM} {echo(r)}"}), 402),
    ],
    ids=["plain text", "JSON"],
)
def test_a_symbol_outside_the_plan_is_recorded_and_the_rest_goes_on(
    tmp_path: Path, answer: Callable[[Request], Response]
) -> None:
    """It is no failure: the other symbols are as ever, and coverage says what the plan excludes."""
    with scene(tmp_path, about("MSFT", answer)) as at:
        assert at.extract().code == 0
        at.asked.clear()
        at.heal()
        assert at.asked == []  # it is known; it is asked again after a week
        assert at.bell("quality", *DAYS).code in (0, 3)
        said = at.bell("sql", "SELECT DISTINCT symbol FROM coverage WHERE state = 'restricted'", "--format", "csv")
        assert said.out.split() == ["symbol", "MSFT"]
        found = at.contents()
    for name in ("stock_data_raw", "stock_data", "technical_indicators", "index_data", "commodity_data", "bond_data"):
        rows = unharmed()[name]
        others = rows.filter(pl.col("symbol") != "MSFT") if "symbol" in rows.columns else rows
        assert found[name].equals(others), name


def test_nobody_at_the_address_is_told(tmp_path: Path) -> None:
    """The vendor cannot be reached at all."""
    at = Scene(tmp_path)
    said = at.extract()
    assert said.code == 1
    assert re.search(
        rf"asked for {REQUESTS} windows; not one was answered; .*no answer from 127\.0\.0\.1: ConnectError", flat(said)
    )
    with scene(tmp_path) as well:
        require_nothing_lost(well)


def no_key(at: Scene) -> Said:
    return at.bell("full", FMP_API_KEY=None)


def key_with_a_line_end(at: Scene) -> Said:
    return at.bell("full", FMP_API_KEY=KEY + "\r")


def unknown_setting(at: Scene) -> Said:
    return at.bell("full", OPENINGBELL_TREADS="4")


def bad_setting(at: Scene) -> Said:
    return at.bell("full", OPENINGBELL_THREADS=KEY)


def key_in_the_address(at: Scene) -> Said:
    return at.bell("full", OPENINGBELL_BASE_URL=f"{at.url}?apikey={KEY}")


def key_before_the_host(at: Scene) -> Said:
    return at.bell("doctor", OPENINGBELL_BASE_URL=at.url.replace("http://", f"http://me:{KEY}@"))


def plan_that_does_not_exist(at: Scene) -> Said:
    return at.bell("plan", OPENINGBELL_PLAN="gold")


def unknown_setting_in_the_file(at: Scene) -> Said:
    at.home.mkdir(exist_ok=True)
    (at.home / "openingbell.toml").write_text(f'api_kee = "{KEY}"')
    said = at.bell("full")
    (at.home / "openingbell.toml").unlink()
    return said


def reversed_range(at: Scene) -> Said:
    return at.bell("extract", "--from", "2024-05-08", "--to", "2024-05-06")


def future_range(at: Scene) -> Said:
    day = (SystemClock().now() + timedelta(days=3)).date()
    return at.bell("full", "--to", day.isoformat())


def no_date(at: Scene) -> Said:
    return at.bell("extract", "--from", "last week")


def unknown_symbol(at: Scene) -> Said:
    return at.bell("extract", "--symbols", "AAPL,APPL")


def live_with_a_moment(at: Scene) -> Said:
    return at.bell("full", "--now", "2024-05-06T12:00:00+00:00")


def home_of_another_source(at: Scene) -> Said:
    assert at.bell("setup").code == 0
    return at.bell("full", "--demo")


def two_sources(at: Scene) -> Said:
    return at.bell("full", "--demo", "--replay", str(at.folder))


def no_replay_folder(at: Scene) -> Said:
    return at.bell("full", "--replay", str(at.folder), OPENINGBELL_HOME=str(at.folder / "other"))


def sql_that_writes(at: Scene) -> Said:
    assert at.bell("setup").code == 0
    return at.bell("sql", "DROP TABLE stock_data")


def second_worker(at: Scene) -> Said:
    with worker_lock(at.home, "bell full", SystemClock().now()):
        return at.extract()


def no_warehouse(at: Scene) -> Said:
    return at.bell("sql", "SELECT 1")


MISUSES: dict[str, tuple[Callable[[Scene], Said], int, str]] = {
    "no key": (no_key, 2, "asked for live data; found no key; .* without one; .*FMP_API_KEY.* or use --demo"),
    "a key with a line end": (key_with_a_line_end, 2, "asked for live data; found a key of .*; a key has .*; put it"),
    "an unknown setting": (unknown_setting, 2, "sets OPENINGBELL_TREADS; there is no such setting; .* threads, .*corr"),
    "a bad value": (bad_setting, 2, "the setting threads has a value that is not allowed: .*; see docs/settings.md"),
    "a key in the address": (key_in_the_address, 2, "OPENINGBELL_BASE_URL; the setting base_url has .* not allowed: "),
    "a key before the host": (key_before_the_host, 2, "OPENINGBELL_BASE_URL; the setting base_url .* not allowed: "),
    "a plan that does not exist": (
        plan_that_does_not_exist,
        2,
        "OPENINGBELL_PLAN to 'gold'; the setting plan .*; allowed: ``, `free`, `starter`, `premium`, `ultimate`; corr",
    ),
    "an unknown name in the file": (unknown_setting_in_the_file, 2, "openingbell.toml sets api_kee; there is no such"),
    "a reversed range": (reversed_range, 2, "asked for --from 2024-05-08 --to 2024-05-06; .*reversed; exchange"),
    "a range in the future": (future_range, 2, "asked for --to .*; today is .*; the future has no bars; choose"),
    "no date": (no_date, 2, "asked for --from last week; that is no date; a session is written YYYY-MM-DD"),
    "an unknown symbol": (unknown_symbol, 2, r"asked for APPL; the universe holds .*AAPL.*; choose among those"),
    "a moment for live data": (live_with_a_moment, 2, "asked for --now .*; live data have the machine's time; leave"),
    "a home of another source": (home_of_another_source, 2, "asked to use .*home for demo 1; it belongs to fmp; .*OPE"),
    "two sources": (two_sources, 2, "asked for --demo and --replay .*; a home has one source; leave one out"),
    "no replay folder": (no_replay_folder, 2, "asked to replay .*; there is no universe.toml in it; .*docs/replay.md"),
    "SQL that writes": (
        sql_that_writes,
        2,
        "asked for 'DROP TABLE stock_data'; the warehouse says: .* only statements",
    ),
    "a second worker": (
        second_worker,
        1,
        r"asked to run bell extract in .*; bell full \(process \d+ on .*; one wor.*wait",
    ),
    "no warehouse": (no_warehouse, 1, "asked to read the warehouse .*; there is none yet; fill it with `bell full`"),
}
"""By name: what is done wrong, the exit code, and what is said."""


@pytest.mark.parametrize("name", MISUSES)
def test_wrong_use_is_told_in_four_parts_and_changes_nothing(tmp_path: Path, name: str) -> None:
    """What was asked, what was found, what is allowed, what to do; nothing is asked of the vendor or landed."""
    play, code, words = MISUSES[name]
    with scene(tmp_path) as at:
        said = play(at)
        assert said.code == code, flat(said)
        assert re.search(words, flat(said)), flat(said)
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
        assert at.asked == []
        assert at.manifests() == []


def test_a_real_process_ends_with_the_same_code_and_words(tmp_path: Path) -> None:
    """What is tested in this process holds for `python -m openingbell`."""
    at = Scene(tmp_path)
    said = at.process("-m openingbell", "extract", *DAYS)
    assert said.code == 1
    assert said.out == ""
    assert re.search(f"error: asked for {REQUESTS} windows; not one was answered; .*ConnectError", flat(said))
    said = at.process("-m openingbell", "extract", "--from", "x")
    assert (said.code, said.out) == (2, "")


def test_a_file_that_does_not_fit_its_hash_is_left_out_until_it_is_restored(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        (path,) = (at.home / "data_extracts" / "stocks").glob("*.csv")
        well = path.read_bytes()
        path.write_bytes(well.replace(b"2024-05-07", b"2024-05-09"))
        said = at.bell("csv-load")
        assert said.code == 3
        assert re.search(
            f"1 files that cannot be read: asked to read .*{path.name}; its SHA-256 is .*restore", flat(said)
        )
        path.write_bytes(well)
        require_nothing_lost(at)


def test_a_spoilt_file_that_is_moved_away_with_its_manifest_is_asked_for_again(tmp_path: Path) -> None:
    """The message names this as a way out, and it is one."""
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        (path,) = (at.home / "data_extracts" / "stocks").glob("*.csv")
        path.write_bytes(b"spoilt")
        assert at.bell("csv-load").code == 3
        path.rename(tmp_path / "spoilt.csv")
        path.with_suffix(".json").rename(tmp_path / "spoilt.json")
        require_nothing_lost(at)


def test_garbage_rows_go_to_quarantine_and_change_nothing_else(tmp_path: Path) -> None:
    """A file with its fitting manifest, and lines in it that are no bars."""
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        spoil(at, b"\x00\xff\nAAPL,x,2024-05-07 10:00:00,1,1\n,,,,,,,,,,,,\nAAPL,now,then,a,b,c,d,e\n", rows=4)
        require_nothing_lost(at)
        rows = Bell(at.home, {}).rows(tables.QUARANTINE)
        assert len(rows) == 4
        assert set(rows["feed"]) == {"stocks"}


def spoil(at: Scene, lines: bytes, *, rows: int) -> None:
    """Put lines behind the stocks' file, and a manifest beside it that fits."""
    (path,) = (at.home / "data_extracts" / "stocks").glob("*.csv")
    content = path.read_bytes() + lines
    path.write_bytes(content)
    manifest = path.with_suffix(".json")
    facts = json.loads(manifest.read_text())
    facts |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "rows": facts["rows"] + rows}
    manifest.write_text(json.dumps(facts))


def test_a_manifest_that_is_garbage_is_named(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        bad = at.home / "data_extracts" / "stocks" / "20240101T000000000000Z-stocks-000.json"
        bad.write_text("{")
        for verb in ("extract", "csv-load"):
            said = at.bell(verb)
            assert said.code == 1
            assert re.search(
                f"asked to read the manifest .*{bad.name}; it cannot be understood .*; restore", flat(said)
            )
        bad.unlink()
        require_nothing_lost(at)


LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
    "from openingbell.cli import main; main()"
)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE is tested where it is sure")


def limited(at: Scene, size: int, *words: str) -> Said:
    """Run `bell` in a process in which no file may grow over `size` bytes."""
    return at.process("-c " + LIMITED.format(size), *words)


@linux_only
def test_no_room_for_a_file_keeps_nothing_half(tmp_path: Path) -> None:
    """What does not fit is named and is not there, not even in part."""
    with scene(tmp_path) as at:
        assert at.bell("setup").code == 0
        said = limited(at, 8_000, "extract", *DAYS)
        assert said.code == 1, flat(said)
        assert re.search(
            r"asked to write .*part \([\d,]+ bytes\); the disk says: File too large; the answers", flat(said)
        )
        assert re.search("make room or choose another OPENINGBELL_HOME, then run again", flat(said))
        assert "Traceback" not in said.err
        landing = Landing(at.home / "data_extracts")
        files = landing.record().files.filter("has_rows")  # of what is small, and of answers that came before
        assert landing.damaged().is_empty()
        assert {path.stem for path in landing.root.glob("*/*.csv")} == set(files["load_id"])
        assert list(landing.root.glob("*/*.tmp")) == []
        require_nothing_lost(at)


@linux_only
def test_no_room_for_the_warehouse_keeps_the_files_waiting(tmp_path: Path) -> None:
    """The record is there; the warehouse that cannot grow is whole afterwards."""
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        assert limited(at, 30_000, "csv-load").code == 1
        at.asked.clear()
        require_nothing_lost(at)
        assert at.asked == []


@linux_only
def test_no_room_for_the_warehouse_is_told_in_words(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        assert at.extract().code == 0
        said = limited(at, 30_000, "csv-load")
        assert "Traceback" not in said.err
        assert re.search("error: asked to use the warehouse .*; the engine says: ", flat(said))


@linux_only
def test_no_room_for_a_new_warehouse_leaves_nothing_half(tmp_path: Path) -> None:
    """A warehouse whose making was interrupted does not stop the next run."""
    with scene(tmp_path) as at:
        limited(at, 8_000, "setup")
        require_nothing_lost(at)


def test_a_warehouse_that_another_process_holds_is_named_and_the_files_wait(tmp_path: Path) -> None:
    """Extraction needs no warehouse; loading names who holds it, and the next run loads."""
    with scene(tmp_path) as at:
        assert at.bell("setup").code == 0
        with another_process_holding(at.home / "warehouse.duckdb") as pid:
            at.extract()
            landed = at.manifests()
            said = at.bell("csv-load")
        assert said.code == 1
        assert re.search(
            rf"asked to open the warehouse .*PID {pid}.*holds it .*waits for the next run; close", flat(said)
        )
        of_indexes = {feed.name for feed in (*CONSTITUENTS.values(), *CONSTITUENT_CHANGES.values())}
        assert {path.parent.name for path in landed} == {feed.name for feed in FEEDS} - of_indexes
        at.asked.clear()
        require_nothing_lost(at)
        assert at.asked == []


def test_extraction_ends_well_while_another_process_holds_the_warehouse(tmp_path: Path) -> None:
    with scene(tmp_path) as at:
        assert at.bell("setup").code == 0
        with another_process_holding(at.home / "warehouse.duckdb"):
            assert at.extract().code == 0
