"""What a run's view says of its counts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from headwater.services.runs_view import RunView
from headwater.store.chunks import Ledger
from headwater.store.runs import Run

DIFFERS = {"quantity": {"column": "kwh", "read": "1", "stands": "2", "difference": "-1"}}


def test_chunks_that_were_never_begun_are_told_as_not_loaded_beside_differing_sums() -> None:
    run = Run(
        run_id=UUID(int=1), kind="sync", source_id=b"", source_name="plant", contract_hash=b"", mapping_hash=b"",
        recipe_hash=b"", blob_sha256=b"", text_sha256=b"", encoding="utf-8", layout={}, state="partial_success",
        chunks_planned=5, records_planned=50, started_at=datetime.now(UTC), finished_at=None, error={"gaps": 3},
        reconciliation={"fields": DIFFERS, "stands": 9, "rows_of_source": 9},
    )  # fmt: skip
    ledger = Ledger(
        committed=2, failed=1, read=20, mapped=20, quarantined_raw=0, produced=20, inserted=20, updated=0, unchanged=0,
        merged=0, quarantined=0, skipped={}, calculation={},
    )  # fmt: skip
    view = RunView(
        run=run, contract="activity 1.0.0", mapping="meters 1.0.0", ledger=ledger, refused={}, noticed={}, open=0,
        taken=((), 0), gaps={3: "the source failed"}, unit_id=None,
    )  # fmt: skip
    (told,) = view.differences
    assert told.startswith("3 chunks are not loaded")
