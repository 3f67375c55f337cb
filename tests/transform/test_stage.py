"""The stage: whatever arrives, in whatever order and portions, the analytics are those of one full transform."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openingbell import tables
from openingbell.clock import VirtualClock
from openingbell.config import Settings
from openingbell.feeds import BONDS, COMMODITIES, EOD, INDEXES, STOCKS, TENORS, TREASURY, Feed
from openingbell.landing import Ask, Landing, Outcome
from openingbell.load import stage as loading
from openingbell.sessions import grid
from openingbell.tables import ANALYTICS, TABLES, Table
from openingbell.transform import reach
from openingbell.transform import stage as transformation
from openingbell.transform.stage import Transformed
from openingbell.universe import Universe, from_symbols
from openingbell.warehouse.duckdb import DuckDBWarehouse, DuckDBWriter

UNIVERSE: Universe = from_symbols(["AAA", "BBB"], ["^GSPC", "^VIX"], ["GCUSD", "CLUSD"])
WHOLE = ("00", "05", "10")
"""Minutes of the three shorter bars of which one of fifteen minutes is made."""
FEEDS: dict[str, Feed] = {
    "AAA": STOCKS, "BBB": STOCKS, "^GSPC": INDEXES, "^VIX": INDEXES, "GCUSD": COMMODITIES, "CLUSD": COMMODITIES,
}  # fmt: skip
CALENDARS = {symbol: UNIVERSE.calendars(feed.asset_class)[symbol] for symbol, feed in FEEDS.items()}
INTERVALS = {"AAA": "15min", "BBB": "15min", "^GSPC": "5min", "^VIX": "15min", "GCUSD": "15min", "CLUSD": "5min"}
PRICES = ("open", "high", "low", "close", "volume")
DERIVED = 1e-9
"""Relative tolerance of what is computed over windows; all other columns are equal to the last bit."""
INEXACT = ("relative_volume",)
ANALYTICS_TABLES = tuple(table for table in TABLES if table.layer == ANALYTICS)

Values = tuple[float | None, ...]
Bars = dict[datetime, Values]


@dataclass(frozen=True)
class Answer:
    """One landed file: the rows of one symbol, or the curves of one answer, as of `answered_at`."""

    feed: Feed
    symbol: str
    interval: str
    answered_at: datetime
    rows: tuple[tuple[datetime, Values], ...]


class Home:
    """Landed files and a warehouse of them."""

    def __init__(self, folder: Path, landing: Landing) -> None:
        self.landing = landing
        self.clock = VirtualClock(datetime(2021, 1, 1, tzinfo=UTC))
        self.warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", clock=self.clock, wait_seconds=1)

    def land(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            numbers = TENORS if answer.feed is BONDS else PRICES
            is_intraday = answer.feed not in (BONDS, EOD)
            text = pl.DataFrame(
                [
                    (
                        answer.symbol,
                        answer.answered_at.isoformat(),
                        str(start) if is_intraday else str(start.date()),
                        *(None if value is None else repr(value) for value in values),
                    )
                    for start, values in answer.rows
                ],
                schema=dict.fromkeys(("symbol", "answered_at", "date", *numbers), pl.String()),
                orient="row",
            )
            days = [start.date() for start, _ in answer.rows]
            first, last = min(days), max(days)
            asset_class = BONDS.asset_class if answer.feed is BONDS else FEEDS[answer.symbol].asset_class
            calendar = BONDS.calendar if answer.feed is BONDS else CALENDARS[answer.symbol]
            ask = Ask(
                answer.symbol, asset_class, calendar, first, last, first, last, answer.answered_at, 200,
                Outcome.ANSWERED, len(text), 0,
            )  # fmt: skip
            self.landing.write(
                answer.feed.name,
                text,
                (ask,),
                source="test",
                bar_interval=answer.interval,
                basis="vendor",
                final_delay=timedelta(0),
            )

    def load(self) -> None:
        assert loading.run(self.landing, self.warehouse, self.clock, Settings()).failures == ()

    def transform(self) -> Transformed:
        return transformation.run(self.warehouse, UNIVERSE, self.clock, 15)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every analytics table, sorted by its key."""
        with self.warehouse.read() as reader:
            return {table.name: reader.read(table).sort(table.key) for table in ANALYTICS_TABLES}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, Landing(tmp_path / "data_extracts"))


