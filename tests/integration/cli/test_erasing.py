"""`headwater records erase-subject`: what became of each file is told, and `verify` says what is erased."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Headwater

ROWS = [("hr/4711", "Ann Lovelace"), ("hr/4712", "Bob Babbage"), ("hr/4713", "Clara Hopper")]


def test_what_became_of_each_file_is_told(headwater: Headwater, tmp_path: Path) -> None:
    fields = {name: {"column": name} for name in ("worker_id", "name")} | {"system": {"constant": "hr"}}
    mapping = {"mapping": "staff", "version": "1.0.0", "contract": "erp.worker@1", "fields": fields}
    (tmp_path / "staff.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "staff.csv").write_text("".join(f"{','.join(row)}\n" for row in [("worker_id", "name"), *ROWS]))
    people = [dict(zip(("worker_id", "name"), row, strict=True)) for row in ROWS]
    (tmp_path / "staff.json").write_text(json.dumps(people[:2]))
    for name in ("staff.csv", "staff.json"):
        assert headwater("import", name, "-m", "staff.yaml").code == 0
    erase = ("records", "erase-subject", "erp.worker")

    done = headwater(*erase, "hr/4711", "--reason", "asked for")

    assert done.code == 0, done.err
    assert "redacted: staff.csv (" in done.out
    assert "erased wholly: staff.json (" in done.out
    assert "as a file of format json is not written again" in done.out
    told = headwater("verify").out
    assert "erased in parts: staff.csv" in told
    assert "erased: staff.json" in told
    assert "Everything agrees" in told
    body = headwater(*erase, "hr/4713", "--reason", "asked for", "--json").json
    assert [(file["name"], file["became"], file["records"]) for file in body["files"]] == [("staff.csv", "redacted", 1)]
    refused = headwater("import", "staff.csv", "-m", "staff.yaml")
    assert refused.code == 1
    assert "this file says what was erased" in refused.err
