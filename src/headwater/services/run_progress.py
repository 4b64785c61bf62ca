"""How far a run is, from what the database holds: the same whichever process is asked, and whichever does the work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater.services.access.policy import Right
from headwater.services.access.within_units import may_reach
from headwater.store import runs
from headwater.store.chunks import progress_of
from headwater.store.documents import get_contract

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run is, counted against all that it has planned.

    source          the source's name
    contract        name and version
    chunks_failed   gaps
    seconds         since it began, or from its beginning to its end
    ended           whether nothing will be done about it any more unless somebody asks again
    records_done    of committed chunks; records that a source only estimated may end above or below the plan
    rate            records a second since the run was begun, or gone on with, last, so that no waiting counts; None
                    until a chunk is committed since
    seconds_left    at that rate; None where it cannot be told
    """

    run_id: str
    state: str
    source: str
    contract: str
    chunks_planned: int
    chunks_done: int
    chunks_failed: int
    records_planned: int
    records_done: int
    seconds: float
    rate: float | None
    seconds_left: float | None
    ended: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def progress(installation: Installation, run: str | UUID) -> RunProgress:
    """How far a run is now."""
    seen, tenant_id = installation.seeing(Right.READ), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        found = runs.find_run(connection, tenant_id, str(run))
        may_reach(seen, connection, found)
        done = progress_of(connection, tenant_id, found.run_id)
        contract = get_contract(connection, found.contract_hash)
    until = found.finished_at or datetime.now(UTC)
    at_work = (until - (done.begun_at or until)).total_seconds()
    rate = done.records_since / at_work if done.records_since and at_work > 0 else None
    left = max(found.records_planned - done.records_done, 0)
    ended = found.state in runs.ENDED
    return RunProgress(
        run_id=str(found.run_id),
        state=found.state,
        source=found.source_name,
        contract=f"{contract.name} {contract.version}",
        chunks_planned=found.chunks_planned,
        chunks_done=done.chunks_done,
        chunks_failed=done.chunks_failed,
        records_planned=found.records_planned,
        records_done=done.records_done,
        seconds=round((until - found.started_at).total_seconds(), 3),
        rate=None if rate is None else round(rate, 1),
        seconds_left=0.0 if ended else None if rate is None else round(left / rate, 1),
        ended=ended,
    )
