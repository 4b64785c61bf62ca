"""Whose session or token this is, and what they may do now. What does not hold is told alike, whatever is wrong."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.errors import Unauthenticated
from headwater.services.access.actors import actor_of, actor_of_service
from headwater.services.access.keys import keyring
from headwater.services.access.policy import Actor, Right, Role
from headwater.services.sign_in.bearers import Kind, read_bearer
from headwater.services.sign_in.sessions import UNKNOWN
from headwater.store import audit, sign_in, tokens

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.sign_in.bearers import Bearer
    from headwater.services.sign_in.sessions import Origin

NOBODY = Actor(name="nobody", rights=frozenset())
"""Whoever has not shown who they are."""

NOTED_AGAIN_SECONDS = 10 * 60
REMEMBERED = 10_000
_noted: dict[UUID, float] = {}
_indexed: dict[tuple[UUID, str], bytes] = {}
_lock = threading.Lock()


def authenticate(installation: Installation, text: str, origin: Origin = UNKNOWN) -> Installation:
    """The installation for whoever holds this token or session, bound to the organisation that it names.

    Unauthenticated, in the same words, where it is unknown, expired, revoked, idle, of somebody suspended, or no such
    text at all. Of one that once held, the refusal is noted in the audit chain, at most every ten minutes.
    """
    bearer = read_bearer(text, Kind.TOKEN, Kind.SESSION)
    if bearer is None:
        raise _unknown()
    there = installation.acting(NOBODY, bearer.tenant_id)
    found = _by_token if bearer.kind is Kind.TOKEN else _by_session
    with there.database.asking(bearer.tenant_id) as connection:
        actor = found(there, connection, bearer, origin)
    if actor is None:
        raise _unknown()
    return there.acting(actor)


def address_index(installation: Installation, connection: Any, origin: Origin) -> bytes | None:
    """A keyed hash of the network address, by which the audit chain tells one from another and nobody tells which."""
    if not origin.address:
        return None
    wanted = (installation.tenant_id, origin.address)
    found = _indexed.get(wanted)
    if found is None:
        found = keyring(installation, connection).index("network address", origin.address)
        with _lock:
            if len(_indexed) >= REMEMBERED:
                _indexed.clear()
            _indexed[wanted] = found
    return found


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "nobody is known by this token or session: it is wrong, or holds no more",
        where="authentication",
        remedy="Sign in, or use another token.",
    )


def _by_session(there: Installation, connection: Any, bearer: Bearer, origin: Origin) -> Actor | None:
    idle = there.settings.session_idle_minutes
    found = sign_in.presented_session(connection, bearer.tenant_id, bearer.id, idle_minutes=idle)
    if found is None or not bearer.is_of(found.secret_hash) or not found.holds:
        if found is not None:
            _note_refused(there, connection, bearer, origin)
        return None
    if found.is_stale:
        sign_in.see_session(connection, bearer.tenant_id, bearer.id)
    index = address_index(there, connection, origin)
    return actor_of(connection, bearer.tenant_id, found.person_id, session_id=bearer.id, address_index=index)


def _by_token(there: Installation, connection: Any, bearer: Bearer, origin: Origin) -> Actor | None:
    found = tokens.presented_token(connection, bearer.tenant_id, bearer.id)
    if found is None or not bearer.is_of(found.secret_hash) or not found.holds:
        if found is not None:
            _note_refused(there, connection, bearer, origin)
        return None
    if found.is_stale:
        tokens.see_token(connection, bearer.tenant_id, bearer.id)
    index, scopes = address_index(there, connection, origin), [Right(scope) for scope in found.scopes]
    if found.person_id is None:
        return actor_of_service(
            connection,
            bearer.tenant_id,
            token_id=bearer.id,
            role=Role(str(found.role)),
            unit_id=found.unit_id,
            scopes=scopes,
            address_index=index,
        )
    person = actor_of(
        connection, bearer.tenant_id, found.person_id, token_id=bearer.id, scopes=scopes, address_index=index
    )
    return replace(person, name=f"token/{bearer.id}")  # whose it is, the token's row tells


def _note_refused(there: Installation, connection: Any, bearer: Bearer, origin: Origin) -> None:
    now = time.monotonic()
    with _lock:
        for old in [noted for noted, at in _noted.items() if now - at > NOTED_AGAIN_SECONDS]:
            del _noted[old]
        if bearer.id in _noted:
            return
        _noted[bearer.id] = now
    kind = "token" if bearer.kind is Kind.TOKEN else "session"
    index = address_index(there, connection, origin)
    with connection.transaction():
        audit.append(
            connection,
            bearer.tenant_id,
            action=f"{kind}.refused",
            resource=f"{kind}/{bearer.id}",
            payload={"address": index.hex()} if index else {},
            result="refused",
        )
