"""People of an organisation: invited, shown, changed, suspended, erased."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.errors import Conflict, InputRefused
from headwater.services.access.changing import (
    changing,
    get_person,
    in_use,
    may_give,
    nobody,
    not_above,
    present,
    refuse_last_admin,
)
from headwater.services.access.keys import Keyring, folded, keyring
from headwater.services.access.masking import CLEAR_PEOPLE, show_clear
from headwater.services.access.people_view import PersonView, shown_people
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from headwater.services.listing import Page, cursor_of, id_of_place, mark_of, no_cursor
from headwater.store import audit, organisation_keys, people

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.installation import Installation

MOST = 1_000
LONGEST_EMAIL, LONGEST_NAME = 254, 200
STATES = ("invited", "active", "suspended", "erased")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>\"]{1,64}@[^@\s\x00-\x1f\x7f<>\"]+\.[^@\s.\x00-\x1f\x7f<>\"]+")


def invite(installation: Installation, email: str, name: str, role: Role, unit_id: UUID | None = None) -> UUID:
    """Somebody who may come in by a link, with a role in the organisation or a unit. Conflict where they are known."""
    may_give(installation, RIGHTS_OF[role], unit_id, on="people")
    email, name = _email(email), _name(name)
    with changing(installation) as (connection, keys):
        in_use(connection, installation.tenant_id, unit_id)
        index, person_id = keys.index("email", folded(email)), uuid4()
        if people.find_person(connection, installation.tenant_id, index) is not None:
            raise _taken()
        people.add_person(connection, installation.tenant_id, person_id, email_index=index)
        key = keys.make(person_id)
        people.change_person(
            connection, installation.tenant_id, person_id,
            email=key.encrypt("email", email), name=key.encrypt("name", name),
        )  # fmt: skip
        people.give_role(
            connection, installation.tenant_id, person_id,
            membership_id=uuid4(), role=role.value, unit_id=unit_id, given_by=installation.actor.name,
        )  # fmt: skip
        payload = {"role": role.value, "unit": str(unit_id) if unit_id else None}
        _note(installation, connection, "person.invited", person_id, payload)
    return person_id


def person(installation: Installation, person_id: UUID, *, clear: bool = False) -> PersonView:
    """Somebody of the organisation, erased ones too. In clear for who may manage users, and for oneself."""
    own = person_id == installation.actor.person_id
    if clear and not own:
        show_clear(installation, f"person/{person_id}", CLEAR_PEOPLE)
    units = None if own else _units(installation)
    with installation.database.connect(installation.tenant_id) as connection:
        found = get_person(connection, installation.tenant_id, person_id)
        shown = shown_people(installation, connection, [found], clear=clear)[0]
    if units is not None and units.isdisjoint(role.unit_id for role in shown.roles):
        installation.require(Right.READ, on=f"person/{person_id}")
    return shown


def list_people(
    installation: Installation,
    *,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 100,
    clear: bool = False,
) -> list[PersonView]:
    """In the order they came, from after somebody on; the erased only where their state is asked for.

    Who reads in single units only sees who has a role there.
    """
    if clear and not installation.actor.may(CLEAR_PEOPLE):
        show_clear(installation, "people", CLEAR_PEOPLE)  # noted, and refused
    units = _units(installation)
    with installation.database.connect(installation.tenant_id) as connection:
        found = people.list_people(
            connection, installation.tenant_id, state=state, units=units, after=after, limit=min(max(limit, 1), MOST)
        )
        shown = shown_people(installation, connection, found, clear=clear)
    if clear:
        show_clear(installation, "people", CLEAR_PEOPLE, people=[str(each.person_id) for each in shown])
    return shown


def page_of_people(
    installation: Installation, *, state: str | None, cursor: str | None, limit: int, clear: bool
) -> Page:
    """The same, page by page."""
    mark = mark_of(installation.tenant_id, ["people", state])
    try:
        after = None if cursor is None else UUID(id_of_place(cursor, mark))
    except ValueError:
        raise no_cursor(str(cursor)) from None
    shown = list_people(installation, state=state, after=after, limit=limit, clear=clear)
    following = None
    if len(shown) == limit:
        last, units = shown[-1].person_id, _units(installation)
        with installation.database.connect(installation.tenant_id) as connection:
            if people.list_people(connection, installation.tenant_id, state=state, units=units, after=last, limit=1):
                following = cursor_of(mark, [str(last)])
    return Page(items=[each.as_json() for each in shown], next_cursor=following)


def find_by_email(installation: Installation, connection: Any, email: str) -> UUID | None:
    """Whose address this is, in whatever case it is written; None where it is nobody's here."""
    index = keyring(installation, connection).index("email", folded(email))
    return people.find_person(connection, installation.tenant_id, index)


def named(installation: Installation, reference: str) -> UUID:
    """The person of an id or an address; NotFound where nobody is meant."""
    installation.require(Right.MANAGE_USERS, on="people")
    with installation.database.connect(installation.tenant_id) as connection:
        found = find_by_email(installation, connection, reference) if "@" in reference else _id(reference)
    if found is None:
        raise nobody(reference)
    return found


