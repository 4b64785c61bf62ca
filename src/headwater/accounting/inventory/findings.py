"""What an inventory has to say beside its lines: what is missing, what stood in for it, which claims do not hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

NO_FIGURE = "inventory.no_figure"
RESIDUAL_MIX_MISSING = "inventory.residual_mix_missing"
GRID_AVERAGE = "inventory.grid_average"
NO_UPSTREAM = "inventory.no_upstream"
NO_BIOGENIC = "inventory.no_biogenic"
SUBSTITUTION = "inventory.substitution"
OTHER_SETS = "inventory.other_sets"
NOT_IN_TOTAL = "inventory.not_in_total"
"""As OTHER_SETS, of figures that would be in the inventory's own total if they could be had in its set."""
UNEXPLAINED = "inventory.gases_do_not_explain"
UNCOUNTED = "inventory.parts_not_counted"
NO_ORIGIN = "inventory.methane_of_no_origin"
OUTSIDE_BOUNDARY = "inventory.outside_boundary"
NO_SHARE = "inventory.no_share"
STRADDLES = "inventory.straddles"
BEGINS_BEFORE = "inventory.begins_before"
REPORTED_SCOPE = "inventory.reported_scope"
REPORTED_CATEGORY = "inventory.reported_category"
INSTRUMENT_REFUSED = "inventory.instrument_refused"
INSTRUMENT_UNUSED = "inventory.instrument_unused"
INSTRUMENTS_COMPETE = "inventory.instruments_compete"
UNKNOWN_SET = "inventory.unknown_set"
NOTHING_COUNTED = "inventory.nothing_counted"
UNKNOWN_FACILITY = "inventory.unknown_facility"
UNKNOWN_SOURCE = "inventory.unknown_source"

LEAVES_OUT = frozenset(
    {
        NOTHING_COUNTED,
        UNKNOWN_FACILITY,
        NO_FIGURE,
        RESIDUAL_MIX_MISSING,
        NO_SHARE,
        BEGINS_BEFORE,
        REPORTED_SCOPE,
        NOT_IN_TOTAL,
        INSTRUMENTS_COMPETE,
    }
)
"""Findings that mean that something is not in the totals, at least not in the inventory's own."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of thing noticed, however many activities it concerns.

    subject   what it is about: an activity type with region and unit, an instrument, a set
    quantity  of the activities together, in `unit`, where they have one unit
    """

    rule_id: str
    subject: str
    message: str
    method: str | None = None
    stage: str | None = None
    activities: int = 0
    quantity: Decimal | None = None
    unit: str | None = None
    co2e_kg: Decimal | None = None
