"""Indicators: sums over rows and what is made of them, exact, with units, and no number for what is missing.

document      what an indicator is made of
order         parts before wholes; circles are refused
sources       rows, and exact sums over them
expression    the sandbox for what users write over indicators
periods       along time: rolling, year on year, cumulative, against a year
compute       all of it together, with what each value came from
"""

from headwater.accounting.indicators.compute import ALIASES, Computed, Figure, Rows, compute, needed_sources
from headwater.accounting.indicators.document import KINDS, Indicator, json_schema, read_indicators
from headwater.accounting.indicators.order import ordered
from headwater.accounting.indicators.sources import CO2E, OTHER_SET, YEARS, Source
from headwater.accounting.indicators.value import Input, Value, label

__all__ = [
    "ALIASES",
    "CO2E",
    "KINDS",
    "OTHER_SET",
    "YEARS",
    "Computed",
    "Figure",
    "Indicator",
    "Input",
    "Rows",
    "Source",
    "Value",
    "compute",
    "json_schema",
    "label",
    "needed_sources",
    "ordered",
    "read_indicators",
]
