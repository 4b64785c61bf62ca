"""The tutorial and the how-to guides that tell one story from beginning to end, followed word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.walkthrough import LOADED_WITH_QUARANTINE, follow
from tests.servers import Installation, free_port

DOCS = Path(__file__).parents[2] / "docs"
SOME_FILES_REFUSED = 4


@pytest.mark.server
@pytest.mark.slow
def test_the_tutorial_does_what_it_says(installation: Installation, tmp_path: Path) -> None:
    assert follow(DOCS / "tutorial/first-figures.md", tmp_path / "first-figures", installation) >= 8


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.long
def test_a_team_works_over_http(installation: Installation, tmp_path: Path) -> None:
    page = DOCS / "tutorial/together-over-http.md"
    assert follow(page, tmp_path / "together", installation, PORT=str(free_port())) >= 12


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(900)  # a hundred commands, each a process of its own
@pytest.mark.long
def test_forty_workbooks_are_loaded_before_the_deadline(installation: Installation, tmp_path: Path) -> None:
    page = DOCS / "how-to/forty-workbooks-and-a-deadline.md"
    codes = (LOADED_WITH_QUARANTINE, SOME_FILES_REFUSED)
    assert follow(page, tmp_path / "forty", installation, expected_codes=codes) >= 10


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.long
def test_an_inventory_is_made_and_published(installation: Installation, tmp_path: Path) -> None:
    page = DOCS / "how-to/make-an-inventory.md"
    assert follow(page, tmp_path / "inventory", installation) >= 6
