"""Organisations, units and people by commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Headwater

pytestmark = pytest.mark.server


def test_an_organisation_its_units_and_people(headwater: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    assert headwater("organisations", "add", "acme").code == 0
    assert "there already" in headwater("organisations", "add", "acme").err
    assert headwater("organisations", "add", "Acme Inc").code == 2
    listed = headwater("organisations", "list", "--json").json
    assert [each["organisation"] for each in listed] == ["acme", "default"]
    monkeypatch.setenv("HEADWATER_ORGANISATION", "acme")
    headwater("units", "add", "Europe", "--kind", "division")
    berlin = headwater("units", "add", "Berlin", "--kind", "site", "--below", "Europe", "--json").json
    assert berlin["path"] == ["Europe", "Berlin"]
    ann = headwater(
        "people", "invite", "ann.lee@example.org", "--name", "Ann Lee", "--role", "reviewer", "--unit", "Europe/Berlin",
        "--json",
    ).json  # fmt: skip
    assert "/hwl_" in ann["link"] or "hwl_" in ann["link"]
    assert headwater("people", "roles", "give", "ann.lee@example.org", "viewer").out == "given\n"
    assert headwater("people", "roles", "give", "ANN.LEE@example.org", "viewer").out == "they have it already\n"
    grant = headwater("people", "grants", "give", ann["person_id"], "write", "--until", "2100-01-01", "--json").json
    shown = headwater("people", "show", "ann.lee@example.org", "--json").json
    assert (shown["email"], shown["name"]) == ("a***e@example.org", "A***")
    assert [role["role"] for role in shown["roles"]] == ["reviewer", "viewer"]
    assert [each["grant_id"] for each in shown["grants"]] == [grant["grant_id"]]
    assert headwater("people", "show", "ann.lee@example.org", "--clear", "--json").json["name"] == "Ann Lee"
    assert headwater("people", "grants", "revoke", grant["grant_id"]).code == 0
    assert headwater("people", "keys", "rotate", "--json").json == {
        "organisation_keys": 0, "person_keys": 1, "file_keys": 0,
    }  # fmt: skip
    headwater("people", "change", "ann.lee@example.org", "--email", "ann.roe@example.org")
    assert headwater("people", "suspend", "ann.roe@example.org").code == 0
    assert headwater("people", "resume", "ann.roe@example.org").code == 0
    assert "a***e@example.org" in headwater("people", "list").out
    told = headwater("units", "archive", "Europe", "--yes")
    assert "1 unit below it, 1 role" in told.err
    europe = headwater("units", "list", "--archived", "--json").json[0]
    assert headwater("units", "list", "--json").json == []
    assert headwater("units", "restore", europe["unit_id"]).code == 0
    assert headwater("units", "rename", "Europe/Berlin", "Mitte", "--json").json["version"] == 4
    assert headwater("units", "move", "Europe/Mitte", "-", "--json").json["path"] == ["Mitte"]
    assert headwater("people", "erase", "ann.roe@example.org", "--yes").code == 0
    assert headwater("people", "list", "--erased", "--json").json[0]["email"] is None
    assert headwater("people", "show", "ann.roe@example.org").code == 2
    assert headwater("organisations", "show", "--json").json["units"] == 2
    assert headwater("verify").code == 0
