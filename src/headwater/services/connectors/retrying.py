"""Going on with what was left: of each source of a connector its newest run, where that did not come to its end.

Older runs that did not are left alone: what they lacked, a newer one has read again.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError, InputRefused
from headwater.services.access.policy import Right
from headwater.services.batches import Imported
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.store import connectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.services.installation import Installation
    from headwater.store.connectors import UnfinishedRun
    from headwater.telemetry import Progress


def unfinished_runs(installation: Installation, name: str) -> Sequence[UnfinishedRun]:
    """What there is to go on with, the oldest first; runs whose process was killed included.

    InputRefused where there is nothing because no run was ever planned, or the source failed or refused before one was.
    """
    installation.require(Right.READ)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        stored = connectors.find_connector(connection, tenant_id, name)
        found = connectors.unfinished_runs(connection, tenant_id, stored.connector_id)
        failed = connectors.failed_since_newest_run(connection, tenant_id, stored.connector_id)
        was_synced = connectors.was_synced(connection, tenant_id, stored.connector_id)
    if found or (failed is None and was_synced):
        return found
    told = [] if was_synced else ["no sync was planned yet"]
    if failed is not None:
        told.append(f"nothing was planned since the source failed at {failed[0].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    raise InputRefused(
        ", and ".join(told),
        where=f"connector {stored.name}",
        value=failed and failed[1],
        remedy=(
            f"`headwater connectors validate {stored.name}` says whether it can be read. "
            f"Run the sync{' again' if failed else ''}."
        ),
    )


def resume_each(
    installation: Installation, unfinished: Sequence[UnfinishedRun], *, progress: Progress
) -> Iterator[Imported]:
    """Go on with one after another. One that a process still works on is told as such, and left to it."""
    installation.require(Right.WRITE)
    for run in unfinished:
        error: HeadwaterError | None = None
        try:
            carry_out(installation, run.run_id, progress=progress)
        except HeadwaterError as stopped:
            error = stopped  # the run has noted it and can be resumed; the others are not concerned
        yield Imported(file=run.source_name, view=show_run(installation, run.run_id), error=error)
