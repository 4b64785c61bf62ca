"""Units of activities and factors: exact multipliers within a dimension, spellings, and the words that are no unit.

Multipliers are fractions, so that every conversion is exact until the one declared rounding. A unit that depends on
something unsaid (ton, gallon, therm) is not in the registry: its candidates are named instead.
"""

from headwater.accounting.units.registry import (
    CANDIDATES,
    SPELLINGS,
    UNITS,
    candidates,
    conversion,
    find_unit,
    registry_hash,
    units_of,
)
from headwater.accounting.units.unit import Unit

__all__ = [
    "CANDIDATES",
    "SPELLINGS",
    "UNITS",
    "Unit",
    "candidates",
    "conversion",
    "find_unit",
    "registry_hash",
    "units_of",
]
