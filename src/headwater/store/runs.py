"""Runs: what each rests on, its plan, its state, and the one process that may work on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from headwater.errors import Misuse, NotFound, RetryLater
from headwater.store.chunks import PlannedChunk
from headwater.store.json_values import jsonb
from headwater.store.queries import named_queries
from headwater.store.records import ids_beginning, number, select
from headwater.telemetry import correlation_id

QUERIES = named_queries("runs")
HOLD_SECONDS = 10  # the session of a killed process ends when its last statement does, not at once
ENDED = ("succeeded", "succeeded_with_quarantine", "partial_success", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """What a run rests on, fixed before its first chunk; documents and blobs are stored before it."""

    run_id: UUID
    kind: str  # import, resubmit, sync
    source_id: bytes
    source_name: str
    contract_hash: bytes
    mapping_hash: bytes
    recipe_hash: bytes
    blob_sha256: bytes
    text_sha256: bytes
    encoding: str
    layout: Mapping[str, Any]  # columns, dialect and top of the text, as the plan found them
    lineage_hash: bytes | None = None
    factor_set: bytes | None = None
    reference_codes: bytes | None = None
    connector_id: UUID | None = None  # of a sync


@dataclass(frozen=True, kw_only=True)
class Run(NewRun):
    """A run as stored."""

    state: str
    chunks_planned: int
    records_planned: int
    started_at: datetime
    finished_at: datetime | None
    error: Mapping[str, Any] | None
    reconciliation: Mapping[str, Any] | None  # of a sync: counts and sums, source against target
    correlation_id: str | None = None  # of the request or job that planned it


def create_run(
    connection: psycopg.Connection[Any], tenant_id: UUID, run: NewRun, chunks: Sequence[PlannedChunk]
) -> None:
    """Write a run and its whole plan in the open transaction, so that there is never a run with half a plan."""
    connection.execute(
        QUERIES["create"],
        {
            **asdict(run),
            "layout": Jsonb(run.layout),
            "tenant_id": tenant_id,
            "correlation_id": correlation_id(),
            "chunks_planned": len(chunks),
            "records_planned": sum(chunk.records for chunk in chunks),
        },
    )
    columns = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(PlannedChunk)}
    connection.execute(QUERIES["plan_chunks"], {"tenant_id": tenant_id, "run_id": run.run_id, **columns})
    note_job(connection, tenant_id, getattr(connection, "job_id", None), run.run_id)


def note_job(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID | None, run_id: UUID) -> None:
    """Note in the open transaction that a job has planned a run, or goes on with it; nothing where none has."""
    if job_id is not None:
        connection.execute(QUERIES["note_job"], {"tenant_id": tenant_id, "job_id": job_id, "run_id": run_id})


def get_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> Run:
    """The run; NotFound where there is none."""
    found = select(connection, Run, QUERIES["get"], {"tenant_id": tenant_id, "run_id": run_id})
    if not found:
        raise no_such_run(str(run_id))
    return found[0]


def find_run(connection: psycopg.Connection[Any], tenant_id: UUID, text: str) -> Run:
    """The one run whose id begins with `text`; NotFound where there is none, Misuse where there are more than one."""
    found = ids_beginning(connection, QUERIES["named"], tenant_id, text)
    if not found:
        raise no_such_run(text)
    if len(found) > 1:
        raise Misuse("more than one run begins so", where="run", value=text, valid="enough of the id to name one run")
    return get_run(connection, tenant_id, found[0])


def no_such_run(text: str) -> NotFound:
    """What is said where there is none, or none that is seen."""
    return NotFound(
        "there is no such run",
        where="run",
        value=text,
        valid="the id of a run of this organisation, or its beginning",
        remedy="`headwater runs list` shows them.",
    )


def list_runs(connection: psycopg.Connection[Any], tenant_id: UUID, *, limit: int) -> tuple[list[Run], int]:
    """The latest runs first, and how many there are in all."""
    listed = select(connection, Run, QUERIES["list"], {"tenant_id": tenant_id, "limit": limit})
    return listed, number(connection, QUERIES["count"], {"tenant_id": tenant_id})


def latest_of_source(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> Run | None:
    """The last import of a source, however it ended."""
    found = select(connection, Run, QUERIES["latest_of_source"], {"tenant_id": tenant_id, "source_id": source_id})
    return found[0] if found else None


def changes_of_mapping(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> list[Run]:
    """Runs of a source that loaded something since its latest full load that was swept, and that: in their order the
    last, and of each change of its mapping the run before it and the run after it.
    """
    values = {"tenant_id": tenant_id, "source_id": source_id}
    return select(connection, Run, QUERIES["changes_of_mapping"], values)


def latest_of_archives(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> list[Run]:
    """The newest run of each file inside an archive that came through a connector."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id}
    return select(connection, Run, QUERIES["latest_of_archives"], values)


