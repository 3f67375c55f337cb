"""Which splits a version of a bar is adjusted for: told by other versions, by time and by prices, or unknown."""

# ruff: noqa: DTZ001  frames hold their moments without a zone

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.sessions import schedule
from openingbell.splits import Split
from openingbell.tables import STOCK_RAW
from openingbell.transform.basis import Verdict, on_one_basis

DAYS: list[date] = schedule("XNYS", date(2019, 1, 2), date(2019, 4, 30))["session"].to_list()
EX = DAYS[20]
FOUR = Split("X", EX, 4.0)
TRUE = {day: 50.0 + number % 7 for number, day in enumerate(DAYS)}
"""Prices on the basis after all splits."""

Version = tuple[date, float, float | None, datetime]
"""Day of the bar, price, volume, and when it was received."""


def evening(day: date) -> datetime:
    """After the close, UTC."""
    return datetime(day.year, day.month, day.day, 21, 30)


def traded(day: date, splits: Sequence[Split] = (FOUR,)) -> float:
    """What one share cost that day."""
    price = TRUE[day]
    for split in splits:
        price *= split.factor if day < split.ex_date else 1.0
    return price


def live(days: Iterable[date], splits: Sequence[Split] = (FOUR,)) -> list[Version]:
    """Each bar on its own evening, as it was traded."""
    return [(day, traded(day, splits), 100.0, evening(day)) for day in days]


def reread(days: Iterable[date], at: datetime, divided_by: float, splits: Sequence[Split] = (FOUR,)) -> list[Version]:
    """The same bars asked again, with what was traded divided by some factor, rounded to cents."""
    return [(day, round(traded(day, splits) / divided_by, 2), 100.0 * divided_by, at) for day in days]


def frame(versions: Sequence[Version], basis: str = "vendor") -> pl.DataFrame:
    """The rows of the raw table."""
    rows = [
        {
            "load_id": f"{at:%Y%m%d%H%M%S}",
            "source_row": number,
            "symbol": "X",
            "date": datetime(day.year, day.month, day.day, 10),
            "bar_interval": "15min",
            **dict.fromkeys(("open", "high", "low", "close"), price),
            "volume": volume,
            "basis": basis,
            "extracted_at": at,
        }
        for number, (day, price, volume, at) in enumerate(versions, 1)
    ]
    return pl.DataFrame(rows, schema=STOCK_RAW.schema)


class Based:
    """What became of versions."""

    def __init__(
        self,
        versions: Sequence[Version],
        splits: Sequence[Split] = (FOUR,),
        *,
        basis: str = "vendor",
        last: date | None = None,
    ) -> None:
        end = last or max(day for day, *_ in versions)
        rows, self.evidence = on_one_basis(frame(versions, basis), STOCK_RAW, {"X": splits}, {"X": end})
        self.close = dict(rows.select(pl.col("date").dt.date(), "close").iter_rows())
        self.factor = dict(rows.select(pl.col("date").dt.date(), "split_factor").iter_rows())
        self.volume = dict(rows.select(pl.col("date").dt.date(), "volume").iter_rows())

    def require_true(self, splits: Sequence[Split] = (FOUR,), rel: float = 1e-9) -> None:
        """Every bar is on the path without splits, and price × factor is what was traded."""
        for day, close in self.close.items():
            assert close == pytest.approx(TRUE[day], rel=rel), day
            assert close * self.factor[day] == pytest.approx(traded(day, splits), rel=rel), day

    @property
    def verdicts(self) -> list[Verdict]:
        """Of the splits, oldest first."""
        return [one.verdict for one in self.evidence]


AFTER = evening(EX + timedelta(days=10))


def test_bars_that_were_asked_before_a_split_are_put_on_the_basis_after_it() -> None:
    based = Based(live(DAYS[:30]))
    based.require_true()
    assert {based.volume[day] for day in DAYS[:20]} == {400.0}
    assert {based.volume[day] for day in DAYS[20:30]} == {100.0}
    assert based.verdicts == [Verdict.SEEN]
    assert based.evidence[0].adjusted_at is None


