"""Roles and grants: given and taken by who manages users there and has what they give. Both change the person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from headwater.errors import InputRefused, NotFound
from headwater.services.access.changing import changing, in_use, may_give, present, refuse_last_admin
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from headwater.store import audit, people

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation


def give_role(
    installation: Installation, person_id: UUID, role: Role, unit_id: UUID | None = None, *, expected: int | None = None
) -> bool:
    """A role in the organisation, or in a unit and all below it; False where they have it already."""
    may_give(installation, RIGHTS_OF[role], unit_id, on=f"person/{person_id}")
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, _):
        present(installation, connection, person_id, expected, {"role": role.value, "unit": unit_id})
        in_use(connection, tenant_id, unit_id)
        given = people.give_role(
            connection, tenant_id, person_id,
            membership_id=uuid4(), role=role.value, unit_id=unit_id, given_by=installation.actor.name,
        )  # fmt: skip
        if given:
            audit.append(
                connection, tenant_id, action="role.given", resource=f"person/{person_id}",
                payload={"role": role.value, "unit": _text(unit_id)},
            )  # fmt: skip
    return given


def take_role(
    installation: Installation, person_id: UUID, role: Role, unit_id: UUID | None = None, *, expected: int | None = None
) -> bool:
    """Take a role away; False where they do not have it. Conflict where they are the last administrator."""
    may_give(installation, RIGHTS_OF[role], unit_id, on=f"person/{person_id}")
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, _):
        present(installation, connection, person_id, expected, {"role": role.value, "unit": unit_id})
        if role == Role.ADMIN and unit_id is None:
            refuse_last_admin(connection, tenant_id, person_id)
        taken = people.take_role(connection, tenant_id, person_id, role=role.value, unit_id=unit_id)
        if taken:
            audit.append(
                connection, tenant_id, action="role.taken", resource=f"person/{person_id}",
                payload={"role": role.value, "unit": _text(unit_id)},
            )  # fmt: skip
    return taken


def grant(
    installation: Installation,
    person_id: UUID,
    right: Right,
    unit_id: UUID | None = None,
    *,
    expires_at: datetime | None = None,
    expected: int | None = None,
) -> UUID:
    """One right more, in the organisation or a unit and all below it, until it is revoked or a time has come."""
    may_give(installation, frozenset({right}), unit_id, on=f"person/{person_id}")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= datetime.now(UTC)):
        raise InputRefused(
            "a grant ends in the future", where="expires_at", value=expires_at, valid="a time to come, with time zone"
        )
    tenant_id, grant_id = installation.tenant_id, uuid4()
    with changing(installation) as (connection, _):
        present(installation, connection, person_id, expected, {"right": right.value, "unit": unit_id})
        in_use(connection, tenant_id, unit_id)
        people.give_grant(
            connection, tenant_id, person_id, grant_id=grant_id, right_name=right.value, unit_id=unit_id,
            given_by=installation.actor.name, expires_at=expires_at,
        )  # fmt: skip
        payload = {
            "grant": str(grant_id),
            "right": right.value,
            "unit": _text(unit_id),
            "expires_at": _text(expires_at),
        }
        audit.append(
            connection, tenant_id, action="grant.given", resource=f"person/{person_id}", payload=payload
        )  # fmt: skip
    return grant_id


def revoke(installation: Installation, grant_id: UUID) -> None:
    """End a grant before its time; NotFound where there is none."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = people.get_grant(connection, tenant_id, grant_id)
    if found is None:
        installation.require(Right.MANAGE_USERS, on=f"grant/{grant_id}")
        raise _no_grant(grant_id)
    right = Right(found.right_name)
    may_give(installation, frozenset({right}), found.unit_id, on=f"person/{found.person_id}")
    with changing(installation) as (connection, _):
        if not people.take_grant(connection, tenant_id, found):
            raise _no_grant(grant_id)
        payload = {"grant": str(grant_id), "right": right.value, "unit": _text(found.unit_id)}
        audit.append(
            connection, tenant_id, action="grant.revoked", resource=f"person/{found.person_id}", payload=payload
        )  # fmt: skip


def _text(value: UUID | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _no_grant(grant_id: UUID) -> NotFound:
    return NotFound(
        "there is no such grant",
        where="grant",
        value=grant_id,
        valid="a grant that holds",
        remedy="`headwater people show PERSON` shows those of somebody.",
    )
