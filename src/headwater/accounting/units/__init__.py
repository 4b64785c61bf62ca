"""Units of activities and factors: exact multipliers within a dimension, spellings, and the words that are no unit.

    units.csv, doubtful.csv …   the tables: sizes, spellings, doubts, each with its source
    registry                    every unit, every way of writing it
    reading                     a text as a unit, or a finding that names what it may mean
    conversion                  one rounding, half up: Python and SQL to the same digit
    quantity, refusal           arithmetic that refuses what is unsafe, and says what would make it safe
    pint_edge                   to pint and back

Multipliers are fractions, so that every conversion is exact until the one declared rounding. A unit that depends on
something unsaid (ton, gallon, therm) is not in the registry: its candidates are named instead.
"""

from headwater.accounting.units.conversion import Digits, conversion_sql, rounded
from headwater.accounting.units.quantity import Measure, Quantity
from headwater.accounting.units.reading import UnitInDoubt, read_unit, words_of
from headwater.accounting.units.registry import (
    CANDIDATES,
    SPELLINGS,
    UNITS,
    candidates,
    conversion,
    find_unit,
    registry_hash,
    registry_text,
    units_of,
)
from headwater.accounting.units.unit import Unit

__all__ = [
    "CANDIDATES",
    "SPELLINGS",
    "UNITS",
    "Digits",
    "Measure",
    "Quantity",
    "Unit",
    "UnitInDoubt",
    "candidates",
    "conversion",
    "conversion_sql",
    "find_unit",
    "read_unit",
    "registry_hash",
    "registry_text",
    "rounded",
    "units_of",
    "words_of",
]
