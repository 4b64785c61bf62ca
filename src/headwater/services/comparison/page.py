"""A comparison as a page: the way from the one total to the other as a waterfall, every number in a table below."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from headwater.accounting.comparison.causes import CAUSES, MEANING
from headwater.documents.counted import counted
from headwater.services.reports.charts import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Drawing, Label, Line, Mark, gridlines
from headwater.services.reports.figure_page import Page, Section, Table
from headwater.services.reports.licences import section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.accounting.comparison.causes import Comparison, Mover

HEIGHT = 320
_NAMES = {"gwp_set": "GWP set"}


def page_of(comparison: Comparison) -> Page:
    """The page."""
    a, b = comparison.a, comparison.b
    columns = ("cause", "moved, t CO2e", "what it is")
    rows = [(named(move.cause), tonnes(move.co2e_kg, sign=True), _meaning(move.cause, move.note))
            for move in comparison.moves]  # fmt: skip
    total = (f"from {a.name} to {b.name}", tonnes(comparison.difference, sign=True), "the sum, with no rest")
    causes = Table(caption=f"{counted(len(rows), 'cause')}, in the order of being replaced",
                   columns=columns, rows=[*rows, total], numbers=(1,))  # fmt: skip
    return Page(
        title=f"{a.name} and {b.name}",
        eyebrow="comparison",
        context=f"{a.what}; {b.what}",
        tiles=(
            (tonnes(a.co2e_kg), f"t CO2e ({a.gwp_set or 'no figures'}), {a.name}"),
            (tonnes(b.co2e_kg), f"t CO2e ({b.gwp_set or 'no figures'}), {b.name}"),
            (tonnes(comparison.difference, sign=True), "t CO2e moved"),
        ),
        sections=(
            Section(
                heading="What moved, and why",
                sentences=("Each cause is replaced in its turn, all before it already those of the second side.",),
                drawing=waterfall(comparison),
                tables=(causes,),
                below=comparison.notes,
            ),
            Section(heading="By activity type", tables=(_movers(comparison.by_type, "activity types"),)),
            Section(heading="By activity", tables=(_movers(comparison.by_activity, "activities"),)),
            section(comparison.licences),
        ),
    )


def _meaning(cause: str, note: str) -> str:
    return MEANING[cause] + (f"; {note}" if note else "")


def _movers(movers: Sequence[Mover], what: str) -> Table:
    columns = ("", "scope", "before, t", "after, t", *(named(cause) for cause in CAUSES))
    rows = [
        (
            mover.name,
            str(mover.scope or ""),
            tonnes(mover.a_kg),
            tonnes(mover.b_kg),
            *(tonnes(kg, sign=True) if kg else "" for kg in mover.moves.values()),
        )
        for mover in movers
    ]
    return Table(
        caption=f"{len(rows)} {what} that moved most, t CO2e by cause",
        columns=columns,
        rows=rows,
        numbers=tuple(range(1, len(columns))),
    )


def waterfall(comparison: Comparison) -> Drawing:
    """Two whole bars from zero, and between them a step for each cause from where the one before it ended."""
    steps = [(comparison.a.name, Decimal(0), comparison.a.co2e_kg, "total")]
    at = comparison.a.co2e_kg
    for move in comparison.moves:
        kind = "more" if move.co2e_kg > 0 else "less"
        steps.append((named(move.cause), at, at + move.co2e_kg, kind))
        at += move.co2e_kg
    steps.append((comparison.b.name, Decimal(0), comparison.b.co2e_kg, "total"))
    in_tonnes = [(name, start / 1000, end / 1000, kind) for name, start, end, kind in steps]
    grid = gridlines(max(max(start, end) for _, start, end, _ in in_tonnes))
    scale = Decimal(HEIGHT - BOTTOM - TOP) / grid[-1]
    lines = [
        Line(kind="grid" if step else "base", x1=str(LEFT), x2=str(WIDTH - RIGHT), y=_units(_y(step, scale)))
        for step in grid
    ]
    labels = [
        Label(kind="axis", x=str(LEFT - 10), y=_units(_y(step, scale) + 4), anchor="end", text=f"{step.normalize():,f}")
        for step in grid
    ]
    marks = []
    for mark, named_label, value in _bars(in_tonnes, scale):
        marks.append(mark)
        labels += [named_label, value]
    return Drawing(
        title=f"From {comparison.a.name} to {comparison.b.name}, t CO2e by cause",
        width=WIDTH,
        height=HEIGHT,
        lines=tuple(lines),
        marks=tuple(marks),
        labels=tuple(labels),
    )


def _bars(steps: Sequence[tuple[str, Decimal, Decimal, str]], scale: Decimal) -> Iterator[tuple[Mark, Label, Label]]:
    pitch = Decimal(WIDTH - LEFT - RIGHT) / len(steps)
    wide = pitch * Decimal("0.7")
    for place, (name, start, end, kind) in enumerate(steps):
        x = LEFT + pitch * place + (pitch - wide) / 2
        top, bottom = _y(max(start, end), scale), _y(min(start, end), scale)
        moved = end - start
        text = tonnes(moved * 1000, sign=kind != "total")
        mark = Mark(
            kind=kind, x=_units(x), y=_units(top), width=_units(wide),
            height=_units(max(bottom - top, Decimal(1) if moved else Decimal(0))), title=f"{name}: {text} t CO2e",
        )  # fmt: skip
        middle = _units(x + wide / 2)
        yield (
            mark,
            Label(kind="axis", x=middle, y=str(HEIGHT - 12), anchor="middle", text=name[:16]),
            Label(kind="value", x=middle, y=_units(top - 6), anchor="middle", text=text),
        )


def _y(value: Decimal, scale: Decimal) -> Decimal:
    return Decimal(HEIGHT - BOTTOM) - value * scale


def _units(value: Decimal) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def named(cause: str) -> str:
    """A cause as people write it."""
    return _NAMES.get(cause, cause)


def tonnes(kg: Decimal, *, sign: bool = False) -> str:
    """Tonnes of so many kg, exact, thousands apart."""
    text = f"{kg.scaleb(-3):+,f}" if sign else f"{kg.scaleb(-3):,f}"
    whole, _, places = text.partition(".")
    text = f"{whole}.{places.rstrip('0')}".rstrip(".")
    return "0" if text in {"+0", "-0"} else text
