"""Every kind of fault as the user of `bell extract` sees it: exit code, status in the job log, words; and that nothing
is lost by it. The table in docs/vendor.md is made of these cases.

The vendor has the fault for an hour around noon of a session. `bell` and the vendor live on one clock, which the test
moves on; late in the evening, when the fault is over, the stages run once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from openingbell import tables, versions
from openingbell.clock import SystemClock, VirtualClock
from openingbell.sessions import NEW_YORK
from openingbell.tables import ANALYTICS, CORPORATE_ACTIONS, RAW, RESTATEMENTS
from openingbell.universe import from_symbols
from openingbell.vendor.faults import KINDS, Fault, Faults
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor, open_source
from tests.running import NOT_FROM_FILES, REPOSITORY, Bell
from tests.test_failures import DAYS, KEY, MARKET, Said, Scene, flat

NOON = datetime(2024, 5, 8, 12, 7, 30, tzinfo=NEW_YORK).astimezone(UTC)
OVER = NOON + timedelta(hours=1)
EVENING = datetime(2024, 5, 8, 23, tzinfo=NEW_YORK).astimezone(UTC)
SETTINGS = {"OPENINGBELL_REVISION_SESSIONS": "0"}
"""No sweep reads recent bars again: what is lacking must be known to be lacking."""
IMPATIENT = {"OPENINGBELL_TIMEOUT_SECONDS": "0.3"}

SAME = "the same rows"
VERSIONS = "the true values as newer versions"


@dataclass(frozen=True)
class Case:
    """A fault, and what the user sees. `words` come with anything where … stands; without words nothing is said.

    `after` says what the raw tables hold when the fault is over, against those of a home that never had it. Where only
    a sweep finds that values were wrong, `sweep` sessions are read again. `rest` passes before the stages run again.
    """

    fault: Fault
    code: int = 0
    status: str = "SUCCESS"
    words: str = ""
    after: str = SAME
    sweep: int = 0
    rest: timedelta = timedelta(0)
    more_questions: bool = False


MSFT = ("MSFT",)
CASES: tuple[Case, ...] = (
    Case(
        Fault("rate_limit", symbols=MSFT),
        3, "PARTIAL", "requests without an answer: MSFT (…): the vendor answered 429: 'Limit Reach",
    ),
    Case(
        Fault("rate_limit", symbols=MSFT, values={"as_200": True}),
        3, "PARTIAL", "requests without an answer: MSFT (…): the vendor answered 200: 'Limit Reach",
    ),
    Case(Fault("rate_limit", times=1)),
    Case(
        Fault("daily_limit", values={"calls": 7}),
        3, "PARTIAL", "the vendor answered 429: '…daily limit reach…'; what is missing stays due",
    ),
    Case(
        Fault("bandwidth_limit", paths=("historical-chart/5min",)),
        3, "PARTIAL", "the vendor answered 429: 'Bandwidth Limit Reach…'; what is missing stays due",
    ),
    Case(
        Fault("restricted", symbols=MSFT),
        0, "SUCCESS", "symbol_restricted…symbol=MSFT", rest=timedelta(days=8),
    ),
    Case(
        Fault("server_error", symbols=("^GSPC",)),
        3, "PARTIAL", "requests without an answer: ^GSPC (…): the vendor answered 502: '…502 Bad Gateway",
    ),
    Case(
        Fault("server_error", symbols=("^GSPC",), values={"status": 503}),
        3, "PARTIAL", "requests without an answer: ^GSPC (…): the vendor answered 503: ''",
    ),
    Case(
        Fault("timeout", symbols=("GCUSD",), values={"seconds": 5}),
        3, "PARTIAL", "requests without an answer: GCUSD (…): no answer from 127.0.0.1: ReadTimeout timed out",
    ),
    Case(
        Fault("reset", symbols=MSFT),
        3, "PARTIAL", "requests without an answer: MSFT (…): no answer from 127.0.0.1: RemoteProtocolError peer closed "
        "connection without sending complete message body",
    ),
    Case(Fault("slow", values={"least": 0.01, "most": 0.02})),
    Case(Fault("drip", values={"seconds": 0.1, "pieces": 3})),
    Case(
        Fault("html", symbols=MSFT),
        3, "PARTIAL", "requests without an answer: MSFT (…): asked for MSFT; the answer is no list of rows but '<!DOC",
    ),
    Case(
        Fault("truncated", symbols=MSFT),
        3, "PARTIAL", "requests without an answer: MSFT (…): asked for MSFT; the answer is no list of rows but '[",
    ),
    Case(Fault("cut", paths=("historical-chart/15min",)), more_questions=True),
    Case(Fault("duplicates")),
    Case(Fault("conflicts", symbols=MSFT), after=VERSIONS, sweep=5),
    Case(Fault("disorder")),
    Case(Fault("late", values={"seconds": 86_400})),
    Case(Fault("restated", values={"seconds": 86_400}), after=VERSIONS, sweep=5),
    Case(Fault("forming")),
    Case(Fault("null_volume", symbols=MSFT), after=VERSIONS, sweep=5),
    Case(Fault("float_volume")),
    Case(Fault("float_volume", values={"fraction": 0.5}), after=VERSIONS, sweep=5),
    Case(Fault("extra_field")),
    Case(
        Fault("missing_field", symbols=MSFT),
        3, "PARTIAL", "requests without an answer: MSFT (…): asked for MSFT; the rows have no close but",
    ),
    Case(Fault("missing_field", symbols=MSFT, values={"field": "volume"}), after=VERSIONS, sweep=5),
    Case(
        Fault("missing_field", symbols=MSFT, values={"field": "date"}),
        3, "PARTIAL", "requests without an answer: MSFT (…): asked for MSFT; the rows have no date but",
    ),
    Case(
        Fault("outage"),
        1, "FAILED", "asked for 22 windows; not one was answered; …: no answer from 127.0.0.1: RemoteProtocolError "
        "Server disconnected without sending a response",
    ),
    Case(
        Fault("outage", values={"answer": "503"}),
        1, "FAILED", "asked for 22 windows; not one was answered; …: the vendor answered 503: ''",
    ),
)  # fmt: skip


def name_of(case: Case) -> str:
    """The kind with the parameters that are not as they are by default."""
    defaults = {parameter.name: parameter.default for parameter in KINDS[case.fault.kind].parameters}
    values = {name: str(value).lower() for name, value in case.fault.values.items() if value != defaults[name]}
    changed = [f"{name}={value}" for name, value in values.items()]
    few = [f"times={case.fault.times}"] if case.fault.times else []
    return " ".join([case.fault.kind, *changed, *few])


@contextmanager
def lived(folder: Path, clock: VirtualClock, faults: Faults | None, market: SimulatedMarket = MARKET) -> Iterator[Play]:
    """A live home and its vendor, both on `clock`."""
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, RunningVendor(market, clock, keys={KEY}, faults=faults) as vendor:
        patch.setattr(SystemClock, "now", lambda _: clock.now())
        patch.setattr(SystemClock, "wait", lambda _, seconds: clock.wait(seconds))
        yield Play(Scene(folder, url=vendor.url), vendor, clock)


@dataclass
class Play:
    """A home, its vendor, and the time."""

    at: Scene
    vendor: RunningVendor
    clock: VirtualClock

    def extract(self, **changed: str) -> Said:
        assert self.at.bell("setup").code == 0
        return self.at.bell("extract", *DAYS, **SETTINGS, **changed)

    def finish(self, moment: datetime, *, sweep: int = 0, days: tuple[str, ...] = DAYS) -> None:
        """Go to a moment and run each stage once."""
        self.clock.wait((moment - self.clock.now()).total_seconds())
        for words in (("extract", *days), ("csv-load",), ("transform",)):
            said = self.at.bell(*words, **{**SETTINGS, "OPENINGBELL_REVISION_SESSIONS": str(sweep)})
            assert said.code == 0, flat(said)

    @property
    def status(self) -> str:
        """What the job log says about the extraction."""
        jobs = self.bell.rows(tables.JOB_LOG).filter(pl.col("job_type") == "extract")
        return str(jobs["status"].item())

    @property
    def bell(self) -> Bell:
        return Bell(self.at.home, {})

    def raw(self) -> dict[str, pl.DataFrame]:
        """All versions in the raw tables."""
        return {table.name: self.bell.rows(table) for table in tables.TABLES if table.layer == RAW}

    def analytics(self) -> dict[str, pl.DataFrame]:
        """What the newest versions give, without the list of what was restated."""
        held = [table for table in tables.TABLES if table.layer == ANALYTICS and table is not RESTATEMENTS]
        found = {table.name: self.bell.rows(table) for table in held}
        return {name: _settled(rows) for name, rows in found.items()}


def current(raw: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The newest version of every bar."""
    by_name = {table.name: table for table in tables.TABLES}
    return {
        name: versions.current(rows, by_name[name]).select(*by_name[name].bar_key, *by_name[name].values)
        for name, rows in raw.items()
    }


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    kept = rows.drop(NOT_FROM_FILES & set(rows.columns))
    return kept.sort(kept.columns)


