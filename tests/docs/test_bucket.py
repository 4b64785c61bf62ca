"""The guide from a bucket to first figures, followed word for word against a store of the tests' own."""

from __future__ import annotations

import re
from pathlib import Path

import obstore
import pytest

from tests.connectors.servers_object_stores import SECRETS, seaweedfs
from tests.docs.walkthrough import follow
from tests.servers import Installation

PAGE = Path(__file__).parents[2] / "docs/how-to/connect-s3.md"


@pytest.mark.server
@pytest.mark.slow
def test_the_files_of_a_bucket_become_figures(installation: Installation, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (content,) = re.findall(r"^```csv\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    with seaweedfs() as server:
        obstore.put(server.owner, "bills/2024-01.csv", content.encode())
        mine = {
            "headwater connectors credentials set": 'printf %s "$SECRET" | headwater connectors credentials set',
            "--set region=eu-central-1": f"--set endpoint_url={server.url}",
            "AKIA…": "reader",
        }
        for said, here in mine.items():
            assert said in page
            page = page.replace(said, here)
        followed = tmp_path / "page.md"
        followed.write_text(page, encoding="utf-8")
        steps = follow(followed, tmp_path / "bucket", installation, SECRET=SECRETS["reader"])
    assert steps >= 6
    assert "t CO2e" in (tmp_path / "bucket/bills.html").read_text(encoding="utf-8")
