"""The command line in front of a fresh database, run in this process."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.testing
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from headwater.cli.main import app
from headwater.packs.ghg import pack
from tests.river import River, factors
from tests.servers import Installation
from tests.synced import MAPPING

ACTIVITY_FIELDS = [spec.name for document in pack.documents() if document.name == "activity" for spec in document.first]

# The runner would make the whole tree of commands anew each time, which takes longer than most commands.
typer.testing._get_command = cache(get_command)  # type: ignore[attr-defined]


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


def resubmitted(headwater: Headwater, mended: Callable[[dict[str, str]], dict[str, str]]) -> Ended:
    """All that is open, exported, with some cells of each record put right, and sent again."""
    assert headwater("quarantine", "export", "-o", "mend.csv", "--force").code == 0
    path = Path("mend.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | mended(row) for row in rows)
    return headwater("quarantine", "resubmit", path)


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

    def run(*arguments: object, typed: str | None = None) -> Ended:
        given = [str(argument) for argument in arguments]
        done = CliRunner().invoke(app, given, input=typed, prog_name="headwater")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ended(code=done.exit_code, out=done.stdout, err=done.stderr)

    return run


READINGS = "(reading_id INTEGER PRIMARY KEY, site TEXT, month TEXT, kwh REAL, changed_at TIMESTAMP)"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A source that needs no server: a file of SQLite's with tables a and b of 40 rows, and a mapping for them."""

    path: Path
    mapping: Path

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def lab(headwater: Headwater, tmp_path: Path) -> Lab:
    """The source, and the connector `lab` to it."""
    mapping = tmp_path / "readings.yaml"
    mapping.write_text(yaml.safe_dump(MAPPING))
    made = Lab(path=tmp_path / "lab.db", mapping=mapping)
    for table, begin in (("a", 0), ("b", 200)):
        made.change(
            f"CREATE TABLE {table} {READINGS}",
            f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40) INSERT INTO {table}"
            f" SELECT n + {begin}, 's' || n % 7, '2024-01-01', n * 1.5, datetime('2024-06-01', n || ' seconds') FROM n",
        )
    assert headwater("connectors", "add", "lab", "-k", "sqlite", "-s", f"path={made.path}").code == 0
    return made


@pytest.fixture
def full_lab(lab: Lab, river: River) -> Lab:
    """The same, and the factor that its activities need."""
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    return lab


@pytest.fixture
def form(headwater: Headwater, tmp_path: Path) -> Path:
    """A mapping of activities whose columns are named as the fields."""
    del headwater  # it is there that we are
    path = tmp_path / "form.yaml"
    fields = {name: {"column": name} for name in ACTIVITY_FIELDS}
    path.write_text(yaml.safe_dump({"mapping": "form", "version": "1.0.0", "contract": "activity@1", "fields": fields}))
    return path
