"""Units, factors and calculations: from a quantity to its emissions, exact and explained."""

from headwater.accounting.calculation import FORMULA, FORMULA_VERSION, Calculation, calculate
from headwater.accounting.calculation_sql import CALCULATION_COLUMNS, calculation_sql, lookup_sql
from headwater.accounting.explanation import Explanation, FactorCatalogue
from headwater.accounting.outcome import RULE_IDS, CalculationOutcome
from headwater.accounting.timeline import TIMELINE_SCHEMA, FactorPolicy, factor_table
from headwater.accounting.units import find_unit, registry_hash

__all__ = [
    "CALCULATION_COLUMNS",
    "FORMULA",
    "FORMULA_VERSION",
    "RULE_IDS",
    "TIMELINE_SCHEMA",
    "Calculation",
    "CalculationOutcome",
    "Explanation",
    "FactorCatalogue",
    "FactorPolicy",
    "calculate",
    "calculation_sql",
    "factor_table",
    "find_unit",
    "lookup_sql",
    "registry_hash",
]
