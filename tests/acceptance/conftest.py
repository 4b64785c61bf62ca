"""Real files go through the contracts of all built-in packs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.contracts import Document
from headwater.packs.cbam import pack as cbam
from headwater.packs.companies import pack as companies
from headwater.packs.ghg import pack as ghg
from headwater.packs.inventories import pack as inventories
from headwater.packs.targets import pack as targets
from tests.acceptance.books import Books
from tests.river import make_river
from tests.servers import Installation

PACKS = (ghg, companies, targets, inventories, cbam)


@pytest.fixture(scope="session")
def ghg_documents() -> tuple[Document, ...]:
    """In place of one pack's contracts, those of all."""
    return tuple(document for pack in PACKS for document in pack.documents())


@pytest.fixture
def books(installation: Installation, tmp_path: Path) -> Books:
    """A fresh installation, and what it says of the files brought to it."""
    return Books(river=make_river(installation, tmp_path))
