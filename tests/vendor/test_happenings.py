from __future__ import annotations

from datetime import date

from openingbell.listings import Rename
from openingbell.vendor.happenings import NOBODY, NOTHING, Delisting, Happenings, IndexChange

ON = date(2026, 3, 11)
BEFORE, AFTER = date(2026, 3, 10), date(2026, 3, 12)
LAST = date(2026, 12, 31)
FACEBOOK = Happenings(renames=(Rename("FB", "META", ON),), delistings=(Delisting("OLD", ON),))


def test_a_new_symbol_has_all_history_from_its_day_on_and_the_old_one_none() -> None:
    assert FACEBOOK.as_known("FB", LAST, BEFORE) == ("FB", LAST)
    assert FACEBOOK.as_known("META", LAST, BEFORE) == (NOBODY, LAST)
    assert FACEBOOK.as_known("FB", LAST, ON) == (NOBODY, LAST)
    assert FACEBOOK.as_known("META", LAST, ON) == ("FB", LAST)


def test_who_is_delisted_has_a_last_day_and_is_gone_behind_it() -> None:
    assert FACEBOOK.as_known("OLD", LAST, AFTER) == ("OLD", ON)
    assert FACEBOOK.as_known("OLD", BEFORE, AFTER) == ("OLD", BEFORE)
    assert [FACEBOOK.is_gone("OLD", day) for day in (ON, AFTER)] == [False, True]
    assert not FACEBOOK.is_gone("FB", AFTER)


def test_members_of_an_index_change_on_the_day() -> None:
    changes = (
        IndexChange("sp500", AFTER, joins="B", leaves=""),
        IndexChange("sp500", ON, joins="C", leaves="A"),
        IndexChange("nasdaq", ON, joins="D", leaves="A"),
    )
    happenings = Happenings(index_changes=changes)
    members = [happenings.members("sp500", ("A", "X"), day) for day in (BEFORE, ON, AFTER)]
    assert members == [["A", "X"], ["X", "C"], ["X", "C", "B"]]
    assert NOTHING.members("sp500", ("A",), AFTER) == ["A"]
