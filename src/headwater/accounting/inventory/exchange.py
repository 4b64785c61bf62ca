"""From the activity's unit to the factor's: exact within a kind, and for money by dated rates the document names.

Money spent on a day of 2019 is money of 2019, so `EUR` then meets a factor per `EUR_2019`. Money of another year needs
a price index and is refused; money in another currency needs the rates that the document names.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from headwater.accounting.currencies import BASE, RatePolicy
from headwater.accounting.units import Unit, conversion
from headwater.errors import InputRefused

if TYPE_CHECKING:
    from headwater.accounting.currencies import Rates

_MONEY = re.compile(r"money in ([A-Z]{3})(?: of (\d{4}))?")
SAFE = "name a file of dated rates under factors.rates, or give the amount in the factor's currency"


class Exchange:
    """Multipliers from unit to unit on a day."""

    def __init__(self, rates: Rates | None, policy: RatePolicy | None = None) -> None:
        self._rates = rates
        self._policy = policy or RatePolicy()

    @staticmethod
    def may_convert(unit: Unit, to: Unit) -> bool:
        """Whether one leads to the other on some day: units of one kind, or money."""
        return unit.dimension == to.dimension or (_money(unit) is not None and _money(to) is not None)

    def multiplier(self, unit: Unit, to: Unit, day: date) -> Fraction | str:
        """How many of `to` one of `unit` is; or why that cannot be said."""
        if unit.dimension == to.dimension:
            multiplier = conversion(unit, to)
            return multiplier if multiplier is not None else f"{unit.symbol} does not convert to {to.symbol}"
        one, other = _money(unit), _money(to)
        if one is None or other is None:
            return f"{unit.symbol} does not convert to {to.symbol}"
        for _, year in (one, other):
            if year is not None and year != day.year:
                return f"it is money of {year}, the day is {day}; a price index leads from one year to the other"
        size = unit.size / to.size
        if one[0] == other[0]:
            return size
        if self._rates is None:
            return f"it is per {other[0]}, the activity is in {one[0]}: {SAFE}"
        try:
            return size * self._rates.exchange(1, one[0], other[0], day, self._policy).rate
        except InputRefused as error:
            return str(error).rstrip(".")

    def said(self, unit: Unit, to: Unit, day: date) -> list[str]:
        """The rates behind a multiplier, in words."""
        one, other = _money(unit), _money(to)
        if self._rates is None or one is None or other is None or one[0] == other[0]:
            return []
        fixed = self._rates.exchange(1, one[0], other[0], day, self._policy).fixed
        rates = ", ".join(f"{units} {currency}/{BASE} of {on}" for currency, on, units in fixed)
        return [f"{one[0]} exchanged for {other[0]} at {rates} ({self._rates.name})"]

    def changes(self, unit: Unit, to: Unit, start: date, end: date) -> list[date]:
        """Days of the period on which another rate begins to hold, or one ceases to."""
        one, other = _money(unit), _money(to)
        if self._rates is None or one is None or other is None or one[0] == other[0]:
            return []
        reach = timedelta(days=self._policy.days_back + 1)
        days = [day for currency, _ in (one, other) for day in self._rates.days(currency)]
        return [day for fixed in days for day in (fixed, fixed + reach) if start <= day < end]


def _money(unit: Unit) -> tuple[str, int | None] | None:
    """Currency and year of a unit of money."""
    found = _MONEY.fullmatch(unit.dimension)
    return (found[1], int(found[2]) if found[2] else None) if found else None
