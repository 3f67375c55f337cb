"""What a home is about to cost, and whether its plan allows it: known before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from openingbell import coverage
from openingbell.context import Pipeline
from openingbell.errors import BudgetExceeded
from openingbell.extract import forecast as forecasting
from openingbell.extract.forecast import Forecast
from openingbell.pipeline import budget_of
from openingbell.wants import check_feeds


def outlook_of(pipeline: Pipeline, *, backfill: bool = True, feeds: Sequence[str] = ()) -> Forecast:
    """What it costs at most to ask for all that is due of some feeds (none named means all), with what was asked for by
    backfills or without.

    Raises:
        RangeError: there is no such feed of bars or yields.
    """
    check_feeds(feeds)
    record, _ = pipeline.landing.survey()
    universe = pipeline.wide_universe if backfill else pipeline.universe
    chosen = universe.narrowed(pipeline.symbols, pipeline.first, pipeline.last)
    due = coverage.due(chosen, record, pipeline.clock.now(), pipeline.settings, search=False, feeds=feeds or None)
    return forecasting.forecast(due, record.asks, pipeline.settings.paced_calls_per_minute)


def require_budget(pipeline: Pipeline, outlook: Forecast) -> None:
    """Refuse what the plan does not allow today.

    Raises:
        BudgetExceeded: it takes more calls than the day has left, or more bytes than the thirty days.
    """
    budget = budget_of(pipeline)
    if not budget.allows(outlook.calls, outlook.bytes):
        allowed = [
            *([f"{budget.calls:,} calls today"] if budget.calls is not None else []),
            *([f"{budget.bytes / 1e6:,.0f} MB until the thirty days roll on"] if budget.bytes is not None else []),
        ]
        raise BudgetExceeded(
            f"asked for what takes up to {outlook.calls:,} calls and {outlook.bytes / 1e6:,.0f} MB; the plan leaves "
            f"{' and '.join(allowed)}; narrow it with --from or --symbols, or say --beyond-budget: then as "
            "much is asked as the plan allows, and the next days do the rest"
        )
