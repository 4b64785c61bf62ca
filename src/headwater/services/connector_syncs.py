"""A sync asked for from outside: planned now, by a mapping of the organisation, and carried out by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from headwater.pipeline.recipe import recipe_of
from headwater.services import kept_mappings
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find
from headwater.services.connectors.planning import plan_sync
from headwater.services.jobs import asked_with_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.services.answers.connectors import SyncPlanned
    from headwater.services.installation import Installation


def sync(
    installation: Installation,
    connector: str,
    *,
    table: str,
    mapping: str,
    cursor: str | None = None,
    lag: int = 0,
    key: Sequence[str] = (),
    columns: Sequence[str] = (),
    strategy: str = "delta",
    drift: str = "freeze",
    chunk_size: int | None = None,
    window: str | None = None,
    read_ahead: int | None = None,
) -> SyncPlanned:
    """The run and the job of a sync, both or neither. Misuse where something said does not fit."""
    installation.require(Right.WRITE, on=f"connector/{connector}")
    find(installation, connector)
    with kept_mappings.mapping_file(installation, mapping) as document:
        source = {"connector": connector, "table": table, "cursor": cursor, "lag": lag, "key": key, "columns": columns}
        load = {
            "strategy": strategy,
            "drift": drift,
            "chunk_size": chunk_size,
            "window": window,
            "read_ahead": read_ahead,
        }
        said = {"recipe": "sync", "source": source, "mapping": document.name, "load": load}
        recipe, job_id = recipe_of(said, where="sync"), uuid4()
        run_id = plan_sync(installation, recipe, document.parent, together=asked_with_plan(installation, job_id))
    return {"run_id": str(run_id), "job_id": str(job_id)}