def require_unique_keys(found: Mapping[str, pl.DataFrame]) -> None:
    """There are no primary keys: uniqueness is ours to keep."""
    for table in ANALYTICS_TABLES:
        assert not found[table.name].select(pl.struct(table.key).is_duplicated().any()).item(), table.name


def require_equal(found: Mapping[str, pl.DataFrame], wanted: Mapping[str, pl.DataFrame]) -> None:
    for name, frame in wanted.items():
        inexact = [column for column in INEXACT if column in frame.columns]
        assert_frame_equal(found[name].drop(inexact), frame.drop(inexact), check_exact=True)
        assert_frame_equal(found[name], frame, rel_tol=DERIVED, abs_tol=0)


def walk(chance: random.Random, starts: Sequence[datetime], price: float) -> Bars:
    """Sound bars of a price that walks."""
    bars: Bars = {}
    for start in starts:
        price *= 1 + chance.gauss(0, 0.01)
        bars[start] = flat(chance, price)
    return bars


def flat(chance: random.Random, price: float) -> Values:
    return (
        price,
        price * 1.01,
        price * 0.99,
        price * (1 + chance.uniform(-0.009, 0.009)),
        float(chance.randrange(9_999)),
    )


def broken(chance: random.Random, values: Values) -> Values:
    """A bar that fails an error check, or lacks its volume."""
    opened, high, low, close, volume = values
    return chance.choice(
        [(opened, low, high, close, volume), (opened, high, low, None, volume), (opened, high, low, close, None)]
    )


def slots(symbol: str, first: date, last: date, interval: str | None = None) -> list[datetime]:
    starts: list[datetime] = grid(CALENDARS[symbol], interval or INTERVALS[symbol], first, last)["date"].to_list()
    return starts


FIRST, LAST = date(2019, 1, 2), date(2019, 6, 14)
HOLE = datetime(2019, 2, 9), datetime(2019, 3, 31)
"""More than 40 days; it ends on a Sunday, on which gold goes on in the evening."""


