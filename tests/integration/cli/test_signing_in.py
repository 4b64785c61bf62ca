"""The first administrator, links, sessions and tokens by commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from headwater.errors import Unauthenticated
from headwater.services.installation import open_installation
from headwater.services.sign_in import passwords
from headwater.services.sign_in.authentication import authenticate
from headwater.services.sign_in.links import PATH, accept
from headwater.settings import load_settings

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Headwater

pytestmark = pytest.mark.server


def test_who_comes_in_and_by_what(headwater: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setenv("HEADWATER_PUBLIC_URL", "https://headwater.example.org/app/")
    told = headwater("people", "first-admin").out
    link = headwater("people", "first-admin", "--json").json["link"]
    assert link.startswith(f"https://headwater.example.org/app{PATH}hwl_")
    assert f"https://headwater.example.org/app{PATH}hwl_" in told
    with open_installation(load_settings()) as opened:
        signed_in = accept(opened, link.partition(PATH)[2], "marsh lantern oboe quilt", email="ada@example.org")
        assert signed_in is not None
        assert headwater("people", "first-admin").code == 2
        (session,) = headwater("people", "sessions", "ada@example.org", "--json").json
        assert session["session_id"] == str(signed_in.session_id)
        assert str(signed_in.session_id) in headwater("people", "sessions", "ada@example.org").out

        made = headwater("tokens", "create", "gateway", "--role", "data_analyst", "--scope", "write", "--json").json
        own = headwater("tokens", "create", "notebook", "--person", "ada@example.org", "--days", 7).out
        assert authenticate(opened, made["token"]).actor.rights == {"write"}
        text = next(line for line in own.splitlines() if line.startswith("hwt_"))
        assert authenticate(opened, text).actor.rights == {"read"}
        assert headwater("tokens", "create", "neither").code == 2
        listed = headwater("tokens", "list", "--json")
        assert {each["name"] for each in listed.json} == {"gateway", "notebook"}
        assert not {"secret_hash", text, made["token"]} & set(listed.out.split('"'))
        assert headwater("tokens", "revoke", made["token_id"]).code == 0
        assert made["token_id"] not in headwater("tokens", "list").out
        assert made["token_id"] in headwater("tokens", "list", "--all").out

        assert headwater("people", "end-sessions", "ada@example.org", "--json").json == {"ended": 1}
        for text_ended in (signed_in.text, made["token"]):
            with pytest.raises(Unauthenticated):
                authenticate(opened, text_ended)
        assert headwater("people", "reset-link", "ada@example.org", "--json").json["purpose"] == "password_reset"
        assert headwater("people", "reset-link", "nobody@example.org").code == 2
