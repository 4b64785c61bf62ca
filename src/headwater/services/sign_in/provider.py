"""An OpenID Connect provider as a client sees it: discovery, keys, code for tokens, and which ID tokens are believed.

OpenID Connect Core 1.0 (sections 3.1.2.7 and 3.1.3.7), Discovery 1.0, PKCE (RFC 7636), `iss` in answers (RFC 9207).
Signatures and claims are joserfc's work; what this adds is what has to be asked of them.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from headwater.errors import RetryLater, Stopped, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNED_BY = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512")
"""Never `none`, and never a secret that both sides know."""
LEEWAY_SECONDS = 60
OLDEST_SECONDS = 10 * 60
DISCOVERED_FOR_SECONDS = 60 * 60
KEYS_ASKED_AGAIN_SECONDS = 60
LARGEST_ANSWER = 2**20
TIMEOUT_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the provider's discovery document says."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_methods: tuple[str, ...]
    answers_with_issuer: bool


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What the provider gave for a code; not shown."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


class Provider:
    """One provider, and what this process knows of it; several threads may ask at once."""

    def __init__(self, issuer: str, client_id: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._lock = threading.Lock()
        self._described: tuple[float, Description] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def description(self) -> Description:
        """Where to ask what; asked anew once an hour."""
        with self._lock:
            if self._described is None or time.monotonic() - self._described[0] > DISCOVERED_FOR_SECONDS:
                self._described = (time.monotonic(), self._discover())
            return self._described[1]

    def exchange(self, code: str, *, verifier: str, redirect_uri: str, secret: str | None) -> Tokens:
        """Tokens for a code; Unauthenticated where the provider does not take it."""
        there = self.description()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"code_verifier": verifier}
        headers = {}
        if secret is None:
            form |= {"client_id": self.client_id}
        elif "client_secret_basic" in there.auth_methods:
            pair = httpx.BasicAuth(quote(self.client_id, safe=""), quote(secret, safe=""))
            headers = {"Authorization": pair._auth_header}  # noqa: SLF001 (RFC 6749 asks to quote both before)
        else:
            form |= {"client_id": self.client_id, "client_secret": secret}
        status, body = self._ask("POST", there.token_endpoint, data=form, headers=headers)
        if status == httpx.codes.OK and isinstance(body.get("id_token"), str):
            return Tokens(id_token=body["id_token"], access_token=str(body.get("access_token", "")))
        if body.get("error") in {"invalid_client", "unauthorized_client"}:
            raise Stopped(
                "the provider does not know this installation by its id and secret",
                where="oidc_client_id",
                value=self.client_id,
                remedy="Compare HEADWATER_OIDC_CLIENT_ID and HEADWATER_OIDC_CLIENT_SECRET with what the provider says.",
            )
        raise _not_believed("the provider does not take the code: it was used already, or is too old")

    def claims(self, id_token: str, *, nonce: str) -> dict[str, Any]:
        """What an ID token says, once all that makes it one for us and for now is checked; else Unauthenticated."""
        try:
            claims = self._verified(id_token).claims
            wanted = JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            )
            wanted.validate(claims)
        except (JoseError, ValueError) as error:
            raise _not_believed(
                "the ID token is not signed by the provider, not for this installation, or expired"
            ) from (error)
        said = claims["nonce"]
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise _not_believed("the ID token answers another request")
        audience = claims["aud"]
        others = isinstance(audience, list) and set(audience) != {self.client_id}
        if claims.get("azp", None if others else self.client_id) != self.client_id:
            raise _not_believed("the ID token was made for another client")
        if claims["iat"] < time.time() - OLDEST_SECONDS - LEEWAY_SECONDS:
            raise _not_believed("the ID token was made too long ago")
        return claims

    def about(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """Address and name: from the ID token or, where it holds no address, from the provider's userinfo."""
        endpoint = self.description().userinfo_endpoint
        if "email" in claims or not endpoint or not tokens.access_token:
            return claims
        status, body = self._ask("GET", endpoint, headers={"Authorization": f"Bearer {tokens.access_token}"})
        if status != httpx.codes.OK or body.get("sub") != claims["sub"]:
            raise _not_believed("the provider does not say who this is")
        return body

    def _discover(self) -> Description:
        status, body = self._ask("GET", self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if status != httpx.codes.OK or body.get("issuer") != self.issuer:
            raise _misconfigured("no discovery document of this issuer is there", self.issuer)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        scheme = urlsplit(self.issuer).scheme
        places = [body.get(name) for name in (*names, "userinfo_endpoint")]
        if not all(isinstance(place, str) and urlsplit(place).scheme == scheme for place in places if place):
            raise _misconfigured("its discovery document leads to where there is no TLS", self.issuer)
        if not all(places[:3]):
            raise _misconfigured(f"its discovery document does not name {', '.join(names)}", self.issuer)
        return Description(
            authorization_endpoint=str(places[0]),
            token_endpoint=str(places[1]),
            jwks_uri=str(places[2]),
            userinfo_endpoint=str(places[3]) if places[3] else None,
            auth_methods=tuple(body.get("token_endpoint_auth_methods_supported", ("client_secret_basic",))),
            answers_with_issuer=body.get("authorization_response_iss_parameter_supported") is True,
        )

    def _verified(self, id_token: str) -> jwt.Token:
        """Its signature checked. For a key not known yet, the provider is asked for its keys anew, once a minute."""
        try:
            return jwt.decode(id_token, self._key_set(), algorithms=SIGNED_BY)
        except InvalidKeyIdError:
            return jwt.decode(id_token, self._key_set(again=True), algorithms=SIGNED_BY)

    def _key_set(self, *, again: bool = False) -> KeySet:
        uri = self.description().jwks_uri
        with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys else float("inf")
            if self._keys is None or age > (KEYS_ASKED_AGAIN_SECONDS if again else DISCOVERED_FOR_SECONDS):
                status, body = self._ask("GET", uri)
                if status != httpx.codes.OK or not isinstance(body.get("keys"), list):
                    raise _misconfigured("its keys cannot be read", uri)
                self._keys = (time.monotonic(), KeySet.import_key_set({"keys": body["keys"]}))
            return self._keys[1]

    def _ask(self, method: str, url: str, **how: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of an answer, no redirect followed; `{}` for any other body."""
        content = b""
        try:
            with (
                httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
                client.stream(method, url, **how) as answer,
            ):
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise _misconfigured("its answer is too long", url)
        except httpx.HTTPError as error:
            raise RetryLater(
                f"the provider cannot be reached: {type(error).__name__}",
                where="oidc_issuer",
                value=self.issuer,
                remedy="Try again. Sessions and tokens hold meanwhile.",
            ) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise RetryLater(f"the provider answers {answer.status_code}", where="oidc_issuer", value=self.issuer)
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        return answer.status_code, body if isinstance(body, dict) else {}


def _not_believed(why: str) -> Unauthenticated:
    return Unauthenticated(why, where="sign-in", remedy="Begin again at the sign-in page.")


def _misconfigured(what: str, value: str) -> Stopped:
    return Stopped(what, where="oidc_issuer", value=value, remedy="Check HEADWATER_OIDC_ISSUER, and what it answers.")
