"""Paths in the config of a connector, which is read by programs that start in other folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater, Lab


def test_a_path_is_taken_from_the_folder_where_the_command_is_typed(
    headwater: Headwater, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = headwater("connectors", "add", "plant", "-k", "sqlite", "-s", f"path={lab.path.name}")
    assert added.out.startswith(f"path is kept from the root: {lab.path}\nplant is kept."), added.out
    files = ("-k", "s3", "-s", "bucket=bills", "-s", "anonymous=true", "-s", "ca_certificate=own.pem")
    kept = headwater("connectors", "add", "bills", *files, "--json").json["config"]
    assert kept["ca_certificate"] == str(tmp_path / "own.pem")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert headwater("connectors", "validate", "plant", "-t", "a").out == "plant can be reached and read.\n"
    assert headwater("connectors", "change", "plant", "-s", "lock_timeout=4").out == "plant is changed.\n"
    changed = headwater("connectors", "change", "plant", "-s", f"path=../{lab.path.name}", "--json").json["config"]
    assert Path(changed["path"]) == tmp_path / "elsewhere" / ".." / lab.path.name
    again = headwater("connectors", "change", "plant", "-s", f"path={lab.path}")
    assert again.out == "plant is changed.\n"
