"""Emissions as they stand: sums by scope and activity type, and what was loaded without a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.services.logic import CALCULATED, RESULTS
from headwater.store import emissions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.emissions import EmissionSum, WithoutFigure


def calculated_emissions(installation: Installation) -> Sequence[EmissionSum]:
    """Every emission that stands, summed up by scope, method, GWP set and activity type.

    To whom reads in single units only, those of these.
    """
    seen = installation.seeing(Right.READ)
    with seen.database.connect(installation.tenant_id) as connection:
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
