"""E-mail addresses: found by their keyed hash, said by whoever accepts an invitation that names none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headwater.errors import Conflict, Misuse
from headwater.services.access.keys import folded, keyring
from headwater.store import people

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.keys import Keyring
    from headwater.services.installation import Installation

LONGEST_NAME = 200
_FORM = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def email_index(keys: Keyring, email: str) -> bytes:
    """By what an address is found, in whatever case it is written."""
    return keys.index("email", folded(email))


def introduce(
    installation: Installation, connection: Any, person_id: UUID, *, email: str | None, name: str | None
) -> None:
    """What somebody says of themselves; what is None stays. Conflict where another has the address."""
    keys, tenant = keyring(installation, connection), installation.tenant_id
    key, index = keys.of(person_id), None
    if email is not None:
        if not _FORM.fullmatch(email.strip()):
            raise Misuse("no e-mail address", where="email", value=email, valid="name@host")
        index = email_index(keys, email)
        if people.find_person(connection, tenant, index) not in {None, person_id}:
            raise Conflict(
                "somebody has this address already",
                where="email",
                value=email,
                valid="an address that nobody else has here",
            )
    if name is not None and (not 1 <= len(name.strip()) <= LONGEST_NAME or "\0" in name):
        raise Misuse("no name", where="name", value=name, valid=f"1 to {LONGEST_NAME} signs")
    people.change_person(
        connection,
        tenant,
        person_id,
        email_index=index,
        email=key.encrypt("email", email.strip()) if email is not None else None,
        name=key.encrypt("name", name.strip()) if name is not None else None,
    )


def known_of(installation: Installation, connection: Any, person_id: UUID) -> list[str]:
    """Address and, where there is one, name of somebody."""
    person = people.get_person(connection, installation.tenant_id, person_id)
    key = keyring(installation, connection).of(person_id)
    fields = {"email": person.email, "name": person.name} if person else {}
    return [key.decrypt(field, sealed) for field, sealed in fields.items() if sealed]
