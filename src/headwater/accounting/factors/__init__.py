"""The library of factors: which of them are current, where publishers disagree, what may be passed on, where they hold.

    publications   identity of a factor across publications, and its status, derived and never stored
    conflicts      factors of several publishers for one thing that differ by more than a tenth
    licences       what may be passed on, and on which licences a set of factors rests
    regions        which region lies in which, as data; nothing climbs it unless a policy says so

Factors are rows of the contract `emission_factor` with typed values.
"""

from headwater.accounting.factors.conflicts import Conflict, conflicts
from headwater.accounting.factors.licences import LeftOut, Licence, RestsOn, gate, licences_of, rests_on
from headwater.accounting.factors.publications import CURRENT, STALE, STATUSES, SUPERSEDED, identity, statuses
from headwater.accounting.factors.regions import broader

__all__ = [
    "CURRENT",
    "STALE",
    "STATUSES",
    "SUPERSEDED",
    "Conflict",
    "LeftOut",
    "Licence",
    "RestsOn",
    "broader",
    "conflicts",
    "gate",
    "identity",
    "licences_of",
    "rests_on",
    "statuses",
]