@dataclass(frozen=True)
class Unharmed:
    """What a home holds in the evening that never had a fault, and how many questions it asked at noon."""

    raw: dict[str, pl.DataFrame]
    analytics: dict[str, pl.DataFrame]
    questions: int


@cache
def unharmed(rest: timedelta = timedelta(0)) -> Unharmed:
    with TemporaryDirectory() as folder, lived(Path(folder), VirtualClock(NOON), None) as play:
        assert play.extract().code == 0
        questions = len({one[1:5] for one in play.vendor.requests.all()})
        play.finish(EVENING + rest)
        return Unharmed(play.raw(), play.analytics(), questions)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_fault_is_told_and_costs_nothing(tmp_path: Path, case: Case) -> None:
    """The run ends with its code, status and words. When the fault is over, the home is as if it had never been."""
    wanted = unharmed(case.rest)
    faults = Faults((replace(case.fault, end=OVER),), seed=2)
    with lived(tmp_path, VirtualClock(NOON), faults) as play:
        said = play.extract(**IMPATIENT if case.fault.kind == "timeout" else {})
        assert said.code == case.code, flat(said)
        assert re.search(".*".join(map(re.escape, case.words.split("…"))), flat(said)), flat(said)
        assert "Traceback" not in said.err
        assert bool(said.err) is bool(case.words or case.fault.times)  # a retry is logged
        assert play.status == case.status
        asked = play.vendor.requests.all()
        assert case.fault.kind in {one.fault for one in asked}
        assert (len({one[1:5] for one in asked}) > wanted.questions) is case.more_questions
        play.finish(EVENING + case.rest, sweep=case.sweep)
        raw, analytics = play.raw(), play.analytics()
    for name, rows in current(wanted.raw).items():
        assert current(raw)[name].equals(rows), name
    grown = any(len(raw[name]) > len(rows) for name, rows in wanted.raw.items())
    assert grown is (case.after == VERSIONS)
    for name, rows in wanted.analytics.items():
        assert analytics[name].equals(rows), name


