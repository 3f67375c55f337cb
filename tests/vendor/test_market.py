from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openingbell import sessions
from openingbell.clock import require_utc
from openingbell.closures import Closed, Closures, EarlyClose
from openingbell.feeds import TENORS, calendar_of
from openingbell.universe import Universe, from_symbols
from openingbell.vendor.market import SimulatedMarket

Moment = Callable[[str], datetime]

LATER = require_utc(datetime.fromisoformat("2026-06-01T00:00:00+00:00"))
UNIVERSE = from_symbols(["AAPL", "ZZTOP"], ["^GSPC", "^VIX"], ["GCUSD", "NGUSD"])
SYMBOLS = [("AAPL", "stock"), ("ZZTOP", "stock"), ("^GSPC", "index"), ("^VIX", "index"), ("GCUSD", "commodity")]
MARKET = SimulatedMarket(UNIVERSE, seed=7)


def bars(symbol: str, bar_interval: str, first: str, last: str, now: datetime = LATER) -> pl.DataFrame:
    return MARKET.intraday(
        symbol, bar_interval, first=date.fromisoformat(first), last=date.fromisoformat(last), now=now
    ).sort("date")


def daily(symbol: str) -> pl.DataFrame:
    """Those of May 2024."""
    return MARKET.daily(symbol, first=date(2024, 5, 1), last=date(2024, 5, 31), now=LATER).sort("date")


