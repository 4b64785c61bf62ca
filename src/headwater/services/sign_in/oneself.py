"""Who somebody is to themselves: shown to nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.errors import Forbidden
from headwater.services.sign_in.addresses import known_of
from headwater.store.sign_in import password_of
from headwater.store.tenants import name_of

if TYPE_CHECKING:
    from headwater.services.installation import Installation


@dataclass(frozen=True, kw_only=True)
class Oneself:
    """What somebody is known by, in clear."""

    organisation: str
    email: str
    name: str | None
    has_password: bool


def oneself(installation: Installation) -> Oneself:
    """Whoever acts, signed in; Forbidden for a token, which may be in many hands."""
    actor, tenant = installation.actor, installation.tenant_id
    if actor.person_id is None or actor.session_id is None:
        raise Forbidden("only a person who is signed in is shown themselves", where="sign-in")
    with installation.database.connect(tenant) as connection:
        email, *names = known_of(installation, connection, actor.person_id)
        return Oneself(
            organisation=name_of(connection, tenant),
            email=email,
            name=names[0] if names else None,
            has_password=password_of(connection, tenant, actor.person_id) is not None,
        )
