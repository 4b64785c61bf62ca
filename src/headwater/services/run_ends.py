"""The end of a run: what it could not do is said, what the source no longer refuses is expired, the chain notes it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError
from headwater.services.connectors.asking import CircuitOpen
from headwater.services.connectors.reconciling import reconcile
from headwater.services.full_loads import MOVED
from headwater.services.notifications.happened import run_ended
from headwater.services.notifications.telling import tell
from headwater.services.quarantine.dead_letters import tell_if_waiting
from headwater.services.quarantine.mending import open_after_resubmission
from headwater.store import audit, runs
from headwater.store.chunks import ledger_of
from headwater.store.quarantine import expire_unseen, open_of_run
from headwater.store.sweep import swept_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwater.services.answers.runs import Reconciliation
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.brought import BroughtKeys
    from headwater.store.runs import Run


@contextmanager
def noted_if_broken_off(installation: Installation, run: Run) -> Iterator[None]:
    """A run that a person interrupts is cancelled, one that an error stops has failed; where it is stopped since its
    source is left alone for a while, what is committed makes it a partial success. All can be resumed.
    """
    try:
        yield
    except KeyboardInterrupt:
        _break_off(installation, run, "cancelled", {"message": "interrupted"}, what=None)
        raise
    except HeadwaterError as error:
        _break_off(installation, run, "failed", error.as_kept(), what=error.what)
        raise


def _break_off(installation: Installation, run: Run, state: str, error: Mapping[str, str], *, what: str | None) -> None:
    # The database may be what failed: then the run stands as running, as it does after a kill.
    with suppress(HeadwaterError), installation.database.connect(installation.tenant_id) as connection:
        if (
            error.get("kind") == CircuitOpen.__name__
            and ledger_of(connection, installation.tenant_id, run.run_id).committed
        ):
            state = "partial_success"
        runs.finish_run(connection, installation.tenant_id, run.run_id, state, error=error)
        tell(connection, installation.tenant_id, run_ended(connection, installation.tenant_id, run.run_id, what))
        audit.append(
            connection,
            installation.tenant_id,
            action="run.ended",
            resource=f"run/{run.run_id}",
            result="failed",
            payload={"state": state, **error},
        )
    with suppress(HeadwaterError):
        tell_if_waiting(installation)


def end_run(
    installation: Installation, run: Run, logic: Logic, *, brought: BroughtKeys, nothing_deleted: str | None = None
) -> str:
    """Give the run its final state and note it in the audit chain; the state. `nothing_deleted` is why a full load was
    not swept, which is noted, or what it has deleted: of a sync beside its counts.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        runs.refresh_statistics(connection)
    with installation.database.connect(tenant_id) as connection:
        ledger = ledger_of(connection, tenant_id, run.run_id)
        gaps = run.chunks_planned - ledger.committed
        is_whole = gaps == 0 and nothing_deleted != MOVED  # what moved may be refused still
        if is_whole and (run.kind == "import" or (run.kind == "sync" and logic.recipe.load.strategy == "full")):
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
        reconciled: Reconciliation = {}
        if run.kind == "sync":
            reconciled = reconcile(installation, connection, run, logic, ledger=ledger, brought=brought)
        if nothing_deleted is not None:
            reconciled["nothing_deleted"] = nothing_deleted
        elif run.kind != "resubmit" and logic.recipe.load.strategy == "full" and not gaps:
            swept: Any = swept_by(connection, tenant_id, run.run_id)
            reconciled["deleted"] = swept
        runs.finish_run(connection, tenant_id, run.run_id, state, error=error, reconciliation=reconciled or None)
        tell(connection, tenant_id, run_ended(connection, tenant_id, run.run_id))
        audit.append(
            connection,
            tenant_id,
            action="run.ended",
            resource=f"run/{run.run_id}",
            result="failed" if gaps else "done",
            payload={"state": state, "gaps": gaps, "open_in_quarantine": refused, "logic": logic.hash.hex()}
            | ({"reconciliation": reconciled} if reconciled else {}),
        )
    return state