def is_loaded_before(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes, run_id: UUID) -> bool:
    """Whether a source has a run beside this one."""
    values = {"tenant_id": tenant_id, "source_id": source_id, "run_id": run_id}
    return bool(number(connection, QUERIES["others_of_source"], values))


def latest_that_took_columns(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    mapping: str,
    *,
    kind: str,
    unit: UUID | None,
    source_id: bytes | None = None,
) -> Run | None:
    """The last run of a kind through a mapping of that name, of a source of a unit or of none, that took the columns it
    found; of one source only, where that is said.
    """
    values = {"tenant_id": tenant_id, "mapping": mapping, "kind": kind, "unit": unit, "source_id": source_id}
    found = select(connection, Run, QUERIES["latest_that_took_columns"], values)
    return found[0] if found else None


def mapping_versions_before(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> list[str]:
    """The versions of the mapping by which earlier runs of the same source have loaded something."""
    values = {"tenant_id": tenant_id, "run_id": run_id}
    return [version for (version,) in connection.execute(QUERIES["mapping_versions_before"], values)]


def all_runs(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Run]:
    """Every run in the order they began, for verification."""
    return select(connection, Run, QUERIES["all"], {"tenant_id": tenant_id})


def hold_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> None:
    """Keep others from working on the run for as long as this connection lives, or RetryLater when somebody does.

    Give it a connection of its own: the hold outlives transactions and ends with the session, however that ends.
    """
    _hold(connection, f"run/{tenant_id}/{run_id}", what="another process works on this run", value=run_id)


def hold_source(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run) -> None:
    """The same for the run's source: its chunks commit in order and its bad records are numbered, one run at a time."""
    name = f"source/{tenant_id}/{run.source_id.hex()}"
    _hold(connection, name, what=f"another run of {run.source_name} is at work", value=run.run_id)


def hold_connector(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, name: str) -> None:
    """The same for a connector: one sync at a time asks a source."""
    _hold(connection, f"connector/{tenant_id}/{connector_id}", what=f"a sync of {name} is at work", value=connector_id)


def _hold(connection: psycopg.Connection[Any], name: str, *, what: str, value: UUID) -> None:
    try:
        with connection.transaction():
            connection.execute(QUERIES["wait_shortly"], {"milliseconds": round(HOLD_SECONDS * 1000)})
            connection.execute(QUERIES["hold"], {"name": name})
    except psycopg.errors.LockNotAvailable as error:
        held = RetryLater(
            what, where="run", value=value, remedy="Wait until it ends, or stop it; then resume this one."
        )
        held.is_held = True
        raise held from error


def start_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> None:
    """Mark the run as running, the first time or again."""
    connection.execute(QUERIES["start"], {"tenant_id": tenant_id, "run_id": run_id})


def set_lineage(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, lineage_hash: bytes) -> None:
    """Note the column lineage, read from the SQL that ran."""
    connection.execute(QUERIES["set_lineage"], {"tenant_id": tenant_id, "run_id": run_id, "lineage_hash": lineage_hash})


def refresh_statistics(connection: psycopg.Connection[Any]) -> None:
    """Let the planner look at tables that have grown by half; what follows a load may come before autovacuum does."""
    connection.execute(QUERIES["refresh_statistics"])


def finish_run(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    run_id: UUID,
    state: str,
    *,
    error: Mapping[str, Any] | None = None,
    reconciliation: Mapping[str, Any] | None = None,
) -> None:
    """End the run in one of the ENDED states; a sync with what was read beside what stands."""
    if state not in ENDED:
        raise Misuse("a run cannot end in this state", where="run", value=state, valid=", ".join(ENDED))
    connection.execute(
        QUERIES["finish"],
        {
            "tenant_id": tenant_id,
            "run_id": run_id,
            "state": state,
            "error": jsonb(error),
            "reconciliation": Jsonb(reconciliation) if reconciliation is not None else None,
        },
    )


def states_of(connection: psycopg.Connection[Any], tenant_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The states of some runs."""
    return dict(connection.execute(QUERIES["states_of"], {"tenant_id": tenant_id, "run_ids": list(run_ids)}).fetchall())


def records_done(connection: psycopg.Connection[Any], tenant_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many records the committed chunks of some runs have read; none of a run that has none."""
    values = {"tenant_id": tenant_id, "run_ids": list(run_ids)}
    return dict(connection.execute(QUERIES["records_done"], values).fetchall())
