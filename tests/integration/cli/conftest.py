"""The command line in front of a fresh database, run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from headwater.cli.main import app
from headwater.packs.ghg import pack
from tests.servers import Installation

ACTIVITY_FIELDS = [spec.name for document in pack.documents() if document.name == "activity" for spec in document.first]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Headwater = Callable[..., Ended]


@pytest.fixture
def headwater(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Headwater:
    """`headwater ARGUMENT…` in an empty folder, with a database of its own."""
    for name in [name for name in os.environ if name.startswith("HEADWATER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEADWATER_DATABASE_URL", installation.app_url)
    monkeypatch.setenv("HEADWATER_OWNER_URL", installation.owner_url)
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="headwater")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ended(code=done.exit_code, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture
def form(headwater: Headwater, tmp_path: Path) -> Path:
    """A mapping of activities whose columns are named as the fields."""
    del headwater  # it is there that we are
    path = tmp_path / "form.yaml"
    fields = {name: {"column": name} for name in ACTIVITY_FIELDS}
    path.write_text(yaml.safe_dump({"mapping": "form", "version": "1.0.0", "contract": "activity@1", "fields": fields}))
    return path
