"""From a line of an inventory to the factor as it was pinned, the activity, and the record in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.accounting.inventory.lines import KEY, NAMES, canonical
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.inventories.choosing import recomputed_lines
from headwater.services.inventories.inputs import FACTOR, INSTRUMENT
from headwater.services.inventories.viewing import find_inventory
from headwater.services.tracing.trace import Node, RecordTrace, Trace
from headwater.services.tracing.tracer import trace_record
from headwater.store import audit, inventories
from headwater.store.stored_rows import find_rows, parse_rows

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredInventory

LINE = "inventory_line"
LINE_KEY = "|".join(["INVENTORY", *KEY])


@dataclass(frozen=True, kw_only=True)
class LineTrace:
    """A line, with everything behind it.

    inventory    its name
    line         column of the line → canonical text; masses in kg
    activities   hash of the activities that were pinned, `factors` of the factors
    factor_record  the factor as it stands now; None where it does not
    audit_entry  the entry of the chain that the inventory was calculated with
    anchor       the head of the audit chain now
    recomputed   whether plain Python, from the pins, gives the very line that is stored
    factor       the factor or instrument as pinned; None of a reported figure
    record       the activity as it was counted
    is_same_row  whether that row still stands
    """

    inventory: str
    inventory_id: str
    line: Mapping[str, str | None]
    recomputed: bool
    factor: Mapping[str, str | None] | None
    activities: str
    factors: str
    record: RecordTrace
    is_same_row: bool
    factor_record: Trace | None
    audit_entry: str
    anchor: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def tree(self) -> Node:
        """As a person reads it."""
        line = self.line
        scope = f"scope {line['scope']}" if line["scope"] else "outside the scopes"
        scope += f", category {line['category']}" if line["category"] else ""
        said = ", ".join(str(line[name]) for name in ("method", "gwp_set", "stage"))
        children = [
            Node(title="as", value=f"{scope}, {said}", children=tuple(_masses(line))),
            Node(
                title="formula",
                value=formula(line, self.factor),
                children=(Node(title="computed again now", value="the same line" if self.recomputed else "DIFFERS"),),
            ),
            *(Node(title="substitution", value=words) for words in (line["substitutions"] or "").split("; ") if words),
            *self._factor(),
            self._activity(),
            Node(
                title="inventory",
                value=self.inventory,
                children=(
                    Node(title="id", value=self.inventory_id),
                    Node(title="activities pinned", value=f"SHA-256 {self.activities}"),
                    Node(title="audit entry", value=self.audit_entry),
                ),
            ),
            Node(title="audit chain", value=f"ends at {self.anchor}"),
        ]
        value = f"{_short(line['co2e_kg'])} kg CO2e of {line['activity_id']}"
        return Node(title="inventory line", value=value, children=tuple(children))

    def _factor(self) -> list[Node]:
        if self.factor is None:
            return [Node(title="reported", value="the figure came as CO2e; no factor was applied")]
        factor = self.factor
        per_unit = factor.get("co2e_kg_per_unit") or factor.get("co2e_kg_per_kwh")
        name = factor.get("factor_id") or factor.get("instrument_id")
        children = [
            Node(title="source", value=f"{factor['source']} {factor.get('source_version') or ''}".strip()),
            Node(title="valid", value=f"{factor['valid_from']} to {factor['valid_to']} (the day after the last)"),
            Node(title="licence", value=factor.get("licence") or "not stated"),
            Node(title="pinned", value=f"SHA-256 {self.factors}"),
        ]
        if self.factor_record is not None:
            children += self.factor_record.tree().children
        unit = factor.get("unit") or "kWh"
        value = f"{name}: {_short(per_unit)} kg CO2e/{unit} ({factor['gwp_set']})"
        return [Node(title="factor", value=value, children=tuple(children))]

    def _activity(self) -> Node:
        record = Trace(key=self.record.key, figure=None, record=self.record, anchor=self.anchor).tree()
        if self.is_same_row:
            return record
        note = Node(title="replaced since", value="this is the row that was counted; it stands no more")
        return Node(title=record.title, value=record.value, children=(note, *record.children))


def formula(line: Mapping[str, str | None], factor: Mapping[str, str | None] | None) -> str:
    """The figure with its numbers, as a person would write it."""
    figure = f"{_short(line['co2e_kg'])} kg CO2e ({line['gwp_set']})"
    if factor is None:
        return f"reported as {figure}"
    counted = f"{_short(line['quantity'])} {line['unit']}" + (f" × share {line['share']}" if line["share"] else "")
    counted += f", of which this part is {_short(line['part_kwh'])} kWh" if line["part_kwh"] else ""
    converted = f"{_short(line['converted_quantity'])} {line['factor_unit']}"
    counted = f"{counted} = {converted}" if counted != converted else converted
    if line["basis"] == "derived":
        named = {
            "co2_kg": "CO2", "ch4_fossil_kg": "fossil CH4", "ch4_non_fossil_kg": "non-fossil CH4", "ch4_kg": "CH4",
            "n2o_kg": "N2O", "gas_kg": str(line["gas"]),
        }  # fmt: skip
        parts = [f"{_short(line[name])} kg {gas} × its potential" for name, gas in named.items() if line[name]]
        return f"{counted}; {' + '.join(parts) or 'nothing'} = {figure}"
    per_unit = factor.get("co2e_kg_per_unit") or factor.get("co2e_kg_per_kwh")
    first = f"{counted}; " if counted != converted else ""
    return f"{first}{converted} × {_short(per_unit)} kg CO2e/{line['factor_unit']} = {figure}"


def trace_line(installation: Installation, key: str) -> LineTrace:
    """Trace a line by its key: inventory and activity, and as much of method, set, stage and part as is needed."""
    installation.require(Right.READ)
    text, activity_id, *rest = [*key.split("|"), ""] if "|" not in key else key.split("|")
    inventory = find_inventory(installation, text)
    line = _line(installation, inventory, activity_id, rest)
    activity, again = recomputed_lines(installation, inventory, activity_id)
    texts = {name: canonical(line[name]) for name in NAMES}
    factor = _factor(installation, inventory, texts)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        entries = audit.entries_of(connection, tenant_id, f"inventory/{inventory.inventory_id}")
        anchor = audit.head(connection, tenant_id)
    counted = activity["activity_row_hash"]
    record = trace_record(installation, "activity", activity_id, row_hash=counted).record
    return LineTrace(
        inventory=inventory.name + (f", number {inventory.number}" if inventory.number else ""),
        inventory_id=str(inventory.inventory_id),
        line=texts,
        recomputed=any({name: canonical(each[name]) for name in NAMES} == texts for each in again),
        factor=factor,
        activities=inventory.activities.hex(),
        factors=(inventory.instruments if texts["instrument_id"] else inventory.factors).hex(),
        record=record,
        is_same_row=_stands(installation, activity_id, counted),
        factor_record=_factor_record(installation, texts),
        audit_entry="; ".join(f"{each.seq}: {each.action}" for each in entries),
        anchor=str(anchor),
    )


def _stands(installation: Installation, activity_id: str, row_hash: str) -> bool:
    tenant_id, activity = installation.tenant_id, installation.contract("activity", 1)
    with installation.database.connect(tenant_id) as connection:
        rows = find_rows(connection, tenant_id, activity, {"activity_id": activity_id})
    return row_hash in {row.row_hash.hex() for row in rows}


def _line(installation: Installation, inventory: StoredInventory, activity_id: str, rest: list[str]) -> dict[str, Any]:
    with installation.database.connect(installation.tenant_id) as connection:
        found, _ = inventories.lines_of(
            connection, installation.tenant_id, inventory.inventory_id, columns=NAMES, activity_id=activity_id
        )
    wanted = dict(zip(KEY[1:], rest, strict=False))
    fitting = [line for line in found if all(str(line[name]) == value for name, value in wanted.items() if value)]
    if len(fitting) == 1:
        return fitting[0]
    keys = ["|".join(str(line[name]) for name in KEY) for line in (fitting or found)]
    raise Misuse(
        "the inventory has several such lines" if fitting else "the inventory has no such line",
        where=f"inventory {inventory.name}",
        value="|".join([activity_id, *rest]),
        valid="; ".join(keys) or "none: `headwater inventory choices` says why",
        remedy=f"Write it as {LINE_KEY}, as far as it is needed.",
    )


def _factor(
    installation: Installation, inventory: StoredInventory, line: Mapping[str, str | None]
) -> dict[str, str | None] | None:
    """The factor or instrument of a line as pinned."""
    key, sha256 = ("factor_id", inventory.factors)
    if line["instrument_id"] is not None:
        key, sha256 = ("instrument_id", inventory.instruments)
    if line[key] is None:
        return None
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        rows = parse_rows(file.read())
    found: list[dict[str, str | None]] = rows.filter(pc.equal(rows[key], pa.scalar(str(line[key])))).to_pylist()
    return found[0]


def _factor_record(installation: Installation, line: Mapping[str, str | None]) -> Trace | None:
    """The factor's own record in its file, where the very same row still stands."""
    contract, name = (FACTOR, line["factor_id"]) if line["factor_id"] else (INSTRUMENT, line["instrument_id"])
    if name is None:
        return None
    try:
        found = trace_record(installation, contract[0], name)
    except Misuse:
        return None
    return found if found.record.row_hash == line["factor_row_hash"] else None


def _masses(line: Mapping[str, str | None]) -> list[Node]:
    names = {
        "CO2": "co2_kg", "fossil CH4": "ch4_fossil_kg", "non-fossil CH4": "ch4_non_fossil_kg", "CH4": "ch4_kg",
        "N2O": "n2o_kg", str(line["gas"]): "gas_kg", "biogenic CO2, outside the scopes": "biogenic_co2_kg",
    }  # fmt: skip
    return [Node(title=gas, value=f"{_short(line[name])} kg") for gas, name in names.items() if line[name] is not None]


def _short(number: str | None) -> str:
    """Without trailing zeros."""
    text = number or "?"
    return text.rstrip("0").rstrip(".") if "." in text else text
