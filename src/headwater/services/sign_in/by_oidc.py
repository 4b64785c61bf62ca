"""Signing in with an OpenID Connect provider: the browser goes there and comes back with a code.

What must be remembered meanwhile (state, nonce, PKCE verifier) travels in a cookie that only this installation reads:
nothing is stored for whoever only begins. The first time, a provider's subject is linked to somebody who was invited
and whose address the provider has verified; from then on issuer and subject decide, whatever address they say.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headwater.errors import Conflict, Misuse, Unauthenticated
from headwater.services.access.keys import keyring
from headwater.services.connectors.secrets import NONCE_BYTES, keys_of, resolve
from headwater.services.sign_in import sessions
from headwater.services.sign_in.addresses import email_index
from headwater.services.sign_in.authentication import NOBODY, address_index
from headwater.services.sign_in.provider import Provider
from headwater.services.sign_in.sessions import UNKNOWN
from headwater.store import audit, people
from headwater.store import sign_in as stored
from headwater.store.tenants import tenant_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.sign_in.sessions import Origin, SignedIn
    from headwater.settings import Settings

CALLBACK = "/sign-in/oidc/callback"
SCOPES = "openid email profile"
MINUTES = 10
_BOUND_TO = b"headwater oidc request"
_providers: dict[tuple[str, str], Provider] = {}
_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Where the browser goes, and the cookie it keeps meanwhile: for CALLBACK, HttpOnly, SameSite=Lax, ten minutes."""

    url: str
    cookie: str = field(repr=False)


def is_offered(settings: Settings) -> bool:
    """Whether people can sign in with a provider here."""
    return settings.oidc_issuer is not None


def begin(installation: Installation) -> Begun:
    """The first step. For somebody who is signed in, the last will link the provider's subject to them."""
    provider = provider_of(installation.settings)
    remembered = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    linked = installation.actor.person_id if installation.actor.session_id else None
    question = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(installation.settings),
        "scope": SCOPES,
        "state": remembered["state"],
        "nonce": remembered["nonce"],
        "code_challenge": _challenge(remembered["verifier"]),
        "code_challenge_method": "S256",
    }
    endpoint = provider.description().authorization_endpoint
    url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(question)}"
    kept = {**remembered, "at": int(time.time()), "link": str(linked) if linked else None}
    return Begun(url=url, cookie=_sealed(installation.settings, kept))


def finish(installation: Installation, cookie: str, answer: Mapping[str, str], origin: Origin = UNKNOWN) -> SignedIn:
    """The last step: a session for whom the provider says this is, by the query with which the browser comes back.

    Unauthenticated where anything is not what was asked for; the audit chain has who could not be let in.
    """
    settings = installation.settings
    provider, kept = provider_of(settings), _opened(settings, cookie)
    there = installation.acting(NOBODY, tenant_id(settings.oidc_organisation or settings.organisation))
    _check_answer(provider, kept, answer)
    reference = settings.oidc_client_secret
    tokens = provider.exchange(
        answer["code"],
        verifier=kept["verifier"],
        redirect_uri=redirect_uri(settings),
        secret=resolve(there, reference.get_secret_value()) if reference else None,
    )
    claims = provider.claims(tokens.id_token, nonce=kept["nonce"])
    with there.database.connect(there.tenant_id) as connection:
        subject = keyring(there, connection).index("oidc subject", f"{provider.issuer}\0{claims['sub']}")
        known = stored.identified(connection, there.tenant_id, issuer=provider.issuer, subject_index=subject)
    if known and kept["link"] not in {None, str(known)}:
        raise Conflict(
            "this account of the provider is somebody else's here",
            where="sign-in",
            valid="an account that nobody here signs in by",
            remedy="Sign out at the provider, and come back by your own account there.",
        )
    about = claims if known else provider.about(tokens, claims)
    with there.database.connect(there.tenant_id) as connection:
        person_id = known or _whom(installation, there, connection, kept, about)
        person = stored.lock_person(connection, there.tenant_id, person_id) if person_id else None
        if person_id and person and person.state in ({"active"} if known else {"active", "invited"}):
            if not known:
                _link(there, connection, person_id, provider.issuer, subject)
            return sessions.begin(there, connection, person_id, method="oidc", origin=origin)
        address = address_index(there, connection, origin)
        audit.append(
            connection,
            there.tenant_id,
            action="sign_in.oidc",
            resource=f"sign_in/{subject.hex()}",
            payload={"issuer": provider.issuer, **({"address": address.hex()} if address else {})},
            result="refused",
        )
    raise Unauthenticated(
        "nobody here is linked with this account of the provider, nor was invited by an address that it has verified",
        where="sign-in",
        remedy="Ask an administrator for an invitation to the address that the provider knows.",
    )


