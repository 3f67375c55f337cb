"""The stage against the look-alike over real HTTP, on a clock on which waiting is free."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openingbell import coverage
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.errors import ClockError, KeyRefused, RecordError, VendorError
from openingbell.extract import stage
from openingbell.extract.actions import landed_splits
from openingbell.extract.fmp import FmpClient
from openingbell.extract.stage import Extracted
from openingbell.feeds import STOCKS
from openingbell.landing import Landing, Manifest, Outcome
from openingbell.sessions import NEW_YORK
from openingbell.splits import Split
from openingbell.universe import Universe, from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.server import Interceptor
from openingbell.vendor.splits import PlayedSplit

KEY = "right-key-1234"
UNIVERSE = from_symbols(["AAPL", "MSFT", "TSLA"], ["^GSPC"], ["GCUSD"])
BARS = Universe(tuple(member for member in UNIVERSE.members if member.feed.has_grid))
"""Without corporate actions."""
FEEDS = list(dict.fromkeys(member.feed.name for member in UNIVERSE.members))
MARKET = SimulatedMarket(UNIVERSE, seed=3)
EVENING = datetime(2024, 5, 10, 20, 0, tzinfo=NEW_YORK).astimezone(UTC)
NOON = datetime(2024, 5, 10, 12, 7, 30, tzinfo=NEW_YORK).astimezone(UTC)


class Bench:
    """A record, a clock, and a vendor that counts what it is asked."""

    def __init__(self, folder: Path, clock: VirtualClock, url: str, asked: list[str]) -> None:
        self.landing = Landing(folder)
        self.clock = clock
        self.asked = asked
        self.settings = Settings(
            api_key=SecretStr(KEY),
            base_url=url,
            pause_between_calls_seconds=0,
            pause_between_batches_seconds=0,
            retry_attempts=3,
            first_run_sessions=5,
            first_run_daily_sessions=10,
            revision_sessions=0,
        )

    def run(self, universe: Universe = UNIVERSE, **changed: object) -> Extracted:
        settings = self.settings.model_copy(update=changed)
        with FmpClient(settings, self.clock) as client:
            return stage.run(lambda: universe, self.landing, client, self.clock, settings, source="demo 3")

    def due(self, universe: Universe = UNIVERSE) -> list[coverage.Due]:
        return coverage.due(universe, Landing(self.landing.root).record(), self.clock.now(), self.settings)

    def rows(self, manifest: Manifest) -> pl.DataFrame:
        return self.landing.read(manifest)

    def by_feed(self) -> dict[str, Manifest]:
        manifests = self.landing.manifests()
        found = {manifest.feed: manifest for manifest in manifests}
        assert len(found) == len(manifests)
        return found


@contextmanager
def bench(
    folder: Path,
    now: datetime = EVENING,
    fault: Interceptor | None = None,
    restricted: tuple[str, ...] = (),
    keys: tuple[str, ...] = (KEY,),
    market: SimulatedMarket = MARKET,
    ahead: timedelta = timedelta(0),
) -> Iterator[Bench]:
    """`ahead` is our clock of the vendor's."""
    clock = VirtualClock(now)
    asked: list[str] = []

    def noted(request: Request) -> Response | None:
        asked.append(f"{request.url.path.removeprefix('/stable/')}?{request.url.query}")
        return fault(request) if fault else None

    theirs = VirtualClock(now - ahead) if ahead else clock
    with RunningVendor(market, theirs, keys=keys, restricted=restricted, interceptor=noted) as vendor:
        yield Bench(folder, clock, vendor.url, asked)


def feeds_of(symbol: str, universe: Universe = UNIVERSE) -> set[str]:
    """The feeds in which a symbol is wanted."""
    return {member.feed.name for member in universe.members if member.symbol == symbol}


def about(symbol: str, answer: Callable[[], Response]) -> Interceptor:
    """The answer to every question about one symbol."""
    return lambda request: answer() if request.query_params.get("symbol") == symbol else None


