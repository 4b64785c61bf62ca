"""Sums to the last digit: Python rounds what it adds up to 28 digits, wherever nothing else is said."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

_EXACT = Context(prec=150_000, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Room for every number that PostgreSQL has, which are the longest: 131,072 digits before the point, 16,383 after."""


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """The sum of all digits of finite decimals; 0 of none."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def exact_difference(first: Decimal, second: Decimal) -> Decimal:
    """The first less the second, both finite."""
    return _EXACT.subtract(first, second)
