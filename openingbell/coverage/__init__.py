"""Coverage: the fold of calendar and record that says what is there, what is missing and what is due.

There is no cursor: whatever a full record would hold and no answer covers is due, wherever it lies in time. A tick, a
repair after an outage, a longer history and a revision sweep are the same question.

    wanted    which sessions a full record holds, and when each is final
    answered  which of them were asked, when, and what came
    history   where the vendor's history of a symbol begins
    due       what is to be asked now
    excuses   what was quarantined, and what was halted
    fold      the state of every session, with its excuse
"""

from openingbell.coverage.due import Due, due
from openingbell.coverage.evidence import evidence_wanted
from openingbell.coverage.excuses import quarantined_by_session
from openingbell.coverage.fold import EXCUSED, STATES, fold

__all__ = ["EXCUSED", "STATES", "Due", "due", "evidence_wanted", "fold", "quarantined_by_session"]
