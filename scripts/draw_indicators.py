"""Draws docs/indicators/*.svg, an example of each indicator; `--check` writes nothing and fails when they differ.

Every entry of the catalogue gets a picture from its columns alone: those that run along with the price on top of it,
the others in a panel below for each unit. The bars are those of the simulated market, so that they are the same
everywhere. `drawings` is pure.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs from a bare checkout

from openingbell import universe  # noqa: E402
from openingbell.indicators import CATALOGUE, Indicator, Output, indicators  # noqa: E402
from openingbell.indicators.catalogue import DAILY, PRICE  # noqa: E402
from openingbell.vendor.market import SimulatedMarket  # noqa: E402

SYMBOL, SEED = "AAPL", 1
FIRST, LAST, SHOWN_FROM = date(2024, 7, 1), date(2025, 12, 31), date(2025, 7, 1)
INTRADAY_FROM = date(2025, 12, 29)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
WIDTH, LEFT, RIGHT, TOP, GAP = 760, 64, 12, 34, 30
PRICE_HEIGHT, PANEL_HEIGHT, FOOT = 170, 110, 26
COLOURS = ("#0b6fb8", "#c2410c", "#15803d", "#7e22ce", "#a16207")
FONT = 'font-family="sans-serif" font-size="11"'
CLOSE_COLOUR, INK, RULE = "#475569", "#1e293b", "#e2e8f0"
CLOSE = Output("close", "close of the bar", PRICE, 1)
Panel = tuple[list[Output], int, int]
"""Columns that share a scale, and the panel's top and height in points."""


def drawings() -> dict[str, str]:
    """Every picture by its path from the repository's root."""
    market = SimulatedMarket(universe.from_symbols([SYMBOL], [], []), SEED)
    days = market.daily(SYMBOL, first=FIRST, last=LAST, now=NOW).with_columns(session="date")
    bars = market.intraday(SYMBOL, "15min", first=SHOWN_FROM, last=LAST, now=NOW)
    daily = _computed(days, daily=True).filter(pl.col("date") >= SHOWN_FROM)
    intraday = _computed(bars.with_columns(session=pl.col("date").dt.date()), daily=False)
    intraday = intraday.filter(pl.col("date").dt.date() >= INTRADAY_FROM)
    return {
        f"docs/indicators/{entry.name}.svg": _drawing(entry, daily if DAILY in entry.where else intraday)
        for entry in CATALOGUE
    }


def _computed(bars: pl.DataFrame, *, daily: bool) -> pl.DataFrame:
    whole = bars.with_columns(asset_class=pl.lit("stock"), symbol=pl.lit(SYMBOL), usable=pl.lit(value=True))
    return indicators(whole.with_columns(pl.col("open", "high", "low", "close").cast(pl.Float64)), daily=daily)


def _drawing(entry: Indicator, rows: pl.DataFrame) -> str:
    panels = _panels(entry, rows)
    height = panels[-1][1] + panels[-1][2] + FOOT
    step = "daily" if rows.schema["date"] == pl.Date else "15 minutes"
    first, last = rows["date"][0], rows["date"][-1]
    title = f"{entry.name}: {SYMBOL}, simulated market (seed {SEED}), {step}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="bold" fill="{INK}">{title}</text>',
    ]
    for columns, top, size in panels:
        lines += _panel(columns, rows, top, size)
    bottom = panels[-1][1] + panels[-1][2]
    for place, text in _dates(rows["date"].to_list()):
        lines.append(f'<text x="{_x(place, len(rows)):.1f}" y="{bottom + 16}" fill="{INK}">{text}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panels(entry: Indicator, rows: pl.DataFrame) -> list[Panel]:
    """What runs along with the price, then a panel a unit."""
    low, high = float(rows["close"].min()) / 2, float(rows["close"].max()) * 2  # type: ignore[arg-type]
    along = [o for o in entry.outputs if o.unit == PRICE and rows[o.name].drop_nulls().is_between(low, high).all()]
    others = [output for output in entry.outputs if output not in along]
    panels: list[Panel] = [([CLOSE, *along], TOP, PRICE_HEIGHT)]
    for unit in dict.fromkeys(output.unit for output in others):
        top = panels[-1][1] + panels[-1][2] + GAP
        panels.append(([output for output in others if output.unit == unit], top, PANEL_HEIGHT))
    return panels


def _panel(columns: Sequence[Output], rows: pl.DataFrame, top: int, size: int) -> Iterator[str]:
    values = [value for output in columns for value in rows[output.name].drop_nulls()]
    ticks = _ticks(min(values), max(values))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)

    def y(value: float) -> float:
        return float(top + size - (value - low) / (high - low) * size)

    for tick in ticks:
        yield f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="{RULE}"/>'
        yield f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="{INK}">{_label(tick)}</text>'
    legend = LEFT
    for number, output in enumerate(columns):
        colour = CLOSE_COLOUR if output is CLOSE else COLOURS[number % len(COLOURS)]
        path, pen = [], "M"
        for place, value in enumerate(rows[output.name]):
            if value is not None:
                path.append(f"{pen}{_x(place, len(rows)):.1f} {y(value):.1f}")
            pen = "M" if value is None else "L"
        yield f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
        text = output.name if output.unit == PRICE else f"{output.name} ({output.unit})"
        yield f'<text x="{legend}" y="{top - 5}" fill="{colour}">{text}</text>'
        legend += 7 * len(text) + 14


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers over the range."""
    rough = (high - low or 1.0) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough)
    return [step * number for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _label(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.0f} M"
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _dates(moments: Sequence[date]) -> list[tuple[int, str]]:
    """Labels of the first bar of each month, or of each day."""
    form = "%Y-%m-%d" if isinstance(moments[0], datetime) else "%Y-%m"
    texts = [f"{moment:{form}}" for moment in moments]
    return [(place, text) for place, text in enumerate(texts) if place == 0 or text != texts[place - 1]]


def _x(place: int, count: int) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT) / (count - 1)


def same(one: str, other: str) -> bool:
    """Whether two drawings differ by no more than the rounding of a coordinate."""
    number = re.compile(r"-?\d+\.\d")
    pairs = zip(number.findall(one), number.findall(other), strict=False)
    return number.sub("#", one) == number.sub("#", other) and all(abs(float(a) - float(b)) < 0.15 for a, b in pairs)


def main(arguments: list[str]) -> int:
    """The exit code: with `--check` 1 when a drawing is stale or none of the catalogue's."""
    drawn = drawings()
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/indicators").glob("*.svg")}
    current = {name for name in there & set(drawn) if same((ROOT / name).read_text("utf-8"), drawn[name])}
    stale = sorted(set(drawn) - current)
    stale += sorted(there - set(drawn))
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is not what the catalogue says; run python scripts/draw_indicators.py", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = ROOT / name
        if name in drawn:
            path.parent.mkdir(exist_ok=True)
            path.write_text(drawn[name], "utf-8", newline="\n")
        else:
            path.unlink()
        print(f"wrote {name}" if name in drawn else f"removed {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