def test_a_split_overnight_is_followed(tmp_path: Path) -> None:
    """The bars before it come again, divided; the home then holds what one holds that asks only afterwards."""
    faults = Faults((Fault("split", symbols=("AAPL",), values={"on": "2024-05-09", "ratio": "4:1"}),))
    market = open_source(from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"]), seed=5, splits=faults.splits)
    assert isinstance(market, SimulatedMarket)
    afterwards, days = EVENING + timedelta(days=7), ("--from", "2024-05-06", "--to", "2024-05-15")
    with lived(tmp_path / "a", VirtualClock(NOON), faults, market) as play:
        said = play.extract()
        assert (said.code, said.err, play.status) == (0, "", "SUCCESS")
        play.finish(EVENING)
        before = current(play.raw())["stock_data_raw"]
        play.finish(EVENING + timedelta(days=1), days=("--from", "2024-05-06", "--to", "2024-05-09"))
        play.finish(afterwards, days=days)
        raw, analytics = play.raw(), play.analytics()
    with lived(tmp_path / "b", VirtualClock(afterwards), faults, market) as late:
        late.finish(afterwards, days=days)
        late.finish(afterwards, days=days)
        for name, rows in current(late.raw()).items():
            assert current(raw)[name].equals(rows), name
        for name, rows in late.analytics().items():
            assert name == CORPORATE_ACTIONS.name or analytics[name].equals(rows), name  # it says when that was seen
    after = current(raw)["stock_data_raw"].filter(pl.col("date") < before["date"].max())
    ratio = before.join(after, on=["symbol", "date", "bar_interval"]).group_by("symbol").agg(
        (pl.col("close") / pl.col("close_right")).mean().round(3)
    )  # fmt: skip
    assert dict(ratio.iter_rows()) == {"AAPL": 4.0, "MSFT": 1.0}


def test_every_kind_has_a_case() -> None:
    assert {case.fault.kind for case in CASES} | {"split"} == set(KINDS)


def test_the_docs_have_the_table() -> None:
    rows = [row_of(case) for case in CASES]
    assert "\n".join(rows) in (REPOSITORY / "docs" / "vendor.md").read_text("utf-8"), "\n".join(rows)


def row_of(case: Case) -> str:
    """The line of the docs about a case."""
    words = f"`{case.words}`" if case.words else "–"
    after = case.after + (", once recent sessions are read again" if case.sweep else "")
    return f"| `{name_of(case)}` | {case.code} | {case.status} | {words} | {after} |"
