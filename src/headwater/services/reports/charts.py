"""Charts as shapes, for a template to draw as SVG: bars from zero, a few gridlines, a title a mark.

Shapes carry classes and no colours, so that a chart follows the page's style sheet through light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

WIDTH = 880
LEFT, RIGHT, TOP, BOTTOM = 72, 12, 28, 34
GAP = Decimal(2)
"""Between the parts of a bar: they are told apart without colour too."""
LABELS = 18
"""How many labels fit below the bars."""


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
    """What is shown: `series` name -> class in the order of drawing; `number` writes a value."""

    title: str
    bars: Sequence[Bar]
    series: Mapping[str, str]
    number: Callable[[Decimal], str]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A rectangle with the title that says what it stands for."""

    kind: str
    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A horizontal line at `y`, from `x1` to `x2`."""

    kind: str
    x1: str
    x2: str
    y: str


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text; `anchor` is start, middle or end."""

    kind: str
    x: str
    y: str
    anchor: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A chart drawn, in units of a box `width` × `height`."""

    title: str
    width: int
    height: int
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]


def columns(chart: Chart, *, height: int = 300) -> Drawing:
    """Upright bars, one a period, their parts on top of each other, the total above where there is room for it."""
    base = height - BOTTOM
    steps = gridlines(max((bar.total for bar in chart.bars), default=Decimal(0)))
    scale = (base - TOP) / steps[-1]
    pitch = Decimal(WIDTH - LEFT - RIGHT) / max(len(chart.bars), 1)
    centres = [LEFT + pitch * place + pitch / 2 for place in range(len(chart.bars))]
    every = -(-len(chart.bars) // LABELS)
    labels = [_label("axis", LEFT - 10, base - step * scale + 4, _plain(step), anchor="end") for step in steps]
    marks: list[Mark] = []
    for place, (bar, centre) in enumerate(zip(chart.bars, centres, strict=True)):
        marks += _stack(chart, bar, centre, min(pitch * Decimal("0.72"), Decimal(72)), base=base, scale=scale)
        if place % every == 0:
            labels.append(_label("axis", centre, height - 12, bar.label, anchor="middle"))
        if bar.parts and pitch >= 56:
            labels.append(
                _label("value", centre, base - bar.total * scale - 6, chart.number(bar.total), anchor="middle")
            )
    lines = [
        Line(kind="grid" if step else "base", x1=str(LEFT), x2=str(WIDTH - RIGHT), y=_units(base - step * scale))
        for step in steps
    ]
    return Drawing(
        title=chart.title, width=WIDTH, height=height, lines=tuple(lines), marks=tuple(marks), labels=tuple(labels)
    )


def room_for(labels: Iterable[str]) -> int:
    """The room that names need beside lying bars, within bounds."""
    return min(max(96, *(8 * len(label) + 16 for label in labels), 0), 400)


def rows(chart: Chart, *, names: int = 96) -> Drawing:
    """Lying bars, one below the other, each labelled directly with its name and its value; `names` is their room."""
    pitch, values = 40, 170
    height = pitch * max(len(chart.bars), 1)
    largest = max((bar.total for bar in chart.bars), default=Decimal(0)) or Decimal(1)
    room = Decimal(WIDTH - names - values)
    marks, labels = [], []
    for place, bar in enumerate(chart.bars):
        y, x = Decimal(pitch * place + 7), Decimal(names)
        labels.append(_label("label", 0, y + 18, bar.label))
        for name, value in bar.parts.items():
            wide = max(room * value / largest, Decimal(1))
            marks.append(_mark(chart, bar, name, x=x, y=y, width=wide, height=Decimal(26)))
            x += wide + GAP
        labels.append(_label("value", x + 8, y + 18, chart.number(bar.total)))
    return Drawing(title=chart.title, width=WIDTH, height=height, lines=(), marks=tuple(marks), labels=tuple(labels))


def gridlines(largest: Decimal) -> list[Decimal]:
    """Zero and up to five round numbers, the last at or above the largest value."""
    if largest <= 0:
        return [Decimal(0), Decimal(1)]
    magnitude = Decimal(10) ** (largest.adjusted() - 1)
    for factor in map(Decimal, ("2", "2.5", "5", "10", "20")):
        step = magnitude * factor
        count = int((largest / step).to_integral_value(ROUND_CEILING))
        if count <= 5:
            return [step * number for number in range(count + 1)]
    raise AssertionError("a number below ten magnitudes has at most five steps of two")


def _stack(chart: Chart, bar: Bar, centre: Decimal, width: Decimal, *, base: int, scale: Decimal) -> Iterator[Mark]:
    y = Decimal(base)
    for name in chart.series:
        value = bar.parts.get(name, Decimal(0))
        if value > 0:
            tall = max(value * scale, Decimal("0.5"))
            seen = max(tall - GAP, tall / 2)  # the gap stands at the top, so that the bar's foot is at zero
            yield _mark(chart, bar, name, x=centre - width / 2, y=y - seen, width=width, height=seen)
            y -= tall


def _mark(chart: Chart, bar: Bar, name: str, *, x: Decimal, y: Decimal, width: Decimal, height: Decimal) -> Mark:
    said = name if name == bar.label else f"{bar.label}, {name}"
    return Mark(
        kind=chart.series[name],
        x=_units(x),
        y=_units(y),
        width=_units(width),
        height=_units(height),
        title=f"{said}: {chart.number(bar.parts[name])}",
    )


def _label(kind: str, x: Decimal | int, y: Decimal | int, text: str, *, anchor: str = "start") -> Label:
    return Label(kind=kind, x=_units(x), y=_units(y), anchor=anchor, text=text)


def _units(value: Decimal | int) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _plain(value: Decimal) -> str:
    return f"{value.normalize():,f}"
