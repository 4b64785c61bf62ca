"""Emissions as they stand: sums by scope and activity type, and what was loaded without a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.services.logic import CALCULATED, RESULTS
from headwater.store import audit, emissions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.emissions import EmissionSum, WithoutFigure


def calculated_emissions(installation: Installation) -> Sequence[EmissionSum]:
    """Every emission that stands, summed up by scope, method, GWP set and activity type.

    To whom reads in single units only, those of these. Those of all are kept until the audit chain tells of something
    that may have changed a record: of ten million records they take half a minute.
    """
    seen = installation.seeing(Right.READ)
    tenant_id = seen.tenant_id
    if seen.units is not None:
        with seen.database.connect(tenant_id) as connection:
            return summed(seen, connection)
    with seen.database.snapshot(tenant_id) as connection:
        kept = emissions.kept_sums(connection, tenant_id)
        if kept is not None:
            return kept
        head, sums = audit.head(connection, tenant_id), summed(seen, connection)
    with seen.database.connect(tenant_id) as connection:
        emissions.keep_sums(connection, tenant_id, head.seq, sums)
    return sums


def summed(installation: Installation, connection: TenantConnection) -> Sequence[EmissionSum]:
    """The sums by every row that the connection sees."""
    return emissions.emission_sums(
        connection,
        installation.tenant_id,
        emission=installation.contract(*RESULTS),
        activity=installation.contract(CALCULATED, RESULTS[1]),
    )


def without_figure(installation: Installation, runs: Sequence[UUID]) -> Sequence[WithoutFigure]:
    """What runs loaded without a figure, by source and reason."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(installation.tenant_id) as connection:
        return emissions.without_figure(connection, installation.tenant_id, runs)
