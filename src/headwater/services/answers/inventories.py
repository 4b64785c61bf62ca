"""Inventories, their lines, and what was taken for them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from headwater.accounting.comparison.causes import Move, Mover, Side
from headwater.accounting.factors.licences import RestsOn
from headwater.accounting.inventory.lines import COLUMNS
from headwater.services.answers.kinds import FreeObject, Hash
from headwater.services.inventories.viewing import Total
from headwater.store.inventories import StoredFinding

_TYPES: dict[str, Any] = {"string": str, "int64": int, "date32[day]": date, "bool": bool}

if TYPE_CHECKING:
    InventoryLine = dict[str, Any]
else:
    InventoryLine = TypedDict(
        "InventoryLine",
        {
            column.name: Annotated[_TYPES.get(str(column.type), Decimal) | None, Field(description=column.meaning)]
            for column in COLUMNS
        },
    )
    InventoryLine.__doc__ = "A line of an inventory: one figure, in kg. Decimals as texts; null where it has no value."


class InventoryListed(TypedDict):
    """An inventory. Everything it was made of stands as SHA-256.

    document        what it was asked for by
    activities      the activities that were pinned
    factors         the emission factors that were pinned
    instruments     of scope 2, those that were pinned
    potentials      the sets of warming potentials
    rates           of currencies; null where none are needed
    lines           what was calculated
    logic           version of the code that calculated it
    number          that it was published under; null where it is a draft
    discarded_at    when it was put away; null where it was not
    """

    inventory_id: UUID
    name: str
    document: Hash
    activities: Hash
    factors: Hash
    instruments: Hash
    potentials: Hash
    rates: Hash | None
    lines: Hash
    logic: str
    activity_count: int
    line_count: int
    calculated_at: datetime
    number: int | None
    published_at: datetime | None
    discarded_at: datetime | None


class InventoryShown(TypedDict):
    """An inventory with its totals, in kg CO2e.

    document          what it was asked for by; its fields are those of the reference of inventories
    totals            by set of warming potentials and method of scope 2, the inventory's own first
    licences          that the factors rest on
    anchor            the head of the audit chain now
    in_no_total       activities that are in no total
    not_in_own_total  activities that are not in the inventory's own
    """

    inventory: InventoryListed
    document: FreeObject
    totals: list[Total]
    findings: list[StoredFinding]
    licences: list[RestsOn]
    anchor: str
    in_no_total: int
    not_in_own_total: int


class LinesListed(TypedDict):
    """The first lines of those asked for.

    total  how many there are of these
    """

    items: list[InventoryLine]
    total: int


class InventoryPublished(TypedDict):
    """An inventory that stands for ever.

    number  that it was published under
    """

    number: int


class Compared(TypedDict):
    """Two inventories or two runs, and what leads from the one to the other, in kg CO2e.

    moves             what each cause moved, in order: they add up to the difference
    by_type           activity types that moved most
    by_activity       activities that moved most
    moved_activities  how many there are
    notes             what is to be known about the comparison
    licences          of the factors and instruments behind both
    difference_kg     how much more `b` is than `a`
    """

    a: Side
    b: Side
    moves: list[Move]
    by_type: list[Mover]
    by_activity: list[Mover]
    moved_activities: int
    notes: list[str]
    licences: list[RestsOn]
    difference_kg: Decimal
