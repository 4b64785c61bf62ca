"""What is measured: the database, the queue, and the work of one organisation or, for whoever runs it, of all.

The application's role cannot list the organisations of an installation. Those that matter here are known all the same:
who has something in the queue, whose table holds ids of all, and whose raw files lie in a folder named by their id.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError
from headwater.services.access.policy import Right
from headwater.services.watching import machine
from headwater.store import health
from headwater.store.clear_files import look_for_clear

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.watching.machine import Disk, Memory
    from headwater.store.clear_files import Sample

WORKER_SILENCE = 60.0
FILES_LOOKED_AT = 5000
"""So many kept files are looked at, by name, each time: a folder of them may be huge."""
MOST_ORGANISATIONS = 1000
"""So many organisations are looked at for the figures of all."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Queue, runs, records and schedules of one organisation, or of all."""

    queues: Sequence[health.Queue] = ()
    workers: int = 0
    runs: health.Runs = field(default_factory=health.Runs)
    records: health.Records = field(default_factory=health.Records)
    schedules: Sequence[health.ScheduleHealth] = ()
    organisations: int = 1


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that is measured. Without a database, `unreachable` says why, and there is no work to tell of."""

    disks: Sequence[Disk]
    memory: Memory
    server: health.Server | None = None
    work: Work | None = None
    files: Sample | None = None  # of one organisation
    unreachable: HeadwaterError | None = None


def measure(installation: Installation) -> Measured:
    """The installation, and the work of the organisation at hand."""
    installation.require(Right.MANAGE_USERS, on="health")
    return _measured(installation, [installation.tenant_id], of=installation.tenant_id)


def measure_all(installation: Installation) -> Measured:
    """The installation and the work of all organisations, added up: for whoever runs it, never for one of them."""
    return _measured(installation, None, of=None)


def _measured(installation: Installation, tenants: Sequence[UUID] | None, *, of: UUID | None) -> Measured:
    settings = installation.settings
    here: dict[str, Any] = {"disks": machine.disks(settings), "memory": machine.memory()}
    if of is not None:
        here["files"] = look_for_clear(settings.blob_dir, of, most=FILES_LOOKED_AT)
    stuck = int(settings.health("stuck_minutes"))
    try:
        with installation.database.connect(installation.tenant_id) as connection:
            server = health.server(connection)
            queues = health.queues(connection, of)
            workers = health.workers(connection, seconds=WORKER_SILENCE)
            if tenants is None:
                known = health.tenants_in_queue(connection) | installation.blobs.tenants() | {installation.tenant_id}
                tenants = sorted(known)[:MOST_ORGANISATIONS]
        each = [_of(installation, tenant, stuck_minutes=stuck) for tenant in tenants]
    except HeadwaterError as error:
        return Measured(**here, unreachable=error)
    whole = Work(
        queues=queues,
        workers=workers,
        runs=health.Runs(**_sums([vars(work.runs) for work in each])),
        records=health.Records(**_sums([vars(work.records) for work in each])),
        schedules=[schedule for work in each for schedule in work.schedules],
        organisations=len(each),
    )
    return Measured(**here, server=server, work=whole)


def _of(installation: Installation, tenant_id: UUID, *, stuck_minutes: int) -> Work:
    there = replace(installation, tenant_id=tenant_id)
    with there.database.connect(tenant_id) as connection:
        return Work(
            runs=health.runs(connection, tenant_id, stuck_minutes=stuck_minutes),
            records=health.records(connection, tenant_id),
            schedules=health.schedules(connection, tenant_id),
        )


def _sums(each: Iterable[dict[str, int]]) -> dict[str, int]:
    added: dict[str, int] = {}
    for facts in each:
        for name, number in facts.items():
            added[name] = added.get(name, 0) + number
    return added
