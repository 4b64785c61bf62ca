"""The first administrator of an organisation: invited by a link that is printed once, never by a known password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from headwater.services.access.keys import locked_keyring
from headwater.services.access.policy import Right, Role
from headwater.services.sign_in.addresses import email_index
from headwater.services.sign_in.links import INVITATION, NO_ADDRESS, make_link
from headwater.store import people

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.sign_in.links import Link


def invite_first_admin(installation: Installation) -> Link | None:
    """A link to become administrator, where the organisation has none who may sign in; None where it has.

    Whoever accepts it says their own address. Only the newest link works: one made before does no more.
    """
    installation.require(Right.MANAGE_USERS)
    tenant = installation.tenant_id
    with installation.database.connect(tenant) as connection:
        keys = locked_keyring(installation, connection)
        if people.admins(connection, tenant):
            return None
        index = email_index(keys, NO_ADDRESS)
        person_id = people.find_person(connection, tenant, index)
        if person_id is None:
            person_id = uuid4()
            people.add_person(connection, tenant, person_id, email_index=index)
            sealed = keys.make(person_id).encrypt("email", NO_ADDRESS)
            people.change_person(connection, tenant, person_id, email=sealed)
            by = installation.actor.name
            people.give_role(
                connection, tenant, person_id, membership_id=uuid4(), role=Role.ADMIN, unit_id=None, given_by=by
            )
        return make_link(installation, connection, person_id, INVITATION)
