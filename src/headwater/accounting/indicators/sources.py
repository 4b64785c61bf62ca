"""Rows that indicators are taken from: a relation of the engine with what its fields mean, and sums over it.

Sums are exact: DuckDB adds decimals, one sum for each unit that stands in a group, and the units are brought together
as quantities, which refuse what must not be added (AR5 with AR6, litres with kilograms).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from headwater.accounting.indicators.value import Input, Key, Series, Value, guarded
from headwater.accounting.units import Measure, Quantity
from headwater.accounting.units.families import GWP_SETS
from headwater.contracts.expression import compile_expression
from headwater.documents.counted import counted
from headwater.engine.expressions import parse
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    import duckdb

    from headwater.accounting.indicators.document import Sum, WeightedAverage, _OfRows
    from headwater.contracts.document import FieldSpec

WIDEST = 38
WHOLE = 19
"""Digits of a whole number of 64 bits."""
_SETS = ", ".join(f"'{name}'" for name in GWP_SETS)
CO2E = f"CASE WHEN gwp_set IN ({_SETS}) THEN 'kgCO2e_' || gwp_set ELSE 'kgCO2e' END"
"""SQL of the unit of kilograms of CO2e: in the set of the row, where that is one of those that have units."""
OTHER_SET = f"CASE WHEN gwp_set NOT IN ({_SETS}) THEN gwp_set END"
"""SQL of the set where no unit tells it: figures of two such sets are not added up."""
YEARS = "years"
"""What rows of several inventories must not be added across, unless the indicator itself tells years apart."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A relation, and how its rows may be told apart, added up, and must not be.

    title         what people call it: `lines of inventory 3`
    relation      its SQL name
    fields        by name, for conditions
    dimensions    what its rows may be told apart by, name → SQL
    units         field → SQL that gives its unit as text, where it is not the contract's
    apart         what must not be added across → SQL, null where it does not matter
    whole         a dimension, and the value that stands for all of it: such rows are the total, never a part of it
    period        SQL of the period a row is of, for states
    sha256        of the rows, in hexadecimal
    caveat        what is not among the rows and perhaps should be; told with every value
    """

    title: str
    relation: str
    fields: Mapping[str, FieldSpec]
    dimensions: Mapping[str, str]
    units: Mapping[str, str]
    sha256: str
    apart: Mapping[str, str] = field(default_factory=dict)
    whole: tuple[str, str] | None = None
    period: str | None = None
    caveat: str | None = None

    def known(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names by which its rows can be told apart."""
        return tuple(name for name in names if name in self.dimensions)

    def need(self, name: str, where: str) -> FieldSpec:
        """A field that is a number. Misuse: there is none of this name."""
        spec = self.fields.get(name)
        if spec is None or spec.type not in {"decimal", "integer"}:
            numbers = [each.name for each in self.fields.values() if each.type in {"decimal", "integer"}]
            near = difflib.get_close_matches(name, numbers, n=5) or numbers
            raise Misuse(f"{self.title} have no number of this name", where=where, value=name, valid=", ".join(near))
        return spec

    def unit_sql(self, name: str, given: str | None, where: str) -> str:
        """SQL of a field's unit, or the unit that the document gives."""
        if given is not None:
            return _text(given)
        if name in self.units:
            return self.units[name]
        unit = self.fields[name].unit
        if unit is None:
            raise Misuse(
                "neither contract nor row says in which unit the field is",
                where=where,
                value=name,
                remedy="Say it in the indicator: `unit: person`, or `1` for a pure number.",
            )
        return _text(unit)


def summed(connection: duckdb.DuckDBPyConnection, source: Source, asked: Sum, by: Sequence[str], name: str) -> Series:
    """The sum of a field, by those of `by` that the source knows."""
    where = f"indicator {name}"
    spec = source.need(asked.field, where)
    scale = spec.scale or 0
    rows = _grouped(
        connection,
        source,
        asked,
        by,
        where=where,
        unit=source.unit_sql(asked.field, asked.unit, where),
        counted=f"{_quoted(asked.field)} IS NOT NULL",
        sums={"value": f"CAST({_quoted(asked.field)} AS DECIMAL({WIDEST},{scale}))"},
    )
    return _series(source, asked, by, rows, lambda units: _added(units, "value"))


