"""The organisation that the settings name: made known by the upgrade, asked for in words until then."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from headwater.errors import Stopped
from headwater.services.installation import open_installation
from headwater.services.schema import upgrade_schema
from headwater.settings import Settings, load_settings
from tests.servers import Installation

pytestmark = pytest.mark.server


def _settings(installation: Installation, folder: Path, organisation: str) -> Settings:
    return load_settings(
        environ={
            "HEADWATER_DATABASE_URL": installation.app_url,
            "HEADWATER_OWNER_URL": installation.owner_url,
            "HEADWATER_DATA_DIR": str(folder),
            "HEADWATER_ORGANISATION": organisation,
        }
    )


def test_an_organisation_nobody_made_known_is_refused_in_words(installation: Installation, tmp_path: Path) -> None:
    with (
        pytest.raises(Stopped, match=r"(?s)does not know this organisation.*acme.*db upgrade"),
        open_installation(_settings(installation, tmp_path, "acme")),
    ):
        pass


def test_the_upgrade_makes_it_known_and_leaves_the_others(installation: Installation, tmp_path: Path) -> None:
    settings = _settings(installation, tmp_path, "acme")
    assert isinstance(settings.owner_url, SecretStr)
    upgrade_schema(settings)
    for name in ("acme", "default"):
        with open_installation(_settings(installation, tmp_path, name)) as opened:
            assert opened.settings.organisation == name
