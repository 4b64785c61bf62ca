"""Money exchanged by dated rates that the user loads, in the form in which the ECB publishes them.

    Date,USD,JPY,BGN,…        units of each currency for one euro on that day
    2024-03-01,1.0834,162.61,1.9558,…     N/A where none was fixed; the newest day first, or in any order

Rates are exact decimals as published; a rate between two currencies goes through the euro and stays a fraction.
Which day's rate is taken is a written policy, and a rate that is not there is refused: nothing is interpolated, no
other year's rate stands in.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from headwater.accounting.units import candidates, rounded
from headwater.accounting.units.tables import currency_codes
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

BASE = "EUR"
_NONE = frozenset({"", "N/A", "-"})
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, kw_only=True)
class RatePolicy:
    """Which day's rate holds for a day: the latest fixed on it or before, at most `days_back` days ago.

    Rates are fixed on business days. Seven days reach over every weekend and holiday; 0 asks for the day itself.
    """

    days_back: int = 7

    def __post_init__(self) -> None:
        if not 0 <= self.days_back <= 31:
            raise Misuse("a rate older than a month is no rate of the day", value=self.days_back, valid="0 to 31 days")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An amount exchanged, with all that led to it. `rate`: units of `target` for one of `source`, exactly."""

    amount: Decimal
    source: str
    target: str
    rate: Fraction
    fixed: tuple[tuple[str, date, Decimal], ...]
    """The published rates used: currency, day on which it was fixed, units for one euro."""

    def rounded(self, scale: int) -> Decimal:
        """The amount in the target's currency, half up."""
        return rounded(Fraction(self.amount) * self.rate, scale)


class Rates:
    """Rates by currency and day, ready to be asked."""

    def __init__(self, fixed: Mapping[str, Mapping[date, Decimal]], *, name: str) -> None:
        self.name = name
        self._by_currency = {code: sorted(days.items()) for code, days in fixed.items() if days}

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those with at least one rate, and the euro."""
        return tuple(sorted({BASE, *self._by_currency}))

    def days(self, currency: str) -> tuple[date, ...]:
        """Days on which a rate of the currency was fixed, in order; none of the euro and of what is not loaded."""
        return tuple(day for day, _ in self._by_currency.get(currency, ()))

    def fixed(self, currency: str, day: date, policy: RatePolicy | None = None) -> tuple[date, Decimal]:
        """The day on which it was fixed and the units of the currency for one euro. InputRefused: there is none."""
        known = self._by_currency.get(currency)
        if known is None:
            raise InputRefused(
                "no rates are loaded for this currency",
                where=f"rates {self.name}",
                value=currency,
                valid=", ".join(self.currencies),
                remedy="Load a file of rates that has it, or give the amount in another currency."
                if currency in currency_codes()
                else f"It is no ISO 4217 code; it may mean {', '.join(candidates(currency)) or 'none that is near'}.",
            )
        days_back = (policy or RatePolicy()).days_back
        at = bisect_right(known, day, key=lambda entry: entry[0]) - 1
        if at < 0 or known[at][0] < day - timedelta(days=days_back):
            raise self._missing(currency, day, days_back, known, at)
        return known[at]

    def exchange(
        self, amount: Decimal | str | int, source: str, target: str, day: date, policy: RatePolicy | None = None
    ) -> Exchange:
        """Exchange by the rates of a day: through the euro, exact until `Exchange.rounded`."""
        if isinstance(amount, float):
            raise Misuse("a float is not exact", value=amount, valid="a decimal, text or a whole number")
        rate, used = Fraction(1), []
        for currency, over in ((source, True), (target, False)):
            if currency == BASE or source == target:
                continue
            fixed_on, units = self.fixed(currency, day, policy)
            rate = rate / Fraction(units) if over else rate * Fraction(units)
            used.append((currency, fixed_on, units))
        return Exchange(amount=Decimal(amount), source=source, target=target, rate=rate, fixed=tuple(used))

    def _missing(
        self, currency: str, day: date, days_back: int, known: Sequence[tuple[date, Decimal]], at: int
    ) -> InputRefused:
        nearest = [known[place][0].isoformat() for place in (at, at + 1) if 0 <= place < len(known)]
        return InputRefused(
            f"no rate of {currency} was fixed on {day} or in the {days_back} days before",
            where=f"rates {self.name}",
            value=day,
            valid=f"days from {known[0][0]} to {known[-1][0]}; nearest fixed: {', '.join(nearest)}",
            remedy="Load a file that covers the day. Another time's rate is never taken unasked.",
        )


def read_rates(path: Path, *, name: str | None = None) -> Rates:
    """Read a file of rates in the ECB's form (eurofxref-hist.csv). InputRefused names line, column and value.

    name: what the file is called; left out, as its path is.
    """
    called = name or path.name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rates(csv.reader(file, strict=True), called)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused("the file of rates cannot be read", where=called, value=error, valid=_FORM) from error


_FORM = "UTF-8 text with commas: a column Date, then a column for each currency by its ISO 4217 code"


def _rates(lines: Iterable[Sequence[str]], name: str) -> Rates:
    numbered = enumerate(lines, start=1)
    _, first = next(numbered, (1, []))
    header = [text.strip() for text in first]
    while header and not header[-1]:  # the ECB ends every line with a comma
        header.pop()
    codes = header[1:]
    strange = [code for code in codes if not (len(code) == 3 and code.isascii() and code.isupper() and code.isalpha())]
    if not codes or header[0].lower() != "date" or strange or len(set(codes)) < len(codes):
        raise InputRefused("this is no file of rates", where=f"{name}, line 1", value=",".join(header), valid=_FORM)
    fixed: dict[str, dict[date, Decimal]] = {code: {} for code in codes}
    seen: set[date] = set()
    for number, fields in numbered:
        if not any(field.strip() for field in fields):
            continue
        where = f"{name}, line {number}"
        if len(fields) < len(header) or any(field.strip() for field in fields[len(header) :]):
            raise InputRefused("a line has other columns than the header", where=where, value=",".join(fields)[:80])
        day = _day(fields[0].strip(), where)
        if day in seen:
            raise InputRefused("a day stands twice", where=where, value=day, remedy="Remove one of the lines.")
        seen.add(day)
        for code, text in zip(codes, fields[1:], strict=False):
            if text.strip() not in _NONE:
                fixed[code][day] = _rate(text.strip(), f"{where}, {code}")
    return Rates(fixed, name=name)


def _day(text: str, where: str) -> date:
    try:
        if len(text) == 10:  # fromisoformat also takes 20240301 and 2024-W09-5
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputRefused("no date", where=where, value=text, valid="a day as in 2024-03-01")


def _rate(text: str, where: str) -> Decimal:
    whole, _, places = text.partition(".")
    if whole and set(whole + places) <= _DIGITS and len(text) <= 30 and (rate := Decimal(text)) > 0:
        return rate
    raise InputRefused("no rate", where=where, value=text, valid="a decimal above 0 with a point, or N/A")
