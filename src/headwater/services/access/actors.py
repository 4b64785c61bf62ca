"""Who acts and what they may do, as the database has it now: nothing is remembered between requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.errors import Unauthenticated
from headwater.services.access.policy import RIGHTS_OF, Actor, Right, Role
from headwater.store import people, units

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from headwater.store.people import Given


def actor_of(
    connection: Any,
    tenant_id: UUID,
    person_id: UUID,
    *,
    session_id: UUID | None = None,
    token_id: UUID | None = None,
    scopes: Iterable[Right] | None = None,
    address_index: bytes | None = None,
) -> Actor:
    """A person with all that their roles and grants give now; Unauthenticated where they may not sign in.

    scopes: of the token they came with; they do nothing beyond it.
    """
    found = people.given_to(connection, tenant_id, person_id)
    if found is None or found[0] != "active":
        raise Unauthenticated("nobody who may sign in", where="person", remedy="Ask an administrator.")
    everywhere, in_units = rights_of(found[1])
    actor = Actor(
        name=f"person/{person_id}",
        rights=everywhere,
        in_units=in_units,
        person_id=person_id,
        session_id=session_id,
        token_id=token_id,
        address_index=address_index,
    )
    return actor if scopes is None else actor.within(frozenset(scopes))


def actor_of_service(
    connection: Any,
    tenant_id: UUID,
    *,
    token_id: UUID,
    role: Role,
    unit_id: UUID | None,
    scopes: Iterable[Right],
    address_index: bytes | None = None,
) -> Actor:
    """A service that has a role of its own, in the organisation or in a unit and all below it that are in use."""
    rights, in_units = RIGHTS_OF[role], {}
    if unit_id is not None:
        used = {unit.unit_id for unit in units.list_units(connection, tenant_id)}
        below = units.units_below(connection, tenant_id, unit_id) if unit_id in used else set()
        in_units, rights = dict.fromkeys(below & used, rights), frozenset()
    actor = Actor(
        name=f"token/{token_id}", rights=rights, in_units=in_units, token_id=token_id, address_index=address_index
    )
    return actor.within(frozenset(scopes))


def rights_of(given: Iterable[Given]) -> tuple[frozenset[Right], dict[UUID, frozenset[Right]]]:
    """All that was given, added up: in the whole organisation, and in units."""
    everywhere: frozenset[Right] = frozenset()
    in_units: dict[UUID, frozenset[Right]] = {}
    for each in given:
        rights = RIGHTS_OF[Role(each.role)] if each.role else frozenset({Right(each.right_name or "")})
        if each.unit_id is None:
            everywhere |= rights
        else:
            in_units[each.unit_id] = in_units.get(each.unit_id, frozenset()) | rights
    return everywhere, in_units
