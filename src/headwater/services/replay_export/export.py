"""`headwater replay`: export a figure or a run, and check a file that was exported."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from headwater.errors import Misuse, Stopped
from headwater.replay.check import check_file
from headwater.services.access.policy import Right
from headwater.services.inventories.viewing import find_inventory
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.replay_export.inventory import InventoryExport
from headwater.services.replay_export.river import OneFigure, RiverExport
from headwater.services.replay_export.script import script
from headwater.services.sources import file_of
from headwater.services.tracing.tracer import several_figures
from headwater.store import runs
from headwater.store.chunks import get_chunk
from headwater.store.stored_rows import find_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.replay.differences import Findings
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run


def export_run(installation: Installation, run: str, path: Path) -> None:
    """Write the file of a run, by its id or the beginning of it."""
    installation.require(Right.QUERY)
    with installation.database.snapshot(installation.tenant_id) as connection, _whole(path) as out:
        found = runs.find_run(connection, installation.tenant_id, run)
        RiverExport(installation, connection, found, out).write(_about(found))


def export_emission(
    installation: Installation, activity_id: str, path: Path, *, method: str | None = None, gwp_set: str | None = None
) -> None:
    """Write the file of one figure, by its activity; Misuse where there is none, or more than one."""
    installation.require(Right.QUERY)
    with installation.database.snapshot(installation.tenant_id) as connection, _whole(path) as out:
        one, run = _figure(installation, connection, activity_id, {"method": method, "gwp_set": gwp_set})
        about = {"activity_id": activity_id, **{name: one.figure.values[name] for name in ("method", "gwp_set")}}
        RiverExport(installation, connection, run, out).write(about | _about(run), one)


def export_inventory(installation: Installation, inventory: str, path: Path) -> None:
    """Write the file of an inventory, by its number, its name or the beginning of its id."""
    installation.require(Right.QUERY)
    found = find_inventory(installation, inventory)
    with installation.database.snapshot(installation.tenant_id) as connection, _whole(path) as out:
        InventoryExport(installation, connection, found, out).write()


def check(path: Path) -> Findings:
    """Check an exported file by the code of this installation; the script inside is compared, never run."""
    return check_file(path, own_code=script())


def _about(run: Run) -> dict[str, Any]:
    return {"run": str(run.run_id), "source": run.source_name, "of_file": file_of(run.layout)}


def _figure(
    installation: Installation, connection: TenantConnection, activity_id: str, given: dict[str, str | None]
) -> tuple[OneFigure, Run]:
    tenant_id = installation.tenant_id
    wanted: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    figures = find_rows(connection, tenant_id, installation.contract(*RESULTS), {"activity_id": activity_id, **wanted})
    activities = find_rows(connection, tenant_id, installation.contract(CALCULATED, 1), {"activity_id": activity_id})
    if not figures or not activities:
        raise Misuse(
            "there is no such figure",
            where="emission",
            value=activity_id,
            valid="the activity_id of an activity that has a figure",
            remedy="`headwater trace emission ACTIVITY` says why one has none.",
        )
    if len(figures) > 1:
        raise several_figures(activity_id, figures)
    figure = figures[0]
    chunk = get_chunk(connection, tenant_id, figure.chunk_id)
    if chunk is None:
        raise Stopped("the figure names a chunk that does not exist", where="chunk", value=figure.chunk_id)
    one = OneFigure(chunk_id=figure.chunk_id, record_no=figure.record_no, activity=activities[0], figure=figure)
    return one, runs.get_run(connection, tenant_id, chunk.run_id)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there only once all of it is written."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Misuse("the file cannot be written", where=str(path), value=error.strerror) from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