def test_a_first_run_lands_one_file_a_feed_and_leaves_nothing_due(tmp_path: Path) -> None:
    with bench(tmp_path) as at:
        done = at.run()
        found = at.by_feed()
        assert at.due() == []
    assert set(found) == set(FEEDS) > {"stocks", "indexes", "commodities", "bonds", "eod", "splits"}
    assert {feed: [ask.symbol for ask in manifest.asks] for feed, manifest in found.items()}["stocks"] == [
        "AAPL",
        "MSFT",
        "TSLA",
    ]
    assert (found["stocks"].rows, found["eod"].rows) == (3 * 5 * 26, 5 * 10)
    assert done.rows == sum(manifest.rows for manifest in found.values())
    assert done.files == len(FEEDS)
    assert done.requests == len(at.asked) == sum(len(manifest.asks) for manifest in found.values())
    assert (done.restricted, done.failures, done.stopped) == ((), (), "")


def test_a_landed_row_says_what_was_asked_and_when_it_was_answered(tmp_path: Path) -> None:
    """Chart rows carry no symbol, so the asked one stands in front; numbers are spelled as the vendor spells them."""
    with bench(tmp_path) as at:
        at.run()
        rows = at.rows(at.by_feed()["stocks"])
        body = MARKET.intraday("AAPL", "15min", first=date(2024, 5, 10), last=date(2024, 5, 10), now=EVENING)
    assert rows.columns == ["symbol", "answered_at", "date", "open", "low", "high", "close", "volume"]
    assert set(rows["answered_at"]) == {EVENING.isoformat()}
    newest = rows.filter(pl.col("symbol") == "AAPL").row(0, named=True)
    assert newest["date"] == "2024-05-10 15:45:00"
    assert float(newest["close"]) == body["close"][-1]


def test_a_vendors_field_of_our_name_does_not_take_the_place_of_ours(tmp_path: Path) -> None:
    row = {"symbol": "AAPL", "answered_at": "theirs", "date": "2024-05-10 09:30:00", "close": 1}
    with bench(tmp_path, fault=about("AAPL", lambda: Response(json.dumps([row])))) as at:
        at.run()
        rows = content(at, "answered_at").filter(pl.col("symbol") == "AAPL")
    assert set(rows["answered_at"]) == {EVENING.isoformat()}


def test_manifests_count_the_bars_of_every_session(tmp_path: Path) -> None:
    """What is counted is what a full record of the session holds."""
    with bench(tmp_path) as at:
        at.run()
        found = at.by_feed()
    for ask in found["stocks"].asks:
        assert set(ask.bars.values()) == {26}
        assert len(ask.bars) == 5
        assert (ask.covered_first, ask.covered_last) == (ask.first, ask.last)
    assert [set(ask.bars.values()) for ask in found["eod"].asks] == [{1}] * 5


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    with bench(tmp_path) as at:
        at.run()
        at.asked.clear()
        assert at.run() == Extracted()
    assert at.asked == []


def test_an_hour_later_only_what_is_new_is_asked(tmp_path: Path) -> None:
    """Noon: the session that runs is asked again when bars of it became final, and its own day alone."""
    with bench(tmp_path, now=NOON) as at:
        at.run()
        at.asked.clear()
        at.clock.wait(60)
        assert at.run().requests == 0  # nothing became final in a minute that had been asked before
        at.clock.wait(15 * 60)
        at.run()
    assert {text.split("?")[0] for text in at.asked} == {"historical-chart/15min", "historical-chart/5min"}
    assert all("to=2024-05-10" in text for text in at.asked)
    stocks = [text for text in at.asked if "AAPL" in text or "MSFT" in text]
    assert all("from=2024-05-10" in text for text in stocks)
    assert len(at.asked) == 5


def test_a_forming_bar_is_landed_and_not_counted(tmp_path: Path) -> None:
    """At 12:07:30 the bar of 12:00 runs: it is in the file, as the vendor gave it, and in no count."""
    with bench(tmp_path, now=NOON) as at:
        at.run()
        found = at.by_feed()
        rows = at.rows(found["stocks"])
    today = date(2024, 5, 10)
    assert rows["date"].max() == "2024-05-10 12:00:00"
    assert {ask.bars[today] for ask in found["stocks"].asks} == {10}
    # from 09:30 to 12:00 there are 30 bars of five minutes, and the one of 12:00 is final at 12:07 as well
    assert {ask.bars[today] for ask in found["indexes"].asks} == {31}
    assert today not in {day for ask in found["eod"].asks for day in ask.bars}


