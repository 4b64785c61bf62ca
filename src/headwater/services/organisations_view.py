"""The organisation that somebody acts in, and what they may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.services.answers.people import OrganisationShown
from headwater.store import tenants

if TYPE_CHECKING:
    from headwater.services.installation import Installation


def show(installation: Installation) -> OrganisationShown:
    """Name and id of the organisation, who acts, and their rights: in all of it, and in single units."""
    actor = installation.actor
    if not actor.units_with(Right.READ):  # None where it is theirs everywhere
        installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        name = tenants.name_of(connection, installation.tenant_id)
    return {
        "organisation": name,
        "organisation_id": str(installation.tenant_id),
        "actor": actor.name,
        "rights": sorted(actor.rights),
        "in_units": {str(unit): sorted(rights) for unit, rights in actor.in_units.items()},
    }