@pytest.mark.parametrize("sessions", [0, 2])
def test_bars_that_are_asked_again_once_the_vendor_has_adjusted_stay_where_they_are(sessions: int) -> None:
    """At once or days later: the versions show it, and from which answer on."""
    at = evening(DAYS[20 + sessions])
    based = Based(live(DAYS[:30]) + reread(DAYS[5:15], at, 4.0))
    based.require_true()
    assert based.evidence[0].adjusted_at == at
    assert {based.factor[day] for day in DAYS[:20]} == {4.0}


def test_a_vendor_that_is_asked_again_before_it_adjusts_shows_both() -> None:
    early, late = evening(DAYS[20]), evening(DAYS[22])
    versions = live(DAYS[:30]) + reread(DAYS[5:15], early, 1.0) + reread(DAYS[5:15], late, 4.0)
    based = Based(versions)
    based.require_true()
    assert based.evidence[0].adjusted_at == late


def test_a_vendor_that_never_adjusts_is_believed_by_its_versions() -> None:
    """Read again later, the old bars are what they were, and bars that are new in that answer stand as they do."""
    based = Based(live([*DAYS[5:20], *DAYS[20:30]]) + [
        (day, traded(day) * (1.001 if day in DAYS[5:8] else 1.0), 100.0, AFTER) for day in DAYS[:8]
    ])  # fmt: skip
    based.require_true(rel=0.0011)
    assert based.evidence[0].adjusted_at is None


@pytest.mark.parametrize(("moment", "divided_by"), [(evening(DAYS[21]), 1.0), (evening(DAYS[25]), 4.0)])
def test_an_older_stretch_stands_as_other_bars_did_when_it_was_asked(moment: datetime, divided_by: float) -> None:
    """The vendor is seen not to have adjusted on the 21st and to have on the 24th."""
    shown = [(day, traded(day) * 1.001, 100.0, evening(DAYS[22])) for day in DAYS[10:12]]
    versions = live(DAYS[10:30]) + shown + reread(DAYS[10:14], evening(DAYS[24]), 4.0)
    Based(versions + reread(DAYS[:5], moment, divided_by)).require_true(rel=0.0011)


def test_an_older_stretch_from_the_time_between_is_unknown() -> None:
    """Later than the last answer that was seen not to be adjusted, earlier than the first that was."""
    shown = [(day, traded(day) * 1.001, 100.0, evening(DAYS[21])) for day in DAYS[10:12]]
    versions = live(DAYS[10:30]) + shown + reread(DAYS[10:14], evening(DAYS[24]), 4.0)
    based = Based(versions + reread(DAYS[:5], evening(DAYS[23]), 4.0))
    assert [based.factor[day] for day in DAYS[:5]] == [None] * 5
    assert based.close[DAYS[0]] == TRUE[DAYS[0]]  # the answer's own


@pytest.mark.parametrize(("divided_by", "verdict"), [(4.0, Verdict.SEEN), (1.0, Verdict.SEEN)])
def test_the_prices_around_the_ex_date_tell_what_no_version_does(divided_by: float, verdict: Verdict) -> None:
    """All was asked after the split, once."""
    based = Based(reread(DAYS[:20], AFTER, divided_by) + live(DAYS[20:30]))
    based.require_true()
    assert based.verdicts == [verdict]


def test_bars_of_a_raw_basis_are_never_adjusted() -> None:
    Based(reread(DAYS[:20], AFTER, 1.0) + live(DAYS[20:30]), basis="raw").require_true()


@pytest.mark.parametrize("factor", [0.1, 2.0, 1.5, 20.0, 0.05])
@pytest.mark.parametrize("is_adjusted", [False, True])
def test_any_telling_factor_is_told_by_the_prices(factor: float, is_adjusted: bool) -> None:
    """A reverse split too."""
    splits = [Split("X", EX, factor)]
    old = [(day, TRUE[day] if is_adjusted else traded(day, splits), 100.0, AFTER) for day in DAYS[:20]]
    Based(old + live(DAYS[20:30], splits), splits).require_true(splits)


def test_of_a_factor_near_one_the_vendor_s_word_is_taken() -> None:
    """21:20 is no more than an overnight move: what was asked after it is adjusted, what was asked before is not."""
    splits = [Split("X", EX, 1.05)]
    old = live(DAYS[:10], splits) + [(day, TRUE[day], 100.0, AFTER) for day in DAYS[10:20]]
    based = Based(old + live(DAYS[20:30], splits), splits)
    based.require_true(splits)
    assert based.verdicts == [Verdict.UNSEEN]


