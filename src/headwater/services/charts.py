"""Charts as SVG drawn by our own code: bars from zero, a few gridlines, a title a mark, no style and no script in them.

Colours come from the page's style sheet by class, so that a chart follows light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from markupsafe import Markup, escape

WIDTH = 880
LEFT, RIGHT = 72, 16
GAP = 2
"""Between the parts of a bar: scopes are told apart without colour too."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its label, and its parts by the name of their series; a bar without parts is a gap in the data."""

    label: str
    parts: Mapping[str, Decimal]

    @property
    def total(self) -> Decimal:
        """Of all parts."""
        return sum(self.parts.values(), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What is drawn: `series` name -> CSS class in drawing order; `number` writes a value with its unit."""

    title: str
    bars: Sequence[Bar]
    series: Mapping[str, str]
    number: Callable[[Decimal], str]


def columns(chart: Chart, *, height: int = 300) -> Markup:
    """Upright bars, one a period, their parts on top of each other and the total above."""
    top, bottom = 28, 34
    room = height - top - bottom
    steps = gridlines(max((bar.total for bar in chart.bars), default=Decimal(0)))
    scale = room / steps[-1]
    drawn = [_grid(steps, scale, top + room)]
    step = Decimal(WIDTH - LEFT - RIGHT) / max(len(chart.bars), 1)
    width = min(step * Decimal("0.72"), Decimal(72))
    every = -(-len(chart.bars) // 18)
    for place, bar in enumerate(chart.bars):
        centre = LEFT + step * place + step / 2
        drawn.append(_column(chart, bar, centre, width, base=top + room, scale=scale, is_narrow=step < 56))
        if place % every == 0:
            drawn.append(_text(bar.label, centre, height - 12, "axis", anchor="middle"))
    return _svg(chart.title, height, drawn)


def rows(chart: Chart) -> Markup:
    """Lying bars, one a series, labelled directly."""
    pitch, top = 44, 8
    height = top + pitch * max(len(chart.bars), 1) + 8
    largest = max((bar.total for bar in chart.bars), default=Decimal(0)) or Decimal(1)
    room = Decimal(WIDTH - 110 - 190)
    drawn = []
    for place, bar in enumerate(chart.bars):
        y = Decimal(top + pitch * place)
        at = Decimal(110)
        drawn.append(_text(bar.label, 0, y + 25, "label"))
        for name, value in bar.parts.items():
            wide = max(room * value / largest, Decimal(1))
            drawn.append(_rect(chart, bar, name, at, y + 8, wide, Decimal(26)))
            at += wide + GAP
        drawn.append(_text(chart.number(bar.total), at + 8, y + 26, "value"))
    return _svg(chart.title, height, drawn)


def gridlines(largest: Decimal) -> list[Decimal]:
    """Zero and four or five round numbers, the last at or above the largest value."""
    if largest <= 0:
        return [Decimal(0), Decimal(1)]
    magnitude = Decimal(10) ** (largest.adjusted() - 1)
    for factor in map(Decimal, ("1", "2", "2.5", "5", "10", "20", "25", "50")):
        step = magnitude * factor
        count = int((largest / step).to_integral_value(ROUND_CEILING))
        if count <= 5:
            return [step * number for number in range(count + 1)]
    return [Decimal(0), magnitude * 100]


def _grid(steps: Sequence[Decimal], scale: Decimal, base: int) -> Markup:
    lines = []
    for step in steps:
        y = base - step * scale
        lines.append(
            Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                "grid" if step else "base", LEFT, WIDTH - RIGHT, _number(y), _number(y)
            )
        )
        lines.append(_text(f"{step.normalize():,f}", LEFT - 10, y + 4, "axis", anchor="end"))
    return Markup("").join(lines)


def _column(
    chart: Chart, bar: Bar, centre: Decimal, width: Decimal, *, base: int, scale: Decimal, is_narrow: bool
) -> Markup:
    at = Decimal(base)
    drawn = []
    for name in chart.series:
        value = bar.parts.get(name, Decimal(0))
        if value <= 0:
            continue
        tall = max(value * scale - GAP, Decimal("0.5"))
        drawn.append(_rect(chart, bar, name, centre - width / 2, at - tall, width, tall))
        at -= tall + GAP
    if bar.parts and not is_narrow:
        drawn.append(_text(chart.number(bar.total), centre, at - 6, "value", anchor="middle"))
    return Markup("").join(drawn)


def _rect(chart: Chart, bar: Bar, name: str, x: Decimal, y: Decimal, width: Decimal, height: Decimal) -> Markup:
    title = (
        f"{bar.label}, {name}: {chart.number(bar.parts[name])}"
        if bar.label != name
        else (f"{name}: {chart.number(bar.parts[name])}")
    )
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>').format(
        chart.series[name], _number(x), _number(y), _number(width), _number(height), title
    )


def _text(content: str, x: Decimal | int, y: Decimal | int, kind: str, *, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _number(x), _number(y), anchor, content
    )


def _number(value: Decimal | int) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _svg(title: str, height: int, drawn: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, escape(title), Markup("").join(drawn)
    )
