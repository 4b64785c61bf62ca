"""Figures of a report: grouped so that only what may be added up is added up, and laid out as charts with tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from headwater.services.reports.charts import Bar, Chart, Drawing, columns, rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwater.store.report import Figure

SCOPES = {1: "Scope 1", 2: "Scope 2", 3: "Scope 3"}
CLASSES = {"Scope 1": "scope1", "Scope 2": "scope2", "Scope 3": "scope3"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_MONTHS = 36
"""Beyond these, periods are years."""


@dataclass(frozen=True, kw_only=True)
class ScopeRow:
    """A line of the table beside the chart by scope."""

    scope: str
    kind: str
    methods: str
    categories: str
    records: int
    tonnes: str


@dataclass(frozen=True, kw_only=True)
class PeriodRow:
    """A line of the table beside the chart by period; a scope without a figure is None, which is not zero."""

    period: str
    scopes: tuple[str | None, ...]
    total: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """Figures of one set of warming potentials, and of one method for scope 2, which may be added up.

    by_period  "month" or "year"
    """

    gwp_set: str
    methods: str
    records: int
    total: str
    by_scope: Drawing
    scope_rows: tuple[ScopeRow, ...]
    has_categories: bool
    period: str
    by_period: Drawing
    shown: tuple[str, ...]
    period_rows: tuple[PeriodRow, ...]


def sections(figures: Sequence[Figure]) -> list[Section]:
    """One for each set of potentials, the weightiest first; location- and market-based scope 2 are never added up."""
    found = []
    for gwp_set in dict.fromkeys(figure.gwp_set for figure in figures):
        own = [figure for figure in figures if figure.gwp_set == gwp_set]
        methods = list(dict.fromkeys(figure.method for figure in own if figure.scope == 2)) or [""]
        found += [[figure for figure in own if figure.scope != 2 or figure.method == method] for method in methods]
    found.sort(key=lambda part: sum(figure.co2e_kg for figure in part), reverse=True)
    return [_section(part) for part in found]


def tonnes(kg: Decimal) -> str:
    """Kilograms as tonnes with three decimals, rounded half up, thousands apart."""
    return f"{(kg / 1000).quantize(Decimal('0.001'), ROUND_HALF_UP):,f}"


def words(name: str) -> str:
    """A code as people say it."""
    return {"not_stated": "set not stated"}.get(name, name.replace("_", "-"))


def _section(figures: Sequence[Figure]) -> Section:
    scopes = sorted({figure.scope for figure in figures})
    names = [SCOPES[scope] for scope in scopes]
    sums = {scope: sum((f.co2e_kg for f in figures if f.scope == scope), Decimal(0)) for scope in scopes}
    is_yearly, periods = _periods(figures)
    bars = [_bar(label, inside) for label, inside in periods]
    return Section(
        gwp_set=words(figures[0].gwp_set),
        methods=", ".join(dict.fromkeys(words(figure.method) for figure in figures)),
        records=sum(figure.records for figure in figures),
        total=tonnes(sum(sums.values(), Decimal(0))),
        by_scope=rows(
            Chart(
                title="Emissions by scope in t CO2e",
                bars=[Bar(label=SCOPES[scope], parts={SCOPES[scope]: kg / 1000}) for scope, kg in sums.items()],
                series=CLASSES,
                number=_with_unit,
            )
        ),
        scope_rows=tuple(_scope_row(scope, [f for f in figures if f.scope == scope]) for scope in scopes),
        has_categories=any(figure.category is not None for figure in figures),
        period="year" if is_yearly else "month",
        by_period=columns(
            Chart(title="Emissions by period and scope in t CO2e", bars=bars, series=CLASSES, number=_rounded)
        ),
        shown=tuple(names),
        period_rows=tuple(_period_row(label, inside, scopes) for label, inside in periods),
    )


def _scope_row(scope: int, figures: Sequence[Figure]) -> ScopeRow:
    categories = sorted({figure.category for figure in figures if figure.category is not None})
    return ScopeRow(
        scope=SCOPES[scope],
        kind=CLASSES[SCOPES[scope]],
        methods=", ".join(dict.fromkeys(words(figure.method) for figure in figures)),
        categories=", ".join(map(str, categories)),
        records=sum(figure.records for figure in figures),
        tonnes=tonnes(sum((figure.co2e_kg for figure in figures), Decimal(0))),
    )


def _period_row(label: str, figures: Sequence[Figure], scopes: Iterable[int]) -> PeriodRow:
    by_scope = {scope: [figure.co2e_kg for figure in figures if figure.scope == scope] for scope in scopes}
    return PeriodRow(
        period=label,
        scopes=tuple(tonnes(sum(found, Decimal(0))) if found else None for found in by_scope.values()),
        total=tonnes(sum((figure.co2e_kg for figure in figures), Decimal(0))) if figures else "",
    )


def _bar(label: str, figures: Sequence[Figure]) -> Bar:
    parts: dict[str, Decimal] = {}
    for figure in figures:
        name = SCOPES[figure.scope]
        parts[name] = parts.get(name, Decimal(0)) + figure.co2e_kg / 1000
    return Bar(label=label, parts=parts)


def _periods(figures: Sequence[Figure]) -> tuple[bool, list[tuple[str, list[Figure]]]]:
    """Every month or year from the first to the last, those without figures too: a gap is shown as one."""
    first, last = min(figure.month for figure in figures), max(figure.month for figure in figures)
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    is_yearly = months > MOST_MONTHS or all(figure.method == "reported" for figure in figures)
    if is_yearly:
        years = range(first.year, last.year + 1)
        return True, [(str(year), [f for f in figures if f.month.year == year]) for year in years]
    starts = [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(months)]
    return False, [(_month(start), [f for f in figures if f.month == start]) for start in starts]


def _month(start: date) -> str:
    return f"{MONTHS[start.month - 1]} {start.year}"


def _with_unit(value: Decimal) -> str:
    return f"{_rounded(value)} t CO₂e"


def _rounded(value: Decimal) -> str:
    """Three figures are enough for the eye; the table has all of them."""
    if value == 0:
        return "0"
    places = max(0, min(3, 2 - value.adjusted()))
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
