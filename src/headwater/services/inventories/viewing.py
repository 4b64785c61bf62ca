"""What stands of inventories: the list, totals by set and method, findings, lines, what differs, licences."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import RestsOn, rests_on
from headwater.accounting.inventory.findings import LEAVES_OUT, NOTHING_COUNTED
from headwater.accounting.inventory.lines import NAMES, counts
from headwater.documents.counted import counted
from headwater.errors import Misuse, NotFound
from headwater.services.access.policy import Right
from headwater.services.inventories.calculating import stored_document
from headwater.services.reports.licences import pinned_rows
from headwater.store import audit, inventories

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.accounting.inventory.document import Inventory
    from headwater.services.answers.inventories import InventoryListed, InventoryShown
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.inventories import LineDifference, LineSum, StoredFinding, StoredInventory

SCOPES = {1: "scope 1", 2: "scope 2", 3: "scope 3"}


@dataclass(frozen=True, kw_only=True)
class Total:
    """A total of one set and one method of scope 2, in kg.

    gwp_set       set of warming potentials
    method        of scope 2
    is_designated  whether it is the inventory's own
    scopes        scope → kg CO2e
    categories    category of scope 3 → kg CO2e; None: none given
    co2e_kg       None where it has no figure at all, which is not 0
    outside_kg    biogenic CO2, outside the scopes and in no total
    """

    gwp_set: str
    method: str
    is_designated: bool
    scopes: dict[int, Decimal]
    categories: dict[int | None, Decimal]
    co2e_kg: Decimal | None
    outside_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class InventoryView:
    """All that is shown of an inventory."""

    inventory: StoredInventory
    document: Inventory
    totals: tuple[Total, ...]
    findings: tuple[StoredFinding, ...]
    licences: tuple[RestsOn, ...]
    anchor: str
    in_no_total: int
    not_in_own: int

    @property
    def heading(self) -> str:
        """How many activities are in no total, and how many not in the inventory's own; how many findings there are."""
        activities, own = self.inventory.activity_count, self.designated
        said = [f"{self.in_no_total:,} of {activities:,} activities are in no total"] if self.in_no_total else []
        if self.not_in_own > self.in_no_total:
            named = f"{own.gwp_set}, {own.method.replace('_', '-')}"
            said.append(f"{self.not_in_own:,} of {activities:,} are not in the inventory's own ({named})")
        said += [] if said else ["all activities are in the totals" if activities else "no activities"]
        count = len(self.findings)
        return f"{'; '.join(said)}; {counted(count, 'finding')}"

    @property
    def without_total(self) -> str:
        """What stands where a total has no figure."""
        is_empty = any(each.rule_id == NOTHING_COUNTED for each in self.findings) or not self.inventory.activity_count
        return "no activities" if is_empty else "no figures"

    @property
    def designated(self) -> Total:
        """The inventory's own total."""
        return next(total for total in self.totals if total.is_designated)

    @property
    def left_out(self) -> int:
        """How many findings say that something is in no total."""
        return sum(finding.rule_id in LEAVES_OUT for finding in self.findings)

    def as_json(self) -> InventoryShown:
        """Plain values."""
        told: Any = {
            "inventory": inventory_json(self.inventory),
            "document": self.document.model_dump(mode="json"),
            "totals": [asdict(total) for total in self.totals],
            "findings": [asdict(finding) for finding in self.findings],
            "licences": [asdict(licence) for licence in self.licences],
            "anchor": self.anchor,
            "in_no_total": self.in_no_total,
            "not_in_own_total": self.not_in_own,
        }
        shown: InventoryShown = told
        return shown


def inventory_json(inventory: StoredInventory) -> InventoryListed:
    """An inventory with its hashes as hexadecimal digits."""
    told: Any = {name: value.hex() if isinstance(value, bytes) else value for name, value in vars(inventory).items()}
    shown: InventoryListed = told
    return shown


