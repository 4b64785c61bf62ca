"""The mending side of a resubmission run: its form as kept with the run, wired to quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.pipeline.mending import NOT_MENDED, RAGGED, MendForm, Mending
from headwater.store.quarantine import HeldRecord, find_held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.store.chunks import Ledger
    from headwater.store.runs import Run


def mending_of(installation: Installation, run: Run, contract: Document) -> Mending | None:
    """What takes the records of a resubmission; None for a run that imports."""
    form = run.layout.get("mends")
    if form is None:
        return None

    def find(keys: Sequence[str]) -> dict[str, HeldRecord]:
        with installation.database.connect(installation.tenant_id) as connection:
            return find_held(connection, installation.tenant_id, keys, run_id=run.run_id, source_id=run.source_id)

    return Mending(MendForm.from_json(form), find, references=contract.reference_rules)


def open_after_resubmission(ledger: Ledger) -> int:
    """How many of the records that a resubmission names it has left open: refused again, or not mended yet."""
    return ledger.quarantined + sum(ledger.skipped.get(reason, 0) for reason in (NOT_MENDED, RAGGED))
