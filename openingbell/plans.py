"""The vendor's plans: what each allows, as far as it is known, and what of it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace

GB = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """What may be asked; None is without a limit that is known. The vendor meters bytes over the trailing 30 days."""

    name: str
    calls_per_minute: int | None = None
    calls_per_day: int | None = None
    bytes_per_30_days: int | None = None
    intraday: bool = True


PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("free", calls_per_day=250, bytes_per_30_days=GB // 2, intraday=False),
        Plan("starter", calls_per_minute=250, bytes_per_30_days=20 * GB),  # at its 300 the vendor refuses now and then
        Plan("premium", calls_per_minute=750, bytes_per_30_days=50 * GB),
        Plan("ultimate", calls_per_minute=3_000, bytes_per_30_days=150 * GB),
    )
}


def plan_of(
    name: str,
    *,
    calls_per_minute: int | None = None,
    calls_per_day: int | None = None,
    bytes_per_30_days: int | None = None,
) -> Plan | None:
    """The plan of a name with own numbers in the place of its; None where neither is given."""
    if not name and calls_per_minute is calls_per_day is bytes_per_30_days is None:
        return None
    plan = PLANS[name] if name else Plan("own")
    return replace(
        plan,
        calls_per_minute=calls_per_minute or plan.calls_per_minute,
        calls_per_day=calls_per_day or plan.calls_per_day,
        bytes_per_30_days=bytes_per_30_days or plan.bytes_per_30_days,
    )