def list_inventories(installation: Installation, *, discarded: bool = False) -> list[StoredInventory]:
    """Every inventory, the latest first; those that were discarded only where they are asked for."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        found = inventories.all_inventories(connection, installation.tenant_id)
    return [each for each in found if discarded or each.discarded_at is None]


def find_inventory(installation: Installation, text: str) -> StoredInventory:
    """An inventory by its number, by the beginning of its id, or the latest of a name. Misuse names others.

    One that was discarded is found by its id only.
    """
    installation.require(Right.READ)
    everything = list_inventories(installation, discarded=True)
    known = [each for each in everything if each.discarded_at is None]
    numbered = [each for each in known if each.number is not None and str(each.number) == text]
    begun = [each for each in everything if len(text) >= 4 and str(each.inventory_id).startswith(text.lower())]
    named = [each for each in known if each.name == text][:1]
    found = numbered or begun or named
    if len(found) == 1:
        return found[0]
    raise (Misuse if found else NotFound)(
        "more than one inventory begins so" if found else "there is no such inventory",
        where="inventory",
        value=text,
        valid="; ".join(_called(each) for each in (found or known)[:10]) or "none has been calculated",
        remedy="`headwater inventory list` shows them all.",
    )


def _called(inventory: StoredInventory) -> str:
    number = f"{inventory.number} " if inventory.number is not None else ""
    return f"{number}{inventory.name} ({str(inventory.inventory_id)[:8]})"


def show_inventory(installation: Installation, text: str) -> InventoryView:
    """An inventory with its totals, findings and licences; Stopped where its lines are not those calculated."""
    installation.require(Right.READ)
    inventory = find_inventory(installation, text)
    document = stored_document(installation, inventory)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        inventories.check_lines(connection, tenant_id, inventory, NAMES)
        sums = inventories.sums_of(connection, tenant_id, inventory.inventory_id)
        findings = inventories.findings_of(connection, tenant_id, inventory.inventory_id)
        used = inventories.factors_used(connection, tenant_id, inventory.inventory_id)
        anchor = audit.head(connection, tenant_id)
        in_any, in_own = inventories.activities_in_totals(
            connection, tenant_id, inventory.inventory_id, sets=document.gwp_sets, methods=document.methods,
            own=(document.designated_set, document.designated.method), accept_other_sets=document.accept_other_sets,
        )  # fmt: skip
    return InventoryView(
        inventory=inventory,
        document=document,
        totals=tuple(_totals(sums, document)),
        findings=tuple(findings),
        licences=tuple(_licences(installation, inventory, used)),
        anchor=str(anchor),
        in_no_total=inventory.activity_count - in_any,
        not_in_own=inventory.activity_count - in_own,
    )


def _totals(sums: Sequence[LineSum], document: Inventory) -> Iterator[Total]:
    """One for each set and method; the inventory's own first."""
    pairs = [(gwp_set, method) for gwp_set in document.gwp_sets for method in document.methods]
    own = (document.designated_set, document.designated.method)
    for gwp_set, method in sorted(pairs, key=lambda pair: pair != own):
        found = [
            each for each in sums
            if counts(vars(each), gwp_set, method, accept_other_sets=document.accept_other_sets)
        ]  # fmt: skip
        # A mass is a mass in every set: biogenic CO2 of a figure counts whichever set its CO2e stands in.
        biogenic = [
            each.biogenic_co2_kg or Decimal(0) for each in sums
            if (each.gwp_set == gwp_set or gwp_set in (each.missing_sets or "").split(";"))
            and (each.scope != 2 or each.method == method)
        ]  # fmt: skip
        categories = sorted({each.category for each in found if each.scope == 3}, key=lambda number: number or 0)
        yield Total(
            gwp_set=gwp_set,
            method=method,
            is_designated=(gwp_set, method) == own,
            scopes={scope: _sum(found, scope=scope) for scope in sorted({each.scope for each in found if each.scope})},
            categories={number: _sum(found, scope=3, category=number) for number in categories},
            co2e_kg=_sum(found) if found else None,
            outside_kg=sum(biogenic, Decimal(0)),
        )


def _sum(sums: Sequence[LineSum], **alike: int | None) -> Decimal:
    return sum((each.co2e_kg for each in sums if alike.items() <= vars(each).items()), Decimal(0))


def _licences(
    installation: Installation, inventory: StoredInventory, used: Sequence[tuple[str | None, str | None, int]]
) -> list[RestsOn]:
    """Of the factors and instruments in use, as they were pinned."""
    rows = {(row.get("factor_id"), row.get("instrument_id")): row for row in pinned_rows(installation, inventory)}
    return rests_on(
        (rows[factor_id, instrument_id], lines)
        for factor_id, instrument_id, lines in used
        if factor_id or instrument_id
    )


