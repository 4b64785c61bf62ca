"""Sign-in with a real provider, panva's oidc-provider, through its login and consent forms as a browser goes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from pydantic import SecretStr

from headwater.errors import Conflict, Stopped, Unauthenticated
from headwater.services.access.keys import locked_keyring
from headwater.services.installation import Installation
from headwater.services.sign_in import by_oidc
from headwater.services.sign_in import provider as provider_module
from headwater.services.sign_in.addresses import email_index
from headwater.services.sign_in.authentication import authenticate
from headwater.services.sign_in.by_oidc import begin, finish, provider_of, redirect_uri
from headwater.services.sign_in.provider import Provider
from headwater.services.sign_in.sessions import SignedIn
from headwater.store import people
from tests.integration.sign_in.conftest import ADMIN, HERE, Scene
from tests.servers_oidc import SECRET, OidcServer, browse

pytestmark = pytest.mark.server


@pytest.fixture
def offered(scene: Scene, oidc_server: OidcServer, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The scene with the provider in its settings."""
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    monkeypatch.setattr(provider_module, "KEYS_ASKED_AGAIN_SECONDS", 0)
    update = {
        "oidc_issuer": oidc_server.url,
        "oidc_client_id": "headwater",
        "oidc_client_secret": SecretStr("env:OIDC_SECRET"),
    }
    settings = scene.installation.settings.model_copy(update=update)
    return replace(scene, installation=replace(scene.installation, settings=settings))


def sign_in(installation: Installation, login: str) -> SignedIn:
    begun = begin(installation)
    return finish(installation, begun.cookie, browse(begun.url, login), HERE)


def invited(installation: Installation, email: str) -> UUID:
    person_id, tenant = uuid4(), installation.tenant_id
    with installation.database.connect(tenant) as connection:
        keys = locked_keyring(installation, connection)
        people.add_person(connection, tenant, person_id, email_index=email_index(keys, email))
        people.change_person(connection, tenant, person_id, email=keys.make(person_id).encrypt("email", email))
    return person_id


def test_an_invited_person_signs_in_and_is_known_by_the_subject_from_then_on(
    offered: Scene, oidc_server: OidcServer
) -> None:
    installation = offered.installation
    bea = invited(installation, "bea@example.org")
    invited(installation, "unverified@example.org")
    for stranger in ("nobody@example.org", "unverified@example.org", ADMIN):  # ADMIN has a password, and did not link
        with pytest.raises(Unauthenticated, match="nor was invited"):
            sign_in(installation, stranger)
    told = offered.audited()
    assert [entry[1:3] for entry in told][-1] == ("sign_in.oidc", "refused")
    assert "example.org" not in str(told)

    first = sign_in(installation, "bea@example.org")
    assert first.person_id == bea
    assert authenticate(installation, first.text).actor.person_id == bea
    oidc_server.rotate()
    offered.change("UPDATE people SET email_index = NULL")
    assert sign_in(installation, "bea@example.org").person_id == bea  # by another key, whatever the address
    offered.change("UPDATE people SET state = 'suspended'")
    with pytest.raises(Unauthenticated):
        sign_in(installation, "bea@example.org")


def test_whoever_is_signed_in_links_an_account_of_their_own(offered: Scene) -> None:
    acting = offered.acting()
    begun = begin(acting)
    answer = browse(begun.url, "unverified-ada")
    with pytest.raises(Conflict, match="not signed in any more"):
        finish(offered.installation, begun.cookie, answer)
    assert sign_in(acting, "unverified-ada").person_id == offered.admin.person_id
    assert sign_in(offered.installation, "unverified-ada").person_id == offered.admin.person_id


