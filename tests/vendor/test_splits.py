from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import httpx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openingbell import sessions
from openingbell.clock import VirtualClock, require_utc
from openingbell.errors import UsageError
from openingbell.universe import from_symbols
from openingbell.vendor.market import SimulatedMarket
from openingbell.vendor.running import RunningVendor
from openingbell.vendor.source import BAR_COLUMNS, DAY_COLUMNS, SPLIT_COLUMNS, empty
from openingbell.vendor.splits import Manner, PlayedSplit, announced, as_shown, has_adjusted, parse_split, ratio

Moment = Callable[[str], datetime]

UNIVERSE = from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD"])
LATER = require_utc(datetime.fromisoformat("2024-12-01T00:00:00+00:00"))
PLAIN = SimulatedMarket(UNIVERSE, seed=7)
# Friday, so that two sessions later is Tuesday
EX_DATE = date(2024, 5, 3)
FOUR = PlayedSplit("AAPL", EX_DATE, 4, 1)
BEFORE = pl.col("date").cast(pl.Date) < EX_DATE
PRICES = ["open", "low", "high", "close"]


def playing(*splits: PlayedSplit) -> SimulatedMarket:
    return SimulatedMarket(UNIVERSE, seed=7, splits=splits)


def days(market: SimulatedMarket, now: datetime = LATER, symbol: str = "AAPL") -> pl.DataFrame:
    return market.daily(symbol, first=date(2024, 4, 22), last=date(2024, 5, 10), now=now).sort("date")


def bars(market: SimulatedMarket, bar_interval: str, now: datetime = LATER, symbol: str = "AAPL") -> pl.DataFrame:
    return market.intraday(
        symbol, bar_interval, first=date(2024, 4, 29), last=date(2024, 5, 10), now=now
    ).sort("date")  # fmt: skip


