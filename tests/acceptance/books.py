"""Real files brought through the river, and the books it keeps of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.acceptance.raw import SHARED
from tests.river import River


@dataclass(frozen=True, kw_only=True)
class Books:
    """A river with questions that acceptance tests ask of it."""

    river: River

    def bring(self, name: str, mapping: str, **load: Any) -> tuple[UUID, Ledger]:
        """Import a real file and hold its books against each other."""
        run_id, ledger = self.river.load(
            (SHARED / name).read_bytes(), name=name.rpartition("/")[2], mapping=mapping, **load
        )
        assert ledger.read == ledger.mapped + ledger.quarantined_raw + sum(ledger.skipped.values())
        produced = ledger.inserted + ledger.updated + ledger.unchanged + ledger.merged + ledger.quarantined
        assert ledger.produced == produced
        return run_id, ledger

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """As superuser: everything there is."""
        return self.river.rows(query, **values)

    def one(self, query: str, **values: Any) -> Any:
        """The single value that a query gives."""
        ((value,),) = (row.values() for row in self.rows(query, **values))
        return value

    def refused(self, run_id: UUID) -> dict[int, list[str]]:
        """Number in the file of each record put into quarantine, from 1, and the rules it broke."""
        query = """SELECT q.record_no, q.findings FROM quarantine q JOIN chunks c USING (tenant_id, chunk_id)
                   WHERE c.run_id = %(run)s ORDER BY 1"""
        found = self.rows(query, run=run_id)
        return {row["record_no"]: [finding["rule"] for finding in row["findings"]] for row in found}

    def refusals(self, run_id: UUID) -> Counter[str]:
        """How many records each rule refused, those that broke several counted under each."""
        return Counter(rule for rules in self.refused(run_id).values() for rule in rules)

    def warnings(self, run_id: UUID) -> Counter[str]:
        """How many loaded records each rule warns of."""
        query = """SELECT f.rule_id, count(*) AS records FROM findings f JOIN chunks c USING (tenant_id, chunk_id)
                   WHERE c.run_id = %(run)s GROUP BY 1"""
        return Counter({row["rule_id"]: row["records"] for row in self.rows(query, run=run_id)})

    def stands(self) -> bool:
        """Whether everything can be computed again from the raw bytes."""
        return verify(self.river.installation, progress=SilentProgress()).ok
