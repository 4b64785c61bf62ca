"""Two inventories compared: their documents and pinned inputs replaced part by part, each step calculated anew.

boundary  the document's boundary
input     the pinned activities and the period, less what only the mapping changed
mapping   pinned activities that come from the same record of the same file, read by another mapping
method    methods, the policy by which factors are chosen, instruments, what is declared of methane and other sets
factor    pinned factors, energy instruments and exchange rates
gwp_set   the designated set, and the pinned potentials
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.accounting.inventory.lines import counts_sql
from headwater.engine.duck import engine
from headwater.errors import Stopped
from headwater.pipeline.inventory import InventoryCalculation
from headwater.services.comparison.steps import Named, Steps
from headwater.services.inventories.calculating import stored_document
from headwater.services.inventories.inputs import ACTIVITY, inputs_of
from headwater.services.inventories.integrity import require_intact
from headwater.services.inventories.viewing import find_inventory, show_inventory
from headwater.services.reports.licences import together
from headwater.store.origins import origins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from headwater.accounting.comparison.causes import Comparison
    from headwater.accounting.inventory.document import Inventory
    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredInventory

PINS = ("activities", "factors", "instruments", "potentials", "rates")
CHANGED = "comparison_changed"


@dataclass(frozen=True, kw_only=True)
class _State:
    """What one step is calculated from. `mapped` where activities that only a mapping changed are already B's."""

    document: Inventory
    hashes: dict[str, bytes | None]
    mapped: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """All that decides about its figures."""
        return (self.document.hash, *(self.hashes[name] for name in PINS), self.mapped)


def compare_inventories(installation: Installation, a: str, b: str) -> Comparison:
    """What leads from the designated total of inventory `a` to that of inventory `b`.

    Stopped where the lines of one are not those that were calculated.
    """
    memory = f"{installation.settings.memory_limit // 2**20}MiB"
    one, other = find_inventory(installation, a), find_inventory(installation, b)
    for each in (one, other):
        require_intact(installation, each)
    with engine(memory_limit=memory) as duck:
        return _Inventories(installation, duck, one, other).compared()


