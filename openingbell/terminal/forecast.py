"""What an extraction will cost, for people."""

from __future__ import annotations

from openingbell.extract.budget import Budget
from openingbell.extract.forecast import Forecast
from openingbell.terminal import grid_of, out, say


def show_forecast(forecast: Forecast, budget: Budget | None = None) -> None:
    """The cost by feed and in all, and what the plan leaves."""
    if not forecast.feeds:
        say("nothing is due")
    else:
        _show_cost(forecast)
    if budget is not None and budget.calls is not None:
        say(f"the plan leaves {budget.calls:,} calls today")
    if budget is not None and budget.bytes is not None:
        say(f"the plan leaves {budget.bytes / 1e6:,.0f} MB of its thirty days")
    if budget is not None and not budget.allows(forecast.calls, forecast.bytes):
        say("that is more than the plan allows today: it is refused, unless --beyond-budget is said")


def _show_cost(forecast: Forecast) -> None:
    table = grid_of("feed", "symbols", "from", "to", "calls", "bars", "MB", "disk MB", right=(1, 4, 5, 6, 7))
    for one in forecast.feeds:
        table.add_row(
            one.feed, f"{one.symbols:,}", one.first, one.last, f"{one.calls:,}", f"{one.bars:,}",
            f"{one.bytes / 1e6:,.1f}", f"{one.disk / 1e6:,.1f}",
        )  # fmt: skip
    out.print(table)
    say(
        f"at most {forecast.calls:,} calls, {_minutes(forecast.minutes)} at the permitted pace, "
        f"{forecast.bytes / 1e6:,.1f} MB to receive, {forecast.disk / 1e6:,.1f} MB on disk"
    )
    if forecast.searching:
        say(f"of {forecast.searching:,} it is not known where their history begins: what lies before it is not asked")


def _minutes(minutes: float) -> str:
    return f"{minutes:,.1f} minutes" if minutes < 120 else f"{minutes / 60:,.1f} hours"
