"""Indicators: those that packs bring and those of documents, computed from what stands or from inventories."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from headwater.accounting.indicators import (
    Computed,
    Figure,
    Indicator,
    Value,
    compute,
    needed_sources,
    ordered,
    read_indicators,
)
from headwater.documents.counted import counted
from headwater.documents.reading import read_text
from headwater.documents.strict_yaml import parse_yaml
from headwater.services.access.policy import Right
from headwater.services.indicator_sources import inventory_rows, licences_behind, live_rows
from headwater.services.installation import installed_packs
from headwater.services.inventories.calculating import opened_engine
from headwater.services.inventory_lines import Wanted
from headwater.services.reports.charts import Bar, Chart, columns, room_for, rows
from headwater.services.reports.figure_page import Page, Section, Table
from headwater.services.reports.licences import section, together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headwater.services.answers.figures import IndicatorComputed, IndicatorValue, ValuePart
    from headwater.services.installation import Installation
    from headwater.services.reports.charts import Drawing

MOST_BARS = 40
NONE = "none"
WORDS = {"facility_code": "site"}


@dataclass(frozen=True, kw_only=True)
class Defined:
    """An indicator and where it is defined: a pack's name, or the path of a document."""

    name: str
    indicator: Indicator
    where: str


def defined_indicators(documents: Sequence[Path] = ()) -> dict[str, Defined]:
    """Every indicator by name. One of a document goes before one of the same name that a pack brings."""
    found: dict[str, Defined] = {}
    for pack in installed_packs():
        if pack.indicators is None or not pack.indicators.is_dir():
            continue
        for entry in sorted(pack.indicators.iterdir(), key=lambda each: each.name):
            if entry.name.endswith(".yaml"):
                text = entry.read_text(encoding="utf-8")
                found |= _defined(text, where=f"pack {pack.name}")
    for path in documents:
        found |= _defined(read_text(path, "indicator document"), where=str(path))
    return found


def made_of(defined: Mapping[str, Defined], name: str) -> list[str]:
    """What an indicator is made of, itself last. NotFound: there is none of this name."""
    return ordered({key: each.indicator for key, each in defined.items()}, [name])


def compute_indicators(
    installation: Installation,
    defined: Mapping[str, Defined],
    names: Sequence[str],
    *,
    by: Sequence[str] | None = None,
    wanted: Wanted | None = None,
    inventories: Sequence[str] = (),
) -> list[Computed]:
    """The named indicators, all of them where none is named: from inventories, or from what stands."""
    installation.require(Right.QUERY)
    indicators = {name: each.indicator for name, each in defined.items()}
    chosen = list(names) or list(indicators)
    with opened_engine(installation) as connection:
        needed, wanted = needed_sources(indicators, chosen), wanted or Wanted()
        if inventories:
            sources = inventory_rows(installation, connection, needed, wanted, inventories)
        else:
            sources = live_rows(installation, connection, needed, wanted)
        behind = licences_behind(installation, connection, needed, inventories)
        return [
            replace(each, licences=together(behind[name] for name in needed_sources(indicators, [each.name])))
            for each in compute(indicators, sources, chosen, by=by)
        ]


def as_json(computed: Computed) -> IndicatorComputed:
    """Plain values; figures are texts with all their places."""
    return {
        "name": computed.name,
        "title": computed.indicator.title,
        "kind": computed.indicator.kind,
        "by": [WORDS.get(name, name) for name in computed.dimensions],
        "licences": [asdict(licence) for licence in computed.licences],
        "values": [_figure_json(computed, figure) for figure in computed.figures],
    }


def page(found: Sequence[Computed], *, organisation: str, of: str) -> Page:
    """The indicators as a page; a bar for each value where there are several."""
    return Page(
        title=f"Indicators of {organisation}",
        eyebrow="indicators",
        context=f"from {of} · every value names the rows it rests on",
        tiles=[
            (f"{each.figures[0].figure:,f}", f"{each.figures[0].unit}, {each.indicator.title}")
            for each in found
            if len(each.figures) == 1 and each.figures[0].figure is not None
        ][:6],
        sections=[*map(_section, found), section(together(each.licences for each in found))],
    )


def key_words(figure: Figure) -> list[str]:
    """What tells a value apart, as texts."""
    return [NONE if part is None else str(part) for part in figure.key]


