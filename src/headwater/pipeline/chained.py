"""What the audit chain holds of a chunk."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.connectors.csv_file import ChunkSpan
    from headwater.pipeline.ports import EarlierChunk

COUNTS = (
    "read", "mapped", "skipped", "quarantined_raw",
    "produced", "inserted", "updated", "unchanged", "merged", "quarantined",
)  # fmt: skip
KEYS_TOLD = "keys_told"
"""How many records of a chunk were refused for a key in conflict, whose findings tell it; not held of chunks before."""

CONFLICTS_TOO = "conflicts_corrected"
"""That a chunk looked for records refused for a key in conflict, too, among those its source has corrected; not held of
chunks before, which left them open.
"""

OWN_TOO = "own_corrected"
"""That a chunk looked for records which lower chunks of its run refused, too, as where the later reading stands; not
held of chunks before, which left them open.
"""


def chunk_payload(
    ledger: dict[str, Any],
    *,
    beside: EarlierChunk | None = None,
    replaced: int = 0,
    corrected: int = 0,
    keys_told: int = 0,
    later_is_newer: bool = False,
) -> dict[str, Any]:
    """Where a chunk lies, its ledger, the hashes of what went in and what came out.

    `beside` names the chunk whose records were known by their raw hash, so that a replay leaves out the same ones;
    `replaced` is how many records of other sources were replaced, `corrected` how many refused ones the source has;
    `later_is_newer` whether it read rows again that lower chunks may have refused.
    """
    relies_on = "".join(sorted(str(chunk) for chunk in ledger["relies_on"]))
    span: ChunkSpan = ledger["span"]
    extract = span.extract
    return {
        **{name: ledger[name].hex() for name in ("raw_sha256", "logic_hash", "rows_sha256")},
        **{name: ledger[name] for name in COUNTS},
        "calculation": ledger["calculation"],
        "span": [span.byte_start, span.byte_end, span.first_record, span.first_line, span.records],
        "reused": str(ledger["reused_chunk_id"]) if ledger["reused_chunk_id"] else None,
        "beside": str(beside.root) if beside else None,
        **{name: _digest(ledger[name]) for name in ("raw_hashes", "key_hashes")},
        **({"replaced": replaced} if replaced else {}),
        **({"corrected": corrected, CONFLICTS_TOO: True} if corrected else {}),
        **({OWN_TOO: True} if corrected and later_is_newer else {}),
        **({KEYS_TOLD: keys_told} if keys_told else {}),
        "relies_on": hashlib.sha256(relies_on.encode()).hexdigest() if relies_on else None,
        **({"extract": extract.sha256.hex(), "last_row": extract.last_row} if extract else {}),
    }


def _digest(content: bytes | None) -> str | None:
    return hashlib.sha256(content).hexdigest() if content else None
