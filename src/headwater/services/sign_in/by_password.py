"""Signing in by password. Whether an address is known shows neither in the answer nor in what is done to give it.

Every attempt is counted before anything is compared, so that many at once are no way round the lock: five are free,
then an address is locked for 30 seconds, and twice as long each time, up to a quarter of an hour. The lock is on the
address as it was typed, known or not; sessions, tokens, one-time links and OpenID Connect go on beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.errors import Forbidden, RetryLater, Unauthenticated
from headwater.services.access.keys import keyring
from headwater.services.sign_in import passwords, sessions
from headwater.services.sign_in.addresses import email_index, known_of
from headwater.services.sign_in.authentication import NOBODY, address_index
from headwater.services.sign_in.sessions import UNKNOWN
from headwater.store import audit, people
from headwater.store import sign_in as stored
from headwater.store.tenants import is_known, tenant_id

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.sign_in.sessions import Origin, SignedIn


def sign_in(
    installation: Installation, organisation: str, email: str, password: str, origin: Origin = UNKNOWN
) -> SignedIn:
    """A session for whoever has this address and password in the organisation of this name.

    Unauthenticated in the same words whatever is wrong; RetryLater, with `after`, while the address is locked.
    """
    there = installation.acting(NOBODY, tenant_id(organisation))
    with there.database.connect(there.tenant_id) as connection:
        if not is_known(connection, there.tenant_id):
            passwords.is_right(password, None)
            raise _wrong()
        index = email_index(keyring(there, connection), email)
        person_id = people.find_person(connection, there.tenant_id, index)
        kept = stored.password_of(connection, there.tenant_id, person_id) if person_id else None
        wait = stored.count_attempt(connection, there.tenant_id, index)
        if wait:
            _note(there, connection, index, origin, result="refused")
    if wait:
        raise _locked(wait)
    if passwords.is_right(password, kept) and person_id and kept:
        again = passwords.hashed(password) if passwords.is_outdated(kept) else None
        signed_in = _begin(there, person_id, index, kept=kept, again=again, origin=origin)
        if signed_in:
            return signed_in
    with there.database.connect(there.tenant_id) as connection:
        _note(there, connection, index, origin, result="failed")
    raise _wrong()


def change_password(installation: Installation, old: str, new: str) -> None:
    """Another password for whoever is signed in; their other sessions end. Unauthenticated where `old` is wrong."""
    actor, tenant = installation.actor, installation.tenant_id
    if actor.person_id is None or actor.session_id is None:
        raise Forbidden("a password is changed by its person, signed in", where="password")
    with installation.database.connect(tenant) as connection:
        known = known_of(installation, connection, actor.person_id)
        index = email_index(keyring(installation, connection), known[0])
        kept = stored.password_of(connection, tenant, actor.person_id)
        wait = stored.count_attempt(connection, tenant, index)
    if wait:
        raise _locked(wait)
    if not passwords.is_right(old, kept):
        raise Unauthenticated("the password is not the one there is", where="password")
    passwords.refuse_weak(new, about=known)
    hashed = passwords.hashed(new)
    with installation.database.connect(tenant) as connection:
        person = stored.lock_person(connection, tenant, actor.person_id)
        if person is None or person.hash != kept or person.state != "active":
            raise Unauthenticated("the password is not the one there is", where="password")
        stored.forget_failures(connection, tenant, index)
        replace_password(installation, connection, actor.person_id, hashed, but=actor.session_id)


def replace_password(
    installation: Installation, connection: Any, person_id: UUID, hashed: str, *, but: UUID | None = None
) -> None:
    """A password in place of any other, in a transaction that has locked the person and does little after it.

    Sessions end, but for one where it is said, and no link works any more.
    """
    tenant = installation.tenant_id
    stored.put_password(connection, tenant, person_id, hashed)
    ended = stored.end_sessions(connection, tenant, person_id, but=but)
    stored.end_links(connection, tenant, person_id)
    audit.append(
        connection,
        tenant,
        actor=f"person/{person_id}",
        action="password.changed",
        resource=f"person/{person_id}",
        payload={"sessions_ended": ended},
    )


def _begin(
    there: Installation, person_id: UUID, index: bytes, *, kept: str, again: str | None, origin: Origin
) -> SignedIn | None:
    """None where the person was suspended, or the password changed, since it was found right; again: hashed anew."""
    with there.database.connect(there.tenant_id) as connection:
        person = stored.lock_person(connection, there.tenant_id, person_id)
        if person is None or person.state != "active" or person.hash != kept:
            return None
        if again:
            stored.rehash(connection, there.tenant_id, person_id, before=kept, hashed=again)
        stored.forget_failures(connection, there.tenant_id, index)
        return sessions.begin(there, connection, person_id, method="password", origin=origin)


def _note(there: Installation, connection: Any, index: bytes, origin: Origin, *, result: str) -> None:
    """The address stands as its keyed hash."""
    address = address_index(there, connection, origin)
    audit.append(
        connection,
        there.tenant_id,
        action="sign_in.password",
        resource=f"sign_in/{index.hex()}",
        payload={"address": address.hex()} if address else {},
        result=result,
    )


def _wrong() -> Unauthenticated:
    return Unauthenticated(
        "organisation, e-mail address and password do not belong together",
        where="sign-in",
        remedy="Try again, or ask for a link to set another password.",
    )


def _locked(seconds: float) -> RetryLater:
    wait = "Wait for a moment, at most a quarter of an hour."
    error = RetryLater("too many attempts with this address", where="sign-in", remedy=wait)
    error.after = seconds
    return error
