"""Whatever arrives, in whatever portions and order: the analytics are those of one transform of everything."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from openingbell import tables
from openingbell.config import Settings
from openingbell.feeds import BONDS, DIVIDENDS, EOD, SPLITS, SPLITS_CALENDAR, STOCKS, TENORS, TREASURY, Feed
from openingbell.indicators import columns_of
from openingbell.transform import work
from openingbell.transform.reach import BARS, Reach
from tests.transform.homes import (
    Answer,
    Home,
    Row,
    Values,
    bars,
    feed_of,
    require_equal,
    require_unique_keys,
    slots,
    sound,
    walk,
)

SYMBOLS = ("AAA", "BBB", "^GSPC", "^VIX", "GCUSD")
FIRST, LAST = date(2019, 2, 1), date(2019, 6, 28)
HOLE = date(2019, 3, 1), date(2019, 5, 6)
"""Longer than any margin; it ends on a Monday, whose gold begins on Sunday evening."""
EX_DATES = date(2019, 2, 12), date(2019, 4, 3), date(2019, 5, 8), date(2019, 6, 26), date(2019, 7, 10)
"""Early, inside the hole, behind it, near the end, and yet to come."""
FEW = replace(BARS, bars=21)
WINDOWS = {"sma_20", "bb_upper", "bb_middle", "bb_lower", "bb_width", "bb_position", "stoch_k", "stoch_d", "obv",
           "roc_10", "realized_vol_20"}  # fmt: skip
"""Columns that rest on 21 bars at the most, or add up."""
BEYOND = tuple(
    {column.name for daily in (True, False) for column in columns_of(daily=daily)} - WINDOWS
    | {"bars_used", "converged", "pct_above_sma_50", "pct_above_sma_200", "new_highs", "new_lows"}
)


class Vendor:
    """Sparse bars of half a year, and what a vendor does to them. Every choice is a number, so that runs shrink."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._seconds = 0
        self.history: dict[tuple[Feed, str], list[Row]] = {}
        for symbol in SYMBOLS:
            for feed in (feed_of(symbol), EOD):
                starts = slots(symbol, FIRST, LAST, "1day" if feed is EOD else None)
                kept = self.chance.sample(starts, 30 if feed is EOD else 90)
                if feed is not EOD:  # some sessions whole
                    days = self.chance.sample(sorted({start.date() for start in starts}), 2)
                    kept += [start for start in starts if start.date() in days][:60]
                if symbol in ("AAA", "GCUSD"):
                    kept = [start for start in kept if not HOLE[0] <= start.date() <= HOLE[1]]
                self.history[feed, symbol] = walk(self.chance, sorted(set(kept)), 50.0)

    def answer(self, feed: Feed, symbol: str, rows: Iterable[Row], days: int = 400) -> Answer:
        """What is asked `days` after the newest of the rows."""
        rows = sorted(rows)
        self._seconds += 1
        moment = rows[-1][0].replace(hour=21, minute=0) + timedelta(days=days, seconds=self._seconds)
        return Answer(feed, symbol, moment, tuple(rows))

    def base(self, cuts: Sequence[int]) -> list[Answer]:
        """The history of every symbol in some portions, each asked on the evening of its newest bar or much later."""
        answers = []
        for number, ((feed, symbol), rows) in enumerate(self.history.items()):
            cut = sorted({0, len(rows), *(one * len(rows) // 100 for one in cuts)})
            for begin, end in pairwise(cut):
                answers.append(self.answer(feed, symbol, rows[begin:end], days=(0, 400)[number % 2]))
        return answers

    def event(self, kind: str, place: int, symbol: str) -> Answer:
        """Something that happens to the bars of a symbol, or around them."""
        chance = self.chance
        feed = EOD if place % 3 == 0 else feed_of(symbol)
        rows = self.history[feed, symbol]
        at = place * (len(rows) - 1) // 100
        start, values = rows[at]
        match kind:
            case "correct":
                return self.answer(feed, symbol, [(start, sound(chance.uniform(20, 200), float(place)))])
            case "break":
                wrong = chance.choice([(values[0], values[2], values[1], values[3], values[4]), (*values[:4], None)])
                return self.answer(feed, symbol, [(start, wrong)])
            case "bad day":
                return self.answer(
                    feed, symbol, [(s, (v[0], -1.0, None, *v[3:])) for s, v in rows if s.date() == start.date()]
                )
            case "stray":
                moved = start.replace(hour=0) if feed is EOD else start + timedelta(minutes=2)
                return self.answer(feed, symbol, [(moved, sound(77.0))])
            case "auction":
                day = start.replace(hour=16, minute=0)
                return self.answer(feed_of(symbol), symbol, [(day, sound(values[3] or 1.0, 500.0))])
            case "new":
                free = sorted(set(slots(symbol, FIRST, LAST, "1day" if feed is EOD else None)) - {s for s, _ in rows})
                return self.answer(feed, symbol, [(free[place * (len(free) - 1) // 100], sound(60.0))], days=place % 5)
            case "reread":
                factor = chance.choice([1.0, 2.0, 3.0, 6.0])
                span = rows[: at + 1]
                return self.answer(
                    feed, symbol, [(s, divided(v, factor)) for s, v in span], days=chance.choice([30, 500])
                )
            case "curve":
                return self.answer(BONDS, TREASURY, [(start, tuple(chance.uniform(0, 4) for _ in TENORS))])
            case "dividend":
                return self.answer(DIVIDENDS, symbol, [(start, (None, None, 0.5))])
            case _:
                ratio = chance.choice([(2.0, 1.0), (3.0, 1.0), (1.0, 10.0), (21.0, 20.0), (1.0, 0.0), (1.0, 1.0)])
                day = datetime.combine(EX_DATES[place % len(EX_DATES)], datetime.min.time())
                return self.answer(
                    (SPLITS, SPLITS_CALENDAR)[place % 2],
                    symbol,
                    [(day, (*ratio, None))],
                    days=chance.choice([-3, 1, 400]),
                )


def divided(values: Values, factor: float) -> Values:
    """A bar on another basis."""
    *prices, volume = values
    return (*(None if p is None else round(p / factor, 4) for p in prices), None if volume is None else volume * factor)


KINDS = ("correct", "break", "bad day", "stray", "auction", "new", "reread", "curve", "dividend", "split", "split")
EVENT = st.tuples(st.sampled_from(KINDS), st.integers(0, 100), st.sampled_from(SYMBOLS))


def stocks_only(kind: str, symbol: str) -> str:
    """Indexes and commodities have no splits, dividends or auctions."""
    return "AAA" if kind in ("split", "dividend", "auction", "reread") and feed_of(symbol) is not STOCKS else symbol


@pytest.mark.parametrize("reach", [None, FEW], ids=["whole", "few"])
@hypothesis_settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    cuts=st.lists(st.integers(5, 95), max_size=2),
    events=st.lists(EVENT, max_size=14),
    order=st.randoms(use_true_random=False),
    portions=st.integers(1, 5),
)
def test_any_portions_give_what_one_transform_of_everything_gives(
    reach: Reach | None,
    seed: int,
    cuts: list[int],
    events: list[tuple[str, int, str]],
    order: random.Random,
    portions: int,
) -> None:
    """Insertions, corrections, late files, older stretches, splits, new bases and official days: every table is that
    of one transform from nothing; and no key is ever there twice. With a short reach those columns alone that it holds.
    """
    vendor = Vendor(seed)
    answers = vendor.base(cuts) + [vendor.event(kind, at, stocks_only(kind, symbol)) for kind, at, symbol in events]
    order.shuffle(answers)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        if reach is not None:
            patch.setattr(work, "BARS", reach)
        home = Home(Path(folder) / "portions")
        size = -(-len(answers) // portions)
        for begin in range(0, len(answers), size):
            home.take(*answers[begin : begin + size])
        found = home.tables()
        assert home.transform().loads == 0
        whole = Home(Path(folder) / "whole")
        whole.take(*answers)
        wanted = whole.tables()
    require_unique_keys(found)
    require_equal(found, wanted, without=() if reach is None else BEYOND)


def same_as_at_once(
    folder: Path, *portions: Sequence[Answer], settings: Settings | None = None, without: Sequence[str] = ()
) -> Home:
    """The warehouse of the portions, one after the other, which is that of all of them at once."""
    home = Home(folder / "portions", settings=settings)
    for portion in portions:
        home.take(*portion)
    whole = Home(folder / "whole", settings=settings)
    whole.take(*(answer for portion in portions for answer in portion))
    require_unique_keys(home.tables())
    require_equal(home.tables(), whole.tables(), without=without)
    return home


def split(day: str, high: float, low: float, *, number: int = 0, symbol: str = "AAA") -> Answer:
    """A split, heard of as the `number`-th."""
    return bars(symbol, {day: (high, low, None)}, number=number, feed=SPLITS)


def asked(answer: Answer, moment: str) -> Answer:
    """The same, received at another moment (UTC)."""
    return replace(answer, moment=datetime.fromisoformat(moment))


OLD = asked(bars("AAA", {"2019-01-03 10:00": sound(400.0), "2019-01-04 10:00": sound(404.0)}), "2019-01-04 22:00")
OLD_DAYS = asked(bars("AAA", {"2018-12-31": sound(399.0), "2019-01-04": sound(404.0)}, feed=EOD), "2019-01-04 22:01")
FOUR = split("2019-01-07", 4.0, 1.0)


@pytest.mark.parametrize("day", ["2019-01-07", "2019-06-03"])
@pytest.mark.parametrize("feed", [STOCKS, EOD])
def test_the_first_bar_after_a_split_moves_all_that_is_before_it(feed: Feed, day: str, tmp_path: Path) -> None:
    """Whether it is an intraday one or an official day, and comes on the ex-date or behind a hole of months."""
    start = f"{day} 10:00" if feed is STOCKS else day
    new = asked(bars("AAA", {start: sound(101.0)}, feed=feed), "2019-06-04 22:00")
    home = same_as_at_once(tmp_path, [OLD, OLD_DAYS, FOUR], [new])
    assert home.rows(tables.STOCK, "close", "split_factor")[:2] == [(100.0, 4.0), (101.0, 4.0)]
    assert home.rows(tables.DAILY_BARS, "close", "split_factor")[0] == (99.75, 4.0)
    assert home.rows(tables.CORPORATE_ACTIONS, "state") == [("applied",)]


def test_a_split_that_is_taken_back_is_taken_out_of_the_prices(tmp_path: Path) -> None:
    new = asked(bars("AAA", {"2019-01-07 10:00": sound(101.0)}), "2019-01-07 22:00")
    home = same_as_at_once(tmp_path, [OLD, OLD_DAYS, FOUR, new], [split("2019-01-07", 1.0, 1.0, number=1)])
    assert home.rows(tables.STOCK, "close", "split_factor")[:2] == [(400.0, 1.0), (404.0, 1.0)]


def test_a_tick_long_after_a_split_forgets_nothing_of_it(tmp_path: Path) -> None:
    """What the vendor did and when stays in the table of actions."""
    new = asked(bars("AAA", {"2019-01-07 10:00": sound(101.0)}), "2019-01-07 22:00")
    again = asked(bars("AAA", {"2019-01-03 10:00": (100.0, 100.25, 99.75, 100.0, 400.0)}), "2019-01-09 22:00")
    later = [
        asked(bars("AAA", {f"2019-{month:02}-05 10:00": sound(100.0)}), f"2019-{month:02}-05 22:00")
        for month in (2, 3, 4, 6, 12)
    ]
    dividend = bars("AAA", {"2019-05-06": (None, None, 0.5)}, feed=DIVIDENDS)
    home = same_as_at_once(tmp_path, [OLD, FOUR, new, again], *([one] for one in later), [dividend])
    assert home.rows(tables.CORPORATE_ACTIONS, "state", "vendor_adjusted_at") == [
        ("applied", datetime(2019, 1, 9, 22)),
        ("recorded", None),
    ]


def test_a_correction_of_an_evening_s_bar_is_a_restatement(tmp_path: Path) -> None:
    """Sunday's bar belongs to Monday's session, and its date is Sunday's."""
    sunday = {"2019-02-10 18:00": sound(10.0), "2019-02-11 10:00": sound(11.0)}
    home = same_as_at_once(
        tmp_path,
        [bars("GCUSD", sunday)],
        [bars("GCUSD", {"2019-02-10 18:00": sound(20.0)}, number=1)],
    )
    assert home.rows(tables.RESTATEMENTS, "date", "kind") == [(datetime(2019, 2, 10, 18), "correction")]


def test_a_bar_of_few_parts_stays_when_something_far_before_it_changes(tmp_path: Path) -> None:
    """It was settled by later bars, which lie beyond what is read for the change."""
    starts = slots("^GSPC", date(2019, 1, 2), date(2019, 6, 28))[::26]
    walked = replace(bars("^GSPC", {}), rows=tuple(walk(random.Random(1), starts, 50.0)))
    for number in (3, 40, 80):
        correction = bars("^GSPC", {str(starts[number]): sound(60.0)}, number=1)
        same_as_at_once(tmp_path / str(number), [walked], [correction])


def test_on_balance_volume_goes_on_behind_bars_without_a_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are: the bars behind them follow a late one before them."""
    monkeypatch.setattr(work, "BARS", FEW)
    starts = slots("AAA", date(2019, 1, 2), date(2019, 3, 29))
    walked = walk(random.Random(1), starts, 50.0)
    rows = [(s, v if at < 20 or at > 1_100 else (*v[:4], None)) for at, (s, v) in enumerate(walked)]
    rest = replace(bars("AAA", {}), rows=tuple(rows[:3] + rows[4:]))
    same_as_at_once(tmp_path, [rest], [replace(bars("AAA", {}, number=1), rows=(rows[3],))], without=BEYOND)


def test_a_correction_reaches_bars_beyond_the_sessions_that_are_made_anew(tmp_path: Path) -> None:
    """Of one bar a session: behind its 20 sessions stored bars rest on it, with no sum that goes on to tell so."""
    settings = Settings.model_validate({"extra_indicators": ["atr"]})
    starts = slots("AAA", date(2019, 1, 2), date(2019, 12, 31))[::26]
    walked = replace(bars("AAA", {}), rows=tuple(walk(random.Random(1), starts, 50.0)))
    correction = bars("AAA", {str(starts[50]): sound(60.0)}, number=1)
    same_as_at_once(tmp_path, [walked], [correction], settings=settings)


def test_usual_volumes_reach_back_however_few_bars_indicators_rest_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BARS", FEW)
    rows = walk(random.Random(1), slots("AAA", date(2019, 1, 2), date(2019, 3, 29)), 50.0)
    portions = ([replace(bars("AAA", {}, number=n), rows=tuple(part))] for n, part in enumerate((rows[:-5], rows[-5:])))
    home = same_as_at_once(tmp_path, *portions, without=BEYOND)
    assert (None,) not in home.rows(tables.STOCK, "relative_volume")[-5:]


@pytest.mark.parametrize("dialect", ["standard", "talib"])
def test_years_of_bars_that_come_late_backwards_and_corrected(dialect: str, tmp_path: Path) -> None:
    """2,500 bars of two symbols, with the real warm-up of 1,000: means that forget have forgotten by then."""
    chance = random.Random(3)
    settings = Settings.model_validate({"indicator_dialect": dialect})
    series = {
        symbol: walk(chance, slots(symbol, date(2019, 1, 2), date(2019, 12, 31))[:2_500], 80.0)
        for symbol in ("AAA", "BBB")
    }

    def some(symbol: str, rows: Sequence[Row], number: int) -> Answer:
        return replace(bars(symbol, {}, number=number), rows=tuple(rows))

    portions = [
        [some("AAA", series["AAA"][1_200:1_300], 0), some("BBB", series["BBB"][:2_400], 0)],
        [some("AAA", series["AAA"][1_300:], 1)],
        [some("AAA", series["AAA"][:600], 2), some("BBB", series["BBB"][2_400:], 2)],
        [some("AAA", series["AAA"][601:1_200], 3)],
        [some("AAA", series["AAA"][600:601], 4)],
        [some("BBB", [(series["BBB"][700][0], sound(95.0, 1e6))], 5)],
        [some("BBB", [(series["BBB"][30][0], sound(70.0, 1e5))], 6)],
    ]
    home = same_as_at_once(tmp_path, *portions, settings=settings)
    used = {row[0] for row in home.rows(tables.TECHNICAL_INDICATORS, "bars_used")}
    assert max(used) == 1_000  # type: ignore[type-var]
