"""Every candidate of an activity's figures, from what was pinned: which was taken, and why each other was not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from headwater.accounting.inventory.telling import explanation
from headwater.accounting.inventory.twin import lines_of
from headwater.errors import Misuse
from headwater.pipeline.inventory import InventoryCalculation
from headwater.services.access.policy import Right
from headwater.services.inventories.calculating import opened_engine, stored_document
from headwater.services.inventories.inputs import inputs_of
from headwater.services.inventories.viewing import find_inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.accounting.inventory.policy import Candidate
    from headwater.accounting.inventory.tables import PlacedPiece, Tables
    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredInventory


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One figure that was looked for: what was taken, and every factor that was not.

    stage          of the life cycle
    day            for which
    taken          the factor; None where there was none
    substitutions  what was taken in place of what was looked for
    explanation    of the choice, in words
    candidates     each factor, its source, and why it was not taken; empty for the one that was
    """

    stage: str
    method: str
    region: str
    unit: str
    day: date
    taken: str | None
    substitutions: tuple[str, ...]
    explanation: str
    candidates: tuple[tuple[str, str, str], ...]
    """Factor, its source, and why it was not taken; empty for the one that was."""


def choices(installation: Installation, text: str, activity_id: str) -> list[Considered]:
    """What was looked for the figures of one activity of an inventory, in the order of its stages."""
    installation.require(Right.READ)
    inventory = find_inventory(installation, text)
    activity, tables, parts = recomputed(installation, inventory, activity_id)
    if activity["reported_co2e_kg"] is not None:
        return []
    day = activity["period_start"]
    kind = (activity["activity_type"], activity["region"], activity["unit"])
    pieces = list(tables.pieces_of(*kind))
    pieces += [piece for _, _, number in parts for piece in tables.pieces_numbered(number) if not _is_instrument(piece)]
    return [_considered(piece, tables, day) for piece in pieces if piece.valid_from <= day < piece.valid_to]


def _is_instrument(piece: PlacedPiece) -> bool:
    return bool(piece.choice.factor and piece.choice.factor.get("instrument_id"))


def _considered(piece: PlacedPiece, tables: Tables, day: date) -> Considered:
    wanted, choice = piece.wanted, piece.choice
    looked_at: list[Candidate] = tables.policy.candidates(wanted, day)
    return Considered(
        stage=wanted.stage,
        method=piece.method or " or ".join(wanted.methods),
        region=wanted.region,
        unit=wanted.unit,
        day=day,
        taken=None if choice.factor is None else choice.factor["factor_id"],
        substitutions=choice.substitutions,
        explanation="" if choice.factor is not None else explanation(piece, tables),
        candidates=tuple((each.factor["factor_id"], each.factor["source"], each.reason) for each in looked_at),
    )


def recomputed(
    installation: Installation, inventory: StoredInventory, activity_id: str
) -> tuple[dict[str, Any], Tables, list[tuple[int, Any, int]]]:
    """An activity as pinned, the tables of its inventory made anew, and the parts that instruments cover of it."""
    document = stored_document(installation, inventory)
    with opened_engine(installation) as duck:
        hashes = {
            name: getattr(inventory, name) for name in ("activities", "factors", "instruments", "potentials", "rates")
        }
        calculation = InventoryCalculation(connection=duck, inputs=inputs_of(installation, duck, document, hashes))
        activity = next(_found(calculation, activity_id), None)
        if activity is None:
            raise Misuse(
                "the inventory has no such activity",
                where=f"inventory {inventory.name}",
                value=activity_id,
                valid=f"an activity that begins from {document.period.start} to before {document.period.end}",
            )
        calculation.prepare()
        parts = duck.execute(
            "SELECT part, kwh, demand_no FROM inventory_parts WHERE row_no = ? ORDER BY part", [activity["row_no"]]
        ).fetchall()
    return activity, calculation.tables, parts


def recomputed_lines(
    installation: Installation, inventory: StoredInventory, activity_id: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An activity as pinned, and its lines computed again from the pins, in plain Python."""
    activity, tables, parts = recomputed(installation, inventory, activity_id)
    return activity, lines_of(activity, tables, parts)


def _found(calculation: InventoryCalculation, activity_id: str) -> Iterator[dict[str, Any]]:
    for batch in calculation.inputs.activities():
        at = batch["activity_id"].index(activity_id).as_py()
        if at >= 0:
            yield batch.slice(at, 1).to_pylist()[0]
