"""A unit, and how exact numbers stand in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit: `size` is how many of the dimension's base unit it is; `source` says who laid that down."""

    symbol: str
    dimension: str
    size: Fraction
    spellings: tuple[str, ...] = ()
    source: str = ""


def exact(text: str) -> Fraction:
    """A decimal, or decimals multiplied and divided from left to right, as in `519.67*5/9`."""
    value = Fraction(1)
    for part in text.replace("/", "*/").split("*"):
        value = value / Fraction(part[1:]) if part.startswith("/") else value * Fraction(part)
    return value
