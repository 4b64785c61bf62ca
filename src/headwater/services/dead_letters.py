"""Dead letters: what runs refused, copied to a store of files outside the database, one file a run.

The store is a connector of the organisation's, so that place, login and TLS are said and kept as of any other. A copy
that fails stops no run: it is told, and tried again at the end of the next one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, cast

from headwater.errors import HeadwaterError, Misuse
from headwater.services.connectors.keeping import find, opened
from headwater.services.quarantine_exports import export_run
from headwater.store import dead_letters
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.runs import Run

SETTING = "HEADWATER_DEAD_LETTERS"
LONGEST_NAME = 100
"""Signs of a source's name in that of its folder; file systems take 255 bytes."""


class Keeper(Protocol):
    """A store of files that can be written to."""

    def put(self, name: str, path: Path) -> None:
        """Keep a file under a name; one of that name is replaced, whole or not at all."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """What a run refused, as copied."""

    run_id: UUID
    source_name: str
    object: str
    records: int


def waiting(installation: Installation) -> Sequence[Run]:
    """Ended runs whose refused records are not copied yet."""
    with installation.database.connect(installation.tenant_id) as connection:
        return dead_letters.runs_waiting(connection, installation.tenant_id)


def mirror(installation: Installation) -> Iterator[Mirrored]:
    """Copy what is not copied yet, run by run; the first that fails ends it. Misuse where no store is set."""
    name = installation.settings.dead_letters
    if name is None:
        raise Misuse("no store is set that dead letters are copied to", where=SETTING, valid="the name of a connector")
    runs = waiting(installation)
    if not runs:
        return
    with opened(installation, find(installation, name)) as source:
        if not hasattr(source, "put"):
            raise Misuse(
                "this connector cannot be written to",
                where=SETTING,
                value=name,
                valid="a store of files: folder, s3 or azure_blob",
            )
        for run in runs:
            yield _mirror_one(installation, cast("Keeper", source), run)


def mirror_at_end(installation: Installation) -> None:
    """Copy what is not copied yet, where a store is set. A failure is told, and the run is none the worse for it."""
    if installation.settings.dead_letters is None:
        return
    try:
        for _ in mirror(installation):
            pass
    except (HeadwaterError, OSError) as error:
        get_logger(__name__).warning(
            "dead letters are not copied to their store; they are tried again when the next run ends",
            store=installation.settings.dead_letters, error=str(error), now="headwater quarantine mirror",
        )  # fmt: skip


def object_name(organisation: str, run: Run) -> str:
    """organisation/source/run.csv, of signs that every store takes; sources whose names look alike are told apart."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", run.source_name).strip("._")[:LONGEST_NAME]
    return f"{organisation}/{plain}-{run.source_id.hex()[:8]}/{run.run_id}.csv"


def _mirror_one(installation: Installation, store: Keeper, run: Run) -> Mirrored:
    name = object_name(installation.settings.organisation, run)
    installation.settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="dead-letters-", dir=installation.settings.data_dir) as folder:
        path = Path(folder) / "refused.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            records = export_run(installation, file, run)
        store.put(name, path)
    with installation.database.connect(installation.tenant_id) as connection:
        dead_letters.note_mirrored(connection, installation.tenant_id, run, name=name, records=records)
    return Mirrored(run_id=run.run_id, source_name=run.source_name, object=name, records=records)