def test_a_factor_near_one_that_versions_show_is_believed() -> None:
    splits = [Split("X", EX, 1.05)]
    again = [(day, traded(day, splits) * 1.0005, 100.0, AFTER) for day in DAYS[5:10]]
    based = Based(
        live(DAYS[5:30], splits) + again + [(day, traded(day, splits), 100.0, AFTER) for day in DAYS[:5]], splits
    )
    based.require_true(splits, rel=0.001)


TWO = (Split("X", DAYS[20], 5.0), Split("X", DAYS[40], 3.0))


@pytest.mark.parametrize("applied", [0, 1, 2])
def test_splits_compose(applied: int) -> None:
    """5:1 and 3:1: bars before both were asked before the first, between the two, or after the second."""
    at = (evening(DAYS[19]), evening(DAYS[30]), evening(DAYS[59]))[applied]
    old = reread(DAYS[:20], at, (1.0, 5.0, 15.0)[applied], TWO)
    based = Based(old + live(DAYS[20:60], TWO), TWO)
    based.require_true(TWO)
    assert [based.factor[DAYS[n]] for n in (0, 30, 50)] == [15.0, 3.0, 1.0]
    assert based.verdicts == [Verdict.SEEN, Verdict.SEEN]


def test_two_splits_in_all_their_versions() -> None:
    versions = live(DAYS[:60], TWO)
    versions += reread(DAYS[5:10], evening(DAYS[22]), 5.0, TWO) + reread(DAYS[3:30], evening(DAYS[45]), 15.0, TWO[:1])
    versions = [v for v in versions if v[3] != evening(DAYS[45])]
    versions += [(day, TRUE[day], 1.0, evening(DAYS[45])) for day in DAYS[3:30]]
    based = Based(versions, TWO)
    based.require_true(TWO)
    assert [one.adjusted_at for one in based.evidence] == [evening(DAYS[22]), evening(DAYS[45])]


def test_both_splits_unadjusted_are_told_by_both_gaps() -> None:
    old = [(day, traded(day, TWO), 100.0, evening(DAYS[59])) for day in DAYS[:60]]
    Based(old, TWO).require_true(TWO)


def test_two_versions_that_nothing_explains_are_unknown() -> None:
    """Half of what was traded fits no split: the bar stands apart, with the prices of the answer; the others do not."""
    strange = DAYS[5]
    based = Based([*live(DAYS[:30]), (strange, traded(strange) / 2, 100.0, AFTER)])
    assert (based.factor.pop(strange), based.close.pop(strange)) == (None, traded(strange) / 2)
    based.require_true()


def test_prices_that_do_not_show_a_split_contradict_it() -> None:
    """Bars asked before and after it run on as if there were none: it is not applied."""
    versions = [(day, TRUE[day], 100.0, evening(day)) for day in DAYS[:30]]
    based = Based(versions)
    assert based.close == {day: TRUE[day] for day in DAYS[:30]}
    assert set(based.factor.values()) == {1.0}
    assert based.verdicts == [Verdict.CONTRADICTED]


def test_a_split_that_is_to_come_has_no_effect() -> None:
    based = Based(live(DAYS[:20]), last=DAYS[19])
    assert based.close == {day: traded(day) for day in DAYS[:20]}
    assert set(based.factor.values()) == {1.0}
    assert based.verdicts == [Verdict.UNSEEN]


def test_a_vendor_may_adjust_on_the_evening_before() -> None:
    """The ex-date has no bar yet: the bars that were read again stand on the old basis like the others."""
    at = datetime.combine(EX, datetime.min.time()) - timedelta(hours=1)
    versions = live(DAYS[:20]) + reread(DAYS[5:15], at, 4.0)
    before = Based(versions, last=DAYS[19])
    assert before.close == pytest.approx({day: traded(day) for day in DAYS[:20]})
    Based(versions + live(DAYS[20:25])).require_true()


def test_bars_on_one_side_of_a_split_alone_are_unknown_where_nothing_tells() -> None:
    """Asked after it, with no bar after it: it may be adjusted or not."""
    based = Based(reread(DAYS[:20], AFTER, 4.0), last=EX)
    assert set(based.factor.values()) == {None}


def test_an_ambiguous_gap_decides_nothing() -> None:
    """Half the factor lies between."""
    old = [(day, TRUE[day] * 2, 100.0, AFTER) for day in DAYS[:20]]
    based = Based(old + live(DAYS[20:30]))
    assert {based.factor[day] for day in DAYS[:20]} == {None}


