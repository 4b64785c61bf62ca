"""People as they are shown: name and address masked, unless they are asked for in clear."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.services.access.keys import keyring
from headwater.services.access.masking import mask
from headwater.store import people
from headwater.store.people import Grant, Membership

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.services.installation import Installation


@dataclass(frozen=True, kw_only=True)
class PersonView:
    """Somebody, as shown.

    state        invited, active, suspended or erased
    name, email  masked unless `clear`; null of whom was erased
    version      what an edit must name, as ETag
    """

    person_id: UUID
    state: str
    name: str | None
    email: str | None
    clear: bool
    version: int
    created_at: datetime
    updated_at: datetime
    roles: tuple[Membership, ...]
    grants: tuple[Grant, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def shown_people(
    installation: Installation, connection: Any, found: Sequence[people.Person], *, clear: bool
) -> list[PersonView]:
    """People as kept, opened by their keys and masked."""
    tenant_id, ids = installation.tenant_id, [each.person_id for each in found]
    keys = keyring(installation, connection).of_everybody(ids)
    roles, grants = people.list_roles(connection, tenant_id, ids), people.list_grants(connection, tenant_id, ids)
    shown = []
    for each in found:
        texts: dict[str, str | None] = {}
        for field in ("name", "email"):
            sealed: bytes | None = getattr(each, field)
            text = (
                keys[each.person_id].decrypt(field, sealed) if sealed is not None and each.person_id in keys else None
            )
            texts[field] = text if clear else mask(text)
        shown.append(
            PersonView(
                person_id=each.person_id,
                state=each.state,
                name=texts["name"],
                email=texts["email"],
                clear=clear,
                version=each.version,
                created_at=each.created_at,
                updated_at=each.updated_at,
                roles=tuple(role for role in roles if role.person_id == each.person_id),
                grants=tuple(grant for grant in grants if grant.person_id == each.person_id),
            )
        )
    return shown
