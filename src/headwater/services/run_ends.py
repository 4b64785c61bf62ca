"""The end of a run: what it could not do is said, what the source no longer refuses is expired, the chain notes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.mending import open_after_resubmission
from headwater.store import audit, runs
from headwater.store.chunks import ledger_of
from headwater.store.quarantine import expire_unseen, open_of_run

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.runs import Run


def end_run(installation: Installation, run: Run, logic: Logic) -> str:
    """Give the run its final state and note it in the audit chain; the state."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        ledger = ledger_of(connection, tenant_id, run.run_id)
        gaps = run.chunks_planned - ledger.committed
        if gaps == 0 and run.kind == "import":
            expire_unseen(connection, tenant_id, run.run_id, run.source_id)
        if run.kind == "resubmit":
            refused = open_after_resubmission(ledger)
        else:
            refused = open_of_run(connection, tenant_id, run.run_id)
        if gaps and ledger.committed:
            state = "partial_success"
        elif gaps:
            state = "failed"
        else:
            state = "succeeded_with_quarantine" if refused else "succeeded"
        error = {"gaps": gaps} if gaps else None
        runs.finish_run(connection, tenant_id, run.run_id, state, error=error)
        audit.append(
            connection,
            tenant_id,
            action="run.ended",
            resource=f"run/{run.run_id}",
            result="failed" if gaps else "done",
            payload={"state": state, "gaps": gaps, "open_in_quarantine": refused, "logic": logic.hash.hex()},
        )
    return state
