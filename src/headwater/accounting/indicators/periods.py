"""Indicators over time: rolling, year on year, cumulative, against one year. A missing period is not skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.accounting.indicators.expression import divided
from headwater.accounting.indicators.value import Key, Series, Value, guarded, unavailable
from headwater.accounting.units import Quantity
from headwater.errors import Misuse

if TYPE_CHECKING:
    from headwater.accounting.indicators.document import AgainstYear, Cumulative, Rolling, YearOnYear

Line = Mapping[int, Value]
"""Values by period, counted in years or months."""


def rolling(series: Series, asked: Rolling) -> Series:
    """The sum or mean of a period and those just before it."""

    def at(line: Line, period: int) -> Value:
        wanted = range(period - asked.over + 1, period + 1)
        total = _total(line, wanted, asked.of, asked.step)
        if total.quantity is None or asked.take == "sum":
            return total
        return Value(quantity=Quantity(total.quantity.amount / asked.over, total.quantity.measure), parts=total.parts)

    return _along(series, asked.of, asked.step, at)


def cumulative(series: Series, asked: Cumulative) -> Series:
    """The sum from the first period on."""
    return _along(
        series,
        asked.of,
        asked.step,
        lambda line, period: _total(line, range(min(line), period + 1), asked.of, asked.step),
    )


def year_on_year(series: Series, asked: YearOnYear) -> Series:
    """Against the year before."""
    return _along(
        series,
        asked.of,
        "year",
        lambda line, year: _against(line, year, base=year - 1, name=asked.of, take=asked.take),
    )


def against_year(series: Series, asked: AgainstYear) -> Series:
    """Against one year; `first` is the first that there is, for each line by itself."""

    def at(line: Line, year: int) -> Value:
        base = min(line) if asked.year == "first" else asked.year
        found = _against(line, year, base=base, name=asked.of, take=asked.take)
        return Value(quantity=found.quantity, why=found.why, parts=found.parts, notes=(f"the base year is {base}",))

    return _along(series, asked.of, "year", at)


def _along(series: Series, name: str, step: str, at: Callable[[Line, int], Value]) -> Series:
    """Each value anew from its line of periods, all else that tells it apart kept."""
    if step not in series.dimensions:
        if all(value.quantity is None for value in series.values.values()):
            return series
        raise Misuse(
            f"{name} is not known by {step}", where="indicators", valid=", ".join(series.dimensions) or "as a whole"
        )
    place = series.dimensions.index(step)
    lines: dict[Key, dict[int, Value]] = {}
    for key, value in series.values.items():
        if key[place] is not None:
            lines.setdefault(key[:place] + key[place + 1 :], {})[_number(key[place])] = value
    values = {}
    for rest, line in lines.items():
        for period in sorted(line):
            key = (*rest[:place], _written(period, step), *rest[place:])
            values[key] = guarded(lambda _, line=line, period=period: at(line, period), {})  # type: ignore[misc]
    return Series(dimensions=series.dimensions, values=values)


def _total(line: Line, periods: Sequence[int], name: str, step: str) -> Value:
    found = {_named(name, period, step): line.get(period) for period in periods}
    why = _missing(found)
    if why:
        return Value(why=why, parts=_there(found))
    first, *others = [value.quantity for value in found.values() if value is not None and value.quantity is not None]
    for other in others:
        first = first.plus(other)
    return Value(quantity=first, parts=_there(found))


def _against(line: Line, year: int, *, base: int, name: str, take: str) -> Value:
    found = {_named(name, each, "year"): line.get(each) for each in (base, year)}
    now, before = line.get(year), line.get(base)
    why = _missing(found)
    if why or now is None or before is None or now.quantity is None or before.quantity is None:
        return Value(why=why, parts=_there(found))
    if take == "ratio":
        made = divided(now.quantity, before.quantity, name=_named(name, base, "year"))
    elif take == "difference":
        made = Value(quantity=now.quantity.minus(before.quantity))
    else:
        moved = now.quantity.minus(before.quantity)
        sign = -1 if take == "reduction" else 1
        moved = Quantity(sign * moved.amount, moved.measure)
        made = divided(moved, before.quantity, name=_named(name, base, "year"))
    return Value(quantity=made.quantity, why=made.why, parts=_there(found))


def _missing(found: Mapping[str, Value | None]) -> tuple[str, ...]:
    """Why a value cannot be made of these."""
    none = tuple(f"there is no {name}" for name, value in found.items() if value is None)
    return none + unavailable((name, value) for name, value in found.items() if value is not None)


def _there(found: Mapping[str, Value | None]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, value) for name, value in found.items() if value is not None)


def _number(period: Any) -> int:
    """Years as they are, months (`2024-03`) counted through."""
    if isinstance(period, int):
        return period
    year, month = str(period).split("-")
    return int(year) * 12 + int(month) - 1


def _written(number: int, step: str) -> object:
    return number if step == "year" else f"{number // 12:04}-{number % 12 + 1:02}"


def _named(name: str, period: int, step: str) -> str:
    return f"{name} {_written(period, step)}"