def provider_of(settings: Settings) -> Provider:
    """The provider of the settings, one object a process; Misuse where there is none."""
    if not settings.oidc_issuer or not settings.oidc_client_id:
        raise Misuse(
            "no provider is set up", where="oidc_issuer", remedy="Set HEADWATER_OIDC_ISSUER, or use a password."
        )
    wanted = (settings.oidc_issuer, settings.oidc_client_id)
    with _lock:
        return _providers.setdefault(wanted, Provider(*wanted))


def redirect_uri(settings: Settings) -> str:
    """What the provider must know as this installation's redirect URI."""
    return settings.public_url.rstrip("/") + CALLBACK


def _check_answer(provider: Provider, kept: Mapping[str, Any], answer: Mapping[str, str]) -> None:
    if not hmac.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
        raise _begin_again("this answers another request")
    said = answer.get("iss")
    if (said is not None or provider.description().answers_with_issuer) and said != provider.issuer:
        raise _begin_again("this is an answer of another provider")
    if "error" in answer or "code" not in answer:
        raise _begin_again("the provider has refused, or sign-in was called off there")


def _link(there: Installation, connection: Any, person_id: UUID, issuer: str, subject: bytes) -> None:
    """From now on the subject is this person. Conflict where somebody was quicker."""
    if not stored.add_identity(connection, there.tenant_id, person_id, issuer=issuer, subject_index=subject):
        raise Conflict("this account was linked a moment ago", where="sign-in", remedy="Begin again.")
    stored.activate(connection, there.tenant_id, person_id)
    stored.end_links(connection, there.tenant_id, person_id)
    audit.append(
        connection,
        there.tenant_id,
        actor=f"person/{person_id}",
        action="identity.linked",
        resource=f"person/{person_id}",
        payload={"issuer": issuer, "subject": subject.hex()},
    )


def _whom(
    installation: Installation, there: Installation, connection: Any, kept: Mapping[str, Any], about: Mapping[str, Any]
) -> UUID | None:
    """Whom a subject that is new may stand for: whoever began this signed in, or whoever was invited; else None."""
    if kept["link"]:
        actor = installation.actor
        if str(actor.person_id) != kept["link"] or not actor.session_id or installation.tenant_id != there.tenant_id:
            raise Conflict("whoever began this is not signed in any more", where="sign-in", remedy="Begin again.")
        return actor.person_id
    email, verified = about.get("email"), about.get("email_verified")
    if not isinstance(email, str) or verified is not True:
        return None
    index = email_index(keyring(there, connection), email)
    person_id = people.find_person(connection, there.tenant_id, index)
    person = stored.lock_person(connection, there.tenant_id, person_id) if person_id else None
    return person_id if person is not None and person.state == "invited" else None


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _sealed(settings: Settings, kept: Mapping[str, Any]) -> str:
    key_id, key = keys_of(settings).current
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, json.dumps(kept).encode(), _BOUND_TO)
    return f"{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


def _opened(settings: Settings, cookie: str) -> dict[str, Any]:
    key_id, _, text = cookie.rpartition(".")
    key = keys_of(settings).by_id.get(key_id)
    try:
        sealed = base64.urlsafe_b64decode(text)
        opened = AESGCM(key or b"").decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _BOUND_TO)
    except (InvalidTag, ValueError) as error:
        raise _begin_again("this browser has not begun to sign in here, or long ago") from error
    kept: dict[str, Any] = json.loads(opened)
    if time.time() - kept["at"] > MINUTES * 60:
        raise _begin_again("this browser has not begun to sign in here, or long ago")
    return kept


def _begin_again(why: str) -> Unauthenticated:
    return Unauthenticated(why, where="sign-in", remedy="Begin again at the sign-in page.")
