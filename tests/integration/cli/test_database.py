"""`headwater db`: behind, brought up, and again with nothing to do."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Headwater
from tests.servers import Installation, own_folder


@pytest.fixture
def behind(headwater: Headwater, empty_database: Installation, monkeypatch: pytest.MonkeyPatch) -> Headwater:
    """In front of a database that was never upgraded."""
    monkeypatch.setenv("HEADWATER_DATABASE_URL", empty_database.app_url)
    monkeypatch.setenv("HEADWATER_OWNER_URL", empty_database.owner_url)
    return headwater


def test_a_database_behind_is_said_and_refused_until_it_is_brought_up(behind: Headwater) -> None:
    status = behind("db", "status", "--json")
    assert status.code == 1
    assert "0001_house" in status.json["pending"]
    assert status.json["up_to_date"] is False
    refused = behind("runs", "list")
    assert refused.code == 1
    assert "headwater db upgrade" in refused.err

    done = behind("db", "upgrade", "--json")
    assert done.code == 0
    assert "activity 1.2.0" in done.json["contracts"]
    assert "nothing to do" in behind("db", "upgrade").out
    assert behind("db", "status").code == 0
    assert behind("runs", "list", "--json").json == {"runs": [], "total": 0}


def test_only_the_owner_upgrades(behind: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_OWNER_URL")
    done = behind("db", "upgrade")
    assert done.code == 2
    assert "HEADWATER_OWNER_URL" in done.err


@pytest.mark.server
def test_whoever_waits_for_the_embedded_database_to_be_made_is_told_once(
    headwater: Headwater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADWATER_DATABASE_URL")
    monkeypatch.delenv("HEADWATER_OWNER_URL")
    with own_folder() as folder:
        monkeypatch.setenv("HEADWATER_DATA_DIR", str(folder))
        first = headwater("runs", "list", "--json")
        assert (first.code, first.json["total"]) == (0, 0)
        assert first.err == f"Setting up the embedded database in {folder}, this once …\n"
        assert headwater("runs", "list", "--json").err == ""