def coarser(fine: pl.DataFrame, calendar: str, bar_interval: str) -> pl.DataFrame:
    """`fine` put together on the sessions' own grid, a way of its own that shares nothing with the market's."""
    grid = sessions.grid(calendar, bar_interval, date(2018, 1, 1), date(2026, 1, 31)).select("session", start="date")
    if bar_interval == sessions.DAILY:
        keyed = fine.with_columns(day=sessions.trading_day(pl.col("date"), calendar))
        keyed = keyed.join(grid, left_on="day", right_on="session")
    else:
        keyed = fine.join_asof(grid.sort("start"), left_on="date", right_on="start")
    return (
        keyed.group_by("start", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("low").min(),
            pl.col("high").max(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .rename({"start": "date"})
    )


@pytest.mark.parametrize(("symbol", "asset_class"), SYMBOLS)
@pytest.mark.parametrize(
    ("first", "last"), [("2018-11-19", "2018-11-27"), ("2024-03-07", "2024-03-13"), ("2024-10-31", "2024-11-05")]
)
def test_all_intervals_agree_exactly(symbol: str, asset_class: str, first: str, last: str) -> None:
    """Half day, spring and autumn: minutes make five minutes make fifteen make the day."""
    calendar = calendar_of(asset_class, symbol)
    one, five, fifteen = (bars(symbol, name, first, last) for name in ("1min", "5min", "15min"))
    assert len(one) > len(five) > len(fifteen) > 0
    assert_frame_equal(coarser(one, calendar, "5min"), five)
    assert_frame_equal(coarser(five, calendar, "15min"), fifteen)
    # a session that began on the evening before `first`, or ends after `last`, is not whole in the bars
    begin, end = date.fromisoformat(first) + timedelta(days=1), date.fromisoformat(last)
    rolled = coarser(fifteen, calendar, "1day").with_columns(pl.col("date").dt.date())
    rolled = rolled.filter(pl.col("date").is_between(begin, end))
    daily = MARKET.daily(symbol, first=begin, last=end, now=LATER).sort("date")
    assert len(rolled) >= 2
    assert_frame_equal(rolled, daily.select(rolled.columns))


@pytest.mark.parametrize(("symbol", "asset_class"), SYMBOLS)
@pytest.mark.parametrize("bar_interval", ["5min", "15min", "1hour"])
def test_bars_stand_on_the_sessions_grid(symbol: str, asset_class: str, bar_interval: str) -> None:
    first, last = date(2024, 10, 28), date(2024, 11, 8)
    answer = bars(symbol, bar_interval, "2024-10-28", "2024-11-08")
    grid = sessions.grid(calendar_of(asset_class, symbol), bar_interval, first, last + timedelta(days=5))
    wanted = grid.filter(pl.col("date").dt.date().is_between(first, last))["date"]
    assert answer["date"].to_list() == wanted.to_list()


def test_a_half_day_ends_at_one() -> None:
    half = bars("AAPL", "15min", "2018-11-23", "2018-11-23")
    assert len(half) == 14
    assert half["date"].max() == datetime(2018, 11, 23, 12, 45)  # noqa: DTZ001  wall clock
    assert len(bars("AAPL", "15min", "2018-11-21", "2018-11-21")) == 26
    assert bars("AAPL", "15min", "2018-11-22", "2018-11-22").is_empty()


def test_the_volatility_index_has_hours_of_its_own() -> None:
    assert bars("^VIX", "5min", "2024-12-23", "2024-12-24")["date"].dt.time().to_list()[-1] == time(13, 10)
    assert [len(bars("^VIX", name, "2024-12-23", "2024-12-23")) for name in ("5min", "15min")] == [81, 27]


@pytest.mark.parametrize("symbol", ["AAPL", "^VIX"])
def test_a_closed_day_is_not_served_and_leaves_the_other_days_as_they_are(symbol: str) -> None:
    closures = Closures(
        closed=(Closed(date(2024, 5, 8), ("XNYS",), "mourning"),),
        early_closes=(EarlyClose(date(2024, 5, 9), ("XNYS",), "snow", time(13)),),
    )
    whole, days = bars(symbol, "5min", "2024-05-01", "2024-05-31"), daily(symbol)
    with sessions.amended(closures):
        amended, amended_days = bars(symbol, "5min", "2024-05-01", "2024-05-31"), daily(symbol)
    day = pl.col("date").dt.date()
    untouched = ~day.is_between(date(2024, 5, 8), date(2024, 5, 9))
    assert_frame_equal(amended.filter(untouched), whole.filter(untouched))
    assert_frame_equal(amended_days.filter(untouched), days.filter(untouched))
    last = datetime(2024, 5, 9, 13, 10) if symbol == "^VIX" else datetime(2024, 5, 9, 12, 55)  # noqa: DTZ001
    assert amended.filter(~untouched)["date"].to_list()[-1] == last
    assert amended.filter(~untouched)["date"].dt.date().unique().to_list() == [date(2024, 5, 9)]
    assert amended_days.filter(~untouched)["date"].to_list() == [date(2024, 5, 9)]
    assert_frame_equal(bars(symbol, "5min", "2024-05-01", "2024-05-31"), whole)


def test_a_month_that_is_closed_altogether_is_empty() -> None:
    days = sessions.schedule("XNYS", date(2024, 5, 1), date(2024, 5, 31))["session"].to_list()
    with sessions.amended(Closures(closed=tuple(Closed(day, ("XNYS",), "war") for day in days))):
        assert daily("AAPL").is_empty()
        assert bars("AAPL", "5min", "2024-05-01", "2024-05-31").is_empty()


def test_the_week_of_a_clock_change_keeps_its_wall_clock() -> None:
    for first, last in (("2024-03-08", "2024-03-11"), ("2024-11-01", "2024-11-04")):
        starts = bars("AAPL", "15min", first, last)["date"].dt.strftime("%H:%M").to_list()
        assert starts[0] == starts[26] == "09:30"
        assert starts[25] == starts[51] == "15:45"
    sunday = bars("GCUSD", "5min", "2024-03-10", "2024-03-10")["date"]
    assert sunday.min() == datetime(2024, 3, 10, 18)  # noqa: DTZ001  wall clock


@settings(max_examples=40)
@given(
    st.sampled_from(["AAPL", "^VIX", "NGUSD"]),
    st.sampled_from(["5min", "15min", "1day"]),
    st.dates(date(2023, 12, 20), date(2024, 2, 10)),
    st.integers(0, 20),
    st.dates(date(2023, 12, 20), date(2024, 2, 10)),
    st.integers(0, 20),
)
def test_any_two_windows_agree_on_their_overlap(
    symbol: str, bar_interval: str, one: date, one_days: int, two: date, two_days: int
) -> None:
    """Two markets of the same seed, each asked for another window: nothing depends on what else was asked."""

    def window(first: date, days: int) -> pl.DataFrame:
        market = SimulatedMarket(UNIVERSE, seed=7)
        last = first + timedelta(days=days)
        if bar_interval == "1day":
            return market.daily(symbol, first=first, last=last, now=LATER)
        return market.intraday(symbol, bar_interval, first=first, last=last, now=LATER)

    first, last = max(one, two), min(one + timedelta(days=one_days), two + timedelta(days=two_days))
    inside = pl.col("date").cast(pl.Date).is_between(first, last)
    mine, other = (window(*w).filter(inside).sort("date") for w in ((one, one_days), (two, two_days)))
    assert_frame_equal(mine, other)


def test_the_evening_that_opens_the_next_month_is_there() -> None:
    starts = bars("GCUSD", "1hour", "2024-09-30", "2024-09-30")["date"].dt.hour().to_list()
    assert starts == [*range(17), *range(18, 24)]


def test_the_seed_decides() -> None:
    span = {"first": date(2024, 1, 2), "last": date(2024, 1, 31), "now": LATER}
    again = SimulatedMarket(UNIVERSE, seed=7).daily("AAPL", **span)  # type: ignore[arg-type]  # one dict of both types
    other = SimulatedMarket(UNIVERSE, seed=8).daily("AAPL", **span)  # type: ignore[arg-type]  # one dict of both types
    assert_frame_equal(again, MARKET.daily("AAPL", **span))  # type: ignore[arg-type]  # one dict of both types
    assert not other["close"].equals(again["close"])


def test_figures_do_not_change_from_release_to_release() -> None:
    """A demo's numbers are quoted in documents: they must be the same tomorrow and on any machine."""
    day = MARKET.daily("^GSPC", first=date(2024, 1, 2), last=date(2024, 1, 2), now=LATER).row(0, named=True)
    assert day == {"date": date(2024, 1, 2), **PINNED}


PINNED = {"open": 6080.6, "high": 6099.73, "low": 6029.67, "close": 6064.5, "volume": 0}


def test_the_running_bar_grows_and_becomes_its_final_self(new_york: Moment) -> None:
    final = bars("AAPL", "15min", "2024-05-07", "2024-05-07").row(2, named=True)
    assert str(final["date"]) == "2024-05-07 10:00:00"
    seen = []
    for second in range(0, 15 * 60, 60):
        now = new_york("2024-05-07T10:00:00") + timedelta(seconds=second)
        answer = bars("AAPL", "15min", "2024-05-07", "2024-05-07", now)
        assert len(answer) == 3
        seen.append(answer.row(-1, named=True))
    assert seen[0] == {**final, "high": final["open"], "low": final["open"], "close": final["open"], "volume": 0}
    for earlier, later in zip(seen, [*seen[1:], final], strict=True):
        assert earlier["volume"] < later["volume"]
        assert earlier["high"] <= later["high"]
        assert earlier["low"] >= later["low"]
        assert earlier != final
    after = new_york("2024-05-07T10:15:00")
    assert bars("AAPL", "15min", "2024-05-07", "2024-05-07", after).row(2, named=True) == final


@pytest.mark.parametrize(("symbol", "before"), [("AAPL", "2024-05-07T09:29:59"), ("GCUSD", "2024-05-06T17:59:59")])
def test_nothing_is_served_before_it_has_begun(symbol: str, before: str, new_york: Moment) -> None:
    span = {"first": date(2024, 5, 6), "last": date(2024, 5, 9)}
    for seconds, days in ((0, 1), (1, 2)):
        now = new_york(before) + timedelta(seconds=seconds)
        assert len(MARKET.daily(symbol, **span, now=now)) == days
        newest = MARKET.intraday(symbol, "5min", **span, now=now)["date"].max()
        assert isinstance(newest, datetime)
        assert (newest > datetime.fromisoformat(before)) is (seconds == 1)


def test_the_day_that_runs_is_partial_and_agrees_with_its_bars(new_york: Moment) -> None:
    now = new_york("2024-05-07T11:07:30")
    day = MARKET.daily("AAPL", first=date(2024, 5, 7), last=date(2024, 5, 7), now=now).row(0, named=True)
    so_far = bars("AAPL", "5min", "2024-05-07", "2024-05-07", now)
    assert day["high"] == so_far["high"].max()
    assert day["close"] == so_far["close"][-1]
    assert day["volume"] == so_far["volume"].sum()
    final = MARKET.daily("AAPL", first=date(2024, 5, 7), last=date(2024, 5, 7), now=LATER).row(0, named=True)
    assert day["volume"] < final["volume"]


def test_yields_appear_two_hours_after_the_close(new_york: Moment) -> None:
    day = date(2024, 5, 7)
    close = sessions.schedule("SIFMA_US", day, day)["close_utc"].item()
    for seconds, rows in ((-1, 0), (0, 1)):
        now = close + timedelta(hours=2, seconds=seconds)
        assert len(MARKET.treasury(first=day, last=day, now=now)) == rows


def test_yields_are_plausible_and_the_same_in_any_window() -> None:
    years = MARKET.treasury(first=date(2015, 1, 1), last=date(2025, 12, 31), now=LATER)
    for tenor in TENORS:
        assert 0 <= years[tenor].min() < years[tenor].max() < 12  # type: ignore[operator]  # a number, see schema
        assert years[tenor].diff().abs().max() < 0.6  # type: ignore[operator]  # a number, see schema
    month = MARKET.treasury(first=date(2020, 6, 1), last=date(2020, 6, 30), now=LATER)
    assert_frame_equal(month, years.filter(pl.col("date").is_between(date(2020, 6, 1), date(2020, 6, 30))))
    assert date(2020, 7, 3) not in years["date"].to_list()


@pytest.mark.parametrize(("symbol", "asset_class"), SYMBOLS)
def test_bars_hold_together_and_levels_stay_plausible(symbol: str, asset_class: str) -> None:
    years = MARKET.daily(symbol, first=date(2021, 1, 1), last=date(2025, 12, 31), now=LATER)
    assert (years["high"] >= years.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert (years["low"] <= years.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert years["low"].min() > 0  # type: ignore[operator]  # a number, see schema
    assert years["close"].max() / years["close"].min() < 8  # type: ignore[operator]  # numbers, see schema
    assert (years["volume"] == 0).all() is (asset_class == "index")
    assert years["volume"].dtype == pl.Int64


def test_fear_rises_when_the_market_falls() -> None:
    span = (date(2021, 1, 1), date(2025, 12, 31))
    market, fear = (MARKET.daily(s, first=span[0], last=span[1], now=LATER)["close"] for s in ("^GSPC", "^VIX"))
    assert pl.select(pl.corr(market.pct_change(), fear.pct_change())).item() < -0.4


def test_volume_is_heavy_at_both_ends_of_a_session() -> None:
    month = bars("AAPL", "15min", "2024-01-02", "2024-01-31")
    by_time = month.group_by(pl.col("date").dt.time()).agg(pl.col("volume").mean()).sort("date")["volume"].to_list()
    assert min(by_time[0], by_time[-1]) > 2 * by_time[13]


def test_only_the_universe_is_known(universe: Universe) -> None:
    assert all(MARKET.knows(symbol) for symbol in ("AAPL", "ZZTOP", "^VIX"))
    assert not MARKET.knows("MSFT")
    span = {"first": date(2024, 1, 2), "last": date(2024, 1, 3)}
    assert MARKET.intraday("MSFT", "15min", **span, now=LATER).is_empty()
    assert MARKET.daily("MSFT", **span, now=LATER).is_empty()
    assert not MARKET.knows("TREASURY")
