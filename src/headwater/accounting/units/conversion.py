"""Exact conversion with one declared rounding, half up (away from zero): in Python, and as SQL over DuckDB decimals.

    result = round half up (value × numerator / denominator, scale of the result)

The SQL works in whole numbers of 128 bits, so nothing is rounded before the end. What could need more than 38 digits,
for any value of the declared precision, is refused when the SQL is made, never when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from headwater.errors import Misuse

if TYPE_CHECKING:
    from fractions import Fraction

MOST_DIGITS = 38
MOST_PLACES = 18


@dataclass(frozen=True)
class Digits:
    """A decimal type: `precision` digits in all, `scale` of them behind the point."""

    precision: int
    scale: int

    def __post_init__(self) -> None:
        if not (0 < self.precision <= MOST_DIGITS and 0 <= self.scale <= min(self.precision, MOST_PLACES)):
            raise Misuse(
                "such a decimal cannot be computed exactly",
                value=str(self),
                valid=f"at most {MOST_DIGITS} digits, at most {MOST_PLACES} of them behind the point",
            )

    def __str__(self) -> str:
        return f"DECIMAL({self.precision},{self.scale})"


def rounded(value: Fraction, scale: int) -> Decimal:
    """A fraction at `scale` places, half up (away from zero), with all its digits whatever the decimal context."""
    dividend, divisor = abs(value.numerator) * 10**scale, value.denominator
    units = (2 * dividend + divisor) // (2 * divisor)
    return Decimal((int(value < 0 and units > 0), tuple(int(digit) for digit in str(units)), -scale))


def conversion_sql(value: str, given: Digits, multiplier: Fraction, wanted: Digits) -> str:
    """A DuckDB expression of type `wanted`: `value` (SQL of type `given`) times `multiplier`, rounded half up.

    Misuse: a value of the given type could need more digits than `wanted` has, or than 38 on the way.
    """
    top = multiplier.numerator * 10 ** max(0, wanted.scale - given.scale)
    bottom = multiplier.denominator * 10 ** max(0, given.scale - wanted.scale)
    _check(given, wanted, top, bottom)
    units = _units(f"CAST({value} AS {given})", given)
    if (top, bottom) != (1, 1):
        units = f"sign({units}) * ((abs({units}) * {_whole(2 * top)} + {_whole(bottom)}) // {_whole(2 * bottom)})"
    return _decimal(f"({units})", wanted)


def _check(given: Digits, wanted: Digits, top: int, bottom: int) -> None:
    if top <= 0:
        raise Misuse("a multiplier is above 0", value=f"{top}/{bottom}")
    largest = 10**given.precision - 1
    if 2 * largest * top + bottom >= 10**MOST_DIGITS:
        raise Misuse(
            f"the conversion could need more than {MOST_DIGITS} digits on the way",
            value=f"{given} × {top} / {bottom}",
            valid=f"at most {MOST_DIGITS} digits",
            remedy="Declare fewer digits, or convert to a unit nearer in size.",
        )
    needed = len(str((2 * largest * top + bottom) // (2 * bottom)))
    if needed > wanted.precision:
        raise Misuse(
            "the result may not fit its type",
            value=str(wanted),
            valid=f"at least DECIMAL({needed},{wanted.scale}) for every {given}",
            remedy="Declare more digits, or fewer places.",
        )


def _units(value: str, given: Digits) -> str:
    """The decimal as a whole number of its last place. A bare cast would round, so whole and rest go apart."""
    if not given.scale:
        return f"CAST({value} AS HUGEINT)"
    # Declared wide: a product of two decimals that both fit 64 bits is kept in 64.
    rest = f"CAST({value} % 1 AS DECIMAL({MOST_DIGITS},{given.scale}))"
    return (
        f"(CAST({value} - {value} % 1 AS HUGEINT) * {_whole(10**given.scale)}"
        f" + CAST({rest} * CAST('{10**given.scale}' AS DECIMAL({given.scale + 1},0)) AS HUGEINT))"
    )


def _decimal(units: str, wanted: Digits) -> str:
    """A whole number of last places as a decimal."""
    if not wanted.scale:
        return f"CAST({units} AS {wanted})"
    step, last = _whole(10**wanted.scale), f"0.{'1'.zfill(wanted.scale)}"
    places = wanted.scale
    rest = f"CAST({units} % {step} AS DECIMAL({places},0)) * CAST('{last}' AS DECIMAL({places},{places}))"
    return f"CAST(CAST({units} // {step} AS {wanted}) + CAST({rest} AS {wanted}) AS {wanted})"


def _whole(number: int) -> str:
    return f"CAST('{number}' AS HUGEINT)"
