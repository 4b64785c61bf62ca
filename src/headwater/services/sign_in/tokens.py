"""API tokens: a person's, which can do no more than they may at that time; a service's, with a role of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.errors import Forbidden, Misuse, NotFound
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from headwater.services.sign_in.bearers import Bearer, Kind
from headwater.store import audit, units
from headwater.store import tokens as stored

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.tokens import Token

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just made. Its text is shown this once."""

    token_id: UUID
    expires_at: datetime
    text: str = field(repr=False)


def create_personal(
    installation: Installation,
    name: str,
    *,
    scopes: Collection[Right] = (Right.READ,),
    days: int | None = None,
    person_id: UUID | None = None,
) -> NewToken:
    """A token of whoever asks; the operator may make one for somebody else. It does nothing that they may not."""
    actor = installation.actor
    whose = person_id or actor.person_id
    if actor.token_id is not None or whose is None or (whose != actor.person_id and not _is_operator(installation)):
        installation.note_refused(None, on="tokens")
        raise Forbidden(
            "a personal token is made by its person, signed in",
            where="tokens",
            remedy="Sign in, or have a service's token made.",
        )
    if whose == actor.person_id:
        theirs = actor.rights.union(*actor.in_units.values())
        for scope in scopes:
            if scope not in theirs:
                installation.require(scope, on="tokens")
    return _create(installation, name, scopes=scopes, days=days, person_id=whose)


def create_for_service(
    installation: Installation,
    name: str,
    role: Role,
    *,
    unit_id: UUID | None = None,
    scopes: Collection[Right] | None = None,
    days: int | None = None,
) -> NewToken:
    """A token of a service, with a role in the organisation or in a unit and all below it, less what scopes leave out.

    Needs manage_users there, and every right that the token will have; a token makes no others.
    """
    if installation.actor.token_id is not None:
        installation.note_refused(None, on="tokens")
        raise Forbidden("a token makes no tokens", where="tokens", remedy="Sign in, and make it there.")
    installation.require(Right.MANAGE_USERS, unit_id, on="tokens")
    given = RIGHTS_OF[role] if scopes is None else RIGHTS_OF[role] & frozenset(scopes)
    if not given:
        raise Misuse(
            "with these scopes the role could do nothing",
            where="scopes",
            value=", ".join(sorted(scopes or ())),
            valid=", ".join(sorted(RIGHTS_OF[role])),
        )
    for right in sorted(given):
        installation.require(right, unit_id, on="tokens")
    return _create(installation, name, scopes=given, days=days, role=role, unit_id=unit_id)


def list_tokens(installation: Installation, *, everybody: bool = False) -> list[Token]:
    """One's own tokens; with the right manage_users those of everybody and of services; the newest first."""
    person_id = installation.actor.person_id
    if everybody or person_id is None:
        installation.require(Right.MANAGE_USERS, on="tokens")
        person_id = None
    with installation.database.connect(installation.tenant_id) as connection:
        return stored.list_tokens(connection, installation.tenant_id, person_id)


def revoke(installation: Installation, token_id: UUID) -> None:
    """One's own or, with the right manage_users there, another; NotFound where there is none. Twice is as once."""
    tenant_id, actor = installation.tenant_id, installation.actor
    with installation.database.connect(tenant_id) as connection:
        found = stored.get_token(connection, tenant_id, token_id)
        is_mine = found is not None and found.person_id is not None and found.person_id == actor.person_id
        is_own = is_mine and actor.token_id in {None, token_id}  # a token that leaked ends itself and no other
        if found is None or not (is_own or actor.may(Right.MANAGE_USERS, found.unit_id)):
            raise NotFound(
                "there is no such token",
                where="token",
                value=token_id,
                valid="a token of one's own or, for who manages users, of anybody there",
                remedy="`headwater tokens list` shows them.",
            )
        if stored.revoke_token(connection, tenant_id, token_id):
            audit.append(connection, tenant_id, action="token.revoked", resource=f"token/{token_id}", payload={})


def _create(
    installation: Installation,
    name: str,
    *,
    scopes: Collection[Right],
    days: int | None,
    person_id: UUID | None = None,
    role: Role | None = None,
    unit_id: UUID | None = None,
) -> NewToken:
    if not scopes:
        raise Misuse("a token without scopes could do nothing", where="scopes", valid=", ".join(Right))
    if not 1 <= len(name.strip()) <= LONGEST_NAME or "\0" in name:
        raise Misuse("a token needs a name", where="name", value=name, valid=f"1 to {LONGEST_NAME} signs")
    holds, named = _days(installation, days), sorted(str(scope) for scope in scopes)
    tenant_id, bearer = installation.tenant_id, Bearer.new(Kind.TOKEN, installation.tenant_id)
    with installation.database.connect(tenant_id) as connection:
        _check_there(connection, tenant_id, unit_id)
        expires_at = stored.add_token(
            connection,
            tenant_id,
            bearer.id,
            name=name.strip(),
            person_id=person_id,
            role=role,
            unit_id=unit_id,
            scopes=named,
            secret_hash=bearer.secret_hash,
            created_by=installation.actor.name,
            days=holds,
        )
        payload = {
            "person": str(person_id) if person_id else None,
            "role": role,
            "unit": str(unit_id) if unit_id else None,
            "scopes": named,
            "until": expires_at.isoformat(),
        }
        audit.append(connection, tenant_id, action="token.created", resource=f"token/{bearer.id}", payload=payload)
    return NewToken(token_id=bearer.id, expires_at=expires_at, text=bearer.text)


def _check_there(connection: Any, tenant_id: UUID, unit_id: UUID | None) -> None:
    unit = units.get_unit(connection, tenant_id, unit_id) if unit_id else None
    if unit_id and (unit is None or unit.archived_at is not None):
        raise NotFound(
            "there is no such unit",
            where="unit",
            value=unit_id,
            valid="a unit that is not archived",
            remedy="`headwater units list` shows them.",
        )


def _days(installation: Installation, days: int | None) -> int:
    longest = installation.settings.token_days_max
    asked = installation.settings.token_days if days is None else days
    if not 1 <= asked <= longest:
        raise Misuse("a token cannot hold so long", where="days", value=asked, valid=f"1 to {longest}")
    return asked


def _is_operator(installation: Installation) -> bool:
    actor = installation.actor
    return actor.person_id is None and actor.token_id is None and Right.MANAGE_USERS in actor.rights
