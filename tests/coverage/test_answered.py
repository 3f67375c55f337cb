"""What answers say when the delay that holds is another one than theirs."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from openingbell.coverage.answered import judged
from openingbell.coverage.wanted import final_sessions
from openingbell.feeds import STOCKS
from openingbell.landing import Manifest, record_of
from tests.coverage.test_due import HISTORY, SETTINGS, STOCK, answer, at, due

FRIDAY = date(2019, 2, 15)
(AAPL,) = STOCK.members


def test_an_answer_is_as_late_as_it_was_when_it_came() -> None:
    """A bar that ended at 10:00 was final at 10:02; under a delay that is ten minutes longer it is at 10:12."""
    manifests = [answer(AAPL, FRIDAY, FRIDAY, at(10, minute)) for minute in (1, 2)]
    manifests.append(answer(HISTORY.members[0], FRIDAY, FRIDAY, at(10, 2)))
    asks = judged(record_of(manifests), SETTINGS.knowing({"stocks": 660.0}))
    assert dict(asks.select("load_id", "judged_at").iter_rows()) == {
        manifests[0].load_id: at(10, 11),
        manifests[1].load_id: at(10, 12),
        manifests[2].load_id: at(10, 2),  # of what has no bars nothing forms
    }
    assert judged(record_of(manifests), SETTINGS)["judged_at"].to_list() == asks["answered_at"].to_list()


@settings(max_examples=25)  # a busy machine is no fault
@given(
    before=st.integers(0, 3_000),
    after=st.integers(0, 3_000),
    minutes=st.lists(st.integers(0, 420), min_size=1, max_size=4),
    later=st.integers(0, 90),
)
def test_a_changed_delay_makes_due_what_lacks_under_it_and_nothing_else(
    before: int, after: int, minutes: list[int], later: int
) -> None:
    """Whatever was asked and when: the session is due exactly when a bar that is final now was not when it was read."""
    then, now_on = (SETTINGS.knowing({"stocks": float(seconds)}) for seconds in (before, after))
    manifests: list[Manifest] = []
    for moment in (at(9, 30) + timedelta(minutes=minute) for minute in sorted(minutes)):
        wanted = due(STOCK, manifests, moment, then)
        manifests += [answer(one.member, one.first, one.last, moment, settings=then) for one in wanted]
    now = at(9, 30) + timedelta(minutes=max(minutes) + later)
    present = max((ask.bars.get(FRIDAY, 0) for manifest in manifests for ask in manifest.asks), default=0)
    final = final_sessions(AAPL.calendar, AAPL.bar_interval, FRIDAY, FRIDAY, now, now_on.final_delay(STOCKS))
    found = due(STOCK, manifests, now, now_on)
    assert any(one.last == FRIDAY for one in found) == (present < final["bars_expected"].sum())
    assert all(one.first == FRIDAY for one in found)
    manifests += [answer(one.member, one.first, one.last, now, settings=now_on) for one in found]
    assert due(STOCK, manifests, now, now_on) == []
