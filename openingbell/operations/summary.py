"""What a run did, as data: the terminal draws it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from openingbell.errors import WarehouseError
from openingbell.operations.jobs import Job
from openingbell.operations.status import row_counts
from openingbell.operations.worker import QUALITY, REPORT, Ran


@dataclass(frozen=True)
class Summary:
    """Figures of a run; holes and findings are None when no quality run was part of it.

    `notes` are by stage, `places` by what lies there.
    """

    jobs: tuple[Job, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    holes: Mapping[str, int] | None = None
    findings: Mapping[str, int] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    shortfalls: tuple[str, ...] = ()


def summarise(ran: Ran) -> Summary:
    """The summary of a run, with the rows that every table of the warehouse holds now, if it can be read."""
    warehouse = ran.pipeline.warehouse
    rows: dict[str, int] = {}
    with suppress(WarehouseError), warehouse.read() as reader:  # there is none yet, or another process holds it
        rows = row_counts(reader)
    quality = ran.outcomes[QUALITY].details if QUALITY in ran.outcomes else {}
    places = {"extracts": str(ran.home.extracts), "warehouse": warehouse.place, "logs": str(ran.home.logs)}
    if REPORT in ran.outcomes:
        places["report"] = str(ran.outcomes[REPORT].details["path"])
    return Summary(
        jobs=ran.jobs,
        rows=rows,
        holes=_mapping(quality.get("holes")),
        findings=_mapping(quality.get("findings")),
        notes={name: outcome.note for name, outcome in ran.outcomes.items() if outcome.note},
        places=places,
        shortfalls=tuple(f"{name}: {o.shortfall}" for name, o in ran.outcomes.items() if o.shortfall),
    )


def _mapping(value: object) -> dict[str, int] | None:
    return dict(value) if isinstance(value, Mapping) else None
