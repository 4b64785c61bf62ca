"""Uploads that nobody goes on with: given up after some days, and their files removed. Done by workers, now and then.

A worker does not know the organisations; it finds them by the folders in which their files lie.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from headwater.documents.counted import counted
from headwater.errors import Conflict, HeadwaterError, NotFound
from headwater.services.uploads.looking import OPEN
from headwater.services.uploads.receiving import uploads_of
from headwater.store import audit, imports
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.services.installation import Installation

KEPT = (*OPEN, "refused")
"""States in which the file is still needed."""


def sweep(installation: Installation) -> int:
    """Give up what no organisation has gone on with for `api_upload_days`; how many files were removed."""
    folder = installation.settings.data_dir / "uploads"
    removed = 0
    for tenant in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            tenant_id = UUID(tenant.name)
        except ValueError:  # somebody else's
            continue
        try:
            removed += _sweep_organisation(replace(installation, tenant_id=tenant_id))
        except (HeadwaterError, OSError) as error:  # what ails one keeps nobody else's
            get_logger(__name__).warning(
                "abandoned uploads of an organisation could not be swept", tenant_id=tenant.name, error=str(error)
            )
    return removed


def _sweep_organisation(installation: Installation) -> int:
    tenant_id, days = installation.tenant_id, timedelta(days=installation.settings.api_upload_days)
    with installation.database.connect(tenant_id) as connection:
        abandoned = imports.abandoned(connection, tenant_id, states=KEPT, age=days)
    for import_id in abandoned:
        with suppress(Conflict):  # somebody has come back to it
            _give_up(installation, import_id, days)
    removed = 0
    for folder in sorted(uploads_of(installation).iterdir()):
        try:
            import_id = UUID(folder.name)
        except ValueError:
            continue
        removed += _removed_if_over(installation, folder, import_id)
    return removed


def _give_up(installation: Installation, import_id: UUID, days: timedelta) -> None:
    tenant_id = installation.tenant_id
    with imports.hold(installation.database, tenant_id, import_id) as connection:
        if import_id not in imports.abandoned(connection, tenant_id, states=KEPT, age=days):
            return
        told = {"what": f"nobody went on with it for {counted(days.days, 'day')}", "remedy": "Send the file again."}
        imports.advance(connection, tenant_id, import_id, "cancelled", from_states=KEPT, error=told)
        audit.append(
            connection, tenant_id, action="import.given_up", resource=f"import/{import_id}", payload={"days": days.days}
        )


def _removed_if_over(installation: Installation, folder: Path, import_id: UUID) -> bool:
    """A file outlives its import only where a process was killed in between."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        try:
            over = imports.get_import(connection, tenant_id, import_id).state not in KEPT
        except NotFound:
            over = True
    if over:
        shutil.rmtree(folder, ignore_errors=True)
    return over
