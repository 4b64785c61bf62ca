"""Greenhouse gases and how much they warm: AR4, AR5 and AR6, refrigerant blends, and sets that users bring.

gases.csv, potentials.csv, blends.csv   the tables, each figure with its source
reading                                 a text as a gas or blend, or a finding that names what it may mean
potentials                              GWP-100 by set; methane without origin has none where origin counts
"""

from headwater.accounting.gases.potentials import BUILT_IN_SETS, Potential, PotentialSets, built_in, gwp
from headwater.accounting.gases.reading import GasInDoubt, find_gas, read_gas
from headwater.accounting.gases.tables import Blend, Gas

__all__ = [
    "BUILT_IN_SETS",
    "Blend",
    "Gas",
    "GasInDoubt",
    "Potential",
    "PotentialSets",
    "built_in",
    "find_gas",
    "gwp",
    "read_gas",
]
