"""Dead letters: what runs refused, copied to a store of files outside the database, one file a run.

The store is a connector of the organisation's, so that place, login and TLS are said and kept as of any other. Copies
are made once a run has ended and let go of all it held. One that fails stops neither a run nor the other copies: it is
told, and tried again at the end of the next run. What is copied are the cells as they were read, personal ones too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from headwater.errors import HeadwaterError, Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find, opened
from headwater.services.quarantine.exports import export_run
from headwater.services.scratch import scratch
from headwater.store import dead_letters
from headwater.store.tenants import name_of
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.runs import Run

SETTING = "HEADWATER_DEAD_LETTERS"
MOST_AT_END = 20
"""Runs copied at the end of a run, at most."""
MOST_FAILURES_AT_END = 3
"""So many failures are enough at the end of a run: a store that is down takes its time to say so."""
BATCH = 50
NOT_COPIED = "dead letters are not copied to their store; they are tried again when the next run ends"
LONGEST_NAME = 100
"""Signs of a source's name in that of its folder; file systems take 255 bytes."""


class Keeper(Protocol):
    """A store of files that can be written to."""

    def put(self, name: str, path: Path) -> None:
        """Keep a file under a name; one of that name is replaced, whole or not at all."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """What a run refused, as copied under the name `object`; or why it is not."""

    run_id: UUID
    source_name: str
    object: str
    records: int = 0
    error: str | None = None


def count_waiting(installation: Installation) -> int:
    """How many ended runs refused records that are not copied yet."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        return dead_letters.count_waiting(connection, installation.tenant_id)


def mirror(installation: Installation, *, first: UUID | None = None) -> Iterator[Mirrored]:
    """Copy what is not copied yet, run by run, `first` before all others, then the oldest. One that fails is told in
    its place, and the others are gone on with. Misuse where no store is set, or it is none.
    """
    installation.require(Right.WRITE)
    name = installation.settings.dead_letters
    if name is None:
        raise Misuse("no store is set that dead letters are copied to", where=SETTING, valid="the name of a connector")
    if not count_waiting(installation):
        return
    with opened(installation, find(installation, name)) as source:
        if not hasattr(source, "put"):
            raise Misuse(
                "this connector cannot be written to",
                where=SETTING,
                value=name,
                valid="a store of files: folder, s3 or azure_blob",
            )
        for run in _waiting(installation, first):
            yield _tried(installation, cast("Keeper", source), run)


def mirror_at_end(installation: Installation, run_id: UUID) -> None:
    """Where a store is set, copy what the run refused that has just ended, and some of what else is not copied yet.

    It takes no longer than so many copies or failures do: what is left is told, and so is each failure. The run is none
    the worse for it.
    """
    installation.require(Right.WRITE)
    if installation.settings.dead_letters is None:
        return
    told = get_logger(__name__).bind(store=installation.settings.dead_letters, now="headwater quarantine mirror")
    tried = failed = 0
    try:
        for each in islice(mirror(installation, first=run_id), MOST_AT_END):
            tried += 1
            if each.error is not None:
                failed += 1
                told.warning(NOT_COPIED, run=str(each.run_id), source=each.source_name, error=each.error)
            if failed == MOST_FAILURES_AT_END:
                break
        left = count_waiting(installation) - failed
    except (HeadwaterError, OSError) as error:
        told.warning(NOT_COPIED, error=str(error))
        return
    if left > 0:
        told.warning("dead letters of more runs wait to be copied; each run that ends copies some of them", runs=left)


def tell_if_waiting(installation: Installation) -> None:
    """Where a store is set and a run was broken off: that nothing is copied now, if anything waits."""
    installation.require(Right.READ)
    if installation.settings.dead_letters is None:
        return
    waiting = count_waiting(installation)
    if waiting:
        get_logger(__name__).warning(
            "dead letters wait to be copied, since the run was broken off; the next run that ends copies them",
            store=installation.settings.dead_letters, runs=waiting, now="headwater quarantine mirror",
        )  # fmt: skip


def object_name(organisation: str, run: Run) -> str:
    """organisation/source/run.csv, of signs that every store takes; sources whose names look alike are told apart."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", run.source_name).strip("._")[:LONGEST_NAME]
    return f"{organisation}/{plain}-{run.source_id.hex()[:8]}/{run.run_id}.csv"


def _waiting(installation: Installation, first: UUID | None) -> Iterator[Run]:
    """Batch by batch, so that a long backlog is not held in memory."""
    tenant_id, last = installation.tenant_id, None
    if first is not None:
        with installation.database.connect(tenant_id) as connection:
            begin = dead_letters.runs_waiting(connection, tenant_id, most=1, only=first)
        yield from begin
    while True:
        with installation.database.connect(tenant_id) as connection:
            batch = dead_letters.runs_waiting(connection, tenant_id, most=BATCH, after=last)
        if not batch:
            return
        yield from (run for run in batch if run.run_id != first)
        last = batch[-1]


def _tried(installation: Installation, store: Keeper, run: Run) -> Mirrored:
    try:
        return _mirror_one(installation, store, run)
    except (HeadwaterError, OSError) as error:
        name = object_name(_organisation(installation), run)
        return Mirrored(run_id=run.run_id, source_name=run.source_name, object=name, error=str(error))


def _organisation(installation: Installation) -> str:
    """Whose run it is: a worker carries out those of all organisations."""
    with installation.database.connect(installation.tenant_id) as connection:
        return name_of(connection, installation.tenant_id)


def _mirror_one(installation: Installation, store: Keeper, run: Run) -> Mirrored:
    name = object_name(_organisation(installation), run)
    with scratch(installation.settings.data_dir, "dead-letters") as folder:
        path = folder / "refused.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            records = export_run(installation, file, run)
        store.put(name, path)
    with installation.database.connect(installation.tenant_id) as connection:
        dead_letters.note_mirrored(connection, installation.tenant_id, run, name=name, records=records)
    return Mirrored(run_id=run.run_id, source_name=run.source_name, object=name, records=records)