class _Inventories:
    def __init__(
        self, installation: Installation, duck: duckdb.DuckDBPyConnection, a: StoredInventory, b: StoredInventory
    ) -> None:
        self._installation = installation
        self._duck = duck
        self._a, self._b = a, b
        self._documents = stored_document(installation, a), stored_document(installation, b)
        self._steps = Steps(connection=duck)

    def compared(self) -> Comparison:
        """Seven steps; where two rest on the same they are calculated once."""
        self._find_remapped()
        for state in self._states():
            self._steps.add(state.key, lambda number, state=state: self._calculate(number, state))  # type: ignore[misc]
        found = self._steps.compared(self._named(self._a), self._named(self._b))
        licences = []
        for inventory, side in ((self._a, found.a), (self._b, found.b)):
            view = show_inventory(self._installation, str(inventory.inventory_id))
            licences.append(view.licences)
            stands = view.designated.co2e_kg or Decimal(0)
            if stands != side.co2e_kg:
                raise Stopped(
                    "the inventory does not come out as it stands",
                    where=f"inventory {inventory.name}",
                    value=f"{side.co2e_kg} kg, stored {stands} kg",
                    remedy="`headwater verify` says whether it was changed, or made by another version of Headwater.",
                )
        return replace(found, licences=together(licences))

    def _states(self) -> Iterator[_State]:
        one, other = self._documents
        a, b = ({name: getattr(inventory, name) for name in PINS} for inventory in (self._a, self._b))
        state = _State(document=one, hashes=a)
        yield state
        state = replace(state, document=one.model_copy(update={"boundary": other.boundary}))
        yield state
        document = state.document.model_copy(update={"period": other.period})
        state = _State(document=document, hashes={**a, "activities": b["activities"]}, mapped=False)
        yield state if self._remapped else replace(state, mapped=True)
        state = replace(state, mapped=True)
        yield state
        # All of B but its sets of potentials; rates belong to the factors, and come with them.
        kept = {"gwp_sets": one.gwp_sets, "designated": other.designated.model_copy(
            update={"gwp_set": one.designated_set}
        ), "factors": other.factors.model_copy(update={"rates": one.factors.rates})}  # fmt: skip
        state = replace(state, document=other.model_copy(update=kept))
        yield state
        document = state.document.model_copy(update={"factors": other.factors})
        priced = {name: b[name] for name in ("factors", "instruments", "rates")}
        state = replace(state, document=document, hashes={**state.hashes, **priced})
        yield state
        yield _State(document=other, hashes=b)

    def _calculate(self, number: int, state: _State) -> None:
        inputs = inputs_of(self._installation, self._duck, state.document, dict(state.hashes))
        if not state.mapped:
            read = inputs.activities
            inputs = replace(inputs, activities=lambda: map(self._as_a_mapped, read()))
        document = state.document
        counted = counts_sql(
            f"'{document.designated_set}'",
            f"'{document.designated.method}'",
            accept_other_sets=document.accept_other_sets,
        )
        wanted = counts_sql(f"'{document.designated_set}'", f"'{document.designated.method}'", accept_other_sets=True)
        lacking = f"SELECT gwp_set, sum(co2e_kg) FROM lines_made WHERE {wanted} AND NOT {counted} GROUP BY gwp_set"
        lacks = self._steps.left_out.setdefault(number, {})
        calculation = InventoryCalculation(connection=self._duck, inputs=inputs)
        for lines in calculation.lines():
            self._duck.register("lines_made", lines)
            query = f"SELECT activity_id, scope, activity_type, co2e_kg FROM lines_made WHERE {counted}"
            self._steps.insert(number, query)
            for gwp_set, kg in self._duck.sql(lacking).fetchall():
                lacks[gwp_set] = lacks.get(gwp_set, 0) + kg
            self._duck.unregister("lines_made")

    def _find_remapped(self) -> None:
        """Activities of both whose rows differ although they come from the same record of the same file."""
        for inventory, name in ((self._a, "comparison_a"), (self._b, "comparison_b")):
            self._pinned(inventory, name)
        self._steps.know("SELECT activity_id FROM comparison_a")
        changed = self._duck.execute(
            "SELECT a.activity_row_hash, b.activity_row_hash FROM comparison_a a"
            " JOIN comparison_b b USING (activity_id) WHERE a.activity_row_hash <> b.activity_row_hash"
        ).fetchall()
        came = self._origins([text for pair in changed for text in pair])
        remapped = [
            after for before, after in changed
            if before in came and after in came
            and came[before][:2] == came[after][:2] and came[before][2] != came[after][2]
        ]  # fmt: skip
        self._remapped = bool(remapped)
        self._duck.register("remapped", pa.table({"row_hash": pa.array(remapped, pa.string())}))
        self._duck.execute(f"CREATE OR REPLACE TEMP TABLE {CHANGED} AS SELECT * FROM remapped")
        self._duck.unregister("remapped")

    def _pinned(self, inventory: StoredInventory, name: str) -> None:
        document = self._documents[inventory is self._b]
        hashes: dict[str, bytes | None] = {each: getattr(inventory, each) for each in PINS}
        inputs = inputs_of(self._installation, self._duck, document, hashes)
        for number, batch in enumerate(inputs.activities()):
            self._duck.register("pinned_batch", batch)
            begin = f"CREATE OR REPLACE TEMP TABLE {name} AS" if number == 0 else f"INSERT INTO {name}"
            self._duck.execute(f"{begin} SELECT * FROM pinned_batch")
            self._duck.unregister("pinned_batch")

    def _origins(self, row_hashes: Sequence[str]) -> dict[str, tuple[str, int, str]]:
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            contract = self._installation.contract(*ACTIVITY)
            found = origins(connection, self._installation.tenant_id, contract, row_hashes)
            return {row_hash: (file, number, mapping) for row_hash, file, number, mapping in found}

    def _as_a_mapped(self, batch: pa.Table) -> pa.Table:
        """B's activities with those that only a mapping changed as A has them."""
        self._duck.register("as_b", batch)
        columns = ", ".join(
            f"CASE WHEN c.row_hash IS NULL THEN b.{name} ELSE a.{name} END AS {name}"
            for name in batch.column_names
            if name not in {"row_no", "activity_id"}
        )
        try:
            mixed: pa.Table = self._duck.sql(
                f"SELECT b.row_no, b.activity_id, {columns} FROM as_b b"
                f" LEFT JOIN {CHANGED} c ON c.row_hash = b.activity_row_hash"
                " LEFT JOIN comparison_a a ON a.activity_id = b.activity_id ORDER BY b.row_no"
            ).to_arrow_table()
        finally:
            self._duck.unregister("as_b")
        return mixed.select(batch.column_names).cast(batch.schema)

    def _named(self, inventory: StoredInventory) -> Named:
        document = self._documents[inventory is self._b]
        number = f" number {inventory.number}" if inventory.number is not None else ""
        what = (
            f"{document.organisation}, {document.period.start} to {document.period.end}, {document.designated.method}"
        )
        return Named(
            name=f"inventory {inventory.name}{number}",
            what=what.replace("_", " "),
            gwp_set=document.designated_set,
            activities=inventory.activity_count,
        )
