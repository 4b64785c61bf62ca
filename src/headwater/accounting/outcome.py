"""What became of an activity at the calculation."""

from __future__ import annotations

from enum import IntEnum


class CalculationOutcome(IntEnum):
    """0 is a figure; everything else is a finding, and the activity is loaded all the same."""

    CALCULATED = 0
    NO_FACTOR = 1
    TWO_FACTORS = 2
    UNIT_MISMATCH = 3
    OUTSIDE_VALIDITY = 4
    OUT_OF_RANGE = 5


RULE_IDS: dict[CalculationOutcome, str] = {
    CalculationOutcome.NO_FACTOR: "calculation.no_factor",
    CalculationOutcome.TWO_FACTORS: "calculation.two_factors",
    CalculationOutcome.UNIT_MISMATCH: "calculation.unit_mismatch",
    CalculationOutcome.OUTSIDE_VALIDITY: "calculation.outside_validity",
    CalculationOutcome.OUT_OF_RANGE: "calculation.out_of_range",
}
"""Stable ids of the findings."""
