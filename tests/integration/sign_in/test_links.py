from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.errors import Forbidden, InputRefused, Misuse, Unauthenticated
from headwater.services.access.policy import EVERY_RIGHT, Actor, Right
from headwater.services.sign_in.authentication import authenticate
from headwater.services.sign_in.by_password import sign_in
from headwater.services.sign_in.first_admin import invite_first_admin
from headwater.services.sign_in.links import accept, ask_for_reset, link_for, look_at
from tests.integration.sign_in.conftest import ADMIN, PASSWORD, Organisation, Scene, text_of

pytestmark = pytest.mark.server
OTHER = "quilt gravel ferry amber"


def test_the_first_admin_comes_by_a_link_that_works_once(organisation: Organisation) -> None:
    installation = organisation.installation
    replaced, newest = invite_first_admin(installation), invite_first_admin(installation)
    assert newest is not None
    text = text_of(newest)
    assert text not in repr(newest)
    with pytest.raises(Unauthenticated):
        look_at(installation, text_of(replaced))
    assert look_at(installation, text).needs_email
    with pytest.raises(Misuse, match="address is needed"):
        accept(installation, text, PASSWORD)
    with pytest.raises(InputRefused):
        accept(installation, text, "ada.lovelace1815", email="ada.lovelace@example.org")

    signed_in = accept(installation, text, PASSWORD, email=ADMIN)
    assert signed_in is not None
    assert authenticate(installation, signed_in.text).actor.rights == EVERY_RIGHT
    assert invite_first_admin(installation) is None
    for used in (text, text[:-1] + ("A" if text[-1] != "A" else "B"), text.replace("hwl_", "hws_")):
        with pytest.raises(Unauthenticated):
            accept(installation, used, PASSWORD)
    assert sign_in(installation, organisation.name, ADMIN.upper(), PASSWORD).person_id == signed_in.person_id


def test_of_two_who_use_a_link_at_once_one_succeeds(scene: Scene) -> None:
    text = text_of(link_for(scene.installation, scene.admin.person_id))

    def use(password: str) -> str | None:
        try:
            accept(scene.installation, text, password)
        except Unauthenticated:
            return None
        return password

    with ThreadPoolExecutor(2) as pool:
        won = [password for password in pool.map(use, (OTHER, OTHER + " too")) if password]
    assert len(won) == 1
    sign_in(scene.installation, scene.name, ADMIN, won[0])
    with pytest.raises(Unauthenticated):  # another password ends what was begun with the one before
        scene.acting()


def test_a_reset_is_sent_to_who_is_known_and_told_to_nobody(scene: Scene) -> None:
    installation = scene.installation
    assert ask_for_reset(installation, scene.name, "nobody@example.org") is None
    assert ask_for_reset(installation, "elsewhere", ADMIN) is None
    first = ask_for_reset(installation, scene.name, ADMIN)
    assert first is not None
    assert not look_at(installation, text_of(first)).needs_email
    assert ask_for_reset(installation, scene.name, ADMIN) is None  # not every second
    scene.change("UPDATE one_time_links SET expires_at = now()")
    with pytest.raises(Unauthenticated):
        accept(installation, text_of(first), OTHER)
    sign_in(installation, scene.name, ADMIN, PASSWORD)
    assert "example.org" not in str(scene.audited())


def test_nobody_takes_over_who_may_do_more(scene: Scene) -> None:
    manager = Actor(name="person/x", rights=frozenset({Right.READ, Right.MANAGE_USERS}))
    with pytest.raises(Forbidden, match="right delete"):
        link_for(scene.installation.acting(manager), scene.admin.person_id)
    assert scene.audited()[-1][1:3] == ("access.refused", "refused")