def test_versions_without_prices_show_nothing() -> None:
    """A re-read bar whose prices are missing keeps its place unknown; a bar of 0 is no evidence either."""
    versions = live(DAYS[:30])
    again = frame([(DAYS[3], 0.0, 100.0, AFTER), (DAYS[4], 1.0, 1.0, AFTER)])
    no_close = pl.when(pl.col("close") > 0).then(None).otherwise("close").alias("close")
    rows = pl.concat([frame(versions), again.with_columns(no_close)])
    based, _ = on_one_basis(rows, STOCK_RAW, {"X": [FOUR]}, {"X": DAYS[29]})
    unknown = based.filter(pl.col("split_factor").is_null())["date"].dt.date().to_list()
    assert unknown == [DAYS[3], DAYS[4]]


def test_bars_that_run_on_into_an_unknown_one_are_unknown() -> None:
    """An answer before the gap knows no more than the one behind it."""
    versions = [(day, traded(day), 100.0, evening(DAYS[30])) for day in DAYS[:10]]
    versions += [(day, TRUE[day] * 2, 100.0, AFTER) for day in DAYS[10:20]]
    assert set(Based(versions + live(DAYS[20:30])).factor.values()) == {None, 1.0}


def test_symbols_without_splits_are_left_as_they_are() -> None:
    rows = frame(live(DAYS[:3], []))
    other = pl.concat([rows, frame(live(DAYS[:3])).with_columns(symbol=pl.lit("Y"), load_id=pl.lit("y"))])
    based, _ = on_one_basis(other, STOCK_RAW, {"Y": [Split("Y", EX, 4.0)]}, {"Y": EX})
    assert based.filter(symbol="X")["close"].to_list() == [TRUE[day] for day in DAYS[:3]]
    assert set(based.filter(symbol="X")["split_factor"]) == {1.0}
    none, evidence = on_one_basis(rows, STOCK_RAW, {}, {})
    assert (set(none["split_factor"]), evidence) == ({1.0}, [])


FACTORS = st.sampled_from([2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 0.1, 0.2, 0.05])
MANNERS: Mapping[str, int | None] = {"at once": 0, "late": 2, "never": None}


@settings(max_examples=120)
@given(
    seed=st.integers(0, 10**6),
    factors=st.lists(FACTORS, min_size=1, max_size=2),
    manner=st.sampled_from(sorted(MANNERS)),
    asks=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59), st.integers(0, 59)), max_size=6),
    begins=st.integers(0, 30),
)
def test_what_is_not_unknown_is_true(
    seed: int, factors: list[float], manner: str, asks: list[tuple[int, int, int]], begins: int
) -> None:
    """A random path, any manner of the vendor, live bars from some day on, and any stretches asked at any later moment:
    every bar is on the true path or says that its basis is not known.
    """
    chance = random.Random(seed)
    true, price = {}, 100.0
    for day in DAYS[:60]:
        price *= 1 + chance.uniform(-0.03, 0.03)
        true[day] = price
    splits = [Split("X", DAYS[20 * number], factor) for number, factor in enumerate(factors, 1)]
    since = MANNERS[manner]

    def shown(day: date, at: int) -> float:
        """The price of a day as the vendor shows it on the evening of session `at`."""
        shows = true[day]
        for number, split in enumerate(splits, 1):
            if day < split.ex_date and (since is None or at < 20 * number + since):
                shows *= split.factor
        return shows

    seen = {(n, n): (DAYS[n], shown(DAYS[n], n), 1.0, evening(DAYS[n])) for n in range(begins, 60)}
    for a, b, later in asks:
        first, last = sorted((a, b))
        for n in range(first, min(last, later) + 1):
            at = evening(DAYS[later]) + timedelta(minutes=1)
            seen[n, later * 100 + 1] = (DAYS[n], shown(DAYS[n], later), 1.0, at)
    rows, _ = on_one_basis(frame(list(seen.values())), STOCK_RAW, {"X": splits}, {"X": DAYS[59]})
    for moment, close, factor in rows.select("date", "close", "split_factor").iter_rows():
        day = moment.date()
        if factor is not None:
            assert close == pytest.approx(true[day], rel=1e-9), day
