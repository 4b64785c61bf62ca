"""Sessions: begun when somebody has shown who they are, listed, ended; over when idle or old, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.errors import Forbidden, NotFound
from headwater.services.access.keys import keyring
from headwater.services.access.policy import Right
from headwater.services.sign_in.bearers import Bearer, Kind
from headwater.store import audit
from headwater.store import sign_in as stored

if TYPE_CHECKING:
    from headwater.services.access.keys import DataKey
    from headwater.services.installation import Installation

LONGEST = {"address": 64, "agent": 300}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request comes from, as far as that is known: network address and what the browser calls itself."""

    address: str | None = None
    agent: str | None = None


UNKNOWN = Origin()


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session that has just begun. Its text is the cookie's value, and is known to its holder only."""

    person_id: UUID
    tenant_id: UUID
    session_id: UUID
    expires_at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session that holds, as its person sees it.

    method   how they signed in
    address  where from, as far as it is known
    agent    what the browser calls itself
    seen_at  when it was used last
    is_this  whether it is the one that asks
    """

    session_id: UUID
    method: str
    address: str | None
    agent: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_this: bool


def begin(installation: Installation, connection: Any, person_id: UUID, *, method: str, origin: Origin) -> SignedIn:
    """A session, in a transaction that has locked the person and does nothing after it."""
    tenant_id = installation.tenant_id
    bearer, key = Bearer.new(Kind.SESSION, tenant_id), keyring(installation, connection).of(person_id)
    address = _sealed(key, "address", origin.address)
    expires_at = stored.add_session(
        connection,
        tenant_id,
        bearer.id,
        person_id=person_id,
        secret_hash=bearer.secret_hash,
        method=method,
        address=address,
        agent=_sealed(key, "agent", origin.agent),
        hours=installation.settings.session_hours,
    )
    audit.append(
        connection,
        tenant_id,
        actor=f"person/{person_id}",
        action="session.begun",
        resource=f"session/{bearer.id}",
        payload={"method": method, "address": address.hex() if address else None, "until": expires_at.isoformat()},
    )
    return SignedIn(
        person_id=person_id, tenant_id=tenant_id, session_id=bearer.id, expires_at=expires_at, text=bearer.text
    )


def list_sessions(installation: Installation, person_id: UUID | None = None) -> list[Session]:
    """One's own sessions that hold or, with the right manage_users, somebody else's; the one used last first."""
    whose = _whose(installation, person_id)
    idle = installation.settings.session_idle_minutes
    with installation.database.connect(installation.tenant_id) as connection:
        found = stored.list_sessions(connection, installation.tenant_id, whose, idle_minutes=idle)
        if not found:
            return []
        key = keyring(installation, connection).of(whose)
        if whose != installation.actor.person_id:  # addresses are personal
            _note(installation, connection, "sessions.read", whose, sessions=len(found))
    return [
        Session(
            session_id=each.session_id,
            method=each.method,
            address=key.decrypt("session.address", each.address) if each.address else None,
            agent=key.decrypt("session.agent", each.agent) if each.agent else None,
            created_at=each.created_at,
            seen_at=each.seen_at,
            expires_at=each.expires_at,
            is_this=each.session_id == installation.actor.session_id,
        )
        for each in found
    ]


def end_session(installation: Installation, session_id: UUID, person_id: UUID | None = None) -> None:
    """One session of one's own or of somebody else; NotFound where none of that id holds."""
    whose = _whose(installation, person_id)
    with installation.database.connect(installation.tenant_id) as connection:
        if not stored.end_session(connection, installation.tenant_id, whose, session_id):
            raise NotFound(
                "no session of this id holds",
                where="session",
                value=session_id,
                remedy="It has ended, or is somebody else's: `headwater people sessions PERSON` shows those that hold.",
            )
        _note(installation, connection, "session.ended", whose, session=str(session_id))


def end_sessions(installation: Installation, person_id: UUID | None = None) -> int:
    """All sessions of somebody; of one's own, all but the one that asks. How many."""
    whose = _whose(installation, person_id)
    with installation.database.connect(installation.tenant_id) as connection:
        ended = stored.end_sessions(connection, installation.tenant_id, whose, but=installation.actor.session_id)
        if ended:
            _note(installation, connection, "sessions.ended", whose, sessions=ended)
    return ended


def _whose(installation: Installation, person_id: UUID | None) -> UUID:
    """Whose sessions: one's own without a right, unless by a token, which is no person; others' by manage_users."""
    own = installation.actor.person_id
    if person_id is None and own is None:
        raise Forbidden("only a person has sessions", where="sessions", remedy="Say whose sessions are meant.")
    if (person_id is not None and person_id != own) or installation.actor.token_id is not None:
        installation.require(Right.MANAGE_USERS, on=f"person/{person_id or own}/sessions")
    whose = person_id or own
    assert whose is not None  # noqa: S101 (one of the two is, as the first lines hold)
    return whose


def _sealed(key: DataKey, name: str, text: str | None) -> bytes | None:
    return key.encrypt(f"session.{name}", text[: LONGEST[name]]) if text else None


def _note(installation: Installation, connection: Any, action: str, person_id: UUID, **payload: object) -> None:
    audit.append(connection, installation.tenant_id, action=action, resource=f"person/{person_id}", payload=payload)
