"""Which symbols are wanted: from settings, from a replay folder, and the part of it that was asked for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from openingbell.errors import SourceError, SymbolError
from openingbell.feeds import BONDS, COMMODITIES, EOD, INDEXES, STOCKS, Kind
from openingbell.universe import VENDOR_BASIS, Universe, from_symbols, is_daily, read_replay

TWO_DAYS = 'first = "2019-01-04"\nlast = 2019-02-15\n'


@pytest.fixture
def live() -> Universe:
    return from_symbols(["AAPL", "MSFT"], ["^GSPC"], ["GCUSD", "ZZUSD"])


def replay(folder: Path, text: str) -> Universe:
    """The universe of a replay folder with this universe.toml."""
    (folder / "universe.toml").write_text(text, "utf-8")
    return read_replay(folder)


def test_every_symbol_is_wanted_by_the_bar_and_by_the_day_and_the_curve_once(live: Universe) -> None:
    wanted = [(member.feed.name, member.symbol) for member in live.members]
    intraday = ["AAPL", "MSFT", "^GSPC", "GCUSD", "ZZUSD"]
    assert [symbol for feed, symbol in wanted if feed in {"stocks", "indexes", "commodities"}] == intraday
    assert [symbol for feed, symbol in wanted if feed == "eod"] == intraday
    assert [symbol for feed, symbol in wanted if feed == "bonds"] == ["TREASURY"]
    assert len(wanted) == len(set(wanted)) == 11 + len(ACTIONS) + len(LISTS)


ACTIONS = [
    ("splits", "AAPL"), ("splits", "MSFT"), ("dividends", "AAPL"), ("dividends", "MSFT"),
    ("splits_calendar", "ALL"), ("dividends_calendar", "ALL"),
]  # fmt: skip
"""What is wanted of corporate actions for two stocks."""


LISTS = [
    ("symbol_change", "ALL"), ("new_symbol_change", "ALL"), ("delisted_companies", "ALL"), ("index_list", "ALL"),
    ("commodities_list", "ALL"), ("profile", "AAPL"), ("profile", "MSFT"),
]  # fmt: skip
"""What is wanted of instruments of all classes, two of them stocks."""


def test_lists_are_those_of_the_classes_and_of_the_indexes_that_are_named(live: Universe) -> None:
    def lists(universe: Universe) -> list[tuple[str, str]]:
        return [(m.feed.name, m.symbol) for m in universe.members if m.feed.kind is Kind.REFERENCE]

    assert lists(live) == LISTS
    assert lists(from_symbols([], ["^GSPC"], [])) == [("index_list", "ALL")]
    assert lists(from_symbols([], [], [], constituents=["sp500"]))[:2] == [
        ("sp500_constituent", "ALL"), ("historical_sp500_constituent", "ALL"),
    ]  # fmt: skip
    assert lists(from_symbols([], [], [])) == []


def test_who_trades_no_more_has_a_last_day_in_all_but_its_profile() -> None:
    gone = from_symbols(["AAPL", "OLD"], [], [], last={"OLD": date(2024, 5, 6)})
    assert {m.feed.name for m in gone.members if m.last} == {"stocks", "eod", "splits", "dividends"}
    assert {m.symbol for m in gone.members if m.last} == {"OLD"}


def actions_of(universe: Universe) -> list[tuple[str, str]]:
    return [(member.feed.name, member.symbol) for member in universe.members if member.feed.kind is Kind.ACTIONS]


def test_actions_are_wanted_first_of_stocks_alone_and_for_the_whole_market(live: Universe) -> None:
    assert actions_of(live) == ACTIONS
    assert all(member.feed.kind is Kind.ACTIONS for member in live.members[: len(ACTIONS)])
    assert {(m.asset_class, m.calendar, m.bar_interval) for m in live.members[: len(ACTIONS)]} == {
        ("stock", "XNYS", "1day")
    }


def test_without_stocks_no_actions_are_wanted() -> None:
    assert actions_of(from_symbols([], ["^GSPC"], ["GCUSD"])) == []


@pytest.mark.parametrize("folder", ["splits", "dividends"])
def test_a_replay_that_has_actions_plays_all_of_them_up_to_its_last_session(tmp_path: Path, folder: str) -> None:
    """The history of a symbol may begin before the bars, so it has no first session."""
    sections = '[stocks]\nsymbols = ["AAPL", "MSFT"]\n[indexes]\nsymbols = ["QQQ"]\nlast = 2019-02-08\n'
    assert actions_of(replay(tmp_path, TWO_DAYS + sections)) == []
    (tmp_path / folder).mkdir()
    universe = replay(tmp_path, TWO_DAYS + sections)
    assert actions_of(universe) == ACTIONS
    assert {(m.first, m.last) for m in universe.members[: len(ACTIONS)]} == {(None, date(2019, 2, 15))}
    assert universe.last_session() == date(2019, 2, 15)


def test_a_replay_without_stocks_has_no_actions_to_play(tmp_path: Path) -> None:
    (tmp_path / "splits").mkdir()
    assert actions_of(replay(tmp_path, TWO_DAYS + '[indexes]\nsymbols = ["QQQ"]\n')) == []


def test_a_section_for_actions_is_refused_with_where_they_are_played_from(tmp_path: Path) -> None:
    words = r"the sections splits; allowed are stocks, .*; splits and dividends are played wherever the folder has them"
    with pytest.raises(SourceError, match=words) as caught:
        replay(tmp_path, TWO_DAYS + '[splits]\nsymbols = ["AAPL"]\n')
    assert "dividends_calendar" not in str(caught.value)


def test_a_daily_member_keeps_class_and_calendar_of_its_symbol(live: Universe) -> None:
    assert [(m.asset_class, m.calendar, m.bar_interval) for m in live.of(EOD)] == [
        ("stock", "XNYS", "1day"),
        ("stock", "XNYS", "1day"),
        ("index", "XNYS", "1day"),
        ("commodity", "CMEGlobex_GC", "1day"),
        ("commodity", "CMEGlobex_EnergyAndMetals", "1day"),
    ]
    assert [m.bar_interval for m in (*live.of(STOCKS), *live.of(INDEXES), *live.of(COMMODITIES))] == [
        "15min", "15min", "5min", "5min", "5min",
    ]  # fmt: skip


def test_daily_are_the_official_bars_the_yields_and_the_actions(live: Universe) -> None:
    actions = {feed for feed, _ in ACTIONS}
    lists = {feed for feed, _ in LISTS}
    assert {member.feed.name for member in live.members if is_daily(member)} == {"eod", "bonds"} | actions | lists


def test_a_live_universe_has_no_bounds(live: Universe) -> None:
    assert live.last_session() is None
    assert {(member.first, member.last) for member in live.members} == {(None, None)}


def test_calendars_are_told_by_symbol_of_a_class(live: Universe) -> None:
    assert live.calendars("commodity") == {"GCUSD": "CMEGlobex_GC", "ZZUSD": "CMEGlobex_EnergyAndMetals"}
    assert live.calendars("nothing") == {}


def test_narrowing_keeps_the_asked_symbols_in_all_their_feeds(live: Universe) -> None:
    assert [(m.feed.name, m.symbol) for m in live.narrowed(["AAPL"]).members] == [
        ("splits", "AAPL"), ("dividends", "AAPL"), ("stocks", "AAPL"), ("eod", "AAPL"), ("profile", "AAPL"),
    ]  # fmt: skip
    assert [(m.feed.name, m.symbol) for m in live.narrowed(["^GSPC"]).members] == [
        ("indexes", "^GSPC"), ("eod", "^GSPC"),
    ]  # fmt: skip
    assert live.narrowed() == live


def test_a_symbol_is_also_found_by_its_former_ones() -> None:
    renamed = from_symbols(["META", "MSFT"], [], [], formerly={"META": ("FB",)})
    assert renamed.narrowed(["FB"]) == renamed.narrowed(["META"])
    feeds = {member.feed.name for member in renamed.narrowed(["FB"]).members}
    assert feeds == {"splits", "dividends", "stocks", "eod", "profile"}
    with pytest.raises(SymbolError, match="asked for OLD; the universe holds META, MSFT, TREASURY"):
        renamed.narrowed(["FB", "OLD"])


def test_what_stands_for_the_whole_market_cannot_be_asked_for_as_a_symbol(live: Universe) -> None:
    """`--symbols ALL` would else mean the calendars alone; Allstate has that symbol, and is a stock like others."""
    with pytest.raises(
        SymbolError, match=r"asked for ALL; the universe holds AAPL, GCUSD, MSFT, TREASURY, ZZUSD, \^GSPC;"
    ):
        live.narrowed(["ALL"])
    allstate = from_symbols(["ALL", "MSFT"], [], []).narrowed(["ALL"])
    assert [(m.feed.name, m.symbol) for m in allstate.members] == [
        ("splits", "ALL"), ("dividends", "ALL"), ("stocks", "ALL"), ("eod", "ALL"), ("profile", "ALL"),
    ]  # fmt: skip


def test_narrowing_to_an_unknown_symbol_names_it_and_what_is_there(live: Universe) -> None:
    with pytest.raises(SymbolError, match=r"asked for NOPE, ZERO; the universe holds .*AAPL.*; choose among those"):
        live.narrowed(["ZERO", "AAPL", "NOPE"])


def test_narrowing_never_widens_the_bounds_of_a_member(tmp_path: Path) -> None:
    universe = replay(tmp_path, TWO_DAYS + '[stocks]\nsymbols = ["SPY"]\n')
    wider = universe.narrowed((), date(2010, 1, 1), date(2030, 1, 1)).members[0]
    inner = universe.narrowed((), date(2019, 1, 7), date(2019, 1, 8)).members[0]
    assert (wider.first, wider.last) == (date(2019, 1, 4), date(2019, 2, 15))
    assert (inner.first, inner.last) == (date(2019, 1, 7), date(2019, 1, 8))


def test_the_shared_replay_holds_what_its_description_says(shared_data: Path) -> None:
    universe = read_replay(shared_data / "replay")
    assert {m.symbol for m in universe.of(STOCKS)} == {"AAPL", "MSFT", "TSLA", "JPM", "AMZN"}
    assert {m.symbol for m in (*universe.of(INDEXES), *universe.of(COMMODITIES))} == {"SPY", "QQQ", "GLD", "SLV"}
    assert {(m.first, m.last) for m in universe.of(STOCKS)} == {(date(2019, 1, 4), date(2019, 2, 15))}
    assert len(universe.of(EOD)) == 9
    assert len(universe.of(BONDS)) == 1
    assert universe.last_session() == date(2019, 2, 15)


def test_the_shared_history_has_a_price_basis_of_its_own(shared_data: Path) -> None:
    assert {member.basis for member in read_replay(shared_data / "history").of(STOCKS)} != {VENDOR_BASIS}


def test_a_section_overrides_bounds_calendar_interval_and_basis(tmp_path: Path) -> None:
    universe = replay(
        tmp_path,
        TWO_DAYS
        + '[commodities]\nsymbols = ["GLD"]\ncalendar = "XNYS"\nbar_interval = "1min"\nbasis = "raw"\n'
        + "first = 2019-02-11\n[eod]\nfirst = 2018-01-02\n[bonds]\n",
    )
    bar, curve, day = universe.members
    assert (bar.calendar, bar.bar_interval, bar.basis, bar.first) == ("XNYS", "1min", "raw", date(2019, 2, 11))
    assert (day.feed, day.basis, day.calendar, day.first, day.last) == (
        EOD, "raw", "XNYS", date(2018, 1, 2), date(2019, 2, 15),
    )  # fmt: skip
    assert (curve.feed, curve.symbol) == (BONDS, "TREASURY")


def test_daily_bars_may_be_there_for_some_symbols_only(tmp_path: Path) -> None:
    universe = replay(tmp_path, TWO_DAYS + '[stocks]\nsymbols = ["A", "B"]\n[eod]\nsymbols = ["B"]\n')
    assert [m.symbol for m in universe.of(EOD)] == ["B"]


def test_a_symbol_named_twice_is_wanted_once(tmp_path: Path) -> None:
    assert len(replay(tmp_path, TWO_DAYS + '[stocks]\nsymbols = ["A", "A"]\n').members) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TWO_DAYS, "names no symbol"),
        (TWO_DAYS + "[stocks]\nsymbols = []\n", "names no symbol"),
        (TWO_DAYS + '[shares]\nsymbols = ["A"]\n', "sections shares; allowed are stocks, indexes"),
        ('[stocks]\nsymbols = ["A"]\n', "gives first = None; a session is written YYYY-MM-DD"),
        ('first = "4 Jan 2019"\nlast = 2019-02-15\n[stocks]\nsymbols = ["A"]\n', "gives first = '4 Jan 2019'"),
        (TWO_DAYS + '[stocks]\nsymbols = "AAPL"\n', r"\[stocks\] symbols = 'AAPL'; allowed is a list of texts"),
        (TWO_DAYS + "[stocks]\nsymbols = [1]\n", "allowed is a list of texts"),
        ("[stocks\n", "universe.toml cannot be read"),
    ],
)
def test_a_universe_that_cannot_be_understood_is_refused_with_what_is_allowed(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        replay(tmp_path, text)


def test_a_folder_without_universe_is_refused_with_what_a_replay_folder_holds(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no universe\.toml in it; a replay folder holds"):
        read_replay(tmp_path)


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"no universe\.toml"):
        read_replay(tmp_path / "file")


def test_a_universe_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "universe.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(SourceError, match="cannot be read"):
        read_replay(tmp_path)


def test_a_name_that_no_section_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "universe.toml").write_text(
        'first = "2019-01-04"\nlast = "2019-02-15"\n[stocks]\nsymbols = ["AAPL"]\ncalender = "XNYS"\n', "utf-8"
    )
    with pytest.raises(SourceError, match=r"sets calender in \[stocks\]; allowed are bar_interval, basis, calendar"):
        read_replay(tmp_path)


def test_a_symbol_of_two_asset_classes_is_refused() -> None:
    with pytest.raises(SymbolError, match="asked for GLD as stock and as commodity"):
        from_symbols(["GLD"], [], ["GLD"])
