"""Indicators computed: parts before wholes, each told apart as it was asked, exact until it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwater.accounting.indicators import periods
from headwater.accounting.indicators.expression import divided, holds, worth
from headwater.accounting.indicators.order import ordered
from headwater.accounting.indicators.sources import Source, averaged, summed
from headwater.accounting.indicators.value import Key, Series, Value, combine, unavailable
from headwater.errors import HeadwaterError, Misuse

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

    from headwater.accounting.factors import RestsOn
    from headwater.accounting.indicators.document import Conditional, Indicator, Ratio

ALIASES = {"site": "facility_code"}
"""What people call a dimension → what it is called in rows."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One value as it is shown: the figure in its unit, or why there is none."""

    key: Key
    figure: Decimal | None
    unit: str | None
    why: tuple[str, ...]
    value: Value


@dataclass(frozen=True, kw_only=True)
class Computed:
    """One indicator: its figures in order of their keys, and the licences of factors behind them."""

    name: str
    indicator: Indicator
    dimensions: tuple[str, ...]
    figures: tuple[Figure, ...]
    licences: tuple[RestsOn, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The sources by name, and the engine that holds their relations. `absent` says why a source is not there."""

    connection: duckdb.DuckDBPyConnection
    sources: Mapping[str, Source]
    absent: Mapping[str, str] = field(default_factory=dict)


def compute(
    indicators: Mapping[str, Indicator], rows: Rows, names: Sequence[str], *, by: Sequence[str] | None = None
) -> list[Computed]:
    """Compute the named indicators. by: what their values are told apart by; left out, what each says itself."""
    found = []
    for name in names:
        order = ordered(indicators, [name])
        asked = indicators[name].by if by is None else by
        grain = _grain(indicators, order, [ALIASES.get(dimension, dimension) for dimension in asked])
        made: dict[str, Series] = {}
        for part in order:
            made[part] = _series(part, indicators[part], rows, made, grain)
        _check_known(name, made[name], grain, rows)
        found.append(_shown(name, indicators[name], made[name]))
    return found


def needed_sources(indicators: Mapping[str, Indicator], names: Sequence[str]) -> tuple[str, ...]:
    """The sources that the named indicators are taken from in the end."""
    used: dict[str, None] = {}
    for name in ordered(indicators, names):
        of_rows = indicators[name].sum or indicators[name].weighted_average
        if of_rows is not None:
            used[of_rows.of] = None
    return tuple(used)


def _grain(indicators: Mapping[str, Indicator], order: Sequence[str], by: Sequence[str]) -> tuple[str, ...]:
    """By what all parts are told apart: what was asked, and the periods that any of them goes along."""
    steps = []
    for name in order:
        each = indicators[name]
        if each.year_on_year is not None or each.against_year is not None:
            steps.append("year")
        elif each.rolling is not None or each.cumulative is not None:
            steps.append((each.rolling or each.cumulative).step)  # type: ignore[union-attr]
    return tuple(dict.fromkeys([*by, *steps]))


def _series(name: str, indicator: Indicator, rows: Rows, made: Mapping[str, Series], grain: Sequence[str]) -> Series:
    try:
        of_rows = indicator.sum or indicator.weighted_average
        if of_rows is not None and of_rows.of in rows.absent:
            return Series(dimensions=(), values={(): Value(why=(rows.absent[of_rows.of],))})
        if indicator.sum is not None:
            return summed(rows.connection, rows.sources[indicator.sum.of], indicator.sum, grain, name)
        if indicator.weighted_average is not None:
            asked = indicator.weighted_average
            return averaged(rows.connection, rows.sources[asked.of], asked, grain, name)
        return _derived(indicator, made)
    except HeadwaterError as error:
        if error.where not in {None, "indicators"}:
            raise
        raise Misuse(
            error.what, where=f"indicator {name}", value=error.value, valid=error.valid, remedy=error.remedy
        ) from None


def _derived(indicator: Indicator, made: Mapping[str, Series]) -> Series:
    parts = {part: made[part] for part in indicator.names()}
    if indicator.ratio is not None:
        ratio = indicator.ratio
        return combine(parts, lambda found: _ratio(ratio, found))
    if indicator.conditional is not None:
        conditional = indicator.conditional
        return combine(parts, lambda found: _first_case(conditional, found))
    if indicator.expression is not None:
        expression = indicator.expression
        return combine(parts, lambda found: worth(expression, found))
    if indicator.rolling is not None:
        return periods.rolling(made[indicator.rolling.of], indicator.rolling)
    if indicator.cumulative is not None:
        return periods.cumulative(made[indicator.cumulative.of], indicator.cumulative)
    if indicator.year_on_year is not None:
        return periods.year_on_year(made[indicator.year_on_year.of], indicator.year_on_year)
    if indicator.against_year is not None:
        return periods.against_year(made[indicator.against_year.of], indicator.against_year)
    raise AssertionError(f"no kind of indicator: {indicator.kind}")


def _ratio(ratio: Ratio, found: Mapping[str, Value]) -> Value:
    dividend, divisor = found[ratio.of], found[ratio.per]
    why = unavailable(found.items())
    if why or dividend.quantity is None or divisor.quantity is None:
        return Value(why=why)
    return divided(dividend.quantity, divisor.quantity, name=ratio.per)


def _first_case(conditional: Conditional, found: Mapping[str, Value]) -> Value:
    for case in conditional.cases:
        held = holds(case.when, found)
        if not isinstance(held, bool):
            return Value(why=held)
        if held:
            made = worth(case.then, found)
            return Value(quantity=made.quantity, why=made.why, notes=(f"taken since {case.when}",))
    if conditional.otherwise is None:
        return Value(why=("no case holds, and nothing is said for otherwise",))
    made = worth(conditional.otherwise, found)
    return Value(quantity=made.quantity, why=made.why, notes=("taken since no case holds",))


def _check_known(name: str, series: Series, grain: Sequence[str], rows: Rows) -> None:
    unknown = [dimension for dimension in grain if dimension not in series.dimensions]
    if unknown and any(value.quantity is not None for value in series.values.values()):
        known = {dimension for source in rows.sources.values() for dimension in source.dimensions}
        back = {column: word for word, column in ALIASES.items()}
        raise Misuse(
            f"{name} is not known by {unknown[0]}",
            where="by",
            value=unknown[0],
            valid=", ".join(sorted(back.get(dimension, dimension) for dimension in known)),
        )


def _shown(name: str, indicator: Indicator, series: Series) -> Computed:
    figures = []
    for key in sorted(series.values, key=_sorting):
        value = series.values[key]
        figure = unit = None
        why = value.why
        if value.quantity is not None:
            try:
                figure, unit = value.shown(indicator.unit, indicator.places)
            except HeadwaterError as refused:
                why = (" ".join(each for each in (f"{refused.what}.", refused.remedy) if each),)
        figures.append(Figure(key=key, figure=figure, unit=unit, why=why, value=value))
    return Computed(name=name, indicator=indicator, dimensions=series.dimensions, figures=tuple(figures))


def _sorting(key: Key) -> tuple[tuple[int, object], ...]:
    """Numbers by size, then texts, then nothing."""
    return tuple((2, "") if part is None else (0, part) if isinstance(part, int) else (1, str(part)) for part in key)
