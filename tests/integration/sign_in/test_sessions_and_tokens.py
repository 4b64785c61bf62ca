from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from headwater.errors import Forbidden, Misuse, NotFound, Unauthenticated
from headwater.services.access.policy import EVERY_RIGHT, Actor, Right, Role
from headwater.services.sign_in import authentication
from headwater.services.sign_in.by_password import sign_in
from headwater.services.sign_in.oneself import Oneself, oneself
from headwater.services.sign_in.sessions import end_session, end_sessions, list_sessions
from headwater.services.sign_in.tokens import create_for_service, create_personal, list_tokens, revoke
from headwater.store.units import add_unit
from tests.integration.sign_in.conftest import ADMIN, HERE, PASSWORD, Scene

pytestmark = pytest.mark.server


def is_let_in(scene: Scene, text: str) -> bool:
    words = f"^{re.escape(str(authentication._unknown()))}$"
    try:
        scene.acting(text)
    except Unauthenticated as error:
        return re.fullmatch(words, str(error)) is None  # told otherwise than all others
    return True


def test_sessions_are_listed_and_ended(scene: Scene) -> None:
    others = [sign_in(scene.installation, scene.name, ADMIN, PASSWORD, HERE) for _ in range(3)]
    acting = scene.acting()
    assert acting.actor.name == f"person/{scene.admin.person_id}"
    found = list_sessions(acting)
    assert [each.is_this for each in found] == [False, False, False, True]
    assert {(each.address, each.agent, each.method) for each in found} == {
        ("192.0.2.7", "Firefox", "password"),
        ("192.0.2.7", "Firefox", "invitation"),
    }
    assert "192.0.2.7" not in str(scene.rows("SELECT * FROM sessions")) + str(scene.audited())
    assert oneself(acting) == Oneself(organisation=scene.name, email=ADMIN, name="Ada", has_password=True)
    with pytest.raises(Forbidden, match="signed in"):
        oneself(scene.acting(create_personal(acting, "notebook").text))
    end_session(acting, others[0].session_id)
    assert [is_let_in(scene, each.text) for each in others] == [False, True, True]
    (ended,) = (entry for entry in scene.audited() if entry[1] == "session.ended")
    payload = json.loads(ended[3])
    assert payload["session"] == str(others[0].session_id)  # which was ended, beside by which it was
    assert payload["by"] == {"session": str(acting.actor.session_id)}
    with pytest.raises(NotFound):
        end_session(acting, others[0].session_id)
    assert end_sessions(acting) == 2
    assert len(list_sessions(acting)) == 1
    with pytest.raises(Forbidden):
        list_sessions(scene.installation)  # the operator is no person
    assert end_sessions(scene.installation, scene.admin.person_id) == 1
    assert not is_let_in(scene, scene.admin.text)


def test_a_session_ends_when_idle_old_or_its_person_is_suspended(scene: Scene) -> None:
    stale = "seen_at = now() - interval '2 minutes'"
    scene.change(f"UPDATE sessions SET {stale}")
    assert is_let_in(scene, scene.admin.text)
    (noted,) = scene.rows("SELECT seen_at > now() - interval '1 minute' AS lately, seen_at FROM sessions")
    assert noted["lately"]
    assert is_let_in(scene, scene.admin.text)  # no write each time
    assert scene.rows("SELECT true AS lately, seen_at FROM sessions") == [noted]
    for change, back in (
        ("UPDATE sessions SET seen_at = now() - interval '121 minutes'", "UPDATE sessions SET seen_at = now()"),
        ("UPDATE people SET state = 'suspended'", "UPDATE people SET state = 'active'"),
        ("UPDATE sessions SET expires_at = now()", "UPDATE sessions SET expires_at = now() + interval '1 hour'"),
    ):
        scene.change(change)
        assert not is_let_in(scene, scene.admin.text)
        scene.change(back)
        assert is_let_in(scene, scene.admin.text)
    assert [entry[1:3] for entry in scene.audited()].count(("session.refused", "refused")) == 1  # not for each try


