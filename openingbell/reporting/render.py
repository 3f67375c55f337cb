"""From figures to Markdown. Pure: the same figures give the same text. What the sections say stands in
`templates/report.md.j2`; how one value is written stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from openingbell.feeds import TENORS
from openingbell.reporting.figures import Figures

ABSENT = "–"
"""What stands for a value that is not known."""
MINUS = "−"
PROVISIONAL = " †"
LISTED = 20
"""Findings and troubled runs that are listed; of the others the number is told."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # strftime's depend on the locale

NAMES = {
    "^GSPC": "S&P 500",
    "^DJI": "Dow Jones Industrial Average",
    "^IXIC": "Nasdaq Composite",
    "^RUT": "Russell 2000",
    "GCUSD": "Gold",
    "MGCUSD": "Micro gold",
    "SIUSD": "Silver",
    "HGUSD": "Copper",
    "PLUSD": "Platinum",
    "CLUSD": "Crude oil",
    "NGUSD": "Natural gas",
    "HOUSD": "Heating oil",
    "RBUSD": "Gasoline",
}
"""How the best-known symbols are called; others stand for themselves."""

YIELD_NAMES = {
    **{tenor: f"{tenor.lstrip('yearmonth')} {tenor.rstrip('0123456789')}" for tenor in TENORS},
    "yield_curve_slope": "10 year less 2 year",
    "term_spread": "10 year less 3 month",
}

LAYERS = {"raw": "raw, every version", "analytics": "analytics"}


def render(figures: Figures) -> str:
    """The report, GitHub-flavoured Markdown."""
    template = _environment().get_template("report.md.j2")
    return template.render(f=figures, listed=LISTED, absent=ABSENT)


def number(value: float | None, decimals: int = 2, *, signed: bool = False) -> str:
    """A number with separators between thousands and `decimals` decimals; with a plus when `signed` and above 0."""
    if value is None:
        return ABSENT
    text = f"{abs(value):,.{decimals}f}"
    if not text.strip("0.,"):  # what rounds to 0 has no sign
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def signed(value: float | None, decimals: int = 2) -> str:
    """A change."""
    return number(value, decimals, signed=True)


def count(value: float | None) -> str:
    """A whole number of things."""
    return number(value, 0)


def measure(value: float | None) -> str:
    """A number of which the scale is not known: six digits, as many decimals as they leave."""
    return ABSENT if value is None else f"{value:,.6g}".replace("-", MINUS)


def provisional(is_final: bool | None) -> str:  # noqa: FBT001  a template's filter takes its value by position
    """The mark of a value that rests on a bar which is not the official one yet; none where there is no value."""
    return PROVISIONAL if is_final is False else ""


def weekday(day: date) -> str:
    """A day of the week and its date."""
    return f"{WEEKDAYS[day.weekday()]} {day.isoformat()}"


def moment(value: date | datetime | None) -> str:
    """A day as it is, a moment to the minute."""
    if value is None:
        return ABSENT
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return value.isoformat()


def called(symbol: str) -> str:
    """A symbol with its name."""
    return f"{NAMES[symbol]} ({text(symbol)})" if symbol in NAMES else text(symbol)


def text(value: str | None) -> str:
    """Foreign text that can stand in a cell of a table without ending it, or being taken for a mark."""
    if not value:
        return ABSENT
    plain = " ".join(value.split())
    for mark in "\\|*_`[]<$":
        plain = plain.replace(mark, f"\\{mark}")
    return plain


def code(values: Iterable[str]) -> str:
    """Names of ours, such as tables."""
    return ", ".join(f"`{value}`" for value in values if value) or ABSENT


def things(value: int, noun: str) -> str:
    """So many of something."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


FILTERS: tuple[Callable[..., str], ...] = (
    number, signed, count, measure, provisional, weekday, moment, called, text, code, things,
)  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("openingbell.reporting"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown is no HTML; foreign text goes through `text`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {function.__name__: function for function in FILTERS}
    environment.filters["yield_name"] = YIELD_NAMES.__getitem__
    environment.filters["layer"] = LAYERS.__getitem__
    return environment