def test_an_answer_opens_what_was_begun_in_this_browser_and_once(offered: Scene) -> None:
    installation = offered.installation
    invited(installation, "cyd@example.org")
    begun, other = begin(installation), begin(installation)
    answer = browse(begun.url, "cyd@example.org")
    changed: list[tuple[str, dict[str, str]]] = [
        (other.cookie, answer),
        (begun.cookie[:-2] + "AA", answer),
        ("", answer),
        (begun.cookie, {**answer, "state": "x"}),
        (begun.cookie, {**answer, "iss": "https://other.example.org"}),
        (begun.cookie, {name: value for name, value in answer.items() if name != "iss"}),
        (begun.cookie, {name: value for name, value in answer.items() if name != "code"}),
    ]
    for cookie, said in changed:
        with pytest.raises(Unauthenticated, match="Begin again"):
            finish(installation, cookie, said)
    # By another's verifier the provider does not take the code; by the right one it does, once.
    kept, strange = (by_oidc._opened(installation.settings, each.cookie) for each in (begun, other))
    mixed = by_oidc._sealed(installation.settings, {**kept, "verifier": strange["verifier"]})
    with pytest.raises(Unauthenticated, match="does not take the code"):
        finish(installation, mixed, answer)
    finish(installation, begun.cookie, answer)
    with pytest.raises(Unauthenticated, match="does not take the code"):
        finish(installation, begun.cookie, answer)
    late = by_oidc._sealed(installation.settings, {**kept, "at": int(time.time()) - 601})
    with pytest.raises(Unauthenticated, match="long ago"):
        finish(installation, late, answer)


def test_a_wrong_secret_or_issuer_is_the_installations_to_mend(
    offered: Scene, oidc_server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = offered.installation.settings
    monkeypatch.setenv("OIDC_SECRET", "wrong")
    provider = provider_of(settings)
    with pytest.raises(Stopped, match="by its id and secret"):
        provider.exchange("x", verifier="y" * 43, redirect_uri=redirect_uri(settings), secret="wrong")
    with pytest.raises(Stopped, match="no discovery document of this issuer"):
        Provider(f"{oidc_server.url}/", "headwater").description()


def test_an_id_token_is_believed_only_if_everything_in_it_is_right(offered: Scene) -> None:
    """The provider's own description, and a key of ours in place of its keys: what it would never sign."""
    provider = Provider(provider_of(offered.installation.settings).issuer, "headwater")
    key = RSAKey.generate_key(2048, {"kid": "ours"})
    provider._keys = (time.monotonic(), KeySet([key]))
    now = int(time.time())
    right: dict[str, Any] = {"iss": provider.issuer, "aud": "headwater", "sub": "s", "nonce": "n", "iat": now}
    right["exp"] = now + 300

    def believed(header: dict[str, str] | None = None, **changed: Any) -> bool:
        claims = {name: value for name, value in (right | changed).items() if value is not None}
        text = jwt.encode(header or {"alg": "RS256", "kid": "ours"}, claims, key, algorithms=["RS256", "PS256"])
        try:
            return bool(provider.claims(text, nonce="n")["sub"] == "s")
        except Unauthenticated:
            return False

    assert believed()
    assert believed(header={"alg": "PS256", "kid": "ours"})
    assert believed(aud=["headwater", "other"], azp="headwater")
    wrong: list[dict[str, Any]] = [
        {"iss": "https://other.example.org"}, {"aud": "other"}, {"aud": ["headwater", "other"]}, {"azp": "other"},
        {"exp": now - 61}, {"exp": None}, {"iat": now - 3600}, {"iat": now + 3600}, {"iat": None}, {"nonce": "m"},
        {"nonce": None}, {"nonce": ["n"]}, {"sub": None}, {"sub": 7}, {"sub": ""}, {"exp": "soon"}, {"nbf": now + 3600},
    ]  # fmt: skip
    assert [change for change in wrong if believed(**change)] == []
    for header, payload, signature in [jwt.encode({"alg": "RS256", "kid": "ours"}, right, key).split(".")]:
        none = "eyJhbGciOiJub25lIn0"
        for text in (f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{header}.{payload}.", "x", ""):
            with pytest.raises(Unauthenticated):
                provider.claims(text, nonce="n")
