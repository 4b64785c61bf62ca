"""Every contract passes the lint of the standard's own tool."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headwater.contracts import Document, odcs_yaml
from headwater.packs.ghg import pack

COMMAND = os.environ.get("HEADWATER_DATACONTRACT")


@pytest.mark.skipif(
    not COMMAND, reason="HEADWATER_DATACONTRACT does not name the datacontract command (tools/odcs.lock installs it)"
)
@pytest.mark.parametrize("document", pack.documents(), ids=lambda document: document.reference)
def test_a_contract_lints(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "contract.odcs.yaml"
    path.write_text(odcs_yaml(document), encoding="utf-8")
    done = subprocess.run(
        [str(COMMAND), "lint", "--all-errors", str(path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid against ODCS v3.2.0" in done.stdout