def in_cents(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select((pl.col(PRICES) * 100).round().cast(pl.Int64))


@pytest.mark.parametrize(
    ("manner", "last_as_traded", "first_adjusted"),
    [
        (Manner.AT_ONCE, "2024-05-02T23:59:59", "2024-05-03T00:00:00"),
        (Manner.LATE, "2024-05-06T23:59:59", "2024-05-07T00:00:00"),
        (Manner.NEVER, "2024-11-30T00:00:00", None),
    ],
)
def test_each_manner_changes_at_its_midnight(
    manner: Manner, last_as_traded: str, first_adjusted: str | None, new_york: Moment
) -> None:
    """Bars before the ex-date are as traded until then and divided by four from then on; later bars never change."""
    market = playing(PlayedSplit("AAPL", EX_DATE, 4, 1, manner))
    for text, factor in ((last_as_traded, 4), (first_adjusted, 1)):
        if text is None:
            continue
        now = new_york(text)
        for seen, plain in (
            (days(market, now), days(PLAIN, now)),
            (bars(market, "15min", now), bars(PLAIN, "15min", now)),
        ):
            old, wanted = seen.filter(BEFORE), plain.filter(BEFORE)
            assert len(old) > 3
            assert (old["date"].to_list(), seen.columns) == (wanted["date"].to_list(), plain.columns)
            assert_frame_equal(in_cents(old), in_cents(wanted) * factor)
            assert_frame_equal(seen.filter(~BEFORE), plain.filter(~BEFORE))


def test_a_late_vendor_counts_sessions_and_not_days(new_york: Moment) -> None:
    """The Thursday before Good Friday 2024: two sessions later is Tuesday."""
    split = PlayedSplit("AAPL", date(2024, 3, 28), 4, 1, Manner.LATE)
    assert not has_adjusted(split, calendar="XNYS", now=new_york("2024-04-01T23:59:59"))
    assert has_adjusted(split, calendar="XNYS", now=new_york("2024-04-02T00:00:00"))


def test_a_late_vendor_shows_the_jump_in_between(new_york: Moment) -> None:
    now = new_york("2024-05-03T12:00:00")
    fifteen = bars(playing(PlayedSplit("AAPL", EX_DATE, 4, 1, Manner.LATE)), "15min", now)
    jump = fifteen.filter(BEFORE)["close"][-1] / fifteen.filter(~BEFORE)["open"][0]
    assert 3.6 < jump < 4.4
    fifteen = bars(playing(FOUR), "15min", now)
    assert 0.9 < fifteen.filter(BEFORE)["close"][-1] / fifteen.filter(~BEFORE)["open"][0] < 1.1


@pytest.mark.parametrize("manner", list(Manner))
@pytest.mark.parametrize("split", [(4, 1), (3, 2), (1, 8), (7, 3)])
@pytest.mark.parametrize("text", ["2024-05-02T11:07:30", "2024-05-03T11:07:30", "2024-05-08T11:07:30"])
def test_all_intervals_and_the_day_agree_to_the_share(
    manner: Manner, split: tuple[int, int], text: str, new_york: Moment
) -> None:
    """Before, on and after the ex-date, the forming bar too: whole shares add up alike in bars of any length."""
    now = new_york(text)
    market = playing(PlayedSplit("AAPL", EX_DATE, *split, manner))
    daily = days(market, now).filter(pl.col("date") >= date(2024, 4, 29))
    for bar_interval in ("1min", "5min", "15min", "30min", "1hour", "4hour"):
        rolled = (
            bars(market, bar_interval, now)
            .group_by(pl.col("date").dt.date(), maintain_order=True)
            .agg(
                pl.col("open").first(),
                pl.col("high").max(),
                pl.col("low").min(),
                pl.col("close").last(),
                pl.col("volume").sum(),
            )
        )
        assert_frame_equal(rolled, daily, check_exact=True)


def test_volume_is_divided_in_whole_shares() -> None:
    traded, plain = (days(market).filter(BEFORE)["volume"] for market in (playing(never(FOUR)), PLAIN))
    assert traded.to_list() == [shares // 4 for shares in plain.to_list()]
    assert traded.dtype == pl.Int64


def test_a_running_day_counts_the_shares_so_far_and_never_fewer(new_york: Moment) -> None:
    market = playing(PlayedSplit("AAPL", EX_DATE, 3, 2))
    start = new_york("2024-05-02T10:00:00")
    seen = [bars(market, "15min", start + timedelta(minutes=n)).row(-1, named=True)["volume"] for n in range(15)]
    assert seen[0] == 0
    assert seen == sorted(seen)


def test_the_bar_that_runs_is_as_traded_before_the_ex_date_and_plain_from_then_on(new_york: Moment) -> None:
    for text, factor in (("2024-05-02T15:52:30", 4), ("2024-05-03T09:30:00", 1), ("2024-05-03T09:37:30", 1)):
        now = new_york(text)
        seen, plain = (bars(market, "15min", now).tail(1) for market in (playing(FOUR), PLAIN))
        assert seen["date"].item() == plain["date"].item()
        assert_frame_equal(in_cents(seen), in_cents(plain) * factor)


def test_a_ratio_that_is_not_whole_holds_within_rounding() -> None:
    for numerator, denominator in ((3, 2), (1, 10), (7, 3)):
        market = playing(never(PlayedSplit("AAPL", EX_DATE, numerator, denominator)))
        traded, plain = (days(m).filter(BEFORE).select(PRICES) for m in (market, PLAIN))
        for name in PRICES:
            off = (traded[name] - plain[name] * numerator / denominator).abs()
            assert max(off.to_list()) <= 0.005 + 1e-9
        assert_frame_equal(traded, traded.with_columns(pl.all().round(2)), check_exact=True)


def test_splits_of_a_symbol_compose_each_in_its_manner(new_york: Moment) -> None:
    """2:1 on 24 April that is never adjusted, 3:1 on 3 May that is late: before both, six times; between, three."""
    first, second = date(2024, 4, 24), EX_DATE
    market = playing(
        PlayedSplit("AAPL", second, 3, 1, Manner.LATE), PlayedSplit("AAPL", first, 2, 1, Manner.NEVER)
    )  # fmt: skip
    for text, oldest, middle in (("2024-05-06T12:00:00", 6, 3), ("2024-05-07T12:00:00", 2, 1)):
        now = new_york(text)
        seen, plain = days(market, now), days(PLAIN, now)
        day = pl.col("date")
        for rows, factor in (
            (day < first, oldest),
            (day.is_between(first, second, closed="left"), middle),
            (day >= second, 1),
        ):
            assert len(seen.filter(rows)) > 1
            assert_frame_equal(in_cents(seen.filter(rows)), in_cents(plain.filter(rows)) * factor)
    twice = playing(never(FOUR), never(PlayedSplit("AAPL", EX_DATE, 1, 4)))
    assert_frame_equal(days(twice).select(PRICES), days(PLAIN).select(PRICES))


def test_other_symbols_do_not_notice() -> None:
    market = playing(never(FOUR))
    for symbol in ("MSFT", "^GSPC", "GCUSD"):
        assert_frame_equal(days(market, symbol=symbol), days(PLAIN, symbol=symbol))
        assert_frame_equal(bars(market, "15min", symbol=symbol), bars(PLAIN, "15min", symbol=symbol))


def test_an_evening_belongs_to_the_session_of_the_next_day() -> None:
    """A commodity does not split; if it did, its Thursday evening would trade after the split already."""
    market = playing(never(PlayedSplit("GCUSD", EX_DATE, 2, 1)))
    seen, plain = (bars(m, "1hour", symbol="GCUSD") for m in (market, PLAIN))
    split_at = datetime(2024, 5, 2, 18)  # noqa: DTZ001  wall clock
    factors = seen.select("date", factor=(pl.col("close") / plain["close"]).round(3))
    assert set(factors.filter(pl.col("date") < split_at)["factor"]) == {2.0}
    assert set(factors.filter(pl.col("date") >= split_at)["factor"]) == {1.0}


@pytest.mark.parametrize("numbers", [(1, 0), (0, 1), (-4, 1), (4, -1), (0, 0)])
def test_a_split_that_makes_no_sense_is_listed_and_moves_nothing(numbers: tuple[int, int]) -> None:
    split = PlayedSplit("AAPL", EX_DATE, *numbers, Manner.NEVER)
    assert ratio(split) == 1
    market = playing(split)
    assert_frame_equal(days(market), days(PLAIN))
    assert market.splits("AAPL", now=LATER).row(0) == ("AAPL", EX_DATE, *numbers)


def test_figures_as_shown_are_these() -> None:
    """By hand: 3:2 on Friday. 10.01 x 1.5 = 15.015; 5 + 5 + 5 shares become 3 + 3 + 4, ten in all."""
    session = [date(2024, 5, 2)] * 3 + [EX_DATE]
    frame = pl.DataFrame(
        {"session": session, "open": 10.0, "low": 9.98, "high": 10.02, "close": 10.0, "volume": [5, 5, 5, 5]}
    )
    split = PlayedSplit("X", EX_DATE, 3, 2, Manner.NEVER)
    seen = as_shown(frame, [split], calendar="XNYS", decimals=2, now=LATER)
    assert seen["open"].to_list() == [15.0, 15.0, 15.0, 10.0]
    assert seen["low"].to_list() == [14.97, 14.97, 14.97, 9.98]
    assert seen["high"].to_list() == [15.03, 15.03, 15.03, 10.02]
    assert seen["volume"].to_list() == [3, 3, 4, 5]
    assert as_shown(frame, [], calendar="XNYS", decimals=2, now=LATER) is frame


def test_the_frames_have_the_columns_of_a_source() -> None:
    market = playing(FOUR)
    assert tuple(bars(market, "15min").columns) == BAR_COLUMNS
    assert tuple(days(market).columns) == DAY_COLUMNS
    assert tuple(announced([]).columns) == SPLIT_COLUMNS
    assert announced([]).is_empty()
    weekend = {"first": date(2024, 5, 4), "last": date(2024, 5, 5)}
    assert market.daily("AAPL", **weekend, now=LATER).is_empty()
    assert market.intraday("AAPL", "15min", **weekend, now=LATER).is_empty()
    assert market.daily("IBM", **weekend, now=LATER).equals(empty(DAY_COLUMNS))


def test_a_split_is_announced_from_the_beginning(new_york: Moment) -> None:
    market = playing(FOUR, PlayedSplit("MSFT", date(2024, 6, 3), 2, 1), PlayedSplit("IBM", date(2024, 6, 4), 2, 1))
    now = new_york("2024-01-02T12:00:00")
    assert market.splits(None, now=now)["symbol"].to_list() == ["AAPL", "MSFT", "IBM"]
    assert market.splits("MSFT", now=now).rows() == [("MSFT", date(2024, 6, 3), 2, 1)]
    assert market.splits("GCUSD", now=now).is_empty()
    assert not market.knows("IBM")


def test_over_the_wire_a_split_happens_overnight(new_york: Moment) -> None:
    """One vendor, three clocks: the evening before, the morning of the ex-date, and after a late vendor's change."""
    market = playing(PlayedSplit("AAPL", EX_DATE, 4, 1, Manner.LATE), PlayedSplit("MSFT", EX_DATE, 1, 0))
    wanted = days(PLAIN).filter(pl.col("date") == date(2024, 5, 2))["close"].item()
    shown = []
    for text, listed in (("2024-05-02T20:00:00", 0), ("2024-05-03T10:00:00", 1), ("2024-05-07T10:00:00", 1)):
        with (
            RunningVendor(market, VirtualClock(new_york(text))) as vendor,
            httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client,
        ):
            span = {"symbol": "AAPL", "from": "2024-05-02", "to": "2024-05-02"}
            day = asked(client, "historical-price-eod/full", **span)[0]
            bar = asked(client, "historical-chart/15min", **span)[0]
            assert bar["close"] == day["close"]
            shown.append(day["close"])
            assert len(asked(client, "splits", symbol="AAPL")) == listed
            assert len(asked(client, "splits", symbol="MSFT")) == listed
            calendar = asked(client, "splits-calendar", **{"from": "2024-05-01", "to": "2024-06-30"})
            four = {"symbol": "AAPL", "date": "2024-05-03", "numerator": 4, "denominator": 1}
            assert calendar == [four, {"symbol": "MSFT", "date": "2024-05-03", "numerator": 1, "denominator": 0}]
            answer = client.get("splits-calendar")
            assert len(answer.json()) == 2 * listed
    assert shown == [round(4 * wanted, 2), round(4 * wanted, 2), wanted]


def test_the_calendar_lists_what_is_to_come_and_loses_its_oldest_part(new_york: Moment) -> None:
    ex_dates = [date(2024, 3, 1), date(2024, 5, 3), date(2024, 7, 1), date(2024, 7, 29)]
    market = playing(*(PlayedSplit("AAPL", day, 2, 1) for day in ex_dates))
    with (
        RunningVendor(market, VirtualClock(new_york("2024-05-07T10:00:00"))) as vendor,
        httpx.Client(base_url=vendor.url, headers={"apikey": "k"}, timeout=60) as client,
    ):

        def listed(**span: str) -> list[str]:
            asked_for = {name.rstrip("_"): day for name, day in span.items()}
            return [row["date"] for row in asked(client, "splits-calendar", **asked_for)]

        assert listed(from_="2024-06-01", to="2024-07-01") == ["2024-07-01"]
        assert listed(from_="2024-01-01", to="2024-07-29") == ["2024-07-29", "2024-07-01", "2024-05-03"]
        # 90 days up to 1 August begin on 4 May
        assert listed(from_="2024-01-01", to="2024-08-01") == ["2024-07-29", "2024-07-01"]
        assert listed(from_="2024-01-01") == ["2024-05-03", "2024-03-01"]
        assert listed(to="2034-01-01") == []
        assert asked(client, "dividends-calendar", **{"from": "2024-01-01", "to": "2024-08-01"}) == []
        assert [row["date"] for row in asked(client, "splits", symbol="AAPL")] == ["2024-05-03", "2024-03-01"]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("AAPL,2024-05-03,4:1", FOUR),
        ("AAPL, 2024-05-03, 4:1, at-once", FOUR),
        ("BRK-B,2024-05-03,3:2,late", PlayedSplit("BRK-B", EX_DATE, 3, 2, Manner.LATE)),
        ("^VIX,2024-05-03,1:0,never", PlayedSplit("^VIX", EX_DATE, 1, 0, Manner.NEVER)),
        ("X,2024-05-03,-1:10", PlayedSplit("X", EX_DATE, -1, 10)),
    ],
)
def test_a_split_is_read_from_its_words(text: str, split: PlayedSplit) -> None:
    assert parse_split(text) == split


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "it has 1 parts"),
        ("AAPL,2024-05-03", "it has 2 parts"),
        ("AAPL,2024-05-03,4:1,late,now", "it has 5 parts"),
        (",2024-05-03,4:1", "the symbol is empty"),
        ("AAPL,2024-02-30,4:1", "'2024-02-30' is no date"),
        ("AAPL,20240503,4:1", "'20240503' is no date"),
        ("AAPL,2024-05-03,4", "'4' is no ratio"),
        ("AAPL,2024-05-03,4:1.5", "'4:1.5' is no ratio"),
        ("AAPL,2024-05-03,4:1,soon", "'soon' is no manner"),
        ("AAPL,2024-05-03,4:1,", "'' is no manner"),
    ],
)
def test_words_that_are_no_split_are_refused(text: str, found: str) -> None:
    """What was asked, what was found, what is allowed, what to do."""
    with pytest.raises(UsageError) as refused:
        parse_split(text)
    message = str(refused.value)
    assert message.startswith(f"asked for --split {text}; {found}; SYMBOL,YYYY-MM-DD,NUMERATOR:DENOMINATOR[,at-once|")
    assert message.endswith("write for example --split AAPL,2020-08-31,4:1,late")


def test_the_longest_closure_still_has_its_sessions() -> None:
    """September 2001: the exchange was closed from the 11th to the 14th."""
    late = PlayedSplit("AAPL", date(2001, 9, 10), 2, 1, Manner.LATE)
    opened = sessions.schedule("XNYS", date(2001, 9, 11), date(2001, 9, 30))["session"][1]
    assert opened == date(2001, 9, 18)
    assert not has_adjusted(late, calendar="XNYS", now=require_utc(datetime.fromisoformat("2001-09-18T03:59:59+00:00")))
    assert has_adjusted(late, calendar="XNYS", now=require_utc(datetime.fromisoformat("2001-09-18T04:00:00+00:00")))


def test_the_ratio_is_exact() -> None:
    assert ratio(PlayedSplit("X", EX_DATE, 3, 2)) == Fraction(3, 2)


def never(split: PlayedSplit) -> PlayedSplit:
    return PlayedSplit(split.symbol, split.ex_date, split.numerator, split.denominator, Manner.NEVER)


def asked(client: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    result: list[dict[str, Any]] = answer.json()
    return result
