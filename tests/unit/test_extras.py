"""How an extra is brought into an installation, whichever way that was made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater import extras

PIP = f"{sys.executable} -m pip install"


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ({"url": "file:///home/a/head%20water", "dir_info": {"editable": True}}, "--editable '/home/a/head water[s3]'"),
        ({"url": "file:///srv/headwater", "dir_info": {}}, "'/srv/headwater[s3]'"),
        ({"url": "file:///tmp/headwater-1.whl", "archive_info": {}}, "'headwater[s3] @ file:///tmp/headwater-1.whl'"),
        ({"url": "https://git.example.org/h", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
         "'headwater[s3] @ git+https://git.example.org/h@abc'"),
        (None, "'headwater[s3]'"),
    ],
)  # fmt: skip
def test_the_command_is_that_of_how_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, wanted: str
) -> None:
    folder = tmp_path / "headwater-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: headwater\nVersion: 1\n")
    if origin is not None:
        (folder / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert extras.how_to_install("s3") == f"Install it: `{PIP} {wanted}`"
    assert extras.how_to_install("s3", "azure").count(PIP) == 2
