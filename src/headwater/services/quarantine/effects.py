"""What a change of the mapping would do to records that stand: what was read last, read by both versions.

Of a file that is its last import. Of a table it is the last sync that read all of it, and each since, which read what
had changed: of a record that several have read the newest reading counts.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.documents.counted import counted
from headwater.engine.duck import engine
from headwater.errors import Misuse
from headwater.services.connectors.reconciling import reads_what_changed
from headwater.services.imports import stored_logic
from headwater.services.logic import compile_logic
from headwater.services.run_texts import RunTexts, span_of
from headwater.store import fixes, runs
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import get_cited_blob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from headwater.connectors.csv_file import RawChunk
    from headwater.pipeline.transform import ChunkTransform, Transformed
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.chunks import Chunk
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

WHOLE = frozenset({"succeeded", "succeeded_with_quarantine"})
LOADED = WHOLE | {"partial_success"}


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Records that stand and would be read otherwise: with other values, or not be loaded at all."""

    changed: int = 0
    refused: int = 0

    @property
    def moved(self) -> int:
        """Both."""
        return self.changed + self.refused


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What each mapping would do, in their order, and what that was found by.

    effects  None where it is not known, for the reason `unknown`
    records  how many were read, those of records that were read again included; None where nothing could be compared
    by       whose records they are, in words
    """

    effects: tuple[Effect | None, ...]
    records: int | None = None
    by: str = ""
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A run, and those of its chunks that are in."""

    run: Run
    chunks: Sequence[Chunk]


def compare(
    installation: Installation,
    source_id: bytes,
    columns: Sequence[str],
    logics: Sequence[Logic],
    *,
    progress: Progress,
) -> Compared:
    """Read what was read of a source last by each mapping, beside the one that had read it.

    columns: those of the records that are to be mended; another layout of a file is not compared.
    """
    if not logics:
        return Compared(effects=())
    with installation.database.connect(installation.tenant_id) as connection:
        found = list(_read_last(connection, installation, source_id, tuple(columns)))
        why = _not_kept(connection, installation, found)
    if why is None:
        try:
            return _compared(installation, found, logics, progress)
        except Misuse as misfit:
            why = f"it cannot be read by another mapping: {misfit}"
    return Compared(effects=(None,) * len(logics), unknown=why)


def _read_last(
    connection: TenantConnection, installation: Installation, source_id: bytes, columns: tuple[str, ...]
) -> Iterator[_Read]:
    """The newest first. A resubmission reads nothing of its source."""
    tenant_id = installation.tenant_id
    for each in fixes.runs_of_source(connection, tenant_id, source_id):
        if each.kind == "resubmit" or (each.kind == "import" and each.state not in LOADED):
            continue
        run = runs.get_run(connection, tenant_id, each.run_id)
        if run.kind == "import" and tuple(run.layout["columns"]) != columns:
            continue
        chunks = [chunk for chunk in chunks_of(connection, tenant_id, run.run_id) if chunk.state == "committed"]
        if chunks or run.state in WHOLE:
            yield _Read(run=run, chunks=chunks)
        if run.kind == "import" or _is_whole(run):
            return


def _is_whole(run: Run) -> bool:
    """Whether a sync read all of its table to the end."""
    return run.state in WHOLE and not reads_what_changed(run)


def _not_kept(connection: TenantConnection, installation: Installation, found: Sequence[_Read]) -> str | None:
    """Why what was read cannot be looked at, where it cannot."""
    if not found:
        return "no run has read this source with the columns that the refused records have"
    tenant_id = installation.tenant_id
    for read in found:
        for sha256 in {chunk.extract_sha256 or read.run.text_sha256 for chunk in read.chunks}:
            if get_cited_blob(connection, tenant_id, sha256).state != "held":
                return f"of what run {read.run.run_id} has read something is erased"
            if installation.blobs.is_gone(tenant_id, sha256):
                return f"what run {read.run.run_id} has read is not among the kept files any more"
    return None


