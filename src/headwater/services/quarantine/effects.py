"""What a change of the mapping would do to records that stand: what was read last, read by the version that is changed
and by the next.

Of a file that is its last import. Of a table it is the last sync that read all of it, and each since, which read what
had changed: of a row that several have read the newest reading counts. A record stands where a row with its key does.
What the version that is changed refuses is not compared, though a row of it may stand that was mended by hand.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.documents.counted import counted
from headwater.engine.duck import engine
from headwater.errors import Misuse
from headwater.mapping.compile import columns_read
from headwater.pipeline.known_rows import KEY
from headwater.pipeline.source_rows import later_is_newer
from headwater.services.connectors.reconciling import reads_what_changed
from headwater.services.full_loads import stored_key_hashes
from headwater.services.quarantine.kept_texts import KeptTexts
from headwater.services.quarantine.newest_rows import NewestRows, told_by_key
from headwater.services.quarantine.two_versions import Readings, Versions
from headwater.services.sources import decimal_written
from headwater.store import fixes, runs
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import get_cited_blob
from headwater.store.keyed_rows import standing_keys
from headwater.store.source_units import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from headwater.connectors.csv_file import RawChunk
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.services.quarantine.two_versions import Effect
    from headwater.store.chunks import Chunk
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

WHOLE = frozenset({"succeeded", "succeeded_with_quarantine"})
LOADED = WHOLE | {"partial_success"}
MOST_SYNCS = 366
"""So many that read different rows are looked through beside the last of the whole table: a year of them, night by
night. Each took 0.35 to 0.6 s on a busy machine, however little it read: a preview may take minutes, and a dry run
tells the same sooner.
"""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What each mapping would do, in their order, and what that was found by.

    effects  None where it is not known, of all or of some, for the reason `unknown`
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
    base: Logic,
    progress: Progress,
) -> Compared:
    """Read what was read of a source last by each mapping, beside the one that they were made of, `base`: what earlier
    versions of that had made of it is nothing that these would do.

    columns: those of the records that are to be mended; another layout of a file is not compared.
    """
    if not logics:
        return Compared(effects=())
    with installation.database.connect(installation.tenant_id) as connection:
        found = list(islice(_read_last(connection, installation, source_id, tuple(columns)), MOST_SYNCS + 2))
        why = _not_kept(connection, installation, found)
    if why is None:
        try:
            return _by_sign(installation, found, base, logics, progress)
        except Misuse as misfit:
            why = f"it cannot be read by another mapping: {misfit}"
    return Compared(effects=(None,) * len(logics), unknown=why)


def _read_last(
    connection: TenantConnection, installation: Installation, source_id: bytes, columns: tuple[str, ...]
) -> Iterator[_Read]:
    """The newest first. A resubmission reads nothing of its source. A sync of what has changed reads once more what the
    last one ended with: of syncs one after another that read the very same only the newest is told, and none that read
    nothing.
    """
    tenant_id, newer = installation.tenant_id, None
    for each in fixes.runs_of_source(connection, tenant_id, source_id):
        if each.kind == "resubmit" or (each.kind == "import" and each.state not in LOADED):
            continue
        run = runs.get_run(connection, tenant_id, each.run_id)
        if run.kind == "import" and tuple(run.layout["columns"]) != columns:
            continue
        chunks = [chunk for chunk in chunks_of(connection, tenant_id, run.run_id) if chunk.state == "committed"]
        if run.kind == "import" or _is_whole(run):
            yield _Read(run=run, chunks=chunks)
            return
        texts = [chunk.raw_sha256 for chunk in chunks if chunk.records]
        reading = run.layout["columns"], decimal_written(run.layout), texts
        if texts and reading != newer:
            newer = reading
            yield _Read(run=run, chunks=chunks)


def _is_whole(run: Run) -> bool:
    """Whether a sync read all of its table to the end."""
    return run.state in WHOLE and not reads_what_changed(run)


def _not_kept(connection: TenantConnection, installation: Installation, found: Sequence[_Read]) -> str | None:
    """Why what was read cannot be looked at, where it cannot."""
    if not found:
        return "no run has read this source with the columns that the refused records have"
    if len(found) > MOST_SYNCS + 1:
        syncs = counted(MOST_SYNCS, "sync has", "syncs have")
        return f"more than {syncs} read what had changed since one read all of the table"
    tenant_id = installation.tenant_id
    for read in found:
        for sha256 in {chunk.extract_sha256 or read.run.text_sha256 for chunk in read.chunks}:
            if get_cited_blob(connection, tenant_id, sha256).state != "held":
                return f"of what run {read.run.run_id} has read something is erased"
            if installation.blobs.is_gone(tenant_id, sha256):
                return f"what run {read.run.run_id} has read is not among the kept files any more"
    return None


def _by_sign(
    installation: Installation, found: Sequence[_Read], base: Logic, logics: Sequence[Logic], progress: Progress
) -> Compared:
    """Of those that say with which sign what was read cannot be brought again, it is not known."""
    with ExitStack() as stack:
        kept = [stack.enter_context(KeptTexts(installation, read.run, read.chunks)) for read in found]
        before, *why = [_why_not(kept, logic) for logic in (base, *logics)]
        if before is not None:
            return Compared(effects=(None,) * len(logics), unknown=before)
        known = [logic for logic, each in zip(logics, why, strict=True) if each is None]
        if not known:
            return Compared(effects=(None,) * len(logics), unknown=why[0])
        compared = _compared(installation, kept, base, known, progress)
    effects = iter(compared.effects)
    unknown = next((each for each in why if each is not None), None)
    return replace(compared, effects=tuple(None if each else next(effects) for each in why), unknown=unknown)


def _why_not(kept: Sequence[KeptTexts], logic: Logic) -> str | None:
    for texts in kept:
        columns = texts.run.layout["columns"]
        why = texts.why_not(_sign(logic, columns), columns_read(logic.mapping, columns).keys())
        if why is not None:
            return why
    return None


def _sign(logic: Logic, columns: Sequence[str]) -> str:
    return logic.mapping.for_columns(columns).locale.decimal


def _compared(
    installation: Installation, kept: Sequence[KeptTexts], base: Logic, logics: Sequence[Logic], progress: Progress
) -> Compared:
    records = sum(chunk.records for texts in kept for chunk in texts.chunks)
    version, latest = base.recipe.load.version, kept[0].run
    sql_type = None if version is None else base.contract.by_name[version].kind.duckdb_type
    progress.start(f"comparing with {latest.source_name}", total=records)
    try:
        with (
            Versions(installation, (base, *logics), latest.source_id) as versions,
            engine(memory_limit=f"{installation.settings.memory_limit // 2**20}MiB") as duck,
        ):
            readings, newest = Readings(duck, others=len(logics), version=sql_type), NewestRows()
            for texts in kept:
                readings.begin_run()
                newest.begin_run()
                columns, is_read_again = texts.run.layout["columns"], later_is_newer(texts.run.layout)
                fitting = versions.for_columns(columns)
                signs = [_sign(logic, columns) for logic in (base, *logics)]
                for chunk in reversed(texts.chunks) if is_read_again else texts.chunks:
                    raw = {sign: texts.chunk(chunk, sign) for sign in dict.fromkeys(signs)}
                    if is_read_again:
                        newest.begin_run()
                    if is_read_again or len(kept) > 1:
                        raw = newest.of(raw, _told_apart(texts.run, fitting, raw[signs[0]], duck, version))
                    before, *others = fitting.read([raw[sign] for sign in signs])
                    readings.add(chunk.records, before, others)
                    progress.advance(chunk.records)
            effects = readings.effects(lambda: _rows_that_stand(installation, base, latest.source_id))
    finally:
        progress.finish()
    return Compared(effects=effects, records=records, by=_in_words([texts.run for texts in kept]))


def _told_apart(
    run: Run, versions: Versions, raw: RawChunk, duck: duckdb.DuckDBPyConnection, version: str | None
) -> pa.Array[Any]:
    """By what a table's rows are told apart: its key; where it has none, that of the contract. Where several rows may
    have that, as versions of a record have, nothing does.
    """
    if key := run.layout.get(KEY):
        return told_by_key(duck, raw, key)
    return versions.keys(raw) if version is None else pa.nulls(raw.table.num_rows, pa.uint64())


def _rows_that_stand(installation: Installation, base: Logic, source_id: bytes) -> Iterator[pa.Table]:
    """Of all rows of a contract that a load of this source may replace: hash of the key, and version."""
    newest = installation.contract(base.contract.name, base.contract.major)  # it knows all that is sealed
    tenant_id, version = installation.tenant_id, base.recipe.load.version
    with installation.database.connect(tenant_id) as connection, engine() as duck:
        unit = unit_of(connection, tenant_id, source_id)
        for batch in standing_keys(connection, newest, version=version, unit=unit):
            rows = pa.Table.from_batches([batch])
            versions = pa.nulls(rows.num_rows, pa.string()) if version is None else rows[version]
            yield pa.table({"key": stored_key_hashes(duck, newest, rows), "version": versions})


def _in_words(read: Sequence[Run]) -> str:
    if read[0].kind != "sync":
        return "of the last import"
    if not _is_whole(read[-1]):
        return f"that {counted(len(read), 'sync', 'syncs')} of the table have read"
    since = len(read) - 1
    more = f" and {counted(since, 'sync', 'syncs')} since" if since else ""
    return f"that the last sync of the whole table{more} {'have' if since else 'has'} read"