def test_a_symbol_outside_the_plan_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    with bench(tmp_path, restricted=("MSFT",)) as at:
        done = at.run()
        stocks = at.by_feed()["stocks"]
        assert at.due() == []
        at.asked.clear()
        at.run()
        assert at.asked == []
        at.clock.wait(timedelta(days=8).total_seconds())
        assert {due.member.symbol for due in at.due()} >= {"MSFT"}
    assert done.restricted == ("MSFT",)
    assert done.failures == ()
    outcomes = {ask.symbol: (ask.outcome, ask.status, ask.rows) for ask in stocks.asks}
    assert outcomes["MSFT"] == (Outcome.RESTRICTED, 402, 0)
    assert outcomes["AAPL"] == (Outcome.ANSWERED, 200, 5 * 26)


def test_when_all_is_outside_the_plan_the_record_says_so(tmp_path: Path) -> None:
    """A file without rows is a manifest alone."""
    everything = tuple(member.symbol for member in UNIVERSE.members)
    with bench(tmp_path, restricted=everything) as at:
        at.run()
        found = at.by_feed()
    assert (found["stocks"].file, found["stocks"].rows) == (None, 0)
    assert len(list((tmp_path / "stocks").iterdir())) == 1


def test_a_refused_key_stops_at_once_and_what_came_is_landed(tmp_path: Path) -> None:
    """The batch in which it happens is landed as far as it was answered; no later batch is sent."""

    def fault(request: Request) -> Response | None:
        return None if request.query_params.get("symbol") in (None, "AAPL") else Response(b"Invalid API KEY.", 401)

    with bench(tmp_path, fault=fault) as at:
        with pytest.raises(KeyRefused, match="FMP_API_KEY"):
            at.run(BARS, threads=1)
        assert len(at.asked) == 3
        found = at.by_feed()
        assert set(found) == {"bonds", "eod"}
        assert [ask.symbol for ask in found["eod"].asks] == ["AAPL"]
        assert len(at.rows(found["eod"])) == 10
        assert "AAPL" not in {due.member.symbol for due in at.due() if due.member.feed.name == "eod"}


def test_no_thread_goes_on_asking_with_a_refused_key(tmp_path: Path) -> None:
    """Of a hundred symbols, at most the calls that were under way are sent."""
    universe = from_symbols([f"S{n}" for n in range(100)], [], [])
    with bench(tmp_path, keys=("other",)) as at:
        with pytest.raises(KeyRefused):
            at.run(universe, threads=4)
        assert 1 <= len(at.asked) <= 8
        assert at.landing.manifests() == []


def test_a_used_up_quota_lands_what_came_and_stops_without_an_error(tmp_path: Path) -> None:
    counted = Counter[str]()

    def fault(request: Request) -> Response | None:
        counted["calls"] += 1
        return PlainTextResponse("Bandwidth Limit Reach", 429) if counted["calls"] > 4 else None

    with bench(tmp_path, fault=fault) as at:
        done = at.run(BARS, threads=1)
        assert "Bandwidth" in done.stopped
        assert set(at.by_feed()) == {"bonds", "eod"}
        assert len(at.asked) == 5
        assert {due.member.feed.name for due in at.due(BARS)} == {"stocks", "indexes", "commodities", "eod"}
        counted["calls"] = -100
        at.run(BARS)
        assert at.due(BARS) == []
        assert len({ask for ask in at.asked if ask.startswith("historical-chart/15min")}) == 3


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response(status_code=503),
        lambda: PlainTextResponse("Limit Reach", 429),
        lambda: Response(b"<html>Welcome</html>"),
        lambda: Response(b""),
        lambda: Response(b"[]", 404),
    ],
    ids=["unavailable", "limited", "html", "empty", "not found"],
)
def test_a_failure_leaves_its_sessions_due_and_the_rest_goes_on(tmp_path: Path, answer: Callable[[], Response]) -> None:
    """The next run asks for exactly what failed, and then the record is as if nothing had happened."""
    ill = threading.Event()
    ill.set()
    fault = about("MSFT", answer)
    with bench(tmp_path / "ill", fault=lambda request: fault(request) if ill.is_set() else None) as at:
        done = at.run()
        failed = {(feed, "MSFT") for feed in feeds_of("MSFT")}
        assert {(failure.feed, failure.symbol) for failure in done.failures} == failed
        assert {(due.member.feed.name, due.member.symbol) for due in at.due()} == failed > {("stocks", "MSFT")}
        at.asked.clear()
        ill.clear()
        assert at.run().failures == ()
        assert len(at.asked) == len(failed)
        assert at.due() == []
        healed = content(at)
    with bench(tmp_path / "well") as at:
        at.run()
        assert content(at).equals(healed)