def base(chance: random.Random) -> dict[tuple[Feed, str], Bars]:
    """Half a year of bars by feed and symbol, with holes; AAA outgrows the warm-up, by bars and by days."""
    bars: dict[tuple[Feed, str], Bars] = {}
    for number, (symbol, feed) in enumerate(FEEDS.items()):
        starts = slots(symbol, FIRST, LAST)
        if symbol != "AAA":
            starts = chance.sample(starts, len(starts) // (6 if INTERVALS[symbol] == "15min" else 40))
        if symbol == "GCUSD":
            starts += [datetime(2019, 2, 8, 10), datetime(2019, 3, 31, 18), datetime(2019, 4, 1, 9, 30)]
        if symbol in {"AAA", "GCUSD"}:
            starts = [start for start in starts if not HOLE[0] < start < HOLE[1]]
        bars[feed, symbol] = walk(chance, sorted(set(starts)), 50.0 * (number + 1))
    for symbol, since in (("AAA", date(2014, 12, 1)), ("BBB", FIRST), ("^GSPC", FIRST), ("GCUSD", FIRST)):
        days = [start for start in slots(symbol, since, LAST, "1day") if symbol == "AAA" or chance.random() < 0.5]
        bars[EOD, symbol] = walk(chance, days, 50.0)
    curves = chance.sample(range(170), 40)
    bars[BONDS, TREASURY] = {datetime(2018, 12, 31) + timedelta(days=day): curve(chance) for day in sorted(curves)}
    return bars


def curve(chance: random.Random) -> Values:
    return tuple(chance.uniform(0, 4) for _ in TENORS)


Row = tuple[datetime, Values]
Key = tuple[Feed, str]


class Vendor:
    """What a vendor answers over time: the base in portions, and later all that vendors do to bars."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._moments = iter(chance.sample(range(10**6), 500))
        self._rows: dict[Key, list[Row]] = {}

    def answer(self, key: Key, rows: Iterable[Row]) -> Answer:
        """A file of these rows, received at some moment: later or earlier than the others."""
        feed, symbol = key
        interval = feed.bar_interval if feed in (EOD, BONDS) else INTERVALS[symbol]
        moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._moments))
        return Answer(feed, symbol, interval, moment, tuple(rows))

    def portions(self) -> Iterator[Answer]:
        """The base in two portions of each symbol; some bars are broken, some are withheld and come by themselves."""
        chance = self._chance
        for key, bars in base(chance).items():
            breaks = 0.0 if key[0] is BONDS else 0.03
            rows = [(start, broken(chance, v) if chance.random() < breaks else v) for start, v in bars.items()]
            self._rows[key] = rows
            late = {self._place(rows) for _ in range(2)}
            half = chance.randrange(len(rows) // 3, len(rows))
            for first, last in ((0, half), (half, len(rows))):
                yield self.answer(key, [rows[at] for at in range(first, last) if at not in late] or rows[:1])
            for at in late:
                yield self.answer(key, [rows[at]])

    def _place(self, rows: Sequence[Row]) -> int:
        """Somewhere, more often at the ends and beside the great hole."""
        after = sum(start < HOLE[1] for start, _ in rows)
        near = self._chance.choice([0, after, len(rows)]) + self._chance.choice([-2, -1, 0, 1])
        return min(max(near, 0), len(rows) - 1) if self._chance.random() < 0.5 else self._chance.randrange(len(rows))

    def event(self) -> list[Answer]:
        """A correction, a breakage, a repetition, a contradiction, a bar that should not be, or a day that goes bad and
        may come back.
        """
        chance = self._chance
        key = chance.choice([*self._rows, (STOCKS, "AAA"), (STOCKS, "BBB")])
        rows = self._rows[key]
        start, values = rows[self._place(rows)]
        if key[0] is BONDS:
            return [self.answer(key, [(start, chance.choice([curve(chance), (None,) * len(TENORS)]))])]
        one, other = (flat(chance, chance.uniform(20, 400)) for _ in range(2))
        match chance.choice(["correct", "break", "repeat", "contradict", "stray", "go bad", "go bad"]):
            case "correct":
                return [self.answer(key, [(start, one)])]
            case "break":
                return [self.answer(key, [(start, broken(chance, values))])]
            case "repeat":
                return [self.answer(key, [(start, values)])]
            case "contradict":
                return [self.answer(key, [(start, one), (start, other)])]
            case "stray" if key[0] is not EOD:
                return [self.answer(key, [(start + timedelta(minutes=2), one), (start.replace(hour=17), other)])]
            case _:
                of_day = [(at, v) for at, v in rows if at.date() == start.date()]
                bad = self.answer(key, [(at, (v[0], -1.0, None, v[3], v[4])) for at, v in of_day])
                return [bad, self.answer(key, of_day)] if chance.random() < 0.3 else [bad]


def groups(chance: random.Random) -> list[list[Answer]]:
    """What arrives together: two great loads and eight small ones, in any order of their moments."""
    vendor = Vendor(chance)
    portions = list(vendor.portions())
    chance.shuffle(portions)
    events = [answer for _ in range(16) for answer in vendor.event()]
    rest = [*portions[-12:], *events]
    chance.shuffle(rest)
    half = len(portions) // 2
    return [portions[:half], portions[half:-12], *(rest[first::8] for first in range(8))]


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_any_order_and_any_portions_give_what_one_full_transform_gives(seed: int, tmp_path: Path) -> None:
    """Insertions, corrections, late bars, earlier sessions, official bars and yield days: after the last transform
    every table is that of one transform of everything; and no key is ever there twice.
    """
    landing = Landing(tmp_path / "data_extracts")
    home = Home(tmp_path / "portions", landing)
    for arriving in groups(random.Random(seed)):
        home.land(arriving)
        home.load()
        assert home.transform().loads >= len(arriving)
        require_unique_keys(home.tables())
    whole = Home(tmp_path / "whole", landing)
    whole.load()
    whole.transform()
    wanted = whole.tables()
    require_unique_keys(wanted)
    for name in ("technical_indicators", "technical_indicators_daily"):
        assert wanted[name]["bars_used"].max() == reach.INDICATORS.bars
    require_equal(home.tables(), wanted)


def sound(price: float, volume: float = 100.0) -> Values:
    return price, price + 1, price - 1, price, volume


def bad(price: float) -> Values:
    """Its high lies below its low."""
    return price, price - 1, price + 1, price, 100.0


def answer(symbol: str, rows: Mapping[str, Values], *, number: int = 0, feed: Feed | None = None) -> Answer:
    """A file of bars at these starts, received as the `number`-th."""
    of = feed or FEEDS[symbol]
    interval = of.bar_interval if of in (EOD, BONDS) else INTERVALS[symbol]
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return Answer(of, symbol, interval, moment, tuple((datetime.fromisoformat(s), v) for s, v in rows.items()))


def arrive(home: Home, *arriving: Answer) -> Transformed:
    home.land(arriving)
    home.load()
    return home.transform()


def rows_of(home: Home, table: Table, *columns: str) -> list[tuple[object, ...]]:
    return home.tables()[table.name].select(columns).rows()


def test_a_bar_changes_the_one_after_it_however_far_that_is(home: Home) -> None:
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0), "2019-06-03 10:00": sound(30.0)}))
    arrive(home, answer("AAA", {"2019-01-02 15:45": sound(20.0)}, number=1))
    assert rows_of(home, tables.STOCK, "price_change") == [(None,), (10.0,), (10.0,)]


@pytest.mark.parametrize(
    "rows",
    [
        {"2019-01-02 10:00": sound(10.0), "2019-06-02 18:00": sound(30.0)},
        {"2019-01-02 10:00": sound(10.0), "2019-06-02 18:00": sound(30.0), "2019-06-03 10:00": sound(40.0)},
    ],
)
def test_a_bar_of_an_evening_knows_the_one_before_it_however_far_that_is(home: Home, rows: dict[str, Values]) -> None:
    """Both ways: when the evening's bar arrives last, and when the bar before it does."""
    (early, *late) = [answer("GCUSD", {start: values}, number=at) for at, (start, values) in enumerate(rows.items())]
    arrive(home, early)
    for each in late:
        arrive(home, each)
    assert rows_of(home, tables.COMMODITY, "price_change")[1] == (20.0,)
    arrive(home, answer("GCUSD", {"2019-01-02 10:00": sound(15.0)}, number=9))
    assert rows_of(home, tables.COMMODITY, "price_change")[1] == (15.0,)


def long_series(symbol: str, count: int, broken_at: Callable[[int], bool] = lambda _: False) -> list[Row]:
    """The first `count` bars of 2019, some of them broken."""
    chance = random.Random(5)
    starts = slots(symbol, FIRST, LAST, "15min")[:count]
    bars = walk(chance, starts, 100.0)
    return [(s, (v[0], v[2], v[1], v[3], v[4]) if broken_at(at) else v) for at, (s, v) in enumerate(bars.items())]


@pytest.mark.parametrize("symbol", ["AAA", "GCUSD"])
def test_every_bar_of_a_tick_rests_on_the_whole_warm_up(home: Home, symbol: str) -> None:
    """Also the first of an evening; the bars of the day before, whose rows are not the tick's, keep what they have."""
    rows = long_series(symbol, 1_200)
    newest = [(start, values) for start, values in rows if start >= rows[-1][0].replace(hour=0, minute=0)]
    older = rows[: -len(newest)]
    vendor = Vendor(random.Random(1))
    interval = {"AAA": "15min", "GCUSD": "15min"}[symbol]
    for part in (older, newest):
        arrive(home, replace(vendor.answer((FEEDS[symbol], symbol), part), interval=interval))
    used = [row[0] for row in rows_of(home, tables.TECHNICAL_INDICATORS, "bars_used")]
    assert used == [min(number, 1_000) for number in range(1, 1_201)]


def test_a_late_bar_reaches_over_the_warm_up_in_bars_that_count(home: Home) -> None:
    """A fifth of the bars is broken: the thousandth usable bar after the late one lies 1,250 rows on."""
    rows = long_series("AAA", 1_400, lambda number: number % 5 == 4)
    vendor = Vendor(random.Random(1))
    arrive(home, vendor.answer((STOCKS, "AAA"), rows[1:]))
    arrive(home, vendor.answer((STOCKS, "AAA"), rows[:1]))
    found = rows_of(home, tables.TECHNICAL_INDICATORS, "bars_used", "sma_20")
    usable = 0
    for number, (used, mean) in enumerate(found):
        usable += number % 5 != 4
        assert used == min(usable, 1_000)
        assert (mean is None) == (number % 5 == 4 or usable < 20)


def test_a_day_that_loses_its_last_sound_bar_disappears(home: Home) -> None:
    """With its daily bar go its daily indicators, its breadth and its line; its broken bar is shown. A repair brings
    them back.
    """
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0)}), answer("AAA", {"2019-01-03 10:00": sound(20.0)}))
    daily = (
        tables.DAILY_BARS, tables.TECHNICAL_INDICATORS_DAILY, tables.DAILY_AGGREGATES, tables.MARKET_SUMMARY,
    )  # fmt: skip
    for number, values, days in ((1, bad(10.0), [3]), (2, sound(11.0), [2, 3])):
        arrive(home, answer("AAA", {"2019-01-02 10:00": values}, number=number))
        for table in daily:
            assert rows_of(home, table, "date") == [(date(2019, 1, day),) for day in days], table.name
        assert len(rows_of(home, tables.STOCK, "date")) == len(rows_of(home, tables.TECHNICAL_INDICATORS, "date")) == 2
    assert rows_of(home, tables.DAILY_BARS, "return_pct")[1] == (pytest.approx(100 * 9 / 11),)


