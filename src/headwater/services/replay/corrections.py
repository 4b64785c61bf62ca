"""Chunks that expired records which their source had corrected, and that cannot be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwater.errors import HeadwaterError
from headwater.pipeline.chained import CONFLICTS_TOO, OWN_TOO
from headwater.pipeline.replay.corrected import ChunkThatCorrects, adopt_corrected
from headwater.services.imports import stored_logic
from headwater.services.replay.runs import known_chunk, place_in

if TYPE_CHECKING:
    from headwater.pipeline.replay.store import ExpectedChunk, Model
    from headwater.services.installation import Installation
    from headwater.services.replay.runs import SeenRun

ANY_CONTRACT = ""


def take_over_corrected(
    installation: Installation, model: Model, seen: SeenRun, chunk: ExpectedChunk, standing: tuple[bytes, bytes]
) -> None:
    """Expire as many records as the chain says that the chunk did: none of another key than it had loaded, of which
    `standing` has the hashes.
    """
    count = chunk.payload.get("corrected")
    if count is None:
        return
    try:
        contract = stored_logic(installation, seen.run).contract.reference
    except HeadwaterError:  # said where the chunk was to be done again
        contract = ANY_CONTRACT
    raw_hashes, key_hashes = standing
    keys = np.frombuffer(key_hashes[: len(raw_hashes) // 2], np.uint64)
    one = ChunkThatCorrects(
        chunk=known_chunk(seen.run, chunk),
        contract=contract,
        count=count,
        conflicts=CONFLICTS_TOO in chunk.payload,
        own=OWN_TOO in chunk.payload,
    )
    made = adopt_corrected(model.known.connection, one, keys)
    model.differences.compare(
        "chunks", place_in(seen, chunk.chunk_no), "corrected", stored=count, expected=made,
        why="open records of the keys that it loaded",
    )  # fmt: skip
