"""What a replay knows of keys when a full load is swept: those that were read, and those that other sources hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from headwater.pipeline.replay.store import ExpectedChunk, Model, StandingHashes
    from headwater.store.runs import Run

READS_ALL = ("import", "sync")
"""Kinds of runs that may hold all of a source: see `store.sweep.holding_chunks`."""


class Replayed(Protocol):
    """A run as far as it was done again."""

    @property
    def run(self) -> Run:
        """As the chain has it."""

    @property
    def state(self) -> str:
        """The state it has come to."""


S = TypeVar("S", bound=Replayed)


def keys_read(
    model: Model, standing: StandingHashes, runs: Iterable[Collection[ExpectedChunk]], settled: Sequence[str]
) -> Iterator[npt.NDArray[np.uint64]]:
    """Hashes of the keys that the chunks of runs have read so far; those of records older than what stood included, and
    of what they refused and is in one of the states `settled`.
    """
    for chunks in runs:
        roots = [model.known.by_id[chunk.chunk_id].reused or chunk.chunk_id for chunk in chunks]
        yield model.quarantines.settled_keys(roots, settled)
        for root in roots:
            _, hashes = standing(root)
            yield np.frombuffer(hashes, np.uint64, len(hashes) // np.dtype(np.uint64).itemsize)


def holders(swept: Run, replayed: Collection[S], loads: Callable[[Run], tuple[str, bool]]) -> Iterator[S]:
    """The runs by which other sources hold records of the contract of a run: see `store.sweep.holding_chunks`. `loads`
    says which contract a run loads, and whether it is a full load.
    """
    contract = loads(swept)[0]
    others = [
        (other, loads(other.run)[1] and other.run.kind in READS_ALL and other.state == "succeeded")
        for other in replayed
        if other.run.source_id != swept.source_id and loads(other.run)[0] == contract
    ]
    since: dict[bytes, datetime] = {}
    for other, is_whole in others:
        if is_whole:
            source = other.run.source_id
            since[source] = max(other.run.started_at, since.get(source, other.run.started_at))
    for other, _ in others:
        if other.run.started_at >= since.get(other.run.source_id, other.run.started_at):
            yield other