def test_a_personal_token_does_what_its_scopes_and_its_person_may(scene: Scene) -> None:
    acting = scene.acting()
    new = create_personal(acting, "script", scopes=[Right.READ, Right.WRITE], days=7)
    assert new.text.startswith("hwt_")
    assert new.text not in repr(new)
    by_token = scene.acting(new.text)
    assert by_token.actor.rights == {Right.READ, Right.WRITE}
    assert (by_token.actor.name, by_token.actor.person_id) == (f"token/{new.token_id}", scene.admin.person_id)
    with pytest.raises(Forbidden):
        create_personal(by_token, "more")
    with pytest.raises(Forbidden):
        create_for_service(by_token, "more", Role.VIEWER)
    assert [entry[1:3] for entry in scene.audited()][-2:] == [("access.refused", "refused")] * 2
    with pytest.raises(Misuse, match="1 to 366"):
        create_personal(acting, "for good", days=367)
    scene.change("UPDATE memberships SET role = 'viewer'")
    assert scene.acting(new.text).actor.rights == {Right.READ}
    with pytest.raises(Forbidden, match="right write"):
        create_personal(scene.acting(), "more", scopes=[Right.WRITE])
    (listed,) = list_tokens(acting)
    assert (listed.name, listed.scopes, listed.seen_at is not None) == ("script", ["read", "write"], True)
    revoke(acting, new.token_id)
    revoke(acting, new.token_id)
    assert not is_let_in(scene, new.text)
    assert [entry[1] for entry in scene.audited()].count("token.revoked") == 1


def test_a_service_has_a_role_of_its_own(scene: Scene) -> None:
    acting, tenant = scene.acting(), scene.installation.tenant_id
    site, laboratory = uuid4(), uuid4()
    with acting.database.connect(tenant) as connection:
        add_unit(connection, tenant, site, parent_id=None, kind="site", name="Site")
        add_unit(connection, tenant, laboratory, parent_id=site, kind="laboratory", name="Laboratory")
    everywhere = create_for_service(acting, "loader", Role.DATA_ANALYST, scopes=[Right.READ, Right.DELETE])
    assert scene.acting(everywhere.text).actor.rights == {Right.READ}
    there = create_for_service(acting, "meter", Role.ADMIN, unit_id=site)
    actor = scene.acting(there.text).actor
    assert (actor.rights, actor.in_units) == (frozenset(), dict.fromkeys((site, laboratory), EVERY_RIGHT))
    with pytest.raises(NotFound):
        create_for_service(acting, "nowhere", Role.VIEWER, unit_id=uuid4())
    with pytest.raises(Misuse, match="could do nothing"):
        create_for_service(acting, "idle", Role.VIEWER, scopes=[Right.WRITE])
    manager = acting.acting(Actor(name="person/x", rights=frozenset({Right.MANAGE_USERS})))
    with pytest.raises(Forbidden, match="right delete"):
        create_for_service(manager, "mighty", Role.ADMIN)
    assert {each.name for each in list_tokens(acting, everybody=True)} == {"loader", "meter"}
    with pytest.raises(NotFound):
        revoke(acting.acting(Actor(name="person/y", rights=frozenset())), there.token_id)


def test_what_opens_nothing_is_refused_alike(scene: Scene) -> None:
    new = create_personal(scene.acting(), "script")
    head, secret = new.text[:-43], new.text[-43:]
    other = scene.installation.tenant_id.hex
    for text in (
        "",
        "hwt_",
        head + ("A" if secret[0] != "A" else "B") + secret[1:],
        head.replace(new.token_id.hex, uuid4().hex) + secret,
        head.replace(other, uuid4().hex) + secret,
        new.text.replace("hwt_", "hws_"),
        new.text.replace("hwt_", "hwl_"),
    ):
        assert not is_let_in(scene, text), text
    assert is_let_in(scene, new.text)
    scene.change("UPDATE api_tokens SET expires_at = now()")
    assert not is_let_in(scene, new.text)