def common_notes(computed: Computed) -> list[str]:
    """What is to be said of every value alike."""
    told = [figure.value.told for figure in computed.figures]
    return [note for note in (told[0] if told else ()) if all(note in each for each in told)]


def remarks(computed: Computed, figure: Figure) -> str:
    """Why there is no value, and what is to be said of this one alone."""
    common = common_notes(computed)
    return "; ".join([*figure.why, *(note for note in figure.value.told if note not in common)])


def rests_on(computed: Computed) -> list[str]:
    """The sources an indicator rests on in the end, with their hashes; how many rows, where it is taken from rows."""
    rows_of: dict[str, int] = {}
    for figure in computed.figures:
        for each in figure.value.rests_on:
            condition = f" where {each.condition}" if each.condition else ""
            line = f"{each.source}{condition}, SHA-256 {each.sha256}"
            rows_of[line] = rows_of.get(line, 0) + each.rows
    is_direct = not any(figure.value.parts for figure in computed.figures)
    return [f"{counted(count, 'row')} of {line}" if is_direct else line for line, count in rows_of.items()]


def sentence(words: str) -> str:
    """Words as a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


def _defined(text: str, *, where: str) -> dict[str, Defined]:
    found = read_indicators(parse_yaml(text, where=where), where=where)
    return {name: Defined(name=name, indicator=indicator, where=where) for name, indicator in found.items()}


def _figure_json(computed: Computed, figure: Figure) -> IndicatorValue:
    return {
        "key": {WORDS.get(name, name): _told(part) for name, part in zip(computed.dimensions, figure.key, strict=True)},
        "value": None if figure.figure is None else f"{figure.figure:f}",
        "unit": figure.unit,
        "not_available": list(figure.why),
        "notes": list(figure.value.told),
        **_value_json(figure.value),
    }


def _value_json(value: Value) -> ValuePart:
    """What a value came from, down to the rows."""
    found: ValuePart = {
        "exact": None if value.quantity is None else str(value.quantity),
        "rests_on": [
            {"source": each.source, "where": each.condition, "rows": each.rows, "sha256": each.sha256}
            for each in value.inputs
        ],
    }
    if value.parts:
        found["parts"] = {name: _value_json(part) for name, part in value.parts}
    return found


def _section(computed: Computed) -> Section:
    indicator = computed.indicator
    heads = [WORDS.get(name, name) for name in computed.dimensions]
    table = [
        [
            *key_words(figure),
            "not available" if figure.figure is None else f"{figure.figure:,f}",
            figure.unit or "",
            remarks(computed, figure),
        ]
        for figure in computed.figures
    ]
    return Section(
        heading=indicator.title,
        sentences=[indicator.description] if indicator.description else [],
        drawing=_drawing(computed),
        tables=[
            Table(
                caption=counted(len(table), "value"),
                columns=[*heads, "value", "unit", "remarks"],
                rows=table,
                numbers=[len(heads)],
            )
        ],
        below=[*map(sentence, common_notes(computed)), *(f"Rests on {line}." for line in rests_on(computed))],
    )


def _drawing(computed: Computed) -> Drawing | None:
    """Bars for several values of one unit, none of them below 0; upright along time."""
    there = [figure for figure in computed.figures if figure.figure is not None]
    units = {figure.unit for figure in there}
    if len(there) < 2 or len(computed.figures) > MOST_BARS or len(units) != 1:
        return None
    if any(figure.figure is not None and figure.figure < 0 for figure in there):
        return None
    unit = units.pop() or ""
    bars = [
        Bar(
            label=", ".join(key_words(figure)),
            parts={} if figure.figure is None else {computed.indicator.title: figure.figure},
        )
        for figure in computed.figures
    ]
    chart = Chart(
        title=f"{computed.indicator.title} in {unit}",
        bars=bars,
        series={computed.indicator.title: "scope3"},
        number=lambda value: f"{_few(value)} {unit}",
    )
    is_time = computed.dimensions in {("year",), ("month",)}
    return columns(chart) if is_time else rows(chart, names=room_for(bar.label for bar in bars))


def _few(value: Decimal) -> str:
    """Enough digits for the eye."""
    places = max(0, min(6, 2 - value.adjusted())) if value else 0
    return f"{round(value, places):,f}"


def _told(part: object) -> str | int | None:
    return part if part is None or isinstance(part, str | int) else str(part)
