"""An installation with workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.river import River
from tests.workers import Workshop


@pytest.fixture
def workshop(river: River) -> Iterator[Workshop]:
    """A fresh installation; its workers are stopped at the end."""
    made = Workshop(river)
    yield made
    made.stop()