def averaged(
    connection: duckdb.DuckDBPyConnection, source: Source, asked: WeightedAverage, by: Sequence[str], name: str
) -> Series:
    """The weighted average of a field, by those of `by` that the source knows."""
    where = f"indicator {name}"
    value, weight = source.need(asked.value, where), source.need(asked.weight, where)
    units = [
        source.unit_sql(spec.name, given, where)
        for spec, given in ((value, asked.value_unit), (weight, asked.weight_unit))
    ]
    digits = [spec.precision or WHOLE for spec in (value, weight)]
    product = " * ".join(
        f"CAST({_quoted(spec.name)} AS DECIMAL({precision},{spec.scale or 0}))"
        for spec, precision in zip((value, weight), digits, strict=True)
    )
    if sum(digits) > WIDEST:
        raise Misuse(
            f"the products could need more than {WIDEST} digits", where=where, value=f"{value.name} × {weight.name}"
        )
    scales = (value.scale or 0, weight.scale or 0)
    rows = _grouped(
        connection,
        source,
        asked,
        by,
        where=where,
        unit=f"{units[0]} || chr(31) || {units[1]}",
        counted=f"{_quoted(value.name)} IS NOT NULL AND {_quoted(weight.name)} IS NOT NULL",
        sums={
            "value": f"CAST({product} AS DECIMAL({WIDEST},{sum(scales)}))",
            "weight": f"CAST({_quoted(weight.name)} AS DECIMAL({WIDEST},{scales[1]}))",
        },
    )
    return _series(source, asked, by, rows, _mean)


def condition_sql(source: Source, condition: str | None, where: str) -> str:
    """A condition over the source's fields as SQL, TRUE where there is none. Misuse: it is not allowed."""
    if condition is None:
        return "TRUE"
    try:
        parse(condition, where=where)  # the sandbox's limits, before anything else looks at it
        return compile_expression(condition, source.fields).sql
    except Misuse as error:
        raise Misuse(
            error.what, where=where, value=error.value or condition, valid=error.valid, remedy=error.remedy
        ) from None


def _grouped(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    asked: _OfRows,
    by: Sequence[str],
    *,
    where: str,
    unit: str,
    counted: str,
    sums: Mapping[str, str],
) -> list[dict[str, Any]]:
    """A row for each group, unit and kind of whole: sums, and the counts that decide whether they may be used."""
    dimensions = source.known(by)
    is_whole = "FALSE"
    meets = f"coalesce({condition_sql(source, asked.where, where)}, FALSE)"
    if source.whole is not None:
        name, mark = source.whole
        is_whole = f"coalesce({source.dimensions[name]} = {_text(mark)}, FALSE)"
        if name in dimensions:
            meets = f"({meets} AND NOT {is_whole})"
    told = {
        **{f"key_{place}": source.dimensions[name] for place, name in enumerate(dimensions)},
        "unit_of_value": unit,
        "is_whole": is_whole,
        "meets": meets,
        "has_value": counted,
        **{f"apart_{place}": sql for place, sql in enumerate(source.apart.values())},
        "of_period": source.period or "NULL",
        **{f"value_of_{name}": sql for name, sql in sums.items()},
    }
    keys = [f"key_{place}" for place in range(len(dimensions))]
    columns = [
        *keys,
        "unit_of_value",
        "is_whole",
        "count(*) AS there",
        "count(*) FILTER (meets) AS met",
        "count(*) FILTER (meets AND has_value) AS counted",
        *(f"sum(value_of_{name}) FILTER (meets AND has_value) AS {name}" for name in sums),
        *(
            f"list(DISTINCT apart_{place}) FILTER (meets AND apart_{place} IS NOT NULL) AS apart_{place}"
            for place in range(len(source.apart))
        ),
        "list(DISTINCT of_period) FILTER (meets AND has_value) AS periods",
    ]
    inner = ", ".join(f"{sql} AS {name}" for name, sql in told.items())
    group = ", ".join([*keys, "unit_of_value", "is_whole"])
    found = connection.sql(
        f"SELECT {', '.join(columns)} FROM (SELECT {inner} FROM {source.relation}) GROUP BY {group} ORDER BY {group}"
    )
    names = found.columns
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _series(
    source: Source,
    asked: _OfRows,
    by: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    make: Callable[[Sequence[Mapping[str, Any]]], Value],
) -> Series:
    dimensions = source.known(by)
    groups: dict[Key, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[f"key_{place}"] for place in range(len(dimensions))), []).append(row)
    values = {}
    for key, group in groups.items():
        whole = [row for row in group if row["is_whole"]]
        if source.whole is not None and source.whole[0] in dimensions and len(whole) == len(group):
            continue  # the whole stands under no part of itself
        wholes = [row for row in whole if row["met"]]
        chosen = wholes or group
        value = _value(source, asked, chosen, make)
        entry = Input(
            source=source.title,
            condition=asked.where,
            rows=sum(row["met"] for row in chosen),
            sha256=source.sha256,
        )
        if not entry.rows and asked.when_none == "not_available" and dimensions:
            continue  # a group that the condition leaves nothing of is none
        caveats = () if source.caveat is None else (source.caveat,)
        values[key] = replace(value, inputs=(entry,), notes=(*value.notes, *caveats))
    if not values:
        only_whole = source.whole is not None and source.whole[0] in dimensions
        why = _no_rows(source, asked) + (" and are not of the whole" if only_whole else "")
        return Series(dimensions=(), values={(): Value(why=(why,))})
    return Series(dimensions=dimensions, values=values)


