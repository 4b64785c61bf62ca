"""Emissions as they stand: sums by scope and activity type, and what was loaded without a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError, NotFound
from headwater.services.access.policy import Right
from headwater.services.logic import CALCULATED, RESULTS
from headwater.store import audit, emissions
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.emissions import EmissionSum, WithoutFigure


FAR = 1000
"""So many entries of the audit chain may be looked through to see that kept sums stand; then they are kept anew."""


def calculated_emissions(installation: Installation) -> Sequence[EmissionSum]:
    """Every emission that stands, summed up by scope, method, GWP set and activity type.

    To whom reads in single units only, those of these. Those of all are kept until the audit chain tells of something
    that may have changed a record: of ten million records they take half a minute.
    """
    seen = installation.seeing(Right.READ)
    statement = _statement(seen)
    if seen.units is not None:
        with seen.database.connect(seen.tenant_id) as connection:
            return emissions.emission_sums(connection, seen.tenant_id, statement)
    with seen.database.snapshot(seen.tenant_id) as connection:
        kept = emissions.kept_sums(connection, seen.tenant_id, statement)
        if kept is not None and kept[1] < FAR:
            return kept[0]
        head = audit.head(connection, seen.tenant_id)
        sums = kept[0] if kept else emissions.emission_sums(connection, seen.tenant_id, statement)
    _keep(seen, statement, head.seq, sums)
    return sums


def _keep(installation: Installation, statement: bytes, seq: int, sums: Sequence[EmissionSum]) -> None:
    """Or leave it: who asked is answered all the same, as by a database that only reads."""
    try:
        with installation.database.connect(installation.tenant_id) as connection:
            emissions.keep_sums(connection, installation.tenant_id, statement, seq=seq, sums=sums)
    except HeadwaterError as error:
        get_logger(__name__).warning("sums could not be kept", error=str(error))


def kept_and_summed(
    installation: Installation, connection: TenantConnection
) -> tuple[Sequence[EmissionSum], Sequence[EmissionSum]] | None:
    """What is kept and shown as the sums over all units, and what the rows come to; None where nothing is kept, or no
    pack has figures.
    """
    try:
        statement = _statement(installation)
    except NotFound:
        return None
    kept = emissions.kept_sums(connection, installation.tenant_id, statement)
    if kept is None:
        return None
    return kept[0], emissions.emission_sums(connection, installation.tenant_id, statement)


def _statement(installation: Installation) -> bytes:
    return emissions.sums_statement(
        emission=installation.contract(*RESULTS), activity=installation.contract(CALCULATED, RESULTS[1])
    )


def without_figure(installation: Installation, runs: Sequence[UUID]) -> Sequence[WithoutFigure]:
    """What runs loaded without a figure, by source and reason."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(installation.tenant_id) as connection:
        return emissions.without_figure(connection, installation.tenant_id, runs)
