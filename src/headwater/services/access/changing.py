"""Changes of people, units and roles: one after another, and only by who may.

Under one lock of the organisation, so that what is checked (is this the last administrator? may they do this?) still
holds when it is written.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headwater.errors import Conflict, Forbidden, NotFound
from headwater.services.access.actors import rights_of
from headwater.services.access.keys import Keyring, locked_keyring
from headwater.services.access.people_view import shown_people
from headwater.services.access.policy import Right
from headwater.store import people
from headwater.store.units import get_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from headwater.services.installation import Installation


@contextmanager
def changing(installation: Installation) -> Iterator[tuple[Any, Keyring]]:
    """A transaction in which nobody else changes people, units or roles of this organisation."""
    with installation.database.connect(installation.tenant_id) as connection:
        yield connection, locked_keyring(installation, connection)


def get_person(connection: Any, tenant_id: UUID, person_id: UUID) -> people.Person:
    """A person; NotFound where they are not there."""
    found = people.get_person(connection, tenant_id, person_id)
    if found is None:
        raise nobody(person_id)
    return found


def refuse_last_admin(connection: Any, tenant_id: UUID, person_id: UUID) -> None:
    """Conflict where nobody else who may sign in administrates the organisation."""
    if people.admins(connection, tenant_id) == {person_id}:
        raise Conflict(
            "this is the last administrator of the organisation",
            where="person",
            value=person_id,
            remedy="Make somebody else an administrator first, and wait until they have signed in.",
        )


def in_use(connection: Any, tenant_id: UUID, unit_id: UUID | None) -> None:
    """NotFound where there is no such unit, Conflict where it is archived; the organisation itself is always in use."""
    if unit_id is None:
        return
    unit = get_unit(connection, tenant_id, unit_id)
    if unit is None:
        raise NotFound(
            "there is no such unit", where="unit", value=unit_id, remedy="`headwater units list` shows them."
        )
    if unit.archived_at is not None:
        raise Conflict("this unit is archived", where="unit", value=unit_id, remedy="Restore it first.")


def may_give(installation: Installation, rights: frozenset[Right], unit_id: UUID | None, *, on: str) -> None:
    """Forbidden for who does not manage users there, or lacks one of these rights: one gives and takes what one has."""
    for right in (Right.MANAGE_USERS, *sorted(rights)):
        installation.require(right, unit_id, on=on)


def not_above(installation: Installation, connection: Any, person_id: UUID) -> None:
    """Forbidden, and noted, where they may do what whoever acts may not: nobody is put out by who could not put them
    in.
    """
    found = people.given_to(connection, installation.tenant_id, person_id)
    everywhere, in_units = rights_of(found[1] if found else ())
    actor = installation.actor
    more = [right for right in everywhere if not actor.may(right)]
    more += [right for unit, rights in in_units.items() for right in rights if not actor.may(right, unit)]
    if more:
        installation.note_refused(min(more), on=f"person/{person_id}")
        raise Forbidden(
            "this person may do more than you",
            where="access",
            value=min(more).value,
            remedy="Ask an administrator of the organisation.",
        )


def present(
    installation: Installation, connection: Any, person_id: UUID, expected: int | None, mine: object
) -> people.Person:
    """Somebody who is not erased, in the version that is expected, if any; theirs is the row until the end.

    Who signs in locks it too: a session is begun before this, and seen after it, or waits and finds what was changed.
    """
    people.lock(connection, installation.tenant_id, person_id)
    found = get_person(connection, installation.tenant_id, person_id)
    if found.state == "erased":
        raise Conflict(
            "this person was erased",
            where="person",
            value=person_id,
            valid="somebody who is not erased",
            remedy="Nothing leads back: invite them anew, as somebody else.",
        )
    if expected is not None and found.version != expected:
        theirs = shown_people(installation, connection, [found], clear=False)[0].as_json()
        raise changed_meanwhile("person", found.version, mine=mine, theirs=theirs)
    return found


def changed_meanwhile(what: str, version: int | str, *, mine: object, theirs: object) -> Conflict:
    """Both versions of what two people change."""
    error = Conflict(
        "it was changed since you looked", where=what, valid=f"version {version}", remedy="Look again, then decide."
    )
    error.mine, error.theirs = mine, theirs
    return error


def nobody(value: object) -> NotFound:
    """What is said where there is no such person."""
    return NotFound(
        "there is no such person", where="person", value=value, remedy="`headwater people list` shows them."
    )
