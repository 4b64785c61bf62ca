"""What the audit chain holds of a run, so that `verify` can hold every fact about it against the chain."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.store.chunks import PlannedChunk
    from headwater.store.connectors import PlannedSourceChunk
    from headwater.store.runs import Run


def planned_payload(
    run: Run, logic: bytes, chunks: Sequence[PlannedChunk], *, file: str, of_source: Sequence[PlannedSourceChunk] = ()
) -> dict[str, Any]:
    """All that is fixed when a run is planned. Layout and plan, which can be long, stand as hashes."""
    return {
        "kind": run.kind,
        "source": run.source_name,
        "source_id": run.source_id.hex(),
        "contract": run.contract_hash.hex(),
        "mapping": run.mapping_hash.hex(),
        "recipe": run.recipe_hash.hex(),
        "factor_set": run.factor_set.hex() if run.factor_set else None,
        **({"reference_codes": run.reference_codes.hex()} if run.reference_codes else {}),
        **({"connector": str(run.connector_id)} if run.connector_id else {}),
        "logic": logic.hex(),
        "file": file,
        "blob": run.blob_sha256.hex(),
        "text": run.text_sha256.hex(),
        "encoding": run.encoding,
        "layout": layout_digest(run.layout),
        "plan": plan_digest(chunks, of_source),
        "chunks": run.chunks_planned,
        "records": run.records_planned,
        "started_at": run.started_at.isoformat(),
    }


def layout_digest(layout: Mapping[str, Any]) -> str:
    """SHA-256 of a layout's canonical JSON."""
    return _digest(layout)


def plan_digest(chunks: Sequence[PlannedChunk], of_source: Sequence[PlannedSourceChunk] = ()) -> str:
    """SHA-256 of where each chunk of a run begins and ends: in its file, or, of a sync, in its source."""
    if of_source:
        ids = [str(chunk.chunk_id) for chunk in chunks]
        return _digest([ids, [asdict(chunk) for chunk in of_source]])
    names = ("chunk_no", "chunk_id", "byte_start", "byte_end", "first_record", "first_line", "records")
    return _digest([[str(getattr(chunk, name)) for name in names] for chunk in chunks])


def _digest(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def run_of_chain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a run that its entry holds whole."""
    hashes = {
        "source_id": "source_id", "contract_hash": "contract", "mapping_hash": "mapping", "recipe_hash": "recipe",
        "factor_set": "factor_set", "blob_sha256": "blob", "text_sha256": "text",
    }  # fmt: skip
    return {
        **{column: payload[name] and bytes.fromhex(payload[name]) for column, name in hashes.items()},
        "reference_codes": bytes.fromhex(payload["reference_codes"]) if "reference_codes" in payload else None,
        "connector_id": UUID(payload["connector"]) if "connector" in payload else None,
        "kind": payload["kind"],
        "source_name": payload["source"],
        "encoding": payload["encoding"],
        "started_at": datetime.fromisoformat(payload["started_at"]),
    }
