"""How sure a figure is: lognormal data, correlated through what they share, and which datum to improve next.

pedigree      scores of data quality as spread, from published tables
model         lines as a sum of products of data
moments       mean, variance and what each datum adds to it, in closed form
sampling      Monte Carlo, seeded and bounded, for quantiles that have no closed form
assessment    both together: intervals of a total and of its groups
"""

from headwater.accounting.uncertainty.assessment import Assessment, Interval, assess
from headwater.accounting.uncertainty.model import FIGURES_SCHEMA, Assumed, Model, build_model
from headwater.accounting.uncertainty.moments import Contribution, contributions
from headwater.accounting.uncertainty.pedigree import INDICATORS, pedigree_table, scores, tables

__all__ = [
    "FIGURES_SCHEMA",
    "INDICATORS",
    "Assessment",
    "Assumed",
    "Contribution",
    "Interval",
    "Model",
    "assess",
    "build_model",
    "contributions",
    "pedigree_table",
    "scores",
    "tables",
]