def list_lines(
    installation: Installation,
    text: str,
    *,
    activity: str | None = None,
    facility: str | None = None,
    gwp_set: str | None = None,
    method: str | None = None,
    scope: int | None = None,
    limit: int | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Lines of an inventory, and how many there are of those asked for; Stopped where they are not those calculated.

    Misuse where none has the value that is asked for. To ask for values is to query, as with records.
    """
    asks = any(value is not None for value in (activity, facility, gwp_set, method, scope))
    installation.require(Right.QUERY if asks else Right.READ)
    inventory = find_inventory(installation, text)
    with installation.database.connect(installation.tenant_id) as connection:
        inventories.check_lines(connection, installation.tenant_id, inventory, NAMES)
        found, total = inventories.lines_of(
            connection,
            installation.tenant_id,
            inventory.inventory_id,
            columns=NAMES,
            activity_id=activity,
            facility_code=facility,
            gwp_set=gwp_set,
            method=method,
            scope=scope,
            limit=limit,
        )
        if total == 0:
            asked = {"activity_id": activity, "facility_code": facility, "gwp_set": gwp_set, "method": method}
            for column, wanted in asked.items():
                if wanted is not None:
                    _refuse_unknown(connection, installation.tenant_id, inventory, column, wanted)
    return found, total


_ASKED = {
    "activity_id": ("--activity", "activity"),
    "facility_code": ("--facility", "site"),
    "gwp_set": ("--gwp-set", "set"),
    "method": ("--method", "method"),
}


def _refuse_unknown(
    connection: TenantConnection, tenant_id: UUID, inventory: StoredInventory, column: str, wanted: str
) -> None:
    """Misuse, with what is near, where no line of the inventory has this value."""
    known = inventories.values_near(connection, tenant_id, inventory.inventory_id, column, wanted)
    if wanted in known:
        return
    option, what = _ASKED[column]
    near = difflib.get_close_matches(wanted, known, n=5, cutoff=0.6) or sorted(known)[:5]
    raise Misuse(
        f"no line of the inventory is of this {what}",
        where=f"inventory {inventory.name}, {option}",
        value=wanted,
        valid=", ".join(near) or "the inventory has no lines",
        remedy="An activity without a figure has no line: `headwater inventory show` names the kinds that have none,"
        " and `headwater inventory choices` tells why."
        if column == "activity_id"
        else None,
    )


@dataclass(frozen=True, kw_only=True)
class Differences:
    """What differs between the inventory's own total and another one, activity by activity.

    difference_kg   of figures that both have; None where there are none
    only_own, only_other  figures that the one has and the other has not: how many, and how many kg; in no difference
    """

    own: tuple[str, str]
    other: tuple[str, str]
    lines: tuple[LineDifference, ...]
    differing: int
    difference_kg: Decimal | None
    only_own: tuple[int, Decimal]
    only_other: tuple[int, Decimal]


def differences(installation: Installation, text: str, *, limit: int) -> list[Differences]:
    """The inventory's own total beside every other that it has; Stopped where its lines are not those calculated."""
    installation.require(Right.READ)
    inventory = find_inventory(installation, text)
    document = stored_document(installation, inventory)
    own = (document.designated_set, document.designated.method)
    others = [(gwp_set, method) for gwp_set in document.gwp_sets for method in document.methods]
    found = []
    with installation.database.connect(installation.tenant_id) as connection:
        inventories.check_lines(connection, installation.tenant_id, inventory, NAMES)
        for other in others:
            if other == own:
                continue
            lines = inventories.differences_of(
                connection, installation.tenant_id, inventory.inventory_id, own, other,
                accept_other_sets=document.accept_other_sets, limit=limit,
            )  # fmt: skip
            found.append(
                Differences(
                    own=own,
                    other=other,
                    lines=tuple(lines),
                    differing=lines[0].differing if lines else 0,
                    difference_kg=lines[0].difference_in_all if lines else Decimal(0) if inventory.line_count else None,
                    only_own=(lines[0].only_a, lines[0].only_a_kg) if lines else (0, Decimal(0)),
                    only_other=(lines[0].only_b, lines[0].only_b_kg) if lines else (0, Decimal(0)),
                )
            )
    return found
