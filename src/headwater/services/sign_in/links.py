"""Links that work once: to accept an invitation, to set another password. Whoever uses one proves to have its mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.errors import Conflict, Misuse, Unauthenticated
from headwater.services.access.actors import rights_of
from headwater.services.access.changing import may_give, nobody
from headwater.services.access.keys import folded, keyring
from headwater.services.sign_in import passwords, sessions
from headwater.services.sign_in.addresses import email_index, introduce, known_of
from headwater.services.sign_in.authentication import NOBODY
from headwater.services.sign_in.bearers import Bearer, Kind, read_bearer
from headwater.services.sign_in.by_password import replace_password
from headwater.services.sign_in.sessions import UNKNOWN
from headwater.store import audit, people
from headwater.store import sign_in as stored
from headwater.store.tenants import is_known, name_of, tenant_id

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.sign_in.sessions import Origin, SignedIn
    from headwater.store.sign_in import StoredLink

INVITATION, RESET = "invitation", "password_reset"
MINUTES = {INVITATION: 7 * 24 * 60, RESET: 60}
ASKED_AGAIN_SECONDS = 10 * 60
"""Each link takes the place of the one before: whoever asks for somebody else leaves them this long to use theirs."""
PATH = "/sign-in/link/"
NO_ADDRESS = "first-admin@headwater.invalid"
"""Stands for the address of a first admin, who says it when accepting."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link that was just made; whoever has its URL may use it, once.

    purpose  what it is for: to come in, or to set a password
    url      shown this once
    """

    person_id: UUID
    purpose: str
    expires_at: datetime
    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """What a page asks for before a link is used."""

    organisation: str
    purpose: str
    expires_at: datetime
    needs_email: bool


def make_link(installation: Installation, connection: Any, person_id: UUID, purpose: str) -> Link:
    """A link in the open transaction, in place of those of its purpose that the person was given before."""
    tenant = installation.tenant_id
    bearer = Bearer.new(Kind.LINK, tenant)
    expires_at = stored.add_link(
        connection,
        tenant,
        bearer.id,
        person_id=person_id,
        purpose=purpose,
        secret_hash=bearer.secret_hash,
        minutes=MINUTES[purpose],
    )
    payload = {"purpose": purpose, "until": expires_at.isoformat()}
    audit.append(connection, tenant, action="link.made", resource=f"person/{person_id}", payload=payload)
    url = installation.settings.public_url.rstrip("/") + PATH + bearer.text
    return Link(person_id=person_id, purpose=purpose, expires_at=expires_at, url=url)


def link_for(installation: Installation, person_id: UUID) -> Link:
    """A link for somebody else to hand on: an invitation where they have not accepted one yet, else to set a password.

    Needs manage_users, and every right that they have, wherever they have it: whoever sets a password can sign in.
    """
    on, tenant = f"person/{person_id}/links", installation.tenant_id
    with installation.database.connect(tenant) as connection:
        found = people.given_to(connection, tenant, person_id)
    everywhere, in_units = rights_of(found[1] if found else ())
    if everywhere or not in_units:
        may_give(installation, everywhere, None, on=on)
    for unit_id, rights in in_units.items():
        may_give(installation, rights, unit_id, on=on)
    if found is None or found[0] == "erased":
        raise nobody(person_id)
    with installation.database.connect(tenant) as connection:
        locked = stored.lock_person(connection, tenant, person_id)
        if locked is None or locked.state not in {"invited", "active"}:
            raise Conflict("they may not sign in", where="person", value=person_id, valid="invited or active")
        return make_link(installation, connection, person_id, INVITATION if locked.state == "invited" else RESET)


def ask_for_reset(installation: Installation, organisation: str, email: str) -> Link | None:
    """A link to set another password, to be sent to that address and told to nobody else; None where there is none to
    send: the address is unknown, or was sent one just now. Whoever asked gets the same answer either way.
    """
    there = installation.acting(NOBODY, tenant_id(organisation))
    tenant = there.tenant_id
    with there.database.connect(tenant) as connection:
        if not is_known(connection, tenant):
            return None
        index = email_index(keyring(there, connection), email)
        person_id = people.find_person(connection, tenant, index)
        person = stored.lock_person(connection, tenant, person_id) if person_id else None
        may = person is not None and person.state in {"invited", "active"}
        if person_id is None or person is None or not may or folded(email) == NO_ADDRESS:
            audit.append(
                connection, tenant, action="link.asked", resource=f"sign_in/{index.hex()}", payload={}, result="refused"
            )
            return None
        purpose = INVITATION if person.state == "invited" else RESET
        if stored.linked_lately(connection, tenant, person_id, purpose=purpose, seconds=ASKED_AGAIN_SECONDS):
            return None
        return make_link(there, connection, person_id, purpose)


def look_at(installation: Installation, text: str) -> LinkView:
    """What a link is for, without using it; Unauthenticated in the same words whatever is wrong with it."""
    bearer, there = _read(installation, text)
    with there.database.connect(there.tenant_id) as connection:
        found = _holding(there, connection, bearer)
        needs = known_of(there, connection, found.person_id)[0] == NO_ADDRESS
        name = name_of(connection, there.tenant_id)
    return LinkView(organisation=name, purpose=found.purpose, expires_at=found.expires_at, needs_email=needs)


def accept(
    installation: Installation,
    text: str,
    password: str,
    *,
    email: str | None = None,
    name: str | None = None,
    origin: Origin = UNKNOWN,
) -> SignedIn | None:
    """Set a password by a link, and use it up. Whoever accepts an invitation is signed in; others sign in after it.

    Of two who use a link at once one succeeds. A password that is refused uses nothing up.
    email: where the invitation names no address (`LinkView.needs_email`); name: where they say one.
    """
    bearer, there = _read(installation, text)
    with there.database.connect(there.tenant_id) as connection:
        known = known_of(there, connection, _holding(there, connection, bearer).person_id)
    if known[0] == NO_ADDRESS and not email:
        raise Misuse("an e-mail address is needed to sign in with", where="email", valid="an e-mail address")
    passwords.refuse_weak(password, about=[*known, email or "", name or ""])
    hashed = passwords.hashed(password)
    with there.database.connect(there.tenant_id) as connection:
        found = _holding(there, connection, bearer)
        person_id = found.person_id
        stored.lock_person(connection, there.tenant_id, person_id)
        if known[0] == NO_ADDRESS or name:
            said = email if known[0] == NO_ADDRESS else None
            introduce(there, connection, person_id, email=said, name=name or None)
        stored.activate(connection, there.tenant_id, person_id)
        keys = keyring(there, connection)
        stored.forget_failures(connection, there.tenant_id, email_index(keys, email or known[0]))
        replace_password(there, connection, person_id, hashed)
        if found.purpose != INVITATION:
            return None
        return sessions.begin(there, connection, person_id, method="invitation", origin=origin)


def _read(installation: Installation, text: str) -> tuple[Bearer, Installation]:
    bearer = read_bearer(text, Kind.LINK)
    if bearer is None:
        raise _no_link()
    return bearer, installation.acting(NOBODY, bearer.tenant_id)


def _holding(there: Installation, connection: Any, bearer: Bearer) -> StoredLink:
    found = stored.get_link(connection, there.tenant_id, bearer.id)
    if found is None or not bearer.is_of(found.secret_hash) or not found.holds:
        raise _no_link()
    return found


def _no_link() -> Unauthenticated:
    return Unauthenticated(
        "this link does not work: it was used, has expired, or was replaced by another",
        where="link",
        remedy="Ask for another.",
    )
