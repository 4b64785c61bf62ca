"""The lines of one activity in plain Python: the twin of `lines_sql`, for a trace, a replay and the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.calculation import half_up
from headwater.accounting.inventory.lines import LINE_SCHEMA, REPORTED, STAGES, line_hash
from headwater.accounting.inventory.tables import limit_of, said_of

if TYPE_CHECKING:
    from headwater.accounting.inventory.figures import FactorFigures, SetFigure
    from headwater.accounting.inventory.tables import PlacedPiece, Tables

Line = dict[str, Any]
_MILLION = 10**6
_SAME = (
    "activity_id", "activity_type", "facility_code", "region", "period_start", "period_end", "quantity", "unit",
    "data_quality", "quantity_uncertainty_percent", "activity_row_hash",
)  # fmt: skip


def lines_of(activity: Mapping[str, Any], tables: Tables, parts: Sequence[tuple[int, Decimal, int]] = ()) -> list[Line]:
    """The lines of an activity whose kind was added to `tables`, in the order of lines.

    parts: of electricity that instruments may cover: part, kWh, number of the demand whose piece covers it.
    """
    document = tables.document
    if activity["period_start"] < document.period.start:
        return []
    boundary, facility, share = document.boundary, activity["facility_code"], None
    if boundary.facilities != "all" and facility not in boundary.facilities:
        return []
    if boundary.approach == "equity_share":
        share = document.share(facility)
        if share is None:
            return []
    same = {name: activity[name] for name in _SAME} | {"activity_pedigree": activity["pedigree"], "share": share}
    if activity["reported_co2e_kg"] is not None:
        found = _reported(activity, document.gwp_sets, share)
    else:
        counted = activity["quantity"] if share is None else _shared(activity["quantity"], share)
        kind = (activity["activity_type"], activity["region"], activity["unit"])
        placed: list[tuple[int, Decimal | None, Decimal, PlacedPiece]] = [
            (0, None, counted, piece) for piece in tables.pieces_of(*kind)
        ]
        placed += [(part, kwh, kwh, piece) for part, kwh, number in parts for piece in tables.pieces_numbered(number)]
        day = activity["period_start"]
        found = [
            line
            for part, kwh, quantity, piece in placed
            if piece.valid_from <= day < piece.valid_to
            for line in figures(quantity, piece, tables, part=part, part_kwh=kwh)
        ]
    empty = dict.fromkeys(LINE_SCHEMA.names)
    whole = [empty | line | same for line in found]
    whole.sort(key=lambda line: (line["method"], line["gwp_set"], line["stage"], line["part"]))
    return [line | {"row_hash": line_hash(line)} for line in whole]


def figures(
    quantity: Decimal, piece: PlacedPiece, tables: Tables, *, part: int = 0, part_kwh: Decimal | None = None
) -> list[Line]:
    """What a quantity comes to by one piece, in every set: the columns that are not the activity's."""
    choice = piece.choice
    if choice.factor is None or choice.multiplier is None:
        return []
    calculated = tables.factors[tables.add_factor(choice.factor)]
    if not 0 <= quantity <= limit_of(choice.multiplier, calculated):
        return []
    factor, ratio = choice.factor, choice.multiplier
    converted = half_up(int(quantity.scaleb(6)) * ratio.numerator, ratio.denominator)
    scope, category = tables.scope_of(piece)
    alike: Line = {
        "method": piece.method or factor["method"],
        "stage": piece.wanted.stage,
        "part": part,
        "part_kwh": part_kwh,
        "tier": piece.tier,
        "scope": scope,
        "category": category,
        "factor_id": factor["factor_id"],
        "instrument_id": factor.get("instrument_id"),
        "renewable": factor.get("renewable"),
        "factor_source": factor["source"],
        "factor_unit": factor["unit"],
        "converted_quantity": decimal(converted),
        "gas": factor.get("gas") if calculated.gas else None,
        "substitutions": "; ".join(said_of(piece, calculated)) or None,
        "factor_uncertainty_percent": factor.get("uncertainty_percent"),
        "factor_pedigree": factor.get("pedigree"),
        "factor_row_hash": factor.get("row_hash"),
    }
    masses = {name: None if mass is None else decimal(mass) for name, mass in calculated.masses(converted).items()}
    return [alike | masses | _in_set(calculated, converted, each) for each in calculated.sets]


def _in_set(calculated: FactorFigures, converted: int, each: SetFigure) -> Line:
    return {
        "gwp_set": each.gwp_set,
        "basis": each.basis,
        "missing_sets": ";".join(each.missing_sets) or None,
        "co2e_kg": decimal(calculated.co2e_of(converted, each)),
    }


def _reported(activity: Mapping[str, Any], asked: Sequence[str], share: Decimal | None) -> list[Line]:
    if activity["reported_scope"] is None:
        return []
    own, kg = activity["reported_gwp_set"] or "not_stated", activity["reported_co2e_kg"]
    missing = ";".join(name for name in asked if name != own)
    return [
        {
            "method": REPORTED,
            "gwp_set": own,
            "stage": STAGES[0],
            "part": 0,
            "scope": activity["reported_scope"],
            "category": activity["reported_category"],
            "basis": REPORTED,
            "co2e_kg": kg if share is None else _shared(kg, share),
            "missing_sets": missing or None,
        }
    ]


def _shared(value: Decimal, share: Decimal) -> Decimal:
    """The share of a value, 6 places, half up."""
    return decimal(half_up(int(value.scaleb(6)) * int(share.scaleb(6)), _MILLION))


def decimal(units: int) -> Decimal:
    """A decimal of 6 places from its units, whatever the context's precision."""
    return Decimal((int(units < 0), tuple(int(digit) for digit in str(abs(units))), -6))
