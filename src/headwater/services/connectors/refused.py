"""Syncs that are refused before a run is planned, by their source or their recipe: kept, since no run tells of them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError
from headwater.store import connectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headwater.services.batches import Imported
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


@contextmanager
def refusal_kept(installation: Installation, stored: StoredConnector, source_name: str) -> Iterator[None]:
    """Whatever refuses the sync of a source while it is planned is kept, with when it was tried; not of a trial."""
    tried_at = datetime.now(UTC)
    try:
        yield
    except HeadwaterError as error:
        _keep(installation, stored, source_name, tried_at, error)
        raise


def refusals_kept(
    installation: Installation, stored: StoredConnector, source_name: str, ended: Iterable[Imported]
) -> Iterator[Imported]:
    """What becomes of a file, or of each in it; of one that is refused before a run is planned, that is kept, and so is
    what ends the sync with it, as a circuit that is open by now.
    """
    files = iter(ended)
    while True:
        tried_at = datetime.now(UTC)
        with refusal_kept(installation, stored, source_name):
            each = next(files, None)
        if each is None:
            return
        if each.view is None and each.error is not None:
            _keep(installation, stored, each.file, tried_at, each.error)
        yield each


def _keep(
    installation: Installation, stored: StoredConnector, source_name: str, tried_at: datetime, error: HeadwaterError
) -> None:
    """Without what the error quotes: this stays when what was quoted is erased."""
    if not installation.keeps:
        return
    with installation.database.connect(installation.tenant_id) as connection:
        connectors.note_refused_sync(
            connection,
            installation.tenant_id,
            stored.connector_id,
            source_name=source_name,
            tried_at=tried_at,
            error=error.as_kept(),
        )