def test_a_second_transform_changes_nothing_and_writes_nothing(home: Home) -> None:
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0)}))
    before, content = home.tables(), home.warehouse.path.read_bytes()
    assert home.transform() == Transformed()
    assert home.warehouse.path.read_bytes() == content
    require_equal(home.tables(), before)


def test_an_answer_that_says_nothing_new_rewrites_nothing(home: Home) -> None:
    rows = {"2019-01-02 10:00": sound(10.0)}
    arrive(home, answer("AAA", rows))
    assert arrive(home, answer("AAA", rows, number=1)) == Transformed(loads=1)


def test_the_mark_of_a_load_says_when_it_was_transformed(home: Home) -> None:
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0)}))
    home.clock.wait(3600)
    arrive(home, answer("BBB", {"2019-01-02 10:00": sound(10.0)}, number=1))
    with home.warehouse.read() as reader:
        marks = reader.read(tables.LOADS).sort("load_id")["transformed_at"].to_list()
    assert marks == [datetime(2021, 1, 1), datetime(2021, 1, 1, 1)]


@pytest.mark.parametrize("writes", range(7))
def test_what_fails_inside_leaves_nothing_and_is_made_up_for(
    home: Home, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it breaks, up to the mark in `loads`: the tables are as before, and the next run does the work."""
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0)}))
    before = home.tables()
    home.land([answer("AAA", {"2019-01-03 10:00": sound(11.0)}, number=1)])
    home.load()
    left = iter(range(writes))
    append = DuckDBWriter.append

    def failing(self: DuckDBWriter, table: Table, rows: pl.DataFrame) -> None:
        if next(left, None) is None:
            raise OSError("the disk is gone")
        append(self, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDBWriter, "append", failing)
        with pytest.raises(OSError, match="the disk is gone"):
            home.transform()
    require_equal(home.tables(), before)
    assert home.transform().loads == 1
    assert len(rows_of(home, tables.MARKET_SUMMARY, "date")) == 2
    assert home.transform().loads == 0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """The rows that went to each analytics table, of the last write to it."""
    seen: dict[str, pl.DataFrame] = {}
    append = DuckDBWriter.append

    def recorded(self: DuckDBWriter, table: Table, rows: pl.DataFrame) -> None:
        if table.layer == ANALYTICS and len(rows):
            seen[table.name] = rows
        append(self, table, rows)

    monkeypatch.setattr(DuckDBWriter, "append", recorded)
    return seen


def test_a_tick_writes_its_own_rows_and_no_others(home: Home, written: dict[str, pl.DataFrame]) -> None:
    """One new bar of one of six symbols: its session's bars and day, the market's day; no other symbol, no bond."""
    vendor = Vendor(random.Random(3))
    arrive(home, *vendor.portions())
    newest = max(start for start, _ in vendor._rows[STOCKS, "AAA"])
    written.clear()
    done = arrive(home, answer("AAA", {str(newest): sound(77.0)}, number=1_000))
    for name in ("stock_data", "technical_indicators", "daily_bars", "technical_indicators_daily"):
        assert set(written[name]["symbol"]) == {"AAA"}, name
        assert written[name]["date"].cast(pl.Date).min() == newest.date(), name
    for name in ("daily_aggregates", "market_summary"):
        assert written[name]["date"].to_list() == [newest.date()]
    assert set(written) == set(done.rows)
    assert done.rows == {name: len(rows) for name, rows in written.items()}
    assert done.rows_written == sum(len(rows) for rows in written.values())


def test_a_correction_reaches_twenty_sessions_of_volumes_and_the_whole_warm_up(
    home: Home, written: dict[str, pl.DataFrame]
) -> None:
    rows = long_series("AAA", 1_300)
    vendor = Vendor(random.Random(1))
    arrive(home, vendor.answer((STOCKS, "AAA"), rows))
    before = home.tables()
    start, values = rows[130]
    arrive(home, vendor.answer((STOCKS, "AAA"), [(start, (*values[:4], 10.0**6))]))
    changed = home.tables()["stock_data"].join(
        before["stock_data"], on=["date", "relative_volume"], how="anti", nulls_equal=True
    )
    assert len(changed) == 21  # its own and the 20 after it
    assert written["technical_indicators"]["date"].min() == start.replace(hour=9, minute=30)
    assert len(written["technical_indicators"]) >= 1_000


def test_new_yields_rewrite_the_lines_that_rest_on_them_and_no_bar(
    home: Home, written: dict[str, pl.DataFrame]
) -> None:
    arrive(home, answer("^GSPC", {f"2019-01-0{day} 10:{m}": sound(10.0) for day in (2, 3, 4) for m in WHOLE}))
    written.clear()
    arrive(home, answer(TREASURY, {"2019-01-03 00:00": (2.5,) * 12}, number=1, feed=BONDS))
    assert set(written) == {"bond_data", "market_summary"}
    assert rows_of(home, tables.MARKET_SUMMARY, "date", "yield_date", "yield_10y") == [
        (date(2019, 1, 2), None, None),
        (date(2019, 1, 3), date(2019, 1, 3), 2.5),
        (date(2019, 1, 4), date(2019, 1, 3), 2.5),
    ]


def test_an_official_bar_alone_makes_a_day_and_finality(home: Home) -> None:
    arrive(home, answer("AAA", {"2019-01-02 10:00": sound(10.0)}))
    assert rows_of(home, tables.DAILY_BARS, "close", "is_final") == [(10.0, False)]
    day = answer("AAA", {"2019-01-02": sound(12.0), "2019-01-03": sound(15.0)}, number=1, feed=EOD)
    arrive(home, day)
    assert rows_of(home, tables.DAILY_BARS, "close", "return_pct", "is_final") == [
        (12.0, None, True),
        (15.0, 25.0, True),
    ]
    assert rows_of(home, tables.DAILY_AGGREGATES, "date", "advancing_stocks", "is_final") == [
        (date(2019, 1, 2), 0, True),
        (date(2019, 1, 3), 1, True),
    ]


def test_a_bar_waits_for_its_last_five_minutes_or_for_a_later_bar(home: Home) -> None:
    """What two of three shorter bars make may still be forming; what lies before a later bar is over."""
    arrive(home, answer("^GSPC", {f"2019-01-03 15:{m}": sound(10.0) for m in ("30", "35", "40", "45", "50")}))
    assert rows_of(home, tables.INDEX, "date") == [(datetime(2019, 1, 3, 15, 30),)]
    assert len(rows_of(home, tables.TECHNICAL_INDICATORS, "date")) == 1
    arrive(home, answer("^GSPC", {"2019-01-04 09:30": sound(11.0)}, number=1))
    assert rows_of(home, tables.INDEX, "date", "dq_flags") == [
        (datetime(2019, 1, 3, 15, 30), ""),
        (datetime(2019, 1, 3, 15, 45), "T1"),
    ]
    assert rows_of(home, tables.DAILY_BARS, "date", "bars_present") == [(date(2019, 1, 3), 2)]


def test_the_market_is_drawn_anew_from_the_first_day_that_changed(home: Home) -> None:
    """Symbols that change on different days arrive together: every day has its line."""
    bars = {"AAA": ["2019-01-02 10:00"], "BBB": ["2019-01-04 10:00"], "^GSPC": [f"2019-01-03 10:{m}" for m in WHOLE]}
    arrive(home, *(answer(symbol, {start: sound(10.0) for start in starts}) for symbol, starts in bars.items()))
    assert rows_of(home, tables.MARKET_SUMMARY, "date") == [(date(2019, 1, day),) for day in (2, 3, 4)]
    assert rows_of(home, tables.DAILY_AGGREGATES, "date") == [(date(2019, 1, day),) for day in (2, 4)]


def test_official_bars_of_one_class_are_no_other_class_s(home: Home) -> None:
    for symbol in ("AAA", "^GSPC", "GCUSD"):
        arrive(home, answer(symbol, {"2019-01-02": sound(12.0)}, feed=EOD))
    found = rows_of(home, tables.DAILY_BARS, "asset_class", "symbol")
    assert found == [("commodity", "GCUSD"), ("index", "^GSPC"), ("stock", "AAA")]
    assert rows_of(home, tables.DAILY_AGGREGATES, "total_volume") == [(100,)]


def test_symbols_that_are_no_longer_wanted_keep_their_class_s_calendar(home: Home) -> None:
    """A universe may shrink; what has landed is still transformed."""
    home.land([answer("GCUSD", {"2019-01-02 19:00": sound(10.0)})])
    home.load()
    transformation.run(home.warehouse, from_symbols([], [], []), home.clock, 15)
    assert rows_of(home, tables.COMMODITY, "session", "dq_flags") == [(date(2019, 1, 3), "")]


def test_a_transform_of_nothing_does_nothing(home: Home) -> None:
    assert home.transform() == Transformed()
    assert home.transform().rows_written == 0