def change(
    installation: Installation,
    person_id: UUID,
    *,
    name: str | None = None,
    email: str | None = None,
    state: str | None = None,
    expected: int | None = None,
) -> PersonView:
    """Another name, address or state (`active`, `suspended`), all or nothing. One's own name all may change.

    Conflict with both versions where `expected` is old.
    """
    own = installation.actor.person_id == person_id and email is None and state is None
    if not own:
        installation.require(Right.MANAGE_USERS, on=f"person/{person_id}")
    name, email = None if name is None else _name(name), None if email is None else _email(email)
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, keys):
        mine = {"name": name, "email": email} | ({} if state is None else {"state": state})
        before = present(installation, connection, person_id, expected, mine)
        if not own:
            not_above(installation, connection, person_id)
        if state is not None:
            _put_state(installation, connection, before, state)
        if name is not None or email is not None:
            _put_fields(installation, connection, keys, before, name=name, email=email)
        return shown_people(installation, connection, [get_person(connection, tenant_id, person_id)], clear=False)[0]


def _put_fields(
    installation: Installation,
    connection: Any,
    keys: Keyring,
    before: people.Person,
    *,
    name: str | None,
    email: str | None,
) -> None:
    """Those that are None stay. Conflict where another has the address. The chain holds what they were and are as
    ciphertext by the person's key: with that, both are gone once they are erased.
    """
    tenant_id, person_id = installation.tenant_id, before.person_id
    index = None if email is None else keys.index("email", folded(email))
    if index is not None and people.find_person(connection, tenant_id, index) not in {None, person_id}:
        raise _taken()
    key = keys.of(person_id)
    sealed = {
        field: key.encrypt(field, value) for field, value in (("email", email), ("name", name)) if value is not None
    }
    people.change_person(
        connection, tenant_id, person_id, email_index=index, email=sealed.get("email"), name=sealed.get("name")
    )
    was = {field: getattr(before, field) for field in sealed}
    payload = {
        "fields": list(sealed),
        "version": get_person(connection, tenant_id, person_id).version,
        "before": {field: None if value is None else bytes(value).hex() for field, value in was.items()},
        "after": {field: value.hex() for field, value in sealed.items()},
    }
    _note(installation, connection, "person.changed", person_id, payload)


def suspend(installation: Installation, person_id: UUID, *, expected: int | None = None) -> None:
    """They cannot sign in, their sessions end and their tokens are refused, until they are let in again."""
    _set_state(installation, person_id, "suspended", expected)


def resume(installation: Installation, person_id: UUID, *, expected: int | None = None) -> None:
    """Let somebody in again who was suspended; whoever had not accepted the invitation is invited as before."""
    _set_state(installation, person_id, "active", expected)


def erase(installation: Installation, person_id: UUID, *, expected: int | None = None) -> None:
    """Delete somebody's key and all that is known of them. What they did stays, under a number that names nobody."""
    installation.require(Right.MANAGE_USERS, on=f"person/{person_id}")
    tenant_id = installation.tenant_id
    with changing(installation) as (connection, _):
        present(installation, connection, person_id, expected, {"state": "erased"})
        not_above(installation, connection, person_id)
        refuse_last_admin(connection, tenant_id, person_id)
        people.end_access(connection, tenant_id, person_id)
        people.erase_person(connection, tenant_id, person_id)
        organisation_keys.remove_person_key(connection, tenant_id, person_id)
        _note(installation, connection, "person.erased", person_id, {})


def _set_state(installation: Installation, person_id: UUID, state: str, expected: int | None) -> None:
    installation.require(Right.MANAGE_USERS, on=f"person/{person_id}")
    with changing(installation) as (connection, _):
        before = present(installation, connection, person_id, expected, {"state": state})
        not_above(installation, connection, person_id)
        _put_state(installation, connection, before, state)


def _put_state(installation: Installation, connection: Any, before: people.Person, state: str) -> None:
    """The state of somebody whose row is locked, so that nobody signs in between the end of sessions and this."""
    tenant_id, person_id = installation.tenant_id, before.person_id
    if state == "suspended":
        refuse_last_admin(connection, tenant_id, person_id)
        people.end_access(connection, tenant_id, person_id)
    elif before.state != "suspended":
        raise Conflict(
            "only who is suspended can be let in again", where="person", value=before.state, valid="suspended"
        )
    elif not people.has_signed_in(connection, tenant_id, person_id):
        state = "invited"
    people.set_state(connection, tenant_id, person_id, state)
    _note(installation, connection, f"person.{'suspended' if state == 'suspended' else 'resumed'}", person_id, {})


def _units(installation: Installation) -> frozenset[UUID] | None:
    """In which units whoever acts may see who has a role; None where in all of the organisation."""
    units = installation.actor.units_with(Right.READ)
    if units is not None and not units:
        installation.require(Right.READ, on="people")
    return units


def _email(text: str) -> str:
    email = unicodedata.normalize("NFC", text.strip())
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise InputRefused("this is no address of e-mail", where="email", valid="somebody@example.org")
    return email


def _name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InputRefused("this is no name", where="name", valid=f"1 to {LONGEST_NAME} signs that can be printed")
    return name


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _taken() -> Conflict:
    return Conflict(
        "somebody with this address is in the organisation already",
        where="email",
        valid="an address that nobody else has here",
        remedy="`headwater people list` shows them. Whoever is suspended is let in again, not invited.",
    )


def _note(
    installation: Installation, connection: Any, action: str, person_id: UUID, payload: Mapping[str, object]
) -> None:
    resource = f"person/{person_id}"
    audit.append(connection, installation.tenant_id, action=action, resource=resource, payload=payload)