def _compared(
    installation: Installation, found: Sequence[_Read], logics: Sequence[Logic], progress: Progress
) -> Compared:
    records = sum(chunk.records for read in found for chunk in read.chunks)
    changed, refused = np.zeros(len(logics), np.int64), np.zeros(len(logics), np.int64)
    newer: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
    progress.start(f"comparing with {found[0].run.source_name}", total=records)
    try:
        with ExitStack() as stack:
            transforms = _Transforms(installation, stack, logics)
            for read in found:
                keys = [newer]
                texts = stack.enter_context(RunTexts(installation, read.run))
                before, others = transforms.of(read.run)
                for chunk in read.chunks:
                    raw = texts.chunk(span_of(chunk))
                    stands, hashes = _standing(before, raw, newer)
                    keys.append(hashes)
                    for number, other in enumerate(others):
                        now = _rows(other.run(raw.table, raw.record_nos, first_record=1))
                        refused[number] += sum(record not in now for record in stands)
                        changed[number] += sum(now.get(record, row) != row for record, row in stands.items())
                    progress.advance(chunk.records)
                newer = np.unique(np.concatenate(keys))
    finally:
        progress.finish()
    effects = [Effect(changed=int(one), refused=int(other)) for one, other in zip(changed, refused, strict=True)]
    return Compared(effects=tuple(effects), records=records, by=_in_words(found))


class _Transforms:
    """The mapping that a run was read by, and the others, compiled for its columns; once for all runs alike."""

    def __init__(self, installation: Installation, stack: ExitStack, logics: Sequence[Logic]) -> None:
        self._installation = installation
        self._stack = stack
        self._logics = logics
        self._made: dict[tuple[Any, ...], tuple[ChunkTransform, list[ChunkTransform]]] = {}

    def of(self, run: Run) -> tuple[ChunkTransform, list[ChunkTransform]]:
        """Misuse where a mapping does not fit what the run had read."""
        columns = tuple(run.layout["columns"])
        alike = (columns, run.contract_hash, run.mapping_hash, run.recipe_hash, run.reference_codes)
        if alike not in self._made:
            before = stored_logic(self._installation, run)
            made = [self._compiled(logic, before, columns, run.source_id) for logic in (before, *self._logics)]
            self._made[alike] = made[0], made[1:]
        return self._made[alike]

    def _compiled(self, logic: Logic, before: Logic, columns: Sequence[str], source_id: bytes) -> ChunkTransform:
        memory = f"{self._installation.settings.memory_limit // 2**20}MiB"
        duck = self._stack.enter_context(engine(memory_limit=memory))
        bare = replace(logic, factor_set=None, reference_codes=before.reference_codes)
        return compile_logic(self._installation, duck, bare, columns=columns, source_id=source_id)[0]


def _standing(
    before: ChunkTransform, raw: RawChunk, newer: npt.NDArray[np.uint64]
) -> tuple[dict[int, bytes], npt.NDArray[np.uint64]]:
    """As `_rows`, without those whose key a newer run has read; and the hashes of the keys of all."""
    done = before.run(raw.table, raw.record_nos, first_record=1)
    rows, keys = _rows(done), done.standing.key_hashes
    for number in done.standing.record_nos[np.isin(keys, newer)].tolist():
        rows.pop(number, None)
    return rows, keys


def _rows(done: Transformed) -> dict[int, bytes]:
    """Of the records that would be loaded, by number in the chunk, their hash."""
    rows: list[dict[str, Any]] = done.records.select(["record_no", "row_hash"]).to_pylist()
    return {row["record_no"]: row["row_hash"] for row in rows}


def _in_words(found: Sequence[_Read]) -> str:
    if found[0].run.kind != "sync":
        return "of the last import"
    if not _is_whole(found[-1].run):
        return f"that {counted(len(found), 'sync', 'syncs')} of the table have read"
    since = len(found) - 1
    more = f" and {counted(since, 'sync', 'syncs')} since" if since else ""
    return f"that the last sync of the whole table{more} {'have' if since else 'has'} read"