def _value(
    source: Source,
    asked: _OfRows,
    rows: Sequence[Mapping[str, Any]],
    make: Callable[[Sequence[Mapping[str, Any]]], Value],
) -> Value:
    """What rows come to, or why nothing."""
    met, with_value = sum(row["met"] for row in rows), sum(row["counted"] for row in rows)
    if not met:
        units = {row["unit_of_value"] for row in rows}
        if asked.when_none == "zero" and len(units) == 1 and None not in units:
            return guarded(lambda _: Value(quantity=_read(0, next(iter(units)).split(chr(31))[0])), {})
        return Value(why=(_no_rows(source, asked),))
    without = met - with_value
    told = f"{without:,} of {counted(met, 'row')} {'has' if without == 1 else 'have'} no value"
    notes = (f"{told} and {'is' if without == 1 else 'are'} left out",) if without else ()
    if without and (asked.missing == "refuse" or not with_value):
        return Value(why=(told,))
    for place, what in enumerate(source.apart):
        kinds = sorted({kind for row in rows for kind in row[f"apart_{place}"] or ()})
        if len(kinds) > 1:
            named = f"{what} by {' and by '.join(kinds)} cannot be added: choose one"
            years = f"{' and '.join(kinds)} are not added up: ask by year, or for one inventory"
            return Value(why=(years if what == YEARS else named,))
    if getattr(asked, "state", False):
        periods = sorted({str(period) for row in rows for period in row["periods"] or ()})
        if len(periods) > 1:
            return Value(
                why=(f"a state is not added up over periods, and here are {len(periods)} of them: ask by year",)
            )
    value = guarded(lambda _: make([row for row in rows if row["counted"]]), {})
    if value.quantity is None and "gwp_set" in source.dimensions and any("CO2e by" in why for why in value.why):
        value = replace(value, why=tuple(f"{why} Or choose one set, or ask by gwp_set." for why in value.why))
    return replace(value, notes=notes)


def _no_rows(source: Source, asked: _OfRows) -> str:
    return f"there are no rows of {source.title}" + (f" that meet {asked.where}" if asked.where else "")


def _added(rows: Sequence[Mapping[str, Any]], column: str) -> Value:
    first, *others = [_read(row[column], row["unit_of_value"]) for row in rows]
    for other in others:
        first = first.plus(other)
    return Value(quantity=first)


def _mean(rows: Sequence[Mapping[str, Any]]) -> Value:
    """Σ value × weight over Σ weight, in the units of the first row."""
    pairs = [tuple(Measure.read(unit) for unit in row["unit_of_value"].split(chr(31))) for row in rows]
    of_value, of_weight = pairs[0]
    above = below = Fraction(0)
    for row, (its_value, its_weight) in zip(rows, pairs, strict=True):
        one = Quantity(Fraction(1), its_value).to(str(of_value)).amount
        weight = Quantity(Fraction(1), its_weight).to(str(of_weight)).amount
        above += Fraction(row["value"]) * one * weight
        below += Fraction(row["weight"]) * weight
    if not below:
        return Value(why=("the weights add up to 0, by which nothing is divided",))
    return Value(quantity=Quantity(above / below, of_value))


def _read(amount: Any, unit: str | None) -> Quantity:
    if unit is None:
        raise InputRefused("rows have a figure and no unit", remedy="Leave them out with `where`, or mend them.")
    return Quantity(Fraction(amount), Measure.read(unit))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
