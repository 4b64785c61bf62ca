"""The audit chain, and the proof that nothing was changed since."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, page_of
from headwater.services import house_lists
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.records import AuditListed, Verified
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress

routes = router("evidence")


@routes.get("/audit", **needs(Right.READ))
def list_entries(here: Here, asked: Asked) -> Page[AuditListed]:
    """The audit chain, the latest entry first."""
    return page_of(house_lists.audit_entries(here, asked))


@routes.post("/verifications", **needs(Right.QUERY, 404, long="export"))
def verify_everything(
    here: Here,
    anchor: Annotated[str | None, Query(max_length=200, description="A head of the chain noted earlier.")] = None,
) -> Verified:
    """Compute all evidence of the organisation again and compare; `ok` where nothing differs. Takes its time."""
    return verify(here, progress=SilentProgress(), anchor=anchor).as_json()