def content(at: Bench, *also: str) -> pl.DataFrame:
    """Every landed row of every feed, in one order, without the moments of the answers unless asked for."""
    frames = [
        at.rows(manifest).with_columns(feed=pl.lit(manifest.feed))
        for manifest in at.landing.manifests()
        if manifest.file
    ]
    rows = pl.concat(frames, how="diagonal").drop({"answered_at"} - set(also))
    return rows.select(sorted(rows.columns)).sort(sorted(rows.columns))


def test_an_answer_that_cannot_be_read_is_kept_as_it_came(tmp_path: Path) -> None:
    body = b"<html>Down for maintenance</html>"
    with bench(tmp_path, fault=about("^GSPC", lambda: Response(body))) as at:
        at.run()
    kept = sorted((tmp_path / "unreadable").iterdir())
    assert [path.read_bytes() for path in kept] == [body, body]
    assert {path.name.split("Z-")[1] for path in kept} == {"indexes-GSPC.txt", "eod-GSPC.txt"}


def test_a_symbol_with_strange_signs_keeps_its_answer_in_the_folder(tmp_path: Path) -> None:
    """A symbol is no path."""
    universe = from_symbols(["../../A/B", "AAPL"], [], [])
    with bench(tmp_path / "record", fault=about("../../A/B", lambda: Response(b"<html>"))) as at:
        at.run(universe)
    assert {path.name.split("Z-")[1] for path in (tmp_path / "record" / "unreadable").iterdir()} == {
        f"{feed}-....AB.txt" for feed in feeds_of("../../A/B", universe)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_rows_without_a_date_cover_nothing(tmp_path: Path) -> None:
    """A renamed field must not make what was asked count as answered."""
    body = b'[{"time": "2019-02-15 09:30:00", "close": 1}]'
    with bench(tmp_path, fault=about("AAPL", lambda: Response(body))) as at:
        done = at.run()
        assert {failure.symbol for failure in done.failures} == {"AAPL"}
        assert all("the rows have no " in failure.message for failure in done.failures)
        assert "AAPL" not in {ask.symbol for manifest in at.landing.manifests() for ask in manifest.asks}
    assert any(b"09:30:00" in path.read_bytes() for path in (tmp_path / "unreadable").iterdir())


def test_a_quota_that_is_used_up_from_the_start_is_a_stop_and_no_failure(tmp_path: Path) -> None:
    """Nothing can be done about it now, and nothing is lost: the next run asks."""
    used_up = b'{"Error Message": "Bandwidth Limit Reach ."}'
    with bench(tmp_path, fault=lambda _: Response(used_up, status_code=429)) as at:
        assert "Bandwidth Limit Reach" in at.run().stopped


def test_when_nothing_is_answered_the_run_fails(tmp_path: Path) -> None:
    """A vendor that is down is told as an error, with the first reason."""
    with bench(tmp_path, fault=lambda _: Response(status_code=502)) as at:
        with pytest.raises(VendorError, match=r"not one was answered.*502"):
            at.run()
        assert at.landing.manifests() == []
        assert len(at.asked) == 3 * len(UNIVERSE.members)


def test_by_a_clock_that_is_an_hour_ahead_nothing_is_landed(tmp_path: Path) -> None:
    """What still forms would be taken for final. Once the clock is set, all comes."""
    with bench(tmp_path, NOON, ahead=timedelta(hours=1)) as wrong:
        wrong.settings = wrong.settings.model_copy(update={"workers": 1})
        with pytest.raises(ClockError, match=r"3,600 s ahead of the vendor's, .*; 60 s are allowed; set the clock"):
            wrong.run(BARS)
        assert wrong.landing.manifests() == []
        assert len(wrong.asked) <= wrong.settings.workers + 1
    with bench(tmp_path, NOON) as right:
        assert right.run(BARS).failures == ()
        assert right.due(BARS) == []


def test_by_a_clock_that_is_an_hour_behind_what_is_final_comes_all_the_same(tmp_path: Path) -> None:
    with bench(tmp_path, NOON, ahead=-timedelta(hours=1)) as late:
        late.run(BARS)
        stocks = late.rows(late.by_feed()["stocks"])
        assert f"{NOON.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}" < stocks["date"].sort()[-1]
        counted = late.by_feed()["stocks"].asks[0].bars[NOON.date()]
        assert counted == 10  # 09:30 to 11:45, by our clock


def test_while_a_batch_waits_for_its_last_answer_the_next_is_on_its_way(tmp_path: Path) -> None:
    """The yields are answered only when daily bars have been asked for."""
    others_asked = threading.Event()

    def fault(request: Request) -> Response | None:
        if "historical-price-eod" in request.url.path:
            others_asked.set()
        elif "treasury-rates" in request.url.path and not others_asked.wait(10):
            return Response(status_code=404)
        return None

    with bench(tmp_path, fault=fault) as at:
        assert at.run(BARS, threads=2).failures == ()
        assert at.due(BARS) == []


def test_a_symbol_outside_the_plan_is_not_asked_for_older_windows(tmp_path: Path) -> None:
    """It is asked one thing at a time, so that what comes of it is known."""
    with bench(tmp_path, restricted=("AAPL",)) as at:
        stocks = Universe(UNIVERSE.of(STOCKS)[:2])
        assert at.run(stocks, first_run_sessions=60).restricted == ("AAPL",)
        assert sum("AAPL" in text for text in at.asked) == 1
        assert sum("MSFT" in text for text in at.asked) == 3


def test_an_unknown_symbol_is_asked_once(tmp_path: Path) -> None:
    """The vendor knows it not and says `[]`: that is an answer."""
    universe = from_symbols(["NOSUCH"], [], [])
    with bench(tmp_path) as at:
        at.run(universe)
        stocks = at.by_feed()["stocks"]
        assert [(ask.symbol, ask.outcome, ask.rows, ask.bars) for ask in stocks.asks] == [
            ("NOSUCH", Outcome.ANSWERED, 0, {})
        ]
        assert at.due(universe) == []


def test_answers_that_are_cut_are_asked_for_until_all_is_there(tmp_path: Path) -> None:
    """A vendor that gives two sessions at a time, whatever is asked, ends with the same record."""

    def cut(request: Request) -> Response | None:
        symbol = request.query_params.get("symbol")
        if symbol != "AAPL" or "15min" not in request.url.path:
            return None
        first, last = (date.fromisoformat(request.query_params[name]) for name in ("from", "to"))
        bars = MARKET.intraday("AAPL", "15min", first=first, last=last, now=EVENING)
        newest = bars["date"].dt.date().unique().sort().tail(2)
        rows = bars.filter(pl.col("date").dt.date().is_in(newest.to_list())).sort("date", descending=True)
        return Response(json.dumps(rows.with_columns(pl.col("date").dt.strftime("%Y-%m-%d %H:%M:%S")).to_dicts()))

    stocks = Universe(UNIVERSE.of(STOCKS)[:1])
    with bench(tmp_path, fault=cut) as at:
        done = at.run(stocks)
        manifests = at.landing.manifests()
        assert at.due(stocks) == []
    assert done.requests == 3
    assert [manifest.rows for manifest in manifests] == [52, 52, 26]
    covered = sorted((ask.covered_first, ask.covered_last) for manifest in manifests for ask in manifest.asks)
    assert covered[0][0] == manifests[0].asks[0].first
    assert all(one[1] + timedelta(days=1) == other[0] for one, other in pairwise(covered))


def test_progress_counts_up_to_what_was_planned(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with bench(tmp_path) as at, FmpClient(at.settings, at.clock) as client:
        stage.run(
            lambda: UNIVERSE,
            at.landing,
            client,
            at.clock,
            at.settings,
            source="x",
            progress=lambda *it: told.append(it),
        )
    assert sorted(feed for feed, _, _ in told) == sorted(FEEDS)
    done = [count for _, count, _ in told]
    assert done == sorted(done)
    assert done[-1] == told[-1][2] == len(at.asked)


def test_a_disk_that_takes_nothing_stops_the_run(tmp_path: Path) -> None:
    """What was answered and cannot be kept stays due."""
    (tmp_path / "stocks").write_text("a file where the folder should be")
    with bench(tmp_path) as at, pytest.raises(RecordError, match=r"asked to write .*stocks"):
        at.run()


def test_the_pace_is_kept_on_the_passed_clock(tmp_path: Path) -> None:
    """Fourteen calls a tenth of a second apart take 1.3 seconds of the vendor's time and none of ours."""
    with bench(tmp_path) as at:
        before = at.clock.now()
        at.run(pause_between_calls_seconds=0.1, threads=1)
        seconds = (at.clock.now() - before).total_seconds()
    assert seconds == pytest.approx(0.1 * (len(at.asked) - 1))


EX_DATE = date(2024, 5, 8)
SPLIT_MARKET = SimulatedMarket(
    UNIVERSE, seed=3, splits=[PlayedSplit("AAPL", EX_DATE, 4, 1), PlayedSplit("IBM", date(2024, 5, 9), 1, 10)]
)
"""IBM is none of ours; the vendor's calendar names it all the same."""


def test_rows_of_the_whole_market_keep_their_own_symbols(tmp_path: Path) -> None:
    """The question had none: what was asked for stands in the manifest, whom a row is about in the row."""
    with bench(tmp_path, market=SPLIT_MARKET) as at:
        at.run()
        found = at.by_feed()
        calendar, history = at.rows(found["splits_calendar"]), at.rows(found["splits"])
        known = landed_splits(at.landing, at.clock.now())
    assert calendar.columns[:3] == ["symbol", "answered_at", "date"]
    assert sorted(calendar.select("symbol", "date", "numerator", "denominator").rows()) == [
        ("AAPL", "2024-05-08", "4", "1"), ("IBM", "2024-05-09", "1", "10"),
    ]  # fmt: skip
    assert history["symbol"].to_list() == ["AAPL"]
    assert [ask.symbol for ask in found["splits_calendar"].asks] == ["ALL"]
    assert [(ask.symbol, ask.rows, ask.bars) for ask in found["splits"].asks] == [
        ("AAPL", 1, {}), ("MSFT", 0, {}), ("TSLA", 0, {}),
    ]  # fmt: skip
    assert known == (Split("AAPL", EX_DATE, 4.0), Split("IBM", date(2024, 5, 9), 0.1))


def test_sessions_before_a_split_are_asked_again_once_it_is_known(tmp_path: Path) -> None:
    """On Monday, twenty minutes after the open, for the symbol that split and for what was asked of it before."""
    monday = datetime(2024, 5, 13, 9, 50, tzinfo=NEW_YORK).astimezone(UTC)
    with bench(tmp_path, market=SPLIT_MARKET) as at:
        at.run()
        at.asked.clear()
        assert at.run() == Extracted()
        at.clock.wait((monday - at.clock.now()).total_seconds())
        at.run()
        older = sorted(text for text in at.asked if "from=2024-05-0" in text and "calendar" not in text)
        assert older == [
            "historical-chart/15min?symbol=AAPL&from=2024-05-06&to=2024-05-13",  # with the day that runs, in one
            "historical-price-eod/full?symbol=AAPL&from=2024-05-03&to=2024-05-07",
        ]
        at.asked.clear()
        assert at.run() == Extracted()
    assert at.asked == []


def test_a_calendar_without_symbols_is_a_failure_and_kept(tmp_path: Path) -> None:
    """Nobody could tell whom its rows are about, and they must not count as answered."""
    body = b'[{"ticker": "AAPL", "date": "2024-05-08", "numerator": 4, "denominator": 1}]'
    with bench(tmp_path, fault=lambda r: Response(body) if "splits-calendar" in r.url.path else None) as at:
        done = at.run()
        assert [(failure.feed, failure.symbol) for failure in done.failures] == [("splits_calendar", "ALL")]
        assert "the rows have no symbol but ticker, date" in done.failures[0].message
        assert [due.member.feed.name for due in at.due()] == ["splits_calendar"]
    assert [path.read_bytes().split(b",")[0] for path in (tmp_path / "unreadable").iterdir()] == [b"ticker"]


def test_a_landed_split_that_was_damaged_does_not_stop_the_asking(tmp_path: Path) -> None:
    with bench(tmp_path, market=SPLIT_MARKET) as at:
        at.run()
        file = tmp_path / "splits" / str(at.by_feed()["splits"].file)
        file.write_text(file.read_text("utf-8").replace("4", "5"), "utf-8")
        at.clock.wait(timedelta(days=3).total_seconds())
        assert at.run().failures == ()
        assert at.due() == []
